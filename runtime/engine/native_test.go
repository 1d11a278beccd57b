package engine

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"hash"
	"math/bits"
	"math/rand/v2"
	"testing"

	"github.com/cespare/xxhash/v2"
	"golang.org/x/crypto/blake2b"
	"golang.org/x/crypto/sha3"

	"github.com/sepia-chain/sepia/runtime/wasm"
)

func sum(h hash.Hash, data []byte) []byte {
	h.Write(data)
	return h.Sum(nil)
}

func blake2(size int) func([]byte) []byte {
	return func(data []byte) []byte {
		h, err := blake2b.New(size, nil)
		if err != nil {
			panic(err)
		}
		return sum(h, data)
	}
}

func twox(words uint64) func([]byte) []byte {
	return func(data []byte) []byte {
		var out []byte
		for seed := range words {
			h := xxhash.NewWithSeed(seed)
			h.Write(data)
			out = binary.LittleEndian.AppendUint64(out, h.Sum64())
		}
		return out
	}
}

var hashModels = map[NativeFunc]func([]byte) []byte{
	NativeBlake2128: blake2(16),
	NativeBlake2256: blake2(32),
	NativeTwox64:    twox(1),
	NativeTwox128:   twox(2),
	NativeTwox256:   twox(4),
	NativeKeccak256: func(data []byte) []byte { return sum(sha3.NewLegacyKeccak256(), data) },
	NativeKeccak512: func(data []byte) []byte { return sum(sha3.NewLegacyKeccak512(), data) },
	NativeSha2256:   func(data []byte) []byte { return sum(sha256.New(), data) },
}

// Every length around the block sizes (64, 72, 128, 136 bytes) and random longer ones, at every alignment.
func TestDigest_EqualsGoLibraries(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	buffer := make([]byte, 5000)
	for i := range buffer {
		buffer[i] = byte(random.Uint32())
	}
	var lengths []int
	for n := range 400 {
		lengths = append(lengths, n)
	}
	for range 200 {
		lengths = append(lengths, random.IntN(len(buffer)-8))
	}
	for f, model := range hashModels {
		for _, n := range lengths {
			at := random.IntN(8)
			data := buffer[at : at+n]
			if got, want := f.digest(data), model(data); !bytes.Equal(got, want) {
				t.Fatalf("native %d of %d bytes: got %x, want %x", f, n, got, want)
			}
		}
	}
}

// heapModel is the allocator again, as plainly as possible.
type heapModel struct {
	base, bump, limit uint64
	inUse             map[uint32]int // block -> order
	free              [23][]uint32   // last in, first out
}

func newHeapModel(base uint32, limit uint64) *heapModel {
	aligned := (uint64(base) + 7) / 8 * 8
	return &heapModel{base: aligned, bump: aligned, limit: limit, inUse: map[uint32]int{}}
}

func (h *heapModel) malloc(size uint32) uint32 {
	if size > 32<<20 {
		return 0
	}
	order := max(bits.Len32(max(size, 1)-1), 3) - 3
	if list := h.free[order]; len(list) > 0 {
		block := list[len(list)-1]
		h.free[order] = list[:len(list)-1]
		h.inUse[block] = order
		return block
	}
	end := h.bump + 8 + 8<<order
	if end > h.limit {
		return 0
	}
	block := uint32(h.bump + 8)
	h.bump = end
	h.inUse[block] = order
	return block
}

func (h *heapModel) release(block uint32) bool {
	order, ok := h.inUse[block]
	if ok {
		delete(h.inUse, block)
		h.free[order] = append(h.free[order], block)
	}
	return ok
}

const heapTestBase = 4097 // not a multiple of 8: the allocator rounds it up

// heapModule runs a list of commands (u32 kind, u32 argument): 0 malloc, 1 free, above that store kind - 1 at the argument. The
// result of malloc replaces its argument, and the list is the call's result. The list itself is the first block.
func heapModule(maxPages uint32) []byte {
	a := &assembly{minimum: 1, maximum: maxPages, base: heapTestBase}
	a.imports = []assembledImport{{"env", "malloc", mallocType}, {"env", "free", freeType}}
	gas := globalGet(gasGlobal)
	settle := seq(call(a.gasImport()), globalSet(gasGlobal))
	a.funcs = []assembledFunc{{typ: entryType, locals: []wasm.ValType{i32}, code: seq(
		localGet(0), localSet(2),
		op(opBlock, blockEmpty, opLoop, blockEmpty),
		localGet(2), localGet(0), localGet(1), op(opI32Add), op(0x4f), branchIf(1), // ge_u
		localGet(2), access(opI32Load, 0), op(opI32Eqz), op(opIf, blockEmpty),
		localGet(2), localGet(2), access(opI32Load, 4), gas, call(0), settle, access(opI32Store, 4),
		op(opElse),
		localGet(2), access(opI32Load, 0), i32Const(1), op(0x4b), op(opIf, blockEmpty), // gt_u
		localGet(2), access(opI32Load, 4), localGet(2), access(opI32Load, 0), i32Const(1), op(opI32Sub), access(opI32Store, 0),
		op(opElse),
		localGet(2), access(opI32Load, 4), gas, call(1), settle,
		op(opEnd),
		op(opEnd),
		localGet(2), i32Const(8), op(opI32Add), localSet(2), branch(0),
		op(opEnd, opEnd),
		fat(localGet(0), localGet(1)),
	)}}
	a.exports = []assembledExport{{"run", a.function(0)}}
	return a.bytes()
}

var heapFuncs = []HostFunc{
	{Module: "env", Name: "malloc", Params: mallocType.Params, Results: mallocType.Results, Native: NativeMalloc},
	{Module: "env", Name: "free", Params: freeType.Params, Native: NativeFree},
}

// heapCommands makes a random list, with the answers of the model.
func heapCommands(random *rand.Rand, model *heapModel, n int) (commands, want []byte) {
	list := model.malloc(uint32(8 * n))
	if list == 0 {
		panic("the list does not fit")
	}
	var live []uint32
	for range n {
		kind, argument, answer := uint32(0), uint32(0), uint32(0)
		if len(live) > 0 && random.IntN(5) < 2 {
			i := random.IntN(len(live))
			kind, argument, answer = 1, live[i], live[i]
			model.release(argument)
			live[i] = live[len(live)-1]
			live = live[:len(live)-1]
		} else {
			argument = random.Uint32N(1 << random.IntN(17))
			if answer = model.malloc(argument); answer == 0 {
				kind, argument, answer = 0, 1, model.malloc(1)
			}
			live = append(live, answer)
		}
		commands = binary.LittleEndian.AppendUint32(binary.LittleEndian.AppendUint32(commands, kind), argument)
		want = binary.LittleEndian.AppendUint32(binary.LittleEndian.AppendUint32(want, kind), answer)
	}
	return commands, want
}

func TestAllocator_EqualsModel(t *testing.T) {
	e := newEngine(t)
	const pages = 512
	in := newInstance(t, e, heapModule(pages), heapFuncs)
	random := rand.New(rand.NewPCG(3, 4))
	for round := range 60 {
		commands, want := heapCommands(random, newHeapModel(heapTestBase, pages*wasmPage), 1+random.IntN(400))
		got, err := in.Call("run", commands, 1<<40, nil)
		if err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		if !bytes.Equal(got.Output, want) {
			t.Fatalf("round %d: the addresses differ from the model's", round)
		}
	}
}

func TestAllocator_Refusals(t *testing.T) {
	e := newEngine(t)
	const first = 4104 + 8 // the list's block: the base rounded up, and a header
	commands := func(list ...uint32) []byte {
		var out []byte
		for _, v := range list {
			out = binary.LittleEndian.AppendUint32(out, v)
		}
		return out
	}
	for name, c := range map[string]struct {
		pages    uint32
		commands []byte
		want     TrapClass // 0: success
	}{
		"the largest block": {1024, commands(0, 32<<20), 0},
		"one byte more":     {1024, commands(0, 32<<20+1), TrapAllocatorExhausted},
		// 65 pages to begin with: the module's and BlobHeapPages. A block of 4 MiB fits, the next of 64 KiB needs a page more.
		"memory that grows to the limit": {66, commands(0, 4<<20, 0, 64<<10), 0},
		"no memory left":                 {66, commands(0, 4<<20, 0, 64<<10, 0, 64<<10), TrapAllocatorExhausted},
		"no page to grow by":             {65, commands(0, 4<<20, 0, 64<<10), TrapAllocatorExhausted},
		"free of zero":                   {2, commands(1, 0), TrapHost},
		"free below the heap":            {2, commands(1, 64), TrapHost},
		"free inside a block":            {2, commands(1, first+8), TrapHost},
		"free of an unaligned address":   {2, commands(1, first+1), TrapHost},
		"free above the heap":            {2, commands(1, 60000), TrapHost},
		"free outside the memory":        {2, commands(1, 0xfffffff8), TrapHost},
		"free of what looks like a block in use, but for bit 32": {2, commands(0, 2, 1, first+8), TrapHost},
		"a free list that leads to a block in use":               {2, commands(0, 8, 1, first+32+8, 2, first+32+4, 0, 8), TrapAllocatorExhausted},
		"a free list that leads below the heap":                  {2, commands(0, 8, 1, first+64+8, 9, first+64, 0, 8, 0, 8), TrapAllocatorExhausted},
		"free twice":                                             {2, commands(1, first, 1, first), TrapHost},
	} {
		t.Run(name, func(t *testing.T) {
			in := newInstance(t, e, heapModule(c.pages), heapFuncs)
			_, err := in.Call("run", c.commands, 1<<40, nil)
			wantTrap(t, err, c.want)
		})
	}
}

// The hashes as a blob gets them, repeated so that remembered results are used, for lengths around what is remembered.
func TestNativeHash_EqualsGoLibrariesInABlob(t *testing.T) {
	e, err := New(Config{BlobSlots: len(hashModels)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Close)
	random := rand.New(rand.NewPCG(11, 12))
	for f, model := range hashModels {
		size := len(model(nil))
		a := &assembly{minimum: 1, maximum: 1, base: 4096}
		a.imports = []assembledImport{{"env", "hash", hashType}}
		a.funcs = []assembledFunc{{typ: entryType, code: seq(
			fat(localGet(0), localGet(1)), globalGet(gasGlobal), call(0),
			call(a.gasImport()), globalSet(gasGlobal),
			op(opI64ExtendU), i64Const(int64(size)<<32), op(opI64Or))}}
		a.exports = []assembledExport{{"run", a.function(0)}}
		in := newInstance(t, e, a.bytes(), []HostFunc{{Module: "env", Name: "hash", Params: hashType.Params, Results: hashType.Results, Native: f}})
		for range 600 {
			// Few different bytes, so that inputs repeat and inputs that differ only in length or in one place meet.
			input := make([]byte, random.IntN(36))
			for i := range min(len(input), 2) {
				input[i] = byte(random.IntN(3))
			}
			got, err := in.Call("run", input, 1<<40, nil)
			if err != nil {
				t.Fatal(err)
			}
			if want := model(input); !bytes.Equal(got.Output, want) {
				t.Fatalf("native %d of %x: got %x, want %x", f, input, got.Output, want)
			}
		}

	}
}
