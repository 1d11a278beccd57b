//! Bytes in and out of a guest's memory.
//!
//! Inputs are given as (pointer, length), or as a pointer to a value of fixed size. Outputs are given as (pointer, pointer to a
//! 32-bit length): the length holds the room that there is and afterwards the length of the data. Data that does not fit is
//! not cut; the frame fails.

use alloc::{vec, vec::Vec};
use codec::{Decode, Encode, MaxEncodedLen};

use super::{Exit, Guest, SENTINEL};
use crate::{costs, storage::Key, Config, Error, MAX_PAYLOAD_LEN};

/// Whether an output pointer may be [`SENTINEL`] for "not wanted".
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Skip {
    /// Yes.
    Allowed,
    /// No: it is a pointer like any other, and out of bounds.
    Refused,
}

impl<T: Config> Guest<'_, T> {
    /// Fails if the range does not lie inside the memory. Comes before any allocation of `len` bytes.
    pub fn ensure_bounds(&self, at: u32, len: u32) -> Result<(), Error<T>> {
        let end = u64::from(at) + u64::from(len);
        if end > u64::from(self.mem_bytes) {
            return Err(Error::<T>::OutOfBounds);
        }
        Ok(())
    }

    /// Fails if a value or an event's data is too long or leaves the memory. Comes before its bytes are charged: what is refused
    /// is not read.
    pub fn ensure_payload(&self, at: u32, len: u32) -> Result<(), Error<T>> {
        if len > MAX_PAYLOAD_LEN {
            return Err(Error::<T>::ValueTooLarge);
        }
        self.ensure_bounds(at, len)
    }

    /// Reads `len` bytes.
    pub fn read(&mut self, at: u32, len: u32) -> Result<Vec<u8>, Exit> {
        self.ensure_bounds(at, len)?;
        self.charge(costs::copy(len))?;
        let mut bytes = vec![0; len as usize];
        self.read_into(at, &mut bytes)?;
        Ok(bytes)
    }

    /// Reads a fixed number of bytes, whose price is part of the function's own.
    pub fn read_array<const N: usize>(&self, at: u32) -> Result<[u8; N], Error<T>> {
        let mut bytes = [0; N];
        self.read_into(at, &mut bytes)?;
        Ok(bytes)
    }

    /// Reads a value of fixed size, whose price is part of the function's own.
    pub fn read_value<V: Decode + MaxEncodedLen>(&self, at: u32) -> Result<V, Error<T>> {
        let len = V::max_encoded_len();
        self.ensure_bounds(at, u32::try_from(len).unwrap_or(SENTINEL))?;
        let mut bytes = vec![0; len];
        self.read_into(at, &mut bytes)?;
        V::decode(&mut &bytes[..]).map_err(|_| Error::<T>::DecodingFailed)
    }

    /// Reads a storage key of the variable form.
    pub fn read_key(&mut self, at: u32, len: u32) -> Result<Key, Exit> {
        if len > crate::MAX_STORAGE_KEY_LEN {
            return Err(Error::<T>::DecodingFailed.into());
        }
        let bytes = self.read(at, len)?;
        Ok(Key::var(bytes).ok_or(Error::<T>::DecodingFailed)?)
    }

    /// Reads a storage key of the fixed form.
    pub fn read_fixed_key(&self, at: u32) -> Result<Key, Error<T>> {
        self.read_array(at).map(Key::Fix)
    }

    /// Writes bytes whose number the caller knows, whose price is part of the function's own.
    pub fn write_fixed(&mut self, at: u32, bytes: &[u8]) -> Result<(), Error<T>> {
        self.exec.write(at, bytes).map_err(|_| Error::<T>::OutOfBounds)
    }

    /// Writes an output and its length.
    pub fn write_output(&mut self, at: u32, len_at: u32, bytes: &[u8], skip: Skip) -> Result<(), Exit> {
        if skip == Skip::Allowed && at == SENTINEL {
            return Ok(());
        }
        let room = u32::from_le_bytes(self.read_array(len_at)?);
        let len = bytes.len() as u32;
        if len > room {
            return Err(Error::<T>::OutputBufferTooSmall.into());
        }
        self.charge(costs::copy(len))?;
        self.write_fixed(at, bytes)?;
        self.write_fixed(len_at, &len.to_le_bytes())?;
        Ok(())
    }

    /// Writes a value in its SCALE encoding as an output.
    pub fn write_value(&mut self, at: u32, len_at: u32, value: &impl Encode) -> Result<(), Exit> {
        self.write_output(at, len_at, &value.encode(), Skip::Refused)
    }

    fn read_into(&self, at: u32, bytes: &mut [u8]) -> Result<(), Error<T>> {
        self.exec.read(at, bytes).map_err(|_| Error::<T>::OutOfBounds)
    }
}
