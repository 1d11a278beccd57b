package host

import (
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/sepia-chain/sepia/internal/keyring"
	"github.com/sepia-chain/sepia/internal/primitives"
	"github.com/sepia-chain/sepia/internal/scale"
	"github.com/sepia-chain/sepia/runtime/engine"
)

// bench is a call without a blob: functions of the table run on a machine of the test.
type bench struct {
	t       testing.TB
	machine *testMachine
	call    *call
}

func newBench(t testing.TB, storage Storage) *bench {
	m := newTestMachine()
	b := &bench{t: t, machine: m, call: &call{}}
	b.call.begin(m, CallOptions{Storage: storage})
	return b
}

// run calls a function and returns its raw result.
func (b *bench) run(name string, args ...uint64) (uint64, error) {
	b.t.Helper()
	r := rowNamed(name)
	if r == nil || len(args) != len(r.params) {
		b.t.Fatalf("%s: no such function with %d parameters", name, len(args))
	}
	b.call.price = &r.price
	return r.run(b.call, args)
}

// must is run for a call that has to succeed.
func (b *bench) must(name string, args ...uint64) uint64 {
	b.t.Helper()
	result, err := b.run(name, args...)
	if err != nil {
		b.t.Fatalf("%s: %v", name, err)
	}
	return result
}

// bytes is must for a function that returns a fat pointer; it reads what that points to.
func (b *bench) bytes(name string, args ...uint64) string {
	b.t.Helper()
	fat := b.must(name, args...)
	out, err := b.machine.Read(uint32(fat), uint32(fat>>32))
	if err != nil {
		b.t.Fatalf("%s: %v", name, err)
	}
	return string(out)
}

// fixed is must for a function that returns the address of n bytes, as hex.
func (b *bench) fixed(n uint32, name string, args ...uint64) string {
	b.t.Helper()
	out, err := b.machine.Read(uint32(b.must(name, args...)), n)
	if err != nil {
		b.t.Fatalf("%s: %v", name, err)
	}
	return hex.EncodeToString(out)
}

func (b *bench) fat(text string) uint64 { return b.machine.put([]byte(text)) }

func TestHashing_KnownAnswers(t *testing.T) {
	b := newBench(t, newFakeStorage())
	for _, c := range []struct {
		name   string
		length uint32
		want   string
	}{
		{"blake2_128", 16, "cae66941d9efbd404e4d88758ea67670"},
		{"blake2_256", 32, "0e5751c026e543b2e8ab2eb06099daa1d1e5df47778f7787faab45cdf12fe3a8"},
		{"twox_64", 8, "99e9d85137db46ef"},
		{"twox_128", 16, "99e9d85137db46ef4bbea33613baafd5"},
		{"twox_256", 32, "99e9d85137db46ef4bbea33613baafd56f963c64b1f3685a4eb4abd67ff6203a"},
		{"keccak_256", 32, "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"},
		{"keccak_512", 64, "0eab42de4c3ceb9235fc91acffe746b29c29a8c366b7c60e4e67c466f36a4304c00fa9caf9d87976ba469bcbe06713b435f091ef2769fb160cdab33d3670680e"},
		{"sha2_256", 32, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
	} {
		if got := b.fixed(c.length, "ext_hashing_"+c.name+"_version_1", b.fat("")); got != c.want {
			t.Errorf("%s of nothing: %s, want %s", c.name, got, c.want)
		}
	}
}

func TestStorage_ResultsAreEncodedAsSubstrateDoes(t *testing.T) {
	b := newBench(t, newFakeStorage())
	b.must("ext_storage_set_version_1", b.fat("key"), b.fat("value"))
	b.must("ext_storage_append_version_1", b.fat("list"), b.fat("\x01"))
	b.must("ext_storage_append_version_1", b.fat("list"), b.fat("\x02"))
	buffer := b.fat("........")
	for _, c := range []struct {
		what, got, want string
	}{
		{"get", b.bytes("ext_storage_get_version_1", b.fat("key")), "\x01\x14value"},
		{"get of nothing", b.bytes("ext_storage_get_version_1", b.fat("none")), "\x00"},
		{"list", b.bytes("ext_storage_get_version_1", b.fat("list")), "\x01\x0c\x08\x01\x02"},
		{"next key", b.bytes("ext_storage_next_key_version_1", b.fat("key")), "\x01\x10list"},
		{"next key after the last", b.bytes("ext_storage_next_key_version_1", b.fat("list")), "\x00"},
		{"read", b.bytes("ext_storage_read_version_1", b.fat("key"), buffer, 2), "\x01\x03\x00\x00\x00"},
		{"read past the end", b.bytes("ext_storage_read_version_1", b.fat("key"), b.fat(""), 99), "\x01\x00\x00\x00\x00"},
		{"read of nothing", b.bytes("ext_storage_read_version_1", b.fat("none"), buffer, 0), "\x00"},
		{"changes root", b.bytes("ext_storage_changes_root_version_1", b.fat("")), "\x00"},
		{"clear prefix", b.bytes("ext_storage_clear_prefix_version_2", b.fat("ke"), b.fat("\x00")), "\x00\x01\x00\x00\x00"},
		{"get after clear prefix", b.bytes("ext_storage_get_version_1", b.fat("key")), "\x00"},
	} {
		if c.got != c.want {
			t.Errorf("%s: %x, want %x", c.what, c.got, c.want)
		}
	}
	out, err := b.machine.Read(uint32(buffer), 8)
	if err != nil || string(out) != "lue....." {
		t.Errorf("read filled %q, %v", out, err)
	}
	if b.must("ext_storage_exists_version_1", b.fat("list")) != 1 || b.must("ext_storage_exists_version_1", b.fat("key")) != 0 {
		t.Error("exists is wrong")
	}
	if root := b.bytes("ext_storage_root_version_2", 1); len(root) != 32 || root != b.bytes("ext_storage_root_version_1") {
		t.Errorf("root %x", root)
	}
}

// Keys where Substrate keeps child roots cannot be set, cleared, or deleted by prefix.
func TestStorage_ChildRootKeysAreLeftAlone(t *testing.T) {
	storage := newFakeStorage()
	b := newBench(t, storage)
	b.must("ext_storage_set_version_1", b.fat(":child_storage:default:x"), b.fat("y"))
	if len(storage.top) != 0 {
		t.Errorf("set wrote %v", storage.top)
	}
	storage.top[":child_storage:default:x"] = []byte("root")
	b.must("ext_storage_clear_version_1", b.fat(":child_storage:default:x"))
	for _, prefix := range []string{"", ":", ":c", ":child_storage:", ":child_storage:default:"} {
		if got := b.bytes("ext_storage_clear_prefix_version_2", b.fat(prefix), b.fat("\x00")); got != "\x00\x00\x00\x00\x00" {
			t.Errorf("prefix %q: %x", prefix, got)
		}
	}
	if len(storage.top) != 1 {
		t.Error("a child root is gone")
	}
}

func TestStorage_LimitedRemovalSaysWhatRemains(t *testing.T) {
	storage := newFakeStorage()
	b := newBench(t, storage)
	for i := range 5 {
		storage.top[fmt.Sprintf("a%d", i)] = []byte{1}
	}
	one := b.machine.put([]byte{1, 2, 0, 0, 0})
	if got := b.bytes("ext_storage_clear_prefix_version_2", b.fat("a"), one); got != "\x01\x02\x00\x00\x00" {
		t.Errorf("limit 2 of 5: %x, want SomeRemaining(2)", got)
	}
	if got := b.bytes("ext_storage_clear_prefix_version_2", b.fat("a"), b.machine.put([]byte{1, 9, 0, 0, 0, 77})); got != "\x00\x03\x00\x00\x00" {
		t.Errorf("limit 9 of 3: %x, want AllRemoved(3); bytes after the argument are ignored", got)
	}
}

// A removal visits no more keys than the gas can pay for, and running into that bound ends the call.
func TestStorage_RemovalIsBoundedByGas(t *testing.T) {
	storage := newFakeStorage()
	for i := range 100 {
		storage.top[fmt.Sprintf("a%02d", i)] = []byte{1}
	}
	b := newBench(t, storage)
	b.machine.gas = int64(10*removePrice.PerKey + 10*removePrice.PerByte)
	_, err := b.run("ext_storage_clear_prefix_version_1", b.fat("a"))
	var trap *engine.Trap
	if !errors.As(err, &trap) || trap.Class != engine.TrapOutOfGas {
		t.Fatalf("error %v, want out of gas", err)
	}
	if removed := 100 - len(storage.top); removed > 10 {
		t.Fatalf("%d keys were deleted for the gas of 10", removed)
	}
	b.machine.gas = int64(uint64(len(storage.top))*removePrice.PerKey + removePrice.PerByte)
	if _, err := b.run("ext_storage_clear_prefix_version_1", b.fat("a")); err != nil || len(storage.top) != 0 || b.machine.gas != 0 {
		t.Fatalf("with exactly enough gas: %v, %d keys and %d ps left", err, len(storage.top), b.machine.gas)
	}
}

// The blob can close only transactions that it opened itself.
func TestStorage_TransactionsOfTheCallerAreOutOfReach(t *testing.T) {
	storage := newFakeStorage()
	storage.StartTransaction()
	b := newBench(t, storage)
	for name, text := range map[string]string{
		"ext_storage_commit_transaction_version_1":   "committing a transaction: no open storage transaction",
		"ext_storage_rollback_transaction_version_1": "rolling back a transaction: no open storage transaction",
	} {
		var fault *engine.HostTrap
		if _, err := b.run(name); !errors.As(err, &fault) || err.Error() != text {
			t.Errorf("%s: error %v, want %q", name, err, text)
		}
		b.must("ext_storage_start_transaction_version_1")
		b.must(name)
	}
	b.must("ext_storage_start_transaction_version_1")
	if err := b.call.unwind(); err != nil || storage.TransactionDepth() != 1 {
		t.Errorf("after unwinding: depth %d, %v", storage.TransactionDepth(), err)
	}
}

func TestChild_IsAnotherStorage(t *testing.T) {
	b := newBench(t, newFakeStorage())
	child, none := b.fat("child"), b.fat("\x00")
	empty := b.bytes("ext_default_child_storage_root_version_1", child)
	for _, key := range []string{"a1", "a2", "b"} {
		b.must("ext_default_child_storage_set_version_1", child, b.fat(key), b.fat("value"))
	}
	before := b.machine.gas
	full := b.bytes("ext_default_child_storage_root_version_2", child, 1)
	if paid := uint64(before - b.machine.gas); full == empty || paid < 3*childRootPrice.PerKey {
		t.Errorf("root %x, %d ps paid for three keys", full, paid)
	}
	for _, c := range []struct {
		what, got, want string
	}{
		{"get", b.bytes("ext_default_child_storage_get_version_1", child, b.fat("a1")), "\x01\x14value"},
		{"get in the top tree", b.bytes("ext_storage_get_version_1", b.fat("a1")), "\x00"},
		{"get in another child", b.bytes("ext_default_child_storage_get_version_1", b.fat("other"), b.fat("a1")), "\x00"},
		{"read", b.bytes("ext_default_child_storage_read_version_1", child, b.fat("b"), b.fat("12345"), 4), "\x01\x01\x00\x00\x00"},
		{"next key", b.bytes("ext_default_child_storage_next_key_version_1", child, b.fat("a2")), "\x01\x04b"},
		{"clear prefix", b.bytes("ext_default_child_storage_clear_prefix_version_2", child, b.fat("a"), none), "\x00\x02\x00\x00\x00"},
		{"next key after that", b.bytes("ext_default_child_storage_next_key_version_1", child, b.fat("")), "\x01\x04b"},
		{"kill", b.bytes("ext_default_child_storage_storage_kill_version_3", child, none), "\x00\x01\x00\x00\x00"},
		{"root after kill", b.bytes("ext_default_child_storage_root_version_1", child), empty},
	} {
		if c.got != c.want {
			t.Errorf("%s: %x, want %x", c.what, c.got, c.want)
		}
	}
	if b.must("ext_default_child_storage_storage_kill_version_2", child, none) != 1 {
		t.Error("kill of an empty child leaves something")
	}
	if b.must("ext_default_child_storage_exists_version_1", child, b.fat("b")) != 0 {
		t.Error("a killed child has keys")
	}
	b.must("ext_default_child_storage_set_version_1", child, b.fat("x"), b.fat("y"))
	b.must("ext_default_child_storage_clear_version_1", child, b.fat("x"))
	b.must("ext_default_child_storage_clear_prefix_version_1", child, b.fat("x"))
	b.must("ext_default_child_storage_storage_kill_version_1", child)
}

func TestCrypto_VerifyAndBatch(t *testing.T) {
	b := newBench(t, newFakeStorage())
	message := []byte("a message")
	for scheme, name := range map[keyring.Scheme]string{keyring.Ed25519: "ed25519", keyring.Sr25519: "sr25519", keyring.Ecdsa: "ecdsa"} {
		pair, err := keyring.FromURI(scheme, "//Alice")
		if err != nil {
			t.Fatal(err)
		}
		signature, err := pair.Sign(message)
		if err != nil {
			t.Fatal(err)
		}
		for _, form := range []string{"verify_version_1", "verify_version_2", "batch_verify_version_1"} {
			function := "ext_crypto_" + name + "_" + form
			if rowNamed(function) == nil {
				continue
			}
			b.must("ext_crypto_start_batch_verify_version_1")
			s, p := b.machine.at(signature), b.machine.at(pair.Public())
			good, bad := b.must(function, s, b.fat(string(message)), p), b.must(function, s, b.fat("another"), p)
			if good != 1 || bad != 0 {
				t.Errorf("%s: %d for a good and %d for a bad signature", function, good, bad)
			}
			batch := b.must("ext_crypto_finish_batch_verify_version_1")
			if inBatch := strings.Contains(form, "batch"); (batch == 0) != inBatch {
				t.Errorf("%s: the batch says %d", function, batch)
			}
		}
	}
	if _, err := b.run("ext_crypto_finish_batch_verify_version_1"); err == nil || err.Error() != "batch verification was not started" {
		t.Errorf("error %v", err)
	}
	b.must("ext_crypto_start_batch_verify_version_1")
	if _, err := b.run("ext_crypto_start_batch_verify_version_1"); err == nil || err.Error() != "batch verification is already started" {
		t.Errorf("error %v", err)
	}
}

func TestCrypto_RecoverResults(t *testing.T) {
	b := newBench(t, newFakeStorage())
	pair, err := keyring.FromURI(keyring.Ecdsa, "//Alice")
	if err != nil {
		t.Fatal(err)
	}
	message := []byte("a message")
	signature, err := pair.Sign(message)
	if err != nil {
		t.Fatal(err)
	}
	digest := primitives.Blake2_256(message)
	changed := func(at int, with ...byte) uint64 {
		c := slices.Clone(signature)
		copy(c[at:], with)
		return b.machine.at(c)
	}
	d := b.machine.at(digest[:])
	overflow := slices.Repeat([]byte{0xff}, 32)
	for _, version := range []string{"1", "2"} {
		short := "ext_crypto_secp256k1_ecdsa_recover_compressed_version_" + version
		long := "ext_crypto_secp256k1_ecdsa_recover_version_" + version
		if got := b.bytes(short, changed(0), d); got != "\x00"+string(pair.Public()) {
			t.Errorf("%s: %x", short, got)
		}
		if got := b.bytes(long, changed(0), d); len(got) != 65 || got[0] != 0 || got[1:33] != string(pair.Public()[1:]) {
			t.Errorf("%s: %x", long, got)
		}
		if got := b.bytes(short, changed(64, 4), d); got != "\x01\x01" {
			t.Errorf("%s with v = 4: %x, want BadV", short, got)
		}
		if got := b.bytes(short, changed(0, make([]byte, 32)...), d); got != "\x01\x02" {
			t.Errorf("%s with r = 0: %x, want BadSignature", short, got)
		}
		if got := b.bytes(short, changed(0, overflow...), d); (got == "\x01\x00") != (version == "2") {
			t.Errorf("%s with r too large: %x", short, got)
		}
	}
	p := b.machine.at(pair.Public())
	if b.must("ext_crypto_ecdsa_verify_prehashed_version_1", changed(0), d, p) != 1 || b.must("ext_crypto_ecdsa_verify_prehashed_version_1", changed(5, 1, 2, 3), d, p) != 0 {
		t.Error("verification of a digest is wrong")
	}
}

func TestTrie_FunctionsReachTheTree(t *testing.T) {
	b := newBench(t, newFakeStorage())
	const empty = "03170a2e7597b7b7e3d84c05391d139a62b157e78786d8c082f29dcf4c111314"
	none := b.fat("\x00")
	for _, form := range []string{"root", "ordered_root"} {
		if got := b.fixed(32, "ext_trie_blake2_256_"+form+"_version_1", none); got != empty {
			t.Errorf("%s 1: %s", form, got)
		}
		if got := b.fixed(32, "ext_trie_blake2_256_"+form+"_version_2", none, 1); got != empty {
			t.Errorf("%s 2: %s", form, got)
		}
		if got := b.fixed(32, "ext_trie_keccak_256_"+form+"_version_2", none, 0); got == empty {
			t.Errorf("%s with Keccak: %s", form, got)
		}
	}
	// A tree of one pair: its root node is a leaf, which a proof holds without the value.
	pairs := b.fat("\x04\x04k\x14value")
	root := b.must("ext_trie_blake2_256_root_version_2", pairs, 0)
	proof := b.machine.put(scale.AppendBytes([]byte{4}, []byte{0x42, 'k', 0}))
	for value, want := range map[string]uint64{"value": 1, "other": 0} {
		if got := b.must("ext_trie_blake2_256_verify_proof_version_1", root, proof, b.fat("k"), b.fat(value)); got != want {
			t.Errorf("proof of %q: %d, want %d", value, got, want)
		}
		if got := b.must("ext_trie_keccak_256_verify_proof_version_2", root, proof, b.fat("k"), b.fat(value), 1); got != 0 {
			t.Errorf("proof of %q under another hash: %d", value, got)
		}
	}
}

func TestMisc_AnswersAreConstants(t *testing.T) {
	b := newBench(t, newFakeStorage())
	for name, args := range map[string][]uint64{
		"ext_wasm_tracing_enabled_version_1": {b.fat("x")}, "ext_wasm_tracing_enter_span_version_1": {b.fat("x")},
		"ext_wasm_tracing_event_version_1": {b.fat("x")}, "ext_wasm_tracing_exit_version_1": {7},
		"ext_offchain_index_set_version_1": {b.fat("k"), b.fat("v")}, "ext_offchain_index_clear_version_1": {b.fat("k")},
		"ext_transaction_index_index_version_1": {1, 2, 0}, "ext_transaction_index_renew_version_1": {1, 0},
	} {
		if got := b.must(name, args...); got != 0 {
			t.Errorf("%s answers %d", name, got)
		}
	}
	if got := b.must("ext_logging_max_level_version_1"); got != maxLogLevel {
		t.Errorf("log level %d", got)
	}
	if got := b.bytes("ext_misc_runtime_version_version_1", b.fat("no Wasm")); got != "\x00" {
		t.Errorf("version of nonsense: %x", got)
	}
}

// The lines that a blob logs reach the sink; the last error line is the reason; text that is not UTF-8 is dropped.
func TestLogging_KeepsTheLastErrorLine(t *testing.T) {
	b := newBench(t, newFakeStorage())
	var lines []string
	b.call.log = func(level LogLevel, target, message string) {
		lines = append(lines, fmt.Sprint(level, " ", target, " ", message))
	}
	b.must("ext_logging_log_version_1", 0, b.fat("t"), b.fat("first"))
	b.must("ext_logging_log_version_1", 1, b.fat("t"), b.fat("warning"))
	b.must("ext_logging_log_version_1", 0, b.fat("t"), b.fat("\xff"))
	b.must("ext_misc_print_num_version_1", math.MaxUint64)
	b.must("ext_misc_print_hex_version_1", b.fat("\x01\xab"))
	b.must("ext_misc_print_utf8_version_1", b.fat("text"))
	b.must("ext_misc_print_utf8_version_1", b.fat("\xff"))
	want := []string{"0 t first", "1 t warning", "3 runtime 18446744073709551615", "3 runtime 01ab", "3 runtime text"}
	if !slices.Equal(lines, want) || b.call.reason != "first" {
		t.Errorf("lines %q, reason %q; want %q", lines, b.call.reason, want)
	}
	b.must("ext_logging_log_version_1", 0, b.fat("t"), b.fat(strings.Repeat("é", maxReasonBytes)))
	if n := len(b.call.reason); n != maxReasonBytes {
		t.Errorf("a reason of %d bytes is kept, want %d", n, maxReasonBytes)
	}
}

// Every function that ends the call by the blob's fault says why.
func TestFunctions_FaultsHaveTheirText(t *testing.T) {
	b := newBench(t, newFakeStorage())
	outside := uint64(10)<<32 | 1<<30
	for _, c := range []struct {
		name string
		args []uint64
		text string
	}{
		{"ext_storage_get_version_1", []uint64{outside}, "an argument points outside the memory"},
		{"ext_crypto_sr25519_verify_version_2", []uint64{1 << 30, b.fat(""), 0}, "an argument points outside the memory"},
		{"ext_storage_clear_prefix_version_2", []uint64{b.fat("a"), b.fat("")}, "decoding argument Option<u32>: input ends inside a value: want 1 bytes, have 0"},
		{"ext_storage_clear_prefix_version_2", []uint64{b.fat("a"), b.fat("\x02")}, "decoding argument Option<u32>: bool or option marker is 2, want 0 or 1"},
		{"ext_storage_clear_prefix_version_2", []uint64{b.fat("a"), b.fat("\x01abc")}, "decoding argument Option<u32>: input ends inside a value: want 4 bytes, have 3"},
		{"ext_storage_root_version_2", []uint64{2}, "state version 2 does not exist"},
		{"ext_trie_blake2_256_root_version_2", []uint64{b.fat("\x00"), 9}, "state version 9 does not exist"},
		{"ext_trie_blake2_256_root_version_1", []uint64{b.fat("\x04\x04a")}, "decoding argument Vec<(Vec<u8>, Vec<u8>)>: input ends inside a value: want a compact integer"},
		{"ext_trie_keccak_256_ordered_root_version_1", []uint64{b.fat("\xfe\xff\xff\xff")}, "decoding argument Vec<Vec<u8>>: input ends inside a value: list of 1073741823 items announced, 0 bytes left"},
		{"ext_logging_log_version_1", []uint64{5, b.fat("t"), b.fat("m")}, "log level 5 does not exist"},
		{"ext_logging_log_version_1", []uint64{0, b.fat("\xff"), b.fat("m")}, "a text argument is not UTF-8"},
		{"ext_panic_handler_abort_on_panic_version_1", []uint64{b.fat("why")}, "the blob panicked"},
		{"ext_crypto_sr25519_generate_version_1", []uint64{0, b.fat("\x00")}, "this chain's blob has no keystore: keys are held by wallets"},
		{"ext_offchain_timestamp_version_1", nil, "this chain runs no off-chain workers"},
	} {
		_, err := b.run(c.name, c.args...)
		var fault *engine.HostTrap
		if !errors.As(err, &fault) || err.Error() != c.text {
			t.Errorf("%s: error %v, want %q", c.name, err, c.text)
		}
	}
	if b.call.reason != "why" {
		t.Errorf("reason %q", b.call.reason)
	}
}

// Whatever the arguments, a function ends with a result or an error of the blob, and never without having charged for what
// it read.
func FuzzFunctions(f *testing.F) {
	f.Add(uint16(10), uint64(1)<<32|8, uint64(0), uint64(0), []byte{4, 4, 'a'})
	f.Add(uint16(60), uint64(5)<<32|8, uint64(1), uint64(2), []byte{0x11, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, function uint16, a, b, c uint64, memory []byte) {
		r := &table[int(function)%len(table)]
		bench := newBench(t, newFakeStorage())
		bench.machine.memory = append(bench.machine.memory, memory...)
		bench.machine.gas = 10_000_000_000 // 10 ms: bounds what an argument can ask for
		bench.call.price = &r.price
		args := []uint64{a, b, c, a ^ b, b ^ c}[:len(r.params)]
		_, err := r.run(bench.call, args)
		var trap *engine.Trap
		var fault *engine.HostTrap
		if err != nil && !errors.As(err, &trap) && !errors.As(err, &fault) {
			t.Fatalf("%s: error %v is the node's fault", r.name, err)
		}
	})
}
