package engine

import (
	"bytes"
	"errors"
	"testing"

	"github.com/sepia-chain/sepia/runtime/wasm"
)

var (
	i32, i64   = wasm.I32, wasm.I64
	entryType  = wasm.FuncType{Params: []wasm.ValType{i32, i32}, Results: []wasm.ValType{i64}}
	mallocType = wasm.FuncType{Params: []wasm.ValType{i32}, Results: []wasm.ValType{i32}}
	freeType   = wasm.FuncType{Params: []wasm.ValType{i32}}
	hashType   = wasm.FuncType{Params: []wasm.ValType{i64}, Results: []wasm.ValType{i32}}
)

func newEngine(t testing.TB) *Engine {
	t.Helper()
	e, err := New(Config{BlobSlots: 4, GuestSlots: 16})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Close)
	return e
}

func newInstance(t testing.TB, e *Engine, metered []byte, funcs []HostFunc) *Instance {
	t.Helper()
	b, err := e.CompileBlob(metered, funcs, BlobOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	in, err := b.Instantiate()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(in.Close)
	return in
}

// fat packs local pointer and length as a call's result.
func fat(ptr, length []byte) []byte {
	return seq(ptr, op(opI64ExtendU), length, op(opI64ExtendU), i64Const(32), op(opI64Shl), op(opI64Or))
}

// echo returns its input after passing a value through a host function in Go and a hash in C.
func echoModule() []byte {
	a := &assembly{minimum: 1, maximum: 16, base: 4096}
	a.imports = []assembledImport{
		{"env", "ping", wasm.FuncType{Params: []wasm.ValType{i32, i64}, Results: []wasm.ValType{i64}}},
		{"env", "twox", hashType},
	}
	a.funcs = []assembledFunc{{typ: entryType, code: seq(
		localGet(0), i64Const(40), globalGet(gasGlobal), call(0), call(a.gasImport()), globalSet(gasGlobal),
		op(opDrop),
		fat(localGet(0), localGet(1)),
	)}}
	a.exports = []assembledExport{{"echo", a.function(0)}}
	return a.bytes()
}

func TestCall_HostFunctionInGo(t *testing.T) {
	e := newEngine(t)
	var seen []uint64
	var ctx any
	in := newInstance(t, e, echoModule(), []HostFunc{
		{Module: "env", Name: "ping", Params: []wasm.ValType{i32, i64}, Results: []wasm.ValType{i64},
			Go: func(in *Instance, args []uint64) (uint64, error) {
				seen = append([]uint64(nil), args...)
				ctx = in.Context()
				return 42, in.Charge(30)
			}},
		{Module: "env", Name: "twox", Params: hashType.Params, Results: hashType.Results, Native: NativeTwox128},
	})
	for range 3 {
		got, err := in.Call("echo", []byte("hello"), 1000, "context")
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got.Output, []byte("hello")) || got.GasUsed != 30 {
			t.Fatalf("got %q, %d gas, want the input and 30", got.Output, got.GasUsed)
		}
		if len(seen) != 2 || seen[0] != 4096+8 || seen[1] != 40 || ctx != "context" {
			t.Fatalf("host function saw %v, context %v", seen, ctx)
		}
	}
	if _, err := in.Call("absent", nil, 1000, nil); !errors.Is(err, ErrNoExport) {
		t.Fatalf("got %v, want ErrNoExport", err)
	}
}

func pingFuncs(ping func(in *Instance, args []uint64) (uint64, error)) []HostFunc {
	return []HostFunc{
		{Module: "env", Name: "ping", Params: []wasm.ValType{i32, i64}, Results: []wasm.ValType{i64}, Go: ping},
		{Module: "env", Name: "twox", Params: hashType.Params, Results: hashType.Results, Native: NativeTwox128},
	}
}

// A blob's traps have classes and exact gas, except that a memory trap loses the counter and with it all gas.
func TestCall_Classes(t *testing.T) {
	e := newEngine(t)
	const gas, spent = 500, 20
	spend := seq(i64Const(gas-spent), globalSet(gasGlobal))
	type ending struct {
		code []byte
		want TrapClass
		used int64
	}
	cases := map[string]ending{
		"success":        {nil, 0, spent},
		"out of gas":     {seq(i64Const(-3), globalSet(gasGlobal), op(opUnreachable)), TrapOutOfGas, gas},
		"stack overflow": {seq(i32Const(-3), globalSet(stackGlobal), op(opUnreachable)), TrapStackOverflow, spent},
	}
	for _, k := range knownTraps {
		used := int64(spent)
		if k.want == TrapMemory {
			used = gas
		}
		cases[k.name] = ending{k.code, k.want, used}
	}
	for name, c := range cases {
		for _, level := range levels {
			t.Run(name+" "+level.String(), func(t *testing.T) {
				a := &assembly{minimum: 1, maximum: 1, base: 4096}
				a.globals = []assembledGlobal{{i64, true, 0}}
				a.funcs = []assembledFunc{
					{code: seq(spend, c.code)},
					{typ: wasm.FuncType{Results: []wasm.ValType{i64}}, code: i64Const(1)},
					{typ: entryType, code: seq(call(a.function(0)), i64Const(0))},
				}
				a.table = []uint32{a.function(0)}
				a.exports = []assembledExport{{"run", a.function(2)}}
				b, err := e.CompileBlob(a.bytes(), nil, BlobOptions{Level: level})
				if err != nil {
					t.Fatal(err)
				}
				defer b.Close()
				in, err := b.Instantiate()
				if err != nil {
					t.Fatal(err)
				}
				defer in.Close()
				for range 2 {
					got, err := in.Call("run", nil, gas, nil)
					wantTrap(t, err, c.want)
					if got.GasUsed != c.used {
						t.Fatalf("used %d gas, want %d", got.GasUsed, c.used)
					}
				}
			})
		}
	}
}

// An upgrade may compile a blob while instances of the old one hold every slot.
func TestCompileBlob_NeedsNoSlot(t *testing.T) {
	e, err := New(Config{BlobSlots: 1, GuestSlots: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Close)
	ping := pingFuncs(func(*Instance, []uint64) (uint64, error) { return 1, nil })
	newInstance(t, e, echoModule(), ping)
	done := make(chan error)
	go func() {
		b, err := e.CompileBlob(echoModule(), ping, BlobOptions{})
		if err == nil {
			b.Close()
		}
		done <- err
	}()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}
