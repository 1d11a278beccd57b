//! Gas of one frame: picoseconds of `ref_time`, the same unit that guests and weights use.
//!
//! A meter knows its limit, what is left, and the lowest point that "left" ever reached. The lowest point can lie below the
//! final value, because some operations charge the worst case first and give back the difference. The limit minus the lowest
//! point is what a call needs: it succeeds with exactly that limit and fails with one unit less.

use sp_guest_vm::codes::MAX_GAS;

/// A charge did not fit into what is left. Nothing was taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OutOfGas;

/// An amount that was charged and may be [adjusted](GasMeter::adjust) when the real cost is known.
#[derive(Debug)]
pub struct Charged(u64);

/// The gas of one frame.
#[derive(Debug, PartialEq, Eq)]
pub struct GasMeter {
    limit: u64,
    left: u64,
    lowest: u64,
}

impl GasMeter {
    /// A meter with `limit` picoseconds, cut to [`MAX_GAS`].
    pub fn new(limit: u64) -> Self {
        let limit = limit.min(MAX_GAS);
        Self { limit, left: limit, lowest: limit }
    }

    /// What may still be used.
    pub fn left(&self) -> u64 {
        self.left
    }

    /// What was used for good.
    pub fn consumed(&self) -> u64 {
        self.limit - self.left
    }

    /// The smallest limit with which everything so far would have succeeded.
    pub fn required(&self) -> u64 {
        self.limit - self.lowest.min(self.left)
    }

    /// Takes `amount`, or nothing at all.
    pub fn charge(&mut self, amount: u64) -> Result<Charged, OutOfGas> {
        self.left = self.left.checked_sub(amount).ok_or(OutOfGas)?;
        Ok(Charged(amount))
    }

    /// Gives back what `charged` took beyond the `actual` cost.
    pub fn adjust(&mut self, charged: Charged, actual: u64) {
        self.lowest = self.lowest.min(self.left);
        self.left += charged.0.saturating_sub(actual);
    }

    /// Records what a guest left over of the gas that [`left`](Self::left) gave it.
    pub fn set_left(&mut self, left: u64) {
        self.left = self.left.min(left);
    }

    /// Splits off a meter for a callee: `limit`, or everything if that is zero or more than what is left.
    pub fn nested(&mut self, limit: u64) -> Self {
        let limit = if limit == 0 { self.left } else { limit.min(self.left) };
        self.left -= limit;
        Self::new(limit)
    }

    /// Takes back a callee's meter with all that it did not use, whether the callee succeeded or not.
    pub fn absorb(&mut self, nested: Self) {
        let at_worst = self.left + nested.limit - nested.required();
        self.lowest = self.lowest.min(at_worst);
        self.left += nested.left;
    }
}
