//! Answers programs of storage operations as Substrate's state machine does.
//!
//! Reads lines from standard input and writes each with its answer to standard output. The Go tests of package `state`
//! replay what it wrote (`../programs.txt`), so they need no Rust. A line is an operation and its arguments, separated by
//! one space; byte strings are hexadecimal, the empty one is `.`; a domain is `top`, or `c` and the id of a child storage.
//!
//! ```text
//! program                       a new program: an empty base
//! base DOMAIN KEY VALUE         a key of the base; only before other operations
//! get DOMAIN KEY                answers `= VALUE` or `= none`
//! next DOMAIN KEY               answers `= KEY` or `= none`
//! set DOMAIN KEY VALUE
//! clear DOMAIN KEY
//! append top KEY ITEM
//! prefix DOMAIN PREFIX LIMIT    answers `= BACKEND UNIQUE LOOPS NEXT`; LIMIT or NEXT may be `none`
//! kill DOMAIN LIMIT             the same
//! start, commit, rollback       the last two answer `= ok` or `= refused`
//! ```
//!
//! Where Substrate keeps the roots of child tries, below `:child_storage:`, Sepia keeps nothing: `next` skips those keys.
#![deny(missing_docs)]

use std::io::{self, BufRead, Write};

use sp_core::{
    storage::{well_known_keys::CHILD_STORAGE_KEY_PREFIX, ChildInfo, StateVersion, Storage, StorageChild},
    Blake2Hasher,
};
use sp_externalities::{Externalities, MultiRemovalResults};
use sp_state_machine::{Ext, InMemoryBackend, OverlayedChanges};

type Failure = Box<dyn std::error::Error>;

/// The base and what was written over it.
#[derive(Default)]
struct Program {
    base: Storage,
    backend: Option<InMemoryBackend<Blake2Hasher>>,
    overlay: OverlayedChanges<Blake2Hasher>,
}

fn bytes(text: &str) -> Result<Vec<u8>, Failure> {
    if text == "." {
        return Ok(Vec::new());
    }
    if text.len() % 2 != 0 {
        return Err(format!("odd number of digits: {text}").into());
    }
    (0..text.len()).step_by(2).map(|i| Ok(u8::from_str_radix(&text[i..i + 2], 16)?)).collect()
}

fn shown(bytes: Option<Vec<u8>>) -> String {
    match bytes {
        None => "none".into(),
        Some(b) if b.is_empty() => ".".into(),
        Some(b) => b.iter().map(|x| format!("{x:02x}")).collect(),
    }
}

fn child(domain: &str) -> Result<Option<ChildInfo>, Failure> {
    match domain.strip_prefix('c') {
        _ if domain == "top" => Ok(None),
        Some(id) => Ok(Some(ChildInfo::new_default(&bytes(id)?))),
        None => Err(format!("no domain: {domain}").into()),
    }
}

fn limit(text: &str) -> Result<Option<u32>, Failure> {
    if text == "none" {
        return Ok(None);
    }
    Ok(Some(text.parse()?))
}

fn removal(result: MultiRemovalResults) -> String {
    let (next, backend, unique, loops) = result.deconstruct();
    format!("{backend} {unique} {loops} {}", shown(next))
}

fn ended(result: Result<(), ()>) -> String {
    if result.is_ok() {
        "ok".into()
    } else {
        "refused".into()
    }
}

impl Program {
    fn put_base(&mut self, domain: &str, key: &str, value: &str) -> Result<(), Failure> {
        let (key, value) = (bytes(key)?, bytes(value)?);
        match child(domain)? {
            None => self.base.top.insert(key, value),
            Some(info) => self
                .base
                .children_default
                .entry(info.storage_key().to_vec())
                .or_insert_with(|| StorageChild { data: Default::default(), child_info: info })
                .data
                .insert(key, value),
        };
        Ok(())
    }

    /// Runs one operation and returns its answer, if it has one.
    fn run(&mut self, words: &[&str]) -> Result<Option<String>, Failure> {
        if let ["base", domain, key, value] = words {
            self.put_base(domain, key, value)?;
            return Ok(None);
        }
        let base = &self.base;
        let backend = self.backend.get_or_insert_with(|| (base.clone(), StateVersion::V1).into());
        let mut ext = Ext::new(&mut self.overlay, backend, None);
        let answer = match words {
            ["get", domain, key] => {
                let key = bytes(key)?;
                Some(shown(match child(domain)? {
                    None => ext.storage(&key),
                    Some(info) => ext.child_storage(&info, &key),
                }))
            }
            ["next", domain, key] => {
                let key = bytes(key)?;
                Some(shown(match child(domain)? {
                    None => next_free(&mut ext, key),
                    Some(info) => ext.next_child_storage_key(&info, &key),
                }))
            }
            ["set", domain, key, value] => {
                place(&mut ext, domain, key, Some(bytes(value)?))?;
                None
            }
            ["clear", domain, key] => {
                place(&mut ext, domain, key, None)?;
                None
            }
            ["append", "top", key, item] => {
                ext.storage_append(bytes(key)?, bytes(item)?);
                None
            }
            ["prefix", domain, prefix, most] => {
                let (prefix, most) = (bytes(prefix)?, limit(most)?);
                Some(removal(match child(domain)? {
                    None => ext.clear_prefix(&prefix, most, None),
                    Some(info) => ext.clear_child_prefix(&info, &prefix, most, None),
                }))
            }
            ["kill", domain, most] => {
                let info = child(domain)?.ok_or("kill of the top storage")?;
                Some(removal(ext.kill_child_storage(&info, limit(most)?, None)))
            }
            ["start"] => {
                ext.storage_start_transaction();
                None
            }
            ["commit"] => Some(ended(ext.storage_commit_transaction())),
            ["rollback"] => Some(ended(ext.storage_rollback_transaction())),
            _ => return Err(format!("no operation: {words:?}").into()),
        };
        Ok(answer)
    }
}

fn place(ext: &mut dyn Externalities, domain: &str, key: &str, value: Option<Vec<u8>>) -> Result<(), Failure> {
    let key = bytes(key)?;
    match child(domain)? {
        None => ext.place_storage(key, value),
        Some(info) => ext.place_child_storage(&info, key, value),
    }
    Ok(())
}

/// The next key of the top storage that is not below the reserved prefix.
fn next_free(ext: &mut dyn Externalities, mut key: Vec<u8>) -> Option<Vec<u8>> {
    loop {
        key = ext.next_storage_key(&key)?;
        if !key.starts_with(CHILD_STORAGE_KEY_PREFIX) {
            return Some(key);
        }
    }
}

fn main() -> Result<(), Failure> {
    let mut program = Program::default();
    let mut out = io::BufWriter::new(io::stdout().lock());
    for line in io::stdin().lock().lines() {
        let line = line?;
        if line == "program" {
            program = Program::default();
            writeln!(out, "{line}")?;
            continue;
        }
        match program.run(&line.split(' ').collect::<Vec<_>>())? {
            Some(answer) => writeln!(out, "{line} = {answer}")?,
            None => writeln!(out, "{line}")?,
        }
    }
    Ok(())
}
