//! Digests of short inputs that this call has asked for before.
//!
//! FRAME hashes the names of a pallet and an item, and the account, whenever it makes a key of a map: 125 times in a transfer,
//! of eight inputs.

/// The longest input that is remembered: an account.
const INPUT: usize = 32;
/// Number of inputs remembered for one hash function. Two that fall on one place are hashed each time: slower, never wrong.
const ENTRIES: usize = 16;

#[derive(Clone, Copy)]
struct Entry<const OUT: usize> {
    /// Length of the input plus one; 0 is an empty entry.
    tag: u32,
    /// The input, with zeros behind.
    input: [u64; INPUT / 8],
    digest: [u8; OUT],
}

/// Digests of one hash function, by input.
pub struct Digests<const OUT: usize>([Entry<OUT>; ENTRIES]);

impl<const OUT: usize> Digests<OUT> {
    /// Nothing known.
    pub const fn new() -> Self {
        Self([Entry { tag: 0, input: [0; INPUT / 8], digest: [0; OUT] }; ENTRIES])
    }

    /// The digest of `data`, by `hash` if it is not known.
    pub fn of(&mut self, data: &[u8], hash: impl FnOnce(&[u8]) -> [u8; OUT]) -> [u8; OUT] {
        if data.len() > INPUT {
            return hash(data);
        }
        let (tag, input) = (data.len() as u32 + 1, padded(data));
        let entry = &mut self.0[place(&input, tag)];
        if entry.tag != tag || entry.input != input {
            *entry = Entry { tag, input, digest: hash(data) };
        }
        entry.digest
    }
}

fn padded(data: &[u8]) -> [u64; INPUT / 8] {
    let mut bytes = [0; INPUT];
    bytes[..data.len()].copy_from_slice(data);
    let mut words = [0; INPUT / 8];
    for (word, chunk) in words.iter_mut().zip(bytes.chunks_exact(8)) {
        let mut eight = [0; 8];
        eight.copy_from_slice(chunk);
        *word = u64::from_le_bytes(eight);
    }
    words
}

fn place(input: &[u64; INPUT / 8], tag: u32) -> usize {
    let mixed = (input[0] ^ u64::from(tag)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed >> 32) as usize % ENTRIES
}

/// Puts what is remembered before the hash functions of the host.
#[cfg(substrate_runtime)]
pub fn remember() {
    use super::Single;
    use sp_io::hashing::{host_blake2_128, host_twox_128, host_twox_64};

    // One for each function: what is remembered, the host's own, and the function that replaces it.
    macro_rules! remember {
        ($host:ident, $bytes:literal) => {{
            static KNOWN: Single<(Digests<$bytes>, Option<fn(&[u8]) -> [u8; $bytes]>)> =
                Single::new((Digests::new(), None));
            fn known(data: &[u8]) -> [u8; $bytes] {
                // SAFETY: the host does not come back.
                unsafe {
                    KNOWN.with(|(digests, host)| digests.of(data, host.expect("set before `known` is called; qed")))
                }
            }
            // SAFETY: nothing is called inside.
            unsafe { KNOWN.with(|(_, host)| *host = Some($host.get())) };
            core::mem::forget($host.replace_implementation(known));
        }};
    }
    remember!(host_twox_64, 8);
    remember!(host_twox_128, 16);
    remember!(host_blake2_128, 16);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sum(data: &[u8]) -> [u8; 4] {
        let mut out = [data.len() as u8; 4];
        data.iter().enumerate().for_each(|(i, byte)| out[i % 4] = out[i % 4].wrapping_mul(31).wrapping_add(*byte));
        out
    }

    #[test]
    fn a_known_input_is_not_hashed_again() {
        let mut digests = Digests::new();
        assert_eq!(digests.of(b"System", sum), sum(b"System"));
        assert_eq!(digests.of(b"System", |_| panic!("hashed again")), sum(b"System"));
    }

    #[test]
    fn inputs_that_differ_in_length_or_in_any_byte_are_told_apart() {
        let mut digests = Digests::new();
        for len in 0..=INPUT {
            let zeros = vec![0; len];
            assert_eq!(digests.of(&zeros, sum), sum(&zeros), "{len} zeros");
            for at in 0..len {
                let mut one = zeros.clone();
                one[at] = 1;
                assert_eq!(digests.of(&one, sum), sum(&one), "{len} bytes, a one at {at}");
            }
        }
    }

    #[test]
    fn a_long_input_is_hashed_each_time() {
        let mut digests = Digests::new();
        let long = [7; INPUT + 1];
        let mut hashed = 0;
        for _ in 0..2 {
            digests.of(&long, |data| {
                hashed += 1;
                sum(data)
            });
        }
        assert_eq!(hashed, 2);
    }
}
