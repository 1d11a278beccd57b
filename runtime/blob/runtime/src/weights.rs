//! What things cost, in ps of ref_time.
//!
//! [`table`] holds the numbers and nothing else; this file says how they combine. A weight is an estimate of time on the baseline
//! machine and decides fees and how much fits into a block. Gas is the bound that stops whatever takes longer; it is the host's.
//!
//! Rows exist for what every block or most extrinsics do. Calls of stock pallets without a row have their authors' estimate, with
//! state priced by [`StateWeight`], times [`table::STOCK_FACTOR`]. No weight here is refunded after dispatch, so the fee
//! that a wallet was shown is the fee that is charged.

pub mod table;

use crate::Runtime;
use frame_support::{
    parameter_types,
    weights::{RuntimeDbWeight, Weight},
};

/// What an empty block costs: its header, its digest, the hooks of stock pallets, the events' bookkeeping.
pub const BASE_BLOCK: Weight = time(table::BASE_BLOCK_PS);
/// What an extrinsic costs before its extensions and its call: signature check, decoding, bookkeeping.
pub const BASE_EXTRINSIC: Weight = time(table::BASE_EXTRINSIC_PS);

type StockSystem = frame_system::weights::SubstrateWeight<Runtime>;
type StockBalances = pallet_balances::weights::SubstrateWeight<Runtime>;

parameter_types! {
    /// One key read from, or written to, the host's state, with its share of the tree, the history and the commit.
    pub const StateWeight: RuntimeDbWeight =
        RuntimeDbWeight { read: table::STATE_READ_PS, write: table::STATE_WRITE_PS };
}

/// A weight without proof size: proofs are not part of a block here.
const fn time(ps: u64) -> Weight {
    Weight::from_parts(ps, 0)
}

/// Computing time with so many keys read and written.
fn priced(ps: u64, reads: u64, writes: u64) -> Weight {
    time(ps).saturating_add(StateWeight::get().reads_writes(reads, writes))
}

/// Prices of the extensions that every signed extrinsic carries.
pub struct Extensions;

impl frame_system::ExtensionsWeightInfo for Extensions {
    fn check_genesis() -> Weight {
        priced(table::CHECK_BLOCK_HASH_PS, 1, 0)
    }

    fn check_mortality_mortal_transaction() -> Weight {
        priced(table::CHECK_BLOCK_HASH_PS, 1, 0)
    }

    fn check_mortality_immortal_transaction() -> Weight {
        priced(table::CHECK_BLOCK_HASH_PS, 1, 0)
    }

    fn check_non_zero_sender() -> Weight {
        time(table::CHECK_CONSTANT_PS)
    }

    fn check_nonce() -> Weight {
        priced(table::CHECK_NONCE_PS, 1, 1)
    }

    fn check_spec_version() -> Weight {
        time(table::CHECK_CONSTANT_PS)
    }

    fn check_tx_version() -> Weight {
        time(table::CHECK_CONSTANT_PS)
    }

    fn check_weight() -> Weight {
        priced(table::CHECK_WEIGHT_PS, 2, 2)
    }

    fn weight_reclaim() -> Weight {
        priced(table::CHECK_WEIGHT_PS, 1, 1)
    }
}

/// Price of taking the fee.
pub struct Payment;

impl pallet_transaction_payment::WeightInfo for Payment {
    fn charge_transaction_payment() -> Weight {
        priced(table::CHARGE_FEE_PS, 1, 1)
    }
}

/// Prices of the pallet `timestamp`: its inherent is part of every block.
pub struct Timestamp;

impl pallet_timestamp::WeightInfo for Timestamp {
    fn set() -> Weight {
        priced(table::INHERENT_PS, 2, 2)
    }

    fn on_finalize() -> Weight {
        priced(table::CHECK_CONSTANT_PS, 1, 1)
    }
}

/// Prices of the pallet `balances`: transfers have a row, the rest is stock, scaled.
pub struct Balances;

impl pallet_balances::WeightInfo for Balances {
    fn transfer_allow_death() -> Weight {
        priced(table::TRANSFER_PS, 2, 2)
    }

    fn transfer_keep_alive() -> Weight {
        priced(table::TRANSFER_PS, 2, 2)
    }

    fn transfer_all() -> Weight {
        priced(table::TRANSFER_PS, 2, 2)
    }

    fn force_transfer() -> Weight {
        priced(table::TRANSFER_PS, 2, 2)
    }

    fn force_set_balance_creating() -> Weight {
        scaled(StockBalances::force_set_balance_creating())
    }

    fn force_set_balance_killing() -> Weight {
        scaled(StockBalances::force_set_balance_killing())
    }

    fn force_unreserve() -> Weight {
        scaled(StockBalances::force_unreserve())
    }

    fn upgrade_accounts(accounts: u32) -> Weight {
        scaled(StockBalances::upgrade_accounts(accounts))
    }

    fn force_adjust_total_issuance() -> Weight {
        scaled(StockBalances::force_adjust_total_issuance())
    }

    fn burn_allow_death() -> Weight {
        scaled(StockBalances::burn_allow_death())
    }

    fn burn_keep_alive() -> Weight {
        scaled(StockBalances::burn_keep_alive())
    }
}

/// Prices of the pallet `comet`.
pub struct Comet;

impl pallet_comet::WeightInfo for Comet {
    fn set_commit_info(votes: u32, misbehaviour: u32) -> Weight {
        // Author, summary, guard; in the hook: guard and changes again.
        let entries = u64::from(votes) + u64::from(misbehaviour);
        let events = time(table::EVENT_PS).saturating_mul(misbehaviour.into());
        priced(table::INHERENT_PS, 3, 5)
            .saturating_add(priced(table::COMMIT_VOTE_PS, 1, 0).saturating_mul(entries))
            .saturating_add(events)
    }

    fn set_validator_power() -> Weight {
        // Power, its counter, the total, the changes, the address; in the hook the power again, and a digest item.
        priced(table::SMALL_CALL_PS, 5, 5)
    }
}

/// Prices of the pallet `upgrade`.
pub struct Upgrade;

impl pallet_upgrade::WeightInfo for Upgrade {
    fn on_initialize() -> Weight {
        priced(table::CHECK_CONSTANT_PS, 2, 0)
    }

    fn host_message() -> Weight {
        time(table::EVENT_PS)
    }

    fn activate() -> Weight {
        // The code is read, written under another key, and removed.
        priced(table::WRITE_CODE_PS, 2, 4)
    }

    fn cancel() -> Weight {
        priced(table::SMALL_CALL_PS, 2, 2)
    }
}

/// A stock estimate, made ours.
fn scaled(stock: Weight) -> Weight {
    stock.saturating_mul(table::STOCK_FACTOR)
}

/// Prices of a stock pallet: the stock estimates, scaled.
macro_rules! stock {
    (
        $(#[$doc:meta])*
        pub struct $name:ident: $pallet:ident { $(fn $call:ident($($size:ident),*);)+ }
    ) => {
        $(#[$doc])*
        pub struct $name;

        impl $pallet::WeightInfo for $name {
            $(fn $call($($size: u32),*) -> Weight {
                scaled(<$pallet::weights::SubstrateWeight<Runtime> as $pallet::WeightInfo>::$call($($size),*))
            })+
        }
    };
}

stock! {
    /// Prices of the pallet `utility`, without those of the calls in its own.
    pub struct Utility: pallet_utility {
        fn batch(calls);
        fn as_derivative();
        fn batch_all(calls);
        fn dispatch_as();
        fn force_batch(calls);
        fn dispatch_as_fallible();
        fn if_else();
    }
}

stock! {
    /// Prices of the pallet `multisig`.
    pub struct Multisig: pallet_multisig {
        fn as_multi_threshold_1(bytes);
        fn as_multi_create(signatories, bytes);
        fn as_multi_approve(signatories, bytes);
        fn as_multi_complete(signatories, bytes);
        fn approve_as_multi_create(signatories);
        fn approve_as_multi_approve(signatories);
        fn cancel_as_multi(signatories);
        fn poke_deposit(signatories);
    }
}

stock! {
    /// Prices of the pallet `proxy`.
    pub struct Proxy: pallet_proxy {
        fn proxy(proxies);
        fn proxy_announced(announcements, proxies);
        fn remove_announcement(announcements, proxies);
        fn reject_announcement(announcements, proxies);
        fn announce(announcements, proxies);
        fn add_proxy(proxies);
        fn remove_proxy(proxies);
        fn remove_proxies(proxies);
        fn create_pure(proxies);
        fn kill_pure(proxies);
        fn poke_deposit();
    }
}

/// Prices of the pallet `system`. Its upgrades are estimated for checks of the code that are not made here, and not scaled.
pub struct System;

impl frame_system::WeightInfo for System {
    fn remark(bytes: u32) -> Weight {
        scaled(StockSystem::remark(bytes))
    }

    fn remark_with_event(bytes: u32) -> Weight {
        scaled(StockSystem::remark_with_event(bytes))
    }

    fn set_heap_pages() -> Weight {
        scaled(StockSystem::set_heap_pages())
    }

    fn set_code() -> Weight {
        StockSystem::set_code()
    }

    fn set_storage(items: u32) -> Weight {
        scaled(StockSystem::set_storage(items))
    }

    fn kill_storage(items: u32) -> Weight {
        scaled(StockSystem::kill_storage(items))
    }

    fn kill_prefix(keys: u32) -> Weight {
        scaled(StockSystem::kill_prefix(keys))
    }

    fn authorize_upgrade() -> Weight {
        scaled(StockSystem::authorize_upgrade())
    }

    fn apply_authorized_upgrade() -> Weight {
        StockSystem::apply_authorized_upgrade()
    }
}
