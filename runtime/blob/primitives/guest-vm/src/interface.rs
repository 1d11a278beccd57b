//! The host functions.
//!
//! A handle is counted from 0 in each blob call and never reused; all handles end with the call. Using a handle that was not
//! given out, or an execution after its `drop`, is the blob's fault and traps the blob call.
//!
//! Every function charges the blob call's own gas first, so a failure costs what a success costs.

// The attribute macro generates public items from the trait below; they are described at the trait's functions.
#![allow(missing_docs)]

use sp_runtime_interface::{
    pass_by::{PassFatPointerAndRead, PassFatPointerAndWrite, PassPointerAndWrite},
    runtime_interface,
};

use crate::layout::{Report, Step, REPORT_SIZE, STEP_SIZE};

#[cfg(not(substrate_runtime))]
use alloc::boxed::Box;
#[cfg(not(substrate_runtime))]
use core::any::TypeId;
#[cfg(not(substrate_runtime))]
use sp_externalities::Externalities;

/// A guest VM for native execution: what stands behind the host functions when the blob's code runs as a native test.
#[cfg(not(substrate_runtime))]
pub trait GuestVmHost: Send {
    /// See [`GuestVm`].
    fn validate(&mut self, code: &[u8], report: &mut Report) -> i32;
    /// See [`GuestVm`]; `stored` is the raw value under the key.
    fn load(&mut self, stored: Option<&[u8]>, report: &mut Report) -> i64;
    /// See [`GuestVm`].
    fn instantiate(&mut self, module: u32, entry: u32) -> i64;
    /// See [`GuestVm`].
    fn run(&mut self, exec: u32, gas: i64, answer: i64, step: &mut Step) -> i32;
    /// See [`GuestVm`].
    fn read(&mut self, exec: u32, at: u32, dest: &mut [u8]) -> i32;
    /// See [`GuestVm`].
    fn write(&mut self, exec: u32, at: u32, src: &[u8]) -> i32;
    /// See [`GuestVm`].
    fn drop(&mut self, exec: u32);
    /// See [`GuestVm`].
    fn explain(&mut self, exec: u32, dest: &mut [u8]) -> u32;
}

#[cfg(not(substrate_runtime))]
sp_externalities::decl_extension! {
    /// Makes a [`GuestVmHost`] reachable from native code.
    pub struct GuestVmExt(Box<dyn GuestVmHost>);
}

#[cfg(not(substrate_runtime))]
fn host(externalities: &mut dyn Externalities) -> &mut dyn GuestVmHost {
    let extension = externalities.extension_by_type_id(TypeId::of::<GuestVmExt>());
    let extension = extension.and_then(|any| any.downcast_mut::<GuestVmExt>());
    &mut *extension.expect("native tests register a GuestVmExt before they use the guest VM").0
}

/// The guest VM of the host.
#[runtime_interface]
pub trait GuestVm {
    /// Checks `code` against the blob's limits and import table, and fills `out` in either case.
    ///
    /// Returns [`VALIDATE_OK`](crate::codes::VALIDATE_OK) or [`VALIDATE_REJECTED`](crate::codes::VALIDATE_REJECTED).
    fn validate(
        &mut self,
        code: PassFatPointerAndRead<&[u8]>,
        out: PassPointerAndWrite<&mut Report, REPORT_SIZE>,
    ) -> i32 {
        host(*self).validate(code, out)
    }

    /// Makes the module ready whose SCALE `Vec<u8>` is stored under `key`, and fills `out`.
    ///
    /// Returns a module handle, [`LOAD_NOT_FOUND`](crate::codes::LOAD_NOT_FOUND) or
    /// [`LOAD_INVALID`](crate::codes::LOAD_INVALID). The state is looked into each time: no cache can change the result.
    fn load(&mut self, key: PassFatPointerAndRead<&[u8]>, out: PassPointerAndWrite<&mut Report, REPORT_SIZE>) -> i64 {
        let stored = self.storage(key);
        host(*self).load(stored.as_deref(), out)
    }

    /// Makes a fresh instance that will start at [`Entry`](crate::Entry) number `entry`; nothing runs yet.
    ///
    /// Returns an execution handle or [`INSTANTIATE_TOO_MANY`](crate::codes::INSTANTIATE_TOO_MANY).
    fn instantiate(&mut self, module: u32, entry: u32) -> i64 {
        host(*self).instantiate(module, entry)
    }

    /// Runs the guest until it ends or calls an import.
    ///
    /// `gas` is what it may use from here on; `answer` is the result of the import call that it waits for (ignored at the
    /// first run and for an import without result). Returns one of `RUN_*` in [`codes`](crate::codes).
    fn run(&mut self, exec: u32, gas: i64, answer: i64, out: PassPointerAndWrite<&mut Step, STEP_SIZE>) -> i32 {
        host(*self).run(exec, gas, answer, out)
    }

    /// Copies guest memory from `at` on into `dest`, all or nothing. Returns one of `ACCESS_*` in [`codes`](crate::codes).
    fn read(&mut self, exec: u32, at: u32, dest: PassFatPointerAndWrite<&mut [u8]>) -> i32 {
        host(*self).read(exec, at, dest)
    }

    /// Copies `src` into guest memory from `at` on, all or nothing. Returns one of `ACCESS_*` in [`codes`](crate::codes).
    fn write(&mut self, exec: u32, at: u32, src: PassFatPointerAndRead<&[u8]>) -> i32 {
        host(*self).write(exec, at, src)
    }

    /// Ends an execution, in whatever state it is.
    fn drop(&mut self, exec: u32) {
        host(*self).drop(exec)
    }

    /// Writes words for people into `dest` (UTF-8, cut to fit) and returns their length in bytes: about the execution's trap, or
    /// about refused code for [`EXPLAIN_REFUSAL`](crate::codes::EXPLAIN_REFUSAL). Always 0 in a call whose result can reach consensus.
    fn explain(&mut self, exec: u32, dest: PassFatPointerAndWrite<&mut [u8]>) -> u32 {
        host(*self).explain(exec, dest)
    }
}
