//! Storage deposits: who pays for what a contract stores.
//!
//! Each frame has a [`Meter`]. Storage functions note changes of size in it; when the frame ends well, the changes are turned
//! into an amount at today's rates (or, for removals, at the average price that this contract paid), entered into the
//! contract's record, and handed to the caller's meter. Nothing moves until the outermost frame has ended well; then the
//! origin of the transaction pays or receives everything, refunds first.

use alloc::{collections::BTreeMap, vec::Vec};
use codec::MaxEncodedLen;
use frame_support::{
    dispatch::DispatchResult,
    traits::{
        fungible::{Inspect, Mutate, MutateHold},
        tokens::{Fortitude, Precision, Preservation, Restriction, WithdrawConsequence},
        Get,
    },
};
use sp_runtime::{
    traits::{Saturating, Zero},
    DispatchError, FixedPointNumber, FixedU128,
};

use crate::{
    primitives::StorageDeposit, storage::ContractInfo, wasm::CodeInfo, BalanceOf, Config, Error, Event, HoldReason,
    Origin, Pallet,
};

/// A change of deposit in the chain's balance type.
pub type DepositOf<T> = StorageDeposit<BalanceOf<T>>;

/// Bytes and items that a frame added and removed.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct Diff {
    bytes_added: u32,
    bytes_removed: u32,
    items_added: u32,
    items_removed: u32,
}

impl Diff {
    /// Notes that a value of `old` bytes became one of `new` bytes; `None` stands for no value.
    pub fn replace(&mut self, old: Option<u32>, new: Option<u32>) {
        let (old_bytes, new_bytes) = (old.unwrap_or(0), new.unwrap_or(0));
        let added = new_bytes.saturating_sub(old_bytes);
        let removed = old_bytes.saturating_sub(new_bytes);
        self.bytes_added = self.bytes_added.saturating_add(added);
        self.bytes_removed = self.bytes_removed.saturating_add(removed);
        self.items_added = self.items_added.saturating_add(u32::from(old.is_none() && new.is_some()));
        self.items_removed = self.items_removed.saturating_add(u32::from(old.is_some() && new.is_none()));
    }

    /// Whether anything was noted.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Enters the changes into the contract's record and returns what they cost.
    fn apply<T: Config>(self, info: &mut ContractInfo<T>) -> DepositOf<T> {
        let bytes = Quantity::<T> {
            added: self.bytes_added,
            removed: self.bytes_removed,
            rate: T::DepositPerByte::get(),
            held: &mut info.storage_byte_deposit,
            count: &mut info.storage_bytes,
        };
        let items = Quantity::<T> {
            added: self.items_added,
            removed: self.items_removed,
            rate: T::DepositPerItem::get(),
            held: &mut info.storage_item_deposit,
            count: &mut info.storage_items,
        };
        bytes.apply().saturating_add(items.apply())
    }
}

/// Either the bytes or the items of a contract.
struct Quantity<'a, T: Config> {
    added: u32,
    removed: u32,
    rate: BalanceOf<T>,
    held: &'a mut BalanceOf<T>,
    count: &'a mut u32,
}

impl<T: Config> Quantity<'_, T> {
    fn apply(self) -> DepositOf<T> {
        if self.added >= self.removed {
            let added = self.added - self.removed;
            let charge = self.rate.saturating_mul(added.into());
            *self.count = self.count.saturating_add(added);
            *self.held = self.held.saturating_add(charge);
            return StorageDeposit::Charge(charge);
        }
        let removed = self.removed - self.added;
        let share =
            FixedU128::checked_from_rational(removed, *self.count).unwrap_or_default().min(FixedU128::from_u32(1));
        let refund = share.saturating_mul_int(*self.held);
        *self.count = self.count.saturating_sub(removed);
        *self.held = self.held.saturating_sub(refund);
        StorageDeposit::Refund(refund)
    }
}

/// Deposit for storing `code_len` bytes of code: the code and its record are two items.
pub fn code_deposit<T: Config>(code_len: u32) -> BalanceOf<T> {
    let bytes = code_len.saturating_add(CodeInfo::<T>::max_encoded_len() as u32);
    let per_item = T::DepositPerItem::get().saturating_mul(2u32.into());
    T::DepositPerByte::get().saturating_mul(bytes.into()).saturating_add(per_item)
}

/// Deposit for a contract's record of `len` bytes and for keeping its code alive.
pub fn base_deposit<T: Config>(len: u32, code: &CodeInfo<T>) -> BalanceOf<T> {
    let record = T::DepositPerByte::get().saturating_mul(len.into()).saturating_add(T::DepositPerItem::get());
    record.saturating_add(T::CodeHashLockupDepositPercent::get().mul_ceil(code.deposit()))
}

/// An amount that moves between the origin and a contract when the outermost frame has ended.
struct Charge<T: Config> {
    contract: T::AccountId,
    amount: DepositOf<T>,
    /// Set if the contract ended: all that it still owns goes to this account.
    beneficiary: Option<T::AccountId>,
}

/// The deposits of one frame.
pub struct Meter<T: Config> {
    limit: BalanceOf<T>,
    /// Whether the caller set the limit for this frame alone.
    is_own_limit: bool,
    total: DepositOf<T>,
    charges: Vec<Charge<T>>,
    /// Changes of size that are not part of `total` yet.
    pub diff: Diff,
}

impl<T: Config> Meter<T> {
    fn with_limit(limit: BalanceOf<T>, is_own_limit: bool) -> Self {
        Self { limit, is_own_limit, total: Default::default(), charges: Vec::new(), diff: Diff::default() }
    }

    /// The meter of a transaction. `value` is what the origin will transfer besides.
    pub fn new(origin: &Origin<T>, limit: Option<BalanceOf<T>>, value: BalanceOf<T>) -> Result<Self, DispatchError> {
        let limit = match origin {
            Origin::Root => limit.unwrap_or_else(T::DefaultDepositLimit::get),
            Origin::Signed(account) => affordable_limit::<T>(account, limit, value)?,
        };
        Ok(Self::with_limit(limit, false))
    }

    /// The meter of a callee. A limit of zero stands for all that is left.
    pub fn nested(&self, limit: BalanceOf<T>) -> Self {
        let left = self.total.left_of(self.limit);
        if limit.is_zero() {
            return Self::with_limit(left, false);
        }
        Self::with_limit(limit.min(left), true)
    }

    /// Adds what a callee owes that ended well.
    pub fn absorb(&mut self, nested: Self) {
        self.total = self.total.saturating_add(nested.total);
        self.charges.extend(nested.charges);
    }

    /// Notes an amount for `contract`.
    pub fn charge(&mut self, contract: T::AccountId, amount: DepositOf<T>) {
        self.total = self.total.saturating_add(amount);
        if !amount.is_zero() {
            self.charges.push(Charge { contract, amount, beneficiary: None });
        }
    }

    /// Turns the noted changes of size into an amount and enters them into the record.
    pub fn settle(&mut self, contract: &T::AccountId, info: &mut ContractInfo<T>) {
        let amount = core::mem::take(&mut self.diff).apply(info);
        self.charge(contract.clone(), amount);
    }

    /// Returns everything that is held for a contract that ends. Changes of this frame no longer matter.
    pub fn terminate(&mut self, contract: T::AccountId, info: &ContractInfo<T>, beneficiary: T::AccountId) {
        self.diff = Diff::default();
        let amount = StorageDeposit::Refund(info.total_deposit());
        self.total = self.total.saturating_add(amount);
        self.charges.push(Charge { contract, amount, beneficiary: Some(beneficiary) });
    }

    /// Moves the existential deposit into a new contract's account, pins the account, and notes the base deposit.
    pub fn charge_instantiate(
        &mut self,
        origin: &T::AccountId,
        contract: &T::AccountId,
        info: &mut ContractInfo<T>,
        code: &CodeInfo<T>,
    ) -> DispatchResult {
        let existential = T::Currency::minimum_balance();
        self.total = self.total.saturating_add(StorageDeposit::Charge(existential));
        T::Currency::transfer(origin, contract, existential, Preservation::Preserve)?;
        frame_system::Pallet::<T>::inc_consumers(contract)?;
        let (_, base) = info.update_base_deposit(code);
        self.charge(contract.clone(), StorageDeposit::Charge(base));
        Ok(())
    }

    /// Fails if the frame owes more than it may. `is_outermost` stands for the frame at which the transaction's limit counts;
    /// any other frame is only held to a limit of its own, so that the order of storage accesses does not matter.
    pub fn enforce_limit(&self, is_outermost: bool) -> DispatchResult {
        if (is_outermost || self.is_own_limit) && self.total.exceeds(self.limit) {
            return Err(Error::<T>::StorageDepositLimitExhausted.into());
        }
        Ok(())
    }

    /// Moves all that was noted, refunds first, and returns the sum.
    pub fn execute(self, origin: &Origin<T>) -> Result<DepositOf<T>, DispatchError> {
        let Origin::Signed(payer) = origin else {
            return Ok(Default::default());
        };
        // What one frame takes, a later one may give back before anything is held. Such a refund lowers the charge, or the origin
        // would pay more than the sum and the surplus would stay on the contract for good.
        let mut unpaid = BTreeMap::new();
        for charge in &self.charges {
            if let StorageDeposit::Refund(amount) = charge.amount {
                let missing = amount.saturating_sub(charge.release(payer, amount)?);
                let sum = unpaid.entry(&charge.contract).or_insert_with(BalanceOf::<T>::zero);
                *sum = sum.saturating_add(missing);
            }
        }
        for charge in &self.charges {
            if let StorageDeposit::Charge(amount) = charge.amount {
                let sum = unpaid.entry(&charge.contract).or_insert_with(BalanceOf::<T>::zero);
                charge.hold(payer, amount.saturating_sub(*sum))?;
                *sum = sum.saturating_sub(amount);
            }
        }
        Ok(self.total)
    }
}

impl<T: Config> Charge<T> {
    fn hold(&self, payer: &T::AccountId, amount: BalanceOf<T>) -> DispatchResult {
        if amount.is_zero() {
            return Ok(());
        }
        T::Currency::transfer_and_hold(
            &HoldReason::StorageDepositReserve.into(),
            payer,
            &self.contract,
            amount,
            Precision::Exact,
            Preservation::Preserve,
            Fortitude::Polite,
        )?;
        Pallet::<T>::deposit_event(Event::StorageDepositTransferredAndHeld {
            from: payer.clone(),
            to: self.contract.clone(),
            amount,
        });
        Ok(())
    }

    /// Releases what is held of `amount` and, if the contract ended, hands out the rest of its balance; returns what was released.
    fn release(&self, payer: &T::AccountId, amount: BalanceOf<T>) -> Result<BalanceOf<T>, DispatchError> {
        let released = if amount.is_zero() { amount } else { self.release_held(payer, amount)? };
        if let Some(beneficiary) = &self.beneficiary {
            frame_system::Pallet::<T>::dec_consumers(&self.contract);
            let rest = T::Currency::reducible_balance(&self.contract, Preservation::Expendable, Fortitude::Polite);
            T::Currency::transfer(&self.contract, beneficiary, rest, Preservation::Expendable)?;
        }
        Ok(released)
    }

    fn release_held(&self, payer: &T::AccountId, amount: BalanceOf<T>) -> Result<BalanceOf<T>, DispatchError> {
        let amount = T::Currency::transfer_on_hold(
            &HoldReason::StorageDepositReserve.into(),
            &self.contract,
            payer,
            amount,
            Precision::BestEffort,
            Restriction::Free,
            Fortitude::Polite,
        )?;
        Pallet::<T>::deposit_event(Event::StorageDepositTransferredAndReleased {
            from: self.contract.clone(),
            to: payer.clone(),
            amount,
        });
        Ok(amount)
    }
}

/// The limit that a signed origin asked for, if it can pay that besides `value` and stay alive.
fn affordable_limit<T: Config>(
    origin: &T::AccountId,
    limit: Option<BalanceOf<T>>,
    value: BalanceOf<T>,
) -> Result<BalanceOf<T>, DispatchError> {
    let spendable = T::Currency::reducible_balance(origin, Preservation::Preserve, Fortitude::Polite)
        .saturating_sub(value)
        .saturating_sub(T::Currency::minimum_balance());
    let limit = limit.unwrap_or_else(|| spendable.min(T::DefaultDepositLimit::get()));
    let can_pay = matches!(T::Currency::can_withdraw(origin, limit), WithdrawConsequence::Success);
    if limit > spendable || !can_pay {
        return Err(Error::<T>::StorageDepositNotEnoughFunds.into());
    }
    Ok(limit)
}
