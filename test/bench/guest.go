package main

import (
	"fmt"
	"time"

	"github.com/sepia-chain/sepia/runtime/engine"
	"github.com/sepia-chain/sepia/runtime/meter"
	"github.com/sepia-chain/sepia/runtime/meter/metertest"
	"github.com/sepia-chain/sepia/runtime/wasm"
)

// benchGuests times a guest's way out to its caller and back, and a guest's life from instance to drop.
func benchGuests(string) ([]figure, error) {
	e, err := engine.New(engine.Config{})
	if err != nil {
		return nil, err
	}
	defer e.Close()
	guest, err := asker(e)
	if err != nil {
		return nil, err
	}
	defer guest.Close()
	exec, err := guest.Instantiate("call")
	if err != nil {
		return nil, err
	}
	defer exec.Drop()
	roundTrip, err := repeated(func() error { return ask(exec) })
	if err != nil {
		return nil, err
	}
	life, err := repeated(func() error {
		short, err := guest.Instantiate("call")
		if err != nil {
			return err
		}
		defer short.Drop()
		return ask(short)
	})
	return []figure{
		{"guest: syscall round trip", roundTrip, "out to Go and back"},
		{"guest: instantiate, run, drop", life, "dropped at its first syscall, as ink! calls are"},
	}, err
}

// asker is a contract that calls an import for ever.
func asker(e *engine.Engine) (*engine.Guest, error) {
	const pages = 16
	b := &metertest.Builder{MemoryMin: 2, MemoryMax: pages}
	imports := make([]engine.GuestImport, len(metertest.HostImports()))
	for i, imported := range metertest.HostImports() {
		b.Imports = append(b.Imports, metertest.Import{Module: imported.Module, Name: imported.Name, Type: imported.Type})
		imports[i].ID = imported.ID
	}
	entry := metertest.Types("", "")
	code := metertest.Asm(wasm.OpLoop, byte(0x40), wasm.OpI64Const, 1, wasm.OpCall, uint32(metertest.ImportB), wasm.OpDrop,
		wasm.OpBr, uint32(0), wasm.OpEnd)
	b.Funcs = []metertest.Func{{Type: entry, Export: "call", Code: code}, {Type: entry, Export: "deploy"}}
	module, _, err := wasm.Validate(b.Bytes(), metertest.Policy())
	if err != nil {
		return nil, err
	}
	metered, err := meter.Instrument(module, meter.Options{
		Weights: meter.ContractWeights(), ImportPrices: metertest.ImportPrices(), MemoryMaxPages: pages, StackLimit: meter.ContractStackLimit,
	})
	if err != nil {
		return nil, err
	}
	return e.CompileGuest(metered, imports, engine.GuestOptions{})
}

func ask(exec *engine.Exec) error {
	step, err := exec.Run(1<<40, 1)
	if err == nil && step.Kind != engine.StepSyscall {
		err = fmt.Errorf("the guest ends a run with %d, not with a syscall", step.Kind)
	}
	return err
}

// repeated is the median time of doing something.
func repeated(do func() error) (time.Duration, error) {
	var times []time.Duration
	const rounds, each = 15, 2_000
	for range rounds {
		start := time.Now()
		for range each {
			if err := do(); err != nil {
				return 0, err
			}
		}
		times = append(times, time.Since(start)/each)
	}
	return median(times), nil
}
