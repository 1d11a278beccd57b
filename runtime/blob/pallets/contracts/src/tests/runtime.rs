//! A runtime with contracts, and shorthands for what most tests do.

use std::sync::Arc;

use codec::Encode;
use frame_support::{
    derive_impl, parameter_types,
    traits::{ConstU128, ConstU64},
    weights::Weight,
};
use frame_system::limits::BlockWeights;
use sp_core::{crypto::AccountId32, H256};
use sp_guest_vm::{GuestVmExt, Report};
use sp_io::TestExternalities;
use sp_runtime::{traits::IdentityLookup, BuildStorage, DispatchError, Perbill};

use super::scripts::{Program, Programs, Script, ScriptedVm};
use crate::{Code, CodeHash, ContractInfoOf, Determinism, Error, Event, ExecReturnValue};

pub type Balance = u128;
pub type AccountId = AccountId32;
type Block = frame_system::mocking::MockBlock<Test>;

#[frame_support::runtime]
mod construct {
    #[runtime::runtime]
    #[runtime::derive(
        RuntimeCall,
        RuntimeEvent,
        RuntimeError,
        RuntimeOrigin,
        RuntimeFreezeReason,
        RuntimeHoldReason,
        RuntimeSlashReason,
        RuntimeLockId,
        RuntimeTask
    )]
    pub struct Test;

    #[runtime::pallet_index(0)]
    pub type System = frame_system;
    #[runtime::pallet_index(1)]
    pub type Timestamp = pallet_timestamp;
    #[runtime::pallet_index(2)]
    pub type Balances = pallet_balances;
    #[runtime::pallet_index(10)]
    pub type Contracts = crate;
}

/// Existential deposit.
pub const ED: Balance = 50;
/// Deposit for a byte and for an item.
pub const PER_BYTE: Balance = 2;
pub const PER_ITEM: Balance = 100;
/// Gas that suffices for everything that tests do.
pub const GAS: u64 = 1_000_000_000_000;
/// Most weight of a block.
pub const MAX_BLOCK: u64 = 3_000_000_000_000;
/// What accounts have at the start.
pub const WEALTH: Balance = 1_000_000_000;

parameter_types! {
    pub TestBlockWeights: BlockWeights = BlockWeights::simple_max(Weight::from_parts(MAX_BLOCK, u64::MAX));
    pub static LockupPercent: Perbill = Perbill::from_percent(30);
    pub static DepositPerByte: Balance = PER_BYTE;
    pub const DefaultDepositLimit: Balance = 10_000_000;
}

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Test {
    type Block = Block;
    type AccountId = AccountId;
    type Lookup = IdentityLookup<AccountId>;
    type AccountData = pallet_balances::AccountData<Balance>;
    type BlockWeights = TestBlockWeights;
}

#[derive_impl(pallet_timestamp::config_preludes::TestDefaultConfig)]
impl pallet_timestamp::Config for Test {
    type MinimumPeriod = ConstU64<1>;
}

#[derive_impl(pallet_balances::config_preludes::TestDefaultConfig)]
impl pallet_balances::Config for Test {
    type Balance = Balance;
    type ExistentialDeposit = ConstU128<ED>;
    type AccountStore = System;
}

impl crate::Config for Test {
    type Time = Timestamp;
    type Currency = Balances;
    type RuntimeHoldReason = RuntimeHoldReason;
    type DepositPerByte = DepositPerByte;
    type DepositPerItem = ConstU128<PER_ITEM>;
    type DefaultDepositLimit = DefaultDepositLimit;
    type CodeHashLockupDepositPercent = LockupPercent;
}

pub const ALICE: AccountId = AccountId32::new([1; 32]);
pub const BOB: AccountId = AccountId32::new([2; 32]);
pub const CHARLIE: AccountId = AccountId32::new([3; 32]);
/// An account without a balance.
pub const NOBODY: AccountId = AccountId32::new([9; 32]);

/// A chain with a scripted guest VM.
pub struct Chain {
    ext: TestExternalities,
    programs: Programs,
}

impl Chain {
    pub fn new() -> Self {
        let balances = [ALICE, BOB, CHARLIE].map(|account| (account, WEALTH)).to_vec();
        let genesis = RuntimeGenesisConfig {
            balances: pallet_balances::GenesisConfig { balances, ..Default::default() },
            ..Default::default()
        };
        let mut ext: TestExternalities = genesis.build_storage().expect("genesis builds").into();
        let programs = Programs::default();
        ext.register_extension(GuestVmExt(Box::new(ScriptedVm::new(programs.clone()))));
        ext.execute_with(|| System::set_block_number(1));
        Self { ext, programs }
    }

    /// Makes a program known under its name, which is its code.
    pub fn program(&self, name: &str, body: impl Fn(&mut Script) + Send + Sync + 'static) -> Vec<u8> {
        self.program_with(name, Report { score: 1_000, code_len: name.len() as u32, ..Report::default() }, false, body)
    }

    pub fn program_with(
        &self,
        name: &str,
        report: Report,
        is_invalid: bool,
        body: impl Fn(&mut Script) + Send + Sync + 'static,
    ) -> Vec<u8> {
        let code = name.as_bytes().to_vec();
        let program = Program { body: Arc::new(body), report, is_invalid };
        self.programs.lock().expect("unlocked").insert(code.clone(), program);
        code
    }

    /// Makes a program and a contract of it, whose `deploy` does nothing.
    pub fn contract(&mut self, name: &str, body: impl Fn(&mut Script) + Send + Sync + 'static) -> AccountId {
        let code = self.program(name, on_call(body));
        self.run(|| make(code, vec![]).expect("the contract is made"))
    }

    pub fn run<R>(&mut self, action: impl FnOnce() -> R) -> R {
        self.ext.execute_with(action)
    }

    /// Writes all changes to the state below the overlay, as the end of a block does.
    pub fn commit(&mut self) {
        self.ext.commit_all().expect("changes commit");
    }
}

/// A body that does something in `call` only.
pub fn on_call(body: impl Fn(&mut Script) + Send + Sync + 'static) -> impl Fn(&mut Script) + Send + Sync + 'static {
    move |script| {
        if script.entry == sp_guest_vm::Entry::Call {
            body(script)
        }
    }
}

/// Uploads code and makes a contract of it as Alice.
pub fn make(code: Vec<u8>, salt: Vec<u8>) -> Result<AccountId, DispatchError> {
    let output = Contracts::dry_instantiate(ALICE, 0, Some(gas(GAS)), None, Code::Upload(code), vec![], salt);
    output.result.map(|made| made.account_id)
}

/// Calls a contract as Alice and returns what it returns.
pub fn call(contract: &AccountId, input: &[u8]) -> Result<ExecReturnValue, DispatchError> {
    call_with(contract, 0, input)
}

/// Calls a contract as Alice with a value.
pub fn call_with(contract: &AccountId, value: Balance, input: &[u8]) -> Result<ExecReturnValue, DispatchError> {
    Contracts::dry_call(ALICE, contract.clone(), value, Some(gas(GAS)), None, input.to_vec()).result
}

/// Calls a contract as Alice and returns the data of a good end.
pub fn data_of_call(contract: &AccountId, input: &[u8]) -> Vec<u8> {
    let output = call(contract, input).expect("the call ends well");
    assert!(!output.did_revert());
    output.data
}

pub fn upload(code: Vec<u8>) -> CodeHash<Test> {
    Contracts::upload_code(RuntimeOrigin::signed(ALICE), code.clone(), None, Determinism::Enforced)
        .expect("the code is stored");
    hash_of(&code)
}

pub fn hash_of(code: &[u8]) -> H256 {
    sp_io::hashing::blake2_256(code).into()
}

pub fn info(contract: &AccountId) -> crate::storage::ContractInfo<Test> {
    ContractInfoOf::<Test>::get(contract).expect("the contract exists")
}

pub fn gas(ref_time: u64) -> Weight {
    Weight::from_parts(ref_time, 0)
}

/// The pallet's own events since the last reset.
pub fn events() -> Vec<Event<Test>> {
    let records = System::events().into_iter();
    records
        .filter_map(|record| match record.event {
            RuntimeEvent::Contracts(event) => Some(event),
            _ => None,
        })
        .collect()
}

pub fn error(error: Error<Test>) -> DispatchError {
    error.into()
}

pub fn free(account: &AccountId) -> Balance {
    Balances::free_balance(account)
}

/// Arguments of a guest: pointers and lengths as the guest passes them.
pub fn encode_at(script: &mut Script, at: u32, value: &impl Encode) -> u64 {
    script.put(at, &value.encode());
    at.into()
}
