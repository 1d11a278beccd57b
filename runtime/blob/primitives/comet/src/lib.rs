//! What CometBFT and the blob say to each other.
//!
//! | what | from, to | where | form |
//! |---|---|---|---|
//! | [`CommitInfo`] | host to blob, every block | inherent data under [`INHERENT_IDENTIFIER`] | SCALE |
//! | [`ConsensusLog`] | blob to host, when something changed | `Consensus` digest item of engine [`ENGINE_ID`] | SCALE |
//! | [`CometApi`] | host asks blob | runtime API | SCALE |
//!
//! All integers are little-endian and of fixed width, a list has a compact count in front, arrays have none:
//!
//! ```text
//! CommitInfo      proposer[20] | compact n | n * Vote | compact m | m * Misbehaviour
//! Vote            address[20] | power u64 | flag u8                                         29 bytes
//! Misbehaviour    kind u8 | address[20] | height u64 | time_ms u64 | total_power u64        45 bytes
//! ConsensusLog    00 | compact n | n * Validator                                            ValidatorUpdates
//! Validator       pub_key[32] | power u64                                                   40 bytes
//! ```
//!
//! What it is not: it knows neither FRAME nor storage; the pallet `comet` does.

#![cfg_attr(not(feature = "std"), no_std)]
#![deny(missing_docs)]

extern crate alloc;

use alloc::vec::Vec;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use sp_inherents::InherentIdentifier;
use sp_runtime::ConsensusEngineId;

/// Names CometBFT in digest items, in both directions.
pub const ENGINE_ID: ConsensusEngineId = *b"cmbt";

/// Names [`CommitInfo`] in the inherent data.
pub const INHERENT_IDENTIFIER: InherentIdentifier = *b"cometbft";

/// The most that the powers of all validators may add up to: CometBFT stops a chain whose set exceeds it
/// (`MaxTotalVotingPower`, an eighth of the largest int64, so that its priority arithmetic cannot overflow).
pub const TOTAL_POWER_MAX: u64 = i64::MAX as u64 / 8;

/// How CometBFT names a validator: the first 20 bytes of SHA-256 over its public key.
pub type Address = [u8; 20];

/// An ed25519 public key, the only kind that a validator may have.
pub type PublicKey = [u8; 32];

/// What the host tells about the block that is being built or judged.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub struct CommitInfo {
    /// Who proposed this block.
    pub proposer: Address,
    /// The parent's commit: one entry for each validator of the parent's set. Empty in block 1.
    pub votes: Vec<Vote>,
    /// Evidence that this block contains.
    pub misbehaviour: Vec<Misbehaviour>,
}

/// One validator's part in a commit.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub struct Vote {
    /// Whose vote.
    pub address: Address,
    /// The power it had in that block.
    pub power: u64,
    /// CometBFT's BlockIDFlag, one of [`Vote::ABSENT`], [`Vote::COMMIT`], [`Vote::NIL`].
    pub flag: u8,
}

impl Vote {
    /// No vote arrived.
    pub const ABSENT: u8 = 1;
    /// A vote for the block.
    pub const COMMIT: u8 = 2;
    /// A vote for no block.
    pub const NIL: u8 = 3;
}

/// Evidence against a validator.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub struct Misbehaviour {
    /// CometBFT's MisbehaviorType, one of [`Misbehaviour::DUPLICATE_VOTE`], [`Misbehaviour::LIGHT_CLIENT_ATTACK`].
    pub kind: u8,
    /// Against whom.
    pub address: Address,
    /// In which block it was done.
    pub height: u64,
    /// The time of that block, in ms since 1970.
    pub time_ms: u64,
    /// The power of all validators in that block.
    pub total_power: u64,
}

impl Misbehaviour {
    /// Two votes in one round.
    pub const DUPLICATE_VOTE: u8 = 1;
    /// A signed block that is not the chain's.
    pub const LIGHT_CLIENT_ATTACK: u8 = 2;
}

/// What the blob tells CometBFT, in a digest item of the header.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, TypeInfo)]
pub enum ConsensusLog {
    /// New powers, one entry for each changed validator, ascending by key. Power 0 removes it.
    /// CometBFT applies them two blocks later.
    #[codec(index = 0)]
    ValidatorUpdates(Vec<Validator>),
}

/// A validator and its voting power.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Validator {
    /// Its key.
    pub pub_key: PublicKey,
    /// Its power.
    pub power: u64,
}

sp_api::decl_runtime_apis! {
    /// What the host asks about validators.
    pub trait CometApi {
        /// The set that results from all updates so far, ascending by key. At genesis it must equal CometBFT's own.
        fn validators() -> Vec<Validator>;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    #[test]
    fn commit_info_has_the_documented_bytes() {
        let info = CommitInfo {
            proposer: [0x11; 20],
            votes: vec![Vote { address: [0x22; 20], power: 10, flag: Vote::COMMIT }],
            misbehaviour: vec![Misbehaviour {
                kind: Misbehaviour::DUPLICATE_VOTE,
                address: [0x33; 20],
                height: 7,
                time_ms: 0x0102,
                total_power: 3,
            }],
        };
        let expected = [
            "11".repeat(20).as_str(),
            "04",
            "22".repeat(20).as_str(),
            "0a00000000000000",
            "02",
            "04",
            "01",
            "33".repeat(20).as_str(),
            "0700000000000000",
            "0201000000000000",
            "0300000000000000",
        ]
        .concat();
        assert_eq!(hex(&info.encode()), expected);
        assert_eq!(CommitInfo::decode(&mut &info.encode()[..]), Ok(info));
    }

    #[test]
    fn validator_updates_have_the_documented_bytes() {
        let log = ConsensusLog::ValidatorUpdates(vec![Validator { pub_key: [0xaa; 32], power: 5 }]);
        assert_eq!(hex(&log.encode()), ["00", "04", "aa".repeat(32).as_str(), "0500000000000000"].concat());
    }
}
