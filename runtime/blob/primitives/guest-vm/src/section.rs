//! The custom section `sepia_vm` of a blob.
//!
//! A node must know how to check, price and link contracts before it runs the blob, so the blob carries that as data. The
//! content is one SCALE value, [`VmSection`]; trailing bytes are an error:
//!
//! | part | SCALE type | meaning |
//! |---|---|---|
//! | `meter_version` | `u32` | version of the gas and stack instrumentation |
//! | `weights` | `Vec<(u8, u32)>` | price in picoseconds of each opcode class, ascending by class; [`OP_CLASSES`] names them |
//! | `limits` | [`Limits`] = 22 `u32` | what the validator accepts |
//! | `imports` | `Vec<Import>` | what a contract may import, ascending by id |
//!
//! `Import` = `id: u32`, `module: String`, `name: String`, `params: Vec<u8>`, `result: Option<u8>`, `flags: u8`, `price: u64`.
//! `String` and `Vec` start with their length as SCALE compact. Value types are those of the Wasm binary format: `0x7f` is i32,
//! `0x7e` is i64.
//!
//! `price` is what metered code pays before it calls the import, whatever the call then does; the rest is charged by the blob.

use alloc::{string::String, vec::Vec};
use codec::{Decode, Encode};

use crate::layout::{MAX_ARGUMENTS, MAX_IMPORT_IDS};

/// Name of the custom section.
pub const SECTION_NAME: &str = "sepia_vm";

/// A value type as the Wasm binary format writes it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum ValType {
    /// 32-bit integer.
    I32 = 0x7f,
    /// 64-bit integer.
    I64 = 0x7e,
}

/// [`ImportEntry::flags`]: old code may go on calling the function; an upload or a constructor that imports it is refused.
pub const FLAG_DEPRECATED: u8 = 1;
/// [`ImportEntry::flags`]: the function changes state and is refused in a read-only frame.
pub const FLAG_MUTATES: u8 = 2;

/// One guest import, as a constant of the blob.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ImportEntry {
    /// Number by which a syscall names the import. Never reused.
    pub id: u32,
    /// Import module.
    pub module: &'static str,
    /// Import name.
    pub name: &'static str,
    /// Parameter types.
    pub params: &'static [ValType],
    /// Result type.
    pub result: Option<ValType>,
    /// `FLAG_*` bits.
    pub flags: u8,
    /// Price in picoseconds that metered code pays before each call.
    pub price: u64,
}

/// Limits of the validator for contracts, in the order in which they are encoded.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode)]
pub struct Limits {
    /// Bytes of a module, custom sections included.
    pub code_bytes: u32,
    /// Function types.
    pub types: u32,
    /// Imported functions.
    pub imports: u32,
    /// Functions that a module defines.
    pub functions: u32,
    /// Bytes of a function body.
    pub body_bytes: u32,
    /// Blocks, loops and ifs of a function.
    pub function_blocks: u32,
    /// Blocks, loops and ifs of a module.
    pub module_blocks: u32,
    /// Locals of a function without its parameters.
    pub function_locals: u32,
    /// Locals of a module without parameters.
    pub module_locals: u32,
    /// Parameters of a function.
    pub params: u32,
    /// Globals.
    pub globals: u32,
    /// Entries of the only table.
    pub table_entries: u32,
    /// Targets of a `br_table`, the default not counted.
    pub branch_targets: u32,
    /// Nested blocks.
    pub nesting: u32,
    /// Nested loops.
    pub loop_nesting: u32,
    /// Values on the operand stack.
    pub operand_height: u32,
    /// Pages of memory.
    pub memory_pages: u32,
    /// Data segments.
    pub data_segments: u32,
    /// Element segments.
    pub element_segments: u32,
    /// Exports.
    pub exports: u32,
    /// Complexity score of a module in microseconds.
    pub score: u32,
    /// Stack units of one execution.
    pub stack_units: u32,
}

/// Opcode classes of the instrumentation in the order of their numbers. What belongs to which class is fixed by the meter version.
pub const OP_CLASSES: &[&str] = &[
    "structure",
    "plain",
    "global",
    "load",
    "store",
    "mul",
    "div",
    "branch",
    "br_table",
    "call",
    "call_indirect",
    "import",
    "frame",
    "grow",
    "grow_page",
    "bulk",
    "bulk_word",
];

/// An opcode class and its price in picoseconds.
pub type OpWeight = (u8, u32);

/// The decoded content of the section.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct VmSection {
    /// Version of the gas and stack instrumentation.
    pub meter_version: u32,
    /// Prices of the opcode classes.
    pub weights: Vec<OpWeight>,
    /// Limits of the validator.
    pub limits: Limits,
    /// What a contract may import.
    pub imports: Vec<Import>,
}

/// The decoded form of an [`ImportEntry`].
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct Import {
    /// See [`ImportEntry::id`].
    pub id: u32,
    /// See [`ImportEntry::module`].
    pub module: String,
    /// See [`ImportEntry::name`].
    pub name: String,
    /// See [`ImportEntry::params`].
    pub params: Vec<u8>,
    /// See [`ImportEntry::result`].
    pub result: Option<u8>,
    /// See [`ImportEntry::flags`].
    pub flags: u8,
    /// See [`ImportEntry::price`].
    pub price: u64,
}

/// The same content as a constant of the blob, from which [`encode`] makes the section's bytes at compile time.
#[derive(Clone, Copy, Debug)]
pub struct VmTable<'a> {
    /// See [`VmSection::meter_version`].
    pub meter_version: u32,
    /// See [`VmSection::weights`].
    pub weights: &'a [OpWeight],
    /// See [`VmSection::limits`].
    pub limits: Limits,
    /// See [`VmSection::imports`].
    pub imports: &'a [ImportEntry],
}

/// Whether ids ascend, fit the report's bit set, and no entry has more parameters than a step can carry.
pub const fn is_well_formed(imports: &[ImportEntry]) -> bool {
    let mut index = 0;
    while index < imports.len() {
        let entry = &imports[index];
        let ascends = index == 0 || imports[index - 1].id < entry.id;
        if !ascends || entry.id >= MAX_IMPORT_IDS || entry.params.len() > MAX_ARGUMENTS {
            return false;
        }
        index += 1;
    }
    true
}

/// Bytes that [`encode`] makes.
pub const fn encoded_len(table: &VmTable) -> usize {
    let mut counter = Writer::<0> { bytes: [], len: 0 };
    counter.table(table);
    counter.len
}

/// The section's bytes; `N` must be [`encoded_len`] of the same table.
pub const fn encode<const N: usize>(table: &VmTable) -> [u8; N] {
    let mut writer = Writer::<N> { bytes: [0; N], len: 0 };
    writer.table(table);
    assert!(writer.len == N, "N is the encoded length of the table");
    writer.bytes
}

/// SCALE for constants: the codec crate cannot run at compile time. `N` = 0 only counts.
struct Writer<const N: usize> {
    bytes: [u8; N],
    len: usize,
}

impl<const N: usize> Writer<N> {
    const fn table(&mut self, table: &VmTable) {
        assert!(is_well_formed(table.imports), "import ids ascend and fit the report");
        self.u32(table.meter_version);
        self.compact(table.weights.len());
        let mut index = 0;
        while index < table.weights.len() {
            self.byte(table.weights[index].0);
            self.u32(table.weights[index].1);
            index += 1;
        }
        self.limits(&table.limits);
        self.compact(table.imports.len());
        let mut index = 0;
        while index < table.imports.len() {
            self.import(&table.imports[index]);
            index += 1;
        }
    }

    const fn limits(&mut self, limits: &Limits) {
        let ordered = [
            limits.code_bytes,
            limits.types,
            limits.imports,
            limits.functions,
            limits.body_bytes,
            limits.function_blocks,
            limits.module_blocks,
            limits.function_locals,
            limits.module_locals,
            limits.params,
            limits.globals,
            limits.table_entries,
            limits.branch_targets,
            limits.nesting,
            limits.loop_nesting,
            limits.operand_height,
            limits.memory_pages,
            limits.data_segments,
            limits.element_segments,
            limits.exports,
            limits.score,
            limits.stack_units,
        ];
        let mut index = 0;
        while index < ordered.len() {
            self.u32(ordered[index]);
            index += 1;
        }
    }

    const fn import(&mut self, entry: &ImportEntry) {
        self.u32(entry.id);
        self.string(entry.module);
        self.string(entry.name);
        self.compact(entry.params.len());
        let mut index = 0;
        while index < entry.params.len() {
            self.byte(entry.params[index] as u8);
            index += 1;
        }
        match entry.result {
            None => self.byte(0),
            Some(result) => {
                self.byte(1);
                self.byte(result as u8);
            }
        }
        self.byte(entry.flags);
        self.u32(entry.price as u32);
        self.u32((entry.price >> 32) as u32);
    }

    const fn string(&mut self, text: &str) {
        let bytes = text.as_bytes();
        self.compact(bytes.len());
        let mut index = 0;
        while index < bytes.len() {
            self.byte(bytes[index]);
            index += 1;
        }
    }

    const fn compact(&mut self, value: usize) {
        assert!(value < 1 << 14, "lengths in the section fit the two-byte compact form");
        if value < 1 << 6 {
            return self.byte((value as u8) << 2);
        }
        let wide = ((value as u16) << 2) | 1;
        self.byte(wide as u8);
        self.byte((wide >> 8) as u8);
    }

    const fn u32(&mut self, value: u32) {
        let bytes = value.to_le_bytes();
        let mut index = 0;
        while index < bytes.len() {
            self.byte(bytes[index]);
            index += 1;
        }
    }

    const fn byte(&mut self, value: u8) {
        if N > 0 {
            self.bytes[self.len] = value;
        }
        self.len += 1;
    }
}
