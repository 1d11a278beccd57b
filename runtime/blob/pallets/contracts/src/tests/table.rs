//! The table of seal functions and the section that is made of it.

use codec::DecodeAll;
use sp_guest_vm::section::{is_well_formed, ValType, VmSection, FLAG_MUTATES, OP_CLASSES};

use crate::seal::table::{self, DOCS, IMPORTS, OP_WEIGHTS};

/// Functions that a contract may import, as contract compilers declare them: parameters, `L` for i64, then the result.
const KNOWN: &[(&str, &str)] = &[
    ("seal0.input", "ii"),
    ("seal0.seal_return", "iii"),
    ("seal0.caller", "ii"),
    ("seal0.caller_is_origin", "=i"),
    ("seal0.address", "ii"),
    ("seal0.is_contract", "i=i"),
    ("seal0.code_hash", "iii=i"),
    ("seal0.own_code_hash", "ii"),
    ("seal0.balance", "ii"),
    ("seal0.value_transferred", "ii"),
    ("seal0.minimum_balance", "ii"),
    ("seal0.now", "ii"),
    ("seal0.block_number", "ii"),
    ("seal0.gas_left", "ii"),
    ("seal0.deposit_event", "iiii"),
    ("seal0.debug_message", "ii=i"),
    ("seal0.hash_sha2_256", "iii"),
    ("seal0.hash_keccak_256", "iii"),
    ("seal0.hash_blake2_256", "iii"),
    ("seal0.hash_blake2_128", "iii"),
    ("seal0.set_storage", "iii"),
    ("seal1.set_storage", "iii=i"),
    ("seal2.set_storage", "iiii=i"),
    ("seal0.clear_storage", "i"),
    ("seal1.clear_storage", "ii=i"),
    ("seal0.get_storage", "iii=i"),
    ("seal1.get_storage", "iiii=i"),
    ("seal0.contains_storage", "i=i"),
    ("seal1.contains_storage", "ii=i"),
    ("seal0.take_storage", "iiii=i"),
    ("seal0.transfer", "iiii=i"),
    ("seal1.call", "iiLiiiii=i"),
    ("seal2.call", "iiLLiiiiii=i"),
    ("seal0.delegate_call", "iiiiii=i"),
    ("seal1.instantiate", "iLiiiiiiiii=i"),
    ("seal2.instantiate", "iLLiiiiiiiiii=i"),
    ("seal0.terminate", "ii"),
    ("seal1.terminate", "i"),
    ("seal0.set_code_hash", "i=i"),
];

/// Functions that have no alias.
const WITHOUT_ALIAS: &[&str] = &["seal0.seal_return", "seal2.call", "seal2.instantiate"];

const MUTATING: &[&str] = &[
    "deposit_event",
    "set_storage",
    "clear_storage",
    "take_storage",
    "transfer",
    "instantiate",
    "terminate",
    "set_code_hash",
];

fn signature(params: &[ValType], result: Option<ValType>) -> String {
    let letter = |kind: &ValType| if *kind == ValType::I32 { 'i' } else { 'L' };
    let params: String = params.iter().map(letter).collect();
    result.map_or(params.clone(), |kind| format!("{params}={}", letter(&kind)))
}

#[test]
fn each_function_has_the_signature_that_compilers_declare() {
    let mut expected: Vec<_> = KNOWN.iter().map(|(name, kind)| (name.to_string(), kind.to_string())).collect();
    for (name, kind) in KNOWN.iter().filter(|(name, _)| !WITHOUT_ALIAS.contains(name)) {
        let (module, name) = name.split_once('.').expect("names have a module");
        expected.push((format!("{module}.seal_{name}"), kind.to_string()));
    }
    let mut found: Vec<_> = IMPORTS
        .iter()
        .map(|entry| (format!("{}.{}", entry.module, entry.name), signature(entry.params, entry.result)))
        .collect();
    expected.sort();
    found.sort();
    assert_eq!(found, expected);
}

#[test]
fn ids_count_from_zero_so_that_they_index_the_table() {
    assert!(is_well_formed(IMPORTS));
    assert!(IMPORTS.iter().enumerate().all(|(index, entry)| entry.id as usize == index));
    assert!(table::ids_of_implementations().into_iter().eq(0..IMPORTS.len() as u32));
    assert_eq!(table::import(IMPORTS.len() as u32), None);
}

#[test]
fn exactly_the_functions_that_change_state_are_marked() {
    for entry in IMPORTS {
        let is_mutating = MUTATING.contains(&entry.name.trim_start_matches("seal_"));
        assert_eq!(entry.flags & FLAG_MUTATES != 0, is_mutating, "{}", entry.name);
    }
}

#[test]
fn each_function_costs_something_and_is_described() {
    assert!(IMPORTS.iter().all(|entry| entry.price > 0));
    assert!(DOCS.iter().all(|(id, doc)| table::import(*id).is_some() && doc.trim().ends_with('.')));
    assert_eq!(DOCS.len(), KNOWN.len());
}

#[test]
fn the_section_holds_the_table_the_weights_and_the_limits() {
    let section = VmSection::decode_all(&mut &table::SECTION[..]).expect("the section decodes");
    assert_eq!(section.meter_version, table::METER_VERSION);
    assert_eq!(section.weights, OP_WEIGHTS);
    assert_eq!(section.limits, table::LIMITS);
    assert_eq!(section.imports.len(), IMPORTS.len());
    let first = &section.imports[0];
    assert_eq!((first.id, &*first.module, &*first.name), (0, "seal0", "input"));
    assert_eq!((&*first.params, first.result), (&[0x7f, 0x7f][..], None));
}

#[test]
fn each_opcode_class_has_one_weight_in_the_order_of_the_classes() {
    let classes: Vec<_> = OP_WEIGHTS.iter().map(|(class, _)| usize::from(*class)).collect();
    assert_eq!(classes, (0..OP_CLASSES.len()).collect::<Vec<_>>());
}
