//! How each pallet is set up. Numbers are in [`crate::constants`], prices in [`crate::weights`].

use crate::{
    constants::*, AccountId, Balance, Balances, Block, Hash, Nonce, OriginCaller, PalletInfo, Runtime, RuntimeCall,
    RuntimeEvent, RuntimeFreezeReason, RuntimeHoldReason, RuntimeOrigin, RuntimeTask, System, Timestamp, Upgrade,
    VERSION,
};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use frame_support::{
    derive_impl,
    dispatch::DispatchClass,
    parameter_types,
    traits::{ConstU128, ConstU16, ConstU32, ConstU64, ConstU8, Get, InstanceFilter},
    weights::{ConstantMultiplier, IdentityFee},
};
use frame_system::limits::{BlockLength, BlockWeights};
use pallet_transaction_payment::{ConstFeeMultiplier, Multiplier};
use scale_info::TypeInfo;
use sp_runtime::{
    traits::{AccountIdLookup, BlakeTwo256, One},
    Perbill,
};
use sp_version::RuntimeVersion;

fn block_weights() -> BlockWeights {
    BlockWeights::builder()
        .base_block(crate::weights::BASE_BLOCK)
        .for_class(DispatchClass::all(), |weights| weights.base_extrinsic = crate::weights::BASE_EXTRINSIC)
        .for_class(DispatchClass::Normal, |weights| {
            weights.max_total = Some(NORMAL_DISPATCH_RATIO * MAXIMUM_BLOCK_WEIGHT);
        })
        .for_class(DispatchClass::Operational, |weights| {
            weights.max_total = Some(MAXIMUM_BLOCK_WEIGHT);
            weights.reserved = Some(MAXIMUM_BLOCK_WEIGHT - NORMAL_DISPATCH_RATIO * MAXIMUM_BLOCK_WEIGHT);
        })
        .for_class(DispatchClass::Mandatory, |weights| {
            weights.max_total = None;
            weights.reserved = None;
        })
        .avg_block_initialization(AVERAGE_ON_INITIALIZE_RATIO)
        .build_or_panic()
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
    pub RuntimeBlockWeights: BlockWeights = block_weights();
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
    type SystemWeightInfo = frame_system::weights::SubstrateWeight<Runtime>;
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
    type WeightInfo = pallet_utility::weights::SubstrateWeight<Runtime>;
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
    type WeightInfo = pallet_multisig::weights::SubstrateWeight<Runtime>;
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
    type WeightInfo = pallet_proxy::weights::SubstrateWeight<Runtime>;
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
