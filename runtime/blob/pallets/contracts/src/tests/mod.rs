//! The pallet against a scripted guest VM. Nothing here is Wasm: what involves real code, gas or limits is tested through the
//! node.

mod calls;
mod code;
mod context;
mod delegates;
mod deposits;
mod dry_runs;
mod gas;
mod lifecycle;
mod memory;
mod payouts;
mod reentrance;
mod runtime;
mod scripts;
mod storage;
mod table;

pub(crate) use runtime::Test as TestConfig;
