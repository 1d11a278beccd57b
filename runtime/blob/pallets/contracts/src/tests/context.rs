//! Getters, hashes, events and debug messages.

use codec::{Decode, Encode};
use sp_core::H256;
use sp_runtime::DispatchError;

use super::{
    runtime::*,
    scripts::{Script, OUT},
};
use crate::{Error, Event};

/// Runs a contract that returns what `body` returns.
fn returned(chain: &mut Chain, body: impl Fn(&mut Script) -> Vec<u8> + Send + Sync + 'static) -> Vec<u8> {
    let contract = chain.contract("getter", move |script| {
        let data = body(script);
        script.finish_with(0, &data);
    });
    chain.run(|| {
        pallet_timestamp::Now::<Test>::put(77_000);
        System::set_block_number(42);
        call_with(&contract, 5, b"in").expect("the call ends well").data
    })
}

fn getter(name: &'static str) -> Vec<u8> {
    returned(&mut Chain::new(), move |script| script.getter(name))
}

#[test]
fn getters_write_values_as_compilers_expect_them() {
    assert_eq!(getter("seal0.input"), b"in");
    assert_eq!(getter("seal0.caller"), ALICE.encode());
    assert_eq!(getter("seal0.value_transferred"), 5u128.encode());
    assert_eq!(getter("seal0.minimum_balance"), ED.encode());
    assert_eq!(getter("seal0.now"), 77_000u64.encode());
    assert_eq!(getter("seal0.block_number"), 42u64.encode());
    assert_eq!(getter("seal0.own_code_hash"), hash_of(b"getter").encode());
    assert_eq!(getter("seal0.seal_caller"), getter("seal0.caller"));
}

#[test]
fn balance_is_what_the_contract_can_spend_without_ending() {
    // The contract owns its existential deposit, which does not count, and the value of this call.
    assert_eq!(getter("seal0.balance"), 5u128.encode());
}

#[test]
fn address_is_the_own_account() {
    let mut chain = Chain::new();
    let contract = chain.contract("self", |script| {
        let address = script.getter("seal0.address");
        script.finish_with(0, &address);
    });
    let data = chain.run(|| data_of_call(&contract, &[]));
    assert_eq!(data, contract.encode());
}

#[test]
fn gas_left_counts_the_price_of_asking() {
    let mut chain = Chain::new();
    let data = returned(&mut chain, |script| {
        let before = script.gas();
        let left = script.getter("seal0.gas_left");
        let left = u64::decode(&mut &left[..]).expect("eight bytes");
        // The price is paid before the value is taken, the copy of eight bytes afterwards.
        (before - left, left - script.gas()).encode()
    });
    assert_eq!(data, (crate::costs::HOST_CALL, crate::costs::copy(8)).encode());
}

#[test]
fn is_contract_and_code_hash_tell_contracts_from_accounts() {
    let mut chain = Chain::new();
    let other = chain.contract("other", |_| ());
    let data = returned(&mut chain, move |script| {
        let mut data = vec![];
        for account in [&other, &BOB] {
            let at = encode_at(script, 64, account);
            let answer = script.call("seal0.is_contract", &[at]);
            let (code, hash) = script.output("seal0.code_hash", &[at]);
            data.extend((answer, code, hash.len() as u32).encode());
        }
        data
    });
    // For an account that is no contract nothing is written: the room is still there.
    assert_eq!(data, [(1i64, 0i64, 32u32).encode(), (0i64, 3i64, super::scripts::ROOM).encode()].concat());
}

#[test]
fn root_has_no_account_to_show() {
    let mut chain = Chain::new();
    let contract = chain.contract("root", |script| {
        assert_eq!(script.call("seal0.caller_is_origin", &[]), 1);
        script.getter("seal0.caller");
    });
    let result = chain.run(|| Contracts::call(RuntimeOrigin::root(), contract, 0, gas(GAS), None, vec![]));
    assert_eq!(result.expect_err("the call fails").error, DispatchError::RootNotAllowed);
}

#[test]
fn hashes_equal_those_of_the_host() {
    fn hash(name: &'static str, len: u32) -> Vec<u8> {
        returned(&mut Chain::new(), move |script| {
            script.put(64, b"some bytes");
            script.call(name, &[64, 10, OUT.into()]);
            script.get(OUT, len)
        })
    }
    use sp_io::hashing::*;
    assert_eq!(hash("seal0.hash_sha2_256", 32), sha2_256(b"some bytes"));
    assert_eq!(hash("seal0.hash_keccak_256", 32), keccak_256(b"some bytes"));
    assert_eq!(hash("seal0.hash_blake2_256", 32), blake2_256(b"some bytes"));
    assert_eq!(hash("seal0.hash_blake2_128", 16), blake2_128(b"some bytes"));
}

fn emit(
    topics: Vec<u8>,
    data_len: u32,
) -> (Result<(), DispatchError>, Vec<frame_system::EventRecord<RuntimeEvent, H256>>) {
    let mut chain = Chain::new();
    let contract = chain.contract("emitter", move |script| {
        script.put(64, &topics);
        script.call("seal0.deposit_event", &[64, topics.len() as u64, OUT.into(), data_len.into()]);
    });
    chain.run(|| {
        System::reset_events();
        let result = call(&contract, &[]).map(|_| ());
        let is_ours = |event: &RuntimeEvent| matches!(event, RuntimeEvent::Contracts(Event::ContractEmitted { .. }));
        (result, System::events().into_iter().filter(|record| is_ours(&record.event)).collect())
    })
}

#[test]
fn an_event_carries_its_topics_to_the_event_record() {
    let topics = vec![H256::repeat_byte(1), H256::repeat_byte(1), H256::repeat_byte(2), H256::zero()];
    let (result, records) = emit(topics.encode(), 3);
    assert_eq!(result, Ok(()));
    assert_eq!(records.len(), 1);
    assert_eq!(records[0].topics, topics);
    assert!(
        matches!(&records[0].event, RuntimeEvent::Contracts(Event::ContractEmitted { data, .. }) if data == &[0; 3])
    );
}

#[test]
fn no_topics_are_no_bytes_or_a_count_of_zero() {
    for topics in [vec![], vec![0]] {
        let (result, records) = emit(topics, 0);
        assert_eq!((result, records.len()), (Ok(()), 1));
        assert!(records[0].topics.is_empty());
    }
}

#[test]
fn an_event_is_limited_in_topics_and_bytes() {
    let (result, records) = emit(vec![H256::zero(); 5].encode(), 0);
    assert_eq!((result, records.len()), (Err(error(Error::TooManyTopics)), 0));
    assert_eq!(emit(vec![0], 16_384).0, Ok(()));
    assert_eq!(emit(vec![0], 16_385).0, Err(error(Error::ValueTooLarge)));
    assert_eq!(emit(vec![4, 1], 0).0, Err(error(Error::DecodingFailed)));
    assert_eq!(emit(vec![0, 0], 0).0, Err(error(Error::DecodingFailed)));
}

#[test]
fn debug_messages_appear_in_dry_runs_and_cost_the_same_without() {
    let mut chain = Chain::new();
    let contract = chain.contract("talker", |script| {
        script.put(64, b"hello \xff");
        assert_eq!(script.call("seal0.debug_message", &[64, 6]), 0);
        assert_eq!(script.call("seal0.debug_message", &[64, 7]), 0);
    });
    chain.run(|| {
        let dry = Contracts::dry_call(ALICE, contract.clone(), 0, None, None, vec![]);
        assert_eq!(dry.debug_message, b"hello ");
        let limit = dry.gas_consumed;
        Contracts::call(RuntimeOrigin::signed(ALICE), contract, 0, limit, None, vec![]).expect("gas suffices");
    });
}

#[test]
fn a_debug_message_out_of_bounds_fails_whether_or_not_anybody_listens() {
    let mut chain = Chain::new();
    let contract = chain.contract("talker", |script| {
        script.call("seal0.debug_message", &[65_530, 7]);
    });
    chain.run(|| {
        assert_eq!(call(&contract, &[]), Err(error(Error::OutOfBounds)));
        let result = Contracts::call(RuntimeOrigin::signed(ALICE), contract, 0, gas(GAS), None, vec![]);
        assert_eq!(result.expect_err("the call fails").error, error(Error::OutOfBounds));
    });
}
