//! Transfers, calls of other contracts, new contracts, the contract's end and its change of code.

use alloc::vec::Vec;
use sp_runtime::traits::Zero;

use super::{code, code_of_call, code_of_error, Answer, Exit, Guest, ReturnCode, SENTINEL};
use crate::{
    costs,
    exec::{ExecResult, Grant},
    seal::memory::Skip,
    BalanceOf, Config, Error,
};

/// Flags of a call. Numbers are fixed by compiled contracts.
#[derive(Clone, Copy, PartialEq, Eq)]
struct CallFlags(u32);

impl CallFlags {
    /// The callee gets the caller's own input; the caller cannot read it again.
    const FORWARD_INPUT: u32 = 1;
    /// The callee gets a copy of the caller's own input.
    const CLONE_INPUT: u32 = 2;
    /// What the callee returns is what the caller returns.
    const TAIL_CALL: u32 = 4;
    /// The callee may call the caller again.
    const ALLOW_REENTRY: u32 = 8;
    /// The callee, and all that it calls, must not change state.
    const READ_ONLY: u32 = 16;

    const ALL: u32 = Self::FORWARD_INPUT | Self::CLONE_INPUT | Self::TAIL_CALL | Self::ALLOW_REENTRY | Self::READ_ONLY;

    fn from_bits<T: Config>(bits: u32) -> Result<Self, Error<T>> {
        if bits & !Self::ALL != 0 {
            return Err(Error::<T>::InvalidCallFlags);
        }
        Ok(Self(bits))
    }

    fn has(self, bits: u32) -> bool {
        self.0 & bits != 0
    }
}

/// A range of guest memory.
#[derive(Clone, Copy)]
struct Range(u32, u32);

pub fn transfer<T: Config>(guest: &mut Guest<T>, account: u32, _len: u32, value: u32, _value_len: u32) -> Answer {
    guest.charge(costs::TRANSFER)?;
    let account = guest.read_value(account)?;
    let value = guest.read_value(value)?;
    match guest.stack.transfer(&account, value) {
        Ok(()) => code(ReturnCode::Success),
        Err(error) => code_of_error::<T>(error),
    }
}

/// The older form has no limit for the deposit.
#[allow(clippy::too_many_arguments)]
pub fn call_v1<T: Config>(
    guest: &mut Guest<T>,
    flags: u32,
    callee: u32,
    gas: u64,
    value: u32,
    input: u32,
    input_len: u32,
    out: u32,
    out_len: u32,
) -> Answer {
    call_v2(guest, flags, callee, gas, 0, SENTINEL, value, input, input_len, out, out_len)
}

#[allow(clippy::too_many_arguments)]
pub fn call_v2<T: Config>(
    guest: &mut Guest<T>,
    flags: u32,
    callee: u32,
    gas: u64,
    _proof_size: u64,
    deposit: u32,
    value: u32,
    input: u32,
    input_len: u32,
    out: u32,
    out_len: u32,
) -> Answer {
    guest.charge(costs::CALL)?;
    let flags = CallFlags::from_bits::<T>(flags)?;
    let input = call_input(guest, flags, Range(input, input_len))?;
    let callee = guest.read_value(callee)?;
    let deposit = deposit_limit(guest, deposit)?;
    let value: BalanceOf<T> = guest.read_value(value)?;
    let is_read_only = flags.has(CallFlags::READ_ONLY);
    if !value.is_zero() {
        guest.stack.ensure_mutable()?;
        if is_read_only {
            return Err(Error::<T>::StateChangeDenied.into());
        }
        guest.charge(costs::TRANSFER)?;
    }
    let grant = Grant { gas, deposit, value, is_read_only };
    let result = guest.stack.call_contract(callee, input, grant, flags.has(CallFlags::ALLOW_REENTRY));
    finish_call(guest, flags, result, Range(out, out_len))
}

pub fn delegate_call<T: Config>(
    guest: &mut Guest<T>,
    flags: u32,
    code_hash: u32,
    input: u32,
    input_len: u32,
    out: u32,
    out_len: u32,
) -> Answer {
    guest.charge(costs::CALL)?;
    let flags = CallFlags::from_bits::<T>(flags)?;
    let input = call_input(guest, flags, Range(input, input_len))?;
    if flags.has(CallFlags::ALLOW_REENTRY | CallFlags::READ_ONLY) {
        return Err(Error::<T>::InvalidCallFlags.into());
    }
    let code_hash = guest.read_value(code_hash)?;
    let result = guest.stack.delegate_call(code_hash, input);
    finish_call(guest, flags, result, Range(out, out_len))
}

/// A copy of the own input is looked for first, then the own input itself; only otherwise do the arguments count.
fn call_input<T: Config>(guest: &mut Guest<T>, flags: CallFlags, input: Range) -> Result<Vec<u8>, Exit> {
    if flags.has(CallFlags::CLONE_INPUT) {
        let len = guest.stack.input()?.len() as u32;
        guest.charge(costs::copy(len))?;
        return Ok(guest.stack.input()?.clone());
    }
    if flags.has(CallFlags::FORWARD_INPUT) {
        return Ok(guest.stack.take_input()?);
    }
    guest.read(input.0, input.1)
}

fn deposit_limit<T: Config>(guest: &mut Guest<T>, at: u32) -> Result<BalanceOf<T>, Error<T>> {
    if at == SENTINEL {
        return Ok(Zero::zero());
    }
    guest.read_value(at)
}

fn finish_call<T: Config>(guest: &mut Guest<T>, flags: CallFlags, result: ExecResult, out: Range) -> Answer {
    let answer = code_of_call::<T>(&result);
    let Ok(output) = result else { return answer };
    if flags.has(CallFlags::TAIL_CALL) {
        return Err(Exit::Return(output));
    }
    guest.write_output(out.0, out.1, &output.data, Skip::Allowed)?;
    answer
}

/// The older form has no limit for the deposit.
#[allow(clippy::too_many_arguments)]
pub fn instantiate_v1<T: Config>(
    guest: &mut Guest<T>,
    code_hash: u32,
    gas: u64,
    value: u32,
    input: u32,
    input_len: u32,
    address: u32,
    address_len: u32,
    out: u32,
    out_len: u32,
    salt: u32,
    salt_len: u32,
) -> Answer {
    instantiate_v2(
        guest,
        code_hash,
        gas,
        0,
        SENTINEL,
        value,
        input,
        input_len,
        address,
        address_len,
        out,
        out_len,
        salt,
        salt_len,
    )
}

#[allow(clippy::too_many_arguments)]
pub fn instantiate_v2<T: Config>(
    guest: &mut Guest<T>,
    code_hash: u32,
    gas: u64,
    _proof_size: u64,
    deposit: u32,
    value: u32,
    input: u32,
    input_len: u32,
    address: u32,
    address_len: u32,
    out: u32,
    out_len: u32,
    salt: u32,
    salt_len: u32,
) -> Answer {
    guest.ensure_bounds(input, input_len)?;
    guest.ensure_bounds(salt, salt_len)?;
    guest.charge(costs::instantiate(input_len, salt_len))?;
    let deposit = deposit_limit(guest, deposit)?;
    let value: BalanceOf<T> = guest.read_value(value)?;
    let code_hash = guest.read_value(code_hash)?;
    let input = guest.read(input, input_len)?;
    let salt = guest.read(salt, salt_len)?;
    let grant = Grant { gas, deposit, value, is_read_only: false };
    let (made, result) = match guest.stack.instantiate(code_hash, input, &salt, grant) {
        Ok((made, output)) => (Some(made), Ok(output)),
        Err(error) => (None, Err(error)),
    };
    let answer = code_of_call::<T>(&result);
    let (Some(made), Ok(output)) = (made, result) else {
        return answer;
    };
    if !output.did_revert() {
        guest.write_output(address, address_len, &codec::Encode::encode(&made), Skip::Allowed)?;
    }
    guest.write_output(out, out_len, &output.data, Skip::Allowed)?;
    answer
}

pub fn terminate<T: Config>(guest: &mut Guest<T>, beneficiary: u32) -> Answer {
    guest.charge(costs::TERMINATE)?;
    let beneficiary = guest.read_value(beneficiary)?;
    guest.stack.terminate(beneficiary)?;
    Err(Exit::Terminated)
}

pub fn terminate_v0<T: Config>(guest: &mut Guest<T>, beneficiary: u32, _len: u32) -> Answer {
    terminate(guest, beneficiary)
}

pub fn set_code_hash<T: Config>(guest: &mut Guest<T>, code_hash: u32) -> Answer {
    guest.charge(costs::SET_CODE_HASH)?;
    let code_hash = guest.read_value(code_hash)?;
    match guest.stack.set_code_hash(code_hash) {
        Ok(()) => code(ReturnCode::Success),
        Err(error) => code_of_error::<T>(error),
    }
}
