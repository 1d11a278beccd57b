//! Types that clients see: results of dry runs, return values, deposits.

use alloc::vec::Vec;
use codec::{Decode, Encode, MaxEncodedLen};
use frame_support::weights::Weight;
use scale_info::TypeInfo;
use sp_runtime::{
    traits::{Saturating, Zero},
    DispatchError,
};

/// What a contract returned.
#[derive(Clone, Copy, PartialEq, Eq, Encode, Decode, Debug, TypeInfo, Default)]
pub struct ReturnFlags {
    /// See [`ReturnFlags::REVERT`].
    bits: u32,
}

impl ReturnFlags {
    /// Bit: undo all changes of the frame, but give the data to the caller.
    pub const REVERT: u32 = 1;

    /// The flags with these bits, or `None` if one of them has no meaning.
    pub fn from_bits(bits: u32) -> Option<Self> {
        (bits & !Self::REVERT == 0).then_some(Self { bits })
    }

    /// Whether the frame asked for its changes to be undone.
    pub fn is_revert(self) -> bool {
        self.bits & Self::REVERT != 0
    }
}

/// How a contract ended that did end.
#[derive(Clone, PartialEq, Eq, Encode, Decode, Debug, TypeInfo, Default)]
pub struct ExecReturnValue {
    /// What the caller must do.
    pub flags: ReturnFlags,
    /// Bytes that the contract returned; empty if it returned none.
    pub data: Vec<u8>,
}

impl ExecReturnValue {
    /// Whether the contract asked for its changes to be undone.
    pub fn did_revert(&self) -> bool {
        self.flags.is_revert()
    }
}

/// How a constructor ended that did end.
#[derive(Clone, PartialEq, Eq, Encode, Decode, Debug, TypeInfo)]
pub struct InstantiateReturnValue<AccountId> {
    /// What the constructor returned.
    pub result: ExecReturnValue,
    /// The contract's account.
    pub account_id: AccountId,
}

/// What an upload did.
#[derive(Clone, PartialEq, Eq, Encode, Decode, MaxEncodedLen, Debug, TypeInfo)]
pub struct CodeUploadReturnValue<CodeHash, Balance> {
    /// Hash of the code.
    pub code_hash: CodeHash,
    /// Deposit held from the uploader; zero if the code was there already.
    pub deposit: Balance,
}

/// The code of a contract that is to be made.
#[derive(Clone, PartialEq, Eq, Encode, Decode, Debug, TypeInfo)]
pub enum Code<Hash> {
    /// Store this code first.
    Upload(Vec<u8>),
    /// Use stored code.
    Existing(Hash),
}

/// A change of a storage deposit, seen from the one who pays it.
#[derive(Clone, Copy, PartialEq, Eq, Encode, Decode, MaxEncodedLen, Debug, TypeInfo)]
pub enum StorageDeposit<Balance> {
    /// So much comes back.
    Refund(Balance),
    /// So much is taken.
    Charge(Balance),
}

impl<Balance: Zero> Default for StorageDeposit<Balance> {
    fn default() -> Self {
        Self::Charge(Zero::zero())
    }
}

impl<Balance: Zero + Copy> StorageDeposit<Balance> {
    /// Whether nothing changes.
    pub fn is_zero(&self) -> bool {
        match self {
            Self::Refund(amount) | Self::Charge(amount) => amount.is_zero(),
        }
    }
}

impl<Balance: Saturating + Ord + Copy> StorageDeposit<Balance> {
    /// The sum of two changes.
    #[must_use]
    pub fn saturating_add(self, other: Self) -> Self {
        use StorageDeposit::{Charge, Refund};
        match (self, other) {
            (Charge(left), Charge(right)) => Charge(left.saturating_add(right)),
            (Refund(left), Refund(right)) => Refund(left.saturating_add(right)),
            (Charge(charge), Refund(refund)) | (Refund(refund), Charge(charge)) => Self::between(refund, charge),
        }
    }

    /// The change from a deposit of `before` to one of `after`.
    pub fn between(before: Balance, after: Balance) -> Self {
        if after >= before {
            Self::Charge(after.saturating_sub(before))
        } else {
            Self::Refund(before.saturating_sub(after))
        }
    }

    /// What is left of a limit after this change.
    pub fn left_of(self, limit: Balance) -> Balance {
        match self {
            Self::Charge(amount) => limit.saturating_sub(amount),
            Self::Refund(amount) => limit.saturating_add(amount),
        }
    }

    /// Whether the change takes more than `limit`.
    pub fn exceeds(self, limit: Balance) -> bool {
        matches!(self, Self::Charge(amount) if amount > limit)
    }
}

/// What a dry run found out.
#[derive(Clone, PartialEq, Eq, Encode, Decode, Debug, TypeInfo)]
pub struct ContractResult<R, Balance, EventRecord> {
    /// Weight that was used.
    pub gas_consumed: Weight,
    /// Smallest gas limit with which the same call succeeds. At least what was used, since some operations charge the worst
    /// case first.
    pub gas_required: Weight,
    /// Change of the origin's storage deposit.
    pub storage_deposit: StorageDeposit<Balance>,
    /// Words for people, in UTF-8: what the contract printed, and why it failed.
    pub debug_message: Vec<u8>,
    /// The outcome.
    pub result: R,
    /// Events of the block so far, if asked for.
    pub events: Option<Vec<EventRecord>>,
}

/// Result of a dry call.
pub type ContractExecResult<Balance, EventRecord> =
    ContractResult<Result<ExecReturnValue, DispatchError>, Balance, EventRecord>;

/// Result of a dry instantiation.
pub type ContractInstantiateResult<AccountId, Balance, EventRecord> =
    ContractResult<Result<InstantiateReturnValue<AccountId>, DispatchError>, Balance, EventRecord>;

/// Result of a dry upload.
pub type CodeUploadResult<CodeHash, Balance> = Result<CodeUploadReturnValue<CodeHash, Balance>, DispatchError>;

/// Result of reading a contract's storage.
pub type GetStorageResult = Result<Option<Vec<u8>>, ContractAccessError>;

/// Why a contract's storage cannot be read.
#[derive(Clone, Copy, PartialEq, Eq, Encode, Decode, MaxEncodedLen, Debug, TypeInfo)]
pub enum ContractAccessError {
    /// There is no contract at the address.
    DoesntExist,
    /// The key is longer than a storage key may be.
    KeyDecodingFailed,
    /// The storage layout is being changed. Never produced; part of the type that clients know.
    MigrationInProgress,
}
