//! Calls and instantiates other contracts.
#![cfg_attr(not(feature = "std"), no_std, no_main)]
#![deny(missing_docs)]

/// The contract.
#[ink::contract]
mod caller {
    use flipper::FlipperRef;
    use ink::env::call::{build_call, ExecutionInput, FromAccountId, Selector};
    use ink::env::{CallFlags, DefaultEnvironment};
    use ink::ToAccountId;

    /// Knows one flipper.
    #[ink(storage)]
    pub struct Caller {
        flipper: AccountId,
    }

    impl Caller {
        /// Starts with a flipper that is there already.
        #[ink(constructor, payable)]
        pub fn new(flipper: AccountId) -> Self {
            Self { flipper }
        }

        /// The flipper it calls.
        #[ink(message)]
        pub fn flipper(&self) -> AccountId {
            self.flipper
        }

        /// The flipper's value.
        #[ink(message)]
        pub fn get(&self) -> bool {
            self.flipper_ref().get()
        }

        /// Turns the flipper's value over.
        #[ink(message)]
        pub fn flip(&mut self) {
            self.flipper_ref().flip();
        }

        /// Makes a flipper from code on the chain, endows it with what came along, and calls it from now on.
        #[ink(message, payable)]
        pub fn spawn(&mut self, code_hash: Hash, value: bool, salt: [u8; 4]) -> AccountId {
            let made = FlipperRef::new(value)
                .code_hash(code_hash)
                .endowment(self.env().transferred_value())
                .salt_bytes(salt)
                .gas_limit(0)
                .instantiate();
            self.flipper = made.to_account_id();
            self.flipper
        }

        /// Calls itself up to `depth` times, one inside the other, and says how often it worked.
        #[ink(message)]
        pub fn dive(&self, depth: u32) -> u32 {
            let Some(rest) = depth.checked_sub(1) else {
                return 0;
            };
            let input = ExecutionInput::new(Selector::new(ink::selector_bytes!("dive")));
            let below = build_call::<DefaultEnvironment>()
                .call(self.env().account_id())
                .gas_limit(0)
                .call_flags(CallFlags::default().set_allow_reentry(true))
                .exec_input(input.push_arg(rest))
                .returns::<u32>()
                .try_invoke();
            match below {
                Ok(Ok(reached)) => reached.saturating_add(1),
                _ => 0,
            }
        }

        /// Sends value to an account, and says whether it worked.
        #[ink(message, payable)]
        pub fn pay(&mut self, to: AccountId, value: Balance) -> bool {
            self.env().transfer(to, value).is_ok()
        }

        /// Ends, and leaves what it has to the caller.
        #[ink(message)]
        pub fn end(&mut self) {
            self.env().terminate_contract(self.env().caller())
        }

        fn flipper_ref(&self) -> FlipperRef {
            FromAccountId::<DefaultEnvironment>::from_account_id(self.flipper)
        }
    }
}
