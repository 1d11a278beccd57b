package host_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/sepia-chain/sepia/runtime/engine"
	"github.com/sepia-chain/sepia/runtime/host"
	"github.com/sepia-chain/sepia/runtime/host/hosttest"
)

// inTime fails a test that would otherwise hang for ever; it says nothing about speed.
func inTime(t *testing.T, doing string, do func() error) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- do() }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		t.Fatalf("%s: waits for ever", doing)
		return nil
	}
}

func smallEngine(t *testing.T, slots int) *engine.Engine {
	t.Helper()
	e, err := engine.New(engine.Config{BlobSlots: slots, GuestSlots: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Close)
	return e
}

func newPool(t *testing.T, instances int) *host.Pool {
	t.Helper()
	pool, err := host.NewPool(host.PoolConfig{Instances: instances})
	if err != nil {
		t.Fatal(err)
	}
	return pool
}

func driveOnce(r *host.Runtime) error {
	var nothing script
	_, err := r.Call(context.Background(), "drive", nothing.encode(), host.CallOptions{Storage: hosttest.New(nil), GasLimit: ampleGas})
	return err
}

// A pool may have every slot of the engine: when all are held by idle instances, another runtime is compiled and called.
func TestPool_MayHaveAllSlots(t *testing.T) {
	const slots = 2
	e, pool := smallEngine(t, slots), newPool(t, slots)
	if got := e.BlobSlots(); got != slots {
		t.Fatalf("the engine has %d slots", got)
	}
	for range 4 { // each leaves an idle instance
		r := newRuntime(t, e, driverBlob(t), host.Options{Pool: pool})
		if err := inTime(t, "a call with all slots idle", func() error { return driveOnce(r) }); err != nil {
			t.Fatal(err)
		}
	}
}

// Pools that together are larger than the engine waited for a slot that an idle instance of another held for ever, and with
// it kept every other call of theirs waiting. They are refused when a runtime wants to use them.
func TestPool_PoolsNeverOutgrowTheEngine(t *testing.T) {
	const text = "the pools of instances want more slots than the engine has: 1 of 1 are taken, 1 more are wanted"
	e := smallEngine(t, 1)
	first := newRuntime(t, e, driverBlob(t), host.Options{})
	if err := driveOnce(first); err != nil {
		t.Fatal(err)
	}
	for name, pool := range map[string]*host.Pool{"a pool of its own": nil, "another pool": newPool(t, 1)} {
		err := inTime(t, name, func() error {
			second, err := host.NewRuntime(e, driverBlob(t), host.Options{Pool: pool})
			if err != nil {
				return err
			}
			defer second.Close()
			return driveOnce(second)
		})
		if !errors.Is(err, engine.ErrNoSlots) || errors.Is(err, host.ErrCode) || err.Error() != text {
			t.Errorf("%s: error %v, want %q", name, err, text)
		}
	}
	large := newPool(t, 2)
	if _, err := host.NewRuntime(e, driverBlob(t), host.Options{Pool: large}); !errors.Is(err, engine.ErrNoSlots) {
		t.Errorf("a pool larger than the engine: error %v", err)
	}
	if _, err := host.NewRuntime(smallEngine(t, 2), driverBlob(t), host.Options{Pool: large}); err != nil {
		t.Errorf("the same pool in an engine that has room: %v", err)
	}
	if _, err := host.NewRuntime(e, driverBlob(t), host.Options{Pool: large}); err == nil || err.Error() != "a pool of instances serves one engine" {
		t.Errorf("a pool that serves another engine: error %v", err)
	}
}

// The slots of a pool are free when its last runtime is closed and the last call has ended.
func TestPool_GivesItsSlotsBack(t *testing.T) {
	e := smallEngine(t, 1)
	pool := newPool(t, 1)
	a, err := host.NewRuntime(e, readBlob(t, runtimeBlob), host.Options{Pool: pool, Level: engine.LevelNone})
	if err != nil {
		t.Fatal(err)
	}
	b, err := host.NewRuntime(e, driverBlob(t), host.Options{Pool: pool})
	if err != nil {
		t.Fatal(err)
	}
	other := func() error {
		r, err := host.NewRuntime(e, driverBlob(t), host.Options{})
		if err != nil {
			return err
		}
		defer r.Close()
		return inTime(t, "a call", func() error { return driveOnce(r) })
	}
	b.Close()
	if err := other(); !errors.Is(err, engine.ErrNoSlots) {
		t.Errorf("while a runtime is open: error %v", err)
	}
	// A log line is where a runtime can be closed while its call runs.
	var during error
	_, err = a.Call(context.Background(), "Core_initialize_block", []byte{1}, host.CallOptions{
		Storage: hosttest.New(nil), GasLimit: ampleGas,
		Log: func(host.LogLevel, string, string) { a.Close(); during = other() },
	})
	if err == nil || !errors.Is(during, engine.ErrNoSlots) {
		t.Errorf("while a call runs: error %v; the call: %v", during, err)
	}
	if err := other(); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}
