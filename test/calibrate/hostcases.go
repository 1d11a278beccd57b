package main

import (
	"encoding/binary"
	"fmt"

	"github.com/sepia-chain/sepia/internal/keyring"
	"github.com/sepia-chain/sepia/internal/primitives"
	"github.com/sepia-chain/sepia/internal/scale"
	"github.com/sepia-chain/sepia/internal/trie"
	"github.com/sepia-chain/sepia/runtime/blob"
	"github.com/sepia-chain/sepia/runtime/host"
	"github.com/sepia-chain/sepia/test/solo"
)

// How often a script does something cheap, something that takes microseconds, and something dear.
const (
	often  = 4_000
	some   = 1_000
	seldom = 100
	rarely = 4
)

// hostCases are all measurements of host functions.
func hostCases() ([]hostCase, error) {
	cases := append(allocatorCases(), hashingCases()...)
	cases = append(cases, storageCases()...)
	cases = append(cases, childCases()...)
	cases = append(cases, trieCases()...)
	cases = append(cases, miscCases()...)
	signatures, err := signatureCases()
	if err != nil {
		return nil, err
	}
	versions, err := versionCases()
	if err != nil {
		return nil, err
	}
	guests, err := guestCases()
	return append(append(append(cases, signatures...), versions...), guests...), err
}

func allocatorCases() []hostCase {
	var cases []hostCase
	for _, size := range []int{32, 4 << 10} {
		cases = append(cases, hostCase{
			price: "allocator", label: fmt.Sprintf("malloc %d and free", size), times: often,
			step: func(s *script, _ int) { s.call("allocator_malloc", number(uint64(size))) },
		})
	}
	for _, fresh := range []struct{ size, times int }{{32, often}, {512, often}, {4 << 10, some}, {64 << 10, 200}, {1 << 20, 20}} {
		cases = append(cases, hostCase{
			price: "allocator fresh", label: fmt.Sprintf("malloc %d", fresh.size), times: fresh.times, bytes: fresh.size,
			step: func(s *script, _ int) { s.keep("allocator_malloc", number(uint64(fresh.size))) },
		})
	}
	return cases
}

func hashingCases() []hostCase {
	var cases []hostCase
	for _, name := range []string{"twox_64", "twox_128", "twox_256", "blake2_128", "blake2_256", "keccak_256", "keccak_512", "sha2_256"} {
		for _, length := range []int{0, 32, 80, 1 << 10, 64 << 10} {
			input := make([]byte, length)
			cases = append(cases, hostCase{
				price: name, label: fmt.Sprintf("%d B", length), times: timesFor(length), bytes: length,
				step: func(s *script, i int) {
					copy(input, childKey(i)) // another each time: short inputs are remembered
					s.call("hashing_"+name, s.fat(input))
				},
			})
		}
	}
	return cases
}

// timesFor keeps scripts of long inputs as short as those of short ones.
func timesFor(bytes int) int {
	switch {
	case bytes > 16<<10:
		return seldom
	case bytes > 512:
		return some
	}
	return often
}

// accountKey is that of an account in the committed state; each is read once only, because a store remembers what it read.
func accountKey(i int) []byte { return solo.AccountPair(solo.Numbered(i % accounts)).Key }

// newKey is one that the state does not have. Like an account's it has 80 bytes.
func newKey(i int) []byte { return solo.AccountPair(solo.Numbered(accounts + i)).Key }

// accountBytes are the lengths of an account's key and value.
const accountBytes = 80 + 80

func storageCases() []hostCase {
	cases := readCases()
	cases = append(cases, writeCases()...)
	cases = append(cases, removalCases()...)
	return append(cases, transactionCases()...)
}

func readCases() []hostCase {
	var cases []hostCase
	for _, size := range []int{80, 1 << 10, 16 << 10} {
		var key, out argument
		c := hostCase{price: "read pending", times: some, bytes: 32 + size, setup: func(s *script) {
			key, out = s.fat([]byte("calibrate: a key of 32 bytes for")), s.fat(make([]byte, size))
			s.call("storage_set", key, out)
		}}
		c.label, c.step = fmt.Sprintf("read %d B", size), func(s *script, _ int) { s.call("storage_read", key, out, number(0)) }
		cases = append(cases, c)
		c.label, c.step = fmt.Sprintf("get %d B", size), func(s *script, _ int) { s.call("storage_get", key) }
		cases = append(cases, c)
	}
	var pending argument
	return append(cases,
		hostCase{price: "read again", label: "get 80 B", times: often, bytes: accountBytes,
			setup: func(s *script) { pending = s.fat(accountKey(1)); s.call("storage_get", pending) },
			step:  func(s *script, _ int) { s.call("storage_get", pending) }},
		hostCase{price: "read", label: "get 80 B, committed", times: some, bytes: accountBytes,
			step: func(s *script, i int) { s.call("storage_get", s.fat(accountKey(i))) }},
		hostCase{price: "read", label: "get of nothing", times: some, bytes: 80,
			step: func(s *script, i int) { s.call("storage_get", s.fat(newKey(i))) }},
		hostCase{price: "read", label: "exists, committed", times: some, bytes: accountBytes,
			step: func(s *script, i int) { s.call("storage_exists", s.fat(accountKey(accounts/2+i))) }},
		hostCase{price: "next", label: "next key, committed", times: some, bytes: 160,
			step: func(s *script, i int) { s.call("storage_next_key", s.fat(accountKey(i))) }},
		hostCase{price: "next", label: "next key over 1,000 pending", times: some, bytes: 160,
			setup: func(s *script) { writeNew(s, 1_000, 0) },
			step:  func(s *script, i int) { s.call("storage_next_key", s.fat(newKey(i%1_000))) }},
	)
}

// writeNew sets keys that the state does not have.
func writeNew(s *script, count, from int) {
	value := s.fat(make([]byte, 32))
	for i := range count {
		s.call("storage_set", s.fat(newKey(from+i)), value)
	}
}

func writeCases() []hostCase {
	var cases []hostCase
	for _, size := range []int{1, 80, 1 << 10, 16 << 10} {
		var value argument
		set := func(label string, key func(int) []byte) hostCase {
			return hostCase{
				price: "write", label: fmt.Sprintf("set %d B, %s, and root", size, label), times: min(some, 2*timesFor(size)), bytes: 80 + size, root: true,
				setup: func(s *script) { value = s.fat(make([]byte, size)) },
				step:  func(s *script, i int) { s.call("storage_set", s.fat(key(i)), value) },
			}
		}
		cases = append(cases, set("new key", newKey), set("old key", accountKey))
	}
	var list, item, key argument
	return append(cases,
		hostCase{price: "write again", label: "set 80 B", times: some, bytes: accountBytes,
			setup: func(s *script) {
				key, item = s.fat(accountKey(0)), s.fat(make([]byte, 80))
				s.call("storage_set", key, item)
			},
			step: func(s *script, _ int) { s.call("storage_set", key, item) }},
		hostCase{price: "write again", label: "append 40 B", times: some, bytes: 72, root: true,
			setup: func(s *script) { list, item = s.fat(make([]byte, 32)), s.fat(make([]byte, 40)) },
			step:  func(s *script, _ int) { s.call("storage_append", list, item) }},
		hostCase{price: "clear", label: "committed, and root", times: some, bytes: 80, root: true,
			step: func(s *script, i int) { s.call("storage_clear", s.fat(accountKey(i))) }},
		hostCase{price: "clear", label: "of nothing, and root", times: some, bytes: 80, root: true,
			step: func(s *script, i int) { s.call("storage_clear", s.fat(newKey(i))) }},
	)
}

// limited is the SCALE form of a limit on keys.
func limited(keys uint32) []byte { return binary.LittleEndian.AppendUint32([]byte{1}, keys) }

func removalCases() []hostCase {
	var cases []hostCase
	for _, keys := range []int{1, 100, 2_000} {
		cases = append(cases, hostCase{
			price: "remove", label: fmt.Sprintf("prefix, %d committed keys, and root", keys), times: rarely, bytes: 37, keys: keys, root: true,
			step: func(s *script, _ int) {
				s.call("storage_clear_prefix 2", s.fat(primitives.StoragePrefix("System", "Account")), s.fat(limited(uint32(keys))))
			},
		})
	}
	return append(cases,
		hostCase{price: "remove", label: "prefix of nothing", times: some, bytes: 37,
			step: func(s *script, i int) {
				s.call("storage_clear_prefix 2", s.fat(newKey(i)[:32]), s.fat(limited(1)))
			}},
		hostCase{price: "remove pending", label: "prefix, 100 pending, rolled back", times: seldom, keys: 100,
			setup: func(s *script) { writeNew(s, 100, 0) },
			step: func(s *script, _ int) {
				s.call("storage_start_transaction")
				s.call("storage_clear_prefix 2", s.fat(primitives.StoragePrefix("System", "Account")), s.fat(limited(0)))
				s.call("storage_rollback_transaction")
			}})
}

func transactionCases() []hostCase {
	return []hostCase{
		{price: "transaction", label: "start and commit", times: often,
			step: func(s *script, _ int) { s.call("storage_start_transaction"); s.call("storage_commit_transaction") }},
		{price: "transaction", label: "start and roll back", times: often,
			step: func(s *script, _ int) {
				s.call("storage_start_transaction")
				s.call("storage_rollback_transaction")
			}},
		{price: "transaction", label: "start, set, roll back", times: some,
			step: func(s *script, i int) {
				s.call("storage_start_transaction")
				s.call("storage_set", s.fat(newKey(i)), s.fat(make([]byte, 32)))
				s.call("storage_rollback_transaction")
			}},
		{price: "root", label: "nothing changed", times: seldom,
			step: func(s *script, _ int) { s.call("storage_root 2", number(1)) }},
		{price: "root of all so far", label: "one change each", times: seldom,
			step: func(s *script, i int) {
				s.call("storage_set", s.fat(newKey(i)), s.fat(make([]byte, 32)))
				s.call("storage_root 2", number(1))
			}},
	}
}

func childCases() []hostCase {
	id := func(s *script) argument { return s.fat(childID) }
	cases := []hostCase{
		{price: "read", label: "child get, committed", times: some, bytes: 9 + 32 + 32,
			step: func(s *script, i int) { s.call("default_child_storage_get", id(s), s.fat(childKey(i%childKeys))) }},
		{price: "read", label: "child get of nothing", times: some, bytes: 9 + 32,
			step: func(s *script, i int) { s.call("default_child_storage_get", id(s), s.fat(childKey(childKeys+i))) }},
		{price: "next", label: "child next key", times: some, bytes: 9 + 64,
			step: func(s *script, i int) {
				s.call("default_child_storage_next_key", id(s), s.fat(childKey(i%childKeys)))
			}},
		{price: "write", label: "child set 32 B, new, and root", times: some, bytes: 9 + 64, root: true,
			step: func(s *script, i int) {
				s.call("default_child_storage_set", id(s), s.fat(childKey(childKeys+i)), s.fat(make([]byte, 32)))
			}},
		{price: "write", label: "child set 32 B, a child each, root", times: some, bytes: 32 + 64, root: true,
			step: func(s *script, i int) {
				s.call("default_child_storage_set", s.fat(childKey(i)), s.fat(childKey(i)), s.fat(make([]byte, 32)))
			}},
		{price: "clear", label: "child clear, committed, and root", times: some, bytes: 9 + 32, root: true,
			step: func(s *script, i int) {
				s.call("default_child_storage_clear", id(s), s.fat(childKey(i%childKeys)))
			}},
		{price: "remove", label: "child kill, 1,000 keys, and root", times: rarely, bytes: 9 + 5, keys: 1_000, root: true,
			step: func(s *script, _ int) { s.call("default_child_storage_storage_kill 3", id(s), s.fat(limited(1_000))) }},
	}
	for _, keys := range []int{1, 100, 1_000} {
		cases = append(cases, hostCase{
			price: "child root", label: fmt.Sprintf("%d keys", keys), times: rarely, keys: keys, bytes: 3 + 64*keys,
			setup: func(s *script) {
				for i := range keys {
					s.call("default_child_storage_set", s.fat([]byte("new")), s.fat(childKey(i)), s.fat(make([]byte, 32)))
				}
			},
			step: func(s *script, _ int) { s.call("default_child_storage_root 2", s.fat([]byte("new")), number(1)) },
		})
	}
	return cases
}

func signatureCases() ([]hostCase, error) {
	var cases []hostCase
	for _, length := range []int{100, 64 << 10} {
		message := make([]byte, length)
		for _, scheme := range []struct {
			scheme   keyring.Scheme
			price    string
			function string
		}{
			{keyring.Sr25519, "sr25519", "crypto_sr25519_verify 2"}, {keyring.Sr25519, "sr25519", "crypto_sr25519_verify"},
			{keyring.Ed25519, "ed25519", "crypto_ed25519_verify"}, {keyring.Ecdsa, "secp256k1", "crypto_ecdsa_verify 2"},
		} {
			pair, err := keyring.FromURI(scheme.scheme, "//Alice")
			if err != nil {
				return nil, err
			}
			signature, err := pair.Sign(message)
			if err != nil {
				return nil, err
			}
			cases = append(cases, hostCase{
				price: scheme.price, label: fmt.Sprintf("%s, %d B", scheme.function, length), times: seldom / 2, bytes: length,
				step: func(s *script, _ int) {
					s.call(scheme.function, s.put(signature), s.fat(message), s.put(pair.Public()))
				},
			})
			if scheme.scheme == keyring.Ecdsa && length == 100 {
				digest := primitives.Blake2_256(message)
				cases = append(cases, hostCase{
					price: scheme.price, label: "recover", times: seldom / 2,
					step: func(s *script, _ int) {
						s.call("crypto_secp256k1_ecdsa_recover 2", s.put(signature), s.put(digest[:]))
					},
				})
			}
		}
	}
	return append(cases, hostCase{price: "batch", label: "start and finish", times: often, step: func(s *script, _ int) {
		s.call("crypto_start_batch_verify")
		s.call("crypto_finish_batch_verify")
	}}), nil
}

func trieCases() []hostCase {
	var cases []hostCase
	for _, hash := range []string{"blake2", "keccak"} {
		for _, shape := range []struct{ items, size int }{{1, 100}, {100, 100}, {1_000, 100}, {10, 16 << 10}} {
			list := scale.AppendCompact(nil, uint64(shape.items))
			pairs := scale.AppendCompact(nil, uint64(shape.items))
			for i := range shape.items {
				list = scale.AppendBytes(list, make([]byte, shape.size))
				pairs = scale.AppendBytes(scale.AppendBytes(pairs, childKey(i)), make([]byte, shape.size))
			}
			var input argument
			c := hostCase{price: "trie " + hash, times: rarely, keys: shape.items, bytes: len(list)}
			c.label = fmt.Sprintf("ordered root, %d of %d B", shape.items, shape.size)
			c.setup = func(s *script) { input = s.fat(list) }
			c.step = func(s *script, _ int) { s.call("trie_"+hash+"_256_ordered_root 2", input, number(1)) }
			cases = append(cases, c)
			c.label, c.bytes = fmt.Sprintf("root, %d of %d B", shape.items, shape.size), len(pairs)
			c.setup = func(s *script) { input = s.fat(pairs) }
			c.step = func(s *script, _ int) { s.call("trie_"+hash+"_256_root 2", input, number(1)) }
			cases = append(cases, c)
		}
	}
	return append(cases, proofCase())
}

// proofCase checks a proof of as many nodes as it takes to lead to one of 1,000 keys.
func proofCase() hostCase {
	leaf := []byte{0x41, 0x31, 4, 7} // a leaf with the partial key 0x31 and the value 7
	root := primitives.Blake2_256(leaf)
	proof := scale.AppendBytes(scale.AppendCompact(nil, 1), leaf)
	return hostCase{
		price: "trie blake2", label: "verify proof, 1 node", times: some, keys: 1, bytes: len(proof) + 2,
		step: func(s *script, _ int) {
			s.call("trie_blake2_256_verify_proof 2", s.put(root[:]), s.fat(proof), s.fat([]byte{0x31}), s.fat([]byte{7}), number(uint64(trie.V0)))
		},
	}
}

func miscCases() []hostCase {
	var cases []hostCase
	for _, length := range []int{10, 1_000, 64 << 10} {
		text := make([]byte, length)
		for i := range text {
			text[i] = 'x'
		}
		const warning = 1
		cases = append(cases, hostCase{
			price: "log", label: fmt.Sprintf("log %d B", length), times: timesFor(length), bytes: length + 7,
			step: func(s *script, _ int) { s.call("logging_log", number(warning), s.fat([]byte("runtime")), s.fat(text)) },
		})
	}
	return append(cases,
		hostCase{price: "log", label: "an error of 64 KiB", times: seldom, bytes: 64<<10 + 7,
			step: func(s *script, _ int) {
				s.call("logging_log", number(0), s.fat([]byte("runtime")), s.fat(make([]byte, 64<<10)))
			}},
		hostCase{price: "log", label: "print a number", times: often, step: func(s *script, i int) { s.call("misc_print_num", number(uint64(i))) }},
		hostCase{price: "constant", label: "log level", times: often, step: func(s *script, _ int) { s.call("logging_max_level") }},
		hostCase{price: "constant", label: "changes root", times: often, step: func(s *script, _ int) { s.call("storage_changes_root", s.fat(nil)) }},
	)
}

func versionCases() ([]hostCase, error) {
	code := blob.Runtime()
	packed, err := host.Compress(code)
	if err != nil {
		return nil, err
	}
	bomb, err := host.Compress(make([]byte, host.MaxRawBytes))
	if err != nil {
		return nil, err
	}
	var cases []hostCase
	for _, c := range []struct {
		label string
		code  []byte
		keys  int
	}{{"a few bytes", []byte("\x00asm\x01\x00\x00\x00"), 0}, {"the runtime", code, 0}, {"the runtime, packed", packed, 1}, {"the largest that packs", bomb, 1}} {
		var input argument
		cases = append(cases, hostCase{
			price: "version", label: c.label, times: seldom >> (4 * c.keys), bytes: len(c.code), keys: c.keys,
			setup: func(s *script) { input = s.fat(c.code) },
			step:  func(s *script, _ int) { s.call("misc_runtime_version", input) },
		})
	}
	return cases, nil
}
