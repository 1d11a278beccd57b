//! The contract's storage.

use codec::Encode;
use frame_support::storage::child;
use sp_runtime::DispatchError;

use super::{
    runtime::*,
    scripts::{Script, OUT},
};
use crate::{address, seal::SENTINEL, ContractAccessError, Error, MAX_PAYLOAD_LEN, MAX_STORAGE_KEY_LEN};

const NONE: i64 = SENTINEL as i64;

/// Runs a script as a contract's message; assertions are inside.
fn run(body: impl Fn(&mut Script) + Send + Sync + 'static) -> (Chain, AccountId, Result<(), DispatchError>) {
    let mut chain = Chain::new();
    let contract = chain.contract("keeper", body);
    let result = chain.run(|| call(&contract, &[]).map(|_| ()));
    (chain, contract, result)
}

fn set(script: &mut Script, key: &[u8], value: &[u8]) -> i64 {
    script.put(64, key);
    script.put(OUT, value);
    script.call("seal2.set_storage", &[64, key.len() as u64, OUT.into(), value.len() as u64])
}

#[test]
fn variable_keys_answer_with_the_old_length() {
    let (_, _, result) = run(|script| {
        assert_eq!(set(script, b"k", b"abc"), NONE);
        assert_eq!(set(script, b"k", b""), 3);
        assert_eq!(set(script, b"k", b"xy"), 0);
        assert_eq!(script.call("seal1.contains_storage", &[64, 1]), 2);
        assert_eq!(script.output("seal1.get_storage", &[64, 1]), (0, b"xy".to_vec()));
        assert_eq!(script.output("seal0.take_storage", &[64, 1]), (0, b"xy".to_vec()));
        assert_eq!(script.call("seal1.contains_storage", &[64, 1]), NONE);
        assert_eq!(script.output("seal0.take_storage", &[64, 1]).0, 3);
        assert_eq!(script.output("seal1.get_storage", &[64, 1]).0, 3);
        assert_eq!(set(script, b"k", b"again"), NONE);
        assert_eq!(script.call("seal1.clear_storage", &[64, 1]), 5);
        assert_eq!(script.call("seal1.clear_storage", &[64, 1]), NONE);
    });
    assert_eq!(result, Ok(()));
}

#[test]
fn fixed_keys_answer_as_their_versions_do() {
    let (_, _, result) = run(|script| {
        script.put(64, &[7; 32]);
        script.put(OUT, b"value");
        assert_eq!(script.call("seal0.set_storage", &[64, OUT.into(), 5]), i64::from(SENTINEL));
        assert_eq!(script.call("seal1.set_storage", &[64, OUT.into(), 2]), 5);
        assert_eq!(script.call("seal0.contains_storage", &[64]), 2);
        assert_eq!(script.output("seal0.get_storage", &[64]), (0, b"va".to_vec()));
        script.call("seal0.clear_storage", &[64]);
        assert_eq!(script.output("seal0.get_storage", &[64]).0, 3);
        assert_eq!(script.call("seal0.contains_storage", &[64]), NONE);
    });
    assert_eq!(result, Ok(()));
}

#[test]
fn a_missing_value_leaves_the_buffer_untouched() {
    let (_, _, result) = run(|script| {
        script.put(OUT, b"before");
        let (code, data) = script.output("seal1.get_storage", &[64, 1]);
        assert_eq!((code, &data[..6]), (3, &b"before"[..]));
        assert_eq!(data.len() as u32, super::scripts::ROOM);
    });
    assert_eq!(result, Ok(()));
}

#[test]
fn the_two_forms_of_keys_never_meet_and_lie_where_clients_look() {
    let (mut chain, contract, result) = run(|script| {
        script.put(64, &[0; 32]);
        script.put(OUT, b"F");
        script.call("seal0.set_storage", &[64, OUT.into(), 1]);
        assert_eq!(script.call("seal1.contains_storage", &[64, 32]), NONE);
        set(script, &[0; 4], b"V");
    });
    assert_eq!(result, Ok(()));
    chain.run(|| {
        let trie = info(&contract).child_info();
        let at = |key: &str| child::get_raw(&trie, &hex(key));
        assert_eq!(at("11d2df4e979aa105cf552e9544ebd2b500000000"), Some(b"V".to_vec()));
        assert_eq!(at("89eb0d6a8a691dae2cd15ed0369931ce0a949ecafa5c3f93f8121833646e15c3"), Some(b"F".to_vec()));
        assert_eq!(Contracts::get_storage(contract.clone(), vec![0; 4]), Ok(Some(b"V".to_vec())));
        assert_eq!(Contracts::get_storage(contract.clone(), vec![1; 4]), Ok(None));
        let long = vec![0; MAX_STORAGE_KEY_LEN as usize + 1];
        assert_eq!(Contracts::get_storage(contract, long), Err(ContractAccessError::KeyDecodingFailed));
        assert_eq!(Contracts::get_storage(BOB, vec![]), Err(ContractAccessError::DoesntExist));
    });
}

pub fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.chars().map(|digit| digit.to_digit(16).expect("hex") as u8).collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

#[test]
fn the_child_trie_is_named_after_account_and_nonce() {
    let account = hex("9871399539a41f59382f5634827fe84347093f9df60195296e0c68492a74f09e");
    let account = AccountId::new(account.try_into().expect("32 bytes"));
    let trie = hex("b3ea15b0d2fd31307c9c5d56ffb7fabba0b96d3da7cb167b24b563032c7eea6c");
    assert_eq!(address::trie_id::<Test>(&account, 1).into_inner(), trie);
}

#[test]
fn keys_and_values_are_limited() {
    let with = |key_len: u32, value_len: u32| {
        run(move |script| {
            script.call("seal2.set_storage", &[64, key_len.into(), OUT.into(), value_len.into()]);
        })
        .2
    };
    assert_eq!(with(MAX_STORAGE_KEY_LEN, MAX_PAYLOAD_LEN), Ok(()));
    assert_eq!(with(MAX_STORAGE_KEY_LEN + 1, 0), Err(error(Error::DecodingFailed)));
    assert_eq!(with(0, MAX_PAYLOAD_LEN + 1), Err(error(Error::ValueTooLarge)));
    let get = |name: &'static str| {
        run(move |script| {
            script.output(name, &[64, 129]);
        })
        .2
    };
    assert_eq!(get("seal1.get_storage"), Err(error(Error::DecodingFailed)));
    assert_eq!(get("seal0.take_storage"), Err(error(Error::DecodingFailed)));
}

#[test]
fn a_failed_or_reverted_call_leaves_no_change() {
    for flags in [1, 2] {
        let (mut chain, contract, result) = run(move |script| {
            set(script, b"k", b"v");
            script.finish_with(flags, &b"why".encode());
        });
        assert_eq!(result.is_ok(), flags == 1);
        chain.run(|| {
            assert_eq!(Contracts::get_storage(contract.clone(), b"k".to_vec()), Ok(None));
            assert_eq!(info(&contract).storage_items, 0);
        });
    }
}
