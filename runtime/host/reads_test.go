package host_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"hash/fnv"
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

func storageDriver(t testing.TB) *host.Runtime {
	version := host.Version{SpecName: "storage"}
	blob := wasm.AppendSection(testdata(t, "storage"), wasm.SectionCustom, append(wasm.AppendName(nil, "runtime_version"), version.Encode()...))
	return newRuntime(t, newEngine(t), blob, host.Options{})
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
		value = append(value, make([]byte, []int{0, 30, 120, 125, 126, 127, 300}[r.IntN(7)])...)
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

// Whatever was read, changed and taken back before in the same call, a read answers what the storage holds.
func TestReads_AnswerWhatTheStorageHolds(t *testing.T) {
	runtime := storageDriver(t)
	storage, model := hosttest.New(nil), hosttest.New(nil)
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 0))
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
