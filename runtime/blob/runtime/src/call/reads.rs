//! Values of the state that this call has read or written before.
//!
//! Every write still goes to the host at once; only reads are saved. What is known of a key is changed by a write of that key,
//! and forgotten where the host changes more than one: removal of a prefix, and the end of a storage transaction by rollback.
//! Nothing else changes the state while the call runs.

use bytes::Bytes;

/// Keys of maps have 32 bytes of names, and mostly a hash and an account behind. Shorter ones than this are few and belong to the
/// host (`:code`, child tries); longer ones are rare.
const KEY_LEAST: usize = 16;
const KEY: usize = 96;
/// The longest value that is kept when it is written, because it must be copied then.
const WRITTEN_VALUE: usize = 256;
/// Number of keys remembered. Two that fall on one place are read each time: slower, never wrong.
const ENTRIES: usize = 64;
/// Under this the host keeps the roots of child tries, which it changes by itself.
const CHILD_ROOTS: &[u8] = b":child_storage:";

struct Entry {
    /// 0 is an empty entry.
    key_len: usize,
    key: [u8; KEY],
    value: Option<Bytes>,
}

/// Values by key.
pub struct Values([Entry; ENTRIES]);

impl Values {
    /// Nothing known.
    pub const fn new() -> Self {
        Self([const { Entry { key_len: 0, key: [0; KEY], value: None } }; ENTRIES])
    }

    /// The value of a key: None if it is not known, Some(None) if the key has no value.
    pub fn get(&self, key: &[u8]) -> Option<Option<Bytes>> {
        let entry = &self.0[place(key)?];
        same(&entry.key[..entry.key_len], key).then(|| entry.value.clone())
    }

    /// Remembers what the host answered for a key.
    pub fn read(&mut self, key: &[u8], value: &Option<Bytes>) {
        let Some(place) = place(key) else { return };
        let entry = &mut self.0[place];
        entry.key_len = key.len();
        entry.key[..key.len()].copy_from_slice(key);
        entry.value = value.clone();
    }

    /// Remembers a value that was written.
    pub fn written(&mut self, key: &[u8], value: &[u8]) {
        if value.len() > WRITTEN_VALUE {
            return self.forget(key);
        }
        self.read(key, &Some(Bytes::copy_from_slice(value)));
    }

    /// Remembers that a key has no value any more.
    pub fn cleared(&mut self, key: &[u8]) {
        self.read(key, &None);
    }

    /// Forgets a key.
    pub fn forget(&mut self, key: &[u8]) {
        let Some(place) = place(key) else { return };
        let entry = &mut self.0[place];
        if same(&entry.key[..entry.key_len], key) {
            entry.key_len = 0;
        }
    }

    /// Forgets all keys.
    pub fn forget_all(&mut self) {
        self.0.iter_mut().for_each(|entry| entry.key_len = 0);
    }
}

/// Where a key is remembered; None for those that are not. Keys of a runtime differ in the name of the item and in their ends.
fn place(key: &[u8]) -> Option<usize> {
    if key.len() < KEY_LEAST || key.len() > KEY || key.starts_with(CHILD_ROOTS) {
        return None;
    }
    let item = if key.len() >= 24 { word(key, 16) } else { 0 };
    let ends = word(key, key.len() - 16).rotate_left(23) ^ word(key, key.len() - 8);
    let mixed = (item ^ ends).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    Some((mixed >> 40) as usize % ENTRIES)
}

fn word(bytes: &[u8], at: usize) -> u64 {
    let mut eight = [0; 8];
    eight.copy_from_slice(&bytes[at..at + 8]);
    u64::from_le_bytes(eight)
}

/// Equality by words: that of slices goes byte by byte in Wasm. Keys have at least a word.
fn same(known: &[u8], key: &[u8]) -> bool {
    if known.len() != key.len() {
        return false;
    }
    let last = key.len() - 8;
    (0..last).step_by(8).chain([last]).all(|at| word(known, at) == word(key, at))
}

/// Puts what is remembered before the storage functions of the host.
#[cfg(substrate_runtime)]
pub fn remember() {
    host::remember()
}

#[cfg(substrate_runtime)]
mod host {
    use super::{super::Single, Bytes, Values};
    use alloc::vec::Vec;
    use core::mem::forget;
    use sp_io::{storage, KillStorageResult};

    static VALUES: Single<Values> = Single::new(Values::new());

    /// The host's own functions.
    struct Host {
        get: fn(&[u8]) -> Option<Bytes>,
        set: fn(&[u8], &[u8]),
        clear: fn(&[u8]),
        exists: fn(&[u8]) -> bool,
        append: fn(&[u8], Vec<u8>),
        clear_prefix: fn(&[u8], Option<u32>) -> KillStorageResult,
        rollback_transaction: fn(),
    }

    static HOST: Single<Option<Host>> = Single::new(None);

    fn host<R>(call: impl FnOnce(&Host) -> R) -> R {
        // SAFETY: the host does not come back.
        unsafe { HOST.with(|host| call(host.as_ref().expect("set before anything is replaced; qed"))) }
    }

    fn values<R>(with: impl FnOnce(&mut Values) -> R) -> R {
        // SAFETY: `Values` calls the allocator only, which does not read the state.
        unsafe { VALUES.with(with) }
    }

    fn get(key: &[u8]) -> Option<Bytes> {
        if let Some(known) = values(|values| values.get(key)) {
            return known;
        }
        let value = host(|host| (host.get)(key));
        values(|values| values.read(key, &value));
        value
    }

    fn exists(key: &[u8]) -> bool {
        match values(|values| values.get(key)) {
            Some(known) => known.is_some(),
            None => host(|host| (host.exists)(key)),
        }
    }

    fn set(key: &[u8], value: &[u8]) {
        host(|host| (host.set)(key, value));
        values(|values| values.written(key, value));
    }

    fn clear(key: &[u8]) {
        host(|host| (host.clear)(key));
        values(|values| values.cleared(key));
    }

    fn append(key: &[u8], item: Vec<u8>) {
        host(|host| (host.append)(key, item));
        values(|values| values.forget(key));
    }

    fn clear_prefix(prefix: &[u8], limit: Option<u32>) -> KillStorageResult {
        values(Values::forget_all);
        host(|host| (host.clear_prefix)(prefix, limit))
    }

    fn rollback_transaction() {
        values(Values::forget_all);
        host(|host| (host.rollback_transaction)())
    }

    pub fn remember() {
        let host = Host {
            get: storage::host_get.get(),
            set: storage::host_set.get(),
            clear: storage::host_clear.get(),
            exists: storage::host_exists.get(),
            append: storage::host_append.get(),
            clear_prefix: storage::host_clear_prefix.get(),
            rollback_transaction: storage::host_rollback_transaction.get(),
        };
        // SAFETY: nothing is called inside.
        unsafe { HOST.with(|known| *known = Some(host)) };
        forget(storage::host_get.replace_implementation(get));
        forget(storage::host_set.replace_implementation(set));
        forget(storage::host_clear.replace_implementation(clear));
        forget(storage::host_exists.replace_implementation(exists));
        forget(storage::host_append.replace_implementation(append));
        forget(storage::host_clear_prefix.replace_implementation(clear_prefix));
        forget(storage::host_rollback_transaction.replace_implementation(rollback_transaction));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(n: u8) -> Vec<u8> {
        (0..40).map(|i| if i % 3 == 0 { n } else { i }).collect()
    }

    fn some(value: &[u8]) -> Option<Bytes> {
        Some(Bytes::copy_from_slice(value))
    }

    #[test]
    fn what_is_known_follows_reads_and_writes() {
        let mut values = Values::new();
        let key = key(1);
        assert_eq!(values.get(&key), None, "nothing is known at first");
        values.read(&key, &some(b"read"));
        assert_eq!(values.get(&key), Some(some(b"read")));
        values.written(&key, b"written");
        assert_eq!(values.get(&key), Some(some(b"written")));
        values.cleared(&key);
        assert_eq!(values.get(&key), Some(None));
        values.forget(&key);
        assert_eq!(values.get(&key), None);
    }

    #[test]
    fn a_long_value_that_is_written_is_forgotten() {
        let mut values = Values::new();
        values.written(&key(1), &[0; WRITTEN_VALUE]);
        assert_eq!(values.get(&key(1)), Some(some(&[0; WRITTEN_VALUE])));
        values.written(&key(1), &[0; WRITTEN_VALUE + 1]);
        assert_eq!(values.get(&key(1)), None);
    }

    #[test]
    fn keys_of_the_hosts_and_keys_of_other_lengths_are_not_remembered() {
        let mut values = Values::new();
        for key in [vec![1; KEY_LEAST - 1], vec![1; KEY + 1], [CHILD_ROOTS, b"default:one"].concat()] {
            values.read(&key, &some(b"value"));
            values.written(&key, b"value");
            values.cleared(&key);
            assert_eq!(values.get(&key), None, "{key:?}");
        }
    }

    #[test]
    fn keys_that_differ_in_one_byte_are_told_apart() {
        for len in KEY_LEAST..=KEY {
            let mut values = Values::new();
            let zeros = vec![0; len];
            for at in 0..len {
                let mut one = zeros.clone();
                one[at] = 1;
                values.read(&zeros, &some(b"zeros"));
                assert_ne!(values.get(&one), Some(some(b"zeros")), "{len} bytes, a one at {at}");
                values.forget(&one);
                assert_eq!(values.get(&zeros), Some(some(b"zeros")), "{len} bytes, a one at {at}");
            }
        }
    }

    /// Against a map and a stack of its copies: whatever is known must be what the state holds.
    #[test]
    fn nothing_known_is_wrong_after_any_sequence() {
        let mut values = Values::new();
        let (mut state, mut opened) = (std::collections::BTreeMap::new(), Vec::new());
        let mut seed = 7u64;
        let mut random = |below: u64| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (seed >> 33) % below
        };
        let (mut hits, rounds) = (0, 100_000);
        for _ in 0..rounds {
            let key = key(random(100) as u8);
            match random(12) {
                0 | 1 => {
                    let value = vec![random(256) as u8; random(300) as usize];
                    values.written(&key, &value);
                    state.insert(key, value);
                }
                2 => {
                    state.remove(&key);
                    values.cleared(&key);
                }
                3 => {
                    state.entry(key.clone()).or_default().push(1);
                    values.forget(&key);
                }
                4 if random(20) == 0 => {
                    state.retain(|held, _| held[0] > key[0]);
                    values.forget_all();
                }
                5 if random(4) == 0 => opened.push(state.clone()),
                6 if random(20) == 0 => {
                    if let Some(before) = opened.pop() {
                        state = before;
                        values.forget_all();
                    }
                }
                _ => {
                    let held = state.get(&key).map(|value| Bytes::copy_from_slice(value));
                    match values.get(&key) {
                        Some(known) => {
                            assert_eq!(known, held);
                            hits += 1;
                        }
                        None => values.read(&key, &held),
                    }
                }
            }
        }
        assert!(hits > rounds / 10, "{hits} of {rounds} were known");
    }
}
