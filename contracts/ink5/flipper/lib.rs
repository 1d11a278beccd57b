//! One bit of storage: the smallest contract with state.
#![cfg_attr(not(feature = "std"), no_std, no_main)]
#![deny(missing_docs)]

pub use self::flipper::{Flipper, FlipperRef};

/// The contract.
#[ink::contract]
mod flipper {
    /// A bit that anybody may turn over.
    #[ink(storage)]
    pub struct Flipper {
        value: bool,
    }

    impl Flipper {
        /// Starts with the given value.
        #[ink(constructor)]
        pub fn new(value: bool) -> Self {
            Self { value }
        }

        /// Starts with false.
        #[ink(constructor)]
        pub fn default() -> Self {
            Self::new(false)
        }

        /// Turns the value over.
        #[ink(message)]
        pub fn flip(&mut self) {
            self.value = !self.value;
        }

        /// The value now.
        #[ink(message)]
        pub fn get(&self) -> bool {
            self.value
        }
    }
}
