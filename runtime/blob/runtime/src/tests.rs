//! The runtime as a whole, run natively. Each test is named after the rule that it checks.

use crate::{constants::*, *};
use codec::{Decode, Encode};
use frame_support::{
    dispatch::{DispatchClass, GetDispatchInfo},
    inherent::InherentData,
    traits::{Get, PalletInfoAccess},
    weights::Weight,
};
use pallet_comet::GenesisValidator;
use sepia_primitives_comet::{CommitInfo, Vote, INHERENT_IDENTIFIER};
use sp_core::{traits::ReadRuntimeVersionExt, Pair};
use sp_keyring::Sr25519Keyring::{self, Alice, Bob, Charlie};
use sp_runtime::{
    generic::{Era, SignedPayload},
    traits::Header as _,
    transaction_validity::{InvalidTransaction, TransactionSource, TransactionValidityError},
    ApplyExtrinsicResult, BuildStorage, Digest, DigestItem, DispatchError, ExtrinsicInclusionMode,
};

const VALIDATOR: [u8; 32] = [0xab; 32];

fn genesis_with(upgrade_delay: BlockNumber) -> sp_io::TestExternalities {
    let config = RuntimeGenesisConfig {
        balances: pallet_balances::GenesisConfig {
            balances: Sr25519Keyring::well_known().map(|who| (who.to_account_id(), 1_000_000 * UNIT)).collect(),
            ..Default::default()
        },
        sudo: pallet_sudo::GenesisConfig { key: Some(Alice.to_account_id()) },
        comet: pallet_comet::GenesisConfig {
            validators: vec![GenesisValidator { pub_key: VALIDATOR.into(), power: 10 }],
            ..Default::default()
        },
        upgrade: pallet_upgrade::GenesisConfig { delay: upgrade_delay, ..Default::default() },
        ..Default::default()
    };
    let mut externalities: sp_io::TestExternalities =
        config.build_storage().expect("a genesis of this test is valid").into();
    externalities.register_extension(ReadRuntimeVersionExt::new(VersionIsTheCode));
    externalities
}

/// Takes the bytes of a blob for its encoded version, so that a test can offer any version without compiling anything.
struct VersionIsTheCode;

impl sp_core::traits::ReadRuntimeVersion for VersionIsTheCode {
    fn read_runtime_version(
        &self,
        code: &[u8],
        _: &mut dyn sp_externalities::Externalities,
    ) -> Result<Vec<u8>, String> {
        Ok(code.to_vec())
    }
}

fn begin_with(number: BlockNumber, digest: Digest) -> ExtrinsicInclusionMode {
    let parent_hash = Hash::repeat_byte(number as u8);
    let header = Header::new(number, Default::default(), Default::default(), parent_hash, digest);
    Executive::initialize_block(&header)
}

/// Begins a block and applies its inherents.
fn begin(number: BlockNumber) {
    begin_with(number, Digest::default());
    for inherent in inherents(number) {
        assert_eq!(Executive::apply_extrinsic(inherent), Ok(Ok(())));
    }
}

fn inherents(number: BlockNumber) -> Vec<UncheckedExtrinsic> {
    let address = pallet_comet::address_of(&VALIDATOR);
    let info = CommitInfo {
        proposer: address,
        votes: vec![Vote { address, power: 10, flag: Vote::COMMIT }],
        misbehaviour: vec![],
    };
    let mut data = InherentData::new();
    data.put_data(*b"timstap0", &(1_000_000 + u64::from(number))).expect("the data is new");
    data.put_data(INHERENT_IDENTIFIER, &info).expect("the data is new");
    data.create_extrinsics()
}

fn extensions(nonce: Nonce) -> TxExtension {
    (
        frame_system::CheckNonZeroSender::new(),
        frame_system::CheckSpecVersion::new(),
        frame_system::CheckTxVersion::new(),
        frame_system::CheckGenesis::new(),
        frame_system::CheckEra::from(Era::Immortal),
        frame_system::CheckNonce::from(nonce),
        frame_system::CheckWeight::new(),
        pallet_transaction_payment::ChargeTransactionPayment::from(0),
    )
}

fn signed(by: Sr25519Keyring, nonce: Nonce, call: impl Into<RuntimeCall>) -> UncheckedExtrinsic {
    let payload = SignedPayload::new(call.into(), extensions(nonce)).expect("the genesis hash is known");
    let signature = payload.using_encoded(|bytes| by.pair().sign(bytes));
    let (call, extensions, _) = payload.deconstruct();
    UncheckedExtrinsic::new_signed(call, by.to_account_id().into(), signature.into(), extensions)
}

fn transfer(value: Balance) -> pallet_balances::Call<Runtime> {
    pallet_balances::Call::transfer_keep_alive { dest: Bob.to_account_id().into(), value }
}

fn sudo(call: impl Into<RuntimeCall>) -> pallet_sudo::Call<Runtime> {
    pallet_sudo::Call::sudo { call: Box::new(call.into()) }
}

fn free(who: Sr25519Keyring) -> Balance {
    Balances::free_balance(who.to_account_id())
}

fn blob(spec_version: u32) -> Vec<u8> {
    RuntimeVersion { spec_version, ..VERSION }.encode()
}

fn set_code(spec_version: u32) -> pallet_sudo::Call<Runtime> {
    sudo(frame_system::Call::set_code { code: blob(spec_version) })
}

fn events_of(extrinsic: u32) -> Vec<RuntimeEvent> {
    let phase = frame_system::Phase::ApplyExtrinsic(extrinsic);
    System::events().into_iter().filter(|record| record.phase == phase).map(|record| record.event).collect()
}

fn assert_sudo_failed_with(error: DispatchError) {
    let result = System::events().into_iter().rev().find_map(|record| match record.event {
        RuntimeEvent::Sudo(pallet_sudo::Event::Sudid { sudo_result }) => Some(sudo_result),
        _ => None,
    });
    assert_eq!(result, Some(Err(error)));
}

#[test]
fn a_block_runs_from_initialize_to_finalize() {
    genesis_with(0).execute_with(|| {
        begin(1);
        assert_eq!(Executive::apply_extrinsic(signed(Alice, 0, transfer(UNIT))), Ok(Ok(())));
        let header = Executive::finalize_block();
        assert_eq!(header.number, 1);
        assert_eq!(header.digest.logs, vec![]);
        assert_eq!(free(Bob), 1_000_001 * UNIT);
        assert_eq!(pallet_timestamp::Now::<Runtime>::get(), 1_000_001);
        assert_eq!(pallet_comet::LastCommit::<Runtime>::get().committed, 1);
    });
}

#[test]
fn the_fee_shown_is_the_fee_charged() {
    let calls: Vec<RuntimeCall> = vec![
        transfer(UNIT).into(),
        pallet_balances::Call::transfer_allow_death { dest: Bob.to_account_id().into(), value: 1 }.into(),
        pallet_balances::Call::transfer_all { dest: Bob.to_account_id().into(), keep_alive: true }.into(),
        frame_system::Call::remark { remark: vec![1; 300] }.into(),
        frame_system::Call::remark_with_event { remark: vec![1; 300] }.into(),
        pallet_utility::Call::batch_all { calls: vec![transfer(UNIT).into(), transfer(UNIT).into()] }.into(),
        pallet_proxy::Call::add_proxy {
            delegate: Bob.to_account_id().into(),
            proxy_type: Default::default(),
            delay: 0,
        }
        .into(),
    ];
    for call in calls {
        genesis_with(0).execute_with(|| {
            begin(1);
            let extrinsic = signed(Charlie, 0, call.clone());
            let length = extrinsic.encoded_size() as u32;
            let shown = TransactionPayment::query_info(extrinsic.clone(), length).partial_fee;
            assert_eq!(Executive::apply_extrinsic(extrinsic), Ok(Ok(())), "{call:?}");
            let charged = System::events().into_iter().find_map(|record| match record.event {
                RuntimeEvent::TransactionPayment(pallet_transaction_payment::Event::TransactionFeePaid {
                    actual_fee,
                    ..
                }) => Some(actual_fee),
                _ => None,
            });
            assert_eq!(charged, Some(shown), "{call:?}");
            assert!(shown > 0);
        });
    }
}

#[test]
fn a_block_has_room_for_a_thousand_transfers() {
    genesis_with(0).execute_with(|| {
        let info = signed(Alice, 0, transfer(UNIT)).get_dispatch_info();
        let limits = <Runtime as frame_system::Config>::BlockWeights::get();
        let normal = limits.get(DispatchClass::Normal);
        let one = info.total_weight().saturating_add(normal.base_extrinsic);
        let inherents = <<Runtime as pallet_timestamp::Config>::WeightInfo as pallet_timestamp::WeightInfo>::set()
            .saturating_add(<weights::Comet as pallet_comet::WeightInfo>::set_commit_info(MAX_VALIDATORS, 0));
        let all = one.saturating_mul(1_000).saturating_add(limits.base_block).saturating_add(inherents);
        let room = normal.max_total.expect("Normal extrinsics have a bound");
        assert!(all.all_lte(room), "1,000 transfers weigh {all:?}, room is {room:?}");
    });
}

#[test]
fn the_longest_contract_fits_a_block_with_its_constructor() {
    const CONSTRUCTOR: Weight = Weight::from_parts(20_000_000_000, 0);
    let call = RuntimeCall::Contracts(pallet_contracts::Call::instantiate_with_code {
        value: 0,
        gas_limit: CONSTRUCTOR,
        storage_deposit_limit: None,
        code: vec![0; pallet_contracts::MAX_CODE_LEN as usize],
        data: vec![],
        salt: vec![],
    });
    let declared = genesis_with(0).execute_with(|| signed(Alice, 0, call).get_dispatch_info().total_weight());
    let most = <Runtime as frame_system::Config>::BlockWeights::get()
        .get(DispatchClass::Normal)
        .max_extrinsic
        .expect("there is a limit");
    assert!(declared.all_lte(most), "{declared} of {most}");
}

#[test]
fn no_extrinsic_can_run_out_of_proof_size() {
    let limits = <Runtime as frame_system::Config>::BlockWeights::get();
    assert_eq!(limits.max_block, Weight::from_parts(500_000_000_000, u64::MAX));
    assert_eq!(limits.get(DispatchClass::Mandatory).max_total, None);
    assert_eq!(limits.get(DispatchClass::Mandatory).reserved, None);
    assert!(limits.get(DispatchClass::Operational).reserved.is_some());
}

#[test]
fn block_weights_are_what_the_builder_makes() {
    let normal = NORMAL_DISPATCH_RATIO * MAXIMUM_BLOCK_WEIGHT;
    let built = frame_system::limits::BlockWeights::builder()
        .base_block(weights::BASE_BLOCK)
        .for_class(DispatchClass::all(), |class| class.base_extrinsic = weights::BASE_EXTRINSIC)
        .for_class(DispatchClass::Normal, |class| class.max_total = Some(normal))
        .for_class(DispatchClass::Operational, |class| {
            class.max_total = Some(MAXIMUM_BLOCK_WEIGHT);
            class.reserved = Some(MAXIMUM_BLOCK_WEIGHT - normal);
        })
        .for_class(DispatchClass::Mandatory, |class| {
            class.max_total = None;
            class.reserved = None;
        })
        .avg_block_initialization(AVERAGE_ON_INITIALIZE_RATIO)
        .build_or_panic();
    assert_eq!(<Runtime as frame_system::Config>::BlockWeights::get().encode(), built.encode());
}

#[test]
fn block_length_leaves_the_most_to_mandatory_extrinsics() {
    let limits = <Runtime as frame_system::Config>::BlockLength::get();
    let of = |class| *limits.max.get(class);
    let cometbft_block_bytes_max = 4 * 1024 * 1024;
    assert!(of(DispatchClass::Mandatory) > of(DispatchClass::Operational));
    assert!(of(DispatchClass::Operational) >= cometbft_block_bytes_max);
    assert!(of(DispatchClass::Normal) < cometbft_block_bytes_max);
}

#[test]
fn a_second_inherent_of_a_block_is_not_applicable() {
    genesis_with(0).execute_with(|| {
        begin(1);
        let commit_info = inherents(1).pop().expect("there are two inherents");
        assert!(matches!(commit_info.function, RuntimeCall::Comet(pallet_comet::Call::set_commit_info { .. })));
        let bad: ApplyExtrinsicResult = Err(InvalidTransaction::BadMandatory.into());
        assert_eq!(Executive::apply_extrinsic(commit_info), bad);
    });
}

#[test]
fn an_inherent_is_no_transaction() {
    genesis_with(0).execute_with(|| {
        begin_with(1, Digest::default());
        for inherent in inherents(1) {
            let validity = Executive::validate_transaction(TransactionSource::InBlock, inherent, Hash::repeat_byte(1));
            let refused = TransactionValidityError::Invalid(InvalidTransaction::MandatoryValidation);
            assert_eq!(validity, Err(refused));
        }
    });
}

#[test]
fn a_signed_inherent_is_not_applicable() {
    genesis_with(0).execute_with(|| {
        begin(1);
        let forged = signed(Charlie, 0, pallet_comet::Call::set_commit_info { info: Default::default() });
        let bad: ApplyExtrinsicResult = Err(InvalidTransaction::BadMandatory.into());
        assert_eq!(Executive::apply_extrinsic(forged), bad);
    });
}

#[test]
fn set_code_without_delay_updates_code_in_the_same_extrinsic() {
    genesis_with(0).execute_with(|| {
        begin(1);
        assert_eq!(Executive::apply_extrinsic(signed(Alice, 0, set_code(VERSION.spec_version + 1))), Ok(Ok(())));
        let updated =
            |event: &RuntimeEvent| matches!(event, RuntimeEvent::System(frame_system::Event::CodeUpdated { .. }));
        assert_eq!(events_of(2).iter().filter(|event| updated(event)).count(), 1);
        let header = Executive::finalize_block();
        assert!(header.digest.logs.contains(&DigestItem::RuntimeEnvironmentUpdated));
        let stored = sp_io::storage::get(sp_core::storage::well_known_keys::CODE);
        assert_eq!(stored.map(|code| code.to_vec()), Some(blob(VERSION.spec_version + 1)));
    });
}

#[test]
fn set_code_with_a_delay_is_scheduled() {
    genesis_with(10).execute_with(|| {
        begin(1);
        assert_eq!(Executive::apply_extrinsic(signed(Alice, 0, set_code(VERSION.spec_version + 1))), Ok(Ok(())));
        assert_eq!(pallet_upgrade::Pending::<Runtime>::get().map(|pending| pending.at), Some(11));
        assert_eq!(Executive::finalize_block().digest.logs, vec![]);
    });
}

#[test]
fn set_code_refuses_another_name_and_an_old_version() {
    genesis_with(0).execute_with(|| {
        begin(1);
        assert_eq!(Executive::apply_extrinsic(signed(Alice, 0, set_code(VERSION.spec_version))), Ok(Ok(())));
        assert_sudo_failed_with(frame_system::Error::<Runtime>::SpecVersionNeedsToIncrease.into());
        let code = RuntimeVersion { spec_name: "other".into(), spec_version: 9, ..VERSION }.encode();
        let call = sudo(frame_system::Call::set_code { code });
        assert_eq!(Executive::apply_extrinsic(signed(Alice, 1, call)), Ok(Ok(())));
        assert_sudo_failed_with(frame_system::Error::<Runtime>::InvalidSpecName.into());
    });
}

#[test]
fn set_code_without_delay_is_refused_among_several_validators() {
    genesis_with(0).execute_with(|| {
        begin(1);
        let add = sudo(pallet_comet::Call::set_validator_power { pub_key: [1; 32], power: 1 });
        assert_eq!(Executive::apply_extrinsic(signed(Alice, 0, add)), Ok(Ok(())));
        assert_eq!(Executive::apply_extrinsic(signed(Alice, 1, set_code(VERSION.spec_version + 1))), Ok(Ok(())));
        assert_sudo_failed_with(pallet_upgrade::Error::<Runtime>::DelayRequired.into());
    });
}

#[test]
fn the_state_is_good_after_genesis_and_after_a_block() {
    genesis_with(0).execute_with(|| {
        assert_eq!(apis::check_state(), Ok(()));
        begin(1);
        Executive::finalize_block();
        assert_eq!(apis::check_state(), Ok(()));
        frame_system::LastRuntimeUpgrade::<Runtime>::kill();
        assert_eq!(apis::check_state(), Err("no blob ever executed a block"));
    });
}

#[test]
fn pallets_keep_their_indexes() {
    let indexes = [
        (System::index(), System::name()),
        (Timestamp::index(), Timestamp::name()),
        (Balances::index(), Balances::name()),
        (TransactionPayment::index(), TransactionPayment::name()),
        (Utility::index(), Utility::name()),
        (Multisig::index(), Multisig::name()),
        (Proxy::index(), Proxy::name()),
        (Sudo::index(), Sudo::name()),
        (Comet::index(), Comet::name()),
        (Upgrade::index(), Upgrade::name()),
        (Contracts::index(), Contracts::name()),
    ];
    let names = [
        "System",
        "Timestamp",
        "Balances",
        "TransactionPayment",
        "Utility",
        "Multisig",
        "Proxy",
        "Sudo",
        "Comet",
        "Upgrade",
        "Contracts",
    ];
    for (position, (index, name)) in indexes.into_iter().enumerate() {
        assert_eq!((index, name), (position, names[position]));
    }
}

#[test]
fn metadata_is_what_wallets_look_for() {
    assert_eq!(Runtime::metadata_versions()[..3], [14, 15, 16]);
    let metadata = Runtime::metadata();
    let frame_metadata::RuntimeMetadata::V14(metadata) = metadata.1 else { panic!("not version 14") };
    assert_eq!(metadata.extrinsic.version, 4);
    let extensions: Vec<_> = metadata.extrinsic.signed_extensions.iter().map(|it| it.identifier.as_str()).collect();
    let expected = [
        "CheckNonZeroSender",
        "CheckSpecVersion",
        "CheckTxVersion",
        "CheckGenesis",
        "CheckMortality",
        "CheckNonce",
        "CheckWeight",
        "ChargeTransactionPayment",
    ];
    assert_eq!(extensions, expected);
    let opaque = Runtime::metadata_at_version(15).expect("version 15 is offered");
    let metadata = frame_metadata::RuntimeMetadataPrefixed::decode(&mut &opaque[..]).expect("it decodes");
    let frame_metadata::RuntimeMetadata::V15(metadata) = metadata.1 else { panic!("not version 15") };
    let paths: Vec<String> = metadata.types.types.iter().map(|it| it.ty.path.segments.join("::")).collect();
    for path in [
        "sepia_runtime::RuntimeCall",
        "sepia_runtime::RuntimeEvent",
        "sepia_runtime::RuntimeError",
        "sp_runtime::generic::unchecked_extrinsic::UncheckedExtrinsic",
        "sp_core::crypto::AccountId32",
        "sp_runtime::multiaddress::MultiAddress",
        "sp_runtime::MultiSignature",
        "sp_runtime::generic::era::Era",
        "frame_system::EventRecord",
        "frame_system::Phase",
        "frame_system::AccountInfo",
        "pallet_balances::types::AccountData",
        "sp_weights::weight_v2::Weight",
        "frame_support::dispatch::DispatchClass",
        "frame_support::dispatch::Pays",
        "frame_system::DispatchEventInfo",
        "sp_runtime::DispatchError",
        "sp_runtime::ModuleError",
        "primitive_types::H256",
        "sp_version::RuntimeVersion",
        "pallet_contracts::Environment",
        "pallet_contracts::Origin",
        "pallet_contracts::storage::ContractInfo",
        "pallet_contracts::wasm::Determinism",
    ] {
        assert!(paths.iter().any(|it| it == path), "{path} is not in the metadata");
    }
}

#[test]
fn metadata_16_lists_extrinsic_version_4_first() {
    let opaque = Runtime::metadata_at_version(16).expect("version 16 is offered");
    let metadata = frame_metadata::RuntimeMetadataPrefixed::decode(&mut &opaque[..]).expect("it decodes");
    let frame_metadata::RuntimeMetadata::V16(metadata) = metadata.1 else { panic!("not version 16") };
    assert_eq!(metadata.extrinsic.versions[0], 4);
}

/// The README's table of constants, a row each: `| name | value |`.
#[test]
fn the_readme_shows_the_constants_that_are_in_force() {
    let readme = include_str!("../../README.md");
    let rows = [
        ("existential deposit", format!("{} = 0.001 UNIT", EXISTENTIAL_DEPOSIT)),
        ("SS58 prefix", SS58_PREFIX.to_string()),
        ("BlockHashCount", BLOCK_HASH_COUNT.to_string()),
        ("MinimumPeriod", format!("{MINIMUM_PERIOD_MS} ms")),
        ("MaxConsumers", MAX_CONSUMERS.to_string()),
        ("maximum block weight", format!("{} ps, proof size u64::MAX", MAXIMUM_BLOCK_WEIGHT.ref_time())),
        ("Normal share", "75 %".into()),
        ("block bytes, Normal", NORMAL_BLOCK_BYTES_MAX.to_string()),
        ("block bytes, Operational", OPERATIONAL_BLOCK_BYTES_MAX.to_string()),
        ("block bytes, Mandatory", MANDATORY_BLOCK_BYTES_MAX.to_string()),
        ("fee of a byte", BYTE_FEE.to_string()),
        ("fee of a ps", "1".into()),
        ("fee multiplier", "1, constant".into()),
        ("OperationalFeeMultiplier", OPERATIONAL_FEE_MULTIPLIER.to_string()),
        ("deposit of an item", deposit(1, 0).to_string()),
        ("deposit of a byte", deposit(0, 1).to_string()),
        ("deposit of a contract's item", contract_deposit(1, 0).to_string()),
        ("deposit of a contract's byte", contract_deposit(0, 1).to_string()),
        ("MaxSignatories", MAX_SIGNATORIES.to_string()),
        ("MaxProxies, MaxPending", MAX_PROXIES.to_string()),
        ("MaxLocks, MaxReserves", format!("{MAX_LOCKS}, {MAX_RESERVES}")),
        ("MaxValidators", MAX_VALIDATORS.to_string()),
        ("MaxCodeLen", CODE_BYTES_MAX.to_string()),
        ("system_version", VERSION.system_version.to_string()),
    ];
    for (name, value) in rows {
        let row = format!("| {name} | {value} |");
        assert!(readme.contains(&row), "runtime/blob/README.md lacks the row: {row}");
    }
}
