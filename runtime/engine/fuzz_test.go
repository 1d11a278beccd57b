package engine

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/sepia-chain/sepia/runtime/meter"
	"github.com/sepia-chain/sepia/runtime/meter/metertest"
	"github.com/sepia-chain/sepia/runtime/wasm"
)

const fuzzPages = 80 // more than BlobHeapPages, so that the memory grows

// heapScript turns bytes into commands, with the model's answers, until the first that the model refuses. Frees name blocks
// that exist, existed, or lie a little beside those.
func heapScript(script []byte) (commands, want []byte, refusal TrapClass) {
	model := newHeapModel(heapTestBase, fuzzPages*wasmPage)
	n := len(script) / 3
	model.malloc(uint32(8 * n))
	blocks := []uint32{0, 8, heapTestBase}
	for i := range n {
		kind, argument := uint32(script[3*i]&1), uint32(binary.LittleEndian.Uint16(script[3*i+1:]))
		answer, shift := argument, uint32(script[3*i]>>1)
		if kind == 1 {
			argument = blocks[int(argument)%len(blocks)]
			if shift < 16 {
				argument += shift
			}
			answer = argument
			if !model.release(argument) {
				refusal = TrapHost
			}
		} else {
			argument <<= shift % 12
			if answer = model.malloc(argument); answer == 0 {
				refusal = TrapAllocatorExhausted
			}
			blocks = append(blocks, answer)
		}
		commands = binary.LittleEndian.AppendUint32(binary.LittleEndian.AppendUint32(commands, kind), argument)
		want = binary.LittleEndian.AppendUint32(binary.LittleEndian.AppendUint32(want, kind), answer)
		if refusal != 0 {
			// The list keeps its length, which decides where its block ends.
			commands = append(commands, make([]byte, 8*n-len(commands))...)
			return commands, nil, refusal
		}
	}
	return commands, want, 0
}

func FuzzAllocator(f *testing.F) {
	e := newEngine(f)
	in := newInstance(f, e, heapModule(fuzzPages), heapFuncs)
	f.Add([]byte{})
	f.Add([]byte{0, 8, 0, 0, 9, 0, 1, 3, 0, 1, 3, 0})
	f.Add([]byte{0, 255, 255, 22, 255, 255, 1, 3, 0, 33, 4, 0})
	f.Add(bytes.Repeat([]byte{20, 255, 255}, 6))
	f.Fuzz(func(t *testing.T, script []byte) {
		if len(script) > 3000 {
			return
		}
		commands, want, refusal := heapScript(script)
		got, err := in.Call("run", commands, 1<<40, nil)
		wantTrap(t, err, refusal)
		if err == nil && !bytes.Equal(got.Output, want) {
			t.Fatal("the addresses differ from the model's")
		}
	})
}

// What the validator accepts and the meter has rewritten, Wasmtime compiles at both levels, and both end alike.
func FuzzAcceptedModules_CompileAtBothLevels(f *testing.F) {
	e := newEngine(f)
	for seed := range uint64(12) {
		f.Add(metertest.Random(seed))
	}
	policy := metertest.Policy()
	f.Fuzz(func(t *testing.T, module []byte) {
		m, _, err := wasm.Validate(module, policy)
		if err != nil {
			return
		}
		metered, err := meter.Instrument(m, meter.Options{
			Weights: meter.ContractWeights(), ImportPrices: make([]uint64, len(m.Imports)), MemoryMaxPages: 16, StackLimit: meter.ContractStackLimit,
		})
		if err != nil {
			t.Fatalf("an accepted module is not metered: %v", err)
		}
		var steps [len(levels)]Step
		for i, level := range levels {
			g, err := e.CompileGuest(metered, make([]GuestImport, len(m.Imports)), GuestOptions{Level: level})
			if err != nil {
				t.Fatalf("level %v: %v", level, err)
			}
			steps[i], err = runBriefly(g)
			g.Close()
			if err != nil {
				t.Fatalf("level %v: %v", level, err)
			}
		}
		if steps[LevelSpeed] != steps[LevelNone] {
			t.Fatalf("the levels differ: %+v and %+v", steps[LevelSpeed], steps[LevelNone])
		}
	})
}

func runBriefly(g *Guest) (Step, error) {
	x, err := g.Instantiate("call")
	if err != nil {
		return Step{}, err
	}
	defer x.Drop()
	return x.Run(50_000_000, 0)
}
