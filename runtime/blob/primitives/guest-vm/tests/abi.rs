//! The crate against `runtime/vm/abi.json`, which describes the same interface for the host.

use std::mem::{offset_of, size_of};

use codec::{DecodeAll, Encode};
use serde_json::Value;
use sp_guest_vm::{
    codes,
    interface::guest_vm,
    layout,
    section::{self, ImportEntry, Limits, ValType, VmSection, VmTable},
    Report, Step,
};
use sp_runtime_interface::sp_wasm_interface::{HostFunctions, ValueType};

fn abi() -> Value {
    let text = include_str!("../../../../vm/abi.json");
    serde_json::from_str(text).expect("abi.json is JSON")
}

fn list<'a>(value: &'a Value, key: &str) -> &'a Vec<Value> {
    value[key].as_array().unwrap_or_else(|| panic!("abi.json has a list {key}"))
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_else(|| panic!("{value} has a text {key}"))
}

fn value_types(value: &Value, key: &str) -> Vec<ValueType> {
    let name = |entry: &Value| match entry.as_str() {
        Some("i32") => ValueType::I32,
        Some("i64") => ValueType::I64,
        other => panic!("{other:?} is no value type"),
    };
    list(value, key).iter().map(name).collect()
}

#[test]
fn each_host_function_has_the_described_name_and_signature() {
    let abi = abi();
    let mut described: Vec<_> = list(&abi, "functions")
        .iter()
        .map(|function| {
            let wasm = &function["wasm"];
            assert_eq!(list(function, "params").len(), list(wasm, "params").len());
            (text(function, "import").to_owned(), value_types(wasm, "params"), value_types(wasm, "results"))
        })
        .collect();
    let mut declared: Vec<_> = guest_vm::HostFunctions::host_functions()
        .iter()
        .map(|function| {
            let signature = function.signature();
            (function.name().to_owned(), signature.args.to_vec(), signature.return_value.into_iter().collect())
        })
        .collect();
    described.sort_by(|left, right| left.0.cmp(&right.0));
    declared.sort_by(|left, right| left.0.cmp(&right.0));
    assert_eq!(described, declared);
}

#[test]
fn each_code_has_the_described_number() {
    let known: &[(&str, i64)] = &[
        ("VALIDATE_OK", codes::VALIDATE_OK.into()),
        ("VALIDATE_REJECTED", codes::VALIDATE_REJECTED.into()),
        ("LOAD_NOT_FOUND", codes::LOAD_NOT_FOUND),
        ("LOAD_INVALID", codes::LOAD_INVALID),
        ("INSTANTIATE_TOO_MANY", codes::INSTANTIATE_TOO_MANY),
        ("RUN_FINISHED", codes::RUN_FINISHED.into()),
        ("RUN_SYSCALL", codes::RUN_SYSCALL.into()),
        ("RUN_OUT_OF_GAS", codes::RUN_OUT_OF_GAS.into()),
        ("RUN_TRAPPED", codes::RUN_TRAPPED.into()),
        ("ACCESS_OK", codes::ACCESS_OK.into()),
        ("ACCESS_OUT_OF_BOUNDS", codes::ACCESS_OUT_OF_BOUNDS.into()),
    ];
    let mut seen = std::collections::BTreeSet::new();
    for function in list(&abi(), "functions") {
        for (name, number) in function["codes"].as_object().expect("codes are an object") {
            let code = known.iter().find(|(known, _)| known == name);
            assert_eq!(number.as_i64(), code.map(|(_, number)| *number), "{name}");
            seen.insert(name.clone());
        }
    }
    assert_eq!(seen.len(), known.len());
}

#[test]
fn each_constant_has_the_described_value() {
    let known = [
        ("MAX_LIVE_EXECUTIONS", u64::from(codes::MAX_LIVE_EXECUTIONS)),
        ("MAX_GAS", codes::MAX_GAS),
        ("MAX_ARGUMENTS", layout::MAX_ARGUMENTS as u64),
        ("MAX_IMPORT_IDS", u64::from(layout::MAX_IMPORT_IDS)),
        ("NO_PLACE", u64::from(layout::NO_PLACE)),
        ("EXPLAIN_REFUSAL", u64::from(codes::EXPLAIN_REFUSAL)),
        ("REPORT_IMPORTS_DEPRECATED", u64::from(codes::REPORT_IMPORTS_DEPRECATED)),
    ];
    let abi = abi();
    let described = abi["constants"].as_object().expect("constants are an object");
    assert_eq!(described.len(), known.len());
    for (name, value) in known {
        assert_eq!(described[name].as_u64(), Some(value), "{name}");
    }
}

#[test]
fn report_and_step_lie_in_memory_as_described() {
    let report = [
        ("reason", offset_of!(Report, reason)),
        ("function", offset_of!(Report, function)),
        ("offset", offset_of!(Report, offset)),
        ("flags", offset_of!(Report, flags)),
        ("mem_min", offset_of!(Report, mem_min)),
        ("mem_max", offset_of!(Report, mem_max)),
        ("code_len", offset_of!(Report, code_len)),
        ("zero", offset_of!(Report, zero)),
        ("score", offset_of!(Report, score)),
        ("imports", offset_of!(Report, imports)),
    ];
    let step = [
        ("gas_left", offset_of!(Step, gas_left)),
        ("id", offset_of!(Step, id)),
        ("nargs", offset_of!(Step, nargs)),
        ("trap_class", offset_of!(Step, trap_class)),
        ("mem_bytes", offset_of!(Step, mem_bytes)),
        ("args", offset_of!(Step, args)),
    ];
    let abi = abi();
    let structs = list(&abi, "structs");
    check_struct(&structs[0], "Report", size_of::<Report>(), &report);
    check_struct(&structs[1], "Step", size_of::<Step>(), &step);
    assert_eq!(structs.len(), 2);
}

fn check_struct(described: &Value, name: &str, size: usize, fields: &[(&str, usize)]) {
    assert_eq!(text(described, "name"), name);
    assert_eq!(described["size"].as_u64(), Some(size as u64));
    let listed: Vec<_> = list(described, "fields")
        .iter()
        .map(|field| (text(field, "name"), field["offset"].as_u64().expect("offsets are numbers") as usize))
        .collect();
    assert_eq!(listed, fields);
    let end: usize = list(described, "fields")
        .iter()
        .map(|field| {
            let width = if text(field, "type").ends_with("64") { 8 } else { 4 };
            width * field["count"].as_u64().unwrap_or(1) as usize
        })
        .sum();
    assert_eq!(end, size, "{name} has no padding");
}

#[test]
fn trap_classes_entries_and_reasons_have_the_described_numbers() {
    let abi = abi();
    let classes: Vec<_> = list(&abi, "trap_classes").iter().map(|class| class["number"].as_u64()).collect();
    let known: Vec<_> = codes::TRAP_CLASSES.iter().map(|class| Some(*class as u64)).collect();
    assert_eq!(classes, known);
    let entries: Vec<_> = list(&abi, "entries").iter().map(|entry| text(entry, "name")).collect();
    assert_eq!(entries, ["deploy", "call"]);
    assert_eq!((codes::Entry::Deploy as u32, codes::Entry::Call as u32), (0, 1));
    let reasons: Vec<_> = list(&abi, "reasons")
        .iter()
        .map(|reason| (reason["code"].as_u64().expect("codes are numbers") as u32, text(reason, "name")))
        .collect();
    assert_eq!(reasons, codes::REASONS);
}

const LIMITS: Limits = Limits {
    code_bytes: 1,
    types: 2,
    imports: 3,
    functions: 4,
    body_bytes: 5,
    function_blocks: 6,
    module_blocks: 7,
    function_locals: 8,
    module_locals: 9,
    params: 10,
    globals: 11,
    table_entries: 12,
    branch_targets: 13,
    nesting: 14,
    loop_nesting: 15,
    operand_height: 16,
    memory_pages: 17,
    data_segments: 18,
    element_segments: 19,
    exports: 20,
    score: 21,
    stack_units: 0x0102_0304,
};

const IMPORTS: &[ImportEntry] = &[
    ImportEntry {
        id: 0,
        module: "seal0",
        name: "a_name_of_more_than_sixty_three_bytes_needs_the_two_byte_compact_form",
        params: &[ValType::I32, ValType::I64],
        result: Some(ValType::I32),
        flags: section::FLAG_DEPRECATED | section::FLAG_MUTATES,
        price: 0x0102_0304_0506_0708,
    },
    ImportEntry { id: 500, module: "seal1", name: "b", params: &[], result: None, flags: 0, price: 7 },
];

const TABLE: VmTable =
    VmTable { meter_version: 9, weights: &[(0, 250), (3, 70_000)], limits: LIMITS, imports: IMPORTS };

#[test]
fn section_bytes_made_at_compile_time_are_the_scale_encoding() {
    const LEN: usize = section::encoded_len(&TABLE);
    const BYTES: [u8; LEN] = section::encode(&TABLE);
    let decoded = VmSection::decode_all(&mut &BYTES[..]).expect("the section decodes");
    assert_eq!(decoded.encode(), BYTES);
    assert_eq!((decoded.meter_version, decoded.limits), (TABLE.meter_version, TABLE.limits));
    assert_eq!(decoded.weights, TABLE.weights);
    assert_eq!(decoded.imports.len(), IMPORTS.len());
    for (import, entry) in decoded.imports.iter().zip(IMPORTS) {
        assert_eq!((import.id, &*import.module, &*import.name), (entry.id, entry.module, entry.name));
        assert_eq!(import.params, entry.params.iter().map(|kind| *kind as u8).collect::<Vec<_>>());
        assert_eq!(import.result, entry.result.map(|kind| kind as u8));
        assert_eq!((import.flags, import.price), (entry.flags, entry.price));
    }
}

#[test]
fn section_is_described_field_by_field() {
    let abi = abi();
    let described = &abi["section"];
    assert_eq!(text(described, "name"), section::SECTION_NAME);
    assert_eq!(described["value_types"]["i32"].as_u64(), Some(ValType::I32 as u64));
    assert_eq!(described["value_types"]["i64"].as_u64(), Some(ValType::I64 as u64));
    assert_eq!(described["import_flags"]["FLAG_DEPRECATED"].as_u64(), Some(section::FLAG_DEPRECATED.into()));
    assert_eq!(described["import_flags"]["FLAG_MUTATES"].as_u64(), Some(section::FLAG_MUTATES.into()));
    let classes: Vec<_> = list(described, "op_classes").iter().map(|class| class.as_str()).collect();
    assert_eq!(classes, section::OP_CLASSES.iter().copied().map(Some).collect::<Vec<_>>());
    let limits = list(&list(described, "layout")[2], "fields");
    assert_eq!(limits.len() * 4, LIMITS.encode().len());
    // The debug form lists the fields in the order of declaration, which is the order of encoding.
    let debug = format!("{LIMITS:?}");
    let mut rest = debug.as_str();
    for field in limits {
        let name = field.as_str().expect("limits are texts");
        let at = rest.find(&format!(" {name}:")).unwrap_or_else(|| panic!("{name} is in order in {debug}"));
        rest = &rest[at + 1..];
    }
}

#[test]
fn import_ids_must_ascend_and_fit_the_report() {
    let with_id = |id| ImportEntry { id, ..IMPORTS[1] };
    assert!(section::is_well_formed(&[with_id(0), with_id(1), with_id(511)]));
    assert!(!section::is_well_formed(&[with_id(1), with_id(1)]));
    assert!(!section::is_well_formed(&[with_id(2), with_id(1)]));
    assert!(!section::is_well_formed(&[with_id(512)]));
    const MANY: &[ValType] = &[ValType::I32; layout::MAX_ARGUMENTS + 1];
    assert!(!section::is_well_formed(&[ImportEntry { params: MANY, ..IMPORTS[1] }]));
}

#[test]
fn report_names_the_imports_in_use() {
    let report = Report { imports: [1, 0, 0, 0, 0, 0, 0, 1 << 63], ..Report::default() };
    assert!(report.uses_import(0) && report.uses_import(511));
    assert!(!report.uses_import(1) && !report.uses_import(512));
}

#[test]
fn structures_cross_the_boundary_as_little_endian_bytes() {
    let mut step = Step::default();
    let bytes: Vec<u8> = (0..layout::STEP_SIZE).map(|index| index as u8).collect();
    step.as_mut().copy_from_slice(&bytes);
    assert_eq!(step.gas_left, i64::from_le_bytes([0, 1, 2, 3, 4, 5, 6, 7]));
    assert_eq!(step.id, u32::from_le_bytes([8, 9, 10, 11]));
    assert_eq!(step.args[13], u64::from_le_bytes([128, 129, 130, 131, 132, 133, 134, 135]));
    assert_eq!(step.as_ref(), bytes);
}
