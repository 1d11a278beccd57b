//! From a request to a call stack and back: extrinsics, and the dry runs of the runtime API.

use alloc::vec::Vec;
use codec::HasCompact;
use frame_support::{
    dispatch::{DispatchErrorWithPostInfo, DispatchResult, DispatchResultWithPostInfo},
    traits::Get,
    weights::Weight,
};
use sp_runtime::{traits::Saturating, DispatchError};

use crate::{
    costs,
    debug::DebugBuffer,
    deposits::Meter,
    exec::{ExecError, Grant, Stack},
    gas::GasMeter,
    primitives::*,
    storage::{self, Key},
    wasm, BalanceOf, CodeHash, Config, ContractInfoOf, DepositOf, Error, Event, EventRecordOf, Origin, Pallet,
};

/// What a request allows.
pub struct Limits<T: Config> {
    pub value: BalanceOf<T>,
    pub gas: u64,
    pub deposit: Option<BalanceOf<T>>,
}

impl<T: Config> Limits<T> {
    pub fn new(value: BalanceOf<T>, gas: Weight, deposit: Option<<BalanceOf<T> as HasCompact>::Type>) -> Self {
        Self { value, gas: gas.ref_time(), deposit: deposit.map(Into::into) }
    }

    /// Lowers the deposit limit by what an upload took of it.
    pub fn take_deposit(&mut self, taken: BalanceOf<T>) {
        self.deposit = self.deposit.map(|limit| limit.saturating_sub(taken));
    }
}

/// What a call stack did, after its deposits moved.
pub struct Ran<T: Config, R> {
    pub result: Result<R, DispatchError>,
    pub gas: GasMeter,
    pub deposit: DepositOf<T>,
    pub debug: DebugBuffer,
}

/// Calls a contract.
pub fn call<T: Config>(
    origin: Origin<T>,
    contract: T::AccountId,
    input: Vec<u8>,
    limits: Limits<T>,
    debug: DebugBuffer,
) -> Ran<T, ExecReturnValue> {
    run(origin, limits, debug, |stack, grant| stack.call(contract, input, grant))
}

/// Makes a contract of stored code.
pub fn instantiate<T: Config>(
    deployer: T::AccountId,
    code_hash: CodeHash<T>,
    input: Vec<u8>,
    salt: Vec<u8>,
    limits: Limits<T>,
    debug: DebugBuffer,
) -> Ran<T, (T::AccountId, ExecReturnValue)> {
    run(Origin::Signed(deployer), limits, debug, |stack, grant| stack.instantiate(code_hash, input, &salt, grant))
}

fn run<T: Config, R>(
    origin: Origin<T>,
    limits: Limits<T>,
    debug: DebugBuffer,
    action: impl FnOnce(&mut Stack<T>, Grant<T>) -> Result<R, ExecError>,
) -> Ran<T, R> {
    let gas = GasMeter::new(limits.gas);
    let deposits = match Meter::new(&origin, limits.deposit, limits.value) {
        Ok(deposits) => deposits,
        Err(error) => return Ran { result: Err(error), gas, deposit: Default::default(), debug },
    };
    let mut stack = Stack::new(origin, gas, deposits, debug);
    let result = action(&mut stack, Grant { value: limits.value, ..Grant::everything() });
    let remains = stack.into_remains();
    let (result, deposit) = match remains.deposits.execute() {
        Ok(deposit) => (result.map_err(|failed| failed.error), deposit),
        Err(error) => (Err(error), Default::default()),
    };
    Ran { result, gas: remains.gas, deposit, debug: remains.debug }
}

/// What a dispatchable reports: a contract that reverts is an error there, and unused gas is returned either way.
pub fn post_info<T: Config>(
    base: Weight,
    gas: &GasMeter,
    result: Result<ExecReturnValue, DispatchError>,
) -> DispatchResultWithPostInfo {
    let used = base.saturating_add(Weight::from_parts(gas.consumed(), 0));
    let result = result.and_then(|output| match output.did_revert() {
        true => Err(Error::<T>::ContractReverted.into()),
        false => Ok(()),
    });
    match result {
        Ok(()) => Ok(Some(used).into()),
        Err(error) => Err(DispatchErrorWithPostInfo { post_info: Some(used).into(), error }),
    }
}

impl<T: Config> Pallet<T> {
    /// Stores code. What is refused was checked, which its bytes pay, and will never be compiled, which the score would pay.
    pub(crate) fn upload(
        uploader: T::AccountId,
        code: Vec<u8>,
        deposit_limit: Option<BalanceOf<T>>,
    ) -> Result<wasm::Uploaded<T>, DispatchErrorWithPostInfo> {
        let checked = costs::upload(code.len(), 0);
        let uploaded = wasm::upload(uploader, code, deposit_limit, &mut DebugBuffer::off());
        uploaded.map_err(|error| DispatchErrorWithPostInfo { post_info: Some(checked).into(), error })
    }

    pub(crate) fn instantiate_code(
        deployer: T::AccountId,
        code_hash: CodeHash<T>,
        input: Vec<u8>,
        salt: Vec<u8>,
        limits: Limits<T>,
        base: Weight,
    ) -> DispatchResultWithPostInfo {
        let ran = instantiate::<T>(deployer, code_hash, input, salt, limits, DebugBuffer::off());
        post_info::<T>(base, &ran.gas, ran.result.map(|(_, output)| output))
    }

    pub(crate) fn replace_code(contract: T::AccountId, code_hash: CodeHash<T>) -> DispatchResult {
        ContractInfoOf::<T>::try_mutate(&contract, |info| {
            let info = info.as_mut().ok_or(Error::<T>::ContractNotFound)?;
            wasm::increment_refcount::<T>(code_hash)?;
            wasm::decrement_refcount::<T>(info.code_hash);
            let old_code_hash = core::mem::replace(&mut info.code_hash, code_hash);
            let contract = contract.clone();
            Self::deposit_event(Event::ContractCodeUpdated { contract, new_code_hash: code_hash, old_code_hash });
            Ok(())
        })
    }

    /// Calls a contract without an extrinsic, and tells all about it. Changes state: meant for calls whose state is dropped.
    pub fn dry_call(
        origin: T::AccountId,
        contract: T::AccountId,
        value: BalanceOf<T>,
        gas_limit: Option<Weight>,
        deposit: Option<BalanceOf<T>>,
        input: Vec<u8>,
    ) -> ContractExecResult<BalanceOf<T>, EventRecordOf<T>> {
        let limits = Limits { value, gas: Self::gas_of_dry_run(gas_limit), deposit };
        let ran = call::<T>(Origin::Signed(origin), contract, input, limits, DebugBuffer::collecting());
        Self::tell(ran, Default::default())
    }

    /// Makes a contract without an extrinsic, and tells all about it. Changes state: meant for calls whose state is dropped.
    pub fn dry_instantiate(
        origin: T::AccountId,
        value: BalanceOf<T>,
        gas_limit: Option<Weight>,
        deposit: Option<BalanceOf<T>>,
        code: Code<CodeHash<T>>,
        input: Vec<u8>,
        salt: Vec<u8>,
    ) -> ContractInstantiateResult<T::AccountId, BalanceOf<T>, EventRecordOf<T>> {
        let mut limits = Limits { value, gas: Self::gas_of_dry_run(gas_limit), deposit };
        let mut debug = DebugBuffer::collecting();
        let uploaded = match code {
            Code::Existing(hash) => Ok((hash, Default::default())),
            Code::Upload(code) => wasm::upload::<T>(origin.clone(), code, limits.deposit, &mut debug)
                .map(|uploaded| (uploaded.code_hash, uploaded.deposit)),
        };
        let (code_hash, upload_deposit) = match uploaded {
            Ok(uploaded) => uploaded,
            Err(error) => {
                let gas = GasMeter::new(limits.gas);
                return Self::tell(
                    Ran { result: Err(error), gas, deposit: Default::default(), debug },
                    Default::default(),
                );
            }
        };
        limits.take_deposit(upload_deposit);
        let ran = instantiate::<T>(origin, code_hash, input, salt, limits, debug);
        let Ran { result, gas, deposit, debug } = ran;
        let result = result.map(|(account_id, result)| InstantiateReturnValue { result, account_id });
        Self::tell(Ran { result, gas, deposit, debug }, StorageDeposit::Charge(upload_deposit))
    }

    /// Stores code without an extrinsic. Changes state: meant for calls whose state is dropped.
    ///
    /// The type of the answer, which clients know, has an error and no words. Why code is refused stands in the node's log, and
    /// in the debug message of [`dry_instantiate`](Self::dry_instantiate) with the same code.
    pub fn dry_upload(
        origin: T::AccountId,
        code: Vec<u8>,
        deposit: Option<BalanceOf<T>>,
    ) -> CodeUploadResult<CodeHash<T>, BalanceOf<T>> {
        let mut debug = DebugBuffer::collecting();
        let uploaded = wasm::upload::<T>(origin, code, deposit, &mut debug).inspect_err(|_| debug.log())?;
        Ok(CodeUploadReturnValue { code_hash: uploaded.code_hash, deposit: uploaded.deposit })
    }

    /// Reads a contract's storage under a key of the variable form.
    pub fn get_storage(contract: T::AccountId, key: Vec<u8>) -> GetStorageResult {
        let info = ContractInfoOf::<T>::get(&contract).ok_or(ContractAccessError::DoesntExist)?;
        let key = Key::var(key).ok_or(ContractAccessError::KeyDecodingFailed)?;
        Ok(storage::read(&info.child_info(), &key))
    }

    /// The gas limit of a dry run. No limit and one above a block's stand for the block's.
    fn gas_of_dry_run(limit: Option<Weight>) -> u64 {
        let block = <T as frame_system::Config>::BlockWeights::get().max_block.ref_time();
        limit.map_or(block, |limit| limit.ref_time().min(block))
    }

    fn tell<R>(
        ran: Ran<T, R>,
        upload_deposit: DepositOf<T>,
    ) -> ContractResult<Result<R, DispatchError>, BalanceOf<T>, EventRecordOf<T>> {
        ContractResult {
            gas_consumed: Weight::from_parts(ran.gas.consumed(), 0),
            gas_required: Weight::from_parts(ran.gas.required(), 0),
            storage_deposit: ran.deposit.saturating_add(upload_deposit),
            debug_message: ran.debug.into_bytes(),
            result: ran.result,
            events: Some(frame_system::Pallet::<T>::read_events_no_consensus().map(|record| *record).collect()),
        }
    }
}
