//! The blob's side of the guest VM: how a Wasm program made by somebody else is checked, started, stepped and dropped.
//!
//! The host owns engines, memory and gas counters; the blob owns every rule. A guest runs until it calls one of its imports.
//! Then `run` returns [`Outcome::Syscall`] with the import's id and arguments, the blob performs the call (reading and writing
//! the guest's memory through the handle), and the next `run` hands the answer back. So the blob is never re-entered, and
//! guests may nest as deep as the blob allows.
//!
//! What is here:
//! * [`interface`]: the host functions, imported as `env.ext_guest_vm_<name>_version_1`;
//! * [`codes`] and [`layout`]: result codes and the two structures that cross the boundary;
//! * [`handle`]: owned handles over the raw functions ([`Module`], [`Execution`]), which is what a pallet uses;
//! * [`section`]: the custom section `sepia_vm`, from which a node learns the blob's table of guest imports, opcode prices and
//!   limits without running it.
//!
//! What is not here: no Wasm is read and no gas is computed in Rust. `runtime/vm/abi.json` describes the same interface for
//! the host; a test of this crate compares the two.

#![cfg_attr(not(feature = "std"), no_std)]
#![deny(missing_docs)]

extern crate alloc;

pub mod codes;
pub mod handle;
pub mod interface;
pub mod layout;
pub mod section;

pub use codes::{reason_name, Entry, TrapClass};
pub use handle::{
    explain_refusal, validate, Execution, LoadError, Module, OutOfBounds, Outcome, Rejected, TooManyExecutions,
};
#[cfg(not(substrate_runtime))]
pub use interface::{GuestVmExt, GuestVmHost};
pub use layout::{Report, Step, MAX_ARGUMENTS};
