//! The contract's storage.
//!
//! How long a stored value is turns out only when it is read. So the longest possible one is charged first, and the difference
//! is given back afterwards.

use super::{code, len_or_sentinel, Answer, Exit, Guest, ReturnCode};
use crate::{costs, seal::memory::Skip, storage::Key, Config, MAX_PAYLOAD_LEN};

fn set<T: Config>(
    guest: &mut Guest<T>,
    read_key: impl FnOnce(&mut Guest<T>) -> Result<Key, Exit>,
    value: u32,
    value_len: u32,
) -> Answer {
    guest.ensure_payload(value, value_len)?;
    let charged = guest.charge(costs::storage_write(MAX_PAYLOAD_LEN, value_len))?;
    let key = read_key(guest)?;
    let value = guest.read(value, value_len)?;
    let old = guest.stack.set_storage(&key, &value);
    guest.stack.adjust(charged, costs::storage_write(old.unwrap_or(0), value_len));
    len_or_sentinel(old)
}

pub fn set_fixed<T: Config>(guest: &mut Guest<T>, key: u32, value: u32, value_len: u32) -> Answer {
    set(guest, |guest| Ok(guest.read_fixed_key(key)?), value, value_len)
}

pub fn set_var<T: Config>(guest: &mut Guest<T>, key: u32, key_len: u32, value: u32, value_len: u32) -> Answer {
    set(guest, |guest| guest.read_key(key, key_len), value, value_len)
}

fn clear<T: Config>(guest: &mut Guest<T>, read_key: impl FnOnce(&mut Guest<T>) -> Result<Key, Exit>) -> Answer {
    let charged = guest.charge(costs::storage_clear(MAX_PAYLOAD_LEN))?;
    let key = read_key(guest)?;
    let old = guest.stack.clear_storage(&key);
    guest.stack.adjust(charged, costs::storage_clear(old.unwrap_or(0)));
    len_or_sentinel(old)
}

pub fn clear_fixed<T: Config>(guest: &mut Guest<T>, key: u32) -> Answer {
    clear(guest, |guest| Ok(guest.read_fixed_key(key)?))
}

pub fn clear_var<T: Config>(guest: &mut Guest<T>, key: u32, key_len: u32) -> Answer {
    clear(guest, |guest| guest.read_key(key, key_len))
}

fn get<T: Config>(
    guest: &mut Guest<T>,
    read_key: impl FnOnce(&mut Guest<T>) -> Result<Key, Exit>,
    out: u32,
    out_len: u32,
) -> Answer {
    let charged = guest.charge(costs::storage_read(MAX_PAYLOAD_LEN))?;
    let key = read_key(guest)?;
    let value = guest.stack.storage(&key);
    let len = value.as_ref().map_or(0, |value| value.len() as u32);
    guest.stack.adjust(charged, costs::storage_read(len));
    let Some(value) = value else {
        return code(ReturnCode::KeyNotFound);
    };
    guest.write_output(out, out_len, &value, Skip::Refused)?;
    code(ReturnCode::Success)
}

pub fn get_fixed<T: Config>(guest: &mut Guest<T>, key: u32, out: u32, out_len: u32) -> Answer {
    get(guest, |guest| Ok(guest.read_fixed_key(key)?), out, out_len)
}

pub fn get_var<T: Config>(guest: &mut Guest<T>, key: u32, key_len: u32, out: u32, out_len: u32) -> Answer {
    get(guest, |guest| guest.read_key(key, key_len), out, out_len)
}

fn contains<T: Config>(guest: &mut Guest<T>, read_key: impl FnOnce(&mut Guest<T>) -> Result<Key, Exit>) -> Answer {
    let charged = guest.charge(costs::storage_read(MAX_PAYLOAD_LEN))?;
    let key = read_key(guest)?;
    let len = guest.stack.storage_len(&key);
    guest.stack.adjust(charged, costs::storage_read(len.unwrap_or(0)));
    len_or_sentinel(len)
}

pub fn contains_fixed<T: Config>(guest: &mut Guest<T>, key: u32) -> Answer {
    contains(guest, |guest| Ok(guest.read_fixed_key(key)?))
}

pub fn contains_var<T: Config>(guest: &mut Guest<T>, key: u32, key_len: u32) -> Answer {
    contains(guest, |guest| guest.read_key(key, key_len))
}

pub fn take<T: Config>(guest: &mut Guest<T>, key: u32, key_len: u32, out: u32, out_len: u32) -> Answer {
    let charged = guest.charge(costs::storage_clear(MAX_PAYLOAD_LEN))?;
    let key = guest.read_key(key, key_len)?;
    let value = guest.stack.take_storage(&key);
    let len = value.as_ref().map_or(0, |value| value.len() as u32);
    guest.stack.adjust(charged, costs::storage_clear(len));
    let Some(value) = value else {
        return code(ReturnCode::KeyNotFound);
    };
    guest.write_output(out, out_len, &value, Skip::Refused)?;
    code(ReturnCode::Success)
}
