//! A contract's record, its storage in a child trie, and what storing costs it.

use alloc::vec::Vec;
use codec::{Decode, Encode, MaxEncodedLen};
use frame_support::{
    storage::child, traits::Get, weights::Weight, BoundedBTreeMap, CloneNoBound, DebugNoBound, DefaultNoBound,
    PartialEqNoBound,
};
use scale_info::TypeInfo;
use sp_core::{storage::ChildInfo, ConstU32};
use sp_io::hashing::{blake2_128, blake2_256};
use sp_runtime::{
    traits::{Saturating, Zero},
    FixedPointNumber, FixedU128,
};

use crate::{
    address::{trie_id, TrieId},
    costs,
    primitives::StorageDeposit,
    wasm::CodeInfo,
    BalanceOf, CodeHash, Config, ContractInfoOf, DeletionQueue, DeletionQueueCounter, DepositOf, Error,
    MAX_DELEGATE_DEPENDENCIES, MAX_STORAGE_KEY_LEN,
};

/// The record of a contract.
#[derive(Encode, Decode, CloneNoBound, PartialEqNoBound, DebugNoBound, TypeInfo, MaxEncodedLen)]
#[scale_info(skip_type_params(T))]
pub struct ContractInfo<T: Config> {
    /// Name of the child trie with the contract's storage.
    pub trie_id: TrieId,
    /// Code that runs when the contract is called.
    pub code_hash: CodeHash<T>,
    /// Bytes of all stored values.
    pub storage_bytes: u32,
    /// Number of stored values.
    pub storage_items: u32,
    /// Deposit held for the bytes.
    pub storage_byte_deposit: BalanceOf<T>,
    /// Deposit held for the items.
    pub storage_item_deposit: BalanceOf<T>,
    /// Deposit held for this record and a share of the code.
    pub storage_base_deposit: BalanceOf<T>,
    /// Code that this contract keeps alive, with the deposit for each. Always empty: the function that fills it is not offered.
    pub delegate_dependencies: BoundedBTreeMap<CodeHash<T>, BalanceOf<T>, ConstU32<MAX_DELEGATE_DEPENDENCIES>>,
}

impl<T: Config> ContractInfo<T> {
    /// The record of a contract that is about to be made. Fails if there is one already.
    pub fn new(account: &T::AccountId, nonce: u64, code_hash: CodeHash<T>) -> Result<Self, Error<T>> {
        if ContractInfoOf::<T>::contains_key(account) {
            return Err(Error::<T>::DuplicateContract);
        }
        Ok(Self {
            trie_id: trie_id::<T>(account, nonce),
            code_hash,
            storage_bytes: 0,
            storage_items: 0,
            storage_byte_deposit: Zero::zero(),
            storage_item_deposit: Zero::zero(),
            storage_base_deposit: Zero::zero(),
            delegate_dependencies: Default::default(),
        })
    }

    /// The child trie with the contract's storage.
    pub fn child_info(&self) -> ChildInfo {
        ChildInfo::new_default(&self.trie_id)
    }

    /// All that is held for the contract.
    pub fn total_deposit(&self) -> BalanceOf<T> {
        self.storage_byte_deposit.saturating_add(self.storage_item_deposit).saturating_add(self.storage_base_deposit)
    }

    /// Enters changes of size into the record and returns what they cost.
    pub fn apply(&mut self, diff: Diff) -> DepositOf<T> {
        let bytes = Quantity::<T> {
            added: diff.bytes_added,
            removed: diff.bytes_removed,
            rate: T::DepositPerByte::get(),
            held: &mut self.storage_byte_deposit,
            count: &mut self.storage_bytes,
        };
        let items = Quantity::<T> {
            added: diff.items_added,
            removed: diff.items_removed,
            rate: T::DepositPerItem::get(),
            held: &mut self.storage_item_deposit,
            count: &mut self.storage_items,
        };
        bytes.apply().saturating_add(items.apply())
    }

    /// Sets the base deposit for this code at today's rates and returns the one before and the new one.
    pub fn update_base_deposit(&mut self, code: &CodeInfo<T>) -> (BalanceOf<T>, BalanceOf<T>) {
        let before = self.storage_base_deposit;
        self.storage_base_deposit = base_deposit::<T>(self.encoded_size() as u32, code);
        (before, self.storage_base_deposit)
    }
}

/// Bytes and items that a frame added and removed.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct Diff {
    bytes_added: u32,
    bytes_removed: u32,
    items_added: u32,
    items_removed: u32,
}

impl Diff {
    /// Notes that a value of `old` bytes became one of `new` bytes; `None` stands for no value.
    pub fn replace(&mut self, old: Option<u32>, new: Option<u32>) {
        let (old_bytes, new_bytes) = (old.unwrap_or(0), new.unwrap_or(0));
        let added = new_bytes.saturating_sub(old_bytes);
        let removed = old_bytes.saturating_sub(new_bytes);
        self.bytes_added = self.bytes_added.saturating_add(added);
        self.bytes_removed = self.bytes_removed.saturating_add(removed);
        self.items_added = self.items_added.saturating_add(u32::from(old.is_none() && new.is_some()));
        self.items_removed = self.items_removed.saturating_add(u32::from(old.is_some() && new.is_none()));
    }

    /// Whether anything was noted.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Either the bytes or the items of a contract.
struct Quantity<'a, T: Config> {
    added: u32,
    removed: u32,
    rate: BalanceOf<T>,
    held: &'a mut BalanceOf<T>,
    count: &'a mut u32,
}

impl<T: Config> Quantity<'_, T> {
    fn apply(self) -> DepositOf<T> {
        if self.added >= self.removed {
            let added = self.added - self.removed;
            let charge = self.rate.saturating_mul(added.into());
            *self.count = self.count.saturating_add(added);
            *self.held = self.held.saturating_add(charge);
            return StorageDeposit::Charge(charge);
        }
        let removed = self.removed - self.added;
        let share =
            FixedU128::checked_from_rational(removed, *self.count).unwrap_or_default().min(FixedU128::from_u32(1));
        let refund = share.saturating_mul_int(*self.held);
        *self.count = self.count.saturating_sub(removed);
        *self.held = self.held.saturating_sub(refund);
        StorageDeposit::Refund(refund)
    }
}

/// Deposit for a contract's record of `len` bytes and for keeping its code alive.
fn base_deposit<T: Config>(len: u32, code: &CodeInfo<T>) -> BalanceOf<T> {
    let record = T::DepositPerByte::get().saturating_mul(len.into()).saturating_add(T::DepositPerItem::get());
    record.saturating_add(T::CodeHashLockupDepositPercent::get().mul_ceil(code.deposit()))
}

/// A storage key as a contract names it. The two forms never meet in the trie.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Key {
    /// The form of the oldest functions: 32 bytes, stored under a hash.
    Fix([u8; 32]),
    /// Any bytes up to [`MAX_STORAGE_KEY_LEN`], stored in clear behind a hash.
    Var(Vec<u8>),
}

impl Key {
    /// A key in the variable form, if it is short enough.
    pub fn var(bytes: Vec<u8>) -> Option<Self> {
        (bytes.len() <= MAX_STORAGE_KEY_LEN as usize).then_some(Self::Var(bytes))
    }

    /// The key in the child trie.
    pub fn trie_key(&self) -> Vec<u8> {
        match self {
            Self::Fix(key) => blake2_256(key).to_vec(),
            Self::Var(key) => [&blake2_128(key)[..], key].concat(),
        }
    }
}

/// Reads a value.
pub fn read(trie: &ChildInfo, key: &Key) -> Option<Vec<u8>> {
    child::get_raw(trie, &key.trie_key())
}

/// The length of a value.
pub fn value_len(trie: &ChildInfo, key: &Key) -> Option<u32> {
    child::len(trie, &key.trie_key())
}

/// Stores a value and notes the change of size; returns the length of the old value.
pub fn write(trie: &ChildInfo, key: &Key, value: &[u8], diff: &mut Diff) -> Option<u32> {
    let trie_key = key.trie_key();
    let old = child::len(trie, &trie_key);
    child::put_raw(trie, &trie_key, value);
    diff.replace(old, Some(value.len() as u32));
    old
}

/// Removes a value and notes the change of size; returns the length of the old value.
pub fn clear(trie: &ChildInfo, key: &Key, diff: &mut Diff) -> Option<u32> {
    let trie_key = key.trie_key();
    let old = child::len(trie, &trie_key)?;
    child::kill(trie, &trie_key);
    diff.replace(Some(old), None);
    Some(old)
}

/// Removes a value, notes the change of size and returns the value.
pub fn take(trie: &ChildInfo, key: &Key, diff: &mut Diff) -> Option<Vec<u8>> {
    let trie_key = key.trie_key();
    let old = child::get_raw(trie, &trie_key)?;
    child::kill(trie, &trie_key);
    diff.replace(Some(old.len() as u32), None);
    Some(old)
}

/// Both ends of the queue of tries that wait for their deletion.
#[derive(Encode, Decode, CloneNoBound, PartialEqNoBound, DebugNoBound, TypeInfo, MaxEncodedLen, DefaultNoBound)]
#[scale_info(skip_type_params(T))]
pub struct DeletionQueueManager<T: Config> {
    /// Where the next trie goes in.
    insert_counter: u32,
    /// The trie that is deleted next.
    delete_counter: u32,
    _phantom: core::marker::PhantomData<T>,
}

/// Puts a trie into the queue.
pub fn queue_deletion<T: Config>(trie: TrieId) {
    DeletionQueueCounter::<T>::mutate(|queue| {
        DeletionQueue::<T>::insert(queue.insert_counter, trie);
        queue.insert_counter = queue.insert_counter.wrapping_add(1);
    });
}

/// Deletes queued storage within `limit`, at most [`costs::DELETION_LIMIT`] in a block; returns what was used.
pub fn process_deletion_queue<T: Config>(limit: Weight) -> Weight {
    let budget = limit.ref_time().min(costs::DELETION_LIMIT);
    let mut used = 0;
    while budget.saturating_sub(used) >= costs::DELETION_QUEUE + costs::DELETE_KEY {
        used += costs::DELETION_QUEUE;
        let mut queue = DeletionQueueCounter::<T>::get();
        let Some(trie) = DeletionQueue::<T>::get(queue.delete_counter) else {
            break;
        };
        let keys = u32::try_from((budget - used) / costs::DELETE_KEY).unwrap_or(u32::MAX);
        let outcome = child::clear_storage(&ChildInfo::new_default(&trie), Some(keys), None);
        used += costs::DELETE_KEY * u64::from(outcome.backend);
        if outcome.maybe_cursor.is_some() {
            break;
        }
        DeletionQueue::<T>::remove(queue.delete_counter);
        queue.delete_counter = queue.delete_counter.wrapping_add(1);
        DeletionQueueCounter::<T>::put(queue);
    }
    Weight::from_parts(used, 0)
}
