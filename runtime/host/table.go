package host

import (
	"github.com/sepia-chain/sepia/internal/crypto"
	"github.com/sepia-chain/sepia/runtime/engine"
)

// Why functions of the standard interface that belong to a node and not to a chain end the call.
const (
	noKeystore = "this chain's blob has no keystore: keys are held by wallets"
	noWorkers  = "this chain runs no off-chain workers"
)

// table is the host API of host_version 1: what a blob may import, and nothing else. Names carry the version of a function,
// as everywhere in Substrate. docs/host-api.md is generated from it.
var table = concat(
	allocatorRows, hashingRows, storageRows, childRows, cryptoRows, keystoreRows, trieRows, miscRows, offchainRows,
	guestRows,
)

func concat(groups ...[]row) []row {
	var all []row
	for _, group := range groups {
		all = append(all, group...)
	}
	return all
}

var allocatorRows = []row{
	inC(engine.NativeMalloc, row{"ext_allocator_malloc_version_1", params(U32), Ptr, mallocPrice, malloc, "Reserves memory: the freeing-bump allocator, base at `__heap_base`.", 0}),
	inC(engine.NativeFree, row{"ext_allocator_free_version_1", params(Ptr), None, freePrice, nothing, "Releases memory that malloc or a result gave.", 0}),
}

var hashingRows = []row{
	inC(engine.NativeBlake2128, hash("blake2_128", blake2Price, blake2_128, "BLAKE2b with 16 bytes of output.")),
	inC(engine.NativeBlake2256, hash("blake2_256", blake2Price, blake2_256, "BLAKE2b with 32 bytes of output.")),
	inC(engine.NativeTwox64, hash("twox_64", twox64Price, twox(1), "XXH64 with seed 0.")),
	inC(engine.NativeTwox128, hash("twox_128", twox128Price, twox(2), "XXH64 with seeds 0 and 1.")),
	inC(engine.NativeTwox256, hash("twox_256", twox256Price, twox(4), "XXH64 with seeds 0 to 3.")),
	inC(engine.NativeKeccak256, hash("keccak_256", keccak256Price, keccak256, "Keccak-256, Ethereum's hash.")),
	inC(engine.NativeKeccak512, hash("keccak_512", keccak512Price, keccak512, "Keccak-512.")),
	inC(engine.NativeSha2256, hash("sha2_256", sha2Price, sha2_256, "SHA-256.")),
}

func inC(native engine.NativeFunc, r row) row {
	r.native = native
	return r
}

func hash(name string, price Price, run func([]byte) []byte, doc string) row {
	return row{name: "ext_hashing_" + name + "_version_1", params: params(Fat), result: Ptr, price: price, run: hashing(run), doc: doc}
}

var storageRows = []row{
	{"ext_storage_get_version_1", params(Fat), Fat, readPrice, storageGet, "Value of a key: `Option<Vec<u8>>`.", 0},
	{"ext_storage_read_version_1", params(Fat, Fat, U32), Fat, readPrice, storageRead, "Copies a value from an offset on into a buffer; length from there: `Option<u32>`.", 0},
	{"ext_storage_exists_version_1", params(Fat), U32, readPrice, storageExists, "1 if the key has a value.", 0},
	{"ext_storage_next_key_version_1", params(Fat), Fat, nextPrice, storageNextKey, "The next key in order: `Option<Vec<u8>>`.", 0},
	{"ext_storage_set_version_1", params(Fat, Fat), None, writePrice, storageSet, "Sets a value. Keys under `:child_storage:` are left alone.", 0},
	{"ext_storage_clear_version_1", params(Fat), None, clearPrice, storageClear, "Deletes a key. Keys under `:child_storage:` are left alone.", 0},
	{"ext_storage_append_version_1", params(Fat, Fat), None, writePrice, storageAppend, "Appends an encoded item to a SCALE list; costs the item, not the list.", 0},
	{"ext_storage_clear_prefix_version_1", params(Fat), None, removePrice, storageClearPrefixV1, "Deletes all keys under a prefix.", 0},
	{"ext_storage_clear_prefix_version_2", params(Fat, Fat), Fat, removePrice, storageClearPrefixV2, "The same with a limit on committed keys (`Option<u32>`): `KillStorageResult`.", 0},
	{"ext_storage_root_version_1", nil, Fat, rootPrice, storageRootV1, "Root of the state with all pending changes, 32 bytes.", 0},
	{"ext_storage_root_version_2", params(U32), Fat, rootPrice, storageRootV2, "The same; the state version (0 or 1) changes nothing here.", 0},
	{"ext_storage_changes_root_version_1", params(Fat), Fat, constantPrice, storageChangesRoot, "Always None.", 0},
	{"ext_storage_start_transaction_version_1", nil, None, transactionPrice, storageStartTransaction, "Opens a nested transaction.", 0},
	{"ext_storage_commit_transaction_version_1", nil, None, transactionPrice, storageCommitTransaction, "Keeps the innermost transaction; ends the call if this call opened none.", 0},
	{"ext_storage_rollback_transaction_version_1", nil, None, transactionPrice, storageRollbackTransaction, "Undoes the innermost transaction; ends the call if this call opened none.", 0},
}

var childRows = []row{
	{"ext_default_child_storage_get_version_1", params(Fat, Fat), Fat, readPrice, childGet, "Value of a child's key: `Option<Vec<u8>>`.", 0},
	{"ext_default_child_storage_read_version_1", params(Fat, Fat, Fat, U32), Fat, readPrice, childRead, "Copies a child's value from an offset on into a buffer: `Option<u32>`.", 0},
	{"ext_default_child_storage_exists_version_1", params(Fat, Fat), U32, readPrice, childExists, "1 if the child's key has a value.", 0},
	{"ext_default_child_storage_next_key_version_1", params(Fat, Fat), Fat, nextPrice, childNextKey, "The child's next key in order: `Option<Vec<u8>>`.", 0},
	{"ext_default_child_storage_set_version_1", params(Fat, Fat, Fat), None, writePrice, childSet, "Sets a value in a child.", 0},
	{"ext_default_child_storage_clear_version_1", params(Fat, Fat), None, clearPrice, childClear, "Deletes a child's key.", 0},
	{"ext_default_child_storage_clear_prefix_version_1", params(Fat, Fat), None, removePrice, childClearPrefixV1, "Deletes a child's keys under a prefix.", 0},
	{"ext_default_child_storage_clear_prefix_version_2", params(Fat, Fat, Fat), Fat, removePrice, childClearPrefixV2, "The same with a limit on committed keys: `KillStorageResult`.", 0},
	{"ext_default_child_storage_storage_kill_version_1", params(Fat), None, removePrice, childKillV1, "Deletes a whole child.", 0},
	{"ext_default_child_storage_storage_kill_version_2", params(Fat, Fat), U32, removePrice, childKillV2, "The same with a limit on committed keys; 1 if nothing is left.", 0},
	{"ext_default_child_storage_storage_kill_version_3", params(Fat, Fat), Fat, removePrice, childKillV3, "The same; answers `KillStorageResult`.", 0},
	{"ext_default_child_storage_root_version_1", params(Fat), Fat, childRootPrice, childRootV1, "Root of a child, 32 bytes.", 0},
	{"ext_default_child_storage_root_version_2", params(Fat, U32), Fat, childRootPrice, childRootV2, "The same; the state version changes nothing here.", 0},
}

var cryptoRows = []row{
	{"ext_crypto_ed25519_verify_version_1", params(Ptr, Fat, Ptr), U32, ed25519Price, verifyWith(memoEd25519, crypto.VerifyEd25519), "1 if an ed25519 signature is good, by ZIP-215.", 0},
	{"ext_crypto_ed25519_batch_verify_version_1", params(Ptr, Fat, Ptr), U32, ed25519Price, inBatch(verifyWith(memoEd25519, crypto.VerifyEd25519)), "The same, remembered for `finish_batch_verify`.", 0},
	{"ext_crypto_sr25519_verify_version_1", params(Ptr, Fat, Ptr), U32, sr25519Price, verifyWith(memoSr25519Deprecated, crypto.VerifySr25519Deprecated), "1 if an sr25519 signature is good; also accepts the form used before schnorrkel's audit.", 0},
	{"ext_crypto_sr25519_verify_version_2", params(Ptr, Fat, Ptr), U32, sr25519Price, verifyWith(memoSr25519, crypto.VerifySr25519), "1 if an sr25519 signature in the context `substrate` is good.", 0},
	{"ext_crypto_sr25519_batch_verify_version_1", params(Ptr, Fat, Ptr), U32, sr25519Price, inBatch(verifyWith(memoSr25519, crypto.VerifySr25519)), "The same, remembered for `finish_batch_verify`.", 0},
	{"ext_crypto_ecdsa_verify_version_1", params(Ptr, Fat, Ptr), U32, secp256k1Price, ecdsaVerify(crypto.Overflowing), "1 if an ECDSA signature over BLAKE2b-256 is good; numbers above the group order are reduced.", 0},
	{"ext_crypto_ecdsa_verify_version_2", params(Ptr, Fat, Ptr), U32, secp256k1Price, ecdsaVerify(crypto.Strict), "The same; such numbers are refused.", 0},
	{"ext_crypto_ecdsa_verify_prehashed_version_1", params(Ptr, Ptr, Ptr), U32, secp256k1Price, ecdsaVerifyPrehashed, "The same over a digest.", 0},
	{"ext_crypto_ecdsa_batch_verify_version_1", params(Ptr, Fat, Ptr), U32, secp256k1Price, inBatch(ecdsaVerify(crypto.Strict)), "The same over a message, remembered for `finish_batch_verify`.", 0},
	{"ext_crypto_start_batch_verify_version_1", nil, None, batchPrice, startBatchVerify, "Begins a batch. Signatures are nevertheless checked at once.", 0},
	{"ext_crypto_finish_batch_verify_version_1", nil, U32, batchPrice, finishBatchVerify, "1 if all signatures of the batch were good; ends the call if none was begun.", 0},
	{"ext_crypto_secp256k1_ecdsa_recover_version_1", params(Ptr, Ptr), Fat, secp256k1Price, ecdsaRecover(crypto.Overflowing, appendUncompressed), "Key that signed a digest: `Result<[u8; 64], EcdsaVerifyError>`; large numbers are reduced.", 0},
	{"ext_crypto_secp256k1_ecdsa_recover_version_2", params(Ptr, Ptr), Fat, secp256k1Price, ecdsaRecover(crypto.Strict, appendUncompressed), "The same; such numbers are refused.", 0},
	{"ext_crypto_secp256k1_ecdsa_recover_compressed_version_1", params(Ptr, Ptr), Fat, secp256k1Price, ecdsaRecover(crypto.Overflowing, appendCompressed), "Key that signed a digest: `Result<[u8; 33], EcdsaVerifyError>`; large numbers are reduced.", 0},
	{"ext_crypto_secp256k1_ecdsa_recover_compressed_version_2", params(Ptr, Ptr), Fat, secp256k1Price, ecdsaRecover(crypto.Strict, appendCompressed), "The same; such numbers are refused.", 0},
}

var keystoreRows = []row{
	keystore("ext_crypto_ed25519_public_keys_version_1", params(Ptr), Fat),
	keystore("ext_crypto_ed25519_generate_version_1", params(Ptr, Fat), Ptr),
	keystore("ext_crypto_ed25519_sign_version_1", params(Ptr, Ptr, Fat), Fat),
	keystore("ext_crypto_sr25519_public_keys_version_1", params(Ptr), Fat),
	keystore("ext_crypto_sr25519_generate_version_1", params(Ptr, Fat), Ptr),
	keystore("ext_crypto_sr25519_sign_version_1", params(Ptr, Ptr, Fat), Fat),
	keystore("ext_crypto_ecdsa_public_keys_version_1", params(Ptr), Fat),
	keystore("ext_crypto_ecdsa_generate_version_1", params(Ptr, Fat), Ptr),
	keystore("ext_crypto_ecdsa_sign_version_1", params(Ptr, Ptr, Fat), Fat),
	keystore("ext_crypto_ecdsa_sign_prehashed_version_1", params(Ptr, Ptr, Ptr), Fat),
}

func keystore(name string, p []Param, result Param) row {
	return row{name, p, result, constantPrice, unavailable(noKeystore), "Ends the call: " + noKeystore + ".", 0}
}

var trieRows = []row{
	{"ext_trie_blake2_256_root_version_1", params(Fat), Ptr, trieBlake2Price, trieRoot(blake2Node), "Patricia-Merkle root of `Vec<(Vec<u8>, Vec<u8>)>`, layout V0, BLAKE2b-256.", 0},
	{"ext_trie_blake2_256_root_version_2", params(Fat, U32), Ptr, trieBlake2Price, trieRoot(blake2Node), "The same with the layout as argument.", 0},
	{"ext_trie_blake2_256_ordered_root_version_1", params(Fat), Ptr, trieBlake2Price, trieOrderedRoot(blake2Node), "Root of `Vec<Vec<u8>>` under its indices as compact integers, layout V0.", 0},
	{"ext_trie_blake2_256_ordered_root_version_2", params(Fat, U32), Ptr, trieBlake2Price, trieOrderedRoot(blake2Node), "The same with the layout as argument: the extrinsics root.", 0},
	{"ext_trie_blake2_256_verify_proof_version_1", params(Ptr, Fat, Fat, Fat), U32, trieBlake2Price, trieVerifyProof(blake2Node), "1 if a compact proof shows the value of a key under a root, layout V0.", 0},
	{"ext_trie_blake2_256_verify_proof_version_2", params(Ptr, Fat, Fat, Fat, U32), U32, trieBlake2Price, trieVerifyProof(blake2Node), "The same with the layout as argument.", 0},
	{"ext_trie_keccak_256_root_version_1", params(Fat), Ptr, trieKeccakPrice, trieRoot(keccakNode), "As for BLAKE2b, with Keccak-256.", 0},
	{"ext_trie_keccak_256_root_version_2", params(Fat, U32), Ptr, trieKeccakPrice, trieRoot(keccakNode), "As for BLAKE2b, with Keccak-256.", 0},
	{"ext_trie_keccak_256_ordered_root_version_1", params(Fat), Ptr, trieKeccakPrice, trieOrderedRoot(keccakNode), "As for BLAKE2b, with Keccak-256.", 0},
	{"ext_trie_keccak_256_ordered_root_version_2", params(Fat, U32), Ptr, trieKeccakPrice, trieOrderedRoot(keccakNode), "As for BLAKE2b, with Keccak-256.", 0},
	{"ext_trie_keccak_256_verify_proof_version_1", params(Ptr, Fat, Fat, Fat), U32, trieKeccakPrice, trieVerifyProof(keccakNode), "As for BLAKE2b, with Keccak-256.", 0},
	{"ext_trie_keccak_256_verify_proof_version_2", params(Ptr, Fat, Fat, Fat, U32), U32, trieKeccakPrice, trieVerifyProof(keccakNode), "As for BLAKE2b, with Keccak-256.", 0},
}

var miscRows = []row{
	{"ext_logging_log_version_1", params(U32, Fat, Fat), None, logPrice, loggingLog, "Logs a line. The last error line before a trap is kept as its reason.", 0},
	{"ext_logging_max_level_version_1", nil, U32, constantPrice, loggingMaxLevel, "The log level: always 2 (warnings), whatever the node prints.", 0},
	{"ext_misc_print_num_version_1", params(U64), None, logPrice, printNumber, "Logs a number for debugging.", 0},
	{"ext_misc_print_utf8_version_1", params(Fat), None, logPrice, printText, "Logs a text for debugging.", 0},
	{"ext_misc_print_hex_version_1", params(Fat), None, logPrice, printHex, "Logs bytes for debugging.", 0},
	{"ext_misc_runtime_version_version_1", params(Fat), Fat, versionPrice, runtimeVersion, "Version of some blob, from its custom sections only: `Option<Vec<u8>>`.", 0},
	{"ext_panic_handler_abort_on_panic_version_1", params(Fat), None, logPrice, abortOnPanic, "Ends the call with a reason.", 0},
	{"ext_wasm_tracing_enabled_version_1", params(Fat), U32, constantPrice, nothing, "Always 0: nothing is traced.", 0},
	{"ext_wasm_tracing_enter_span_version_1", params(Fat), U64, constantPrice, nothing, "Always 0.", 0},
	{"ext_wasm_tracing_event_version_1", params(Fat), None, constantPrice, nothing, "Does nothing.", 0},
	{"ext_wasm_tracing_exit_version_1", params(U64), None, constantPrice, nothing, "Does nothing.", 0},
	{"ext_transaction_index_index_version_1", params(U32, U32, Ptr), None, constantPrice, nothing, "Does nothing: this chain keeps no transaction index.", 0},
	{"ext_transaction_index_renew_version_1", params(U32, Ptr), None, constantPrice, nothing, "Does nothing.", 0},
	{"ext_offchain_index_set_version_1", params(Fat, Fat), None, constantPrice, nothing, "Does nothing: this chain keeps no off-chain database.", 0},
	{"ext_offchain_index_clear_version_1", params(Fat), None, constantPrice, nothing, "Does nothing.", 0},
}

var offchainRows = []row{
	offchain("ext_offchain_is_validator_version_1", nil, U32),
	offchain("ext_offchain_submit_transaction_version_1", params(Fat), Fat),
	offchain("ext_offchain_network_state_version_1", nil, Fat),
	offchain("ext_offchain_timestamp_version_1", nil, U64),
	offchain("ext_offchain_sleep_until_version_1", params(U64), None),
	offchain("ext_offchain_random_seed_version_1", nil, Ptr),
	offchain("ext_offchain_local_storage_set_version_1", params(U32, Fat, Fat), None),
	offchain("ext_offchain_local_storage_clear_version_1", params(U32, Fat), None),
	offchain("ext_offchain_local_storage_compare_and_set_version_1", params(U32, Fat, Fat, Fat), U32),
	offchain("ext_offchain_local_storage_get_version_1", params(U32, Fat), Fat),
	offchain("ext_offchain_http_request_start_version_1", params(Fat, Fat, Fat), Fat),
	offchain("ext_offchain_http_request_add_header_version_1", params(U32, Fat, Fat), Fat),
	offchain("ext_offchain_http_request_write_body_version_1", params(U32, Fat, Fat), Fat),
	offchain("ext_offchain_http_response_wait_version_1", params(Fat, Fat), Fat),
	offchain("ext_offchain_http_response_headers_version_1", params(U32), Fat),
	offchain("ext_offchain_http_response_read_body_version_1", params(U32, Fat, Fat), Fat),
	offchain("ext_offchain_set_authorized_nodes_version_1", params(Fat, U32), None),
}

func offchain(name string, p []Param, result Param) row {
	return row{name, p, result, constantPrice, unavailable(noWorkers), "Ends the call: " + noWorkers + ".", 0}
}
