//! Dry runs and extrinsics: the same call, told in two ways.

use codec::{Compact, Encode};
use frame_support::{assert_noop, assert_ok, weights::Weight};
use sp_guest_vm::TrapClass;

use super::runtime::*;
use crate::{Code, CodeInfoOf, Error, StorageDeposit, MAX_DEBUG_BUFFER_LEN};

#[test]
fn a_revert_is_a_result_in_a_dry_run_and_an_error_in_an_extrinsic() {
    let mut chain = Chain::new();
    let contract = chain.contract("reverting", |script| script.finish_with(1, b"\x01\x01"));
    let code = chain.program("unborn", |script| script.finish_with(1, &[]));
    chain.run(|| {
        let output = call(&contract, &[]).expect("a dry run succeeds");
        assert!(output.did_revert());
        assert_eq!(output.encode(), (1u32, b"\x01\x01".to_vec()).encode());
        let signed = RuntimeOrigin::signed(ALICE);
        let failed = Contracts::call(signed.clone(), contract, 0, gas(GAS), None, vec![]).expect_err("it reverts");
        assert_eq!(failed.error, error(Error::ContractReverted));
        let failed = Contracts::instantiate_with_code(signed, 0, gas(GAS), None, code, vec![], vec![]);
        assert_eq!(failed.expect_err("it reverts").error, error(Error::ContractReverted));
    });
}

#[test]
fn a_call_to_an_account_without_contract_fails() {
    let mut chain = Chain::new();
    chain.run(|| {
        assert_eq!(call(&BOB, &[]), Err(error(Error::ContractNotFound)));
        assert_eq!(free(&BOB), WEALTH);
        let failed = Contracts::call(RuntimeOrigin::signed(ALICE), BOB, 5, gas(GAS), None, vec![]);
        assert_eq!(failed.expect_err("it fails").error, error(Error::ContractNotFound));
    });
}

#[test]
fn a_value_that_the_origin_cannot_spare_fails() {
    let mut chain = Chain::new();
    let contract = chain.contract("rich", |_| ());
    chain.run(|| {
        let all = free(&ALICE);
        assert_eq!(call_with(&contract, all - ED + 1, &[]), Err(error(Error::TransferFailed)));
        let root = Contracts::call(RuntimeOrigin::root(), contract, 1, gas(GAS), None, vec![]);
        assert_eq!(root.expect_err("it fails").error, sp_runtime::DispatchError::RootNotAllowed);
    });
}

#[test]
fn a_trap_says_its_class_and_what_the_host_knows() {
    for class in sp_guest_vm::codes::TRAP_CLASSES {
        let mut chain = Chain::new();
        let contract = chain.contract("trapping", move |script| {
            script.put(64, b"panicked");
            script.call("seal0.debug_message", &[64, 8]);
            script.trap(class);
        });
        chain.run(|| {
            let dry = Contracts::dry_call(ALICE, contract, 0, None, None, vec![]);
            assert_eq!(dry.result, Err(error(Error::ContractTrapped)));
            let words = format!("panicked\ncontract trapped: {}: in function 7\n", class.text());
            assert_eq!(String::from_utf8(dry.debug_message), Ok(words));
        });
    }
}

#[test]
fn a_failed_import_call_is_named() {
    let mut chain = Chain::new();
    let contract = chain.contract("careless", |script| {
        script.call("seal0.seal_input", &[64, 68]);
    });
    chain.run(|| {
        let dry = Contracts::dry_call(ALICE, contract, 0, None, None, b"in".to_vec());
        assert_eq!(dry.result, Err(error(Error::OutputBufferTooSmall)));
        assert_eq!(dry.debug_message, b"seal0.seal_input failed: OutputBufferTooSmall\n");
    });
}

#[test]
fn what_a_contract_prints_is_cut_at_a_character() {
    use crate::debug::DebugBuffer;
    let mut buffer = DebugBuffer::collecting();
    let almost = MAX_DEBUG_BUFFER_LEN as usize - 1;
    buffer.append(&"a".repeat(almost));
    buffer.append("\u{e4}");
    buffer.append("b");
    let text = buffer.into_bytes();
    assert_eq!(text.len(), almost + 1);
    assert_eq!(text.last(), Some(&b'b'));
    let mut off = DebugBuffer::off();
    off.append("x");
    assert!(off.into_bytes().is_empty());
}

#[test]
fn a_gas_limit_above_the_blocks_is_cut_to_that() {
    let mut chain = Chain::new();
    let contract = chain.contract("curious", |script| {
        let left = script.getter("seal0.gas_left");
        script.finish_with(0, &left);
    });
    chain.run(|| {
        let left = |limit: Option<Weight>| Contracts::dry_call(ALICE, contract.clone(), 0, limit, None, vec![]).result;
        let most = left(None);
        assert!(most.is_ok());
        assert_eq!(left(Some(gas(MAX_BLOCK))), most);
        assert_eq!(left(Some(Weight::from_parts(5 * MAX_BLOCK, 0))), most);
        assert_ne!(left(Some(gas(MAX_BLOCK - 1))), most);
    });
}

#[test]
fn results_are_encoded_as_clients_decode_them() {
    let mut chain = Chain::new();
    let contract = chain.contract("answering", |script| script.finish_with(0, b"\x00\x01"));
    chain.run(|| {
        System::reset_events();
        let dry = Contracts::dry_call(ALICE, contract, 0, None, None, vec![]);
        let weight = |weight: Weight| (Compact(weight.ref_time()), Compact(weight.proof_size()));
        let expected = (
            weight(dry.gas_consumed),
            weight(dry.gas_required),
            (1u8, 0u128),
            Vec::<u8>::new(),
            (0u8, 0u32, b"\x00\x01".to_vec()),
            Some(System::events()),
        );
        assert_eq!(dry.encode(), expected.encode());
        assert_eq!(StorageDeposit::Refund(3u128).encode(), (0u8, 3u128).encode());
        assert_eq!(Code::Existing(7u8).encode(), [1, 7]);
        assert_eq!(Code::<u8>::Upload(vec![7]).encode(), [0, 4, 7]);
    });
}

#[test]
fn an_upload_and_its_contract_share_one_deposit_limit() {
    let mut chain = Chain::new();
    let code = chain.program("new", |_| ());
    chain.run(|| {
        let dry = |limit| {
            frame_support::storage::with_transaction(|| {
                let code = Code::Upload(code.clone());
                let dry = Contracts::dry_instantiate(ALICE, 0, None, limit, code, vec![], vec![]);
                let outcome = (dry.result.map(|_| ()), dry.storage_deposit);
                sp_runtime::TransactionOutcome::Rollback(Ok::<_, sp_runtime::DispatchError>(outcome))
            })
            .expect("the transaction is rolled back")
        };
        let (Ok(()), StorageDeposit::Charge(cost)) = dry(None) else { panic!("it is made") };
        assert_eq!(dry(Some(cost)).0, Ok(()));
        assert_eq!(dry(Some(cost - 1)).0, Err(error(Error::StorageDepositLimitExhausted)));
    });
}

#[test]
fn a_contract_is_made_by_extrinsic_with_and_without_code() {
    let mut chain = Chain::new();
    let code = chain.program("new", |script| {
        let input = script.getter("seal0.input");
        script.finish_with(0, &input);
    });
    chain.run(|| {
        let signed = RuntimeOrigin::signed(ALICE);
        let made = Contracts::instantiate_with_code(signed.clone(), 0, gas(GAS), None, code, vec![7], vec![]);
        assert!(made.expect("it is made").actual_weight.expect("known").ref_time() < GAS);
        let hash = hash_of(b"new");
        assert_ok!(Contracts::instantiate(signed.clone(), 0, gas(GAS), None, hash, vec![7], vec![1]));
        assert_eq!(CodeInfoOf::<Test>::get(hash).map(|info| info.refcount()), Some(2));
        let again = Contracts::instantiate(signed.clone(), 0, gas(GAS), None, hash, vec![7], vec![1]);
        assert_eq!(again.expect_err("it exists").error, error(Error::DuplicateContract));
        assert_noop!(
            Contracts::upload_code(RuntimeOrigin::root(), vec![], None, crate::Determinism::Enforced),
            sp_runtime::DispatchError::BadOrigin
        );
    });
}

#[test]
fn an_extrinsic_explains_nothing_because_its_result_is_consensus() {
    let mut chain = Chain::new();
    let contract = chain.contract("trapping", |script| script.trap(TrapClass::Unreachable));
    chain.run(|| {
        let limits = crate::outer::Limits { value: 0, gas: GAS, deposit: None };
        let origin = crate::Origin::Signed(ALICE);
        let ran = crate::outer::call::<Test>(origin, contract, vec![], limits, crate::debug::DebugBuffer::off());
        assert_eq!(ran.result, Err(error(Error::ContractTrapped)));
        assert!(ran.debug.into_bytes().is_empty());
    });
}
