//! Code of others on the own storage, and contracts that change their code.

use codec::Encode;
use frame_support::{assert_noop, assert_ok};
use sp_runtime::DispatchError;

use super::{
    calls::*,
    runtime::*,
    scripts::{Script, OUT},
};
use crate::{CodeInfoOf, Error, Event, Origin};

fn delegate(script: &mut Script, flags: u64, code: &[u8], input: &[u8]) -> (i64, Vec<u8>) {
    script.put(64, hash_of(code).as_bytes());
    script.put(256, input);
    script.output("seal0.delegate_call", &[flags, 64, 256, input.len() as u64])
}

#[test]
fn delegated_code_sees_the_delegating_frame() {
    let mut chain = Chain::new();
    let library = chain.program(
        "library",
        on_call(|script| {
            script.put(64, b"k");
            script.put(OUT, b"value");
            script.call("seal2.set_storage", &[64, 1, OUT.into(), 5]);
            let data = [
                script.getter("seal0.input"),
                script.getter("seal0.caller"),
                script.getter("seal0.address"),
                script.getter("seal0.value_transferred"),
                script.getter("seal0.own_code_hash"),
            ];
            script.finish_with(0, &data.concat());
        }),
    );
    let owner = chain.contract("owner", |script| {
        let (code, data) = delegate(script, 0, b"library", b"in");
        assert_eq!(code, 0);
        script.finish_with(0, &data);
    });
    chain.run(|| {
        let library = upload(library);
        System::reset_events();
        let data = call_with(&owner, 9, &[]).expect("the call ends well").data;
        let expected =
            [b"in".to_vec(), ALICE.encode(), owner.encode(), 9u128.encode(), hash_of(b"owner").encode()].concat();
        assert_eq!(data, expected);
        assert_eq!(free(&owner), ED + 9);
        assert_eq!(Contracts::get_storage(owner.clone(), b"k".to_vec()), Ok(Some(b"value".to_vec())));
        assert_eq!((info(&owner).storage_items, info(&owner).storage_bytes), (1, 5));
        let seen = events();
        assert_eq!(seen[0], Event::DelegateCalled { contract: owner.clone(), code_hash: library });
        assert_eq!(seen[1], Event::Called { caller: Origin::Signed(ALICE), contract: owner });
    });
}

#[test]
fn delegating_to_unknown_code_is_a_code_and_wrong_flags_are_a_failure() {
    let calling = |flags: u64| {
        let mut chain = Chain::new();
        let owner = chain.contract("owner", move |script| {
            let (code, _) = delegate(script, flags, b"nowhere", &[]);
            script.finish_with(0, &code.encode());
        });
        chain.run(|| call(&owner, &[]).map(|output| output.data))
    };
    assert_eq!(calling(0), Ok(7i64.encode()));
    assert_eq!(calling(ALLOW_REENTRY), Err(error(Error::InvalidCallFlags)));
    assert_eq!(calling(READ_ONLY), Err(error(Error::InvalidCallFlags)));
}

#[test]
fn storage_of_both_frames_is_counted_once() {
    let mut chain = Chain::new();
    let library = chain.program(
        "library",
        on_call(|script| {
            script.put(64, b"a");
            script.call("seal2.set_storage", &[64, 1, 64, 10]);
        }),
    );
    let owner = chain.contract("owner", |script| {
        script.put(64, b"b");
        script.call("seal2.set_storage", &[64, 1, 64, 7]);
        assert_eq!(delegate(script, 0, b"library", &[]).0, 0);
        script.put(64, b"b");
        script.call("seal1.clear_storage", &[64, 1]);
    });
    chain.run(|| {
        upload(library);
        assert_ok!(call(&owner, &[]));
        let info = info(&owner);
        assert_eq!((info.storage_items, info.storage_bytes), (1, 10));
        assert_eq!(info.storage_byte_deposit, 10 * PER_BYTE);
    });
}

#[test]
fn a_constructor_may_delegate_and_keeps_what_the_library_stored() {
    let mut chain = Chain::new();
    let library = chain.program(
        "library",
        on_call(|script| {
            script.put(64, b"a");
            script.call("seal2.set_storage", &[64, 1, 64, 10]);
            script.put(64, hash_of(b"library").as_bytes());
            assert_eq!(script.call("seal0.set_code_hash", &[64]), 0);
            let fail = script.getter("seal0.input");
            script.finish_with(fail[0].into(), &[]);
        }),
    );
    let owner = chain.program("owner", |script| {
        assert_eq!(delegate(script, 0, b"library", &[0]).0, 0);
        assert_eq!(delegate(script, 0, b"library", &[1]).0, 2);
    });
    chain.run(|| {
        upload(library);
        let made = make(owner, vec![]).expect("the contract is made");
        let info = info(&made);
        assert_eq!((info.storage_items, info.storage_bytes), (1, 10));
        assert_eq!(info.code_hash, hash_of(b"library"));
        assert_eq!(refcounts(), (0, 1));
    });
}

fn refcounts() -> (u64, u64) {
    let refcount = |code: &[u8]| CodeInfoOf::<Test>::get(hash_of(code)).expect("the code is stored").refcount();
    (refcount(b"owner"), refcount(b"library"))
}

#[test]
fn set_code_hash_counts_for_the_next_call_and_moves_the_reference() {
    let mut chain = Chain::new();
    let library = chain.program("library", on_call(|script| script.finish_with(0, b"new")));
    let owner = chain.contract("owner", |script| {
        script.put(64, hash_of(b"library").as_bytes());
        assert_eq!(script.call("seal0.set_code_hash", &[64]), 0);
        assert_eq!(script.getter("seal0.own_code_hash"), hash_of(b"library").as_bytes());
        script.finish_with(0, b"old");
    });
    chain.run(|| {
        upload(library);
        assert_eq!(refcounts(), (1, 0));
        System::reset_events();
        assert_eq!(data_of_call(&owner, &[]), b"old");
        let updated = Event::ContractCodeUpdated {
            contract: owner.clone(),
            new_code_hash: hash_of(b"library"),
            old_code_hash: hash_of(b"owner"),
        };
        assert_eq!(events()[0], updated);
        assert_eq!(refcounts(), (0, 1));
        assert_eq!(data_of_call(&owner, &[]), b"new");
    });
}

#[test]
fn set_code_hash_adjusts_the_base_deposit_to_the_new_code() {
    let mut chain = Chain::new();
    let long = "l".repeat(1_000);
    let code = chain.program(&long, on_call(|_| ()));
    let target = long.clone();
    let owner = chain.contract("owner", move |script| {
        script.put(64, hash_of(target.as_bytes()).as_bytes());
        assert_eq!(script.call("seal0.set_code_hash", &[64]), 0);
    });
    chain.run(|| {
        upload(code);
        let before = info(&owner).storage_base_deposit;
        let dry = Contracts::dry_call(ALICE, owner.clone(), 0, None, None, vec![]);
        let after = info(&owner).storage_base_deposit;
        // 30 % of 995 more bytes of code.
        assert_eq!(after - before, 597);
        assert_eq!(dry.storage_deposit, crate::StorageDeposit::Charge(597));
    });
}

#[test]
fn set_code_hash_to_unknown_code_is_a_code() {
    let mut chain = Chain::new();
    let owner = chain.contract("owner", |script| {
        let code = script.call("seal0.set_code_hash", &[64]);
        script.finish_with(0, &code.encode());
    });
    chain.run(|| assert_eq!(data_of_call(&owner, &[]), 7i64.encode()));
}

#[test]
fn root_can_replace_the_code_of_a_contract() {
    let mut chain = Chain::new();
    let library = chain.program("library", on_call(|script| script.finish_with(0, b"new")));
    let owner = chain.contract("owner", |_| ());
    chain.run(|| {
        let library = upload(library);
        let signed = RuntimeOrigin::signed(ALICE);
        assert_noop!(Contracts::set_code(signed, owner.clone(), library), DispatchError::BadOrigin);
        let root = RuntimeOrigin::root;
        assert_noop!(Contracts::set_code(root(), BOB, library), Error::<Test>::ContractNotFound);
        assert_noop!(Contracts::set_code(root(), owner.clone(), hash_of(b"x")), Error::<Test>::CodeNotFound);
        assert_ok!(Contracts::set_code(root(), owner.clone(), library));
        assert_eq!(refcounts(), (0, 1));
        assert_eq!(data_of_call(&owner, &[]), b"new");
    });
}
