package driver

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/sepia-chain/sepia/internal/scale"
)

// The first block under new code takes no transactions: they were signed for the code before. It runs in one storage
// transaction with gas of its own, so a failure leaves the pending state as it was and the caller may execute the same
// block under the old code. Building it is judging it without transactions, so both go through here.

// judgeFirst is applyFirst for a proposal, which must not carry transactions.
func judgeFirst(m Machine, in Input, txs [][]byte) (Result, error) {
	if len(txs) > 0 {
		return Result{}, &Rejection{Phase: phaseExtrinsics, Err: leftOut(0, Outcome{Code: NotAllowed})}
	}
	return applyFirst(m, in, nil)
}

func applyFirst(m Machine, in Input, txs [][]byte) (Result, error) {
	m.Begin()
	result, err := executeFirst(m, in, txs)
	var rejected *Rejection
	switch {
	case errors.As(err, &rejected):
		if undo := m.Rollback(); undo != nil {
			return Result{}, fmt.Errorf("undoing a first block: %w", undo)
		}
		return Result{}, &FirstBlockFailure{Phase: rejected.Phase, Err: rejected.Err}
	case err != nil:
		return Result{}, err
	}
	if err := m.Commit(); err != nil {
		return Result{}, fmt.Errorf("keeping a first block: %w", err)
	}
	return result, nil
}

func executeFirst(m Machine, in Input, txs [][]byte) (Result, error) {
	e, err := begin(m, in)
	if err != nil {
		return Result{}, err
	}
	result, err := e.applyAll(txs)
	if err != nil {
		return Result{}, err
	}
	if err := e.checkCode(); err != nil {
		return Result{}, err
	}
	result.Gas = e.purse.spent
	return result, nil
}

// checkCode asks the new code what clients will ask it first, on a layer of state that is dropped again.
func (e *execution) checkCode() error {
	e.machine.Begin()
	err := e.checkAnswers()
	if undo := e.machine.Rollback(); undo != nil {
		return fmt.Errorf("dropping the layer of checks: %w", undo)
	}
	return err
}

func (e *execution) checkAnswers() error {
	if err := e.expect("Core_version", nil, e.in.Runtime.CheckVersion); err != nil {
		return err
	}
	if e.in.Runtime.MetadataAPI >= 2 {
		for _, version := range []uint32{14, 15} {
			check := func(out []byte) error { return checkMetadataAt(out, uint8(version)) }
			if err := e.expect("Metadata_metadata_at_version", scale.AppendU32(nil, version), check); err != nil {
				return err
			}
		}
	}
	if e.in.Runtime.ChecksUpgrade {
		return e.expect("UpgradeApi_check", nil, checkUpgrade)
	}
	return nil
}

func (e *execution) expect(method string, input []byte, check func([]byte) error) error {
	out, err := e.call(method, input, 0)
	if err != nil {
		return reject(phaseCheck, err)
	}
	if err := check(out); err != nil {
		return &Rejection{Phase: phaseCheck, Err: fmt.Errorf("%s: %w", method, err)}
	}
	return nil
}

// metadataMagic is "meta", with which every metadata begins; its version follows.
var metadataMagic = []byte("meta")

// checkMetadataAt reads Option<OpaqueMetadata>.
func checkMetadataAt(out []byte, version uint8) error {
	d := scale.NewDecoder(out)
	if !d.Bool() {
		return errors.Join(fmt.Errorf("there is no metadata of version %d", version), d.Err())
	}
	metadata := d.Bytes()
	if err := d.Finish(); err != nil {
		return fmt.Errorf("decoding metadata: %w", err)
	}
	if !bytes.HasPrefix(metadata, append(metadataMagic[:4:4], version)) {
		return fmt.Errorf("metadata of version %d does not begin as such", version)
	}
	return nil
}

// checkUpgrade reads a SCALE Result whose error is a text.
func checkUpgrade(out []byte) error {
	d := scale.NewDecoder(out)
	if d.Bool() {
		return fmt.Errorf("the new code objects: %q", d.Rest())
	}
	return d.Finish()
}
