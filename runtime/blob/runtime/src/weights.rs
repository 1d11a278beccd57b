//! What things cost, in ps of ref_time.

use frame_support::{
    parameter_types,
    weights::{constants::WEIGHT_REF_TIME_PER_MICROS, RuntimeDbWeight, Weight},
};

/// What an empty block costs.
pub const BASE_BLOCK: Weight = Weight::from_parts(500 * WEIGHT_REF_TIME_PER_MICROS, 0);
/// What an extrinsic costs before anything is dispatched: signature, decoding, its own bookkeeping.
pub const BASE_EXTRINSIC: Weight = Weight::from_parts(60 * WEIGHT_REF_TIME_PER_MICROS, 0);

parameter_types! {
    /// One key read from, or written to, the host's state.
    pub const StateWeight: RuntimeDbWeight = RuntimeDbWeight {
        read: WEIGHT_REF_TIME_PER_MICROS,
        write: 3 * WEIGHT_REF_TIME_PER_MICROS,
    };
}

/// What the extensions of an extrinsic cost.
pub type Extensions = frame_system::SubstrateExtensionsWeight<crate::Runtime>;
/// What charging the fee costs.
pub type Payment = pallet_transaction_payment::weights::SubstrateWeight<crate::Runtime>;

/// Prices of the pallet `comet`.
pub struct Comet;

impl pallet_comet::WeightInfo for Comet {
    fn set_commit_info(votes: u32, misbehaviour: u32) -> Weight {
        micros(10)
            .saturating_add(micros(2).saturating_mul(votes.into()))
            .saturating_add(micros(5).saturating_mul(misbehaviour.into()))
            .saturating_add(StateWeight::get().reads_writes(u64::from(votes) + u64::from(misbehaviour) + 5, 5))
    }

    fn set_validator_power() -> Weight {
        micros(20).saturating_add(StateWeight::get().reads_writes(5, 5))
    }
}

/// Prices of the pallet `upgrade`.
pub struct Upgrade;

impl pallet_upgrade::WeightInfo for Upgrade {
    fn on_initialize() -> Weight {
        micros(5).saturating_add(StateWeight::get().reads(2))
    }

    fn host_message() -> Weight {
        micros(10).saturating_add(StateWeight::get().reads_writes(1, 1))
    }

    fn activate() -> Weight {
        micros(5_000).saturating_add(StateWeight::get().reads_writes(2, 4))
    }

    fn cancel() -> Weight {
        micros(20).saturating_add(StateWeight::get().reads_writes(2, 2))
    }
}

fn micros(number: u64) -> Weight {
    Weight::from_parts(number * WEIGHT_REF_TIME_PER_MICROS, 0)
}
