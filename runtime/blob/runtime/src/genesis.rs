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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Balances, Comet, Runtime, RuntimeGenesisConfig};
    use frame_support::genesis_builder_helper::{build_state, get_preset};

    /// The whole genesis that results from a preset and a change of it.
    fn genesis_of(name: &str, change: Value) -> Vec<u8> {
        let default = get_preset::<RuntimeGenesisConfig>(&None, preset).expect("there is a default");
        let patch = get_preset::<RuntimeGenesisConfig>(&Some(name.into()), preset).expect("the preset exists");
        let mut genesis: Value = serde_json::from_slice(&default).expect("the default is JSON");
        merge(&mut genesis, serde_json::from_slice(&patch).expect("the patch is JSON"));
        merge(&mut genesis, change);
        genesis.to_string().into_bytes()
    }

    /// RFC 7386.
    fn merge(target: &mut Value, patch: Value) {
        match (target, patch) {
            (Value::Object(target), Value::Object(patch)) => {
                for (key, value) in patch {
                    merge(target.entry(key).or_insert(Value::Null), value);
                }
            }
            (target, patch) => *target = patch,
        }
    }

    #[test]
    fn the_dev_preset_funds_the_well_known_accounts() {
        sp_io::TestExternalities::new_empty().execute_with(|| {
            assert_eq!(build_state::<RuntimeGenesisConfig>(genesis_of(DEV, json!({}))), Ok(()));
            for account in FUNDED {
                assert_eq!(Balances::free_balance(account.to_account_id()), 1_000_000 * UNIT);
            }
            assert_eq!(Balances::total_issuance(), 12_000_000 * UNIT);
            assert_eq!(pallet_sudo::Key::<Runtime>::get(), Some(Sr25519Keyring::Alice.to_account_id()));
            assert_eq!(pallet_upgrade::Delay::<Runtime>::get(), 0);
            assert_eq!(Comet::validators(), vec![]);
            assert_eq!(crate::apis::check_state(), Ok(()));
        });
    }

    #[test]
    fn the_testnet_preset_delays_upgrades_and_takes_validators() {
        let key = format!("0x{}", "ab".repeat(32));
        let change = json!({ "comet": { "validators": [{ "pubKey": key, "power": 10 }] } });
        sp_io::TestExternalities::new_empty().execute_with(|| {
            assert_eq!(build_state::<RuntimeGenesisConfig>(genesis_of(TESTNET, change)), Ok(()));
            assert_eq!(pallet_upgrade::Delay::<Runtime>::get(), 10);
            let expected = sepia_primitives_comet::Validator { pub_key: [0xab; 32], power: 10 };
            assert_eq!(Comet::validators(), vec![expected]);
        });
    }

    #[test]
    fn an_unknown_preset_is_none() {
        assert_eq!(preset_names(), ["dev", "testnet"].map(PresetId::from));
        assert_eq!(preset(&PresetId::from("mainnet")), None);
    }
}
