//! The two structures that the host fills in the blob's memory.
//!
//! Both are plain little-endian integers without padding, so that Rust, C and Go can share them byte by byte.

/// Most arguments that an import of a guest may have.
pub const MAX_ARGUMENTS: usize = 14;
/// 64-bit words in the set of used imports.
pub const IMPORT_WORDS: usize = 8;
/// Import ids are below this, so that one bit of [`Report::imports`] stands for each.
pub const MAX_IMPORT_IDS: u32 = 64 * IMPORT_WORDS as u32;
/// Value of [`Report::function`] and [`Report::offset`] when a refusal has no place in the code.
pub const NO_PLACE: u32 = u32::MAX;

/// Size of [`Report`]: eight 32-bit fields, the score, and the set of imports.
pub const REPORT_SIZE: usize = 8 * 4 + 8 + IMPORT_WORDS * 8;
/// Size of [`Step`]: the gas, four 32-bit fields, and the arguments.
pub const STEP_SIZE: usize = 8 + 4 * 4 + MAX_ARGUMENTS * 8;

/// What the validator found out about a module.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[repr(C)]
pub struct Report {
    /// Why the module is refused ([`REASONS`](crate::codes::REASONS)); 0 for an accepted one.
    pub reason: u32,
    /// Index of the refused function, or [`NO_PLACE`].
    pub function: u32,
    /// Byte offset of the refusal in the code, or [`NO_PLACE`].
    pub offset: u32,
    /// Bits of an accepted module, see [`REPORT_IMPORTS_DEPRECATED`](crate::codes::REPORT_IMPORTS_DEPRECATED).
    pub flags: u32,
    /// Initial memory in pages of 64 KiB.
    pub mem_min: u32,
    /// Maximum memory in pages of 64 KiB.
    pub mem_max: u32,
    /// Length of the code in bytes.
    pub code_len: u32,
    /// Always zero.
    pub zero: u32,
    /// Complexity in microseconds of compile time.
    pub score: u64,
    /// One bit for each import id in use: id `i` is bit `i % 64` of word `i / 64`.
    pub imports: [u64; IMPORT_WORDS],
}

/// Where an execution stands after `run`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[repr(C)]
pub struct Step {
    /// Gas that is left, in picoseconds; never negative.
    pub gas_left: i64,
    /// Syscall: id of the called import.
    pub id: u32,
    /// Syscall: number of arguments.
    pub nargs: u32,
    /// Trap: number of the [`TrapClass`](crate::TrapClass).
    pub trap_class: u32,
    /// Current size of the guest's memory in bytes.
    pub mem_bytes: u32,
    /// Syscall: the arguments; a 32-bit one is zero-extended.
    pub args: [u64; MAX_ARGUMENTS],
}

const _: () = assert!(core::mem::size_of::<Report>() == REPORT_SIZE);
const _: () = assert!(core::mem::size_of::<Step>() == STEP_SIZE);

macro_rules! bytes_of {
    ($name:ty, $size:expr) => {
        impl AsRef<[u8]> for $name {
            fn as_ref(&self) -> &[u8] {
                // SAFETY: the type is `repr(C)` with integer fields only; its size equals the sum of its fields' sizes (asserted
                // above), so it has no padding and each byte is initialised. The slice borrows `self`.
                unsafe { core::slice::from_raw_parts((self as *const Self).cast(), $size) }
            }
        }

        impl AsMut<[u8]> for $name {
            fn as_mut(&mut self) -> &mut [u8] {
                // SAFETY: as for `as_ref`; in addition each bit pattern is a valid value of the type, and the slice borrows
                // `self` mutably.
                unsafe { core::slice::from_raw_parts_mut((self as *mut Self).cast(), $size) }
            }
        }
    };
}

bytes_of!(Report, REPORT_SIZE);
bytes_of!(Step, STEP_SIZE);

impl Report {
    /// Whether the module imports the function with this id.
    pub fn uses_import(&self, id: u32) -> bool {
        let word = self.imports.get((id / 64) as usize);
        word.is_some_and(|word| word & (1 << (id % 64)) != 0)
    }
}
