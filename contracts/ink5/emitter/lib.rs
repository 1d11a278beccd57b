//! Events of every shape.
#![cfg_attr(not(feature = "std"), no_std, no_main)]
#![deny(missing_docs)]

/// An event that is defined outside the contract, as libraries do.
#[ink::event]
pub struct Outside {
    /// A topic.
    #[ink(topic)]
    pub number: u32,
    /// Data.
    pub text: ink::prelude::string::String,
}

/// The contract.
#[ink::contract]
mod emitter {
    use super::Outside;
    use ink::prelude::string::String;
    use ink::prelude::vec::Vec;

    /// Nothing to remember.
    #[ink(storage)]
    pub struct Emitter {}

    /// Its only topic is its signature.
    #[ink(event)]
    pub struct Plain {
        /// Data.
        number: u32,
    }

    /// As many topics as there may be.
    #[ink(event)]
    pub struct Full {
        /// Short enough to be its own topic.
        #[ink(topic)]
        small: u8,
        /// Too long to be its own topic.
        #[ink(topic)]
        text: String,
        /// Unwrapped to be a topic.
        #[ink(topic)]
        who: Option<AccountId>,
        /// Data.
        more: Vec<u8>,
    }

    /// No signature topic.
    #[ink(event)]
    #[ink(anonymous)]
    pub struct Anonymous {
        /// The only topic.
        #[ink(topic)]
        number: u64,
        /// Data.
        flag: bool,
    }

    impl Emitter {
        /// Emits at once.
        #[ink(constructor)]
        pub fn new() -> Self {
            Self::env().emit_event(Plain { number: 0 });
            Self {}
        }

        /// One topic.
        #[ink(message)]
        pub fn plain(&self, number: u32) {
            self.env().emit_event(Plain { number });
        }

        /// Four topics.
        #[ink(message)]
        pub fn full(&self, small: u8, text: String, who: Option<AccountId>, more: Vec<u8>) {
            self.env().emit_event(Full {
                small,
                text,
                who,
                more,
            });
        }

        /// No signature.
        #[ink(message)]
        pub fn anonymous(&self, number: u64, flag: bool) {
            self.env().emit_event(Anonymous { number, flag });
        }

        /// From a library.
        #[ink(message)]
        pub fn outside(&self, number: u32, text: String) {
            self.env().emit_event(Outside { number, text });
        }

        /// The same event over and over.
        #[ink(message)]
        pub fn many(&self, count: u32) {
            for number in 0..count {
                self.env().emit_event(Plain { number });
            }
        }
    }
}
