package engine

import (
	"bytes"
	"errors"
	"runtime"
	"strings"
	"testing"

	"github.com/sepia-chain/sepia/runtime/wasm"
)

// callOut is a module whose "run" gives (pointer, length) of its input to env.out and returns what that returns. The meter's
// protocol is kept: gas goes out with the call and is asked for afterwards; if it is negative the module stops.
func callOut() []byte {
	a := &assembly{minimum: 1, maximum: 200, base: 4096}
	a.imports = []assembledImport{{"env", "out", entryType}}
	a.funcs = []assembledFunc{{typ: entryType, code: seq(
		localGet(0), localGet(1), globalGet(gasGlobal), call(0),
		call(a.gasImport()), globalSet(gasGlobal),
		globalGet(gasGlobal), i64Const(0), op(opI64LtS), op(opIf, blockEmpty, opUnreachable, opEnd),
	)}}
	a.exports = []assembledExport{{"run", a.function(0)}}
	return a.bytes()
}

func outFunc(f func(in *Instance, args []uint64) (uint64, error)) []HostFunc {
	return []HostFunc{{Module: "env", Name: "out", Params: entryType.Params, Results: entryType.Results, Go: f}}
}

func TestHostFunc_Ends(t *testing.T) {
	e := newEngine(t)
	const gas = 1000
	cases := map[string]struct {
		f     func(in *Instance, args []uint64) (uint64, error)
		want  TrapClass // 0: a fault, if text is set
		text  string
		spent int64
	}{
		"success": {func(in *Instance, _ []uint64) (uint64, error) { return 0, in.Charge(10) }, 0, "", 10},
		"all gas": {func(in *Instance, _ []uint64) (uint64, error) { return 0, in.Charge(gas) }, 0, "", gas},
		"one unit more than all gas": {func(in *Instance, _ []uint64) (uint64, error) { return 0, in.Charge(gas + 1) },
			TrapOutOfGas, "", gas},
		"a negative price": {func(in *Instance, _ []uint64) (uint64, error) { return 0, in.Charge(-1) }, TrapOutOfGas, "", gas},
		"a price whose error is dropped": {func(in *Instance, _ []uint64) (uint64, error) {
			_ = in.Charge(gas + 1)
			return 0, nil
		}, TrapOutOfGas, "", gas},
		"a refusal": {func(in *Instance, _ []uint64) (uint64, error) {
			if err := in.Charge(7); err != nil {
				return 0, err
			}
			return 0, &HostTrap{Text: "no such key type"}
		}, TrapHost, "out: no such key type", 7},
		"a read outside": {func(in *Instance, args []uint64) (uint64, error) {
			_, err := in.Read(^uint32(0), 2)
			return 0, err
		}, TrapHost, "outside the memory", 0},
		"an allocation that is too large": {func(in *Instance, _ []uint64) (uint64, error) {
			_, err := in.Alloc(33 << 20)
			return 0, err
		}, TrapAllocatorExhausted, "", 0},
		"a result outside": {func(in *Instance, _ []uint64) (uint64, error) { return 1<<63 | 4096, nil },
			TrapHost, "result of the call lies outside", 0},
		"another error": {func(*Instance, []uint64) (uint64, error) { return 0, errors.New("disk on fire") }, 0, "disk on fire", 0},
		"a fault":       {func(*Instance, []uint64) (uint64, error) { return 0, fault("storage", "lost") }, 0, "storage: lost", 0},
		"a panic":       {func(*Instance, []uint64) (uint64, error) { panic("out of cheese") }, 0, "out of cheese", 0},
		"a nil pointer": {func(in *Instance, _ []uint64) (uint64, error) {
			var p *Instance
			return uint64(p.args[0]), nil
		}, 0, "nil pointer", 0},
		"an index out of range": {func(in *Instance, args []uint64) (uint64, error) { return args[len(args)], nil }, 0, "index out of range", 0},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			in := newInstance(t, e, callOut(), outFunc(c.f))
			for range 3 { // the instance goes on after any end
				got, err := in.Call("run", []byte("abc"), gas, nil)
				if c.want == 0 && c.text != "" {
					if !errors.Is(err, ErrFault) || !strings.Contains(err.Error(), c.text) {
						t.Fatalf("got %v, want a fault with %q", err, c.text)
					}
					continue
				}
				wantTrap(t, err, c.want)
				if err != nil && !strings.Contains(err.Error(), c.text) {
					t.Fatalf("got %v, want %q in it", err, c.text)
				}
				if got.GasUsed != c.spent {
					t.Fatalf("used %d gas, want %d", got.GasUsed, c.spent)
				}
			}
		})
	}
}

// A host function that makes the memory grow must see, and leave, the grown memory.
func TestHostFunc_MemoryGrowsDuringCall(t *testing.T) {
	e := newEngine(t)
	big := bytes.Repeat([]byte{0xa5}, 5<<20) // more than BlobHeapPages
	in := newInstance(t, e, callOut(), outFunc(func(in *Instance, args []uint64) (uint64, error) {
		before := len(in.Memory())
		result, err := in.Return(big)
		if err != nil {
			return 0, err
		}
		if len(in.Memory()) <= before {
			return 0, errors.New("the memory did not grow")
		}
		input, err := in.Read(uint32(args[0]), uint32(args[1]))
		if err != nil || string(input) != "abc" {
			return 0, errors.New("the input moved")
		}
		return result, nil
	}))
	for range 3 {
		got, err := in.Call("run", []byte("abc"), 1000, nil)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got.Output, big) {
			t.Fatal("the result is not what the host function returned")
		}
	}
}

// Growing Go's own stack moves it; what C was given must not lie there.
func TestHostFunc_GoStackMoves(t *testing.T) {
	e := newEngine(t)
	in := newInstance(t, e, callOut(), outFunc(func(in *Instance, args []uint64) (uint64, error) {
		deep(2000)
		runtime.GC()
		return uint64(args[1])<<32 | args[0], nil
	}))
	done := make(chan error)
	go func() { // a new goroutine has a small stack
		var input [64]byte
		copy(input[:], "on the stack")
		got, err := in.Call("run", input[:], 1000, nil)
		if err == nil && !bytes.Equal(got.Output, input[:]) {
			err = errors.New("the input changed")
		}
		done <- err
	}()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

//go:noinline
func deep(n int) int {
	var frame [128]byte
	if n == 0 {
		return 0
	}
	frame[n%128] = byte(n)
	return deep(n-1) + int(frame[n%128])
}

// A host function may run another instance, on the same thread: each has its own stack.
func TestHostFunc_CallsAnotherInstance(t *testing.T) {
	e := newEngine(t)
	inner := newInstance(t, e, callOut(), outFunc(func(in *Instance, args []uint64) (uint64, error) {
		return in.Return([]byte("inner"))
	}))
	outer := newInstance(t, e, callOut(), outFunc(func(in *Instance, args []uint64) (uint64, error) {
		got, err := inner.Call("run", nil, 1000, nil)
		if err != nil {
			return 0, err
		}
		return in.Return(append(got.Output, " and outer"...))
	}))
	for range 3 {
		got, err := outer.Call("run", nil, 1000, nil)
		if err != nil || string(got.Output) != "inner and outer" {
			t.Fatalf("got %q, %v", got.Output, err)
		}
	}
}

func TestNativeHash_ChargesEachByte(t *testing.T) {
	e := newEngine(t)
	a := &assembly{minimum: 1, maximum: 1, base: 4096}
	a.imports = []assembledImport{{"env", "hash", hashType}}
	a.funcs = []assembledFunc{{typ: entryType, code: seq(
		fat(localGet(0), localGet(1)), globalGet(gasGlobal), call(0),
		call(a.gasImport()), globalSet(gasGlobal),
		op(opI64ExtendU), i64Const(32<<32), op(opI64Or),
	)}}
	a.exports = []assembledExport{{"run", a.function(0)}}
	in := newInstance(t, e, a.bytes(), []HostFunc{
		{Module: "env", Name: "hash", Params: hashType.Params, Results: hashType.Results, Native: NativeBlake2256, PerByte: 3},
	})
	input := []byte("hello")
	got, err := in.Call("run", input, 15, nil)
	if err != nil || got.GasUsed != 15 || !bytes.Equal(got.Output, blake2(32)(input)) {
		t.Fatalf("got %x, %d gas, %v", got.Output, got.GasUsed, err)
	}
	got, err = in.Call("run", input, 14, nil)
	wantTrap(t, err, TrapOutOfGas)
	if got.GasUsed != 14 {
		t.Fatalf("used %d gas, want all", got.GasUsed)
	}
}

func TestNativeHash_RefusesDataOutsideTheMemory(t *testing.T) {
	e := newEngine(t)
	for _, data := range []int64{8<<32 | wasmPage - 7, 1<<32 | 0xffffffff, -1} {
		a := &assembly{minimum: 1, maximum: 1, base: 4096}
		a.imports = []assembledImport{{"env", "hash", hashType}}
		a.funcs = []assembledFunc{{typ: entryType, code: seq(i64Const(data), globalGet(gasGlobal), call(0), op(opI64ExtendU))}}
		a.exports = []assembledExport{{"run", a.function(0)}}
		in := newInstance(t, e, a.bytes(), []HostFunc{
			{Module: "env", Name: "hash", Params: hashType.Params, Results: hashType.Results, Native: NativeTwox64},
		})
		_, err := in.Call("run", nil, 1000, nil)
		wantTrap(t, err, TrapHost)
	}
}

func TestCall_Limits(t *testing.T) {
	e := newEngine(t)
	in := newInstance(t, e, callOut(), outFunc(func(in *Instance, args []uint64) (uint64, error) {
		if in.GasLeft() != MaxGas {
			return 0, errors.New("the limit was not clamped")
		}
		return 0, nil
	}))
	if _, err := in.Call("run", nil, 1<<63-1, nil); err != nil {
		t.Fatal(err)
	}
	_, err := in.Call("run", nil, -1, nil)
	wantTrap(t, err, TrapOutOfGas)
	_, err = in.Call("run", make([]byte, 33<<20), 1000, nil)
	wantTrap(t, err, TrapAllocatorExhausted)
}

func TestCompileBlob_Refusals(t *testing.T) {
	e := newEngine(t)
	ok := func(*Instance, []uint64) (uint64, error) { return 0, nil }
	plain := func(change func(a *assembly)) []byte {
		a := &assembly{minimum: 1, maximum: 2, base: 4096}
		a.funcs = []assembledFunc{{typ: entryType, code: i64Const(0)}}
		a.exports = []assembledExport{{"run", a.function(0)}}
		change(a)
		return a.bytes()
	}
	for name, c := range map[string]struct {
		module []byte
		funcs  []HostFunc
		want   string
		fault  bool
	}{
		"no module":              {nil, nil, "reading a metered module", true},
		"a missing function":     {callOut(), nil, "imports env.out, which the host does not have", false},
		"another type":           {callOut(), []HostFunc{{Module: "env", Name: "out", Params: []wasm.ValType{i64}, Go: ok}}, "does not belong to the host's", false},
		"nothing to serve it":    {callOut(), outFunc(nil), "nothing serves it", false},
		"a native of other type": {callOut(), []HostFunc{{Module: "env", Name: "out", Params: entryType.Params, Results: entryType.Results, Native: NativeMalloc}}, "the function in C has type", false},
		"no heap base":           {plain(func(a *assembly) { a.base = 0 }), nil, "__heap_base", false},
		"too much memory":        {plain(func(a *assembly) { a.maximum = BlobMemoryMaxPages + 1 }), nil, "above 8192", true},
		"too much stack":         {plain(func(a *assembly) { a.stack = BlobStackUnits + 1 }), nil, "not within", true},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := e.CompileBlob(c.module, c.funcs, BlobOptions{})
			if err == nil || !strings.Contains(err.Error(), c.want) || errors.Is(err, ErrFault) != c.fault {
				t.Fatalf("got %v, want %q (fault: %v)", err, c.want, c.fault)
			}
		})
	}
}
