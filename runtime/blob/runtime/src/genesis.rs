//! Genesis presets: patches over the default genesis, by name.

use crate::{constants::UNIT, AccountId, Balance, BlockNumber};
use alloc::{string::ToString, vec::Vec};
use serde_json::{json, Value};
use sp_genesis_builder::PresetId;
use sp_keyring::Sr25519Keyring;

/// A development chain: one validator, an upgrade takes effect in the block that carries it.
const DEV: &str = "dev";
/// A network of several validators.
const TESTNET: &str = "testnet";

/// What each well-known account starts with.
const ENDOWMENT: Balance = 1_000_000 * UNIT;

const FUNDED: [Sr25519Keyring; 12] = [
    Sr25519Keyring::Alice,
    Sr25519Keyring::Bob,
    Sr25519Keyring::Charlie,
    Sr25519Keyring::Dave,
    Sr25519Keyring::Eve,
    Sr25519Keyring::Ferdie,
    Sr25519Keyring::AliceStash,
    Sr25519Keyring::BobStash,
    Sr25519Keyring::CharlieStash,
    Sr25519Keyring::DaveStash,
    Sr25519Keyring::EveStash,
    Sr25519Keyring::FerdieStash,
];

/// `upgrade_delay` in blocks. Validators are not in a preset: the node puts in those that it made.
fn preset_with(upgrade_delay: BlockNumber) -> Value {
    let balances: Vec<(AccountId, Balance)> =
        FUNDED.iter().map(|account| (account.to_account_id(), ENDOWMENT)).collect();
    json!({
        "balances": { "balances": balances },
        "sudo": { "key": Sr25519Keyring::Alice.to_account_id() },
        "upgrade": { "delay": upgrade_delay },
    })
}

/// The patch named `id`, as JSON.
pub fn preset(id: &PresetId) -> Option<Vec<u8>> {
    let patch = match id.as_ref() {
        DEV => preset_with(0),
        TESTNET => preset_with(10),
        _ => return None,
    };
    Some(patch.to_string().into_bytes())
}

/// All names that [`preset`] knows.
pub fn preset_names() -> Vec<PresetId> {
    [DEV, TESTNET].into_iter().map(PresetId::from).collect()
}
