package rpc

import (
	"encoding/json"
	"fmt"

	"github.com/sepia-chain/sepia/internal/primitives"
)

// TxStatusKind is one of the states of a watched extrinsic that Substrate knows.
type TxStatusKind uint8

// The states, in Substrate's order.
const (
	TxFuture TxStatusKind = iota
	TxReady
	TxBroadcast
	TxInBlock
	TxRetracted
	TxFinalityTimeout
	TxFinalized
	TxUsurped
	TxDropped
	TxInvalid
)

// TxStatus is one step in the life of a watched extrinsic. Hash is the block's for InBlock, Retracted, FinalityTimeout
// and Finalized, and the other extrinsic's for Usurped. Peers is for Broadcast.
type TxStatus struct {
	Kind  TxStatusKind
	Hash  primitives.Hash
	Peers []string
}

// txStatusForms says how each kind is written and whether it is the last one of a watch.
var txStatusForms = [...]struct {
	name  string
	value func(TxStatus) any // nil: the name alone is the status
	last  bool
}{
	TxFuture:          {name: "future"},
	TxReady:           {name: "ready"},
	TxBroadcast:       {name: "broadcast", value: func(s TxStatus) any { return s.Peers }},
	TxInBlock:         {name: "inBlock", value: txStatusHash},
	TxRetracted:       {name: "retracted", value: txStatusHash},
	TxFinalityTimeout: {name: "finalityTimeout", value: txStatusHash, last: true},
	TxFinalized:       {name: "finalized", value: txStatusHash, last: true},
	TxUsurped:         {name: "usurped", value: txStatusHash, last: true},
	TxDropped:         {name: "dropped", last: true},
	TxInvalid:         {name: "invalid", last: true},
}

func txStatusHash(s TxStatus) any { return s.Hash }

// Last says whether no other status follows this one.
func (s TxStatus) Last() bool { return int(s.Kind) < len(txStatusForms) && txStatusForms[s.Kind].last }

// MarshalJSON writes a bare word, or an object of one field named by the kind.
func (s TxStatus) MarshalJSON() ([]byte, error) {
	if int(s.Kind) >= len(txStatusForms) {
		return nil, fmt.Errorf("transaction status %d has no JSON form", s.Kind)
	}
	form := txStatusForms[s.Kind]
	if form.value == nil {
		return json.Marshal(form.name)
	}
	return json.Marshal(map[string]any{form.name: form.value(s)})
}
