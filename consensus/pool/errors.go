package pool

import (
	"errors"
	"fmt"

	"github.com/sepia-chain/sepia/consensus/validity"
	"github.com/sepia-chain/sepia/internal/primitives"
)

// Error is a refusal in the words and numbers of Substrate's author_* methods, which wallets match on.
type Error struct {
	Code    int
	Message string
	Data    string // empty: none
}

// The codes, as in Substrate's rpc-api/src/author/error.rs.
const (
	CodeBadFormat        = 1001
	CodeVerification     = 1002
	CodeInvalid          = 1010
	CodeUnknown          = 1011
	CodeBanned           = 1012
	CodeAlreadyImported  = 1013
	CodePriorityTooLow   = 1014
	CodeCycle            = 1015
	CodeImmediateDropped = 1016
	CodeNoTags           = 1019
)

func (e *Error) Error() string {
	if e.Data == "" {
		return fmt.Sprintf("%s (code %d)", e.Message, e.Code)
	}
	return fmt.Sprintf("%s (code %d): %s", e.Message, e.Code, e.Data)
}

// Trap is what a Validate function returns when the runtime failed while it judged a transaction.
type Trap struct{ Text string }

func (t *Trap) Error() string { return t.Text }

func errBadFormat(err error) *Error {
	return &Error{Code: CodeBadFormat, Message: "Extrinsic has invalid format: " + err.Error()}
}

func errBanned() *Error {
	return &Error{Code: CodeBanned, Message: "Transaction is temporarily banned"}
}

func errAlreadyImported(hash primitives.Hash) *Error {
	return &Error{Code: CodeAlreadyImported, Message: "Transaction Already Imported", Data: hash.String()}
}

func errPriorityTooLow(old, fresh uint64) *Error {
	return &Error{
		Code:    CodePriorityTooLow,
		Message: fmt.Sprintf("Priority is too low: (%d vs %d)", old, fresh),
		Data:    "The transaction has too low priority to replace another transaction already in the pool.",
	}
}

func errCycle() *Error {
	return &Error{Code: CodeCycle, Message: "Cycle Detected"}
}

func errImmediatelyDropped() *Error {
	return &Error{
		Code:    CodeImmediateDropped,
		Message: "Immediately Dropped",
		Data:    "The transaction couldn't enter the pool because of the limit",
	}
}

func errNoTags() *Error {
	return &Error{
		Code:    CodeNoTags,
		Message: "No tags provided",
		Data:    "Transaction does not provide any tags, so the pool can't identify it",
	}
}

// refusal turns what a Validate function returned into the error for the client. A fault of the node stays what it is.
func refusal(err error) error {
	var invalid *validity.Error
	var trap *Trap
	switch {
	case errors.As(err, &invalid) && invalid.Kind == validity.Unknown:
		return &Error{Code: CodeUnknown, Message: "Unknown Transaction Validity", Data: invalid.Error()}
	case errors.As(err, &invalid):
		return &Error{Code: CodeInvalid, Message: "Invalid Transaction", Data: invalid.Error()}
	case errors.As(err, &trap):
		return &Error{Code: CodeVerification, Message: "Verification Error: " + trap.Text}
	}
	return fmt.Errorf("validating transaction: %w", err)
}

// judged says whether the runtime gave a verdict, as opposed to the node failing to ask.
func judged(err error) bool {
	var invalid *validity.Error
	var trap *Trap
	return errors.As(err, &invalid) || errors.As(err, &trap)
}
