//! Every constant of the runtime, with the arithmetic or the reason that produced it.
//!
//! `runtime/blob/README.md` shows the same numbers as a table; a test compares the two.

use crate::{Balance, BlockNumber};
use frame_support::weights::{constants::WEIGHT_REF_TIME_PER_SECOND, Weight};
use sp_runtime::Perbill;

/// 12 decimals, as most Substrate chains have, so that wallets need no table of their own.
pub const UNIT: Balance = 1_000_000_000_000;
/// A thousandth of [`UNIT`].
pub const MILLIUNIT: Balance = UNIT / 1_000;
/// A millionth of [`UNIT`].
pub const MICROUNIT: Balance = UNIT / 1_000_000;

/// 0.001 UNIT: an account that holds less is removed, so state cannot be filled for nothing.
pub const EXISTENTIAL_DEPOSIT: Balance = MILLIUNIT;

/// The address format of chains without a registered one; every wallet knows it.
pub const SS58_PREFIX: u16 = 42;

/// Hashes of so many blocks stay known, which bounds how long a mortal transaction may live.
/// A power of two, because polkadot.js rounds a period up to one.
pub const BLOCK_HASH_COUNT: BlockNumber = 4_096;

/// The least distance of two block times in ms. CometBFT's time rises by at least 1 ms a block; a larger
/// value would make `create_inherent` clamp the time, and the chain's clock would drift away from CometBFT's.
pub const MINIMUM_PERIOD_MS: u64 = 1;

/// Modules that may hold a reference to one account, as on Polkadot.
pub const MAX_CONSUMERS: u32 = 16;

/// What extrinsics of one block may cost: 0.5 s of ref_time. A block is executed twice before it is committed (by its
/// proposer, then by the validators), and CometBFT's first prevote timeout is about a second.
/// A proof size is never charged here, but wallets send a limit for it: so it must not run out first.
pub const MAXIMUM_BLOCK_WEIGHT: Weight = Weight::from_parts(WEIGHT_REF_TIME_PER_SECOND / 2, u64::MAX);

/// Share of the block that Normal extrinsics may fill; the rest is for Operational ones.
pub const NORMAL_DISPATCH_RATIO: Perbill = Perbill::from_percent(75);

/// Share of the block that hooks are expected to use. One extrinsic may use what remains of its class.
pub const AVERAGE_ON_INITIALIZE_RATIO: Perbill = Perbill::from_percent(5);

const MIB: u32 = 1024 * 1024;
/// Bytes of a block up to which Normal extrinsics are taken: below CometBFT's block.max_bytes of 4 MiB, so that
/// an upgrade (2 MiB of code at most) fits beside half a block of transfers.
pub const NORMAL_BLOCK_BYTES_MAX: u32 = 7 * MIB / 2;
/// The same for Operational extrinsics: at least block.max_bytes (4 MiB), so they are never the first to be refused.
pub const OPERATIONAL_BLOCK_BYTES_MAX: u32 = 9 * MIB / 2;
/// The same for Mandatory ones. Inherents meet this check too, and a refused inherent means no block: so the most.
pub const MANDATORY_BLOCK_BYTES_MAX: u32 = 5 * MIB;

/// Fee of one byte of an extrinsic. A transfer of about 145 bytes then pays about as much for its bytes, which
/// every node keeps for ever, as for its execution.
pub const BYTE_FEE: Balance = MICROUNIT;

/// Operational extrinsics pay so many times the fee as a virtual tip, which only decides their order.
pub const OPERATIONAL_FEE_MULTIPLIER: u8 = 5;

/// Price of holding `items` entries of `bytes` bytes in state, returned when they are removed.
pub const fn deposit(items: u32, bytes: u32) -> Balance {
    items as Balance * 100 * MILLIUNIT + bytes as Balance * 100 * MICROUNIT
}

/// Price of what a contract stores: 0.1 UNIT an item and 0.000005 UNIT a byte, as on the development chain that contract
/// authors know. Cheaper for bytes than [`deposit`], since a contract's values are many and small.
pub const fn contract_deposit(items: u32, bytes: u32) -> Balance {
    items as Balance * 100 * MILLIUNIT + bytes as Balance * 5 * MICROUNIT
}

/// Signatories of one multisig: the call's weight and its storage item grow with them.
pub const MAX_SIGNATORIES: u32 = 100;
/// Proxies of one account, and announcements of one proxy: each list is one storage item.
pub const MAX_PROXIES: u32 = 32;

/// Locks of one account (vesting, voting ...): all are walked when a balance changes.
pub const MAX_LOCKS: u32 = 50;
/// Named reserves of one account.
pub const MAX_RESERVES: u32 = 50;
/// Freezes of one account. None of our pallets freezes.
pub const MAX_FREEZES: u32 = 0;

/// Validators of a chain. Each costs one entry in every block's commit information (29 bytes, one read): 256 entries are 7 KB
/// and far below the gas of an inherent. CometBFT's own bound is 10,000.
pub const MAX_VALIDATORS: u32 = 256;

/// The largest blob, as it is stored (compressed or not): what fits into one extrinsic of 2.5 MiB with room around it.
pub const CODE_BYTES_MAX: u32 = 2 * MIB;
