//! Every price of this pallet in picoseconds, in one file.
//!
//! Each figure is at least 1.3 times what the operation was measured to take in a block, with its share of root and commit, and
//! at least 1 / 1.8 of what the host charges the blob for it. So a contract runs out of its own gas long before the blob does, and
//! a weight is an upper estimate of time. `make calibrate` prints both; `docs/profile.md` says how to set the figures.
//!
//! Prices of the guest's own instructions and limits of its code stand in [`table`](crate::seal::table), because the host
//! reads those from the blob.

use frame_support::weights::Weight;

/// Picoseconds in a microsecond.
const US: u64 = 1_000_000;

/// A host call that reads or writes a few bytes: leaving the guest, looking up the function, one output, entering it again.
pub const HOST_CALL: u64 = 2_500_000;
/// Charged by metered code before a call of a function that also looks into the state, at a key that nobody asked for before.
pub const HOST_CALL_WITH_STATE: u64 = 18 * US;
/// The same for keys of the contract's own, which were read when it was called.
pub const HOST_CALL_WITH_OWN_STATE: u64 = 8 * US;
/// Charged by metered code before a call of one of the slow hashes: a block of it, besides the bytes.
pub const HOST_CALL_WITH_HASH: u64 = 6 * US;
/// A byte copied between guest and pallet.
pub const COPY_BYTE: u64 = 1_000;

/// A storage read, besides its bytes.
pub const STORAGE_READ: u64 = 16 * US;
/// A storage write or removal, besides its bytes. Includes the share of the state root.
pub const STORAGE_WRITE: u64 = 24 * US;
/// A byte read from storage.
pub const STORAGE_READ_BYTE: u64 = 1_500;
/// A byte written to storage.
pub const STORAGE_WRITE_BYTE: u64 = 8_000;

/// A call of another contract, besides loading its code. Includes entering into the record what caller and callee stored, two
/// reads and writes of it at most, and moving the storage deposit at the end.
pub const CALL: u64 = 60 * US;
/// A call that moves a balance.
pub const TRANSFER: u64 = 75 * US;
/// A new contract, besides loading its code.
pub const INSTANTIATE: u64 = 210 * US;
/// Ending a contract.
pub const TERMINATE: u64 = 200 * US;
/// Giving a contract other code.
pub const SET_CODE_HASH: u64 = 130 * US;

/// Finding code and making an instance of it, besides its bytes and pages.
pub const LOAD_CODE: u64 = 15 * US;
/// A page of the instance's initial memory: the contract may write to all of it, and each 4 KiB are a page fault of 2 us.
const INSTANCE_PAGE: u64 = 40 * US;
/// A byte of loaded code.
pub const LOAD_CODE_BYTE: u64 = 1_500;

/// An event, besides its topics and bytes.
pub const EVENT: u64 = 12 * US;
/// A topic of an event: an entry in the chain's index of topics, and its removal at the start of the next block.
pub const EVENT_TOPIC: u64 = 28 * US;
/// A byte of an event. Far above its cost in the state, because each node keeps events for its clients.
pub const EVENT_BYTE: u64 = 60_000;

/// A byte hashed with SHA2-256.
pub const SHA2_256_BYTE: u64 = 14_000;
/// A byte hashed with Keccak-256.
pub const KECCAK_256_BYTE: u64 = 18_000;
/// A byte hashed with BLAKE2b, either length.
pub const BLAKE2_BYTE: u64 = 2_500;

/// The extrinsic `call` around the contract: checks, deposits, events.
const EXTRINSIC_CALL: u64 = 100 * US;
/// The extrinsics `instantiate` and `instantiate_with_code` around the contract.
const EXTRINSIC_INSTANTIATE: u64 = 350 * US;
/// A byte of constructor input or salt, which is hashed into the address.
const ADDRESS_BYTE: u64 = 3_000;
/// The extrinsics `remove_code` and `set_code`.
const EXTRINSIC_CODE: u64 = 150 * US;

/// Storing code, besides its bytes and its score.
const UPLOAD: u64 = 250 * US;
/// Checking, hashing and storing a byte of code.
const UPLOAD_BYTE: u64 = 120_000;
/// One unit of the validator's score is a microsecond of compile time.
const SCORE_UNIT: u64 = US;
/// Largest score of a module; the validator refuses more. One extrinsic may have 0.35 s: code of 256 KiB takes 0.032 s to check
/// and up to 0.29 s to compile, which leaves 0.028 s for the constructor.
pub const MAX_SCORE: u64 = 290_000;
/// Score that code of any length may have. Short code is the densest: real contracts of 2 to 20 KB have 0.3 to 2.9 a byte, so
/// at most 58,000 together with what their bytes allow.
const SCORE_ALLOWANCE: u64 = 40_000;
/// Score that each byte of code may add, up to [`MAX_SCORE`].
const SCORE_PER_BYTE: u64 = 2;

/// Removing one key of a dead contract's storage.
pub const DELETE_KEY: u64 = 20 * US;
/// A look at the queue of dead contracts.
pub const DELETION_QUEUE: u64 = 30 * US;
/// Most weight that one block spends on dead contracts, however idle it is: less than half of what a node grants the end of a
/// block (1e12 ps).
pub const DELETION_LIMIT: u64 = 400_000 * US;

fn weight(ref_time: u64) -> Weight {
    Weight::from_parts(ref_time, 0)
}

/// Copying `len` bytes between guest and pallet.
pub fn copy(len: u32) -> u64 {
    COPY_BYTE.saturating_mul(len.into())
}

/// Reading a value of `len` bytes.
pub fn storage_read(len: u32) -> u64 {
    STORAGE_READ + STORAGE_READ_BYTE * u64::from(len)
}

/// Replacing a value of `old` bytes by one of `new` bytes.
pub fn storage_write(old: u32, new: u32) -> u64 {
    STORAGE_WRITE + STORAGE_READ_BYTE * u64::from(old) + STORAGE_WRITE_BYTE * u64::from(new)
}

/// Removing a value of `old` bytes.
pub fn storage_clear(old: u32) -> u64 {
    storage_write(old, 0)
}

/// Loading code of `len` bytes and making an instance of it.
pub fn load_code(len: u32) -> u64 {
    LOAD_CODE + LOAD_CODE_BYTE * u64::from(len)
}

/// The initial memory of an instance.
pub fn instance(pages: u32) -> u64 {
    INSTANCE_PAGE.saturating_mul(pages.into())
}

/// An event with `topics` and `len` bytes of data.
pub fn event(topics: u32, len: u32) -> u64 {
    EVENT
        .saturating_add(EVENT_TOPIC.saturating_mul(topics.into()))
        .saturating_add(EVENT_BYTE.saturating_mul(len.into()))
}

/// Making a contract with so many bytes of input and salt.
pub fn instantiate(input: u32, salt: u32) -> u64 {
    INSTANTIATE.saturating_add(ADDRESS_BYTE.saturating_mul(u64::from(input) + u64::from(salt)))
}

/// What an extrinsic declares: its own weight and the contract's gas. `proof_size` is not charged, so a limit on it is dropped.
pub fn with_gas(base: Weight, gas_limit: &Weight) -> Weight {
    base.saturating_add(weight(gas_limit.ref_time()))
}

/// The extrinsic `call` without the contract's gas.
pub fn extrinsic_call() -> Weight {
    weight(EXTRINSIC_CALL)
}

/// The extrinsic `instantiate` without the contract's gas.
pub fn extrinsic_instantiate(input: usize, salt: usize) -> Weight {
    weight(
        EXTRINSIC_INSTANTIATE.saturating_add(ADDRESS_BYTE.saturating_mul((input as u64).saturating_add(salt as u64))),
    )
}

/// The extrinsics that only touch code records.
pub fn extrinsic_code() -> Weight {
    weight(EXTRINSIC_CODE)
}

/// Largest score that code of `len` bytes may have. An upload declares its weight before the code is read, so by length alone;
/// denser code is refused, or its compile time would be paid by nobody.
pub fn max_score(len: usize) -> u64 {
    SCORE_PER_BYTE.saturating_mul(len as u64).saturating_add(SCORE_ALLOWANCE).min(MAX_SCORE)
}

/// Storing `len` bytes of code at worst.
pub fn upload_at_worst(len: usize) -> Weight {
    upload(len, max_score(len))
}

/// Storing `len` bytes of code with this score.
pub fn upload(len: usize, score: u64) -> Weight {
    let bytes = UPLOAD_BYTE.saturating_mul(len as u64);
    weight(UPLOAD.saturating_add(bytes).saturating_add(SCORE_UNIT.saturating_mul(score)))
}
