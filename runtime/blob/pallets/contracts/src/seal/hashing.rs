//! Hash functions. The output may overlap the input, which is read first.

use sp_io::hashing;

use super::{Answer, Guest};
use crate::{costs, Config};

fn hash<T: Config, const N: usize>(
    guest: &mut Guest<T>,
    (input, input_len, out): (u32, u32, u32),
    per_byte: u64,
    hash: fn(&[u8]) -> [u8; N],
) -> Answer {
    guest.ensure_bounds(input, input_len)?;
    guest.charge(per_byte.saturating_mul(input_len.into()))?;
    let input = guest.read(input, input_len)?;
    guest.write_fixed(out, &hash(&input))?;
    Ok(0)
}

pub fn sha2_256<T: Config>(guest: &mut Guest<T>, input: u32, input_len: u32, out: u32) -> Answer {
    hash(guest, (input, input_len, out), costs::SHA2_256_BYTE, hashing::sha2_256)
}

pub fn keccak_256<T: Config>(guest: &mut Guest<T>, input: u32, input_len: u32, out: u32) -> Answer {
    hash(guest, (input, input_len, out), costs::KECCAK_256_BYTE, hashing::keccak_256)
}

pub fn blake2_256<T: Config>(guest: &mut Guest<T>, input: u32, input_len: u32, out: u32) -> Answer {
    hash(guest, (input, input_len, out), costs::BLAKE2_BYTE, hashing::blake2_256)
}

pub fn blake2_128<T: Config>(guest: &mut Guest<T>, input: u32, input_len: u32, out: u32) -> Answer {
    hash(guest, (input, input_len, out), costs::BLAKE2_BYTE, hashing::blake2_128)
}
