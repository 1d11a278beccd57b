//! What the host and the blob say to each other about running and replacing the blob.
//!
//! | what | from, to | where | form |
//! |---|---|---|---|
//! | host version | blob to host | state, key [`HOST_VERSION_KEY`] | u32, 4 bytes little-endian |
//! | [`Budgets`] | blob to host | state, key [`BUDGETS_KEY`] | six u64, 48 bytes little-endian |
//! | [`HostMessage`] | host to blob | `PreRuntime` digest item of engine `cmbt` | SCALE |
//! | [`UpgradeApi`] | host asks blob | runtime API | SCALE |
//!
//! The host reads both keys from the parent's state when a block begins, and never writes them: genesis does, and later calls of root.
//! A `PreRuntime` item is the one thing that a FRAME runtime made by anyone takes from the header it is given, so that is the way.
//!
//! ```text
//! HostMessage     00 | code_hash[32] | phase u8 | cause u8                                  UpgradeUndone
//! ```

#![cfg_attr(not(feature = "std"), no_std)]
#![deny(missing_docs)]

extern crate alloc;

use alloc::string::String;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use serde::{Deserialize, Serialize};

/// Where the number of the host's tables (imports, limits, gas prices) stands that the chain runs under.
pub const HOST_VERSION_KEY: &[u8] = b":sepia:host_version";

/// Where [`Budgets`] stand.
pub const BUDGETS_KEY: &[u8] = b":sepia:budgets";

/// The only host version so far.
pub const HOST_VERSION: u32 = 1;

/// Gas that each phase of a block may use, in ps of ref_time. What one leaves, no other may borrow.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
    Serialize,
    Deserialize,
)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Budgets {
    /// `Core_initialize_block`.
    pub initialize: u64,
    /// Each inherent.
    pub inherent: u64,
    /// Each extrinsic.
    pub extrinsic: u64,
    /// `BlockBuilder_finalize_block`.
    pub finalize: u64,
    /// All of the first block under a new blob, which has no extrinsics.
    pub first_block: u64,
    /// All of a block. Extrinsics that are left when it is spent are not executed.
    pub block_total: u64,
}

const SECOND_PS: u64 = 1_000_000_000_000;

impl Default for Budgets {
    /// A full block is 0.5 s of weight: each number leaves it several times that, since a weight is an estimate of time, and gas is
    /// a bound that must not be met before it.
    fn default() -> Self {
        Self {
            initialize: SECOND_PS / 2,
            inherent: SECOND_PS / 10,
            extrinsic: 2 * SECOND_PS,
            finalize: SECOND_PS,
            first_block: 2 * SECOND_PS,
            block_total: 3 * SECOND_PS,
        }
    }
}

impl Budgets {
    /// Whether a block can run under them at all.
    pub fn check(&self) -> Result<(), &'static str> {
        let phases = [self.initialize, self.inherent, self.extrinsic, self.finalize, self.first_block];
        if phases.contains(&0) {
            return Err("a phase has no gas");
        }
        if phases.iter().any(|phase| *phase > self.block_total) {
            return Err("a phase has more gas than the block");
        }
        Ok(())
    }
}

/// What the host tells the blob at the start of a block.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, TypeInfo)]
pub enum HostMessage {
    /// The blob that the parent block installed failed in this block, which is now executed under the blob before it.
    #[codec(index = 0)]
    UpgradeUndone {
        /// blake2b-256 of the blob that failed.
        code_hash: [u8; 32],
        /// How it failed.
        reason: FailureReason,
    },
}

/// How a new blob failed in its first block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct FailureReason {
    /// Where it was.
    pub phase: FailurePhase,
    /// What happened.
    pub cause: FailureCause,
}

/// Where a first block can fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub enum FailurePhase {
    /// Before anything ran.
    #[codec(index = 0)]
    Load,
    /// In `Core_initialize_block`.
    #[codec(index = 1)]
    Initialize,
    /// While an inherent was made or applied.
    #[codec(index = 2)]
    Inherents,
    /// In `BlockBuilder_finalize_block`.
    #[codec(index = 3)]
    Finalize,
    /// In what is asked of the blob after its block.
    #[codec(index = 4)]
    Check,
}

/// Why a first block can fail. None of these depends on the machine: a failure of the machine stops the node instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub enum FailureCause {
    /// `:code` is missing, too large, not valid Wasm, or needs what the host version lacks.
    #[codec(index = 0)]
    InvalidCode,
    /// It trapped (a panic is a trap).
    #[codec(index = 1)]
    Trapped,
    /// Its gas was spent.
    #[codec(index = 2)]
    OutOfGas,
    /// Its metered stack was spent.
    #[codec(index = 3)]
    StackOverflow,
    /// It needed more memory than the chain allows.
    #[codec(index = 4)]
    MemoryLimit,
    /// Its heap was spent.
    #[codec(index = 5)]
    AllocatorExhausted,
    /// A header, version or metadata that it returned is wrong.
    #[codec(index = 6)]
    BadResult,
    /// `UpgradeApi_check` said no.
    #[codec(index = 7)]
    CheckFailed,
}

sp_api::decl_runtime_apis! {
    /// What the host asks a blob after its first block.
    pub trait UpgradeApi {
        /// Whether the state is one that this blob can go on with. The text is for the log.
        fn check() -> Result<(), String>;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn budgets_have_the_documented_bytes() {
        let budgets =
            Budgets { initialize: 1, inherent: 2, extrinsic: 3, finalize: 4, first_block: 5, block_total: 0x0607 };
        let mut expected = Vec::new();
        for number in [1u64, 2, 3, 4, 5, 0x0607] {
            expected.extend_from_slice(&number.to_le_bytes());
        }
        assert_eq!(budgets.encode(), expected);
        assert_eq!(expected.len(), 48);
    }

    #[test]
    fn an_undone_upgrade_has_the_documented_bytes() {
        let message = HostMessage::UpgradeUndone {
            code_hash: [0xcc; 32],
            reason: FailureReason { phase: FailurePhase::Finalize, cause: FailureCause::OutOfGas },
        };
        assert_eq!(message.encode(), [&[0u8][..], &[0xcc; 32], &[3, 2]].concat());
    }

    #[test]
    fn budgets_without_room_are_refused() {
        let good = Budgets::default();
        assert_eq!(good.check(), Ok(()));
        assert_eq!(Budgets { finalize: 0, ..good }.check(), Err("a phase has no gas"));
        assert_eq!(Budgets { block_total: 1, ..good }.check(), Err("a phase has more gas than the block"));
    }
}
