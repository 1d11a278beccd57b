//! Contracts that end: who is paid, when, and under which origin. And what Root does to deposits.

use codec::{Decode, Encode};
use frame_support::traits::fungible::{Inspect, InspectHold};
use sp_runtime::DispatchError;

use super::{
    calls::*,
    deposits::{change, keeper, steps, CLEAR},
    runtime::*,
    scripts::{Script, OUT},
};
use crate::{
    address::contract_address, seal::SENTINEL, CodeInfoOf, ContractInfoOf, Error, Event, HoldReason, StorageDeposit,
};

fn held(account: &AccountId) -> Balance {
    Balances::balance_on_hold(&HoldReason::StorageDepositReserve.into(), account)
}

fn as_root(contract: &AccountId, limit: Option<Balance>, input: &[u8]) -> Result<(), DispatchError> {
    let limit = limit.map(Into::into);
    let result = Contracts::call(RuntimeOrigin::root(), contract.clone(), 0, gas(GAS), limit, input.to_vec());
    result.map(|_| ()).map_err(|failed| failed.error)
}

/// Stores 1,000 bytes if told "fill", and otherwise ends for the account that its input names.
fn mortal(script: &mut Script) {
    let input = script.getter("seal0.input");
    if input == b"fill" {
        script.put(64, b"m");
        script.call("seal2.set_storage", &[64, 1, OUT.into(), 1_000]);
        return;
    }
    script.put(64, &input);
    script.call("seal1.terminate", &[64]);
}

#[test]
fn a_contract_that_ends_under_root_leaves_all_to_its_beneficiary() {
    let mut chain = Chain::new();
    let contract = chain.contract("mortal", mortal);
    chain.run(|| {
        call_with(&contract, 500, b"fill").expect("the call ends well");
        let deposit = held(&contract);
        assert_eq!(deposit, info(&contract).total_deposit());
        System::reset_events();
        assert_eq!(as_root(&contract, None, &CHARLIE.encode()), Ok(()));
        assert_eq!(free(&CHARLIE), WEALTH + deposit + ED + 500);
        assert_eq!(Balances::total_balance(&contract), 0);
        assert!(!System::account_exists(&contract));
        assert_eq!(ContractInfoOf::<Test>::get(&contract), None);
        assert_eq!(CodeInfoOf::<Test>::get(hash_of(b"mortal")).map(|info| info.refcount()), Some(0));
        let expected = [
            Event::StorageDepositTransferredAndReleased { from: contract.clone(), to: CHARLIE, amount: deposit },
            Event::Terminated { contract: contract.clone(), beneficiary: CHARLIE },
            Event::Called { caller: crate::Origin::Root, contract },
        ];
        assert_eq!(events(), expected);
    });
}

fn account_of(script: &mut Script, getter: &str) -> AccountId {
    AccountId::decode(&mut &script.getter(getter)[..]).expect("an account")
}

fn balance_of(script: &mut Script) -> Balance {
    Balance::decode(&mut &script.getter("seal0.balance")[..]).expect("a balance")
}

#[test]
fn a_beneficiary_can_spend_what_it_got_in_the_same_transaction() {
    for root in [false, true] {
        let mut chain = Chain::new();
        let dying = chain.contract("mortal", mortal);
        let target = dying.clone();
        let heir = chain.contract("heir", move |script| {
            let own = account_of(script, "seal0.address");
            assert_eq!(balance_of(script), 0);
            assert_eq!(call_contract(script, &target, &own.encode(), Options::default()).0, 0);
            let got = balance_of(script);
            let to = encode_at(script, 64, &BOB);
            let value = encode_at(script, 128, &got);
            assert_eq!(script.call("seal0.transfer", &[to, 32, value, 16]), 0);
            assert_eq!(balance_of(script), 0);
        });
        chain.run(|| {
            call_with(&dying, 500, b"fill").expect("the call ends well");
            let (alice, deposit) = (free(&ALICE), held(&dying));
            let (to_alice, to_heir) = if root { (0, deposit) } else { (deposit, 0) };
            match root {
                true => assert_eq!(as_root(&heir, None, &[]), Ok(())),
                false => assert_eq!(call(&heir, &[]).map(|_| ()), Ok(())),
            }
            assert_eq!(free(&BOB), WEALTH + ED + 500 + to_heir, "root: {root}");
            assert_eq!(free(&ALICE), alice + to_alice, "root: {root}");
            assert_eq!(free(&heir), ED, "root: {root}");
        });
    }
}

/// Makes the contract "mortal" with a value, without input and salt, and returns the answer.
fn make_mortal(script: &mut Script, value: Balance) -> i64 {
    let hash = encode_at(script, 64, &hash_of(b"mortal"));
    let value = encode_at(script, 128, &value);
    let none = u64::from(SENTINEL);
    script.call("seal2.instantiate", &[hash, 0, 0, none, value, 256, 0, none, none, none, none, 300, 0])
}

#[test]
fn a_contract_made_again_in_the_same_transaction_starts_with_its_own_money_only() {
    let mut chain = Chain::new();
    let code = chain.program("mortal", on_call(mortal));
    let parent = chain.contract("parent", |script| {
        let own = account_of(script, "seal0.address");
        let child = contract_address::<Test>(&own, &hash_of(b"mortal"), &[], &[]).expect("an account");
        match &script.getter("seal0.input")[..] {
            b"make" => assert_eq!(make_mortal(script, 70), 0),
            _ => {
                // What this stores is never held, since the contract ends before the transaction does.
                assert_eq!(call_contract(script, &child, b"fill", Options::default()).0, 0);
                assert_eq!(call_contract(script, &child, &CHARLIE.encode(), Options::default()).0, 0);
                assert_eq!(make_mortal(script, 11), 0);
                assert_eq!(call_contract(script, &child, b"fill", Options::default()).0, 0);
            }
        }
    });
    chain.run(|| {
        upload(code);
        call_with(&parent, 81, b"make").expect("the call ends well");
        let child = contract_address::<Test>(&parent, &hash_of(b"mortal"), &[], &[]).expect("an account");
        let (base, alice) = (held(&child), free(&ALICE));
        let full = base + 1_000 * PER_BYTE + PER_ITEM;
        let dry = Contracts::dry_call(ALICE, parent, 0, Some(gas(GAS)), None, b"again".to_vec());
        assert_eq!(dry.result.map(|_| ()), Ok(()));
        assert_eq!(free(&CHARLIE), WEALTH + ED + 70);
        assert_eq!(free(&child), ED + 11);
        assert_eq!((held(&child), info(&child).total_deposit()), (full, full));
        // The existential deposit of the new contract is the origin's, as of any other.
        assert_eq!(free(&ALICE), alice - (full - base) - ED);
        assert_eq!(dry.storage_deposit, StorageDeposit::Charge(full - base + ED));
        assert_eq!(System::consumers(&child), 2);
    });
}

#[test]
fn an_end_that_is_undone_pays_nobody() {
    let mut chain = Chain::new();
    let dying = chain.contract("mortal", mortal);
    let target = dying.clone();
    let fickle = chain.contract("fickle", move |script| {
        assert_eq!(call_contract(script, &target, &CHARLIE.encode(), Options::default()).0, 0);
        script.finish_with(1, &[]);
    });
    let caller = chain.contract("caller", move |script| {
        assert_eq!(simple_call(script, &fickle).0, 2);
    });
    chain.run(|| {
        let before = (free(&ALICE), free(&CHARLIE), free(&dying), held(&dying), System::consumers(&dying));
        let dry = Contracts::dry_call(ALICE, caller, 0, Some(gas(GAS)), None, vec![]);
        assert_eq!((dry.result.map(|_| ()), dry.storage_deposit), (Ok(()), StorageDeposit::Charge(0)));
        assert_eq!(before, (free(&ALICE), free(&CHARLIE), free(&dying), held(&dying), System::consumers(&dying)));
        assert_eq!(info(&dying).total_deposit(), held(&dying));
    });
}

/// One step of the table below: who, what, and which part of the deposit for 100 bytes moves to whom.
struct Step(Option<AccountId>, &'static [(u8, u16)], StorageDeposit<Balance>);

#[test]
fn what_root_stores_and_clears_counts_and_moves_no_deposit() {
    use StorageDeposit::{Charge, Refund};
    let (alice, root) = (|| Some(ALICE), None);
    let one = 100 * PER_BYTE + PER_ITEM;
    let cases: [(&str, &[Step]); 4] = [
        (
            "who clears what Root stored gets a share of what was paid, not more than is held",
            &[
                Step(alice(), &[(1, 100)], Charge(one)),
                Step(root.clone(), &[(2, 100)], Charge(0)),
                Step(alice(), &[(2, CLEAR)], Refund(one / 2)),
                Step(alice(), &[(1, CLEAR)], Refund(one / 2)),
            ],
        ),
        (
            "nobody paid, nobody is paid back",
            &[Step(root.clone(), &[(1, 100)], Charge(0)), Step(alice(), &[(1, CLEAR)], Charge(0))],
        ),
        (
            "what Root cleared is paid back with the rest",
            &[
                Step(alice(), &[(1, 100), (2, 100)], Charge(2 * one)),
                Step(root.clone(), &[(1, CLEAR)], Charge(0)),
                Step(alice(), &[(2, CLEAR)], Refund(2 * one)),
            ],
        ),
        (
            "what Root cleared to the last is paid back when something else is cleared",
            &[
                Step(alice(), &[(1, 100)], Charge(one)),
                Step(root, &[(1, CLEAR)], Charge(0)),
                Step(alice(), &[(1, 100)], Charge(one)),
                Step(alice(), &[(1, CLEAR)], Refund(2 * one)),
            ],
        ),
    ];
    for (name, steps_) in cases {
        let mut chain = Chain::new();
        let contract = keeper(&mut chain);
        chain.run(|| {
            for Step(origin, changes, moved) in steps_ {
                match origin {
                    Some(account) => assert_eq!(change(account.clone(), &contract, changes), *moved, "{name}"),
                    None => assert_eq!(as_root(&contract, None, &steps(changes)), Ok(()), "{name}"),
                }
                assert_eq!(held(&contract), info(&contract).total_deposit(), "{name}");
            }
            assert_eq!((info(&contract).storage_bytes, info(&contract).storage_items), (0, 0), "{name}");
            assert_eq!(held(&contract), info(&contract).storage_base_deposit, "{name}");
        });
    }
}

#[test]
fn root_is_held_to_the_limit_as_others_are() {
    let mut chain = Chain::new();
    let contract = keeper(&mut chain);
    chain.run(|| {
        let cost = 10 * PER_BYTE + PER_ITEM;
        let exhausted = Err(error(Error::StorageDepositLimitExhausted));
        assert_eq!(as_root(&contract, Some(cost - 1), &steps(&[(1, 10)])), exhausted);
        assert_eq!(as_root(&contract, Some(cost), &steps(&[(1, 10)])), Ok(()));
    });
}

#[test]
fn new_code_under_root_leaves_the_base_deposit_as_it_is_held() {
    let mut chain = Chain::new();
    let long = chain.program("a much longer name and so much longer code", |_| ());
    let contract = chain.contract("old", |script| {
        script.put(64, hash_of(b"a much longer name and so much longer code").as_bytes());
        assert_eq!(script.call("seal0.set_code_hash", &[64]), 0);
    });
    chain.run(|| {
        upload(long);
        let base = held(&contract);
        assert_eq!(as_root(&contract, None, &[]), Ok(()));
        assert_eq!((held(&contract), info(&contract).storage_base_deposit), (base, base));
        assert_ne!(info(&contract).code_hash, hash_of(b"old"));
    });
}
