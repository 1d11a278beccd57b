//! Each test is named after the rule that it checks.

use crate::{self as pallet_upgrade, Error, Event, PendingUpgrade};
use codec::{Decode, Encode};
use frame_support::{
    assert_noop, assert_ok, derive_impl, parameter_types,
    storage::unhashed,
    traits::{ConstU32, Hooks},
};
use frame_system::Phase;
use sepia_primitives_comet::ENGINE_ID;
use sepia_primitives_upgrade::{
    Budgets, FailureCause, FailurePhase, FailureReason, HostMessage, BUDGETS_KEY, HOST_VERSION_KEY,
};
use sp_core::{storage::well_known_keys::CODE, H256};
use sp_runtime::{
    traits::{BadOrigin, BlakeTwo256, Hash},
    BuildStorage, Digest, DigestItem, DispatchResult,
};

frame_support::construct_runtime!(
    pub enum Test {
        System: frame_system,
        Upgrade: pallet_upgrade,
    }
);

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Test {
    type Block = frame_system::mocking::MockBlock<Test>;
    type OnSetCode = Upgrade;
}

parameter_types! {
    pub storage Validators: u32 = 1;
}

const CODE_LEN_MAX: u32 = 64;

impl pallet_upgrade::Config for Test {
    type MaxCodeLen = ConstU32<CODE_LEN_MAX>;
    type ValidatorCount = Validators;
    type WeightInfo = ();
}

const NEW: [u8; 3] = [7; 3];
/// What a test chain has under `:code` at genesis.
const NO_CODE: Option<Vec<u8>> = Some(Vec::new());

/// A chain in block 1 whose upgrades wait for `delay` blocks.
fn chain(delay: u64) -> sp_io::TestExternalities {
    let config = RuntimeGenesisConfig {
        upgrade: pallet_upgrade::GenesisConfig { delay, ..Default::default() },
        ..Default::default()
    };
    let mut externalities: sp_io::TestExternalities =
        config.build_storage().expect("a genesis of this test is valid").into();
    externalities.execute_with(|| begin(1, vec![]));
    externalities
}

fn begin(height: u64, items: Vec<DigestItem>) {
    System::reset_events();
    System::initialize(&height, &Default::default(), &Digest { logs: items });
    Upgrade::on_initialize(height);
}

fn set_code(code: &[u8]) -> DispatchResult {
    System::set_code_without_checks(RuntimeOrigin::root(), code.to_vec()).map(|_| ()).map_err(|error| error.error)
}

fn hash_of(code: &[u8]) -> H256 {
    BlakeTwo256::hash(code)
}

fn events() -> Vec<RuntimeEvent> {
    System::events().into_iter().map(|record| record.event).collect()
}

fn stored_code() -> Option<Vec<u8>> {
    sp_io::storage::get(CODE).map(|code| code.to_vec())
}

fn announced_new_code() -> bool {
    System::digest().logs.contains(&DigestItem::RuntimeEnvironmentUpdated)
}

#[test]
fn genesis_writes_what_the_host_reads() {
    chain(0).execute_with(|| {
        assert_eq!(sp_io::storage::get(HOST_VERSION_KEY).map(|value| value.to_vec()), Some(vec![1, 0, 0, 0]));
        let budgets = unhashed::get_raw(BUDGETS_KEY).expect("genesis wrote them");
        assert_eq!(Budgets::decode(&mut &budgets[..]), Ok(Budgets::default()));
        assert_eq!(Upgrade::check(), Ok(()));
    });
}

#[test]
#[should_panic = "the gas budgets are unusable"]
fn genesis_refuses_budgets_without_room() {
    let budgets = Budgets { initialize: 0, ..Default::default() };
    let config = RuntimeGenesisConfig {
        upgrade: pallet_upgrade::GenesisConfig { budgets, ..Default::default() },
        ..Default::default()
    };
    let _ = config.build_storage();
}

#[test]
#[should_panic = "there is only one host version"]
fn genesis_refuses_an_unknown_host_version() {
    let config = RuntimeGenesisConfig {
        upgrade: pallet_upgrade::GenesisConfig { host_version: 2, ..Default::default() },
        ..Default::default()
    };
    let _ = config.build_storage();
}

#[test]
fn without_delay_the_call_itself_writes_the_code() {
    chain(0).execute_with(|| {
        assert_ok!(set_code(&NEW));
        assert_eq!(stored_code(), Some(NEW.to_vec()));
        assert!(announced_new_code());
        let expected: Vec<RuntimeEvent> = vec![
            Event::Scheduled { code_hash: hash_of(&NEW), at: 1 }.into(),
            frame_system::Event::CodeUpdated { hash: hash_of(&NEW) }.into(),
        ];
        assert_eq!(events(), expected);
    });
}

#[test]
fn with_a_delay_block_a_writes_the_code() {
    chain(2).execute_with(|| {
        assert_ok!(set_code(&NEW));
        assert_eq!(events(), vec![Event::Scheduled { code_hash: hash_of(&NEW), at: 3 }.into()]);
        begin(2, vec![]);
        assert_eq!(stored_code(), NO_CODE);
        begin(3, vec![]);
        assert_eq!(stored_code(), Some(NEW.to_vec()));
        assert!(announced_new_code());
        let records = System::events();
        assert_eq!(records.len(), 1);
        assert_eq!(records[0].event, frame_system::Event::CodeUpdated { hash: hash_of(&NEW) }.into());
        assert_eq!(records[0].phase, Phase::Initialization);
        begin(4, vec![]);
        assert!(!announced_new_code());
        assert_eq!(Upgrade::check(), Ok(()));
    });
}

#[test]
fn no_upgrade_without_delay_among_several_validators() {
    chain(0).execute_with(|| {
        Validators::set(&2);
        assert_noop!(set_code(&NEW), Error::<Test>::DelayRequired);
        Validators::set(&1);
        assert_ok!(set_code(&NEW));
    });
    chain(1).execute_with(|| {
        Validators::set(&2);
        assert_ok!(set_code(&NEW));
    });
}

#[test]
fn a_second_upgrade_is_refused_until_the_first_block_of_the_first() {
    for delay in [0, 2] {
        chain(delay).execute_with(|| {
            assert_ok!(set_code(&NEW));
            for height in 1..=1 + delay {
                if height > 1 {
                    begin(height, vec![]);
                }
                assert_noop!(set_code(&[8]), Error::<Test>::UpgradePending);
            }
            begin(2 + delay, vec![]);
            assert_ok!(set_code(&[8]));
        });
    }
}

#[test]
fn code_larger_than_the_chain_stores_is_refused() {
    chain(0).execute_with(|| {
        assert_noop!(set_code(&[1; CODE_LEN_MAX as usize + 1]), Error::<Test>::CodeTooLarge);
        assert_ok!(set_code(&[1; CODE_LEN_MAX as usize]));
    });
}

#[test]
fn root_cancels_before_block_a() {
    chain(2).execute_with(|| {
        assert_ok!(set_code(&NEW));
        assert_noop!(Upgrade::cancel(RuntimeOrigin::signed(1)), BadOrigin);
        assert_ok!(Upgrade::cancel(RuntimeOrigin::root()));
        System::assert_last_event(Event::Cancelled { code_hash: hash_of(&NEW) }.into());
        assert_noop!(Upgrade::cancel(RuntimeOrigin::root()), Error::<Test>::NoUpgradePending);
        begin(2, vec![]);
        begin(3, vec![]);
        assert_eq!(stored_code(), NO_CODE);
        assert_ok!(set_code(&NEW));
    });
}

#[test]
fn written_code_cannot_be_cancelled() {
    chain(0).execute_with(|| {
        assert_ok!(set_code(&NEW));
        assert_noop!(Upgrade::cancel(RuntimeOrigin::root()), Error::<Test>::NoUpgradePending);
    });
}

#[test]
fn the_pending_record_says_which_blob_and_when() {
    chain(2).execute_with(|| {
        assert_ok!(set_code(&NEW));
        let expected = PendingUpgrade { code_hash: hash_of(&NEW), at: 3 };
        assert_eq!(pallet_upgrade::Pending::<Test>::get(), Some(expected));
    });
}

#[test]
fn what_the_host_undid_becomes_an_event() {
    let reason = FailureReason { phase: FailurePhase::Initialize, cause: FailureCause::Trapped };
    let message = HostMessage::UpgradeUndone { code_hash: [5; 32], reason }.encode();
    chain(0).execute_with(|| {
        begin(2, vec![DigestItem::PreRuntime(ENGINE_ID, message.clone())]);
        assert_eq!(events(), vec![Event::UpgradeFailed { code_hash: [5; 32].into(), reason }.into()]);
    });
}

#[test]
fn digest_items_of_others_and_unknown_ones_are_passed_over() {
    let reason = FailureReason { phase: FailurePhase::Load, cause: FailureCause::InvalidCode };
    let message = HostMessage::UpgradeUndone { code_hash: [5; 32], reason }.encode();
    let trailing = [&message[..], &[0]].concat();
    chain(0).execute_with(|| {
        let items = vec![
            DigestItem::PreRuntime(*b"aura", message.clone()),
            DigestItem::Consensus(ENGINE_ID, message.clone()),
            DigestItem::PreRuntime(ENGINE_ID, vec![]),
            DigestItem::PreRuntime(ENGINE_ID, vec![255; 40]),
            DigestItem::PreRuntime(ENGINE_ID, trailing),
            DigestItem::Other(message.clone()),
        ];
        begin(2, items);
        assert_eq!(events(), vec![]);
    });
}

#[test]
fn a_state_without_host_parameters_fails_the_check() {
    chain(0).execute_with(|| {
        unhashed::kill(BUDGETS_KEY);
        assert_eq!(Upgrade::check(), Err("the gas budgets are missing or unreadable"));
        unhashed::put(BUDGETS_KEY, &Budgets { finalize: 0, ..Default::default() });
        assert_eq!(Upgrade::check(), Err("a phase has no gas"));
        unhashed::put(HOST_VERSION_KEY, &2u32);
        assert_eq!(Upgrade::check(), Err("the host version is missing or unknown"));
    });
}

#[test]
fn the_call_keeps_its_index() {
    let cancel: RuntimeCall = pallet_upgrade::Call::cancel {}.into();
    assert_eq!(cancel.encode()[1], 0);
}
