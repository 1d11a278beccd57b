//! Wasm contracts: who may store, make, call and end them, what they cost, and what their code can ask of the chain.
//!
//! The pallet keeps the names, calls, events, errors, storage and runtime API that clients of `pallet-contracts` know, so that
//! wallets, SDKs and contracts made for it work unchanged. It runs no Wasm itself: code is checked, metered and executed by the
//! guest VM of the host (crate `sp-guest-vm`), which hands each import call of a contract back to this pallet.
//!
//! How a call flows: an extrinsic or a runtime API call makes meters for gas ([`gas`]) and deposits ([`deposits`]) and a call
//! stack ([`exec`]). The stack loads code ([`wasm`]), opens a frame, and runs the guest; import calls go through the table of
//! seal functions ([`seal::table`]). When the outermost frame has ended well, deposits move, and the unused weight is returned.
//!
//! What it is not: there is no second gas meter, no Wasm parser and no engine here. Gas is picoseconds of `ref_time` throughout;
//! `proof_size` is not charged, and any limit on it is accepted.

#![cfg_attr(not(feature = "std"), no_std)]
#![deny(missing_docs)]

extern crate alloc;

pub mod address;
pub mod api;
pub mod costs;
pub mod debug;
pub mod deposits;
pub mod exec;
pub mod gas;
mod outer;
pub mod primitives;
pub mod seal;
pub mod storage;
pub mod wasm;

#[cfg(test)]
mod tests;

use alloc::vec::Vec;
use codec::{Decode, DecodeWithMemTracking, Encode, HasCompact, MaxEncodedLen};
use frame_support::{
    dispatch::DispatchResultWithPostInfo,
    traits::{
        fungible::{Inspect, Mutate, MutateHold},
        Time,
    },
    BoundedVec, CloneNoBound, DebugNoBound, PartialEqNoBound,
};
use frame_system::RawOrigin;
use scale_info::TypeInfo;
use sp_core::ConstU32;
use sp_runtime::{traits::StaticLookup, DispatchError, Perbill};

pub use debug::MAX_DEBUG_BUFFER_LEN;
pub use pallet::*;
pub use primitives::*;
pub use wasm::{CodeInfo, Determinism};

use address::TrieId;
use storage::{ContractInfo, DeletionQueueManager};

/// Balance type of the currency.
pub type BalanceOf<T> = <<T as Config>::Currency as Inspect<<T as frame_system::Config>::AccountId>>::Balance;
/// A change of deposit in the chain's balance type.
pub type DepositOf<T> = StorageDeposit<BalanceOf<T>>;
/// Hash of code.
pub type CodeHash<T> = <T as frame_system::Config>::Hash;
/// A point in time.
pub type MomentOf<T> = <<T as Config>::Time as Time>::Moment;
/// Code in storage.
pub type CodeVec = BoundedVec<u8, ConstU32<MAX_CODE_LEN>>;
/// An event with its phase and topics.
pub type EventRecordOf<T> =
    frame_system::EventRecord<<T as frame_system::Config>::RuntimeEvent, <T as frame_system::Config>::Hash>;
type LookupSource<T> = <<T as frame_system::Config>::Lookup as StaticLookup>::Source;
type CompactBalance<T> = <BalanceOf<T> as HasCompact>::Type;

/// Most bytes of code. Twice the size of the largest contracts in use.
pub const MAX_CODE_LEN: u32 = 256 * 1024;
/// Most bytes of a storage key in the variable form.
pub const MAX_STORAGE_KEY_LEN: u32 = 128;
/// Most bytes of a stored value or of an event's data.
pub const MAX_PAYLOAD_LEN: u32 = 16 * 1024;
/// Most topics of an event.
pub const MAX_EVENT_TOPICS: u32 = 4;
/// Most entries of a contract's list of code that it keeps alive.
pub const MAX_DELEGATE_DEPENDENCIES: u32 = 32;
/// Version of the seal functions, as contracts' build tools know it.
pub const API_VERSION: u16 = 4;

/// Who started a transaction or calls a contract.
#[derive(
    Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo, CloneNoBound, PartialEqNoBound, DebugNoBound,
)]
#[scale_info(skip_type_params(T))]
pub enum Origin<T: Config> {
    /// The chain's own authority. It pays no deposits and has no account.
    Root,
    /// An account.
    Signed(T::AccountId),
}

impl<T: Config> Origin<T> {
    /// The origin of a dispatched call.
    pub fn from_runtime_origin(origin: T::RuntimeOrigin) -> Result<Self, DispatchError> {
        match origin.into() {
            Ok(RawOrigin::Root) => Ok(Self::Root),
            Ok(RawOrigin::Signed(account)) => Ok(Self::Signed(account)),
            _ => Err(DispatchError::BadOrigin),
        }
    }

    /// The account, which Root does not have.
    pub fn account(&self) -> Result<&T::AccountId, DispatchError> {
        match self {
            Self::Signed(account) => Ok(account),
            Self::Root => Err(DispatchError::RootNotAllowed),
        }
    }
}

/// A type of the contract environment, told by the metadata.
#[derive(Encode, Decode, TypeInfo, MaxEncodedLen)]
pub struct EnvironmentType<V>(core::marker::PhantomData<V>);

impl<V> Default for EnvironmentType<V> {
    fn default() -> Self {
        Self(core::marker::PhantomData)
    }
}

/// The types that contracts are compiled with. Build tools compare them with the contract's own before they upload it.
#[derive(Encode, Decode, TypeInfo, MaxEncodedLen)]
#[scale_info(skip_type_params(T))]
pub struct Environment<T: Config> {
    account_id: EnvironmentType<T::AccountId>,
    balance: EnvironmentType<BalanceOf<T>>,
    hash: EnvironmentType<T::Hash>,
    hasher: EnvironmentType<T::Hashing>,
    timestamp: EnvironmentType<MomentOf<T>>,
    block_number: EnvironmentType<frame_system::pallet_prelude::BlockNumberFor<T>>,
}

impl<T: Config> Default for Environment<T> {
    fn default() -> Self {
        Self {
            account_id: Default::default(),
            balance: Default::default(),
            hash: Default::default(),
            hasher: Default::default(),
            timestamp: Default::default(),
            block_number: Default::default(),
        }
    }
}

/// Limits that contracts and their tools know.
#[derive(Clone, PartialEq, Eq, Encode, Decode, TypeInfo, Debug)]
pub struct Limits {
    /// Topics of an event.
    pub event_topics: u32,
    /// Pages of memory.
    pub memory_pages: u32,
    /// Bytes of a stored value or of an event's data.
    pub payload_len: u32,
}

/// What the pallet enforces besides its other constants.
#[derive(Clone, PartialEq, Eq, Encode, Decode, TypeInfo, Debug)]
pub struct Schedule {
    /// The limits.
    pub limits: Limits,
}

#[frame_support::pallet]
#[allow(missing_docs, reason = "the attribute makes public items that take no documentation")]
pub mod pallet {
    use super::*;
    use frame_support::pallet_prelude::*;
    use frame_system::pallet_prelude::*;

    /// Version of the storage layout. Clients know the layout by this number of the pallet whose names this one keeps.
    const STORAGE_VERSION: StorageVersion = StorageVersion::new(16);

    #[pallet::pallet]
    #[pallet::storage_version(STORAGE_VERSION)]
    pub struct Pallet<T>(_);

    #[pallet::config]
    pub trait Config: frame_system::Config<RuntimeEvent: From<Event<Self>>> {
        /// The block's time.
        type Time: Time;

        /// The currency of values and deposits.
        type Currency: Mutate<Self::AccountId> + MutateHold<Self::AccountId, Reason = Self::RuntimeHoldReason>;

        /// The runtime's hold reasons.
        type RuntimeHoldReason: From<HoldReason>;

        /// Deposit for a stored byte.
        #[pallet::constant]
        type DepositPerByte: Get<BalanceOf<Self>>;

        /// Deposit for a stored item.
        #[pallet::constant]
        type DepositPerItem: Get<BalanceOf<Self>>;

        /// Most deposit that a transaction may take which states no limit.
        #[pallet::constant]
        type DefaultDepositLimit: Get<BalanceOf<Self>>;

        /// Share of the code's deposit that each contract with this code pays.
        #[pallet::constant]
        type CodeHashLockupDepositPercent: Get<Perbill>;
    }

    /// Code by its hash.
    #[pallet::storage]
    pub type PristineCode<T: Config> = StorageMap<_, Identity, CodeHash<T>, CodeVec>;

    /// The record of each code.
    #[pallet::storage]
    pub type CodeInfoOf<T: Config> = StorageMap<_, Identity, CodeHash<T>, CodeInfo<T>>;

    /// How many contracts were made; makes the storage of each one distinct.
    #[pallet::storage]
    pub type Nonce<T: Config> = StorageValue<_, u64, ValueQuery>;

    /// The record of each contract.
    #[pallet::storage]
    pub type ContractInfoOf<T: Config> = StorageMap<_, Twox64Concat, T::AccountId, ContractInfo<T>>;

    /// Storage of ended contracts that waits for its deletion.
    #[pallet::storage]
    pub type DeletionQueue<T: Config> = StorageMap<_, Twox64Concat, u32, TrieId>;

    /// Both ends of the deletion queue.
    #[pallet::storage]
    pub type DeletionQueueCounter<T: Config> = StorageValue<_, DeletionQueueManager<T>, ValueQuery>;

    #[pallet::extra_constants]
    impl<T: Config> Pallet<T> {
        /// Version of the functions that contracts can import.
        #[pallet::constant_name(ApiVersion)]
        fn api_version() -> u16 {
            API_VERSION
        }

        /// The types that contracts are compiled with.
        #[pallet::constant_name(Environment)]
        fn environment() -> Environment<T> {
            Environment::default()
        }

        /// Most bytes of code.
        #[pallet::constant_name(MaxCodeLen)]
        fn max_code_len() -> u32 {
            MAX_CODE_LEN
        }

        /// Most bytes that a dry run prints.
        #[pallet::constant_name(MaxDebugBufferLen)]
        fn max_debug_buffer_len() -> u32 {
            MAX_DEBUG_BUFFER_LEN
        }

        /// Most code hashes that a contract keeps alive.
        #[pallet::constant_name(MaxDelegateDependencies)]
        fn max_delegate_dependencies() -> u32 {
            MAX_DELEGATE_DEPENDENCIES
        }

        /// Most bytes of a storage key.
        #[pallet::constant_name(MaxStorageKeyLen)]
        fn max_storage_key_len() -> u32 {
            MAX_STORAGE_KEY_LEN
        }

        /// Most bytes of storage that lasts for one transaction. There is none.
        #[pallet::constant_name(MaxTransientStorageSize)]
        fn max_transient_storage_size() -> u32 {
            0
        }

        /// Other limits.
        #[pallet::constant_name(Schedule)]
        fn schedule() -> Schedule {
            Schedule {
                limits: Limits {
                    event_topics: MAX_EVENT_TOPICS,
                    memory_pages: seal::table::LIMITS.memory_pages,
                    payload_len: MAX_PAYLOAD_LEN,
                },
            }
        }

        /// Whether contracts can import functions that may change. They cannot.
        #[pallet::constant_name(UnsafeUnstableInterface)]
        fn unsafe_unstable_interface() -> bool {
            false
        }
    }

    #[pallet::composite_enum]
    pub enum HoldReason {
        /// Held from the one who stored code.
        CodeUploadDepositReserve,
        /// Held on a contract's account for what it stores.
        StorageDepositReserve,
    }

    #[pallet::event]
    #[pallet::generate_deposit(pub(crate) fn deposit_event)]
    pub enum Event<T: Config> {
        /// A contract was made.
        #[codec(index = 0)]
        Instantiated { deployer: T::AccountId, contract: T::AccountId },
        /// A contract ended itself.
        #[codec(index = 1)]
        Terminated { contract: T::AccountId, beneficiary: T::AccountId },
        /// Code was stored.
        #[codec(index = 2)]
        CodeStored { code_hash: T::Hash, deposit_held: BalanceOf<T>, uploader: T::AccountId },
        /// A contract emitted an event.
        #[codec(index = 3)]
        ContractEmitted { contract: T::AccountId, data: Vec<u8> },
        /// Code was removed.
        #[codec(index = 4)]
        CodeRemoved { code_hash: T::Hash, deposit_released: BalanceOf<T>, remover: T::AccountId },
        /// A contract got other code.
        #[codec(index = 5)]
        ContractCodeUpdated { contract: T::AccountId, new_code_hash: T::Hash, old_code_hash: T::Hash },
        /// A contract was called and ended well.
        #[codec(index = 6)]
        Called { caller: Origin<T>, contract: T::AccountId },
        /// A contract ran other code on its own storage.
        #[codec(index = 7)]
        DelegateCalled { contract: T::AccountId, code_hash: CodeHash<T> },
        /// A deposit was taken and is held on a contract's account.
        #[codec(index = 8)]
        StorageDepositTransferredAndHeld { from: T::AccountId, to: T::AccountId, amount: BalanceOf<T> },
        /// A deposit was released from a contract's account.
        #[codec(index = 9)]
        StorageDepositTransferredAndReleased { from: T::AccountId, to: T::AccountId, amount: BalanceOf<T> },
    }

    /// Names are those that clients look for.
    #[pallet::error]
    pub enum Error<T> {
        /// The schedule is invalid.
        InvalidSchedule,
        /// A call, a delegated call or a return has a flag without meaning.
        InvalidCallFlags,
        /// The gas limit does not suffice.
        OutOfGas,
        /// The room that the contract offers is too small for the data.
        OutputBufferTooSmall,
        /// A balance did not move; perhaps an account would fall below the existential deposit.
        TransferFailed,
        /// Too many contracts call each other.
        MaxCallDepthReached,
        /// No contract lives at the account.
        ContractNotFound,
        /// The code is longer than code may be.
        CodeTooLarge,
        /// No code has this hash.
        CodeNotFound,
        /// No record of code has this hash.
        CodeInfoNotFound,
        /// A pointer or length of the contract leaves its memory.
        OutOfBounds,
        /// Bytes of the contract do not decode to what is expected.
        DecodingFailed,
        /// The contract trapped: a panic, a failed assertion, a division by zero, a wild memory access, too deep a recursion.
        ContractTrapped,
        /// A stored value or an event's data is too long.
        ValueTooLarge,
        /// A contract that is called more than once at a time cannot end itself.
        TerminatedWhileReentrant,
        /// The contract gave its input away.
        InputForwarded,
        /// The subject of a random value is too long.
        RandomSubjectTooLong,
        /// An event has too many topics.
        TooManyTopics,
        /// The chain has no extension for contracts.
        NoChainExtension,
        /// A cross-chain message does not decode.
        XCMDecodeFailed,
        /// A contract with the same code, deployer, input and salt exists.
        DuplicateContract,
        /// A constructor cannot end its contract.
        TerminatedInConstructor,
        /// The contract did not allow to be called again.
        ReentranceDenied,
        /// The frame must not change state.
        StateChangeDenied,
        /// The origin cannot pay the storage deposit.
        StorageDepositNotEnoughFunds,
        /// More storage deposit is needed than the limit allows.
        StorageDepositLimitExhausted,
        /// Code that is in use cannot be removed.
        CodeInUse,
        /// The contract asked for its changes to be undone. What it returned says why; only dry runs show it.
        ContractReverted,
        /// The code breaks a rule or a limit. The debug message of a dry run names it.
        CodeRejected,
        /// The code may give different results on different machines.
        Indeterministic,
        /// The storage layout is being changed.
        MigrationInProgress,
        /// The storage layout needs no change.
        NoMigrationPerformed,
        /// The contract keeps too much code alive.
        MaxDelegateDependenciesReached,
        /// The contract does not keep this code alive.
        DelegateDependencyNotFound,
        /// The contract keeps this code alive already.
        DelegateDependencyAlreadyExists,
        /// A contract cannot keep its own code alive.
        CannotAddSelfAsDelegateDependency,
        /// The storage that lasts for one transaction is full.
        OutOfTransientStorage,
    }

    #[pallet::hooks]
    impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
        fn on_idle(_now: BlockNumberFor<T>, limit: Weight) -> Weight {
            crate::storage::process_deletion_queue::<T>(limit)
        }
    }

    #[pallet::call]
    impl<T: Config> Pallet<T>
    where
        CompactBalance<T>: Clone + Eq + PartialEq + core::fmt::Debug + TypeInfo + Encode + DecodeWithMemTracking,
    {
        /// Stores code, of which anybody can then make contracts.
        ///
        /// A deposit is held until [`remove_code`](Self::remove_code). `determinism` makes no difference: code whose result may
        /// differ between machines is refused either way.
        #[pallet::call_index(3)]
        #[pallet::weight(costs::upload_at_worst(code.len()))]
        pub fn upload_code(
            origin: OriginFor<T>,
            code: Vec<u8>,
            storage_deposit_limit: Option<CompactBalance<T>>,
            determinism: Determinism,
        ) -> DispatchResultWithPostInfo {
            let uploader = ensure_signed(origin)?;
            let _ = determinism;
            let code_len = code.len();
            let uploaded = Self::upload(uploader, code, storage_deposit_limit.map(Into::into))?;
            Ok(Some(costs::upload(code_len, uploaded.score)).into())
        }

        /// Removes code that no contract uses and returns the deposit. Only the one who stored it may.
        #[pallet::call_index(4)]
        #[pallet::weight(costs::extrinsic_code())]
        pub fn remove_code(origin: OriginFor<T>, code_hash: CodeHash<T>) -> DispatchResultWithPostInfo {
            let owner = ensure_signed(origin)?;
            wasm::remove::<T>(&owner, code_hash)?;
            Ok(Pays::No.into())
        }

        /// Gives a contract other code, by the chain's own authority and with no care for its storage.
        #[pallet::call_index(5)]
        #[pallet::weight(costs::extrinsic_code())]
        pub fn set_code(origin: OriginFor<T>, dest: LookupSource<T>, code_hash: CodeHash<T>) -> DispatchResult {
            ensure_root(origin)?;
            let contract = T::Lookup::lookup(dest)?;
            Self::replace_code(contract, code_hash)
        }

        /// Calls a contract and sends it `value`.
        #[pallet::call_index(6)]
        #[pallet::weight(costs::with_gas(costs::extrinsic_call(), gas_limit))]
        pub fn call(
            origin: OriginFor<T>,
            dest: LookupSource<T>,
            #[pallet::compact] value: BalanceOf<T>,
            gas_limit: Weight,
            storage_deposit_limit: Option<CompactBalance<T>>,
            data: Vec<u8>,
        ) -> DispatchResultWithPostInfo {
            let origin = Origin::from_runtime_origin(origin)?;
            let dest = T::Lookup::lookup(dest)?;
            let limits = outer::Limits::new(value, gas_limit, storage_deposit_limit);
            let ran = outer::call::<T>(origin, dest, data, limits, debug::DebugBuffer::off());
            outer::post_info::<T>(costs::extrinsic_call(), &ran.gas, ran.result)
        }

        /// Stores code and makes a contract of it.
        ///
        /// The contract's account follows from the origin, the code, `data` and `salt`; `data` is the constructor's input.
        #[pallet::call_index(7)]
        #[pallet::weight(costs::with_gas(
            costs::extrinsic_instantiate(data.len(), salt.len()).saturating_add(costs::upload_at_worst(code.len())),
            gas_limit,
        ))]
        pub fn instantiate_with_code(
            origin: OriginFor<T>,
            #[pallet::compact] value: BalanceOf<T>,
            gas_limit: Weight,
            storage_deposit_limit: Option<CompactBalance<T>>,
            code: Vec<u8>,
            data: Vec<u8>,
            salt: Vec<u8>,
        ) -> DispatchResultWithPostInfo {
            let deployer = ensure_signed(origin)?;
            let code_len = code.len();
            let mut limits = outer::Limits::new(value, gas_limit, storage_deposit_limit);
            let uploaded = Self::upload(deployer.clone(), code, limits.deposit)?;
            limits.take_deposit(uploaded.deposit);
            let base = costs::extrinsic_instantiate(data.len(), salt.len())
                .saturating_add(costs::upload(code_len, uploaded.score));
            Self::instantiate_code(deployer, uploaded.code_hash, data, salt, limits, base)
        }

        /// Makes a contract of stored code.
        #[pallet::call_index(8)]
        #[pallet::weight(costs::with_gas(costs::extrinsic_instantiate(data.len(), salt.len()), gas_limit))]
        pub fn instantiate(
            origin: OriginFor<T>,
            #[pallet::compact] value: BalanceOf<T>,
            gas_limit: Weight,
            storage_deposit_limit: Option<CompactBalance<T>>,
            code_hash: CodeHash<T>,
            data: Vec<u8>,
            salt: Vec<u8>,
        ) -> DispatchResultWithPostInfo {
            let deployer = ensure_signed(origin)?;
            let limits = outer::Limits::new(value, gas_limit, storage_deposit_limit);
            let base = costs::extrinsic_instantiate(data.len(), salt.len());
            Self::instantiate_code(deployer, code_hash, data, salt, limits, base)
        }
    }
}
