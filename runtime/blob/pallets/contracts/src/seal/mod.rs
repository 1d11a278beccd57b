//! The functions that a contract imports ("seal" functions): what they are called and cost ([`table`]), and what they do.
//!
//! A guest's import call arrives as a step with the import's id and arguments. [`perform`] finds the table entry and calls its
//! implementation with a [`Guest`], through which it reaches the guest's memory and the call stack.

mod calls;
mod context;
mod hashing;
mod memory;
mod storage;
pub mod table;

use sp_guest_vm::{Execution, Step};
use sp_runtime::DispatchError;

use crate::{
    exec::{ErrorOrigin, ExecError, Stack},
    gas::{Charged, OutOfGas},
    primitives::ExecReturnValue,
    Config, Error,
};

/// Stands for "no output wanted", "no value there" or "no limit of its own".
pub const SENTINEL: u32 = u32::MAX;

/// What a seal function answers with when it answers with a code. Numbers are fixed by compiled contracts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u32)]
pub enum ReturnCode {
    /// Done.
    Success = 0,
    /// The callee's code ran and failed; its changes are undone.
    CalleeTrapped = 1,
    /// The callee asked for its changes to be undone; its output is there.
    CalleeReverted = 2,
    /// Nothing is stored under the key, or the account is no contract.
    KeyNotFound = 3,
    /// The balance did not move.
    TransferFailed = 5,
    /// No code has this hash.
    CodeNotFound = 7,
    /// The account is no contract, or one whose constructor is still running.
    NotCallable = 8,
}

/// How a seal function ends the frame instead of answering.
#[derive(Debug, PartialEq, Eq)]
pub enum Exit {
    /// The contract returned.
    Return(ExecReturnValue),
    /// The contract ended itself.
    Terminated,
    /// The frame fails.
    Failed(DispatchError),
}

impl<E: Into<DispatchError>> From<E> for Exit {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

/// Answer of a function: the value of its result, or 0 if it has none.
type Answer = Result<i64, Exit>;

/// Implementation behind a table entry.
type Implementation<T> = fn(&mut Guest<'_, T>, &[u64]) -> Answer;

/// What an implementation works with.
pub struct Guest<'a, T: Config> {
    /// The call stack; its top frame is the caller's.
    stack: &'a mut Stack<T>,
    exec: &'a mut Execution,
    /// Size of the guest's memory.
    mem_bytes: u32,
}

impl<T: Config> Guest<'_, T> {
    fn charge(&mut self, amount: u64) -> Result<Charged, Error<T>> {
        self.stack.charge(amount).map_err(|OutOfGas| Error::<T>::OutOfGas)
    }
}

/// Performs the import call that `step` describes.
pub fn perform<T: Config>(stack: &mut Stack<T>, exec: &mut Execution, step: &Step) -> Answer {
    // The validator resolves imports in the same table, so an unknown id can only come from code that was checked under an
    // older table and has lost a function since.
    let implementation = table::implementation::<T>(step.id).ok_or(Error::<T>::CodeRejected)?;
    let is_mutating =
        table::import(step.id).is_some_and(|import| import.flags & sp_guest_vm::section::FLAG_MUTATES != 0);
    if is_mutating {
        stack.ensure_mutable()?;
    }
    implementation(&mut Guest { stack, exec, mem_bytes: step.mem_bytes }, &step.args)
}

fn code(code: ReturnCode) -> Answer {
    Ok(code as u32 as i64)
}

/// The code for a callee that ended, or the failure of the caller itself.
fn code_of_call<T: Config>(result: &Result<ExecReturnValue, ExecError>) -> Answer {
    let error = match result {
        Ok(output) if output.did_revert() => return code(ReturnCode::CalleeReverted),
        Ok(_) => return code(ReturnCode::Success),
        Err(ExecError { origin: ErrorOrigin::Callee, .. }) => return code(ReturnCode::CalleeTrapped),
        Err(ExecError { error, .. }) => *error,
    };
    code_of_error::<T>(error)
}

/// The code for an error that the caller may handle, or the failure of the caller itself.
fn code_of_error<T: Config>(error: DispatchError) -> Answer {
    let handled = [
        (Error::<T>::TransferFailed, ReturnCode::TransferFailed),
        (Error::<T>::CodeNotFound, ReturnCode::CodeNotFound),
        (Error::<T>::ContractNotFound, ReturnCode::NotCallable),
    ];
    for (known, answer) in handled {
        if DispatchError::from(known) == error {
            return code(answer);
        }
    }
    Err(Exit::Failed(error))
}

/// The length of a value, or the sentinel for no value.
fn len_or_sentinel(len: Option<u32>) -> Answer {
    Ok(len.unwrap_or(SENTINEL).into())
}
