//! Replaces the blob at a stated block, and records the replacements that were undone.
//!
//! What it is: the way that a new blob takes from a `set_code` call (System checks its name and version) to `:code`. The call
//! stands in some block; the code is written at the beginning of block A, which lies a delay of blocks later, and the block after A
//! is the first that it executes. With a delay of 0 the call itself writes it, so that `CodeUpdated` is among the events of
//! that very extrinsic, as development tools expect.
//!
//! What it is not: the undoing. The host watches `:code`, tries the first block, and when it fails puts the old blob back and tells
//! this pallet with a `PreRuntime` item ([`sepia_primitives_upgrade::HostMessage`]); the pallet records it.
//!
//! It also writes, at genesis, what the host reads at the start of each block: the host version and the gas budgets.

#![cfg_attr(not(feature = "std"), no_std)]
#![deny(missing_docs)]

extern crate alloc;

#[cfg(test)]
mod tests;

pub use pallet::*;

use codec::{Decode, Encode, MaxEncodedLen};
use frame_support::weights::Weight;
use scale_info::TypeInfo;

/// What the calls and hooks of this pallet cost.
pub trait WeightInfo {
    /// A block's look at its digest and at what is pending.
    fn on_initialize() -> Weight;
    /// One message of the host.
    fn host_message() -> Weight;
    /// Writing a new blob.
    fn activate() -> Weight;
    /// The call.
    fn cancel() -> Weight;
}

impl WeightInfo for () {
    fn on_initialize() -> Weight {
        Weight::zero()
    }

    fn host_message() -> Weight {
        Weight::zero()
    }

    fn activate() -> Weight {
        Weight::zero()
    }

    fn cancel() -> Weight {
        Weight::zero()
    }
}

/// A blob that is to execute the block after `at`.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct PendingUpgrade<Hash, BlockNumber> {
    /// blake2b-256 of the blob.
    pub code_hash: Hash,
    /// The block in which it becomes `:code`.
    pub at: BlockNumber,
}

#[frame_support::pallet]
pub mod pallet {
    use super::*;
    use alloc::vec::Vec;
    use codec::DecodeAll;
    use frame_support::{pallet_prelude::*, storage::unhashed};
    use frame_system::{pallet_prelude::*, SetCode};
    use sepia_primitives_comet::ENGINE_ID;
    use sepia_primitives_upgrade::{Budgets, FailureReason, HostMessage, BUDGETS_KEY, HOST_VERSION, HOST_VERSION_KEY};
    use sp_runtime::traits::{Hash, Saturating, Zero};

    #[pallet::pallet]
    pub struct Pallet<T>(_);

    /// What this pallet needs of the runtime.
    #[pallet::config]
    pub trait Config: frame_system::Config<RuntimeEvent: From<Event<Self>>> {
        /// How many validators the chain has.
        type ValidatorCount: Get<u32>;
        /// The largest blob, as it is stored.
        #[pallet::constant]
        type MaxCodeLen: Get<u32>;
        /// What things cost.
        type WeightInfo: WeightInfo;
    }

    /// Blocks between a `set_code` call and the block that writes the code.
    #[pallet::storage]
    pub type Delay<T: Config> = StorageValue<_, BlockNumberFor<T>, ValueQuery>;

    /// The upgrade under way, from its call until the block after `at` begins.
    #[pallet::storage]
    pub type Pending<T: Config> = StorageValue<_, PendingUpgrade<T::Hash, BlockNumberFor<T>>>;

    /// Its blob, until it is written.
    #[pallet::storage]
    pub type PendingCode<T: Config> = StorageValue<_, BoundedVec<u8, T::MaxCodeLen>>;

    /// What happened.
    #[pallet::event]
    #[pallet::generate_deposit(pub(super) fn deposit_event)]
    pub enum Event<T: Config> {
        /// A new blob was accepted.
        Scheduled {
            /// blake2b-256 of the blob.
            code_hash: T::Hash,
            /// The block in which it becomes `:code`; the next one is executed by it.
            at: BlockNumberFor<T>,
        },
        /// Root took a new blob back before it was written.
        Cancelled {
            /// blake2b-256 of the blob.
            code_hash: T::Hash,
        },
        /// A new blob failed in its first block, and the one before it is in force again.
        UpgradeFailed {
            /// blake2b-256 of the blob that failed.
            code_hash: T::Hash,
            /// How.
            reason: FailureReason,
        },
    }

    /// Why a call is refused.
    #[pallet::error]
    pub enum Error<T> {
        /// Another upgrade is under way.
        UpgradePending,
        /// There is no upgrade that could still be cancelled.
        NoUpgradePending,
        /// The blob is larger than the chain stores.
        CodeTooLarge,
        /// An upgrade without delay is for chains of one validator: others need time to compile it.
        DelayRequired,
    }

    /// How a chain upgrades, and what its host may use.
    #[pallet::genesis_config]
    pub struct GenesisConfig<T: Config> {
        /// Blocks between a `set_code` call and the block that writes the code.
        pub delay: BlockNumberFor<T>,
        /// The host's tables that the chain runs under.
        pub host_version: u32,
        /// Gas of each phase of a block.
        pub budgets: Budgets,
    }

    impl<T: Config> Default for GenesisConfig<T> {
        fn default() -> Self {
            Self { delay: Zero::zero(), host_version: HOST_VERSION, budgets: Budgets::default() }
        }
    }

    #[pallet::genesis_build]
    impl<T: Config> BuildGenesisConfig for GenesisConfig<T> {
        fn build(&self) {
            assert_eq!(self.host_version, HOST_VERSION, "there is only one host version");
            assert_eq!(self.budgets.check(), Ok(()), "the gas budgets are unusable");
            Delay::<T>::put(self.delay);
            unhashed::put(HOST_VERSION_KEY, &self.host_version);
            unhashed::put(BUDGETS_KEY, &self.budgets);
        }
    }

    #[pallet::hooks]
    impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
        fn on_initialize(now: BlockNumberFor<T>) -> Weight {
            let mut weight = T::WeightInfo::on_initialize();
            for message in Self::host_messages() {
                Self::take_note(message);
                weight = weight.saturating_add(T::WeightInfo::host_message());
            }
            match Pending::<T>::get() {
                Some(pending) if pending.at < now => Pending::<T>::kill(),
                Some(pending) if pending.at == now => {
                    Self::activate();
                    weight = weight.saturating_add(T::WeightInfo::activate());
                }
                _ => {}
            }
            weight
        }
    }

    #[pallet::call]
    impl<T: Config> Pallet<T> {
        /// Takes back an upgrade whose block has not come yet.
        #[pallet::call_index(0)]
        #[pallet::weight((T::WeightInfo::cancel(), DispatchClass::Operational))]
        pub fn cancel(origin: OriginFor<T>) -> DispatchResult {
            ensure_root(origin)?;
            ensure!(PendingCode::<T>::exists(), Error::<T>::NoUpgradePending);
            let pending = Pending::<T>::take().ok_or(Error::<T>::NoUpgradePending)?;
            PendingCode::<T>::kill();
            Self::deposit_event(Event::Cancelled { code_hash: pending.code_hash });
            Ok(())
        }
    }

    impl<T: Config> SetCode<T> for Pallet<T> {
        fn set_code(code: Vec<u8>) -> DispatchResult {
            ensure!(!Pending::<T>::exists(), Error::<T>::UpgradePending);
            let code = BoundedVec::try_from(code).map_err(|_| Error::<T>::CodeTooLarge)?;
            let delay = Delay::<T>::get();
            ensure!(!delay.is_zero() || T::ValidatorCount::get() <= 1, Error::<T>::DelayRequired);

            let at = frame_system::Pallet::<T>::block_number().saturating_add(delay);
            let code_hash = T::Hashing::hash(&code);
            Pending::<T>::put(PendingUpgrade { code_hash, at });
            Self::deposit_event(Event::Scheduled { code_hash, at });
            match delay.is_zero() {
                true => frame_system::Pallet::<T>::update_code_in_storage(&code),
                false => PendingCode::<T>::put(code),
            }
            Ok(())
        }
    }

    impl<T: Config> Pallet<T> {
        /// Whether the state is one that blocks can be built on.
        pub fn check() -> Result<(), &'static str> {
            if unhashed::get::<u32>(HOST_VERSION_KEY) != Some(HOST_VERSION) {
                return Err("the host version is missing or unknown");
            }
            unhashed::get::<Budgets>(BUDGETS_KEY).ok_or("the gas budgets are missing or unreadable")?.check()?;
            if PendingCode::<T>::exists() && !Pending::<T>::exists() {
                return Err("a pending blob has no block");
            }
            Ok(())
        }

        fn activate() {
            if let Some(code) = PendingCode::<T>::take() {
                frame_system::Pallet::<T>::update_code_in_storage(&code);
            }
        }

        /// What the host says in the header of this block. An item that this blob does not know is a later host's, and passed over.
        fn host_messages() -> Vec<HostMessage> {
            let digest = frame_system::Pallet::<T>::digest();
            let items = digest.logs.iter().filter_map(|item| item.as_pre_runtime());
            items
                .filter(|(engine, _)| *engine == ENGINE_ID)
                .filter_map(|(_, data)| HostMessage::decode_all(&mut &data[..]).ok())
                .collect()
        }

        fn take_note(message: HostMessage) {
            let HostMessage::UpgradeUndone { code_hash, reason } = message;
            if let Ok(code_hash) = T::Hash::decode(&mut &code_hash[..]) {
                Self::deposit_event(Event::UpgradeFailed { code_hash, reason });
            }
        }
    }
}
