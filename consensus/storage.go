package consensus

import (
	"github.com/sepia-chain/sepia/runtime/host"
	"github.com/sepia-chain/sepia/state"
)

// Storage is an overlay as a runtime's host wants it.
func Storage(o *state.Overlay) host.Storage { return overlayStorage{o} }
