//! The table of seal functions: one entry for each, and the prices and limits of contract code.
//!
//! This file is the only place where a function is named. From it come the import table of the section `sepia_vm`, which tells
//! the node what contracts may import, and the dispatch from an import's id to its implementation. An entry reads:
//!
//! ```text
//! /// what it does
//! ID [alias ID] "module" "name" (parameter: type, ...) -> result, price, flags => implementation;
//! ```
//!
//! Ids count from 0 and are never reused. An alias is the same function under the name `seal_<name>`, by which older compilers
//! call it. The price is charged by the contract's own code before the call; an implementation charges the rest.

use sp_guest_vm::section::{self, ImportEntry, Limits, OpWeight, ValType, VmTable, FLAG_MUTATES};

use super::{calls, context, hashing, storage, Implementation};
use crate::{costs, Config, MAX_CODE_LEN};

/// Version of the gas and stack instrumentation for which [`OP_WEIGHTS`] are made.
pub const METER_VERSION: u32 = 1;

/// Price in picoseconds of each opcode class, in the order of [`section::OP_CLASSES`].
pub const OP_WEIGHTS: &[OpWeight] = &[
    (0, 0),           // structure: compiles to nothing
    (1, 300),         // plain: an average instruction on a 2.6 GHz core
    (2, 500),         // global
    (3, 900),         // load: one that the next waits for takes 1.1 ns
    (4, 600),         // store
    (5, 900),         // mul
    (6, 6_000),       // div: a 64-bit division takes 20 cycles
    (7, 500),         // branch
    (8, 1_500),       // br_table
    (9, 4_000),       // call: takes 6 ns with its frame
    (10, 4_000),      // call_indirect
    (11, 400_000),    // import: leaving the guest and entering it again takes 0.27 us
    (12, 4_000),      // frame
    (13, 4_000_000),  // grow
    (14, 50_000_000), // grow_page: 16 page faults of 2 us
    (15, 15_000),     // bulk: a short copy
    (16, 200),        // bulk_word: 64 KiB in 1.4 us
];

/// What the validator accepts from a contract. Compilers stay far below; the limits keep compile time and stack use bounded.
pub const LIMITS: Limits = Limits {
    code_bytes: MAX_CODE_LEN,
    types: 256,
    imports: 512,
    functions: 2_000,
    body_bytes: 48 * 1024,
    function_blocks: 2_000,
    module_blocks: 20_000,
    function_locals: 128,
    module_locals: 10_000,
    params: 16,
    globals: 64,
    table_entries: 1_024,
    branch_targets: 256,
    nesting: 128,
    loop_nesting: 8,
    operand_height: 512,
    memory_pages: 16,
    data_segments: 256,
    element_segments: 256,
    exports: 2,
    score: costs::MAX_SCORE as u32,
    stack_units: 32_768,
};

/// The table that the section `sepia_vm` is made of.
pub const VM_TABLE: VmTable<'static> =
    VmTable { meter_version: METER_VERSION, weights: OP_WEIGHTS, limits: LIMITS, imports: IMPORTS };

/// Length of the section.
pub const SECTION_LEN: usize = section::encoded_len(&VM_TABLE);
/// Bytes of the section.
pub const SECTION: [u8; SECTION_LEN] = section::encode(&VM_TABLE);

/// The section in the blob. The linker puts it beside the code, so it takes no memory when the blob runs.
#[cfg(substrate_runtime)]
#[used]
#[link_section = "sepia_vm"]
static SECTION_IN_BLOB: [u8; SECTION_LEN] = SECTION;

macro_rules! value_type {
    (u32) => {
        ValType::I32
    };
    (u64) => {
        ValType::I64
    };
}

macro_rules! param_types {
    (($($param:ident: $kind:ident),*)) => {
        &[$(value_type!($kind)),*]
    };
}

macro_rules! result_type {
    (none) => {
        None
    };
    ($result:ident) => {
        Some(value_type!($result))
    };
}

/// Takes the arguments apart and calls the implementation. A missing argument cannot be: the validator compares signatures.
macro_rules! with_arguments {
    ($implementation:path, $guest:ident, $arguments:ident, ($($param:ident: $kind:ident),*)) => {{
        let mut arguments = $arguments.iter().copied();
        $(let $param = arguments.next().unwrap_or_default() as $kind;)*
        let _ = &mut arguments;
        $implementation($guest $(, $param)*)
    }};
}

macro_rules! seal_functions {
    ($(
        $(#[doc = $doc:literal])+
        $id:literal $(alias $alias:literal)? $module:literal $name:literal $params:tt -> $result:ident,
            $price:expr, $flags:expr => $implementation:path;
    )*) => {
        /// What contracts may import, ascending by id.
        pub const IMPORTS: &[ImportEntry] = &[$(
            ImportEntry {
                id: $id,
                module: $module,
                name: $name,
                params: param_types!($params),
                result: result_type!($result),
                flags: $flags,
                price: $price,
            },
            $(ImportEntry {
                id: $alias,
                module: $module,
                name: concat!("seal_", $name),
                params: param_types!($params),
                result: result_type!($result),
                flags: $flags,
                price: $price,
            },)?
        )*];

        /// What each function does: id and words.
        pub const DOCS: &[(u32, &str)] = &[$(($id, concat!($($doc),+)),)*];

        impl<T: Config> Implementations<T> {
            const ALL: &'static [(u32, Implementation<T>)] = &[$(
                ($id, |guest, arguments| with_arguments!($implementation, guest, arguments, $params)),
                $(($alias, |guest, arguments| with_arguments!($implementation, guest, arguments, $params)),)?
            )*];
        }
    };
}

struct Implementations<T>(core::marker::PhantomData<T>);

/// The table entry of an id.
pub fn import(id: u32) -> Option<&'static ImportEntry> {
    IMPORTS.get(id as usize)
}

/// The implementation of an id.
pub(super) fn implementation<T: Config>(id: u32) -> Option<Implementation<T>> {
    Implementations::<T>::ALL.get(id as usize).map(|(_, implementation)| *implementation)
}

/// The ids of all implementations in the order in which they are looked up.
#[cfg(test)]
pub fn ids_of_implementations() -> alloc::vec::Vec<u32> {
    Implementations::<crate::tests::TestConfig>::ALL.iter().map(|(id, _)| *id).collect()
}

/// Price of a function that moves a few bytes.
const PLAIN: u64 = costs::HOST_CALL;
/// Price of a function that looks into the state at any account.
const STATE: u64 = costs::HOST_CALL_WITH_STATE;
/// Price of a function that looks into the contract's own state.
const OWN_STATE: u64 = costs::HOST_CALL_WITH_OWN_STATE;
/// Price of a function that begins a slow hash.
const HASH: u64 = costs::HOST_CALL_WITH_HASH;

seal_functions! {
    /// Copies the input of the running call.
    0 alias 1 "seal0" "input" (out: u32, out_len: u32) -> none, PLAIN, 0 => context::input;
    /// Ends the frame and returns data; flag 1 undoes its changes.
    2 "seal0" "seal_return" (flags: u32, data: u32, data_len: u32) -> none, PLAIN, 0 => context::seal_return;
    /// Copies the account that called.
    3 alias 4 "seal0" "caller" (out: u32, out_len: u32) -> none, PLAIN, 0 => context::caller;
    /// Whether the caller started the transaction.
    5 alias 6 "seal0" "caller_is_origin" () -> u32, PLAIN, 0 => context::caller_is_origin;
    /// Copies the contract's own account.
    7 alias 8 "seal0" "address" (out: u32, out_len: u32) -> none, PLAIN, 0 => context::address;
    /// Whether a contract lives at an account.
    9 alias 10 "seal0" "is_contract" (account: u32) -> u32, STATE, 0 => context::is_contract;
    /// Copies the code hash of the contract at an account.
    11 alias 12 "seal0" "code_hash" (account: u32, out: u32, out_len: u32) -> u32, STATE, 0 => context::code_hash;
    /// Copies the code hash of the contract itself.
    13 alias 14 "seal0" "own_code_hash" (out: u32, out_len: u32) -> none, OWN_STATE, 0 => context::own_code_hash;
    /// Copies the balance that the contract can spend without ending.
    15 alias 16 "seal0" "balance" (out: u32, out_len: u32) -> none, OWN_STATE, 0 => context::balance;
    /// Copies the balance that came with the call.
    17 alias 18 "seal0" "value_transferred" (out: u32, out_len: u32) -> none, PLAIN, 0 => context::value_transferred;
    /// Copies the existential deposit.
    19 alias 20 "seal0" "minimum_balance" (out: u32, out_len: u32) -> none, PLAIN, 0 => context::minimum_balance;
    /// Copies the block's time in milliseconds.
    21 alias 22 "seal0" "now" (out: u32, out_len: u32) -> none, PLAIN, 0 => context::now;
    /// Copies the block's number.
    23 alias 24 "seal0" "block_number" (out: u32, out_len: u32) -> none, PLAIN, 0 => context::block_number;
    /// Copies the gas that is left, in picoseconds.
    25 alias 26 "seal0" "gas_left" (out: u32, out_len: u32) -> none, PLAIN, 0 => context::gas_left;
    /// Emits an event with topics.
    27 alias 28 "seal0" "deposit_event" (topics: u32, topics_len: u32, data: u32, data_len: u32) -> none,
        PLAIN, FLAG_MUTATES => context::deposit_event;
    /// Prints UTF-8 in dry runs.
    29 alias 30 "seal0" "debug_message" (text: u32, text_len: u32) -> u32, PLAIN, 0 => context::debug_message;
    /// SHA2-256 of a range.
    31 alias 32 "seal0" "hash_sha2_256" (input: u32, input_len: u32, out: u32) -> none, HASH, 0 => hashing::sha2_256;
    /// Keccak-256 of a range.
    33 alias 34 "seal0" "hash_keccak_256" (input: u32, input_len: u32, out: u32) -> none, HASH, 0 => hashing::keccak_256;
    /// BLAKE2b-256 of a range.
    35 alias 36 "seal0" "hash_blake2_256" (input: u32, input_len: u32, out: u32) -> none, PLAIN, 0 => hashing::blake2_256;
    /// BLAKE2b-128 of a range.
    37 alias 38 "seal0" "hash_blake2_128" (input: u32, input_len: u32, out: u32) -> none, PLAIN, 0 => hashing::blake2_128;
    /// Stores a value under a key of 32 bytes.
    39 alias 40 "seal0" "set_storage" (key: u32, value: u32, value_len: u32) -> none,
        PLAIN, FLAG_MUTATES => storage::set_fixed;
    /// The same; answers with the old length.
    41 alias 42 "seal1" "set_storage" (key: u32, value: u32, value_len: u32) -> u32,
        PLAIN, FLAG_MUTATES => storage::set_fixed;
    /// Stores a value under a key of any length; answers with the old length.
    43 alias 44 "seal2" "set_storage" (key: u32, key_len: u32, value: u32, value_len: u32) -> u32,
        PLAIN, FLAG_MUTATES => storage::set_var;
    /// Removes the value under a key of 32 bytes.
    45 alias 46 "seal0" "clear_storage" (key: u32) -> none, PLAIN, FLAG_MUTATES => storage::clear_fixed;
    /// Removes the value under a key of any length; answers with the old length.
    47 alias 48 "seal1" "clear_storage" (key: u32, key_len: u32) -> u32, PLAIN, FLAG_MUTATES => storage::clear_var;
    /// Copies the value under a key of 32 bytes.
    49 alias 50 "seal0" "get_storage" (key: u32, out: u32, out_len: u32) -> u32, PLAIN, 0 => storage::get_fixed;
    /// Copies the value under a key of any length.
    51 alias 52 "seal1" "get_storage" (key: u32, key_len: u32, out: u32, out_len: u32) -> u32,
        PLAIN, 0 => storage::get_var;
    /// The length of the value under a key of 32 bytes.
    53 alias 54 "seal0" "contains_storage" (key: u32) -> u32, PLAIN, 0 => storage::contains_fixed;
    /// The length of the value under a key of any length.
    55 alias 56 "seal1" "contains_storage" (key: u32, key_len: u32) -> u32, PLAIN, 0 => storage::contains_var;
    /// Copies and removes the value under a key of any length.
    57 alias 58 "seal0" "take_storage" (key: u32, key_len: u32, out: u32, out_len: u32) -> u32,
        PLAIN, FLAG_MUTATES => storage::take;
    /// Sends a balance to an account without running code there.
    59 alias 60 "seal0" "transfer" (account: u32, account_len: u32, value: u32, value_len: u32) -> u32,
        PLAIN, FLAG_MUTATES => calls::transfer;
    /// Calls a contract with a gas limit.
    61 alias 62 "seal1" "call" (flags: u32, callee: u32, gas: u64, value: u32, input: u32, input_len: u32, out: u32,
        out_len: u32) -> u32, PLAIN, 0 => calls::call_v1;
    /// Calls a contract with limits of gas and deposit.
    63 "seal2" "call" (flags: u32, callee: u32, gas: u64, proof_size: u64, deposit: u32, value: u32, input: u32,
        input_len: u32, out: u32, out_len: u32) -> u32, PLAIN, 0 => calls::call_v2;
    /// Runs other code on the contract's own storage and balance.
    64 alias 65 "seal0" "delegate_call" (flags: u32, code_hash: u32, input: u32, input_len: u32, out: u32,
        out_len: u32) -> u32, PLAIN, 0 => calls::delegate_call;
    /// Makes a contract with a gas limit.
    66 alias 67 "seal1" "instantiate" (code_hash: u32, gas: u64, value: u32, input: u32, input_len: u32, address: u32,
        address_len: u32, out: u32, out_len: u32, salt: u32, salt_len: u32) -> u32,
        PLAIN, FLAG_MUTATES => calls::instantiate_v1;
    /// Makes a contract with limits of gas and deposit.
    68 "seal2" "instantiate" (code_hash: u32, gas: u64, proof_size: u64, deposit: u32, value: u32, input: u32,
        input_len: u32, address: u32, address_len: u32, out: u32, out_len: u32, salt: u32, salt_len: u32) -> u32,
        PLAIN, FLAG_MUTATES => calls::instantiate_v2;
    /// Ends the contract; what it owns goes to an account.
    69 alias 70 "seal0" "terminate" (beneficiary: u32, beneficiary_len: u32) -> none,
        PLAIN, FLAG_MUTATES => calls::terminate_v0;
    /// The same without the account's length.
    71 alias 72 "seal1" "terminate" (beneficiary: u32) -> none, PLAIN, FLAG_MUTATES => calls::terminate;
    /// Gives the contract other code from the next call on.
    73 alias 74 "seal0" "set_code_hash" (code_hash: u32) -> u32, PLAIN, FLAG_MUTATES => calls::set_code_hash;
}
