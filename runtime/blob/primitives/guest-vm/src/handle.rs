//! Owned handles over the raw host functions: a [`Module`] starts [`Execution`]s, an execution is dropped with its owner, and
//! results are enums instead of numbers.

use alloc::string::{String, ToString};

use crate::{
    codes::{self, Entry, TrapClass},
    interface::guest_vm,
    layout::{Report, Step},
};

/// Longest explanation that is asked for, in bytes.
const MAX_EXPLANATION: usize = 512;

/// The validator refuses the code; the report says why and where.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Rejected(pub Report);

/// Why a stored module cannot be used.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LoadError {
    /// The state has nothing under the key.
    NotFound,
    /// What is stored does not pass today's limits.
    Invalid(Report),
}

/// The blob call holds as many executions as it may.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TooManyExecutions;

/// The range does not lie inside the guest's memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OutOfBounds;

/// Checks `code` against the blob's limits and import table.
pub fn validate(code: &[u8]) -> Result<Report, Rejected> {
    let mut report = Report::default();
    match guest_vm::validate(code, &mut report) {
        codes::VALIDATE_OK => Ok(report),
        _ => Err(Rejected(report)),
    }
}

/// A module that is ready to be started.
#[derive(Debug)]
pub struct Module {
    handle: u32,
    report: Report,
}

impl Module {
    /// Makes the module ready whose SCALE `Vec<u8>` is stored under `key`.
    pub fn load(key: &[u8]) -> Result<Self, LoadError> {
        let mut report = Report::default();
        match guest_vm::load(key, &mut report) {
            codes::LOAD_NOT_FOUND => Err(LoadError::NotFound),
            handle => match u32::try_from(handle) {
                Ok(handle) => Ok(Self { handle, report }),
                Err(_) => Err(LoadError::Invalid(report)),
            },
        }
    }

    /// What the validator says about the module.
    pub fn report(&self) -> &Report {
        &self.report
    }

    /// Makes a fresh instance that will start at `entry`.
    pub fn instantiate(&self, entry: Entry) -> Result<Execution, TooManyExecutions> {
        let handle = guest_vm::instantiate(self.handle, entry as u32);
        let handle = u32::try_from(handle).map_err(|_| TooManyExecutions)?;
        Ok(Execution { handle })
    }
}

/// How a `run` ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// The entry point returned.
    Finished,
    /// The guest called an import; id and arguments are in the step.
    Syscall,
    /// The gas did not suffice.
    OutOfGas,
    /// The guest trapped. `None` stands for a class that this blob does not know.
    Trapped(Option<TrapClass>),
}

/// An instance with its suspended call. It ends when it goes out of scope.
#[derive(Debug)]
pub struct Execution {
    handle: u32,
}

impl Execution {
    /// Runs until the guest ends or calls an import; fills `step`.
    ///
    /// `gas` is what the guest may use, cut to [`MAX_GAS`](codes::MAX_GAS); `answer` is the result of the pending import call.
    pub fn run(&mut self, gas: u64, answer: i64, step: &mut Step) -> Outcome {
        let gas = gas.min(codes::MAX_GAS) as i64;
        match guest_vm::run(self.handle, gas, answer, step) {
            codes::RUN_FINISHED => Outcome::Finished,
            codes::RUN_SYSCALL => Outcome::Syscall,
            codes::RUN_OUT_OF_GAS => Outcome::OutOfGas,
            _ => Outcome::Trapped(TrapClass::from_number(step.trap_class)),
        }
    }

    /// Copies guest memory from `at` on into `dest`.
    pub fn read(&self, at: u32, dest: &mut [u8]) -> Result<(), OutOfBounds> {
        match guest_vm::read(self.handle, at, dest) {
            codes::ACCESS_OK => Ok(()),
            _ => Err(OutOfBounds),
        }
    }

    /// Copies `src` into guest memory from `at` on.
    pub fn write(&mut self, at: u32, src: &[u8]) -> Result<(), OutOfBounds> {
        match guest_vm::write(self.handle, at, src) {
            codes::ACCESS_OK => Ok(()),
            _ => Err(OutOfBounds),
        }
    }

    /// What the host says about the execution's trap. Empty in every call whose result can reach consensus.
    pub fn explain(&self) -> String {
        explain(self.handle)
    }
}

/// What the host says about the code that it refused last. Empty in every call whose result can reach consensus.
pub fn explain_refusal() -> String {
    explain(codes::EXPLAIN_REFUSAL)
}

fn explain(handle: u32) -> String {
    let mut text = [0u8; MAX_EXPLANATION];
    let len = guest_vm::explain(handle, &mut text) as usize;
    String::from_utf8_lossy(&text[..len.min(MAX_EXPLANATION)]).to_string()
}

impl Drop for Execution {
    fn drop(&mut self) {
        guest_vm::drop(self.handle)
    }
}
