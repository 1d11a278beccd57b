//! Running a guest: hand it gas, perform the calls that it makes, until it ends.

use alloc::format;
use sp_guest_vm::{Module, Outcome, Step, TrapClass};
use sp_runtime::DispatchError;

use super::Stack;
use crate::{
    primitives::ExecReturnValue,
    seal::{self, Exit},
    Config, Error,
};

impl<T: Config> Stack<T> {
    /// Runs the module at the running frame's entry point.
    pub(super) fn run_guest(&mut self, module: &Module) -> Result<ExecReturnValue, DispatchError> {
        // The host grants more executions than there may be frames, so this does not happen with a correct host.
        let mut exec = module.instantiate(self.top().entry).map_err(|_| Error::<T>::MaxCallDepthReached)?;
        let mut step = Step::default();
        let mut answer = 0;
        loop {
            let outcome = exec.run(self.gas_left(), answer, &mut step);
            self.top_mut().gas.set_left(step.gas_left.max(0) as u64);
            match outcome {
                Outcome::Finished => return Ok(ExecReturnValue::default()),
                Outcome::OutOfGas => return Err(Error::<T>::OutOfGas.into()),
                Outcome::Trapped(class) => {
                    self.tell_trap(class, &exec);
                    return Err(Error::<T>::ContractTrapped.into());
                }
                Outcome::Syscall => match seal::perform(self, &mut exec, &step) {
                    Ok(value) => answer = value,
                    Err(Exit::Return(output)) => return Ok(output),
                    Err(Exit::Terminated) => return Ok(ExecReturnValue::default()),
                    Err(Exit::Failed(error)) => {
                        self.tell_failure(step.id, error);
                        return Err(error);
                    }
                },
            }
        }
    }

    fn tell_trap(&mut self, class: Option<TrapClass>, exec: &sp_guest_vm::Execution) {
        if !self.debug.is_on() {
            return;
        }
        let class = class.map_or("unknown class", TrapClass::text);
        let explanation = exec.explain();
        let separator = if explanation.is_empty() { "" } else { ": " };
        self.debug.append_line(&format!("contract trapped: {class}{separator}{explanation}"));
    }

    fn tell_failure(&mut self, id: u32, error: DispatchError) {
        if !self.debug.is_on() {
            return;
        }
        let error: &'static str = error.into();
        let line = match seal::table::import(id) {
            Some(import) => format!("{}.{} failed: {error}", import.module, import.name),
            None => format!("import {id} failed: {error}"),
        };
        self.debug.append_line(&line);
    }
}
