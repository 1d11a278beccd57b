package host_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"maps"
	"math/rand/v2"
	"testing"

	"github.com/sepia-chain/sepia/internal/scale"
	"github.com/sepia-chain/sepia/runtime/engine"
	"github.com/sepia-chain/sepia/runtime/host"
	"github.com/sepia-chain/sepia/runtime/host/hosttest"
	"github.com/sepia-chain/sepia/runtime/wasm"
)

// Operations of testdata/storage.
const (
	storageGet = iota
	storageSet
	storageClear
	storageAppend
	storageClearPrefix
	storageStart
	storageCommit
	storageRollback
)

// storageScript is the input of testdata/storage: steps, and behind them the bytes that they point to.
type storageScript struct {
	steps [][3]uint64
	bytes []byte
}

const storageStepBytes = 24

// add appends a step; pointers are completed by encode.
func (s *storageScript) add(operation uint64, first, second []byte) {
	s.steps = append(s.steps, [3]uint64{operation, s.put(first), s.put(second)})
}

func (s *storageScript) put(b []byte) uint64 {
	at := len(s.bytes)
	s.bytes = append(s.bytes, b...)
	return uint64(len(b))<<32 | uint64(at)
}

func (s *storageScript) encode() []byte {
	head := uint64(8 + storageStepBytes*len(s.steps))
	out := binary.LittleEndian.AppendUint64(nil, uint64(len(s.steps)))
	for _, step := range s.steps {
		for i, word := range step {
			if i > 0 {
				word += head
			}
			out = binary.LittleEndian.AppendUint64(out, word)
		}
	}
	return append(out, s.bytes...)
}

func storageBlob(t testing.TB) []byte {
	version := host.Version{SpecName: "storage"}
	return wasm.AppendSection(testdata(t, "storage"), wasm.SectionCustom, append(wasm.AppendName(nil, "runtime_version"), version.Encode()...))
}

func storageDriver(t testing.TB) *host.Runtime {
	return newRuntime(t, newEngine(t), storageBlob(t), host.Options{})
}

func drive(r *host.Runtime, s *storageScript, on host.Storage, gas int64) (host.Result, error) {
	return r.Call(context.Background(), "drive", s.encode(), host.CallOptions{Storage: on, GasLimit: gas})
}

// answerHash is what the driver makes of a read's answer.
func answerHash(value []byte, found bool) uint64 {
	answer := []byte{0}
	if found {
		answer = scale.AppendBytes([]byte{1}, value)
	}
	h := fnv.New64a()
	h.Write(answer)
	return h.Sum64()
}

// Keys around the lengths from which and up to which answers are kept, and some that share a place or a prefix.
func readKeys() [][]byte {
	var keys [][]byte
	for _, length := range []int{1, 15, 16, 17, 32, 80, 95, 96, 97, 120} {
		keys = append(keys, bytes.Repeat([]byte{'k'}, length), append(bytes.Repeat([]byte{'k'}, length-1), 'x'))
	}
	return keys
}

// step adds a random step and applies it to the model. Its result is what the driver must answer.
func (s *storageScript) step(t *testing.T, r *rand.Rand, model *hosttest.Storage) uint64 {
	keys := readKeys()
	key := keys[r.IntN(len(keys))]
	must := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	operation := r.Uint64N(storageRollback + 8) // half of all steps read
	switch operation {
	case storageSet:
		value := scale.AppendCompact(nil, 0)
		value = append(value, make([]byte, []int{0, 30, 62, 63, 64, 120, 125, 126, 127, 300, 70_000}[r.IntN(11)])...)
		value[len(value)-1] = byte(r.Uint32()) &^ 3
		s.add(operation, key, value)
		must(model.Set(key, value))
	case storageClear:
		s.add(operation, key, nil)
		must(model.Clear(key))
	case storageAppend:
		s.add(operation, key, []byte{byte(r.Uint32())})
		must(model.Append(key, s.bytes[len(s.bytes)-1:]))
	case storageClearPrefix:
		s.add(operation, key, nil)
		_, err := model.ClearPrefix(key, nil)
		must(err)
	case storageStart:
		s.add(operation, nil, nil)
		model.StartTransaction()
	case storageCommit, storageRollback:
		if model.TransactionDepth() == 0 {
			return s.step(t, r, model)
		}
		s.add(operation, nil, nil)
		if operation == storageCommit {
			must(model.CommitTransaction())
		} else {
			must(model.RollbackTransaction())
		}
	default:
		s.add(storageGet, key, nil)
		value, found, err := model.Get(key)
		must(err)
		return answerHash(value, found)
	}
	return 0
}

// Whatever was read, changed and taken back before, in the same call or an earlier one, a read answers what the storage holds;
// and when a call has ended, the storage holds what its changes made of it. Some changes are larger than the queue in which
// they wait.
func TestReads_AnswerWhatTheStorageHolds(t *testing.T) {
	runtime := storageDriver(t)
	storage, model := hosttest.New(nil), hosttest.New(nil)
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 0))
		if seed%5 == 0 { // somebody else changes it between two calls
			for _, s := range []*hosttest.Storage{storage, model} {
				if err := s.Set(readKeys()[seed%20], []byte{byte(seed)}); err != nil {
					t.Fatal(err)
				}
			}
		}
		var script storageScript
		var want []uint64
		for range 60 {
			want = append(want, script.step(t, r, model))
		}
		for model.TransactionDepth() > 0 { // as the host does with those that a call leaves open
			if err := model.RollbackTransaction(); err != nil {
				t.Fatal(err)
			}
		}
		result, err := drive(runtime, &script, storage, ampleGas)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		for i, w := range want {
			if got := binary.LittleEndian.Uint64(result.Output[8+storageStepBytes*i:]); got != w {
				t.Fatalf("seed %d, step %d %v: %x, want %x", seed, i, script.steps[i], got, w)
			}
		}
		if !maps.EqualFunc(storage.Pairs(), model.Pairs(), bytes.Equal) {
			t.Fatalf("seed %d: the storage does not hold what the model does", seed)
		}
	}
}

// The engine answers reads and lets changes wait where functions have roles. Without roles, Go serves each of them at once;
// neither results nor gas nor what is stored may tell the two apart, also where the gas ends in the middle.
func TestReads_CostAndDoWhatGoDoesAtOnce(t *testing.T) {
	blob := storageBlob(t)
	e := newEngine(t)
	quick := newRuntime(t, e, blob, host.Options{})
	plain := newRuntime(t, e, blob, host.Options{WithoutRoles: true})
	for seed := range uint64(100) {
		r := rand.New(rand.NewPCG(seed, 1))
		var script storageScript
		model := hosttest.New(nil)
		for range 40 {
			script.step(t, r, model)
		}
		run := func(on *host.Runtime, gas int64) string {
			storage := hosttest.New(map[string][]byte{string(readKeys()[seed%20]): {4, 1}})
			result, err := drive(on, &script, storage, gas)
			var failed *host.CallError
			if errors.As(err, &failed) {
				result.GasUsed = failed.GasUsed
			}
			return fmt.Sprintf("%d gas, %v, %x, %x", result.GasUsed, err, result.Output, storage.Pairs())
		}
		whole, err := drive(plain, &script, hosttest.New(nil), ampleGas)
		if err != nil {
			t.Fatal(err)
		}
		for _, gas := range []int64{ampleGas, whole.GasUsed, whole.GasUsed - 1, r.Int64N(whole.GasUsed), r.Int64N(whole.GasUsed)} {
			if got, want := run(quick, gas), run(plain, gas); got != want {
				t.Fatalf("seed %d, %d of %d gas:\n%.300s\nat once:\n%.300s", seed, gas, whole.GasUsed, got, want)
			}
		}
	}
}

// A commit or a roll-back of a transaction that the call has not opened ends the call there: after the changes before it, before
// those behind, and at the gas used so far. A transaction that an earlier call left open does not count.
func TestReads_ClosingWhatTheCallHasNotOpenedEndsItAtOnce(t *testing.T) {
	blob, e := storageBlob(t), newEngine(t)
	quick := newRuntime(t, e, blob, host.Options{})
	plain := newRuntime(t, e, blob, host.Options{WithoutRoles: true})
	for _, operation := range []uint64{storageCommit, storageRollback} {
		var left, script storageScript
		left.add(storageStart, nil, nil)
		script.add(storageSet, []byte("before"), []byte{1})
		script.add(storageStart, nil, nil)
		script.add(storageCommit, nil, nil)
		script.add(operation, nil, nil)
		script.add(storageSet, []byte("behind"), []byte{1})
		var used []int64
		for _, runtime := range []*host.Runtime{quick, plain} {
			storage := hosttest.New(nil)
			if _, err := drive(runtime, &left, storage, ampleGas); err != nil {
				t.Fatal(err)
			}
			_, err := drive(runtime, &script, storage, ampleGas)
			var failed *host.CallError
			if !errors.As(err, &failed) || failed.Class != engine.TrapHost {
				t.Fatalf("operation %d: %v, want a trap of the host's", operation, err)
			}
			used = append(used, failed.GasUsed)
			if got := storage.Pairs(); len(got) != 1 || got["before"] == nil {
				t.Errorf("operation %d: the storage holds %q", operation, got)
			}
		}
		if used[0] != used[1] {
			t.Errorf("operation %d: %d gas, where Go serves at once %d", operation, used[0], used[1])
		}
	}
}

// The host leaves a blob's writes of the roots of child tries undone, and reads say so.
func TestReads_WritesOfChildRootsStayUndone(t *testing.T) {
	runtime := storageDriver(t)
	key := []byte(":child_storage:default:one")
	var script storageScript
	for _, operation := range []uint64{storageGet, storageSet, storageGet, storageClear, storageGet} {
		script.add(operation, key, []byte{1})
	}
	result, err := drive(runtime, &script, hosttest.New(map[string][]byte{string(key): {9}}), ampleGas)
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range []int{0, 2, 4} {
		if got := binary.LittleEndian.Uint64(result.Output[8+storageStepBytes*step:]); got != answerHash([]byte{9}, true) {
			t.Errorf("step %d: %x, want the value that it had", step, got)
		}
	}
}

// A storage that breaks while a change waits is the node's fault, as if the change had not waited.
func TestReads_AStorageThatBreaksWhileAChangeWaitsIsAFault(t *testing.T) {
	runtime := storageDriver(t)
	storage := hosttest.New(nil)
	storage.Err = errors.New("the disk is gone")
	var script storageScript
	script.add(storageSet, bytes.Repeat([]byte{7}, 40), []byte{1})
	_, err := drive(runtime, &script, storage, ampleGas)
	if !errors.Is(err, engine.ErrFault) || !errors.Is(err, storage.Err) {
		t.Fatalf("%v, want a fault by %v", err, storage.Err)
	}
}

// A read behind a change of its key costs what it costs when Go finds the value.
func TestReads_BehindAChangeCostTheSame(t *testing.T) {
	runtime := storageDriver(t)
	key := bytes.Repeat([]byte{7}, 80)
	for _, length := range []int{0, 1, 63, 64, 125, 126, 5_000} {
		used := func(before ...uint64) int64 {
			var script storageScript
			value := make([]byte, length)
			for _, operation := range before {
				script.add(operation, key, value)
			}
			pad := (80 + length) * (4 - len(before))
			script.bytes = append(script.bytes, make([]byte, pad)...) // inputs of one length cost the same
			result, err := drive(runtime, &script, hosttest.New(map[string][]byte{string(key): value}), ampleGas)
			if err != nil {
				t.Fatal(err)
			}
			return result.GasUsed
		}
		read := used(storageGet) - used()
		if behind := used(storageSet, storageGet) - used(storageSet); behind != read {
			t.Errorf("%d bytes: a read costs %d, behind a set %d", length, read, behind)
		}
	}
}

// A read of a key that was read before costs what the first one did, also when there is not enough gas for it.
func TestReads_RepeatedOnesCostTheSame(t *testing.T) {
	runtime := storageDriver(t)
	key := bytes.Repeat([]byte{7}, 80)
	used := func(reads int) int64 {
		var script storageScript
		for range reads {
			script.add(storageGet, key, nil)
		}
		script.bytes = append(script.bytes, make([]byte, 80*(4-reads))...) // inputs of one length cost the same
		storage := hosttest.New(map[string][]byte{string(key): make([]byte, 50)})
		result, err := drive(runtime, &script, storage, ampleGas)
		if err != nil {
			t.Fatal(err)
		}
		for _, gas := range []int64{result.GasUsed, result.GasUsed - 1} {
			_, err := drive(runtime, &script, storage, gas)
			var failed *host.CallError
			if enough := gas == result.GasUsed; enough && err != nil || !enough && (!errors.As(err, &failed) || failed.Class != engine.TrapOutOfGas) {
				t.Errorf("%d reads with %d of %d gas: %v", reads, gas, result.GasUsed, err)
			}
		}
		return result.GasUsed
	}
	one, two, three := used(1), used(2), used(3)
	if two-one != three-two || two <= one {
		t.Errorf("1, 2 and 3 reads of a key cost %d, %d and %d", one, two, three)
	}
	if first := one - used(0); two-one != first {
		t.Errorf("the first read costs %d, the second %d", first, two-one)
	}
}
