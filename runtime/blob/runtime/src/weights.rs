//! What things cost, in ps of ref_time.
//!
//! [`table`] holds the numbers and nothing else; this file says how they combine. A weight is an estimate of time on the baseline
//! machine and decides fees and how much fits into a block. Gas is the bound that stops whatever takes longer; it is the host's.
//!
//! Rows exist for what every block or most extrinsics do. Calls of stock pallets without a row keep their authors' estimate of
//! computing time, which is above ours, and pay for state by [`StateWeight`]. No weight here is refunded after dispatch, so the fee
//! that a wallet was shown is the fee that is charged.

pub mod table;

use frame_support::{
    parameter_types,
    weights::{RuntimeDbWeight, Weight},
};

/// The stock estimates, by pallet.
mod stock {
    use crate::Runtime;

    pub type Balances = pallet_balances::weights::SubstrateWeight<Runtime>;
}

/// What an empty block costs: its header, its digest, the hooks of stock pallets, the events' bookkeeping.
pub const BASE_BLOCK: Weight = time(table::BASE_BLOCK_PS);
/// What an extrinsic costs before its extensions and its call: signature check, decoding, bookkeeping.
pub const BASE_EXTRINSIC: Weight = time(table::BASE_EXTRINSIC_PS);

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

/// Prices of the pallet `balances`: transfers have a row, the rest is stock.
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
        stock::Balances::force_set_balance_creating()
    }

    fn force_set_balance_killing() -> Weight {
        stock::Balances::force_set_balance_killing()
    }

    fn force_unreserve() -> Weight {
        stock::Balances::force_unreserve()
    }

    fn upgrade_accounts(accounts: u32) -> Weight {
        stock::Balances::upgrade_accounts(accounts)
    }

    fn force_adjust_total_issuance() -> Weight {
        stock::Balances::force_adjust_total_issuance()
    }

    fn burn_allow_death() -> Weight {
        stock::Balances::burn_allow_death()
    }

    fn burn_keep_alive() -> Weight {
        stock::Balances::burn_keep_alive()
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
