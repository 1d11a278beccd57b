package driver

import (
	"fmt"
)

// Candidates offers transactions to Build, best first.
type Candidates interface {
	// Next is the next transaction to try, if there is one and there is time for it.
	Next() (xt []byte, ok bool)
	// Tried says what became of the transaction that Next gave last. Left out are also those that did not fit: their code
	// is Exhausts.
	Tried(Outcome)
}

// Build executes candidates until they end, the gas or maxBytes is spent. It returns the block and the transactions in it
// for a proposal. Failed candidates count against the gas, so a proposer's work is bounded as the others' is.
func Build(m Machine, in Input, candidates Candidates, maxBytes int64) (Result, [][]byte, error) {
	if in.First {
		result, err := applyFirst(m, in, nil)
		return result, nil, err
	}
	e, err := begin(m, in)
	if err != nil {
		return Result{}, nil, err
	}
	var txs [][]byte
	var outcomes []Outcome
	for !e.closed && !e.purse.empty() {
		xt, ok := candidates.Next()
		if !ok {
			break
		}
		size := wireBytes(len(xt))
		if size > maxBytes {
			candidates.Tried(Outcome{Code: Exhausts, Index: -1})
			continue
		}
		outcome, err := e.apply(xt)
		if err != nil {
			return Result{}, nil, err
		}
		candidates.Tried(outcome)
		if outcome.Code.InBody() {
			txs, outcomes = append(txs, xt), append(outcomes, outcome)
			maxBytes -= size
		}
	}
	result, err := e.finish()
	if err != nil {
		return Result{}, nil, err
	}
	result.Outcomes = outcomes
	return result, txs, nil
}

// wireBytes is what a transaction of n bytes takes in a CometBFT block: a repeated bytes field in protocol buffers, so one
// byte of tag and the length as a varint in front.
func wireBytes(n int) int64 {
	size := int64(n) + 2
	for n >= 1<<7 {
		size, n = size+1, n>>7
	}
	return size
}

// Judge executes a proposal and refuses it, with a *Rejection, at the first transaction that does not apply.
func Judge(m Machine, in Input, txs [][]byte) (Result, error) {
	if in.First {
		return judgeFirst(m, in, txs)
	}
	e, err := begin(m, in)
	if err != nil {
		return Result{}, err
	}
	return e.judgeAll(txs)
}

func (e *execution) judgeAll(txs [][]byte) (Result, error) {
	var outcomes []Outcome
	for i, xt := range txs {
		outcome, err := e.apply(xt)
		if err != nil {
			return Result{}, err
		}
		if !outcome.Code.InBody() {
			return Result{}, &Rejection{Phase: phaseExtrinsics, Err: leftOut(i, outcome)}
		}
		outcomes = append(outcomes, outcome)
	}
	result, err := e.finish()
	result.Outcomes = outcomes
	return result, err
}

func leftOut(i int, o Outcome) error {
	if o.Cause == nil {
		return fmt.Errorf("transaction %d: %v", i, o.Code)
	}
	return fmt.Errorf("transaction %d: %v: %w", i, o.Code, o.Cause)
}

// Apply executes a decided block. What does not apply is left out. An error means that the block cannot be executed at
// all: a *Rejection or *FirstBlockFailure if every node fails alike.
func Apply(m Machine, in Input, txs [][]byte) (Result, error) {
	if in.First {
		return applyFirst(m, in, txs)
	}
	e, err := begin(m, in)
	if err != nil {
		return Result{}, err
	}
	return e.applyAll(txs)
}

func (e *execution) applyAll(txs [][]byte) (Result, error) {
	var outcomes []Outcome
	for _, xt := range txs {
		outcome, err := e.apply(xt)
		if err != nil {
			return Result{}, err
		}
		outcomes = append(outcomes, outcome)
	}
	result, err := e.finish()
	result.Outcomes = outcomes
	return result, err
}
