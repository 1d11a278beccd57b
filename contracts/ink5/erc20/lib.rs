//! A token: mappings, events with topics, messages that fail.
#![cfg_attr(not(feature = "std"), no_std, no_main)]
#![deny(missing_docs)]

/// The contract.
#[ink::contract]
mod erc20 {
    use ink::storage::Mapping;

    /// Balances of accounts, and what owners let others spend.
    #[ink(storage)]
    pub struct Erc20 {
        total_supply: Balance,
        balances: Mapping<AccountId, Balance>,
        allowances: Mapping<(AccountId, AccountId), Balance>,
    }

    /// Tokens moved. `from` is none when they were made.
    #[ink(event)]
    pub struct Transfer {
        /// Who had them.
        #[ink(topic)]
        from: Option<AccountId>,
        /// Who has them.
        #[ink(topic)]
        to: Option<AccountId>,
        /// How many.
        value: Balance,
    }

    /// An owner let a spender spend.
    #[ink(event)]
    pub struct Approval {
        /// Whose tokens.
        #[ink(topic)]
        owner: AccountId,
        /// Who may spend them.
        #[ink(topic)]
        spender: AccountId,
        /// How many in all.
        value: Balance,
    }

    /// Why a message failed.
    #[derive(Debug, PartialEq, Eq)]
    #[ink::scale_derive(Encode, Decode, TypeInfo)]
    pub enum Error {
        /// The owner has fewer tokens.
        InsufficientBalance,
        /// The spender may spend fewer tokens.
        InsufficientAllowance,
    }

    /// What messages that may fail return.
    pub type Result<T> = core::result::Result<T, Error>;

    impl Erc20 {
        /// Makes all tokens and gives them to the caller.
        #[ink(constructor)]
        pub fn new(total_supply: Balance) -> Self {
            let owner = Self::env().caller();
            let mut balances = Mapping::default();
            balances.insert(owner, &total_supply);
            Self::env().emit_event(Transfer {
                from: None,
                to: Some(owner),
                value: total_supply,
            });
            Self {
                total_supply,
                balances,
                allowances: Mapping::default(),
            }
        }

        /// How many tokens there are.
        #[ink(message)]
        pub fn total_supply(&self) -> Balance {
            self.total_supply
        }

        /// How many tokens an account has.
        #[ink(message)]
        pub fn balance_of(&self, owner: AccountId) -> Balance {
            self.balances.get(owner).unwrap_or_default()
        }

        /// How many tokens a spender may take from an owner.
        #[ink(message)]
        pub fn allowance(&self, owner: AccountId, spender: AccountId) -> Balance {
            self.allowances.get((owner, spender)).unwrap_or_default()
        }

        /// Gives tokens of the caller away.
        #[ink(message)]
        pub fn transfer(&mut self, to: AccountId, value: Balance) -> Result<()> {
            let from = self.env().caller();
            self.move_tokens(from, to, value)
        }

        /// Lets a spender take up to `value` tokens of the caller.
        #[ink(message)]
        pub fn approve(&mut self, spender: AccountId, value: Balance) -> Result<()> {
            let owner = self.env().caller();
            self.allowances.insert((owner, spender), &value);
            self.env().emit_event(Approval {
                owner,
                spender,
                value,
            });
            Ok(())
        }

        /// Moves tokens of an owner who has approved the caller.
        #[ink(message)]
        pub fn transfer_from(
            &mut self,
            from: AccountId,
            to: AccountId,
            value: Balance,
        ) -> Result<()> {
            let spender = self.env().caller();
            let rest = self
                .allowance(from, spender)
                .checked_sub(value)
                .ok_or(Error::InsufficientAllowance)?;
            self.move_tokens(from, to, value)?;
            self.allowances.insert((from, spender), &rest);
            Ok(())
        }

        fn move_tokens(&mut self, from: AccountId, to: AccountId, value: Balance) -> Result<()> {
            let rest = self
                .balance_of(from)
                .checked_sub(value)
                .ok_or(Error::InsufficientBalance)?;
            self.balances.insert(from, &rest);
            // The sum cannot overflow: no balance exceeds the supply.
            let more = self.balance_of(to).saturating_add(value);
            self.balances.insert(to, &more);
            self.env().emit_event(Transfer {
                from: Some(from),
                to: Some(to),
                value,
            });
            Ok(())
        }
    }
}
