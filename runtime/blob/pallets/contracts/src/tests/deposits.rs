//! Who pays for storage, how much, and when.

use codec::MaxEncodedLen;
use frame_support::traits::fungible::{Inspect, InspectHold};
use sp_runtime::Perbill;

use super::{
    calls::*,
    runtime::*,
    scripts::{Script, OUT},
};
use crate::{
    storage::ContractInfo,
    CodeInfo, Error, Event, HoldReason,
    StorageDeposit::{self, Charge, Refund},
};

/// Bytes of a contract's record: names, counts, three deposits, an empty list.
const RECORD: Balance = 1 + 32 + 32 + 4 + 4 + 3 * 16 + 1;

/// A contract that stores as its input says: a key and a length, or no length to clear.
pub fn keeper(chain: &mut Chain) -> AccountId {
    chain.contract("keeper", |script| {
        let input = script.getter("seal0.input");
        for step in input.chunks(3) {
            let len = u16::from_le_bytes([step[1], step[2]]);
            script.put(64, &step[..1]);
            match len {
                u16::MAX => script.call("seal1.clear_storage", &[64, 1]),
                len => script.call("seal2.set_storage", &[64, 1, OUT.into(), len.into()]),
            };
        }
    })
}

pub const CLEAR: u16 = u16::MAX;

pub fn steps(steps: &[(u8, u16)]) -> Vec<u8> {
    steps.iter().flat_map(|(key, len)| [*key, len.to_le_bytes()[0], len.to_le_bytes()[1]]).collect()
}

pub fn change(origin: AccountId, contract: &AccountId, changes: &[(u8, u16)]) -> StorageDeposit<Balance> {
    let dry = Contracts::dry_call(origin, contract.clone(), 0, None, None, steps(changes));
    dry.result.expect("the call ends well");
    dry.storage_deposit
}

fn held(account: &AccountId) -> Balance {
    Balances::balance_on_hold(&HoldReason::StorageDepositReserve.into(), account)
}

#[test]
fn values_cost_their_bytes_and_an_item_and_keys_cost_nothing() {
    let mut chain = Chain::new();
    let contract = keeper(&mut chain);
    chain.run(|| {
        let base = info(&contract).storage_base_deposit;
        assert_eq!(change(ALICE, &contract, &[(1, 10)]), Charge(10 * PER_BYTE + PER_ITEM));
        assert_eq!(change(ALICE, &contract, &[(1, 10)]), Charge(0));
        assert_eq!(change(ALICE, &contract, &[(1, 15)]), Charge(5 * PER_BYTE));
        assert_eq!(change(ALICE, &contract, &[(2, 0)]), Charge(PER_ITEM));
        // Two thirds of the deposit, rounded down; the rest comes back with the last byte.
        assert_eq!(change(ALICE, &contract, &[(1, 5)]), Refund(10 * PER_BYTE - 1));
        assert_eq!(change(ALICE, &contract, &[(1, CLEAR), (3, 7)]), Charge(2 * PER_BYTE));
        assert_eq!(
            change(ALICE, &contract, &[(2, CLEAR), (2, CLEAR), (3, CLEAR)]),
            Refund(7 * PER_BYTE + 1 + 2 * PER_ITEM)
        );
        assert_eq!(info(&contract).total_deposit(), base);
        assert_eq!(held(&contract), base);
    });
}

#[test]
fn the_base_deposit_covers_the_record_and_a_share_of_the_code() {
    let mut chain = Chain::new();
    let contract = keeper(&mut chain);
    chain.run(|| {
        // Account, deposit, count of users, determinism, length; compact numbers count with their full width.
        assert_eq!(CodeInfo::<Test>::max_encoded_len(), 32 + 16 + 8 + 1 + 4);
        assert_eq!(codec::Encode::encoded_size(&info(&contract)) as Balance, RECORD);
        let code = (6 + 61) * PER_BYTE + 2 * PER_ITEM;
        let share = Perbill::from_percent(30).mul_ceil(code);
        assert_eq!(info(&contract).storage_base_deposit, RECORD * PER_BYTE + PER_ITEM + share);
        assert!(ContractInfo::<Test>::max_encoded_len() > RECORD as usize);
    });
}

#[test]
fn a_refund_is_a_share_of_what_the_contract_paid_on_average() {
    let mut chain = Chain::new();
    let contract = keeper(&mut chain);
    chain.run(|| {
        change(ALICE, &contract, &[(1, 100)]);
        DepositPerByte::set(10 * PER_BYTE);
        change(ALICE, &contract, &[(2, 100)]);
        assert_eq!(info(&contract).storage_byte_deposit, 100 * PER_BYTE + 1_000 * PER_BYTE);
        // Half of the bytes bring half of the deposit, whichever half it is.
        assert_eq!(change(ALICE, &contract, &[(1, 0)]), Refund(550 * PER_BYTE));
        assert_eq!(change(ALICE, &contract, &[(2, 0)]), Refund(550 * PER_BYTE));
    });
}

#[test]
fn the_origin_pays_and_the_origin_that_clears_gets_the_refund() {
    let mut chain = Chain::new();
    let contract = keeper(&mut chain);
    chain.run(|| {
        let base = info(&contract).storage_base_deposit;
        let cost = 10 * PER_BYTE + PER_ITEM;
        System::reset_events();
        change(BOB, &contract, &[(1, 10)]);
        assert_eq!((free(&BOB), held(&contract)), (WEALTH - cost, base + cost));
        change(CHARLIE, &contract, &[(1, CLEAR)]);
        assert_eq!((free(&CHARLIE), held(&contract)), (WEALTH + cost, base));
        let moved: Vec<_> = events().into_iter().filter(|event| !matches!(event, Event::Called { .. })).collect();
        let expected = [
            Event::StorageDepositTransferredAndHeld { from: BOB, to: contract.clone(), amount: cost },
            Event::StorageDepositTransferredAndReleased { from: contract.clone(), to: CHARLIE, amount: cost },
        ];
        assert_eq!(moved, expected);
    });
}

#[test]
fn root_pays_nothing() {
    let mut chain = Chain::new();
    let contract = keeper(&mut chain);
    chain.run(|| {
        let before = held(&contract);
        let data = steps(&[(1, 10)]);
        Contracts::call(RuntimeOrigin::root(), contract.clone(), 0, gas(GAS), None, data).expect("the call ends well");
        assert_eq!(held(&contract), before);
        assert_eq!(info(&contract).storage_items, 1);
    });
}

fn limited(contract: &AccountId, limit: Balance, changes: &[(u8, u16)]) -> Result<(), sp_runtime::DispatchError> {
    let origin = RuntimeOrigin::signed(ALICE);
    let result = Contracts::call(origin, contract.clone(), 0, gas(GAS), Some(limit.into()), steps(changes));
    result.map(|_| ()).map_err(|failed| failed.error)
}

#[test]
fn the_limit_counts_when_the_outermost_frame_ends() {
    let mut chain = Chain::new();
    let contract = keeper(&mut chain);
    chain.run(|| {
        let cost = 10 * PER_BYTE + PER_ITEM;
        let exhausted = Err(error(Error::StorageDepositLimitExhausted));
        assert_eq!(limited(&contract, cost - 1, &[(1, 10)]), exhausted);
        assert_eq!(info(&contract).storage_items, 0);
        // More in between does not matter.
        assert_eq!(limited(&contract, cost, &[(1, 10), (2, 10), (2, CLEAR)]), Ok(()));
        assert_eq!(limited(&contract, 0, &[(1, 5)]), Ok(()));
    });
}

#[test]
fn a_limit_beyond_the_origins_means_is_refused_before_anything_runs() {
    let mut chain = Chain::new();
    let contract = chain.contract("never", |_| panic!("it must not run"));
    chain.run(|| {
        let spendable = free(&ALICE) - ED;
        let refused = Err(error(Error::StorageDepositNotEnoughFunds));
        assert_eq!(limited(&contract, spendable - ED + 1, &[]), refused);
        let dry = Contracts::dry_call(ALICE, contract.clone(), 0, None, Some(spendable - ED + 1), vec![]);
        assert_eq!(dry.result.map(|_| ()), refused);
        let dry = Contracts::dry_call(NOBODY, contract, 0, None, Some(1), vec![]);
        assert_eq!(dry.result.map(|_| ()), refused);
    });
}

#[test]
fn no_limit_is_what_the_origin_can_spare() {
    let mut chain = Chain::new();
    let contract = keeper(&mut chain);
    chain.run(|| {
        let poor = AccountId::new([7; 32]);
        let has = 3 * ED + 10 * PER_BYTE + PER_ITEM;
        Balances::force_set_balance(RuntimeOrigin::root(), poor.clone(), has).expect("root may");
        // What it can spend without ending, less another existential deposit and the value.
        let call = |value, len| {
            let dry = Contracts::dry_call(poor.clone(), contract.clone(), value, None, None, steps(&[(1, len)]));
            dry.result.map(|_| ())
        };
        assert_eq!(call(ED + 1, 10), Err(error(Error::StorageDepositLimitExhausted)));
        assert_eq!(call(ED, 10), Ok(()));
    });
}

/// A caller that passes a deposit limit on to a keeper, and what became of it.
fn nested(
    own: u16,
    callee: u16,
    limit: Option<Balance>,
    outer: Option<Balance>,
) -> Result<Balance, sp_runtime::DispatchError> {
    let mut chain = Chain::new();
    let keeper = keeper(&mut chain);
    let target = keeper.clone();
    let caller = chain.contract("caller", move |script: &mut Script| {
        if own > 0 {
            script.put(64, b"x");
            script.call("seal2.set_storage", &[64, 1, OUT.into(), own.into()]);
        }
        let options = Options { deposit: limit, ..Options::default() };
        assert_eq!(call_contract(script, &target, &steps(&[(1, callee)]), options).0, 0);
    });
    chain.run(|| {
        let dry = Contracts::dry_call(ALICE, caller, 0, None, outer, vec![]);
        dry.result.map(|_| info(&keeper).storage_bytes.into())
    })
}

#[test]
fn a_limit_for_one_callee_fails_the_caller_right_after_it() {
    let cost = 10 * PER_BYTE + PER_ITEM;
    let exhausted = Err(error(Error::StorageDepositLimitExhausted));
    assert_eq!(nested(0, 10, Some(cost), None), Ok(10));
    assert_eq!(nested(0, 10, Some(cost - 1), None), exhausted);
    // Nothing and zero stand for all that is left.
    assert_eq!(nested(0, 10, Some(0), None), Ok(10));
    assert_eq!(nested(0, 10, None, Some(cost)), Ok(10));
    assert_eq!(nested(0, 10, None, Some(cost - 1)), exhausted);
    // More than what is left is cut to that.
    assert_eq!(nested(0, 10, Some(10 * cost), Some(cost)), Ok(10));
    assert_eq!(nested(0, 10, Some(10 * cost), Some(cost - 1)), exhausted);
    assert_eq!(nested(5, 10, None, Some(cost)), exhausted);
}

#[test]
fn deposits_of_a_reverted_callee_are_forgotten() {
    let mut chain = Chain::new();
    let callee = chain.contract("callee", |script| {
        script.call("seal2.set_storage", &[64, 1, OUT.into(), 100]);
        script.finish_with(1, &[]);
    });
    let caller = chain.contract("caller", move |script| {
        assert_eq!(simple_call(script, &callee).0, 2);
    });
    chain.run(|| {
        let dry = Contracts::dry_call(ALICE, caller, 0, None, Some(0), vec![]);
        assert_eq!((dry.result.map(|_| ()), dry.storage_deposit), (Ok(()), Charge(0)));
    });
}

/// A contract that calls another one with these inputs, one after the other.
fn relay(chain: &mut Chain, target: &AccountId, inputs: [Vec<u8>; 2]) -> AccountId {
    let target = target.clone();
    chain.contract("relay", move |script| {
        for input in &inputs {
            assert_eq!(call_contract(script, &target, input, Options::default()).0, 0);
        }
    })
}

#[test]
fn what_one_frame_stores_and_the_next_clears_costs_nothing() {
    let mut chain = Chain::new();
    let keeper = keeper(&mut chain);
    let relay = relay(&mut chain, &keeper, [steps(&[(1, 2_000)]), steps(&[(1, CLEAR)])]);
    chain.run(|| {
        let (before, base) = (free(&ALICE), held(&keeper));
        // More than what is held, so that the refund cannot be paid from it.
        assert!(2_000 * PER_BYTE > base);
        let dry = Contracts::dry_call(ALICE, relay, 0, None, Some(0), vec![]);
        assert_eq!((dry.result.map(|_| ()), dry.storage_deposit), (Ok(()), Charge(0)));
        assert_eq!((free(&ALICE), held(&keeper)), (before, base));
        assert_eq!(info(&keeper).total_deposit(), base);
    });
}

#[test]
fn a_contract_may_end_in_the_transaction_in_which_it_stored() {
    let mut chain = Chain::new();
    let mortal = chain.contract("mortal", |script| {
        if script.getter("seal0.input") == b"fill" {
            script.call("seal2.set_storage", &[64, 1, OUT.into(), 2_000]);
            return;
        }
        let to = encode_at(script, 64, &CHARLIE);
        script.call("seal1.terminate", &[to]);
    });
    let relay = relay(&mut chain, &mortal, [b"fill".to_vec(), b"end".to_vec()]);
    chain.run(|| {
        let (before, base) = (free(&ALICE), held(&mortal));
        let dry = Contracts::dry_call(ALICE, relay, 0, None, Some(0), vec![]);
        assert_eq!((dry.result.map(|_| ()), dry.storage_deposit), (Ok(()), Refund(base)));
        assert_eq!((free(&ALICE), free(&CHARLIE)), (before + base, WEALTH + ED));
        assert_eq!(Balances::total_balance(&mortal), 0);
    });
}
