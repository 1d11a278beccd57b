//! The buffer protocol between guest and pallet.

use sp_guest_vm::TrapClass;
use sp_runtime::DispatchError;

use super::{
    runtime::*,
    scripts::{Script, LEN, MEM_BYTES, OUT},
};
use crate::{
    seal::{table, SENTINEL},
    Error, MAX_PAYLOAD_LEN,
};

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

#[test]
fn bytes_that_are_refused_for_their_number_or_place_are_not_charged() {
    let most = u64::from(u32::MAX);
    let beyond = u64::from(MEM_BYTES) + 1;
    let too_long = u64::from(MAX_PAYLOAD_LEN) + 1;
    let five_topics = 1 + 5 * 32;
    let cases: [(&str, Vec<u64>, Error<Test>); 11] = [
        ("seal0.set_storage", vec![64, OUT.into(), too_long], Error::ValueTooLarge),
        ("seal1.set_storage", vec![64, OUT.into(), most], Error::ValueTooLarge),
        ("seal2.set_storage", vec![64, 1, OUT.into(), most], Error::ValueTooLarge),
        ("seal2.set_storage", vec![64, 1, beyond - 1, 1], Error::OutOfBounds),
        ("seal0.deposit_event", vec![64, 0, OUT.into(), too_long], Error::ValueTooLarge),
        ("seal0.deposit_event", vec![64, 0, OUT.into(), most], Error::ValueTooLarge),
        ("seal0.deposit_event", vec![64, five_topics, OUT.into(), 0], Error::TooManyTopics),
        ("seal0.deposit_event", vec![64, most, OUT.into(), 0], Error::TooManyTopics),
        ("seal0.debug_message", vec![64, most], Error::OutOfBounds),
        ("seal0.hash_keccak_256", vec![64, most, OUT.into()], Error::OutOfBounds),
        ("seal2.instantiate", vec![64, 0, 0, most, 128, 256, most, most, most, most, most, 300, 0], Error::OutOfBounds),
    ];
    for (name, args, refusal) in cases {
        let mut chain = Chain::new();
        let refused = {
            let args = args.clone();
            chain.contract("refused", move |script| {
                script.call(name, &args);
            })
        };
        let price = price_of(name);
        let paid = chain.contract("trapped", move |script| {
            script.burn(price);
            script.trap(TrapClass::Unreachable);
        });
        chain.run(|| {
            let dry = |contract: AccountId| Contracts::dry_call(ALICE, contract, 0, Some(gas(GAS)), None, vec![]);
            let (refused, paid) = (dry(refused), dry(paid));
            assert_eq!(refused.result.map(|_| ()), Err(error(refusal)), "{name} {args:?}");
            assert_eq!(refused.gas_consumed, paid.gas_consumed, "{name} {args:?}");
        });
    }
}

fn price_of(name: &str) -> u64 {
    let mut imports = table::IMPORTS.iter();
    imports.find(|import| name == format!("{}.{}", import.module, import.name)).expect("it is in the table").price
}
