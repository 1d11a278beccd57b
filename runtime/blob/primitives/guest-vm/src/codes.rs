//! Numbers that cross the boundary between blob and host. None is ever reused for another meaning.

/// `validate`: the module is acceptable; the report holds its score and imports.
pub const VALIDATE_OK: i32 = 0;
/// `validate`: the module is refused; the report holds the reason and the place.
pub const VALIDATE_REJECTED: i32 = -1;

/// `load`: the state has no value under the key.
pub const LOAD_NOT_FOUND: i64 = -1;
/// `load`: the value is not a SCALE `Vec<u8>`, or the module in it does not pass today's limits.
pub const LOAD_INVALID: i64 = -2;

/// `instantiate`: this blob call has [`MAX_LIVE_EXECUTIONS`] executions already.
pub const INSTANTIATE_TOO_MANY: i64 = -1;
/// Executions that one blob call may hold at a time.
pub const MAX_LIVE_EXECUTIONS: u32 = 64;

/// `run`: the entry point returned.
pub const RUN_FINISHED: i32 = 0;
/// `run`: the guest called an import and waits for the answer.
pub const RUN_SYSCALL: i32 = 1;
/// `run`: the gas did not suffice; nothing is left.
pub const RUN_OUT_OF_GAS: i32 = 2;
/// `run`: the guest trapped; the step names the class.
pub const RUN_TRAPPED: i32 = 3;

/// `read`, `write`: done.
pub const ACCESS_OK: i32 = 0;
/// `read`, `write`: the range does not lie inside the guest's memory; nothing was copied.
pub const ACCESS_OUT_OF_BOUNDS: i32 = -1;

/// `explain`: stands for the code that `validate` or `load` refused last. No execution has this handle.
pub const EXPLAIN_REFUSAL: u32 = u32::MAX;

/// Bit of [`Report::flags`](crate::Report): the module imports a function whose table entry is
/// [deprecated](crate::section::FLAG_DEPRECATED).
pub const REPORT_IMPORTS_DEPRECATED: u32 = 1;

/// Largest gas limit of one `run`. The guest's counter is a signed 64-bit integer, and two limits must add up without overflow.
pub const MAX_GAS: u64 = 1 << 62;

/// Which export of a contract an execution starts at.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u32)]
pub enum Entry {
    /// `deploy`: the constructor.
    Deploy = 0,
    /// `call`: a message.
    Call = 1,
}

/// Why a guest trapped. Nothing finer is offered, because finer kinds differ between engines and compile tiers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u32)]
pub enum TrapClass {
    /// The instruction `unreachable`: a panic or an abort.
    Unreachable = 1,
    /// A load, store, copy or fill outside the memory.
    Memory = 2,
    /// An indirect call through an empty or missing table entry.
    Table = 3,
    /// An indirect call of a function with another signature.
    Signature = 4,
    /// An integer division by zero.
    DivideByZero = 5,
    /// The smallest integer divided by minus one.
    IntegerOverflow = 6,
    /// The guest's stack counter ran out.
    Stack = 7,
}

/// All trap classes in the order of their numbers.
pub const TRAP_CLASSES: [TrapClass; 7] = [
    TrapClass::Unreachable,
    TrapClass::Memory,
    TrapClass::Table,
    TrapClass::Signature,
    TrapClass::DivideByZero,
    TrapClass::IntegerOverflow,
    TrapClass::Stack,
];

impl TrapClass {
    /// The class with this number, or `None` for a number that has no meaning.
    pub fn from_number(number: u32) -> Option<Self> {
        TRAP_CLASSES.into_iter().find(|class| *class as u32 == number)
    }

    /// The class in words for people.
    pub fn text(self) -> &'static str {
        match self {
            Self::Unreachable => "unreachable executed (a panic or failed assertion)",
            Self::Memory => "memory access out of bounds",
            Self::Table => "indirect call through an empty or missing table entry",
            Self::Signature => "indirect call of a function with another signature",
            Self::DivideByZero => "integer division by zero",
            Self::IntegerOverflow => "integer overflow in a division",
            Self::Stack => "stack exhausted (too deep recursion)",
        }
    }
}

/// Why the validator refuses a module: number and stable name.
pub const REASONS: &[(u32, &str)] = &[
    (0, "ok"),
    (1, "too-large"),
    (2, "truncated"),
    (3, "bad-header"),
    (4, "bad-number"),
    (5, "bad-text"),
    (6, "section-order"),
    (7, "section-size"),
    (8, "bad-form"),
    (9, "bad-index"),
    (10, "type-mismatch"),
    (11, "underflow"),
    (12, "structure"),
    (13, "alignment"),
    (14, "constant-expression"),
    (15, "counts-differ"),
    (16, "double-export"),
    (20, "float"),
    (21, "vector"),
    (22, "threads"),
    (23, "multi-value"),
    (24, "reference-types"),
    (25, "tail-call"),
    (26, "memory64"),
    (27, "bulk-memory"),
    (28, "multi-memory"),
    (29, "exceptions"),
    (30, "unknown-opcode"),
    (31, "mutable-global"),
    (40, "import-unknown"),
    (41, "import-type"),
    (42, "import-kind"),
    (43, "memory-import"),
    (44, "export-name"),
    (45, "export-missing"),
    (46, "export-type"),
    (47, "reserved-name"),
    (48, "start-section"),
    (49, "memory-size"),
    (50, "table-size"),
    (51, "segment-bounds"),
    (60, "limit-functions"),
    (61, "limit-body"),
    (62, "limit-blocks"),
    (63, "limit-module-blocks"),
    (64, "limit-locals"),
    (65, "limit-module-locals"),
    (66, "limit-params"),
    (67, "limit-types"),
    (68, "limit-globals"),
    (69, "limit-branch-table"),
    (70, "limit-nesting"),
    (71, "limit-loops"),
    (72, "limit-operands"),
    (73, "limit-data"),
    (74, "limit-elements"),
    (75, "limit-exports"),
    (76, "limit-imports"),
    (77, "limit-score"),
];

/// The stable name of a refusal's reason; `"unknown"` for a number that this blob does not know.
pub fn reason_name(number: u32) -> &'static str {
    REASONS.iter().find(|(known, _)| *known == number).map_or("unknown", |(_, name)| name)
}
