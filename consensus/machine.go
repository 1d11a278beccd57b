package consensus

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"

	"golang.org/x/crypto/blake2b"

	"github.com/sepia-chain/sepia/consensus/driver"
	"github.com/sepia-chain/sepia/internal/primitives"
	"github.com/sepia-chain/sepia/runtime/engine"
	"github.com/sepia-chain/sepia/runtime/host"
	"github.com/sepia-chain/sepia/state"
)

// overlayStorage is an overlay as the host wants it. The two differ in the type of a child storage and in whose error says
// that no transaction is open.
type overlayStorage struct{ *state.Overlay }

var _ host.Storage = overlayStorage{}

func (s overlayStorage) Child(id []byte) host.ChildStorage { return s.Overlay.Child(id) }

func (s overlayStorage) CommitTransaction() error {
	return guestError(s.Overlay.CommitTransaction())
}

func (s overlayStorage) RollbackTransaction() error {
	return guestError(s.Overlay.RollbackTransaction())
}

func guestError(err error) error {
	if errors.Is(err, state.ErrNoTransaction) {
		return host.ErrNoTransaction
	}
	return err
}

// machine runs a runtime over one overlay: the driver's Machine.
type machine struct {
	store   *state.Store
	parent  *state.View
	runtime *host.Runtime
	overlay *state.Overlay
	log     host.LogSink
}

var _ driver.Machine = (*machine)(nil)

func (m *machine) Call(method string, input []byte, gas int64) ([]byte, int64, error) {
	return callForBlock(m.runtime, m.overlay, m.log, method, input, gas)
}

func (m *machine) CallParent(method string, input []byte, gas int64) ([]byte, int64, error) {
	layer, err := m.store.NewOverlay(m.parent)
	if err != nil {
		return nil, 0, fmt.Errorf("opening an overlay over the parent: %w", err)
	}
	out, used, err := callForBlock(m.runtime, layer, m.log, method, input, gas)
	if drop := layer.Drop(); drop != nil {
		return nil, 0, fmt.Errorf("dropping an overlay over the parent: %w", drop)
	}
	return out, used, err
}

func (m *machine) Begin()                         { m.overlay.StartTransaction() }
func (m *machine) Commit() error                  { return m.overlay.CommitTransaction() }
func (m *machine) Rollback() error                { return m.overlay.RollbackTransaction() }
func (m *machine) Root() (primitives.Hash, error) { return m.overlay.Root() }

func callForBlock(rt *host.Runtime, overlay *state.Overlay, log host.LogSink, method string, input []byte, gas int64) ([]byte, int64, error) {
	o := host.CallOptions{Storage: overlayStorage{overlay}, GasLimit: gas, Log: log, ForBlock: true}
	result, err := rt.Call(context.Background(), method, input, o)
	var failed *host.CallError
	switch {
	case errors.As(err, &failed):
		return nil, failed.GasUsed, &driver.Failure{Method: method, Class: failed.Class.String(), Reason: failed.Reason}
	case errors.Is(err, engine.ErrNoExport):
		return nil, 0, &driver.Failure{Method: method, Class: "not exported"}
	case err != nil:
		return nil, 0, err
	}
	return result.Output, result.GasUsed, nil
}

// apiID names a runtime API: BLAKE2b-64 of its name.
func apiID(name string) [8]byte {
	h, err := blake2b.New(8, nil)
	if err != nil {
		panic("consensus: blake2b refuses an 8-byte output, which its documentation allows: " + err.Error())
	}
	h.Write([]byte(name))
	return [8]byte(h.Sum(nil))
}

// The runtime APIs that the driver asks for. They are optional for a runtime.
var (
	apiMetadata = apiID("Metadata")
	apiComet    = apiID("CometApi")
	apiUpgrade  = apiID("UpgradeApi")
	apiAura     = apiID("AuraApi")
)

// apiVersion is the version of a runtime API that a runtime has, 0 if it has none.
func apiVersion(rt *host.Runtime, id [8]byte) uint32 {
	for _, api := range rt.Version().APIs {
		if api.ID == id {
			return api.Version
		}
	}
	return 0
}

// checkVersion compares an answer of Core_version with what a runtime's code declares. The order of its APIs is the
// linker's in one and the compiler's in the other, so it does not count.
func checkVersion(rt *host.Runtime, answer []byte) error {
	told, err := host.DecodeVersion(answer)
	if err != nil {
		return err
	}
	declared := rt.Version()
	sortAPIs(&told)
	sortAPIs(&declared)
	if !bytes.Equal(told.Encode(), declared.Encode()) {
		return fmt.Errorf("the code answers version %+v and declares %+v", told, declared)
	}
	return nil
}

func sortAPIs(v *host.Version) {
	v.APIs = slices.Clone(v.APIs)
	slices.SortFunc(v.APIs, func(a, b host.API) int { return bytes.Compare(a.ID[:], b.ID[:]) })
}

func describe(rt *host.Runtime) driver.Runtime {
	return driver.Runtime{
		CheckVersion:  func(answer []byte) error { return checkVersion(rt, answer) },
		SystemVersion: rt.Version().SystemVersion,
		MetadataAPI:   apiVersion(rt, apiMetadata),
		ChecksUpgrade: apiVersion(rt, apiUpgrade) > 0,
	}
}

// runtimeLog gives what a runtime logs its place in the node's log. A runtime's errors are mostly about transactions
// that fail, which is no error of the node.
func runtimeLog(l *slog.Logger) host.LogSink {
	return func(level host.LogLevel, target, message string) {
		l.Debug("runtime logged", "level", level, "target", target, "message", message)
	}
}
