//! Storage deposits: who pays for what a contract stores.
//!
//! Each frame has a [`Meter`]. Storage functions note changes of size in it; when the frame ends well, the changes are turned
//! into an amount at today's rates (or, for removals, at the average price that this contract paid), entered into the
//! contract's record, and handed to the caller's meter. Nothing moves until the outermost frame has ended well; then the
//! origin of the transaction pays or receives everything, refunds first. Only a contract that ends is paid out at once.
//!
//! The rule that all of this keeps: what is held on a contract's account is the sum of the deposits in its record.

use alloc::{collections::BTreeMap, vec::Vec};
use frame_support::{
    dispatch::DispatchResult,
    traits::{
        fungible::{Inspect, InspectHold, Mutate, MutateHold},
        tokens::{Fortitude, Precision, Preservation, Restriction, WithdrawConsequence},
        Get,
    },
};
use sp_runtime::{
    traits::{Saturating, Zero},
    DispatchError,
};

use crate::{
    primitives::StorageDeposit,
    storage::{ContractInfo, Diff},
    wasm::CodeInfo,
    BalanceOf, Config, DepositOf, Error, Event, HoldReason, Origin, Pallet,
};

/// An amount that moves between the origin and a contract when the outermost frame has ended.
struct Charge<T: Config> {
    contract: T::AccountId,
    amount: DepositOf<T>,
}

/// The deposits of one frame.
pub struct Meter<T: Config> {
    /// Who pays and is paid back: the origin, or nobody if that is Root.
    payer: Option<T::AccountId>,
    limit: BalanceOf<T>,
    /// Whether the caller set the limit for this frame alone.
    is_own_limit: bool,
    total: DepositOf<T>,
    charges: Vec<Charge<T>>,
    /// Changes of size that are not part of `total` yet.
    pub diff: Diff,
}

impl<T: Config> Meter<T> {
    fn with_limit(payer: Option<T::AccountId>, limit: BalanceOf<T>, is_own_limit: bool) -> Self {
        Self { payer, limit, is_own_limit, total: Default::default(), charges: Vec::new(), diff: Diff::default() }
    }

    /// The meter of a transaction. `value` is what the origin will transfer besides.
    pub fn new(origin: &Origin<T>, limit: Option<BalanceOf<T>>, value: BalanceOf<T>) -> Result<Self, DispatchError> {
        let (payer, limit) = match origin {
            Origin::Root => (None, limit.unwrap_or_else(T::DefaultDepositLimit::get)),
            Origin::Signed(account) => (Some(account.clone()), affordable_limit::<T>(account, limit, value)?),
        };
        Ok(Self::with_limit(payer, limit, false))
    }

    /// The meter of a callee. A limit of zero stands for all that is left.
    pub fn nested(&self, limit: BalanceOf<T>) -> Self {
        let left = self.total.left_of(self.limit);
        if limit.is_zero() {
            return Self::with_limit(self.payer.clone(), left, false);
        }
        Self::with_limit(self.payer.clone(), limit.min(left), true)
    }

    /// Adds what a callee owes that ended well.
    pub fn absorb(&mut self, nested: Self) {
        self.total = self.total.saturating_add(nested.total);
        self.charges.extend(nested.charges);
    }

    /// Notes an amount for `contract`.
    pub fn charge(&mut self, contract: T::AccountId, amount: DepositOf<T>) {
        self.total = self.total.saturating_add(amount);
        if !amount.is_zero() {
            self.charges.push(Charge { contract, amount });
        }
    }

    /// Turns the noted changes of size into an amount and enters them into the record.
    ///
    /// The record's deposits are what is held. Root pays nothing and gets nothing back, so under Root only the counts change:
    /// what others paid then stands for more or fewer bytes, and no refund can exceed it.
    pub fn settle(&mut self, contract: &T::AccountId, info: &mut ContractInfo<T>) {
        let held = (info.storage_byte_deposit, info.storage_item_deposit);
        let amount = info.apply(core::mem::take(&mut self.diff));
        if self.payer.is_none() {
            (info.storage_byte_deposit, info.storage_item_deposit) = held;
        }
        self.charge(contract.clone(), amount);
    }

    /// Makes the base deposit that of other code. Under Root it stays what it was, like the other deposits.
    pub fn replace_base(&mut self, contract: T::AccountId, info: &mut ContractInfo<T>, code: &CodeInfo<T>) {
        let (before, after) = info.update_base_deposit(code);
        if self.payer.is_none() {
            info.storage_base_deposit = before;
        }
        self.charge(contract, StorageDeposit::between(before, after));
    }

    /// Pays out a contract that ends: what is held to the payer, everything else and the account with it to the beneficiary,
    /// who gets the deposit too if Root pays. All at once, so that a contract made at the address in the same transaction starts
    /// with what it is given and nothing else. Changes of size in this frame no longer matter.
    pub fn terminate(
        &mut self,
        contract: T::AccountId,
        info: &ContractInfo<T>,
        beneficiary: &T::AccountId,
    ) -> DispatchResult {
        self.diff = Diff::default();
        let held = T::Currency::balance_on_hold(&HoldReason::StorageDepositReserve.into(), &contract);
        let heir = self.payer.as_ref().unwrap_or(beneficiary);
        release::<T>(&contract, heir, held)?;
        frame_system::Pallet::<T>::dec_consumers(&contract);
        let rest = T::Currency::reducible_balance(&contract, Preservation::Expendable, Fortitude::Polite);
        T::Currency::transfer(&contract, beneficiary, rest, Preservation::Expendable)?;
        let due = info.total_deposit();
        self.total = self.total.saturating_add(StorageDeposit::Refund(due));
        // Earlier frames of this transaction may owe a part of what is due, or be owed a part of what was held.
        self.charges.push(Charge { contract, amount: StorageDeposit::between(due, held) });
        Ok(())
    }

    /// Moves the existential deposit into a new contract's account, pins the account, and notes the base deposit.
    pub fn charge_instantiate(
        &mut self,
        origin: &T::AccountId,
        contract: &T::AccountId,
        info: &mut ContractInfo<T>,
        code: &CodeInfo<T>,
    ) -> DispatchResult {
        let existential = T::Currency::minimum_balance();
        self.total = self.total.saturating_add(StorageDeposit::Charge(existential));
        T::Currency::transfer(origin, contract, existential, Preservation::Preserve)?;
        frame_system::Pallet::<T>::inc_consumers(contract)?;
        let (_, base) = info.update_base_deposit(code);
        self.charge(contract.clone(), StorageDeposit::Charge(base));
        Ok(())
    }

    /// Fails if the frame owes more than it may. `is_outermost` stands for the frame at which the transaction's limit counts;
    /// any other frame is only held to a limit of its own, so that the order of storage accesses does not matter.
    pub fn enforce_limit(&self, is_outermost: bool) -> DispatchResult {
        if (is_outermost || self.is_own_limit) && self.total.exceeds(self.limit) {
            return Err(Error::<T>::StorageDepositLimitExhausted.into());
        }
        Ok(())
    }

    /// Moves all that was noted, refunds first, and returns the sum.
    pub fn execute(self) -> Result<DepositOf<T>, DispatchError> {
        let Some(payer) = &self.payer else {
            return Ok(Default::default());
        };
        // What one frame takes, a later one may give back before anything is held. Such a refund lowers the charge, or the origin
        // would pay more than the sum and the surplus would stay on the contract for good.
        let mut unpaid = BTreeMap::new();
        for Charge { contract, amount } in &self.charges {
            if let StorageDeposit::Refund(amount) = *amount {
                let held = T::Currency::balance_on_hold(&HoldReason::StorageDepositReserve.into(), contract);
                release::<T>(contract, payer, amount.min(held))?;
                let sum = unpaid.entry(contract).or_insert_with(BalanceOf::<T>::zero);
                *sum = sum.saturating_add(amount.saturating_sub(held));
            }
        }
        for Charge { contract, amount } in &self.charges {
            if let StorageDeposit::Charge(amount) = *amount {
                let sum = unpaid.entry(contract).or_insert_with(BalanceOf::<T>::zero);
                hold::<T>(payer, contract, amount.saturating_sub(*sum))?;
                *sum = sum.saturating_sub(amount);
            }
        }
        Ok(self.total)
    }
}

/// Moves an amount from the payer to the contract's account, where it is held.
fn hold<T: Config>(payer: &T::AccountId, contract: &T::AccountId, amount: BalanceOf<T>) -> DispatchResult {
    if amount.is_zero() {
        return Ok(());
    }
    T::Currency::transfer_and_hold(
        &HoldReason::StorageDepositReserve.into(),
        payer,
        contract,
        amount,
        Precision::Exact,
        Preservation::Preserve,
        Fortitude::Polite,
    )?;
    Pallet::<T>::deposit_event(Event::StorageDepositTransferredAndHeld {
        from: payer.clone(),
        to: contract.clone(),
        amount,
    });
    Ok(())
}

/// Moves an amount that is held on the contract's account to another account, where it is free.
fn release<T: Config>(contract: &T::AccountId, to: &T::AccountId, amount: BalanceOf<T>) -> DispatchResult {
    if amount.is_zero() {
        return Ok(());
    }
    T::Currency::transfer_on_hold(
        &HoldReason::StorageDepositReserve.into(),
        contract,
        to,
        amount,
        Precision::Exact,
        Restriction::Free,
        Fortitude::Polite,
    )?;
    Pallet::<T>::deposit_event(Event::StorageDepositTransferredAndReleased {
        from: contract.clone(),
        to: to.clone(),
        amount,
    });
    Ok(())
}

/// The limit that a signed origin asked for, if it can pay that besides `value` and stay alive.
fn affordable_limit<T: Config>(
    origin: &T::AccountId,
    limit: Option<BalanceOf<T>>,
    value: BalanceOf<T>,
) -> Result<BalanceOf<T>, DispatchError> {
    let spendable = T::Currency::reducible_balance(origin, Preservation::Preserve, Fortitude::Polite)
        .saturating_sub(value)
        .saturating_sub(T::Currency::minimum_balance());
    let limit = limit.unwrap_or_else(|| spendable.min(T::DefaultDepositLimit::get()));
    let can_pay = matches!(T::Currency::can_withdraw(origin, limit), WithdrawConsequence::Success);
    if limit > spendable || !can_pay {
        return Err(Error::<T>::StorageDepositNotEnoughFunds.into());
    }
    Ok(limit)
}
