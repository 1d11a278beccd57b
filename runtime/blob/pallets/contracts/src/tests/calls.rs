//! Contracts that call contracts: outcomes, flags, reentrance, depth.

use codec::Encode;
use sp_guest_vm::TrapClass;
use sp_runtime::DispatchError;

use super::{
    runtime::*,
    scripts::{Script, LEN, OUT, ROOM},
};
use crate::{exec::MAX_CALL_DEPTH, seal::SENTINEL, Error, Event, Origin};

pub const FORWARD_INPUT: u64 = 1;
pub const CLONE_INPUT: u64 = 2;
pub const TAIL_CALL: u64 = 4;
pub const ALLOW_REENTRY: u64 = 8;
pub const READ_ONLY: u64 = 16;

/// What a script passes along with a call.
#[derive(Clone, Copy, Default)]
pub struct Options {
    pub flags: u64,
    pub gas: u64,
    pub deposit: Option<Balance>,
    pub value: Balance,
}

/// Calls through seal2.call; returns the code and the output.
pub fn call_contract(script: &mut Script, callee: &AccountId, input: &[u8], options: Options) -> (i64, Vec<u8>) {
    let callee = encode_at(script, 64, callee);
    let value = encode_at(script, 128, &options.value);
    let deposit = options.deposit.map_or(SENTINEL.into(), |limit| encode_at(script, 160, &limit));
    script.put(256, input);
    let args = [options.flags, callee, options.gas, 0, deposit, value, 256, input.len() as u64];
    script.output("seal2.call", &args)
}

pub fn simple_call(script: &mut Script, callee: &AccountId) -> (i64, Vec<u8>) {
    call_contract(script, callee, &[], Options::default())
}

/// A chain with a callee, and a caller whose script gets the callee's account.
fn pair(
    callee: impl Fn(&mut Script) + Send + Sync + 'static,
    caller: impl Fn(&mut Script, &AccountId) + Send + Sync + 'static,
) -> (Chain, AccountId, AccountId) {
    let mut chain = Chain::new();
    let callee = chain.contract("callee", callee);
    let address = callee.clone();
    let caller = chain.contract("caller", move |script| caller(script, &address));
    (chain, caller, callee)
}

fn outcome(
    callee: impl Fn(&mut Script) + Send + Sync + 'static,
    caller: impl Fn(&mut Script, &AccountId) + Send + Sync + 'static,
) -> Result<Vec<u8>, DispatchError> {
    let (mut chain, caller, _) = pair(callee, caller);
    chain.run(|| call(&caller, b"own").map(|output| output.data))
}

#[test]
fn a_callee_sees_input_value_and_caller_and_returns_data() {
    let (mut chain, caller, callee) = pair(
        |script| {
            let data =
                [script.getter("seal0.input"), script.getter("seal0.caller"), script.getter("seal0.value_transferred")];
            assert_eq!(script.call("seal0.caller_is_origin", &[]), 0);
            script.finish_with(0, &data.concat());
        },
        |script, callee| {
            assert_eq!(script.call("seal0.caller_is_origin", &[]), 1);
            let options = Options { value: 7, ..Options::default() };
            let (code, data) = call_contract(script, callee, b"hey", options);
            assert_eq!(code, 0);
            script.finish_with(0, &data);
        },
    );
    chain.run(|| {
        System::reset_events();
        let data = call_with(&caller, 10, &[]).expect("the call ends well").data;
        assert_eq!(data, [b"hey".to_vec(), caller.encode(), 7u128.encode()].concat());
        assert_eq!((free(&caller), free(&callee)), (ED + 3, ED + 7));
        let called = |caller: Origin<Test>, contract: &AccountId| Event::Called { caller, contract: contract.clone() };
        assert_eq!(events(), [called(Origin::Signed(caller.clone()), &callee), called(Origin::Signed(ALICE), &caller)]);
    });
}

#[test]
fn the_code_says_how_the_callee_ended() {
    let code_of = |callee: fn(&mut Script)| {
        let data = outcome(callee, |script, callee| {
            let options = Options { gas: GAS / 2, ..Options::default() };
            let (code, data) = call_contract(script, callee, &[], options);
            let data = (code, if code == 2 { data } else { vec![] }).encode();
            script.finish_with(0, &data);
        });
        data.expect("the caller ends well")
    };
    assert_eq!(code_of(|_| ()), (0i64, Vec::<u8>::new()).encode());
    assert_eq!(code_of(|script| script.finish_with(1, b"no")), (2i64, b"no".to_vec()).encode());
    assert_eq!(code_of(|script| script.trap(TrapClass::Unreachable)), (1i64, Vec::<u8>::new()).encode());
    assert_eq!(code_of(|script| script.burn(GAS)), (1i64, Vec::<u8>::new()).encode());
    let too_small = |script: &mut Script| {
        script.call("seal0.caller", &[OUT.into(), LEN.into()]);
    };
    assert_eq!(code_of(too_small), (1i64, Vec::<u8>::new()).encode());
}

#[test]
fn errors_before_the_callee_runs_are_codes_only_if_a_caller_can_handle_them() {
    let calling = |target: AccountId, value: Balance| {
        let mut chain = Chain::new();
        let caller = chain.contract("caller", move |script| {
            let (code, _) = call_contract(script, &target, &[], Options { value, ..Options::default() });
            script.finish_with(0, &code.encode());
        });
        chain.run(|| call(&caller, &[]).map(|output| output.data))
    };
    assert_eq!(calling(BOB, 0), Ok(8i64.encode()));
    let (mut chain, caller, callee) = pair(
        |_| (),
        |script, callee| {
            let options = Options { value: ED, ..Options::default() };
            let (code, _) = call_contract(script, callee, &[], options);
            script.finish_with(0, &code.encode());
        },
    );
    chain.run(|| {
        // All that the caller owns is its existential deposit, which it must keep.
        assert_eq!(data_of_call(&caller, &[]), 5i64.encode());
        assert_eq!(free(&callee), ED);
    });
}

#[test]
fn unknown_flags_fail_the_caller() {
    let result = outcome(
        |_| (),
        |script, callee| {
            call_contract(script, callee, &[], Options { flags: 32, ..Options::default() });
        },
    );
    assert_eq!(result, Err(error(Error::InvalidCallFlags)));
}

#[test]
fn the_own_input_can_be_cloned_many_times_and_forwarded_once() {
    let echo = |script: &mut Script| {
        let input = script.getter("seal0.input");
        script.finish_with(0, &input);
    };
    let passing = |flags: &'static [u64], and_input: bool| {
        outcome(echo, move |script, callee| {
            let mut data = vec![];
            for flags in flags {
                let options = Options { flags: *flags, ..Options::default() };
                data.extend(call_contract(script, callee, b"arg", options).1);
            }
            if and_input {
                script.getter("seal0.input");
            }
            script.finish_with(0, &data);
        })
    };
    assert_eq!(passing(&[0], true), Ok(b"arg".to_vec()));
    assert_eq!(passing(&[CLONE_INPUT, CLONE_INPUT], true), Ok(b"ownown".to_vec()));
    assert_eq!(passing(&[CLONE_INPUT | FORWARD_INPUT], true), Ok(b"own".to_vec()));
    assert_eq!(passing(&[FORWARD_INPUT], false), Ok(b"own".to_vec()));
    assert_eq!(passing(&[FORWARD_INPUT], true), Err(error(Error::InputForwarded)));
    assert_eq!(passing(&[FORWARD_INPUT, FORWARD_INPUT], false), Err(error(Error::InputForwarded)));
    assert_eq!(passing(&[FORWARD_INPUT, CLONE_INPUT], false), Err(error(Error::InputForwarded)));
}

#[test]
fn a_tail_call_returns_for_the_caller_unless_the_callee_failed() {
    let tail = |callee: fn(&mut Script)| {
        let (mut chain, caller, _) = pair(callee, |script, callee| {
            let (code, _) = call_contract(script, callee, &[], Options { flags: TAIL_CALL, ..Options::default() });
            script.finish_with(0, &code.encode());
        });
        chain.run(|| call(&caller, &[]).expect("the call ends"))
    };
    assert_eq!(tail(|script| script.finish_with(0, b"done")).data, b"done");
    let reverted = tail(|script| script.finish_with(1, b"no"));
    assert!(reverted.did_revert() && reverted.data == b"no");
    assert_eq!(tail(|script| script.trap(TrapClass::Memory)).data, 1i64.encode());
}

#[test]
fn an_output_that_is_not_wanted_is_skipped() {
    let result = outcome(
        |script| script.finish_with(0, &[1; 100]),
        |script, callee| {
            let callee = encode_at(script, 64, callee);
            let value = encode_at(script, 128, &0u128);
            let args = [0, callee, 0, value, 256, 0, SENTINEL.into(), 0xffff_0000];
            assert_eq!(script.call("seal1.call", &args), 0);
        },
    );
    assert_eq!(result, Ok(vec![]));
}

#[test]
fn an_output_without_room_fails_the_caller() {
    let result = outcome(
        |script| script.finish_with(0, &[1; 100]),
        |script, callee| {
            script.put(LEN, &99u32.to_le_bytes());
            let callee = encode_at(script, 64, callee);
            let value = encode_at(script, 128, &0u128);
            script.call("seal1.call", &[0, callee, 0, value, 256, 0, OUT.into(), LEN.into()]);
        },
    );
    assert_eq!(result, Err(error(Error::OutputBufferTooSmall)));
}

/// A contract that calls itself as often as its input says, with flags.
fn recursive(chain: &mut Chain, flags: u64) -> AccountId {
    chain.contract("recursive", move |script| {
        let left = script.getter("seal0.input")[0];
        if left > 0 {
            let own = script.getter("seal0.address");
            script.put(64, &own);
            script.put(128, &[0; 16]);
            script.put(256, &[left - 1]);
            script.put(LEN, &ROOM.to_le_bytes());
            let code = script.call("seal1.call", &[flags, 64, 0, 128, 256, 1, OUT.into(), LEN.into()]);
            if code != 0 {
                script.trap(TrapClass::Unreachable);
            }
        }
    })
}

#[test]
fn twenty_four_frames_work_and_one_more_does_not() {
    let mut chain = Chain::new();
    let contract = recursive(&mut chain, ALLOW_REENTRY);
    chain.run(|| {
        let deepest = MAX_CALL_DEPTH as u8 - 1;
        assert_eq!(MAX_CALL_DEPTH, 24);
        assert_eq!(call(&contract, &[deepest]).map(|_| ()), Ok(()));
        let dry = Contracts::dry_call(ALICE, contract.clone(), 0, None, None, vec![deepest + 1]);
        assert_eq!(dry.result, Err(error(Error::ContractTrapped)));
        let words = String::from_utf8(dry.debug_message).expect("UTF-8");
        assert!(words.starts_with("seal1.call failed: MaxCallDepthReached\n"), "{words}");
    });
}

#[test]
fn a_contract_is_closed_to_reentrance_unless_it_says_otherwise() {
    let mut chain = Chain::new();
    let closed = recursive(&mut chain, 0);
    chain.run(|| assert_eq!(call(&closed, &[1]), Err(error(Error::ReentranceDenied))));
    // The mark counts for deeper frames too, and ends with the call.
    let mut chain = Chain::new();
    let back = chain.contract("back", |script| {
        let caller = script.getter("seal0.caller");
        let caller = codec::Decode::decode(&mut &caller[..]).expect("an account");
        let (code, _) = call_contract(script, &caller, b"again", Options::default());
        script.finish_with(0, &code.encode());
    });
    let again = back.clone();
    let relay = chain.program(
        "relay",
        on_call(move |script| {
            let open = Options { flags: ALLOW_REENTRY, ..Options::default() };
            assert_eq!(call_contract(script, &again, &[], open), (0, 0i64.encode()));
        }),
    );
    let front = chain.contract("front", move |script| {
        if script.getter("seal0.input") == b"again" {
            return;
        }
        let open = Options { flags: ALLOW_REENTRY, ..Options::default() };
        assert_eq!(call_contract(script, &back, &[], open), (0, 0i64.encode()));
        assert_eq!(call_contract(script, &back, &[], Options::default()).0, 1);
        script.put(64, hash_of(b"relay").as_bytes());
        assert_eq!(script.output("seal0.delegate_call", &[0, 64, 256, 0]).0, 0);
    });
    chain.run(|| upload(relay));
    chain.run(|| assert_eq!(call(&front, &[]).map(|_| ()), Ok(())));
}

#[test]
fn a_read_only_frame_and_all_below_it_refuse_changes() {
    type Mutation = fn(&mut Script);
    let mutations: &[(&str, Mutation)] = &[
        ("set", |script| {
            script.call("seal2.set_storage", &[64, 1, 64, 1]);
        }),
        ("clear", |script| {
            script.call("seal1.clear_storage", &[64, 1]);
        }),
        ("take", |script| {
            script.output("seal0.take_storage", &[64, 1]);
        }),
        ("event", |script| {
            script.call("seal0.deposit_event", &[64, 0, 64, 0]);
        }),
        ("transfer", |script| {
            script.call("seal0.transfer", &[64, 32, 128, 16]);
        }),
        ("terminate", |script| {
            script.call("seal1.terminate", &[64]);
        }),
        ("set_code_hash", |script| {
            script.call("seal0.set_code_hash", &[64]);
        }),
        ("instantiate", |script| {
            script.call("seal1.instantiate", &[64, 0, 128, 256, 0, 64, 0, OUT.into(), LEN.into(), 256, 0]);
        }),
        ("value", |script| {
            call_contract(script, &BOB, &[], Options { value: 1, ..Options::default() });
        }),
    ];
    for (name, mutation) in mutations {
        let mut chain = Chain::new();
        let bottom = chain.contract("bottom", *mutation);
        let middle = chain.contract("middle", move |script| {
            assert_eq!(simple_call(script, &bottom).0, 1);
            script.finish_with(0, b"ok");
        });
        let top = chain.contract("top", move |script| {
            let options = Options { flags: READ_ONLY, ..Options::default() };
            assert_eq!(call_contract(script, &middle, &[], options), (0, b"ok".to_vec()));
        });
        chain.run(|| {
            let dry = Contracts::dry_call(ALICE, top, 0, None, None, vec![]);
            let words = String::from_utf8(dry.debug_message).expect("UTF-8");
            assert!(words.contains("failed: StateChangeDenied"), "{name}: {words}");
            assert_eq!(dry.result.map(|_| ()), Ok(()));
        });
    }
}

#[test]
fn a_read_only_call_carries_no_value() {
    let result = outcome(
        |_| (),
        |script, callee| {
            call_contract(script, callee, &[], Options { flags: READ_ONLY, value: 1, ..Options::default() });
        },
    );
    assert_eq!(result, Err(error(Error::StateChangeDenied)));
}

#[test]
fn a_failed_callee_leaves_nothing_but_its_events_order_and_gas() {
    let (mut chain, caller, callee) = pair(
        |script| {
            script.put(64, b"k");
            script.call("seal2.set_storage", &[64, 1, 64, 1]);
            script.call("seal0.deposit_event", &[64, 0, 64, 0]);
            script.trap(TrapClass::Unreachable);
        },
        |script, callee| {
            assert_eq!(call_contract(script, callee, &[], Options { value: 3, ..Options::default() }).0, 1);
        },
    );
    chain.run(|| {
        System::reset_events();
        call_with(&caller, 5, &[]).expect("the caller ends well");
        assert_eq!((free(&caller), free(&callee)), (ED + 5, ED));
        assert_eq!(info(&callee).storage_items, 0);
        assert_eq!(events(), [Event::Called { caller: Origin::Signed(ALICE), contract: caller }]);
    });
}

#[test]
fn transfers_keep_the_contract_alive() {
    let sending = |to: AccountId, value: Balance| {
        let mut chain = Chain::new();
        let contract = chain.contract("sender", move |script| {
            let to = encode_at(script, 64, &to);
            let value = encode_at(script, 128, &value);
            let code = script.call("seal0.transfer", &[to, 32, value, 16]);
            script.finish_with(0, &code.encode());
        });
        chain.run(|| {
            let code = call_with(&contract, 100, &[]).expect("the call ends well").data;
            (code, free(&contract))
        })
    };
    assert_eq!(sending(BOB, 100), (0i64.encode(), ED));
    assert_eq!(sending(BOB, 101), (5i64.encode(), ED + 100));
    assert_eq!(sending(NOBODY, ED - 1), (5i64.encode(), ED + 100));
    assert_eq!(sending(NOBODY, ED), (0i64.encode(), ED + 50));
    assert_eq!(sending(NOBODY, 0), (0i64.encode(), ED + 100));
}
