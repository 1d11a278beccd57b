//! Where a contract lives: its account and the child trie of its storage.

use alloc::vec::Vec;
use codec::{Decode, Encode};
use frame_support::BoundedVec;
use sp_core::ConstU32;
use sp_io::hashing::blake2_256;
use sp_runtime::traits::TrailingZeroInput;

use crate::{CodeHash, Config, Error};

/// Name of a contract's child trie.
pub type TrieId = BoundedVec<u8, ConstU32<MAX_TRIE_ID_LEN>>;

/// Longest name of a child trie. Ours have 32 bytes; the bound is part of the stored type that clients know.
pub const MAX_TRIE_ID_LEN: u32 = 128;

/// Separates contract addresses from other hashed account ids.
const ADDRESS_PREFIX: &[u8] = b"contract_addr_v1";

/// The account of a contract: a hash over the deployer, the code, the constructor's input and the salt.
///
/// Input and salt carry their length, so that bytes cannot move between them.
pub fn contract_address<T: Config>(
    deployer: &T::AccountId,
    code_hash: &CodeHash<T>,
    input: &[u8],
    salt: &[u8],
) -> Result<T::AccountId, Error<T>> {
    let preimage = (deployer, code_hash, input, salt).encode();
    let entropy = blake2_256(&[ADDRESS_PREFIX, &preimage].concat());
    Decode::decode(&mut TrailingZeroInput::new(&entropy)).map_err(|_| Error::<T>::DecodingFailed)
}

/// The child trie of an instance. The nonce gives a contract that is made again at the same address an empty trie, while the
/// old one may still be waiting for its deletion.
pub fn trie_id<T: Config>(account: &T::AccountId, nonce: u64) -> TrieId {
    let entropy: Vec<u8> = blake2_256(&(account, nonce).encode()).to_vec();
    TrieId::truncate_from(entropy)
}
