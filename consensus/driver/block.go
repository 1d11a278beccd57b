package driver

import (
	"errors"
	"fmt"

	"golang.org/x/crypto/blake2b"

	"github.com/sepia-chain/sepia/consensus/validity"
	"github.com/sepia-chain/sepia/internal/primitives"
	"github.com/sepia-chain/sepia/internal/scale"
	"github.com/sepia-chain/sepia/internal/trie"
)

// Input is all that decides how a block executes, beside the state.
type Input struct {
	Parent    primitives.Hash
	Height    uint32
	Digest    []primitives.DigestItem // PreRuntime items for Core_initialize_block
	Inherents []byte                  // InherentData, SCALE
	Budgets   Budgets
	Runtime   Runtime
	First     bool // the first block under new code
}

// Runtime is what the driver must know about the code that executes a block.
type Runtime struct {
	CheckVersion  func(answer []byte) error // whether Core_version tells what the code declares
	SystemVersion uint8
	MetadataAPI   uint32 // version of the Metadata runtime API, 0: none
	ChecksUpgrade bool   // has UpgradeApi
}

// Code says how a transaction of a block ended. It goes into the results that validators agree on, so the numbers are
// fixed.
type Code uint32

// The codes of transaction results.
const (
	Applied      Code = 0 // in the body, its call succeeded
	Failed       Code = 1 // in the body, its call failed: the fee is paid and an event says why
	Malformed    Code = 2 // left out: not exactly one extrinsic
	Unsolicited  Code = 3 // left out: a bare extrinsic that the runtime does not accept from outside
	Inapplicable Code = 4 // left out: the runtime refused it
	Trapped      Code = 5 // left out: the runtime failed on it
	OutOfGas     Code = 6 // left out unexecuted: the block's gas was spent
	NotAllowed   Code = 7 // left out unexecuted: this block takes no transactions
	Exhausts     Code = 8 // left out: no room in this block by weight
)

var codeTexts = map[Code]string{
	Applied: "applied", Failed: "call failed", Malformed: "not exactly one extrinsic",
	Unsolicited: "bare extrinsic not accepted from outside", Inapplicable: "not applicable", Trapped: "runtime failed",
	OutOfGas: "gas of the block is spent", NotAllowed: "block takes no transactions", Exhausts: "no room in the block",
}

func (c Code) String() string { return codeTexts[c] }

// InBody says whether the transaction is part of the block's body.
func (c Code) InBody() bool { return c == Applied || c == Failed }

// Outcome is what became of one transaction.
type Outcome struct {
	Code  Code
	Index int   // its place in the body, -1 if it is left out
	Cause error // why it is left out; for logs only
}

// Result is an executed block. The pending state of the Machine is its post-state.
type Result struct {
	Header   primitives.Header
	Encoded  []byte // the header as the runtime wrote it
	Hash     primitives.Hash
	Body     [][]byte
	Outcomes []Outcome // one for each transaction given
	Gas      int64
}

// execution is a block in the making.
type execution struct {
	machine Machine
	in      Input
	purse   purse
	closed  bool // no transactions: the runtime or the rules say so
	body    [][]byte
}

func begin(m Machine, in Input) (*execution, error) {
	e := &execution{machine: m, in: in, purse: purse{budgets: in.Budgets, first: in.First}}
	if err := e.initialize(); err != nil {
		return nil, err
	}
	if err := e.applyInherents(); err != nil {
		return nil, err
	}
	return e, nil
}

// Block 1 carries the genesis time, which may be any age, so it takes no transactions.
const firstWithTransactions = 2

// extrinsic inclusion modes that Core_initialize_block answers with. Runtimes before Core version 5 answer nothing.
const (
	allExtrinsics  = 0
	onlyInherents  = 1
	inclusionBytes = 1
)

func (e *execution) initialize() error {
	header := primitives.Header{ParentHash: e.in.Parent, Number: e.in.Height, Digest: e.in.Digest}
	out, err := e.call("Core_initialize_block", header.Encode(), e.in.Budgets.Initialize)
	if err != nil {
		return reject(phaseInitialize, err)
	}
	if len(out) > inclusionBytes || len(out) == inclusionBytes && out[0] > onlyInherents {
		return &Rejection{Phase: phaseInitialize, Err: fmt.Errorf("inclusion mode %x is none", out)}
	}
	e.closed = e.in.First || e.in.Height < firstWithTransactions || len(out) == inclusionBytes && out[0] != allExtrinsics
	return nil
}

// call is Machine.Call that pays from the purse.
func (e *execution) call(method string, input []byte, budget int64) ([]byte, error) {
	out, used, err := e.machine.Call(method, input, e.purse.limit(budget))
	e.purse.pay(used)
	return out, err
}

func (e *execution) applyInherents() error {
	list, err := e.makeInherents()
	if err != nil {
		return err
	}
	for i, xt := range list {
		out, err := e.call("BlockBuilder_apply_extrinsic", xt, e.in.Budgets.Inherent)
		if err != nil {
			return reject(phaseInherents, err)
		}
		refusal, _, err := decodeApplied(out)
		if err == nil && refusal != nil {
			err = refusal
		}
		if err != nil {
			return &Rejection{Phase: phaseInherents, Err: fmt.Errorf("inherent %d: %w", i, err)}
		}
		e.body = append(e.body, xt)
	}
	return nil
}

// makeInherents asks the runtime for the inherents, on a layer of state that is dropped again.
func (e *execution) makeInherents() ([][]byte, error) {
	e.machine.Begin()
	out, err := e.call("BlockBuilder_inherent_extrinsics", e.in.Inherents, e.in.Budgets.Inherent)
	if undo := e.machine.Rollback(); undo != nil {
		return nil, fmt.Errorf("dropping the layer of inherents: %w", undo)
	}
	if err != nil {
		return nil, reject(phaseInherents, err)
	}
	list, err := decodeExtrinsics(out)
	if err != nil {
		return nil, &Rejection{Phase: phaseInherents, Err: err}
	}
	return list, nil
}

// decodeExtrinsics reads a SCALE list of extrinsics, each with its own length prefix, which it keeps.
func decodeExtrinsics(b []byte) ([][]byte, error) {
	d := scale.NewDecoder(b)
	var list [][]byte
	for range d.Length(1) {
		list = append(list, scale.AppendBytes(nil, d.Bytes()))
	}
	if err := d.Finish(); err != nil {
		return nil, fmt.Errorf("decoding inherents: %w", err)
	}
	return list, nil
}

// decodeApplied reads the answer of BlockBuilder_apply_extrinsic: a refusal, or whether the call succeeded.
func decodeApplied(b []byte) (refusal *validity.Error, succeeded bool, err error) {
	d := scale.NewDecoder(b)
	if refused := d.Bool(); refused {
		refusal = validity.ReadError(d)
		if err := d.Finish(); err != nil {
			return nil, false, fmt.Errorf("decoding refusal: %w", err)
		}
		return refusal, false, nil
	}
	succeeded = !d.Bool()
	if d.Err() == nil && succeeded {
		return nil, true, d.Finish() // after a dispatch error follow its details, which are the runtime's own
	}
	return nil, succeeded, d.Err()
}

// apply executes one transaction. What it wrote stays only if it belongs in the body.
func (e *execution) apply(xt []byte) (Outcome, error) {
	if out, err := e.screen(xt); err != nil || out.Code != Applied {
		return out, err
	}
	e.machine.Begin()
	output, err := e.call("BlockBuilder_apply_extrinsic", xt, e.in.Budgets.Extrinsic)
	outcome, err := judge(output, err)
	if err != nil {
		return Outcome{}, err
	}
	if !outcome.Code.InBody() {
		if err := e.machine.Rollback(); err != nil {
			return Outcome{}, fmt.Errorf("undoing a transaction: %w", err)
		}
		return outcome, nil
	}
	if err := e.machine.Commit(); err != nil {
		return Outcome{}, fmt.Errorf("keeping a transaction: %w", err)
	}
	outcome.Index = len(e.body)
	e.body = append(e.body, xt)
	return outcome, nil
}

func judge(output []byte, err error) (Outcome, error) {
	if failed(err) {
		return Outcome{Code: Trapped, Index: -1, Cause: err}, nil
	}
	if err != nil {
		return Outcome{}, fmt.Errorf("applying a transaction: %w", err)
	}
	refusal, succeeded, err := decodeApplied(output)
	switch {
	case err != nil: // an answer that is none counts like a trap: no node can tell what happened
		return Outcome{Code: Trapped, Index: -1, Cause: err}, nil
	case refusal != nil && refusal.Exhausts():
		return Outcome{Code: Exhausts, Index: -1, Cause: refusal}, nil
	case refusal != nil:
		return Outcome{Code: Inapplicable, Index: -1, Cause: refusal}, nil
	case !succeeded:
		return Outcome{Code: Failed}, nil
	}
	return Outcome{Code: Applied}, nil
}

// screen refuses what must not reach the runtime's dispatcher. Applied means: go on.
func (e *execution) screen(xt []byte) (Outcome, error) {
	if e.closed {
		return Outcome{Code: NotAllowed, Index: -1}, nil
	}
	if e.purse.empty() {
		return Outcome{Code: OutOfGas, Index: -1}, nil
	}
	if err := validity.CheckFormat(xt); err != nil {
		return Outcome{Code: Malformed, Index: -1, Cause: err}, nil
	}
	if validity.IsBare(xt) {
		return e.screenBare(xt)
	}
	return Outcome{Code: Applied}, nil
}

// screenBare asks the runtime whether it takes a bare extrinsic from outside. Dispatching alone does not tell: it lets any
// inherent through, so anybody could set the time a second way.
func (e *execution) screenBare(xt []byte) (Outcome, error) {
	request := validity.EncodeRequest(validity.InBlock, xt, e.in.Parent)
	out, used, err := e.machine.CallParent("TaggedTransactionQueue_validate_transaction", request, e.purse.limit(e.in.Budgets.Extrinsic))
	e.purse.pay(used)
	if err == nil {
		_, err = validity.DecodeAnswer(out)
	} else if !failed(err) {
		return Outcome{}, fmt.Errorf("judging a bare extrinsic: %w", err)
	}
	if err != nil {
		return Outcome{Code: Unsolicited, Index: -1, Cause: err}, nil
	}
	return Outcome{Code: Applied}, nil
}

// finish closes the block and checks the header against what was executed.
func (e *execution) finish() (Result, error) {
	out, err := e.call("BlockBuilder_finalize_block", nil, e.in.Budgets.Finalize)
	if err != nil {
		return Result{}, reject(phaseFinalize, err)
	}
	header, err := primitives.DecodeHeader(out)
	if err != nil {
		return Result{}, &Rejection{Phase: phaseFinalize, Err: err}
	}
	root, err := e.machine.Root()
	if err != nil {
		return Result{}, fmt.Errorf("computing the state root: %w", err)
	}
	if err := e.checkHeader(&header, root); err != nil {
		return Result{}, &Rejection{Phase: phaseFinalize, Err: err}
	}
	return Result{Header: header, Encoded: out, Hash: primitives.Blake2_256(out), Body: e.body, Gas: e.purse.spent}, nil
}

// errHeader says that a runtime's header does not describe the block that was executed.
var errHeader = errors.New("header does not match the block")

func (e *execution) checkHeader(h *primitives.Header, root primitives.Hash) error {
	extrinsics := ExtrinsicsRoot(e.body, e.in.Runtime.SystemVersion)
	for _, c := range []struct {
		what      string
		got, want any
	}{
		{"number", h.Number, e.in.Height},
		{"parent hash", h.ParentHash, e.in.Parent},
		{"state root", h.StateRoot, root},
		{"extrinsics root", h.ExtrinsicsRoot, extrinsics},
	} {
		if c.got != c.want {
			return fmt.Errorf("%w: its %s is %v, want %v", errHeader, c.what, c.got, c.want)
		}
	}
	return nil
}

// ExtrinsicsRoot is the root of a block's body as clients recompute it. Runtimes with system_version 2 and up hash large
// extrinsics on their own, older ones do not.
func ExtrinsicsRoot(body [][]byte, systemVersion uint8) primitives.Hash {
	layout := trie.V0
	if systemVersion >= 2 {
		layout = trie.V1
	}
	return trie.OrderedRoot(body, layout, blake2b.Sum256)
}
