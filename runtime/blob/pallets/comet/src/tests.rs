//! Each test is named after the rule that it checks.

use crate::{self as pallet_comet, address_of, CommitSummary, Error, Event, GenesisValidator, Pallet};
use codec::{Decode, Encode};
use frame_support::{
    assert_noop, assert_ok, derive_impl,
    dispatch::{DispatchClass, GetDispatchInfo},
    inherent::ProvideInherent,
    traits::{ConstU32, Hooks},
};
use frame_system::RawOrigin;
use sepia_primitives_comet::{
    CommitInfo, ConsensusLog, Misbehaviour, PublicKey, Validator, Vote, ENGINE_ID, INHERENT_IDENTIFIER, TOTAL_POWER_MAX,
};
use sp_inherents::InherentData;
use sp_runtime::{traits::BadOrigin, BuildStorage, DispatchError};
use std::collections::BTreeMap;

frame_support::construct_runtime!(
    pub enum Test {
        System: frame_system,
        Comet: pallet_comet,
    }
);

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Test {
    type Block = frame_system::mocking::MockBlock<Test>;
}

impl pallet_comet::Config for Test {
    type MaxValidators = ConstU32<4>;
    type WeightInfo = ();
}

const ALICE: PublicKey = [1; 32];
const BOB: PublicKey = [2; 32];
const CAROL: PublicKey = [3; 32];

fn genesis(validators: &[(PublicKey, u64)]) -> sp_io::TestExternalities {
    let validators =
        validators.iter().map(|(key, power)| GenesisValidator { pub_key: (*key).into(), power: *power }).collect();
    let config = RuntimeGenesisConfig {
        comet: pallet_comet::GenesisConfig { validators, ..Default::default() },
        ..Default::default()
    };
    config.build_storage().expect("a genesis of this test is valid").into()
}

/// A chain of Alice with power 10, in block 1.
fn chain() -> sp_io::TestExternalities {
    let mut externalities = genesis(&[(ALICE, 10)]);
    externalities.execute_with(|| System::set_block_number(1));
    externalities
}

fn set_power(key: PublicKey, power: u64) -> Result<(), DispatchError> {
    Comet::set_validator_power(RuntimeOrigin::root(), key, power)
}

/// Ends the block and says which validator updates it sends to CometBFT.
fn updates_of_block() -> Option<Vec<(PublicKey, u64)>> {
    Comet::on_finalize(System::block_number());
    let digest = System::digest();
    let mut items = digest.logs.iter().map(|item| {
        let (engine, data) = item.as_consensus().expect("only consensus items are made here");
        assert_eq!(engine, ENGINE_ID);
        let ConsensusLog::ValidatorUpdates(updates) = ConsensusLog::decode(&mut &data[..]).expect("it decodes");
        updates.into_iter().map(|update| (update.pub_key, update.power)).collect()
    });
    let updates = items.next();
    assert_eq!(items.next(), None, "one item a block");
    updates
}

fn vote(key: PublicKey, flag: u8) -> Vote {
    Vote { address: address_of(&key), power: 10, flag }
}

fn info(votes: Vec<Vote>) -> CommitInfo {
    CommitInfo { proposer: address_of(&ALICE), votes, misbehaviour: vec![] }
}

#[test]
fn an_address_is_the_start_of_sha256_over_the_key() {
    let hash = sp_io::hashing::sha2_256(&ALICE);
    assert_eq!(address_of(&ALICE)[..], hash[..20]);
}

#[test]
fn genesis_validators_are_listed_by_key_and_are_no_updates_of_block_1() {
    genesis(&[(BOB, 2), (ALICE, 1)]).execute_with(|| {
        System::set_block_number(1);
        assert_eq!(
            Comet::validators(),
            vec![Validator { pub_key: ALICE, power: 1 }, Validator { pub_key: BOB, power: 2 }]
        );
        assert_eq!(Comet::check(), Ok(()));
        assert_eq!(updates_of_block(), None);
    });
}

#[test]
#[should_panic = "a validator is twice in the genesis block"]
fn genesis_refuses_a_validator_twice() {
    genesis(&[(ALICE, 1), (ALICE, 2)]);
}

#[test]
#[should_panic = "a validator of the genesis block has no power"]
fn genesis_refuses_a_validator_without_power() {
    genesis(&[(ALICE, 0)]);
}

#[test]
fn the_inherent_is_made_from_the_hosts_data_and_is_mandatory() {
    let mut data = InherentData::new();
    assert_eq!(Pallet::<Test>::create_inherent(&data), None);
    data.put_data(INHERENT_IDENTIFIER, &info(vec![])).expect("the data is new");
    let call = Pallet::<Test>::create_inherent(&data).expect("the data is there");
    assert_eq!(call, pallet_comet::Call::set_commit_info { info: info(vec![]) });
    assert!(Pallet::<Test>::is_inherent(&call));
    assert!(!Pallet::<Test>::is_inherent(&pallet_comet::Call::set_validator_power { pub_key: ALICE, power: 1 }));
    assert_eq!(call.get_dispatch_info().class, DispatchClass::Mandatory);
}

#[test]
fn the_inherent_never_fails_whatever_the_commit_says() {
    for flag in 0..=u8::MAX {
        chain().execute_with(|| {
            let mut commit = info(vec![vote(ALICE, flag), vote(BOB, flag)]);
            commit.misbehaviour = vec![Misbehaviour {
                kind: flag,
                address: [flag; 20],
                height: u64::MAX,
                time_ms: u64::MAX,
                total_power: u64::MAX,
            }];
            assert_ok!(Comet::set_commit_info(RawOrigin::None.into(), commit));
        });
    }
}

#[test]
fn votes_are_counted_and_unknown_ones_skipped() {
    let mut chain = genesis(&[(ALICE, 10), (BOB, 10), (CAROL, 10)]);
    chain.execute_with(|| {
        let votes = vec![
            vote(ALICE, Vote::COMMIT),
            vote(BOB, Vote::NIL),
            vote(CAROL, Vote::ABSENT),
            vote([9; 32], Vote::COMMIT),
            vote(ALICE, 77),
        ];
        assert_ok!(Comet::set_commit_info(RawOrigin::None.into(), info(votes)));
        let expected = CommitSummary { committed: 1, nil: 1, absent: 1, unknown: 2 };
        assert_eq!(pallet_comet::LastCommit::<Test>::get(), expected);
        assert_eq!(pallet_comet::Author::<Test>::get(), Some(address_of(&ALICE)));
    });
}

#[test]
fn a_validator_that_left_is_still_known() {
    genesis(&[(ALICE, 10), (BOB, 10)]).execute_with(|| {
        assert_ok!(set_power(BOB, 0));
        assert_ok!(Comet::set_commit_info(RawOrigin::None.into(), info(vec![vote(BOB, Vote::COMMIT)])));
        assert_eq!(pallet_comet::LastCommit::<Test>::get().committed, 1);
    });
}

#[test]
fn the_inherent_is_taken_once_a_block() {
    chain().execute_with(|| {
        assert_ok!(Comet::set_commit_info(RawOrigin::None.into(), info(vec![])));
        assert_noop!(Comet::set_commit_info(RawOrigin::None.into(), info(vec![])), Error::<Test>::CommitInfoAlreadySet);
        Comet::on_finalize(1);
        assert_ok!(Comet::set_commit_info(RawOrigin::None.into(), info(vec![])));
    });
}

#[test]
fn nobody_can_send_commit_information() {
    chain().execute_with(|| {
        assert_noop!(Comet::set_commit_info(RuntimeOrigin::root(), info(vec![])), BadOrigin);
        assert_noop!(Comet::set_commit_info(RuntimeOrigin::signed(1), info(vec![])), BadOrigin);
    });
}

#[test]
fn misbehaviour_of_a_known_validator_is_an_event() {
    chain().execute_with(|| {
        let evidence = |key| Misbehaviour {
            kind: Misbehaviour::DUPLICATE_VOTE,
            address: address_of(&key),
            height: 7,
            time_ms: 1,
            total_power: 10,
        };
        let mut commit = info(vec![]);
        commit.misbehaviour = vec![evidence(BOB), evidence(ALICE)];
        assert_ok!(Comet::set_commit_info(RawOrigin::None.into(), commit));
        let events: Vec<_> = System::events().into_iter().map(|record| record.event).collect();
        assert_eq!(events, vec![Event::MisbehaviourReported { pub_key: ALICE, kind: 1, height: 7 }.into()]);
    });
}

#[test]
fn only_root_sets_powers() {
    chain().execute_with(|| {
        assert_noop!(Comet::set_validator_power(RuntimeOrigin::signed(1), BOB, 5), BadOrigin);
        assert_noop!(Comet::set_validator_power(RawOrigin::None.into(), BOB, 5), BadOrigin);
    });
}

#[test]
fn updates_leave_in_one_digest_item_ascending_by_key() {
    chain().execute_with(|| {
        assert_ok!(set_power(CAROL, 3));
        assert_ok!(set_power(BOB, 2));
        assert_ok!(set_power(ALICE, 0));
        System::assert_last_event(Event::ValidatorPowerSet { pub_key: ALICE, power: 0 }.into());
        assert_eq!(updates_of_block(), Some(vec![(ALICE, 0), (BOB, 2), (CAROL, 3)]));
        assert_eq!(Comet::check(), Ok(()));
        assert_eq!(pallet_comet::TotalPower::<Test>::get(), 5);
    });
}

#[test]
fn the_last_change_of_a_key_counts_and_a_change_back_is_none() {
    chain().execute_with(|| {
        assert_ok!(set_power(BOB, 2));
        assert_ok!(set_power(BOB, 9));
        assert_ok!(set_power(CAROL, 1));
        assert_ok!(set_power(CAROL, 0));
        assert_ok!(set_power(ALICE, 4));
        assert_ok!(set_power(ALICE, 10));
        assert_eq!(updates_of_block(), Some(vec![(BOB, 9)]));
    });
}

#[test]
fn a_block_without_changes_has_no_digest_item() {
    chain().execute_with(|| {
        assert_ok!(set_power(ALICE, 10));
        assert_eq!(updates_of_block(), None);
    });
}

#[test]
fn an_unknown_validator_cannot_be_removed() {
    chain().execute_with(|| {
        assert_noop!(set_power(BOB, 0), Error::<Test>::UnknownValidator);
    });
}

#[test]
fn the_last_validator_cannot_be_removed() {
    chain().execute_with(|| {
        assert_noop!(set_power(ALICE, 0), Error::<Test>::LastValidator);
    });
}

#[test]
fn total_power_stays_within_what_cometbft_can_add_up() {
    chain().execute_with(|| {
        assert_ok!(set_power(BOB, TOTAL_POWER_MAX - 10));
        assert_noop!(set_power(BOB, TOTAL_POWER_MAX - 9), Error::<Test>::PowerTooLarge);
        assert_noop!(set_power(CAROL, 1), Error::<Test>::PowerTooLarge);
        assert_noop!(set_power(CAROL, u64::MAX), Error::<Test>::PowerTooLarge);
    });
}

#[test]
fn there_are_at_most_max_validators() {
    chain().execute_with(|| {
        for key in [BOB, CAROL, [4; 32]] {
            assert_ok!(set_power(key, 1));
        }
        assert_noop!(set_power([5; 32], 1), Error::<Test>::TooManyValidators);
        assert_ok!(set_power([4; 32], 2));
    });
}

/// The rules that CometBFT applies to updates, written down from its documentation and not from the pallet.
fn cometbft_accepts(set: &mut BTreeMap<PublicKey, u64>, updates: &[(PublicKey, u64)]) -> bool {
    let mut seen = std::collections::BTreeSet::new();
    for (key, power) in updates {
        if !seen.insert(*key) || (*power == 0 && set.remove(key).is_none()) {
            return false;
        }
        if *power > 0 {
            set.insert(*key, *power);
        }
    }
    let total: u128 = set.values().map(|power| u128::from(*power)).sum();
    !set.is_empty() && total <= u128::from(TOTAL_POWER_MAX)
}

#[test]
fn cometbft_accepts_every_update_and_both_sets_stay_equal() {
    let mut seed = 1u64;
    let mut next = |bound: u64| {
        // Knuth's linear congruential generator: the test has no other source of numbers.
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) % bound
    };
    let (mut changed, mut refused) = (0, 0);
    chain().execute_with(|| {
        let mut set = BTreeMap::from([(ALICE, 10)]);
        for height in 2..500 {
            System::reset_events();
            System::initialize(&height, &Default::default(), &Default::default());
            for _ in 0..next(6) {
                let power = [0, 0, 1, 2, TOTAL_POWER_MAX / 2, u64::MAX][next(6) as usize];
                refused += u32::from(set_power([next(6) as u8; 32], power).is_err());
            }
            let updates = updates_of_block().unwrap_or_default();
            changed += updates.len();
            assert!(cometbft_accepts(&mut set, &updates), "block {height}: {updates:?}");
            let ours: BTreeMap<_, _> = Comet::validators().into_iter().map(|v| (v.pub_key, v.power)).collect();
            assert_eq!(ours, set);
            assert_eq!(Comet::check(), Ok(()));
        }
    });
    assert!(changed > 300 && refused > 100, "{changed} changes, {refused} refusals: the test does not reach much");
}

#[test]
fn the_calls_keep_their_indexes() {
    let set_commit_info: RuntimeCall = pallet_comet::Call::set_commit_info { info: info(vec![]) }.into();
    let set_power: RuntimeCall = pallet_comet::Call::set_validator_power { pub_key: ALICE, power: 1 }.into();
    assert_eq!(set_commit_info.encode()[1], 0);
    assert_eq!(set_power.encode()[1], 1);
}
