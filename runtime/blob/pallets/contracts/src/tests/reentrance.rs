//! What is held for a contract is what its record says, and the record counts what is stored, however frames nest.

use std::sync::{Arc, Mutex};

use codec::{Decode, Encode};
use frame_support::traits::fungible::InspectHold;
use sp_guest_vm::TrapClass;

use super::{
    calls::*,
    runtime::*,
    scripts::{Script, OUT},
};
use crate::{
    seal::SENTINEL,
    storage::{value_len, Key},
    HoldReason, StorageDeposit,
};

/// What a contract does, as its input says.
#[derive(Clone, Debug, Encode, Decode)]
enum Act {
    Store {
        key: u8,
        len: u16,
    },
    Clear(u8),
    Take(u8),
    /// Calls one of the contracts, which may be the running one.
    Call {
        contract: u8,
        flags: u8,
        acts: Vec<Act>,
    },
    /// Runs the same code on the own storage once more.
    Delegate(Vec<Act>),
    /// Ends with a revert.
    Revert,
    Trap,
}

type Addresses = Arc<Mutex<Vec<AccountId>>>;

fn perform(script: &mut Script, contracts: &Addresses, act: &Act) {
    match act {
        Act::Store { key, len } => {
            script.put(64, &[*key]);
            script.call("seal2.set_storage", &[64, 1, OUT.into(), (*len).into()]);
        }
        Act::Clear(key) => {
            script.put(64, &[*key]);
            script.call("seal1.clear_storage", &[64, 1]);
        }
        Act::Take(key) => {
            script.put(64, &[*key]);
            script.output("seal0.take_storage", &[64, 1]);
        }
        Act::Call { contract, flags, acts } => {
            let callee = contracts.lock().expect("unlocked")[*contract as usize].clone();
            call_contract(script, &callee, &acts.encode(), Options { flags: (*flags).into(), ..Options::default() });
        }
        Act::Delegate(acts) => {
            let input = acts.encode();
            script.put(64, hash_of(b"actor").as_bytes());
            script.put(256, &input);
            script.output("seal0.delegate_call", &[0, 64, 256, input.len() as u64]);
        }
        Act::Revert => script.finish_with(1, &[]),
        Act::Trap => script.trap(TrapClass::Unreachable),
    }
}

/// So many contracts that do what they are told.
fn actors(chain: &mut Chain, count: u8) -> Vec<AccountId> {
    let contracts = Addresses::default();
    let known = contracts.clone();
    let code = chain.program(
        "actor",
        on_call(move |script| {
            let input = script.getter("seal0.input");
            let acts = Vec::<Act>::decode(&mut &input[..]).expect("tests encode acts");
            acts.iter().for_each(|act| perform(script, &known, act));
        }),
    );
    let made: Vec<_> =
        (0..count).map(|salt| chain.run(|| make(code.clone(), vec![salt]).expect("it is made"))).collect();
    contracts.lock().expect("unlocked").extend(made.clone());
    made
}

const KEYS: u8 = 4;

/// Bytes and items that are stored, counted one by one.
fn stored(contract: &AccountId) -> (u32, u32) {
    let trie = info(contract).child_info();
    let lens = (0..KEYS).filter_map(|key| value_len(&trie, &Key::var(vec![key]).expect("short")));
    lens.fold((0, 0), |(bytes, items), len| (bytes + len, items + 1))
}

/// Compares deposit, record and storage of a contract. A refund is rounded down, so that each of `acts` may leave a unit.
fn check(contract: &AccountId, acts: usize, what: &dyn std::fmt::Debug) {
    let record = info(contract);
    let (bytes, items) = stored(contract);
    assert_eq!((record.storage_bytes, record.storage_items), (bytes, items), "{what:?}");
    let held = Balances::balance_on_hold(&HoldReason::StorageDepositReserve.into(), contract);
    assert_eq!(held, record.total_deposit(), "{what:?}");
    let flat = Balance::from(bytes) * PER_BYTE + Balance::from(items) * PER_ITEM;
    let dust = held - record.storage_base_deposit - flat;
    assert!(dust <= 2 * acts as Balance, "{dust} units too many: {what:?}");
}

/// Calls the first contract as Alice; what she pays is what she is told.
fn act(contract: &AccountId, acts: &[Act]) -> bool {
    let before = free(&ALICE);
    let dry = Contracts::dry_call(ALICE, contract.clone(), 0, Some(gas(GAS)), None, acts.encode());
    let after = match dry.storage_deposit {
        StorageDeposit::Charge(amount) => before - amount,
        StorageDeposit::Refund(amount) => before + amount,
    };
    assert_eq!(free(&ALICE), after, "{acts:?}");
    dry.result.is_ok_and(|output| !output.did_revert())
}

/// A generator of numbers that looks random enough and is the same everywhere.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }

    fn acts(&mut self, depth: u32) -> Vec<Act> {
        (0..1 + self.below(4)).map(|_| self.act(depth)).collect()
    }

    fn act(&mut self, depth: u32) -> Act {
        let key = self.below(KEYS.into()) as u8;
        match self.below(if depth == 0 { 6 } else { 14 }) {
            // Long enough that a record which is off by one value is off by more than rounding.
            0..=2 => Act::Store { key, len: 256 * self.below(5) as u16 },
            3 | 4 => Act::Clear(key),
            5 => Act::Take(key),
            6..=10 => {
                let flags = if self.below(8) == 0 { 0 } else { ALLOW_REENTRY as u8 };
                Act::Call { contract: self.below(3) as u8, flags, acts: self.acts(depth - 1) }
            }
            11 | 12 => Act::Delegate(self.acts(depth - 1)),
            _ if self.below(2) == 0 => Act::Revert,
            _ => Act::Trap,
        }
    }
}

#[test]
fn records_count_what_is_stored_however_frames_nest() {
    let mut chain = Chain::new();
    let contracts = actors(&mut chain, 3);
    let mut numbers = Numbers(1);
    let mut good = 0;
    chain.run(|| {
        for round in 0..150 {
            let acts = numbers.acts(4);
            good += usize::from(act(&contracts[0], &acts));
            contracts.iter().for_each(|contract| check(contract, 8 * (round + 1), &acts));
        }
    });
    // Enough of them end well for the others not to be the whole test.
    assert!(good > 40, "{good} of 150");
}

#[test]
fn what_an_outer_frame_stored_is_in_the_record_of_the_inner_one() {
    let store = |key, len| Act::Store { key, len };
    let again = |acts| Act::Call { contract: 0, flags: ALLOW_REENTRY as u8, acts };
    let around = |acts| Act::Call { contract: 1, flags: ALLOW_REENTRY as u8, acts };
    let cases = [
        ("the inner frame clears it", vec![store(0, 500), again(vec![Act::Clear(0)])]),
        ("a frame around a foreign one clears it", vec![store(0, 500), around(vec![again(vec![Act::Take(0)])])]),
        ("delegated code clears it", vec![store(0, 500), Act::Delegate(vec![Act::Clear(0)])]),
        ("it is stored again", vec![store(0, 500), again(vec![Act::Clear(0)]), store(0, 500), Act::Clear(0)]),
        (
            "the frame between reverts, and what the outer one stored stays counted",
            vec![store(0, 500), around(vec![again(vec![Act::Clear(0)]), Act::Revert]), Act::Clear(0)],
        ),
    ];
    for (name, acts) in cases {
        let mut chain = Chain::new();
        let contracts = actors(&mut chain, 2);
        chain.run(|| {
            let base = info(&contracts[0]).storage_base_deposit;
            assert!(act(&contracts[0], &acts), "{name}");
            check(&contracts[0], 0, &name);
            assert_eq!(info(&contracts[0]).total_deposit(), base, "{name}");
        });
    }
}

#[test]
fn a_constructor_that_calls_its_deployer_meets_its_record_up_to_date() {
    let mut chain = Chain::new();
    let child = chain.program("child", |script| {
        if script.entry == sp_guest_vm::Entry::Deploy {
            let deployer = script.getter("seal0.caller");
            let deployer = AccountId::decode(&mut &deployer[..]).expect("an account");
            assert_eq!(call_contract(script, &deployer, b"clear", Options::default()).0, 0);
        }
    });
    let parent = chain.contract("parent", |script| {
        if script.getter("seal0.input") == b"clear" {
            script.put(64, &[0]);
            script.call("seal1.clear_storage", &[64, 1]);
            return;
        }
        script.put(64, &[0]);
        script.call("seal2.set_storage", &[64, 1, OUT.into(), 500]);
        let hash = encode_at(script, 64, &hash_of(b"child"));
        let value = encode_at(script, 128, &0u128);
        let none = u64::from(SENTINEL);
        let args = [hash, 0, 0, none, value, 256, 0, none, none, none, none, 300, 0];
        assert_eq!(script.call("seal2.instantiate", &args), 0);
    });
    chain.run(|| {
        upload(child);
        assert!(act(&parent, &[]));
        check(&parent, 0, &"after the constructor");
        assert_eq!(stored(&parent), (0, 0));
    });
}
