//! How each pallet is set up. Numbers are in [`crate::constants`], prices in [`crate::weights`].

use crate::{
    constants::*, AccountId, Balance, Balances, Block, Hash, Nonce, OriginCaller, PalletInfo, Runtime, RuntimeCall,
    RuntimeEvent, RuntimeFreezeReason, RuntimeHoldReason, RuntimeOrigin, RuntimeTask, System, Timestamp, Upgrade,
    VERSION,
};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use frame_support::{
    derive_impl,
    dispatch::{DispatchClass, PerDispatchClass},
    parameter_types,
    traits::{ConstU128, ConstU16, ConstU32, ConstU64, ConstU8, Get, InstanceFilter},
    weights::{ConstantMultiplier, IdentityFee, Weight},
};
use frame_system::limits::{BlockLength, BlockWeights, WeightsPerClass};
use pallet_transaction_payment::{ConstFeeMultiplier, Multiplier};
use scale_info::TypeInfo;
use sp_runtime::{
    traits::{AccountIdLookup, BlakeTwo256, One},
    Perbill,
};
use sp_version::RuntimeVersion;

/// Limits of a block's weight. FRAME asks for them ten times in each extrinsic, so they are a constant and not made by the
/// builder, whose result they are (a test compares).
pub struct RuntimeBlockWeights;

impl Get<BlockWeights> for RuntimeBlockWeights {
    fn get() -> BlockWeights {
        BlockWeights {
            base_block: crate::weights::BASE_BLOCK,
            max_block: MAXIMUM_BLOCK_WEIGHT,
            per_class: PerDispatchClass::new(|class| match class {
                DispatchClass::Normal => class_weights(Some(NORMAL_BLOCK_WEIGHT), Some(Weight::zero())),
                DispatchClass::Operational => class_weights(
                    Some(MAXIMUM_BLOCK_WEIGHT),
                    Some(MAXIMUM_BLOCK_WEIGHT.saturating_sub(NORMAL_BLOCK_WEIGHT)),
                ),
                DispatchClass::Mandatory => class_weights(None, None),
            }),
        }
    }
}

const NORMAL_BLOCK_WEIGHT: Weight = share(NORMAL_DISPATCH_RATIO, MAXIMUM_BLOCK_WEIGHT);
const HOOKS_WEIGHT: Weight = share(AVERAGE_ON_INITIALIZE_RATIO, MAXIMUM_BLOCK_WEIGHT);

/// The limits of a class: one extrinsic may use what hooks and its own base leave of the total.
const fn class_weights(max_total: Option<Weight>, reserved: Option<Weight>) -> WeightsPerClass {
    let base_extrinsic = crate::weights::BASE_EXTRINSIC;
    let max_extrinsic = match max_total {
        Some(total) => Some(total.saturating_sub(HOOKS_WEIGHT).saturating_sub(base_extrinsic)),
        None => None,
    };
    WeightsPerClass { base_extrinsic, max_extrinsic, max_total, reserved }
}

/// A part of a weight, rounded as `Perbill` does.
const fn share(part: Perbill, of: Weight) -> Weight {
    Weight::from_parts(share_u64(part, of.ref_time()), share_u64(part, of.proof_size()))
}

const fn share_u64(part: Perbill, of: u64) -> u64 {
    const BILLION: u128 = 1_000_000_000;
    ((of as u128 * part.deconstruct() as u128 + BILLION / 2) / BILLION) as u64
}

fn block_length() -> BlockLength {
    BlockLength::builder()
        .max_length(NORMAL_BLOCK_BYTES_MAX)
        .modify_max_length_for_class(DispatchClass::Operational, |max| *max = OPERATIONAL_BLOCK_BYTES_MAX)
        .modify_max_length_for_class(DispatchClass::Mandatory, |max| *max = MANDATORY_BLOCK_BYTES_MAX)
        .build()
}

parameter_types! {
    pub const Version: RuntimeVersion = VERSION;
    pub RuntimeBlockLength: BlockLength = block_length();
    pub FeeMultiplier: Multiplier = Multiplier::one();
}

#[derive_impl(frame_system::config_preludes::SolochainDefaultConfig)]
impl frame_system::Config for Runtime {
    type AccountData = pallet_balances::AccountData<Balance>;
    type AccountId = AccountId;
    type Block = Block;
    type BlockHashCount = ConstU32<BLOCK_HASH_COUNT>;
    type BlockLength = RuntimeBlockLength;
    type BlockWeights = RuntimeBlockWeights;
    type DbWeight = crate::weights::StateWeight;
    type ExtensionsWeightInfo = crate::weights::Extensions;
    type Hash = Hash;
    type Lookup = AccountIdLookup<AccountId, ()>;
    type MaxConsumers = ConstU32<MAX_CONSUMERS>;
    type Nonce = Nonce;
    type OnSetCode = Upgrade;
    type SS58Prefix = ConstU16<SS58_PREFIX>;
    type SystemWeightInfo = crate::weights::System;
    type Version = Version;
}

impl pallet_timestamp::Config for Runtime {
    type MinimumPeriod = ConstU64<MINIMUM_PERIOD_MS>;
    type Moment = u64;
    type OnTimestampSet = ();
    type WeightInfo = crate::weights::Timestamp;
}

impl pallet_balances::Config for Runtime {
    type AccountStore = System;
    type Balance = Balance;
    type DoneSlashHandler = ();
    type DustRemoval = ();
    type ExistentialDeposit = ConstU128<EXISTENTIAL_DEPOSIT>;
    type FreezeIdentifier = RuntimeFreezeReason;
    type MaxFreezes = ConstU32<MAX_FREEZES>;
    type MaxLocks = ConstU32<MAX_LOCKS>;
    type MaxReserves = ConstU32<MAX_RESERVES>;
    type ReserveIdentifier = [u8; 8];
    type RuntimeEvent = RuntimeEvent;
    type RuntimeFreezeReason = RuntimeFreezeReason;
    type RuntimeHoldReason = RuntimeHoldReason;
    type WeightInfo = crate::weights::Balances;
}

impl pallet_transaction_payment::Config for Runtime {
    // A price that moves with load would make the fee shown and the fee charged differ.
    type FeeMultiplierUpdate = ConstFeeMultiplier<FeeMultiplier>;
    type LengthToFee = ConstantMultiplier<Balance, ConstU128<BYTE_FEE>>;
    type OnChargeTransaction = pallet_transaction_payment::FungibleAdapter<Balances, ()>;
    type OperationalFeeMultiplier = ConstU8<OPERATIONAL_FEE_MULTIPLIER>;
    type RuntimeEvent = RuntimeEvent;
    type WeightInfo = crate::weights::Payment;
    type WeightToFee = IdentityFee<Balance>;
}

impl pallet_utility::Config for Runtime {
    type PalletsOrigin = OriginCaller;
    type RuntimeCall = RuntimeCall;
    type RuntimeEvent = RuntimeEvent;
    type WeightInfo = crate::weights::Utility;
}

parameter_types! {
    // One entry: 32 bytes of key hash, 16 of timepoint and deposit, 32 of depositor, rounded up.
    pub const MultisigDepositBase: Balance = deposit(1, 88);
    // One more approval: an account.
    pub const MultisigDepositFactor: Balance = deposit(0, 32);
}

impl pallet_multisig::Config for Runtime {
    type BlockNumberProvider = System;
    type Currency = Balances;
    type DepositBase = MultisigDepositBase;
    type DepositFactor = MultisigDepositFactor;
    type MaxSignatories = ConstU32<MAX_SIGNATORIES>;
    type RuntimeCall = RuntimeCall;
    type RuntimeEvent = RuntimeEvent;
    type WeightInfo = crate::weights::Multisig;
}

/// What a proxy may do in the name of the account that named it.
#[derive(
    Copy,
    Clone,
    Default,
    Eq,
    PartialEq,
    Ord,
    PartialOrd,
    Encode,
    Decode,
    DecodeWithMemTracking,
    Debug,
    MaxEncodedLen,
    TypeInfo,
)]
pub enum ProxyType {
    /// All calls.
    #[default]
    Any,
    /// All calls but those that move balances or are made by root.
    NonTransfer,
    /// Only announcements of other proxies may be rejected.
    CancelProxy,
}

impl InstanceFilter<RuntimeCall> for ProxyType {
    fn filter(&self, call: &RuntimeCall) -> bool {
        match self {
            ProxyType::Any => true,
            ProxyType::NonTransfer => !matches!(call, RuntimeCall::Balances(..) | RuntimeCall::Sudo(..)),
            ProxyType::CancelProxy => {
                matches!(call, RuntimeCall::Proxy(pallet_proxy::Call::reject_announcement { .. }))
            }
        }
    }

    fn is_superset(&self, other: &Self) -> bool {
        self == other || *self == ProxyType::Any
    }
}

parameter_types! {
    // One entry with its own deposit beside it.
    pub const ProxyDepositBase: Balance = deposit(1, 8);
    // An account, a proxy type, a delay.
    pub const ProxyDepositFactor: Balance = deposit(0, 33);
    pub const AnnouncementDepositBase: Balance = deposit(1, 8);
    // An account, a call hash, a block number, rounded up.
    pub const AnnouncementDepositFactor: Balance = deposit(0, 66);
}

impl pallet_proxy::Config for Runtime {
    type AnnouncementDepositBase = AnnouncementDepositBase;
    type AnnouncementDepositFactor = AnnouncementDepositFactor;
    type BlockNumberProvider = System;
    type CallHasher = BlakeTwo256;
    type Currency = Balances;
    type MaxPending = ConstU32<MAX_PROXIES>;
    type MaxProxies = ConstU32<MAX_PROXIES>;
    type ProxyDepositBase = ProxyDepositBase;
    type ProxyDepositFactor = ProxyDepositFactor;
    type ProxyType = ProxyType;
    type RuntimeCall = RuntimeCall;
    type RuntimeEvent = RuntimeEvent;
    type WeightInfo = crate::weights::Proxy;
}

impl pallet_sudo::Config for Runtime {
    type RuntimeCall = RuntimeCall;
    type RuntimeEvent = RuntimeEvent;
    type WeightInfo = pallet_sudo::weights::SubstrateWeight<Runtime>;
}

impl pallet_comet::Config for Runtime {
    type MaxValidators = ConstU32<MAX_VALIDATORS>;
    type WeightInfo = crate::weights::Comet;
}

/// How many validators the pallet `comet` holds.
pub struct ValidatorCount;

impl Get<u32> for ValidatorCount {
    fn get() -> u32 {
        pallet_comet::Validators::<Runtime>::count()
    }
}

impl pallet_upgrade::Config for Runtime {
    type MaxCodeLen = ConstU32<CODE_BYTES_MAX>;
    type ValidatorCount = ValidatorCount;
    type WeightInfo = crate::weights::Upgrade;
}

parameter_types! {
    pub const ContractDepositPerByte: Balance = contract_deposit(0, 1);
    pub const ContractDepositPerItem: Balance = contract_deposit(1, 0);
    pub const DefaultContractDepositLimit: Balance = contract_deposit(1_024, 1_024 * 1_024);
    // Whoever stored the code has a deposit on it already; its users pay nothing for it.
    pub const CodeHashLockupDepositPercent: Perbill = Perbill::from_percent(0);
}

impl pallet_contracts::Config for Runtime {
    type CodeHashLockupDepositPercent = CodeHashLockupDepositPercent;
    type Currency = Balances;
    type DefaultDepositLimit = DefaultContractDepositLimit;
    type DepositPerByte = ContractDepositPerByte;
    type DepositPerItem = ContractDepositPerItem;
    type RuntimeHoldReason = RuntimeHoldReason;
    type Time = Timestamp;
}
