//! What a running contract can ask of the chain. Each function acts for the running frame.

use alloc::vec::Vec;
use frame_support::{dispatch::DispatchResult, ensure};
use frame_system::pallet_prelude::BlockNumberFor;
use sp_runtime::DispatchError;

use super::{spendable, transfer, Error, ExecResult, Grant, Stack};
use crate::{
    debug::DebugBuffer,
    gas::{Charged, OutOfGas},
    storage::{self, Key},
    wasm, BalanceOf, CodeHash, CodeInfoOf, Config, ContractInfoOf, Event, MomentOf, Origin, Pallet,
};

impl<T: Config> Stack<T> {
    /// Gas that the running frame may still use.
    pub fn gas_left(&self) -> u64 {
        self.top().gas.left()
    }

    /// Takes gas from the running frame.
    pub fn charge(&mut self, amount: u64) -> Result<Charged, OutOfGas> {
        self.top_mut().gas.charge(amount)
    }

    /// Gives back what was charged beyond the actual cost.
    pub fn adjust(&mut self, charged: Charged, actual: u64) {
        self.top_mut().gas.adjust(charged, actual);
    }

    /// What was printed so far.
    pub fn debug(&mut self) -> &mut DebugBuffer {
        &mut self.debug
    }

    /// Fails in a frame that must not change state.
    pub fn ensure_mutable(&self) -> Result<(), Error<T>> {
        ensure!(!self.top().is_read_only, Error::<T>::StateChangeDenied);
        Ok(())
    }

    /// Whose storage and balance the code uses.
    pub fn address(&self) -> &T::AccountId {
        &self.top().account
    }

    /// Who called.
    pub fn caller(&self) -> &Origin<T> {
        &self.top().caller
    }

    /// Whether the caller started the transaction.
    pub fn caller_is_origin(&self) -> bool {
        self.top().caller == self.origin
    }

    /// What the caller transferred.
    pub fn value(&self) -> BalanceOf<T> {
        self.top().value
    }

    /// What the contract may spend without ending.
    pub fn balance(&self) -> BalanceOf<T> {
        spendable::<T>(&self.top().account)
    }

    /// Time of the block.
    pub fn now(&self) -> MomentOf<T> {
        self.now
    }

    /// Number of the block.
    pub fn block_number(&self) -> BlockNumberFor<T> {
        self.block_number
    }

    /// The input, unless the code gave it away.
    pub fn input(&self) -> Result<&Vec<u8>, Error<T>> {
        self.top().input.as_ref().ok_or(Error::<T>::InputForwarded)
    }

    /// Takes the input, so that no one else can have it.
    pub fn take_input(&mut self) -> Result<Vec<u8>, Error<T>> {
        self.top_mut().input.take().ok_or(Error::<T>::InputForwarded)
    }

    /// Undoes [`take_input`](Self::take_input).
    pub fn put_back_input(&mut self, input: Vec<u8>) {
        self.top_mut().input = Some(input);
    }

    /// Whether a contract lives at the account.
    pub fn is_contract(&self, account: &T::AccountId) -> bool {
        ContractInfoOf::<T>::contains_key(account)
    }

    /// The code of the contract at the account.
    pub fn code_hash(&self, account: &T::AccountId) -> Option<CodeHash<T>> {
        ContractInfoOf::<T>::get(account).map(|info| info.code_hash)
    }

    /// The code of the running contract, which delegated code does not change.
    pub fn own_code_hash(&self) -> Result<CodeHash<T>, DispatchError> {
        Ok(self.top().info()?.code_hash)
    }

    /// Reads a value of the contract's storage.
    pub fn storage(&self, key: &Key) -> Option<Vec<u8>> {
        storage::read(&self.top().trie, key)
    }

    /// The length of a value of the contract's storage.
    pub fn storage_len(&self, key: &Key) -> Option<u32> {
        storage::value_len(&self.top().trie, key)
    }

    /// Stores a value; returns the length of the old one.
    pub fn set_storage(&mut self, key: &Key, value: &[u8]) -> Option<u32> {
        let frame = self.top_mut();
        storage::write(&frame.trie, key, value, &mut frame.deposits.diff)
    }

    /// Removes a value; returns its length.
    pub fn clear_storage(&mut self, key: &Key) -> Option<u32> {
        let frame = self.top_mut();
        storage::clear(&frame.trie, key, &mut frame.deposits.diff)
    }

    /// Removes a value and returns it.
    pub fn take_storage(&mut self, key: &Key) -> Option<Vec<u8>> {
        let frame = self.top_mut();
        storage::take(&frame.trie, key, &mut frame.deposits.diff)
    }

    /// Sends a balance of the contract to an account, without running code there.
    pub fn transfer(&mut self, to: &T::AccountId, value: BalanceOf<T>) -> DispatchResult {
        transfer::<T>(&self.top().account, to, value)
    }

    /// Calls another contract, or the running one again.
    pub fn call_contract(
        &mut self,
        contract: T::AccountId,
        input: Vec<u8>,
        grant: Grant<T>,
        allows_reentry: bool,
    ) -> ExecResult {
        // The mark comes first, so that a direct call of oneself meets it.
        self.top_mut().allows_reentry = allows_reentry;
        let result = self.call_if_open(contract, input, grant);
        self.top_mut().allows_reentry = true;
        result
    }

    fn call_if_open(&mut self, contract: T::AccountId, input: Vec<u8>, grant: Grant<T>) -> ExecResult {
        let is_closed = self.frames.iter().any(|frame| frame.account == contract && !frame.allows_reentry);
        if is_closed {
            return Err(Error::<T>::ReentranceDenied.into());
        }
        // A callee that comes back must not take the record for all that there is. Nobody comes back while the mark is down, so
        // what such a frame stores and clears around the call still counts as one change.
        if self.top().allows_reentry {
            self.top_mut().settle()?;
        }
        self.call(contract, input, grant)
    }

    /// Ends the contract. Its storage goes into the deletion queue, its deposits to the transaction's origin, and all that it
    /// owns to the beneficiary.
    pub fn terminate(&mut self, beneficiary: T::AccountId) -> DispatchResult {
        let account = self.top().account.clone();
        let is_elsewhere = self.frames.iter().rev().skip(1).any(|frame| frame.account == account);
        ensure!(!is_elsewhere, Error::<T>::TerminatedWhileReentrant);
        let frame = self.top_mut();
        let info = frame.info()?;
        frame.is_terminated = true;
        frame.draft = None;
        frame.deposits.terminate(account.clone(), &info, &beneficiary)?;
        ContractInfoOf::<T>::remove(&account);
        wasm::decrement_refcount::<T>(info.code_hash);
        storage::queue_deletion::<T>(info.trie_id);
        Pallet::<T>::deposit_event(Event::Terminated { contract: account, beneficiary });
        Ok(())
    }

    /// Gives the contract other code from the next call on. The running frame keeps the old.
    pub fn set_code_hash(&mut self, code_hash: CodeHash<T>) -> DispatchResult {
        let code = CodeInfoOf::<T>::get(code_hash).ok_or(Error::<T>::CodeNotFound)?;
        let frame = self.top_mut();
        let mut info = frame.info()?;
        let old_code_hash = core::mem::replace(&mut info.code_hash, code_hash);
        let contract = frame.account.clone();
        frame.deposits.replace_base(contract.clone(), &mut info, &code);
        frame.set_info(info);
        wasm::increment_refcount::<T>(code_hash)?;
        wasm::decrement_refcount::<T>(old_code_hash);
        Pallet::<T>::deposit_event(Event::ContractCodeUpdated { contract, new_code_hash: code_hash, old_code_hash });
        Ok(())
    }

    /// Emits an event of the contract.
    pub fn emit(&mut self, topics: &[T::Hash], data: Vec<u8>) {
        let event = Event::<T>::ContractEmitted { contract: self.top().account.clone(), data };
        frame_system::Pallet::<T>::deposit_event_indexed(topics, event.into());
    }
}
