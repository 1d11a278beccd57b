//! The call stack: frames, who may enter whom, and what survives when a frame ends.
//!
//! One [`Stack`] lives for one transaction or dry run. Entering a contract pushes a [`Frame`], opens a storage transaction, runs
//! the guest ([`run`]) and pops the frame again. A frame that fails or reverts leaves nothing behind but its gas. The records of
//! contracts are always read from and written to storage, so frames of the same contract cannot disagree; only a contract under
//! construction has its record in its frame, because nobody may call it yet. What a frame stores is entered into the record
//! when the frame ends, and before each call in which the same contract may run again.

mod operations;
mod run;

use alloc::vec::Vec;
use frame_support::{
    dispatch::DispatchResult,
    ensure,
    storage::{with_transaction_unchecked, TransactionOutcome},
    traits::{
        fungible::{Inspect, Mutate},
        tokens::Preservation,
        Time,
    },
};
use frame_system::pallet_prelude::BlockNumberFor;
use sp_core::storage::ChildInfo;
use sp_guest_vm::{Entry, Module};
use sp_runtime::{traits::Zero, DispatchError};

use crate::{
    address::contract_address,
    costs,
    debug::DebugBuffer,
    deposits::Meter,
    gas::{GasMeter, OutOfGas},
    primitives::ExecReturnValue,
    storage::ContractInfo,
    wasm, BalanceOf, CodeHash, CodeInfoOf, Config, ContractInfoOf, Error, Event, MomentOf, Nonce, Origin, Pallet,
};

/// Frames that may be open at a time: a contract that calls itself gets this deep, and not one deeper.
///
/// Each frame holds one execution of the host, which grants a blob call more than these.
pub const MAX_CALL_DEPTH: usize = 24;

const _: () = assert!(MAX_CALL_DEPTH < sp_guest_vm::codes::MAX_LIVE_EXECUTIONS as usize);

/// On which side of a call an error arose.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ErrorOrigin {
    /// Before the callee's code ran, or after it ended.
    Caller,
    /// While the callee's code ran.
    Callee,
}

/// Why a frame failed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ExecError {
    /// The error.
    pub error: DispatchError,
    /// On which side it arose.
    pub origin: ErrorOrigin,
}

impl<E: Into<DispatchError>> From<E> for ExecError {
    fn from(error: E) -> Self {
        Self { error: error.into(), origin: ErrorOrigin::Caller }
    }
}

/// How a frame ended.
pub type ExecResult = Result<ExecReturnValue, ExecError>;

/// One contract being run.
pub struct Frame<T: Config> {
    /// Whose storage and balance the code uses.
    account: T::AccountId,
    /// Who called.
    caller: Origin<T>,
    entry: Entry,
    /// The code, if it is not the account's own.
    delegated: Option<CodeHash<T>>,
    /// What the caller transferred.
    value: BalanceOf<T>,
    /// The input, until the code gives it away.
    input: Option<Vec<u8>>,
    gas: GasMeter,
    deposits: Meter<T>,
    trie: ChildInfo,
    /// The record of a contract under construction, which is not in storage yet.
    draft: Option<ContractInfo<T>>,
    is_terminated: bool,
    allows_reentry: bool,
    is_read_only: bool,
}

/// What a caller grants a callee.
pub struct Grant<T: Config> {
    /// Gas; zero stands for all that is left.
    pub gas: u64,
    /// Storage deposit; zero stands for all that is left.
    pub deposit: BalanceOf<T>,
    /// Balance to transfer.
    pub value: BalanceOf<T>,
    /// Refuse everything that changes state.
    pub is_read_only: bool,
}

impl<T: Config> Grant<T> {
    /// Everything that is left, and no balance.
    pub fn everything() -> Self {
        Self { gas: 0, deposit: Zero::zero(), value: Zero::zero(), is_read_only: false }
    }
}

/// The frames of one transaction or dry run, and what they share.
pub struct Stack<T: Config> {
    origin: Origin<T>,
    frames: Vec<Frame<T>>,
    /// Meters of the transaction, below those of the first frame.
    gas: GasMeter,
    deposits: Meter<T>,
    now: MomentOf<T>,
    block_number: BlockNumberFor<T>,
    /// The instantiation nonce, once it is used.
    nonce: Option<u64>,
    debug: DebugBuffer,
}

/// What remains of a stack.
pub struct Remains<T: Config> {
    /// The transaction's gas.
    pub gas: GasMeter,
    /// The transaction's deposits, not executed yet.
    pub deposits: Meter<T>,
    /// What was printed.
    pub debug: DebugBuffer,
}

impl<T: Config> Stack<T> {
    /// A stack without frames.
    pub fn new(origin: Origin<T>, gas: GasMeter, deposits: Meter<T>, debug: DebugBuffer) -> Self {
        Self {
            origin,
            frames: Vec::new(),
            gas,
            deposits,
            now: T::Time::now(),
            block_number: frame_system::Pallet::<T>::block_number(),
            nonce: None,
            debug,
        }
    }

    /// Takes the stack apart after its last frame.
    pub fn into_remains(self) -> Remains<T> {
        Remains { gas: self.gas, deposits: self.deposits, debug: self.debug }
    }

    /// Runs a contract's `call`.
    pub fn call(&mut self, contract: T::AccountId, input: Vec<u8>, grant: Grant<T>) -> ExecResult {
        self.ensure_depth()?;
        let info = ContractInfoOf::<T>::get(&contract).ok_or(Error::<T>::ContractNotFound)?;
        let module = self.load(info.code_hash, Entry::Call)?;
        let caller = self.as_caller();
        let frame = self.frame(contract, caller, Entry::Call, info.child_info(), input, grant);
        self.enter(frame, module)
    }

    /// Makes a contract and runs its `deploy`.
    pub fn instantiate(
        &mut self,
        code_hash: CodeHash<T>,
        input: Vec<u8>,
        salt: &[u8],
        grant: Grant<T>,
    ) -> Result<(T::AccountId, ExecReturnValue), ExecError> {
        self.ensure_depth()?;
        if let Some(caller) = self.frames.last_mut() {
            caller.settle()?;
        }
        let module = self.load(code_hash, Entry::Deploy)?;
        let caller = self.as_caller();
        let account = contract_address::<T>(caller.account()?, &code_hash, &input, salt)?;
        // A contract is stored when its constructor has ended, so until then only its frame knows of it.
        let is_being_made = self.frames.iter().any(|frame| frame.draft.is_some() && frame.account == account);
        ensure!(!is_being_made, Error::<T>::DuplicateContract);
        let nonce = self.nonce.unwrap_or_else(Nonce::<T>::get).wrapping_add(1);
        let info = ContractInfo::new(&account, nonce, code_hash)?;
        self.nonce = Some(nonce);
        let mut frame = self.frame(account.clone(), caller, Entry::Deploy, info.child_info(), input, grant);
        frame.draft = Some(info);
        self.enter(frame, module).map(|output| (account, output))
    }

    /// Runs other code on behalf of the running contract.
    pub fn delegate_call(&mut self, code_hash: CodeHash<T>, input: Vec<u8>) -> ExecResult {
        self.ensure_depth()?;
        let module = self.load(code_hash, Entry::Call)?;
        let top = self.top();
        let (account, caller, trie) = (top.account.clone(), top.caller.clone(), top.trie.clone());
        let (value, draft, diff) = (top.value, top.draft.clone(), top.deposits.diff);
        let mut frame = self.frame(account, caller, Entry::Call, trie, input, Grant { value, ..Grant::everything() });
        frame.delegated = Some(code_hash);
        frame.draft = draft;
        frame.deposits.diff = diff;
        self.enter(frame, module)
    }

    fn ensure_depth(&self) -> DispatchResult {
        ensure!(self.frames.len() < MAX_CALL_DEPTH, Error::<T>::MaxCallDepthReached);
        Ok(())
    }

    /// Pays for loading code and making an instance of it, and loads it.
    fn load(&mut self, code_hash: CodeHash<T>, entry: Entry) -> Result<Module, DispatchError> {
        let len = CodeInfoOf::<T>::get(code_hash).ok_or(Error::<T>::CodeNotFound)?.code_len();
        self.charge_caller(costs::load_code(len))?;
        let module = wasm::load::<T>(code_hash, entry, &mut self.debug)?;
        self.charge_caller(costs::instance(module.report().mem_min))?;
        Ok(module)
    }

    fn charge_caller(&mut self, amount: u64) -> Result<(), Error<T>> {
        let (gas, _) = self.meters();
        gas.charge(amount).map_err(|OutOfGas| Error::<T>::OutOfGas)?;
        Ok(())
    }

    /// The one who calls when the next frame is pushed.
    fn as_caller(&self) -> Origin<T> {
        self.frames.last().map_or_else(|| self.origin.clone(), |frame| Origin::Signed(frame.account.clone()))
    }

    fn frame(
        &mut self,
        account: T::AccountId,
        caller: Origin<T>,
        entry: Entry,
        trie: ChildInfo,
        input: Vec<u8>,
        grant: Grant<T>,
    ) -> Frame<T> {
        let is_read_only = grant.is_read_only || self.frames.last().is_some_and(|frame| frame.is_read_only);
        let (gas, deposits) = self.meters();
        let (gas, deposits) = (gas.nested(grant.gas), deposits.nested(grant.deposit));
        Frame {
            account,
            caller,
            entry,
            delegated: None,
            value: grant.value,
            input: Some(input),
            gas,
            deposits,
            trie,
            draft: None,
            is_terminated: false,
            allows_reentry: true,
            is_read_only,
        }
    }

    /// The meters of the running frame, or of the transaction.
    fn meters(&mut self) -> (&mut GasMeter, &mut Meter<T>) {
        match self.frames.last_mut() {
            Some(frame) => (&mut frame.gas, &mut frame.deposits),
            None => (&mut self.gas, &mut self.deposits),
        }
    }

    /// Runs a frame from its first check to its last.
    fn enter(&mut self, frame: Frame<T>, module: Module) -> ExecResult {
        self.frames.push(frame);
        let result = with_transaction_unchecked(|| {
            let result = self.run_frame(module);
            match &result {
                Ok(output) if !output.did_revert() => TransactionOutcome::Commit(result),
                _ => TransactionOutcome::Rollback(result),
            }
        });
        let survives = result.as_ref().is_ok_and(|output| !output.did_revert());
        self.leave(survives);
        result
    }

    /// Pops the running frame and hands what it leaves to the one below.
    fn leave(&mut self, survives: bool) {
        let Some(frame) = self.frames.pop() else {
            return;
        };
        let (gas, deposits) = self.meters();
        gas.absorb(frame.gas);
        if !survives {
            if frame.entry == Entry::Deploy {
                self.nonce = self.nonce.map(|nonce| nonce.wrapping_sub(1));
            }
            return;
        }
        let diff = frame.deposits.diff;
        deposits.absorb(frame.deposits);
        match self.frames.last_mut() {
            // Delegated code goes on with the delegating frame's record and changes of size, and hands back what became of them.
            Some(below) if frame.delegated.is_some() => {
                below.draft = frame.draft;
                below.deposits.diff = diff;
            }
            Some(_) => (),
            None => {
                if let Some(nonce) = self.nonce {
                    Nonce::<T>::put(nonce);
                }
            }
        }
    }

    fn run_frame(&mut self, module: Module) -> ExecResult {
        if self.top().entry == Entry::Deploy {
            self.found()?;
        }
        self.transfer_value()?;
        let output = self.run_guest(&module).map_err(|error| ExecError { error, origin: ErrorOrigin::Callee })?;
        if !output.did_revert() {
            self.conclude()?;
        }
        Ok(output)
    }

    /// Creates the account of a new contract. Comes before the value, which may be too small to create it.
    fn found(&mut self) -> DispatchResult {
        let origin = self.origin.account()?.clone();
        let frame = self.top_mut();
        let info = frame.draft.as_mut().ok_or(Error::<T>::ContractNotFound)?;
        let code = CodeInfoOf::<T>::get(info.code_hash).ok_or(Error::<T>::CodeNotFound)?;
        frame.deposits.charge_instantiate(&origin, &frame.account, info, &code)?;
        wasm::increment_refcount::<T>(info.code_hash)
    }

    /// Transfers what the caller sends along. Delegated code got it with its contract's own call.
    fn transfer_value(&mut self) -> DispatchResult {
        let frame = self.top();
        if frame.delegated.is_some() || frame.value.is_zero() {
            return Ok(());
        }
        transfer::<T>(frame.caller.account()?, &frame.account, frame.value)
    }

    /// Settles deposits, enforces limits and tells the world.
    fn conclude(&mut self) -> DispatchResult {
        let is_outermost = self.frames.len() == 1;
        let frame = self.top_mut();
        if frame.is_terminated {
            ensure!(frame.entry == Entry::Call, Error::<T>::TerminatedInConstructor);
        } else if frame.delegated.is_none() {
            frame.settle()?;
        }
        if frame.delegated.is_none() {
            frame.deposits.enforce_limit(is_outermost)?;
        }
        let event = match (frame.entry, frame.delegated) {
            (Entry::Deploy, _) => {
                if let Some(info) = frame.draft.take() {
                    ContractInfoOf::<T>::insert(&frame.account, info);
                }
                Event::Instantiated { deployer: frame.caller.account()?.clone(), contract: frame.account.clone() }
            }
            (Entry::Call, Some(code_hash)) => Event::DelegateCalled { contract: frame.account.clone(), code_hash },
            (Entry::Call, None) => Event::Called { caller: frame.caller.clone(), contract: frame.account.clone() },
        };
        Pallet::<T>::deposit_event(event);
        Ok(())
    }

    fn top(&self) -> &Frame<T> {
        self.frames.last().expect("operations of a contract need a running frame; enter() pushed it")
    }

    fn top_mut(&mut self) -> &mut Frame<T> {
        self.frames.last_mut().expect("operations of a contract need a running frame; enter() pushed it")
    }
}

impl<T: Config> Frame<T> {
    /// The record of the frame's contract.
    fn info(&self) -> Result<ContractInfo<T>, DispatchError> {
        let info = self.draft.clone().or_else(|| ContractInfoOf::<T>::get(&self.account));
        info.ok_or_else(|| Error::<T>::ContractNotFound.into())
    }

    /// Replaces the record of the frame's contract.
    fn set_info(&mut self, info: ContractInfo<T>) {
        match &mut self.draft {
            Some(draft) => *draft = info,
            None => ContractInfoOf::<T>::insert(&self.account, info),
        }
    }

    /// Enters what the frame stored since the last time into its contract's record.
    fn settle(&mut self) -> DispatchResult {
        if self.deposits.diff.is_empty() {
            return Ok(());
        }
        let mut info = self.info()?;
        self.deposits.settle(&self.account, &mut info);
        self.set_info(info);
        Ok(())
    }
}

/// Moves a balance without ending either account.
fn transfer<T: Config>(from: &T::AccountId, to: &T::AccountId, value: BalanceOf<T>) -> DispatchResult {
    if value.is_zero() || from == to {
        return Ok(());
    }
    T::Currency::transfer(from, to, value, Preservation::Preserve).map_err(|_| Error::<T>::TransferFailed)?;
    Ok(())
}

/// What a contract may still spend without ending.
fn spendable<T: Config>(account: &T::AccountId) -> BalanceOf<T> {
    use frame_support::traits::tokens::Fortitude;
    T::Currency::reducible_balance(account, Preservation::Preserve, Fortitude::Polite)
}
