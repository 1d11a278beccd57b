//! Making and ending contracts.

use codec::Encode;
use frame_support::{
    assert_ok,
    traits::{fungible::Inspect, Hooks},
    weights::Weight,
};
use sp_guest_vm::Entry;
use sp_runtime::DispatchError;

use super::{
    calls::*,
    runtime::*,
    scripts::{Script, LEN, OUT, ROOM},
    storage::hex,
};
use crate::{
    address::contract_address, costs, seal::SENTINEL, CodeInfoOf, ContractInfoOf, DeletionQueue, Error, Event, Nonce,
};

#[test]
fn an_address_follows_from_deployer_code_input_and_salt() {
    let deployer = AccountId::new([1; 32]);
    let code = sp_core::H256::repeat_byte(2);
    let address = |input: &str, salt: &str| {
        let address = contract_address::<Test>(&deployer, &code, &hex(input), &hex(salt));
        <AccountId as AsRef<[u8]>>::as_ref(&address.expect("any hash is an account")).to_vec()
    };
    let first = "9871399539a41f59382f5634827fe84347093f9df60195296e0c68492a74f09e";
    let second = "be27a05902233922cd3e91f48a22f7e1b8db103c1ccadf291804f93a4d0d3705";
    assert_eq!(address("9bae9d5e01", ""), hex(first));
    assert_eq!(address("ed4b9d1b", "00000000"), hex(second));
    assert_ne!(address("ed4b9d1b", "00000000"), address("ed4b9d1b00", "000000"));
}

#[test]
fn the_same_contract_can_be_made_once_and_again_with_other_salt() {
    let mut chain = Chain::new();
    let code = chain.program("twin", |_| ());
    chain.run(|| {
        let first = make(code.clone(), vec![]).expect("the contract is made");
        assert_eq!(Nonce::<Test>::get(), 1);
        assert_eq!(make(code.clone(), vec![]), Err(error(Error::DuplicateContract)));
        assert_eq!(Nonce::<Test>::get(), 1);
        let second = make(code, vec![1]).expect("the contract is made");
        assert_ne!(first, second);
        assert_ne!(info(&first).trie_id, info(&second).trie_id);
        assert_eq!(Nonce::<Test>::get(), 2);
        assert_eq!(CodeInfoOf::<Test>::get(hash_of(b"twin")).map(|info| info.refcount()), Some(2));
    });
}

#[test]
fn making_a_contract_tells_who_and_where_and_what_it_cost() {
    let mut chain = Chain::new();
    let code = chain.program("new", |script| {
        if script.entry == Entry::Deploy {
            let input = script.getter("seal0.input");
            script.finish_with(0, &input);
        }
    });
    chain.run(|| {
        let dry = Contracts::dry_instantiate(ALICE, 70, None, None, crate::Code::Upload(code), b"in".to_vec(), vec![]);
        let made = dry.result.expect("the contract is made");
        let contract = made.account_id;
        assert_eq!(made.result.data, b"in");
        assert_eq!(free(&contract), ED + 70);
        let (upload, base) = (events()[0].clone(), info(&contract).storage_base_deposit);
        let Event::CodeStored { deposit_held, uploader: ALICE, .. } = upload else { panic!("{upload:?}") };
        assert_eq!(dry.storage_deposit, crate::StorageDeposit::Charge(deposit_held + ED + base));
        let rest = [
            Event::Instantiated { deployer: ALICE, contract: contract.clone() },
            Event::StorageDepositTransferredAndHeld { from: ALICE, to: contract.clone(), amount: base },
        ];
        assert_eq!(events()[1..], rest);
        assert_eq!(free(&ALICE), WEALTH - 70 - deposit_held - ED - base);
        assert_eq!(System::consumers(&contract), 2);
    });
}

#[test]
fn a_failed_or_reverted_constructor_leaves_no_contract() {
    for flags in [1, 2] {
        let mut chain = Chain::new();
        let code = chain.program("stillborn", move |script| script.finish_with(flags, &[]));
        chain.run(|| {
            let dry = Contracts::dry_instantiate(ALICE, 70, None, None, crate::Code::Upload(code), vec![], vec![]);
            assert_eq!(dry.result.is_ok(), flags == 1);
            assert_eq!(ContractInfoOf::<Test>::iter().count(), 0);
            assert_eq!(Nonce::<Test>::get(), 0);
            assert_eq!(CodeInfoOf::<Test>::get(hash_of(b"stillborn")).map(|info| info.refcount()), Some(0));
        });
    }
}

#[test]
fn root_cannot_make_a_contract() {
    let mut chain = Chain::new();
    let code = chain.program("new", |_| ());
    chain.run(|| {
        let hash = upload(code);
        let result = Contracts::instantiate(RuntimeOrigin::root(), 0, gas(GAS), None, hash, vec![], vec![]);
        assert_eq!(result.expect_err("it fails").error, DispatchError::BadOrigin);
    });
}

/// Makes a contract through seal2.instantiate; returns the code, and address and output if they were written.
fn instantiate(script: &mut Script, code: &[u8], value: Balance, salt: &[u8]) -> (i64, Vec<u8>, Vec<u8>) {
    let hash = encode_at(script, 64, &hash_of(code));
    let value = encode_at(script, 128, &value);
    script.put(256, b"in");
    script.put(300, salt);
    script.put(500, &32u32.to_le_bytes());
    script.put(LEN, &ROOM.to_le_bytes());
    script.put(512, &[0; 32]);
    let none = SENTINEL.into();
    let args = [hash, 0, 0, none, value, 256, 2, 512, 500, OUT.into(), LEN.into(), 300, salt.len() as u64];
    let answer = script.call("seal2.instantiate", &args);
    let len = u32::from_le_bytes(script.get(LEN, 4).try_into().expect("four bytes"));
    (answer, script.get(512, 32), script.get(OUT, len % ROOM))
}

#[test]
fn a_contract_can_make_a_contract() {
    let mut chain = Chain::new();
    let child = chain.program("child", |script| {
        if script.entry == Entry::Deploy {
            let caller = script.getter("seal0.caller");
            script.finish_with(0, &caller);
        }
    });
    let parent = chain.contract("parent", |script| {
        let (code, address, output) = instantiate(script, b"child", 11, b"salt");
        script.finish_with(0, &(code, address, output).encode());
    });
    chain.run(|| {
        upload(child);
        let output = call_with(&parent, 11, &[]).expect("the call ends well");
        let address = contract_address::<Test>(&parent, &hash_of(b"child"), b"in", b"salt").expect("an account");
        assert_eq!(output.data, (0i64, address.encode(), parent.encode()).encode());
        assert_eq!(free(&address), ED + 11);
        assert_eq!(Nonce::<Test>::get(), 2);
        let deployed = Event::Instantiated { deployer: parent, contract: address };
        assert!(events().contains(&deployed));
    });
}

#[test]
fn an_address_is_made_once_even_while_its_constructor_runs() {
    let mut chain = Chain::new();
    let twin = chain.program("child", |script| {
        if script.entry == Entry::Deploy {
            let deployer = script.getter("seal0.caller");
            let deployer: AccountId = codec::Decode::decode(&mut &deployer[..]).expect("an account");
            // The deployer makes the same contract again, which traps it.
            assert_eq!(call_contract(script, &deployer, &[], Options::default()).0, 1);
        }
    });
    let parent = chain.contract("parent", |script| {
        assert_eq!(instantiate(script, b"child", 0, b"salt").0, 0);
    });
    chain.run(|| {
        upload(twin);
        assert_eq!(call_with(&parent, 0, &[]).map(|_| ()), Ok(()));
        assert_eq!(CodeInfoOf::<Test>::get(hash_of(b"child")).map(|info| info.refcount()), Some(1));
    });
}

#[test]
fn outcomes_of_nested_constructors_are_codes() {
    let with_child = |child: fn(&mut Script), value: Balance, code: &'static [u8]| {
        let mut chain = Chain::new();
        let program = chain.program("child", child);
        let parent = chain.contract("parent", move |script| {
            let (code, address, output) = instantiate(script, code, value, &[]);
            script.finish_with(0, &(code, address == vec![0; 32], output).encode());
        });
        chain.run(|| {
            upload(program);
            (data_of_call(&parent, &[]), Nonce::<Test>::get())
        })
    };
    let nothing = Vec::<u8>::new();
    assert_eq!(
        with_child(|script| script.finish_with(1, b"no"), 0, b"child"),
        ((2i64, true, b"no").encode_with_len(), 1)
    );
    assert_eq!(with_child(|script| script.finish_with(2, b"no"), 0, b"child"), ((1i64, true, &nothing).encode(), 1));
    assert_eq!(with_child(|_| (), 1, b"child"), ((5i64, true, &nothing).encode(), 1));
    assert_eq!(with_child(|_| (), 0, b"other"), ((7i64, true, &nothing).encode(), 1));
}

trait EncodeWithLen {
    fn encode_with_len(&self) -> Vec<u8>;
}

impl EncodeWithLen for (i64, bool, &[u8; 2]) {
    fn encode_with_len(&self) -> Vec<u8> {
        (self.0, self.1, self.2.to_vec()).encode()
    }
}

#[test]
fn a_contract_under_construction_cannot_be_called_and_is_none() {
    let mut chain = Chain::new();
    let code = chain.program("young", |script| {
        let own = script.getter("seal0.address");
        let own: AccountId = codec::Decode::decode(&mut &own[..]).expect("an account");
        let options = Options { flags: ALLOW_REENTRY, ..Options::default() };
        assert_eq!(call_contract(script, &own, &[], options).0, 8);
        let at = encode_at(script, 64, &own);
        assert_eq!(script.call("seal0.is_contract", &[at]), 0);
        assert_eq!(script.getter("seal0.own_code_hash"), hash_of(b"young").as_bytes());
    });
    chain.run(|| assert_eq!(make(code, vec![]).map(|_| ()), Ok(())));
}

#[test]
fn terminate_ends_the_contract_and_pays_everybody_back() {
    let mut chain = Chain::new();
    let contract = chain.contract("mortal", |script| {
        if script.getter("seal0.input") == b"fill" {
            script.call("seal2.set_storage", &[64, 4, OUT.into(), 1_000]);
            return;
        }
        let to = encode_at(script, 64, &CHARLIE);
        script.call("seal1.terminate", &[to]);
        unreachable!("terminate does not return");
    });
    chain.run(|| {
        call_with(&contract, 500, b"fill").expect("the call ends well");
        let held = info(&contract).total_deposit();
        let trie = info(&contract).trie_id;
        let (alice, charlie) = (free(&ALICE), free(&CHARLIE));
        System::reset_events();
        let dry = Contracts::dry_call(ALICE, contract.clone(), 0, None, None, vec![]);
        assert_eq!(dry.result, Ok(Default::default()));
        assert_eq!(dry.storage_deposit, crate::StorageDeposit::Refund(held));
        assert_eq!(free(&ALICE), alice + held);
        assert_eq!(free(&CHARLIE), charlie + ED + 500);
        assert_eq!(Balances::total_balance(&contract), 0);
        assert!(!System::account_exists(&contract));
        assert_eq!(ContractInfoOf::<Test>::get(&contract), None);
        assert_eq!(CodeInfoOf::<Test>::get(hash_of(b"mortal")).map(|info| info.refcount()), Some(0));
        assert_eq!(DeletionQueue::<Test>::get(0), Some(trie));
        let expected = [
            Event::StorageDepositTransferredAndReleased { from: contract.clone(), to: ALICE, amount: held },
            Event::Terminated { contract: contract.clone(), beneficiary: CHARLIE },
            Event::Called { caller: crate::Origin::Signed(ALICE), contract: contract.clone() },
        ];
        assert_eq!(events(), expected);
        assert_eq!(call(&contract, &[]), Err(error(Error::ContractNotFound)));
    });
}

#[test]
fn a_contract_that_is_made_again_starts_with_empty_storage() {
    let mut chain = Chain::new();
    let body = |script: &mut Script| {
        if script.entry == Entry::Deploy {
            assert_eq!(script.call("seal1.contains_storage", &[64, 1]), i64::from(SENTINEL));
            script.call("seal2.set_storage", &[64, 1, OUT.into(), 3]);
            return;
        }
        let to = encode_at(script, 64, &BOB);
        script.call("seal0.terminate", &[to, 32]);
    };
    let code = chain.program("phoenix", body);
    chain.run(|| {
        let first = make(code.clone(), vec![]).expect("the contract is made");
        assert_ok!(call(&first, &[]));
        assert_eq!(make(code, vec![]), Ok(first));
    });
}

#[test]
fn terminate_is_refused_while_reentrant_and_in_constructors() {
    let mut chain = Chain::new();
    let reentrant = chain.contract("reentrant", |script| {
        let own = script.getter("seal0.address");
        let own: AccountId = codec::Decode::decode(&mut &own[..]).expect("an account");
        if script.getter("seal0.input") == b"end" {
            script.call("seal1.terminate", &[64]);
        }
        let options = Options { flags: ALLOW_REENTRY, ..Options::default() };
        let (code, _) = call_contract(script, &own, b"end", options);
        script.finish_with(0, &code.encode());
    });
    let code = chain.program("suicidal", |script| {
        script.put(64, &[2; 32]);
        script.call("seal1.terminate", &[64]);
    });
    chain.run(|| {
        let dry = Contracts::dry_call(ALICE, reentrant.clone(), 0, None, None, vec![]);
        assert_eq!(dry.result.map(|output| output.data), Ok(1i64.encode()));
        assert_eq!(dry.debug_message, b"seal1.terminate failed: TerminatedWhileReentrant\n");
        assert_eq!(make(code, vec![]), Err(error(Error::TerminatedInConstructor)));
        assert_eq!(DeletionQueue::<Test>::iter().count(), 0);
    });
}

#[test]
fn dead_storage_is_deleted_in_idle_time_within_the_weight() {
    let mut chain = Chain::new();
    let body = |script: &mut Script| {
        if script.getter("seal0.input") == b"end" {
            script.put(64, &[2; 32]);
            script.call("seal1.terminate", &[64]);
        }
        for key in 0..10u8 {
            script.put(64, &[key]);
            script.call("seal2.set_storage", &[64, 1, OUT.into(), 1]);
        }
    };
    let contracts: Vec<_> = ["one", "two"].map(|name| chain.contract(name, body)).into();
    let tries: Vec<_> = chain.run(|| {
        contracts.iter().for_each(|contract| assert_eq!(data_of_call(contract, &[]), b""));
        contracts.iter().map(|contract| info(contract).child_info()).collect()
    });
    chain.commit();
    chain.run(|| contracts.iter().for_each(|contract| assert_eq!(data_of_call(contract, b"end"), b"")));
    chain.commit();
    let left = |tries: &[sp_core::storage::ChildInfo]| -> Vec<usize> {
        let count = |trie: &sp_core::storage::ChildInfo| {
            let key = |key: u8| crate::storage::Key::var(vec![key]).expect("short").trie_key();
            (0..10).filter(|index| frame_support::storage::child::exists(trie, &key(*index))).count()
        };
        tries.iter().map(count).collect()
    };
    let idle = |chain: &mut Chain, keys: u64, looks: u64| {
        let limit = costs::DELETION_QUEUE * looks + costs::DELETE_KEY * keys;
        let used = chain.run(|| Contracts::on_idle(2, Weight::from_parts(limit, 0)));
        assert!(used.ref_time() <= limit);
        chain.commit();
        used.ref_time()
    };
    assert_eq!(idle(&mut chain, 0, 1), 0);
    idle(&mut chain, 4, 1);
    assert_eq!(chain.run(|| left(&tries)), [6, 10]);
    idle(&mut chain, 8, 2);
    assert_eq!(chain.run(|| left(&tries)), [0, 8]);
    assert_eq!(idle(&mut chain, 100, 100), costs::DELETION_QUEUE * 2 + costs::DELETE_KEY * 8);
    assert_eq!(chain.run(|| left(&tries)), [0, 0]);
    assert_eq!(chain.run(|| DeletionQueue::<Test>::iter().count()), 0);
    assert_eq!(idle(&mut chain, 100, 100), costs::DELETION_QUEUE);
}
