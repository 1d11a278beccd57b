//! Every way to fail.
#![cfg_attr(not(feature = "std"), no_std, no_main)]
#![deny(missing_docs)]

/// The contract.
#[ink::contract]
mod trapper {
    use core::hint::black_box;
    use ink::prelude::string::String;
    use ink::prelude::vec;
    use ink::prelude::vec::Vec;

    /// Remembers a number, so that a failure can be seen to change nothing.
    #[ink(storage)]
    pub struct Trapper {
        number: u32,
    }

    /// What the message refuses with.
    #[derive(Debug, PartialEq, Eq)]
    #[ink::scale_derive(Encode, Decode, TypeInfo)]
    pub enum Refusal {
        /// As it was asked to.
        AsYouWish(u32),
    }

    impl Trapper {
        /// Starts with 0.
        #[ink(constructor)]
        pub fn new() -> Self {
            Self { number: 0 }
        }

        /// Cannot be made.
        #[ink(constructor)]
        pub fn refusing(reason: u32) -> Result<Self, Refusal> {
            Err(Refusal::AsYouWish(reason))
        }

        /// Panics while it is made.
        #[ink(constructor)]
        pub fn panicking() -> Self {
            panic!("the constructor gives up")
        }

        /// The number.
        #[ink(message)]
        pub fn number(&self) -> u32 {
            self.number
        }

        /// Sets the number, then returns an error.
        #[ink(message)]
        pub fn refuse(&mut self, reason: u32) -> Result<(), Refusal> {
            self.number = reason;
            Err(Refusal::AsYouWish(reason))
        }

        /// Panics with a text, which a build with debug messages sends to the chain.
        #[ink(message)]
        pub fn panic(&mut self, text: String) {
            panic!("{text}")
        }

        /// Sends a text to the dry run's debug messages.
        #[ink(message)]
        pub fn debug(&self, text: String) {
            ink::env::debug_message(&text);
        }

        /// Divides, by zero if asked.
        #[ink(message)]
        #[allow(clippy::arithmetic_side_effects)]
        pub fn divide(&self, number: u32, by: u32) -> u32 {
            number / by
        }

        /// Reads beyond an array, if asked.
        #[ink(message)]
        pub fn index(&self, at: u32) -> u8 {
            let table = vec![7u8; 4];
            table[at as usize]
        }

        /// Never ends.
        #[ink(message)]
        pub fn spin(&self) {
            loop {
                black_box(self.number);
            }
        }

        /// Calls a function inside itself `depth` times: not contracts, the machine's stack.
        #[ink(message)]
        pub fn recurse(&self, depth: u32) -> u32 {
            descend(depth)
        }

        /// Takes memory in pieces of 64 KiB.
        #[ink(message)]
        pub fn hoard(&self, pieces: u32) -> u32 {
            let mut all: Vec<Vec<u8>> = Vec::new();
            for piece in 0..pieces {
                all.push(black_box(vec![piece as u8; 64 * 1024]));
            }
            all.len() as u32
        }

        /// Takes value, unlike all others.
        #[ink(message, payable)]
        pub fn pay(&mut self) -> Balance {
            self.env().transferred_value()
        }
    }

    #[allow(clippy::arithmetic_side_effects)]
    fn descend(depth: u32) -> u32 {
        if depth == 0 {
            return 0;
        }
        black_box(descend(black_box(depth - 1))) + 1
    }
}
