//! The runtime API of contracts.

// The parameters are what clients encode, one after the other.
#![allow(clippy::too_many_arguments)]

use alloc::vec::Vec;
use codec::Codec;
use frame_support::weights::Weight;

use crate::primitives::{Code, CodeUploadResult, ContractExecResult, ContractInstantiateResult, GetStorageResult};
use crate::wasm::Determinism;

sp_api::decl_runtime_apis! {
    /// Dry runs of contracts, and their storage.
    #[api_version(2)]
    pub trait ContractsApi<AccountId, Balance, BlockNumber, Hash, EventRecord>
    where
        AccountId: Codec,
        Balance: Codec,
        BlockNumber: Codec,
        Hash: Codec,
        EventRecord: Codec,
    {
        /// Calls a contract as `origin` would, and drops all changes.
        fn call(
            origin: AccountId,
            dest: AccountId,
            value: Balance,
            gas_limit: Option<Weight>,
            storage_deposit_limit: Option<Balance>,
            input_data: Vec<u8>,
        ) -> ContractExecResult<Balance, EventRecord>;

        /// Makes a contract as `origin` would, and drops all changes.
        fn instantiate(
            origin: AccountId,
            value: Balance,
            gas_limit: Option<Weight>,
            storage_deposit_limit: Option<Balance>,
            code: Code<Hash>,
            data: Vec<u8>,
            salt: Vec<u8>,
        ) -> ContractInstantiateResult<AccountId, Balance, EventRecord>;

        /// Stores code as `origin` would, and drops all changes.
        fn upload_code(
            origin: AccountId,
            code: Vec<u8>,
            storage_deposit_limit: Option<Balance>,
            determinism: Determinism,
        ) -> CodeUploadResult<Hash, Balance>;

        /// Reads a value of a contract's storage.
        fn get_storage(address: AccountId, key: Vec<u8>) -> GetStorageResult;
    }
}
