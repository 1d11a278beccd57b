//! Stored code: uploading, removing, counting its users, loading it.

use alloc::{format, string::String, vec::Vec};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use frame_support::{
    dispatch::DispatchResult,
    traits::{fungible::MutateHold, tokens::Precision, Get},
    CloneNoBound, DebugNoBound, PartialEqNoBound,
};
use scale_info::TypeInfo;
use sp_guest_vm::{codes::REPORT_IMPORTS_DEPRECATED, layout::NO_PLACE, Entry, LoadError, Module, Rejected, Report};
use sp_runtime::{
    traits::{Hash, Saturating},
    DispatchError,
};

use crate::{
    costs, debug::DebugBuffer, BalanceOf, CodeHash, CodeInfoOf, CodeVec, Config, Error, Event, HoldReason, Pallet,
    PristineCode, MAX_CODE_LEN,
};

/// How code is checked for instructions whose result may differ between machines.
#[derive(Clone, Copy, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, Debug, TypeInfo)]
pub enum Determinism {
    /// No such instruction.
    Enforced,
    /// Accepted as an argument because clients know it. Code is checked like [`Determinism::Enforced`] and stored as that.
    Relaxed,
}

/// The record of stored code.
#[derive(Encode, Decode, CloneNoBound, PartialEqNoBound, DebugNoBound, TypeInfo, MaxEncodedLen)]
#[codec(mel_bound())]
#[scale_info(skip_type_params(T))]
pub struct CodeInfo<T: Config> {
    owner: T::AccountId,
    #[codec(compact)]
    deposit: BalanceOf<T>,
    #[codec(compact)]
    refcount: u64,
    determinism: Determinism,
    code_len: u32,
}

impl<T: Config> CodeInfo<T> {
    /// Who uploaded the code, and gets the deposit back.
    pub fn owner(&self) -> &T::AccountId {
        &self.owner
    }

    /// What is held from the owner.
    pub fn deposit(&self) -> BalanceOf<T> {
        self.deposit
    }

    /// Contracts that use the code.
    pub fn refcount(&self) -> u64 {
        self.refcount
    }

    /// Bytes of the code.
    pub fn code_len(&self) -> u32 {
        self.code_len
    }
}

/// Deposit for storing `code_len` bytes of code: the code and its record are two items.
fn code_deposit<T: Config>(code_len: u32) -> BalanceOf<T> {
    let bytes = code_len.saturating_add(CodeInfo::<T>::max_encoded_len() as u32);
    let per_item = T::DepositPerItem::get().saturating_mul(2u32.into());
    T::DepositPerByte::get().saturating_mul(bytes.into()).saturating_add(per_item)
}

/// What an upload did.
pub struct Uploaded<T: Config> {
    /// Hash of the code.
    pub code_hash: CodeHash<T>,
    /// Deposit held now; zero if the code was there already.
    pub deposit: BalanceOf<T>,
    /// The validator's score, by which the upload is paid.
    pub score: u64,
}

/// Checks and stores code on behalf of `owner`.
pub fn upload<T: Config>(
    owner: T::AccountId,
    code: Vec<u8>,
    deposit_limit: Option<BalanceOf<T>>,
    debug: &mut DebugBuffer,
) -> Result<Uploaded<T>, DispatchError> {
    let code_hash = T::Hashing::hash(&code);
    let code_len = code.len() as u32;
    let code: CodeVec = code.try_into().map_err(|_| {
        debug.append_line(&format!("code rejected: it has {code_len} bytes, and code may have {MAX_CODE_LEN}"));
        Error::<T>::CodeTooLarge
    })?;
    let report = validate::<T>(&code, debug)?;
    if CodeInfoOf::<T>::contains_key(code_hash) {
        return Ok(Uploaded { code_hash, deposit: Default::default(), score: report.score });
    }
    let deposit = code_deposit::<T>(code_len);
    if deposit_limit.is_some_and(|limit| deposit > limit) {
        return Err(Error::<T>::StorageDepositLimitExhausted.into());
    }
    T::Currency::hold(&HoldReason::CodeUploadDepositReserve.into(), &owner, deposit)
        .map_err(|_| Error::<T>::StorageDepositNotEnoughFunds)?;
    PristineCode::<T>::insert(code_hash, code);
    let info = CodeInfo { owner: owner.clone(), deposit, refcount: 0, determinism: Determinism::Enforced, code_len };
    CodeInfoOf::<T>::insert(code_hash, info);
    Pallet::<T>::deposit_event(Event::CodeStored { code_hash, deposit_held: deposit, uploader: owner });
    Ok(Uploaded { code_hash, deposit, score: report.score })
}

fn validate<T: Config>(code: &[u8], debug: &mut DebugBuffer) -> Result<Report, DispatchError> {
    let refused = match sp_guest_vm::validate(code) {
        Ok(report) if imports_deprecated(&report) => "it imports a deprecated function".into(),
        Ok(report) if report.score > costs::max_score(code.len()) => {
            let (score, limit) = (report.score, costs::max_score(code.len()));
            format!("it takes {score} us to compile, and code of its length may take {limit}")
        }
        Ok(report) => return Ok(report),
        Err(Rejected(report)) => refusal(&report, debug),
    };
    debug.append_line(&format!("code rejected: {refused}"));
    Err(Error::<T>::CodeRejected.into())
}

fn imports_deprecated(report: &Report) -> bool {
    report.flags & REPORT_IMPORTS_DEPRECATED != 0
}

/// The validator's reason, its place, and in a dry run what else the host says about it.
fn refusal(report: &Report, debug: &DebugBuffer) -> String {
    let mut text = reason_text(report);
    if debug.is_on() {
        let words = sp_guest_vm::explain_refusal();
        let separator = if words.is_empty() { "" } else { ": " };
        text.push_str(&format!("{separator}{words}"));
    }
    text
}

/// The validator's reason by its name, and its place.
fn reason_text(report: &Report) -> String {
    let mut text = String::from(sp_guest_vm::reason_name(report.reason));
    if report.function != NO_PLACE {
        text.push_str(&format!(", function {}", report.function));
    }
    if report.offset != NO_PLACE {
        text.push_str(&format!(", byte {:#x}", report.offset));
    }
    text
}

/// Removes unused code and returns the deposit to its owner.
pub fn remove<T: Config>(owner: &T::AccountId, code_hash: CodeHash<T>) -> DispatchResult {
    let info = CodeInfoOf::<T>::get(code_hash).ok_or(Error::<T>::CodeNotFound)?;
    if info.refcount != 0 {
        return Err(Error::<T>::CodeInUse.into());
    }
    if info.owner != *owner {
        return Err(DispatchError::BadOrigin);
    }
    T::Currency::release(
        &HoldReason::CodeUploadDepositReserve.into(),
        &info.owner,
        info.deposit,
        Precision::BestEffort,
    )?;
    PristineCode::<T>::remove(code_hash);
    CodeInfoOf::<T>::remove(code_hash);
    Pallet::<T>::deposit_event(Event::CodeRemoved { code_hash, deposit_released: info.deposit, remover: info.owner });
    Ok(())
}

/// Counts one more user of the code.
pub fn increment_refcount<T: Config>(code_hash: CodeHash<T>) -> DispatchResult {
    CodeInfoOf::<T>::try_mutate(code_hash, |info| {
        let info = info.as_mut().ok_or(Error::<T>::CodeNotFound)?;
        info.refcount = info.refcount.saturating_add(1);
        Ok(())
    })
}

/// Counts one user of the code less.
pub fn decrement_refcount<T: Config>(code_hash: CodeHash<T>) {
    CodeInfoOf::<T>::mutate(code_hash, |info| {
        if let Some(info) = info {
            info.refcount = info.refcount.saturating_sub(1);
        }
    });
}

/// Finds stored code and makes it ready to run at `entry`.
pub fn load<T: Config>(code_hash: CodeHash<T>, entry: Entry, debug: &mut DebugBuffer) -> Result<Module, DispatchError> {
    let refused = match Module::load(&PristineCode::<T>::hashed_key_for(code_hash)) {
        Ok(module) if entry == Entry::Deploy && imports_deprecated(module.report()) => {
            "its constructor would run with a deprecated function".into()
        }
        Ok(module) => return Ok(module),
        Err(LoadError::NotFound) => return Err(Error::<T>::CodeNotFound.into()),
        Err(LoadError::Invalid(report)) => refusal(&report, debug),
    };
    debug.append_line(&format!("stored code rejected: {refused}"));
    Err(Error::<T>::CodeRejected.into())
}
