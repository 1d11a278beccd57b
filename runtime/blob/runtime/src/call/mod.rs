//! What lives for one call of the runtime: its memory, and answers of the host that it need not ask for again.
//!
//! A FRAME runtime asks its host for the same things over and over. A transfer reads 16 keys of the state, and asks for them 70
//! times; each time it hashes the names of pallet and item and the account again, and reserves and releases memory for each
//! intermediate result. Every such request leaves Wasm and comes back. Here they are answered inside:
//!
//! - [`memory`]: the global allocator, over one block of the host's memory, and `memcpy`.
//! - [`hashes`]: digests of short inputs.
//! - [`reads`]: values of the state.
//!
//! What it is not: state. Linear memory is fresh in each call, so nothing here outlives one, and a runtime without this module
//! has the same results. Gas differs, as with any other change of the runtime's code.
//!
//! How data flows: [`begin`] puts these answers before the host functions of `sp-io`, which FRAME and the pallets call; whatever
//! is not known goes on to the host.

#[cfg_attr(not(any(substrate_runtime, test)), allow(dead_code))]
mod hashes;
#[cfg_attr(not(any(substrate_runtime, test)), allow(dead_code))]
mod memory;
#[cfg_attr(not(any(substrate_runtime, test)), allow(dead_code))]
mod reads;

#[cfg(substrate_runtime)]
mod copy;

/// Begins to remember. To be called once, first of all, in a runtime API that reads much; without it the call is right but slower.
pub fn begin() {
    #[cfg(substrate_runtime)]
    {
        hashes::remember();
        reads::remember();
    }
}

/// A value that only one thread reaches: Wasm of this kind has no other.
#[cfg(substrate_runtime)]
struct Single<T>(core::cell::UnsafeCell<T>);

// SAFETY: there is one thread.
#[cfg(substrate_runtime)]
unsafe impl<T> Sync for Single<T> {}

#[cfg(substrate_runtime)]
impl<T> Single<T> {
    const fn new(value: T) -> Self {
        Self(core::cell::UnsafeCell::new(value))
    }

    /// Runs `work` with the value.
    ///
    /// # Safety
    ///
    /// `work` must not come back here for the same value.
    unsafe fn with<R>(&self, work: impl FnOnce(&mut T) -> R) -> R {
        work(&mut *self.0.get())
    }
}
