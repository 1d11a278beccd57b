//! The rules of a Sepia chain, as a FRAME runtime.
//!
//! What it is: all that is policy. Accounts, fees, nonces, the format of extrinsics, events, metadata, upgrades, and what the
//! chain tells CometBFT about its validators. It is compiled to Wasm, stored on chain under `:code`, and replaced by a transaction.
//!
//! What it is not: a node. Storage, hashing, signature checks, ordering and serving belong to the host, whose interface is the
//! standard Polkadot host API (imports) and the runtime APIs below (exports). Nothing in linear memory outlives a call.
//!
//! How data flows through one block: `Core_initialize_block`, then the inherents that `BlockBuilder_inherent_extrinsics` makes from
//! the host's data (time, commit information), then signed extrinsics one by one, then `BlockBuilder_finalize_block`.
//!
//! Two blobs come from this crate. The on-chain one has no `GenesisBuilder` and so no float instruction; the feature `genesis` makes
//! the other, which `sepia init` runs once, off chain, to write a chain spec.

#![cfg_attr(not(feature = "std"), no_std)]
// `memcpy` of the blob is written in assembly, which the pinned compiler has for Wasm as an experiment.
#![cfg_attr(substrate_runtime, feature(asm_experimental_arch))]
// `missing_docs` is denied in each module below and not here: FRAME's macros make undocumented items at the root.

extern crate alloc;

mod apis;
#[deny(missing_docs)]
mod call;
#[deny(missing_docs)]
mod configs;
#[deny(missing_docs)]
pub mod constants;
#[cfg(feature = "genesis")]
#[deny(missing_docs)]
mod genesis;
#[deny(missing_docs)]
pub mod weights;

pub use apis::api;
pub use apis::RUNTIME_API_VERSIONS;

use alloc::{borrow::Cow, vec::Vec};
use sp_runtime::{
    generic,
    traits::{BlakeTwo256, IdentifyAccount, Verify},
    MultiAddress, MultiSignature,
};
use sp_version::RuntimeVersion;

/// Number of a block: CometBFT's height.
pub type BlockNumber = u32;
/// An amount of the chain's currency, in units of 10^-12 UNIT.
pub type Balance = u128;
/// How many extrinsics an account has signed.
pub type Nonce = u32;
/// blake2b-256 of whatever is named by it.
pub type Hash = sp_core::H256;
/// ed25519, sr25519 or ecdsa.
pub type Signature = MultiSignature;
/// The 32 bytes that name an account.
pub type AccountId = <<Signature as Verify>::Signer as IdentifyAccount>::AccountId;
/// How an extrinsic names an account.
pub type Address = MultiAddress<AccountId, ()>;
/// Header of a block, as clients hash it.
pub type Header = generic::Header<BlockNumber, BlakeTwo256>;
/// A block.
pub type Block = generic::Block<Header, UncheckedExtrinsic>;

/// What every signed extrinsic carries besides its call. Wallets find these by name and in this order; each one is known to
/// polkadot.js, PAPI, subxt and cargo-contract, and none of them may be added or dropped without a new transaction version.
pub type TxExtension = (
    frame_system::CheckNonZeroSender<Runtime>,
    frame_system::CheckSpecVersion<Runtime>,
    frame_system::CheckTxVersion<Runtime>,
    frame_system::CheckGenesis<Runtime>,
    frame_system::CheckEra<Runtime>,
    frame_system::CheckNonce<Runtime>,
    frame_system::CheckWeight<Runtime>,
    pallet_transaction_payment::ChargeTransactionPayment<Runtime>,
);
/// An extrinsic as it comes over the wire.
pub type UncheckedExtrinsic = generic::UncheckedExtrinsic<Address, RuntimeCall, Signature, TxExtension>;
/// Runs blocks.
pub type Executive =
    frame_executive::Executive<Runtime, Block, frame_system::ChainContext<Runtime>, Runtime, AllPalletsWithSystem>;

macro_rules! version {
    ($spec_version:tt) => {
        /// Who this blob is. The host reads it from a custom section without running anything.
        #[sp_version::runtime_version]
        pub const VERSION: RuntimeVersion = RuntimeVersion {
            spec_name: Cow::Borrowed("sepia"),
            impl_name: Cow::Borrowed("sepia"),
            authoring_version: 1,
            // Raised by every released change of behaviour; a chain takes a blob only with a higher one.
            spec_version: $spec_version,
            impl_version: 1,
            apis: RUNTIME_API_VERSIONS,
            // Raised by any change of a call's index or arguments, or of TxExtension.
            transaction_version: 1,
            // 3 would defer a new `:code` by a block; 1 writes it where `set_code` says.
            system_version: 1,
        };
    };
}

#[cfg(not(feature = "upgrade-test"))]
version!(1);
// The blob that upgrade tests install over the released one.
#[cfg(feature = "upgrade-test")]
version!(2);

#[frame_support::runtime]
mod runtime {
    #[runtime::runtime]
    #[runtime::derive(
        RuntimeCall,
        RuntimeEvent,
        RuntimeError,
        RuntimeOrigin,
        RuntimeFreezeReason,
        RuntimeHoldReason,
        RuntimeSlashReason,
        RuntimeLockId,
        RuntimeTask
    )]
    pub struct Runtime;

    #[runtime::pallet_index(0)]
    pub type System = frame_system;
    #[runtime::pallet_index(1)]
    pub type Timestamp = pallet_timestamp;
    #[runtime::pallet_index(2)]
    pub type Balances = pallet_balances;
    #[runtime::pallet_index(3)]
    pub type TransactionPayment = pallet_transaction_payment;
    #[runtime::pallet_index(4)]
    pub type Utility = pallet_utility;
    #[runtime::pallet_index(5)]
    pub type Multisig = pallet_multisig;
    #[runtime::pallet_index(6)]
    pub type Proxy = pallet_proxy;
    #[runtime::pallet_index(7)]
    pub type Sudo = pallet_sudo;
    #[runtime::pallet_index(8)]
    pub type Comet = pallet_comet;
    #[runtime::pallet_index(9)]
    pub type Upgrade = pallet_upgrade;
    #[runtime::pallet_index(10)]
    pub type Contracts = pallet_contracts;
}

#[cfg(test)]
mod tests;
