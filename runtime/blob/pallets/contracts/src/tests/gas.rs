//! Gas: what is charged, what is required, what comes back.

use codec::{Decode, Encode};
use sp_guest_vm::TrapClass;
use sp_runtime::DispatchError;

use super::{
    calls::*,
    runtime::*,
    scripts::{Script, OUT},
};
use crate::{
    costs,
    gas::{GasMeter, OutOfGas},
    Error,
};

#[test]
fn a_charge_takes_all_or_nothing() {
    let mut meter = GasMeter::new(10);
    assert!(meter.charge(4).is_ok());
    assert_eq!(meter.charge(7).err(), Some(OutOfGas));
    assert_eq!((meter.left(), meter.consumed(), meter.required()), (6, 4, 4));
    assert!(meter.charge(6).is_ok());
    assert_eq!((meter.left(), meter.required()), (0, 10));
}

#[test]
fn what_is_required_includes_what_was_given_back() {
    let mut meter = GasMeter::new(100);
    let charged = meter.charge(60).expect("it fits");
    meter.adjust(charged, 10);
    assert_eq!((meter.left(), meter.consumed(), meter.required()), (90, 10, 60));
    // An actual cost above the charge gives nothing back.
    let charged = meter.charge(5).expect("it fits");
    meter.adjust(charged, 50);
    assert_eq!((meter.left(), meter.required()), (85, 60));
}

#[test]
fn a_nested_meter_gets_all_or_a_part_and_gives_back_the_rest() {
    for (limit, expected) in [(0, 90), (50, 50), (1_000, 90)] {
        let mut meter = GasMeter::new(100);
        meter.charge(10).expect("it fits");
        let mut nested = meter.nested(limit);
        assert_eq!((nested.left(), meter.left()), (expected, 90 - expected));
        let charged = nested.charge(30).expect("it fits");
        nested.adjust(charged, 5);
        meter.absorb(nested);
        // A limit that is larger than what the callee needs is not required.
        assert_eq!((meter.left(), meter.consumed(), meter.required()), (85, 15, 40));
    }
}

#[test]
fn a_guest_never_raises_its_gas() {
    let mut meter = GasMeter::new(100);
    meter.set_left(40);
    meter.set_left(70);
    assert_eq!(meter.left(), 40);
    assert_eq!(GasMeter::new(u64::MAX).left(), 1 << 62);
}

type Outcome = Result<(), DispatchError>;

/// Submits a call with this gas limit; the outcome, and the weight that was used besides the extrinsic's own.
fn submit(contract: &AccountId, limit: u64) -> (Outcome, u64) {
    let result = Contracts::call(RuntimeOrigin::signed(ALICE), contract.clone(), 0, gas(limit), None, vec![]);
    let (outcome, info) = match result {
        Ok(info) => (Ok(()), info),
        Err(failed) => (Err(failed.error), failed.post_info),
    };
    let used = info.actual_weight.expect("the used weight is known") - costs::extrinsic_call();
    (outcome, used.ref_time())
}

/// Asserts that a contract succeeds with exactly the gas that a dry run says, and fails with one unit less.
fn assert_exact(chain: &mut Chain, contract: AccountId, fails_with: Error<Test>) {
    let in_scratch = |chain: &mut Chain, limit: u64| {
        chain.run(|| {
            frame_support::storage::with_transaction(|| {
                let outcome = submit(&contract, limit);
                sp_runtime::TransactionOutcome::Rollback(Ok::<_, DispatchError>(outcome))
            })
            .expect("the transaction is rolled back")
        })
    };
    let dry = chain.run(|| {
        frame_support::storage::with_transaction(|| {
            let dry = Contracts::dry_call(ALICE, contract.clone(), 0, None, None, vec![]);
            sp_runtime::TransactionOutcome::Rollback(Ok::<_, DispatchError>(dry))
        })
        .expect("the transaction is rolled back")
    });
    assert_eq!(dry.result.map(|_| ()), Ok(()));
    assert_eq!((dry.gas_required.proof_size(), dry.gas_consumed.proof_size()), (0, 0));
    let (required, consumed) = (dry.gas_required.ref_time(), dry.gas_consumed.ref_time());
    assert!(required >= consumed);
    assert_eq!(in_scratch(chain, required), (Ok(()), consumed));
    let (outcome, used) = in_scratch(chain, required - 1);
    assert_eq!(outcome, Err(fails_with.into()));
    assert!(used < required);
}

fn in_callee(callee: fn(&mut Script), options: Options) -> (Chain, AccountId) {
    let mut chain = Chain::new();
    let callee = chain.contract("callee", callee);
    let caller = chain.contract("caller", move |script| {
        script.burn(1_000);
        if call_contract(script, &callee, &[], options).0 != 0 {
            script.trap(TrapClass::Unreachable);
        }
    });
    (chain, caller)
}

fn burner(script: &mut Script) {
    script.burn(5_000_000);
}

fn storer(script: &mut Script) {
    script.call("seal2.set_storage", &[64, 1, OUT.into(), 3]);
    script.call("seal2.set_storage", &[64, 1, OUT.into(), 1]);
}

#[test]
fn a_call_succeeds_at_the_required_gas_and_fails_one_below() {
    for body in [burner, storer] {
        let mut chain = Chain::new();
        let contract = chain.contract("single", body);
        assert_exact(&mut chain, contract, Error::OutOfGas);
    }
    for gas in [0, 100_000_000, GAS] {
        let options = Options { gas, ..Options::default() };
        let (mut chain, caller) = in_callee(burner, options);
        assert_exact(&mut chain, caller, Error::ContractTrapped);
        let (mut chain, caller) = in_callee(storer, options);
        assert_exact(&mut chain, caller, Error::ContractTrapped);
    }
}

#[test]
fn a_contract_that_makes_a_contract_needs_exactly_the_required_gas() {
    let mut chain = Chain::new();
    let child = chain.program("child", storer);
    let parent = chain.contract("parent", |script| {
        script.put(64, hash_of(b"child").as_bytes());
        script.put(128, &[0; 16]);
        let sentinel = u64::from(crate::seal::SENTINEL);
        let args = [64, 0, 128, 256, 0, sentinel, 0, sentinel, 0, 256, 0];
        if script.call("seal1.instantiate", &args) != 0 {
            script.trap(TrapClass::Unreachable);
        }
    });
    chain.run(|| upload(child));
    assert_exact(&mut chain, parent, Error::ContractTrapped);
}

#[test]
fn a_trapped_callee_costs_what_it_used_and_not_what_it_was_given() {
    let used_by = |callee: fn(&mut Script)| {
        let mut chain = Chain::new();
        let callee = chain.contract("callee", callee);
        let caller = chain.contract("caller", move |script| {
            let before = script.gas();
            assert_eq!(simple_call(script, &callee).0, 1);
            let used = before - script.gas();
            script.finish_with(0, &used.encode());
        });
        chain.run(|| u64::decode(&mut &data_of_call(&caller, &[])[..]).expect("eight bytes"))
    };
    let trapping = used_by(|script| {
        script.burn(12_345);
        script.trap(TrapClass::Unreachable);
    });
    let invalid = used_by(|script| {
        script.burn(12_345);
        script.finish_with(2, &[]);
    });
    assert_eq!(invalid - trapping, costs::HOST_CALL);
    assert!(trapping < 200_000_000);
}

#[test]
fn a_gas_limit_for_a_callee_bounds_it_and_leaves_the_rest() {
    let data = |limit: u64| {
        let (mut chain, code) = (Chain::new(), 7u64);
        let callee = chain.contract("callee", burner);
        let caller = chain.contract("caller", move |script| {
            let (answer, _) = call_contract(script, &callee, &[], Options { gas: limit, ..Options::default() });
            script.finish_with(0, &(answer, code).encode());
        });
        chain.run(|| data_of_call(&caller, &[]))
    };
    assert_eq!(data(5_000_000), (0i64, 7u64).encode());
    assert_eq!(data(4_999_999), (1i64, 7u64).encode());
}

#[test]
fn gas_that_does_not_load_the_callee_fails_the_caller() {
    let mut chain = Chain::new();
    let callee = chain.contract("callee", |_| ());
    let caller = chain.contract("caller", move |script| {
        let callee = encode_at(script, 64, &callee);
        let value = encode_at(script, 128, &0u128);
        let import = costs::HOST_CALL + costs::CALL + costs::LOAD_CODE;
        script.burn(script.gas() - import);
        script.call("seal1.call", &[0, callee, 0, value, 256, 0, crate::seal::SENTINEL.into(), 0]);
    });
    chain.run(|| assert_eq!(call(&caller, &[]), Err(error(Error::OutOfGas))));
}

#[test]
fn initial_memory_is_paid_before_the_instance_is_made() {
    let mut chain = Chain::new();
    let contract = chain.contract("paged", |_| ());
    let used = |chain: &mut Chain, pages: u32, limit: u64| {
        let report = sp_guest_vm::Report { mem_min: pages, ..Default::default() };
        chain.program_with("paged", report, false, |_| ());
        chain.run(|| submit(&contract, limit))
    };
    let (outcome, none) = used(&mut chain, 0, GAS);
    assert_eq!(outcome, Ok(()));
    assert_eq!(used(&mut chain, 16, GAS), (Ok(()), none + costs::instance(16)));
    let limit = none + costs::instance(16) - 1;
    assert_eq!(used(&mut chain, 16, limit), (Err(error(Error::OutOfGas)), none));
}

#[test]
fn out_of_gas_and_traps_are_told_apart_and_use_what_they_used() {
    let mut chain = Chain::new();
    let endless = chain.contract("endless", |script| script.burn(u64::MAX / 4));
    let trapping = chain.contract("trapping", |script| {
        script.burn(1_000);
        script.trap(TrapClass::Stack);
    });
    chain.run(|| {
        let load = costs::load_code(8);
        assert_eq!(submit(&endless, GAS), (Err(error(Error::OutOfGas)), GAS));
        let load_endless = costs::load_code(7);
        assert_eq!(submit(&endless, load_endless - 1), (Err(error(Error::OutOfGas)), 0));
        assert_eq!(submit(&trapping, GAS), (Err(error(Error::ContractTrapped)), load + 1_000));
    });
}

#[test]
fn a_limit_on_the_proof_is_accepted_and_not_charged() {
    use frame_support::{dispatch::GetDispatchInfo, weights::Weight};
    let call = |proof_size| {
        crate::Call::<Test>::call {
            dest: BOB,
            value: 0,
            gas_limit: Weight::from_parts(77, proof_size),
            storage_deposit_limit: None,
            data: vec![],
        }
        .get_dispatch_info()
        .call_weight
    };
    assert_eq!(call(u64::MAX), call(0));
    assert_eq!(call(0), costs::extrinsic_call() + gas(77));
}

#[test]
fn each_byte_that_is_hashed_stored_or_emitted_costs_gas() {
    let used = |name: &'static str, args: fn(u64) -> Vec<u64>, len: u64| {
        let mut chain = Chain::new();
        let contract = chain.contract("priced", move |script| {
            let before = script.gas();
            script.call(name, &args(len));
            let used = before - script.gas();
            script.finish_with(0, &used.encode());
        });
        chain.run(|| u64::decode(&mut &data_of_call(&contract, &[])[..]).expect("eight bytes"))
    };
    let slope = |name, args| (used(name, args, 1_100) - used(name, args, 100)) / 1_000;
    let out = u64::from(OUT);
    assert_eq!(out, 1_024);
    assert_eq!(slope("seal0.hash_sha2_256", |len| vec![1_024, len, 0]), costs::SHA2_256_BYTE + costs::COPY_BYTE);
    assert_eq!(slope("seal0.hash_keccak_256", |len| vec![1_024, len, 0]), costs::KECCAK_256_BYTE + costs::COPY_BYTE);
    assert_eq!(slope("seal0.hash_blake2_128", |len| vec![1_024, len, 0]), costs::BLAKE2_BYTE + costs::COPY_BYTE);
    assert_eq!(slope("seal0.deposit_event", |len| vec![0, 0, 1_024, len]), costs::EVENT_BYTE + costs::COPY_BYTE);
    let stored = costs::STORAGE_WRITE_BYTE + costs::COPY_BYTE;
    assert_eq!(slope("seal2.set_storage", |len| vec![64, 1, 1_024, len]), stored);
    assert_eq!(slope("seal0.debug_message", |len| vec![1_024, len]), costs::COPY_BYTE);
}
