//! The buffer protocol between guest and pallet.

use sp_runtime::DispatchError;

use super::{
    runtime::*,
    scripts::{Script, LEN, MEM_BYTES, OUT},
};
use crate::{seal::SENTINEL, Error};

fn outcome_of(body: impl Fn(&mut Script) + Send + Sync + 'static) -> Result<Vec<u8>, DispatchError> {
    let mut chain = Chain::new();
    let contract = chain.contract("guest", body);
    chain.run(|| call(&contract, b"four").map(|output| output.data))
}

#[test]
fn an_output_is_written_with_its_exact_length() {
    let data = outcome_of(|script| {
        let input = script.getter("seal0.input");
        script.finish_with(0, &input);
    });
    assert_eq!(data, Ok(b"four".to_vec()));
}

#[test]
fn an_output_fits_room_of_its_length_and_not_one_byte_less() {
    let with_room = |room: u32| {
        outcome_of(move |script| {
            script.put(LEN, &room.to_le_bytes());
            script.call("seal0.input", &[OUT.into(), LEN.into()]);
        })
    };
    assert_eq!(with_room(4), Ok(vec![]));
    assert_eq!(with_room(3), Err(error(Error::OutputBufferTooSmall)));
}

#[test]
fn ranges_end_with_the_memory() {
    let returning = |at: u32, len: u32| {
        outcome_of(move |script| {
            script.call("seal0.seal_return", &[0, at.into(), len.into()]);
        })
    };
    assert_eq!(returning(MEM_BYTES - 2, 2), Ok(vec![0, 0]));
    assert_eq!(returning(MEM_BYTES, 0), Ok(vec![]));
    assert_eq!(returning(MEM_BYTES - 2, 3), Err(error(Error::OutOfBounds)));
    assert_eq!(returning(u32::MAX, 2), Err(error(Error::OutOfBounds)));
    assert_eq!(returning(2, u32::MAX), Err(error(Error::OutOfBounds)));
}

#[test]
fn an_output_beyond_the_memory_fails() {
    let data = outcome_of(|script| {
        script.put(LEN, &4u32.to_le_bytes());
        script.call("seal0.input", &[(MEM_BYTES - 3).into(), LEN.into()]);
    });
    assert_eq!(data, Err(error(Error::OutOfBounds)));
}

#[test]
fn a_length_beyond_the_memory_fails() {
    let data = outcome_of(|script| {
        script.call("seal0.input", &[OUT.into(), (MEM_BYTES - 3).into()]);
    });
    assert_eq!(data, Err(error(Error::OutOfBounds)));
}

#[test]
fn only_calls_may_skip_an_output() {
    let data = outcome_of(|script| {
        script.put(LEN, &100u32.to_le_bytes());
        script.call("seal0.input", &[SENTINEL.into(), LEN.into()]);
    });
    assert_eq!(data, Err(error(Error::OutOfBounds)));
}

#[test]
fn a_pointer_is_the_lower_half_of_its_argument() {
    let data = outcome_of(|script| {
        script.put(OUT, b"seen");
        script.call("seal0.seal_return", &[7 << 32, 9 << 32 | u64::from(OUT), 4]);
    });
    assert_eq!(data, Ok(b"seen".to_vec()));
}

#[test]
fn a_hash_may_overwrite_its_input() {
    let data = outcome_of(|script| {
        script.put(OUT, b"abc");
        script.call("seal0.hash_blake2_256", &[OUT.into(), 3, OUT.into()]);
        let hash = script.get(OUT, 32);
        script.finish_with(0, &hash);
    });
    assert_eq!(data, Ok(sp_io::hashing::blake2_256(b"abc").to_vec()));
}
