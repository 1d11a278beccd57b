//! Who, where, when, how much; input, result, events and words for people.

use alloc::vec::Vec;
use codec::{DecodeAll, Encode};
use frame_support::traits::fungible::Inspect;

use super::{code, Answer, Exit, Guest, ReturnCode};
use crate::{
    costs,
    primitives::{ExecReturnValue, ReturnFlags},
    seal::memory::Skip,
    Config, Error, MAX_EVENT_TOPICS,
};

pub fn input<T: Config>(guest: &mut Guest<T>, out: u32, out_len: u32) -> Answer {
    // Taken out for the time of the copy, since the guest's memory and the stack are borrowed together.
    let input = guest.stack.take_input()?;
    guest.write_output(out, out_len, &input, Skip::Refused)?;
    guest.stack.put_back_input(input);
    Ok(0)
}

pub fn seal_return<T: Config>(guest: &mut Guest<T>, flags: u32, data: u32, data_len: u32) -> Answer {
    let flags = ReturnFlags::from_bits(flags).ok_or(Error::<T>::InvalidCallFlags)?;
    let data = guest.read(data, data_len)?;
    Err(Exit::Return(ExecReturnValue { flags, data }))
}

pub fn caller<T: Config>(guest: &mut Guest<T>, out: u32, out_len: u32) -> Answer {
    let caller = guest.stack.caller().account()?.encode();
    guest.write_output(out, out_len, &caller, Skip::Refused)?;
    Ok(0)
}

pub fn caller_is_origin<T: Config>(guest: &mut Guest<T>) -> Answer {
    Ok(guest.stack.caller_is_origin().into())
}

pub fn address<T: Config>(guest: &mut Guest<T>, out: u32, out_len: u32) -> Answer {
    let address = guest.stack.address().encode();
    guest.write_output(out, out_len, &address, Skip::Refused)?;
    Ok(0)
}

pub fn is_contract<T: Config>(guest: &mut Guest<T>, account: u32) -> Answer {
    let account = guest.read_value(account)?;
    Ok(guest.stack.is_contract(&account).into())
}

pub fn code_hash<T: Config>(guest: &mut Guest<T>, account: u32, out: u32, out_len: u32) -> Answer {
    let account = guest.read_value(account)?;
    let Some(hash) = guest.stack.code_hash(&account) else {
        return code(ReturnCode::KeyNotFound);
    };
    guest.write_value(out, out_len, &hash)?;
    code(ReturnCode::Success)
}

pub fn own_code_hash<T: Config>(guest: &mut Guest<T>, out: u32, out_len: u32) -> Answer {
    let hash = guest.stack.own_code_hash()?;
    guest.write_value(out, out_len, &hash)?;
    Ok(0)
}

pub fn balance<T: Config>(guest: &mut Guest<T>, out: u32, out_len: u32) -> Answer {
    let balance = guest.stack.balance();
    guest.write_value(out, out_len, &balance)?;
    Ok(0)
}

pub fn value_transferred<T: Config>(guest: &mut Guest<T>, out: u32, out_len: u32) -> Answer {
    let value = guest.stack.value();
    guest.write_value(out, out_len, &value)?;
    Ok(0)
}

pub fn minimum_balance<T: Config>(guest: &mut Guest<T>, out: u32, out_len: u32) -> Answer {
    guest.write_value(out, out_len, &T::Currency::minimum_balance())?;
    Ok(0)
}

pub fn now<T: Config>(guest: &mut Guest<T>, out: u32, out_len: u32) -> Answer {
    let now = guest.stack.now();
    guest.write_value(out, out_len, &now)?;
    Ok(0)
}

pub fn block_number<T: Config>(guest: &mut Guest<T>, out: u32, out_len: u32) -> Answer {
    let number = guest.stack.block_number();
    guest.write_value(out, out_len, &number)?;
    Ok(0)
}

pub fn gas_left<T: Config>(guest: &mut Guest<T>, out: u32, out_len: u32) -> Answer {
    let left = guest.stack.gas_left();
    guest.write_value(out, out_len, &left)?;
    Ok(0)
}

pub fn deposit_event<T: Config>(
    guest: &mut Guest<T>,
    topics: u32,
    topics_len: u32,
    data: u32,
    data_len: u32,
) -> Answer {
    guest.ensure_payload(data, data_len)?;
    // The count before the topics is one byte and does not make a topic more.
    let topic_count = topics_len / size_of::<T::Hash>() as u32;
    if topic_count > MAX_EVENT_TOPICS {
        return Err(Error::<T>::TooManyTopics.into());
    }
    guest.charge(costs::event(topic_count, data_len))?;
    let topics = read_topics(guest, topics, topics_len)?;
    let data = guest.read(data, data_len)?;
    guest.stack.emit(&topics, data);
    Ok(0)
}

/// The topics are a SCALE `Vec`; no bytes at all stand for none.
fn read_topics<T: Config>(guest: &mut Guest<T>, at: u32, len: u32) -> Result<Vec<T::Hash>, Exit> {
    if len == 0 {
        return Ok(Vec::new());
    }
    let bytes = guest.read(at, len)?;
    Ok(Vec::<T::Hash>::decode_all(&mut &bytes[..]).map_err(|_| Error::<T>::DecodingFailed)?)
}

/// Costs and fails the same whether or not anybody listens, since a dry run must predict the real one.
pub fn debug_message<T: Config>(guest: &mut Guest<T>, text: u32, text_len: u32) -> Answer {
    guest.ensure_bounds(text, text_len)?;
    guest.charge(costs::copy(text_len))?;
    if guest.stack.debug().is_on() {
        let mut bytes = alloc::vec![0; text_len as usize];
        guest.exec.read(text, &mut bytes).map_err(|_| Error::<T>::OutOfBounds)?;
        if let Ok(words) = core::str::from_utf8(&bytes) {
            guest.stack.debug().append(words);
        }
    }
    code(ReturnCode::Success)
}
