//! The numbers of [`crate::weights`], in ps, set from what `make calibrate` measures: blocks of each extrinsic through the host,
//! signatures not checked before, with root and commit.
//!
//! A weight has to be at least 1.3 times the time that its extrinsic takes, because a validator's machine may be slower; and at
//! least 1 / 1.8 of its gas at the host's prices, so that a block that is full by weight has used at most a quarter of its gas.
//! The second rule decides nearly all of these: gas is priced for the worst (each key read for the first time in a block),
//! time is that of a usual block. `docs/profile.md` has the figures and the procedure.

const US: u64 = 1_000_000;

/// Reading a key: 6 us from the database.
pub const STATE_READ_PS: u64 = 8 * US;
/// Writing a key, with its share of tree, history and commit: 5 us.
pub const STATE_WRITE_PS: u64 = 7 * US;
/// An empty block, without its inherents.
pub const BASE_BLOCK_PS: u64 = 700 * US;
/// An extrinsic with nothing in it: 37 us for the signature, and the keys that FRAME writes about each.
pub const BASE_EXTRINSIC_PS: u64 = 100 * US;
/// An extension that compares with a constant.
pub const CHECK_CONSTANT_PS: u64 = US;
/// An extension that looks up a block hash.
pub const CHECK_BLOCK_HASH_PS: u64 = 4 * US;
/// The extension that checks and raises the nonce.
pub const CHECK_NONCE_PS: u64 = 10 * US;
/// The extension that adds up weight and length.
pub const CHECK_WEIGHT_PS: u64 = 14 * US;
/// Taking the fee and giving back what is too much.
pub const CHARGE_FEE_PS: u64 = 50 * US;
/// Moving a balance.
pub const TRANSFER_PS: u64 = 45 * US;
/// An inherent, without its entries.
pub const INHERENT_PS: u64 = 30 * US;
/// One vote of a commit: an address looked up.
pub const COMMIT_VOTE_PS: u64 = 4 * US;
/// One event.
pub const EVENT_PS: u64 = 10 * US;
/// A call that changes a handful of small items.
pub const SMALL_CALL_PS: u64 = 40 * US;
/// 2 MiB of code moved, hashed and written: 4 ms a MiB.
pub const WRITE_CODE_PS: u64 = 20_000 * US;
/// The authors of stock pallets measured native code on a faster machine: this makes their estimates ours.
pub const STOCK_FACTOR: u64 = 4;
