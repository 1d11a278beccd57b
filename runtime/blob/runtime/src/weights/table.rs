//! The numbers of [`crate::weights`], in ps. Measured on the baseline machine (2 cores of about 2.6 GHz) by running blocks through
//! the host, rounded up, with the room that the last column names.
//!
//! | row | measured | room |
//! |---|---|---|
//! | state read, write | 0.5-0.8 us, 2.5 us with tree and history | x 1.2 |
//! | signature check, decoding, bookkeeping | 37 us sr25519, 5 us | x 1.4 |
//! | extensions, fee, transfer together, without signature | 34 us | x 1.5, and state on top |
//! | empty block | below 200 us | x 2.5 |

const US: u64 = 1_000_000;

/// Reading a key.
pub const STATE_READ_PS: u64 = US;
/// Writing a key.
pub const STATE_WRITE_PS: u64 = 3 * US;
/// An empty block.
pub const BASE_BLOCK_PS: u64 = 500 * US;
/// An extrinsic with nothing in it.
pub const BASE_EXTRINSIC_PS: u64 = 60 * US;
/// An extension that compares with a constant.
pub const CHECK_CONSTANT_PS: u64 = US / 2;
/// An extension that looks up a block hash.
pub const CHECK_BLOCK_HASH_PS: u64 = 2 * US;
/// The extension that checks and raises the nonce.
pub const CHECK_NONCE_PS: u64 = 6 * US;
/// The extension that adds up weight and length.
pub const CHECK_WEIGHT_PS: u64 = 4 * US;
/// Taking the fee and giving back what is too much.
pub const CHARGE_FEE_PS: u64 = 15 * US;
/// Moving a balance.
pub const TRANSFER_PS: u64 = 20 * US;
/// An inherent, without its entries.
pub const INHERENT_PS: u64 = 20 * US;
/// One vote of a commit: an address looked up.
pub const COMMIT_VOTE_PS: u64 = 3 * US;
/// One event.
pub const EVENT_PS: u64 = 5 * US;
/// A call that changes a handful of small items.
pub const SMALL_CALL_PS: u64 = 25 * US;
/// 2 MiB of code moved, hashed and written: 4 ms a MiB.
pub const WRITE_CODE_PS: u64 = 20_000 * US;
