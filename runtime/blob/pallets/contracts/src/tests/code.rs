//! Uploading and removing code.

use frame_support::{assert_noop, assert_ok, dispatch::GetDispatchInfo, traits::fungible::InspectHold};
use sp_guest_vm::{codes::REPORT_IMPORTS_DEPRECATED, Entry, Report};
use sp_runtime::DispatchError;

use super::runtime::*;
use crate::{costs, Code, CodeInfoOf, Determinism, Error, Event, HoldReason, PristineCode, MAX_CODE_LEN};

fn signed() -> RuntimeOrigin {
    RuntimeOrigin::signed(ALICE)
}

fn deposit(len: Balance) -> Balance {
    (len + 61) * PER_BYTE + 2 * PER_ITEM
}

#[test]
fn an_upload_stores_the_bytes_as_they_are_and_holds_a_deposit() {
    let mut chain = Chain::new();
    let code = chain.program("code", |_| ());
    chain.run(|| {
        let info = Contracts::upload_code(signed(), code.clone(), None, Determinism::Relaxed).expect("it is stored");
        assert_eq!(info.actual_weight, Some(costs::upload(4, 1_000)));
        assert_eq!(PristineCode::<Test>::get(hash_of(b"code")).map(|code| code.to_vec()), Some(code));
        let record = CodeInfoOf::<Test>::get(hash_of(b"code")).expect("the record is stored");
        assert_eq!((record.owner(), record.deposit(), record.code_len()), (&ALICE, deposit(4), 4));
        assert_eq!(record.refcount(), 0);
        let held = Balances::balance_on_hold(&HoldReason::CodeUploadDepositReserve.into(), &ALICE);
        assert_eq!(held, deposit(4));
        let stored = Event::CodeStored { code_hash: hash_of(b"code"), deposit_held: deposit(4), uploader: ALICE };
        assert_eq!(events(), [stored]);
    });
}

#[test]
fn a_record_is_stored_as_clients_decode_it() {
    use codec::{Compact, Encode};
    let mut chain = Chain::new();
    let code = chain.program("code", |_| ());
    chain.run(|| {
        upload(code);
        let record = CodeInfoOf::<Test>::get(hash_of(b"code")).expect("the record is stored");
        // Relaxed code is checked as enforced, and stored as that (0).
        let expected = (ALICE, Compact(deposit(4)), Compact(0u64), 0u8, 4u32);
        assert_eq!(record.encode(), expected.encode());
    });
}

#[test]
fn known_code_costs_nothing_and_tells_nothing() {
    let mut chain = Chain::new();
    let code = chain.program("code", |_| ());
    chain.run(|| {
        upload(code.clone());
        System::reset_events();
        let result = Contracts::dry_upload(BOB, code, Some(0)).expect("it is known");
        assert_eq!((result.code_hash, result.deposit), (hash_of(b"code"), 0));
        assert_eq!(events(), []);
    });
}

#[test]
fn an_upload_is_bound_by_limit_and_means() {
    let mut chain = Chain::new();
    let code = chain.program("code", |_| ());
    chain.run(|| {
        let limited = |limit| Contracts::dry_upload(ALICE, code.clone(), Some(limit)).map(|_| ());
        assert_eq!(limited(deposit(4) - 1), Err(error(Error::StorageDepositLimitExhausted)));
        assert_eq!(Contracts::dry_upload(NOBODY, code.clone(), None), Err(error(Error::StorageDepositNotEnoughFunds)));
        assert_eq!(limited(deposit(4)), Ok(()));
    });
}

#[test]
fn refused_code_says_why_in_dry_runs() {
    let mut chain = Chain::new();
    chain.run(|| {
        let bad = b"not known to the mock".to_vec();
        assert_noop!(
            Contracts::upload_code(signed(), bad.clone(), None, Determinism::Enforced).map_err(|failed| failed.error),
            Error::<Test>::CodeRejected
        );
        let dry = Contracts::dry_instantiate(ALICE, 0, None, None, Code::Upload(bad), vec![], vec![]);
        assert_eq!(dry.result, Err(error(Error::CodeRejected)));
        assert_eq!(dry.debug_message, b"code rejected: float, function 3, byte 0x1f: no such program\n");
    });
}

#[test]
fn code_has_a_largest_length() {
    let mut chain = Chain::new();
    let name = "x".repeat(MAX_CODE_LEN as usize);
    let code = chain.program(&name, |_| ());
    chain.run(|| {
        let too_long = [code.clone(), vec![b'x']].concat();
        assert_eq!(Contracts::dry_upload(ALICE, too_long.clone(), None), Err(error(Error::CodeTooLarge)));
        let dry = Contracts::dry_instantiate(ALICE, 0, None, None, Code::Upload(too_long), vec![], vec![]);
        assert_eq!(dry.result, Err(error(Error::CodeTooLarge)));
        let words = format!("code rejected: it has {} bytes, and code may have {MAX_CODE_LEN}\n", MAX_CODE_LEN + 1);
        assert_eq!(String::from_utf8(dry.debug_message), Ok(words));
        assert_ok!(Contracts::dry_upload(ALICE, code, None).map(|_| ()));
    });
}

#[test]
fn code_that_takes_longer_to_compile_than_its_length_pays_is_refused() {
    let mut chain = Chain::new();
    let limit = costs::max_score(5);
    let with = |chain: &Chain, name: &str, score| {
        chain.program_with(name, Report { score, ..Report::default() }, false, |_| ())
    };
    let (fits, dense) = (with(&chain, "sized", limit), with(&chain, "dense", limit + 1));
    chain.run(|| {
        assert_ok!(Contracts::dry_upload(ALICE, fits, None).map(|_| ()));
        let dry = Contracts::dry_instantiate(ALICE, 0, None, None, Code::Upload(dense), vec![], vec![]);
        assert_eq!(dry.result, Err(error(Error::CodeRejected)));
        let words = "code rejected: it takes 40011 us to compile, and code of its length may take 40010\n";
        assert_eq!(String::from_utf8(dry.debug_message).as_deref(), Ok(words));
    });
}

#[test]
fn an_upload_declares_the_worst_score_and_pays_its_own() {
    let declared = |len: usize| {
        let call = crate::Call::<Test>::upload_code {
            code: vec![0; len],
            storage_deposit_limit: None,
            determinism: Determinism::Enforced,
        };
        call.get_dispatch_info().call_weight
    };
    assert_eq!(declared(1_000), costs::upload(1_000, 42_000));
    assert_eq!(declared(MAX_CODE_LEN as usize), costs::upload(MAX_CODE_LEN as usize, 290_000));
    assert!(costs::upload(1_000, 100).ref_time() < declared(1_000).ref_time());
}

#[test]
fn a_refused_upload_pays_for_the_check_alone() {
    let mut chain = Chain::new();
    let good = chain.program("good", |_| ());
    let bad = b"not known to the mock".to_vec();
    let long = vec![b'x'; MAX_CODE_LEN as usize + 1];
    let cases = [
        (ALICE, bad, None, error(Error::CodeRejected)),
        (ALICE, long, None, error(Error::CodeTooLarge)),
        (ALICE, good.clone(), Some(0), error(Error::StorageDepositLimitExhausted)),
        (NOBODY, good, None, error(Error::StorageDepositNotEnoughFunds)),
    ];
    chain.run(|| {
        for (account, code, limit, refusal) in cases {
            let checked = Some(costs::upload(code.len(), 0));
            let limit = limit.map(|limit: Balance| limit.into());
            let origin = RuntimeOrigin::signed(account);
            let alone = Contracts::upload_code(origin.clone(), code.clone(), limit, Determinism::Enforced);
            let both = Contracts::instantiate_with_code(origin, 0, gas(GAS), limit, code, vec![], vec![]);
            for refused in [alone, both].map(|result| result.expect_err("it is refused")) {
                assert_eq!((refused.error, refused.post_info.actual_weight), (refusal, checked));
            }
        }
    });
}

#[test]
fn code_that_imports_deprecated_functions_runs_only_where_it_is_stored_and_called() {
    let mut chain = Chain::new();
    let flags = REPORT_IMPORTS_DEPRECATED;
    let old = Report { flags, ..Report::default() };
    let code = chain.program("old", |script| {
        if script.entry == Entry::Call {
            script.finish_with(0, b"old");
        }
    });
    let contract = chain.run(|| make(code.clone(), vec![]).expect("the contract is made"));
    chain.program_with("old", old, false, |script| script.finish_with(0, b"still"));
    chain.run(|| {
        assert_eq!(data_of_call(&contract, &[]), b"still");
        assert_eq!(Contracts::dry_upload(ALICE, code, None), Err(error(Error::CodeRejected)));
        let code = Code::Existing(hash_of(b"old"));
        let dry = Contracts::dry_instantiate(ALICE, 0, None, None, code, vec![], vec![1]);
        assert_eq!(dry.result, Err(error(Error::CodeRejected)));
        assert_eq!(dry.debug_message, b"stored code rejected: its constructor would run with a deprecated function\n");
    });
}

#[test]
fn stored_code_that_fails_todays_limits_is_rejected_when_it_is_called() {
    let mut chain = Chain::new();
    let contract = chain.contract("fading", |_| ());
    chain.program_with("fading", Report::default(), true, |_| ());
    chain.run(|| {
        let dry = Contracts::dry_call(ALICE, contract, 0, None, None, vec![]);
        assert_eq!(dry.result, Err(error(Error::CodeRejected)));
        assert_eq!(dry.debug_message, b"stored code rejected: limit-score: no such program\n");
    });
}

#[test]
fn only_the_owner_removes_code_and_only_unused_code() {
    let mut chain = Chain::new();
    let contract = chain.contract("code", |script| {
        script.put(64, &[2; 32]);
        script.call("seal1.terminate", &[64]);
    });
    chain.run(|| {
        let hash = hash_of(b"code");
        assert_noop!(Contracts::remove_code(signed(), hash_of(b"other")), Error::<Test>::CodeNotFound);
        assert_noop!(Contracts::remove_code(signed(), hash), Error::<Test>::CodeInUse);
        assert_ok!(call(&contract, &[]));
        assert_noop!(Contracts::remove_code(RuntimeOrigin::signed(BOB), hash), DispatchError::BadOrigin);
        let before = free(&ALICE);
        System::reset_events();
        let info = Contracts::remove_code(signed(), hash).expect("it is removed");
        assert_eq!(info.pays_fee, frame_support::dispatch::Pays::No);
        assert_eq!(free(&ALICE), before + deposit(4));
        assert_eq!(events(), [Event::CodeRemoved { code_hash: hash, deposit_released: deposit(4), remover: ALICE }]);
        assert!(!PristineCode::<Test>::contains_key(hash) && !CodeInfoOf::<Test>::contains_key(hash));
        let dry = Contracts::dry_instantiate(ALICE, 0, None, None, Code::Existing(hash), vec![], vec![]);
        assert_eq!(dry.result, Err(error(Error::CodeNotFound)));
    });
}
