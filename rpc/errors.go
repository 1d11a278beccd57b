package rpc

import (
	"fmt"

	"github.com/sepia-chain/sepia/internal/primitives"
	"github.com/sepia-chain/sepia/internal/scale"
)

// Error codes that clients know. Those below zero are JSON-RPC's or jsonrpsee's, the others Substrate's.
const (
	CodeParse             = -32700
	CodeInvalidRequest    = -32600
	CodeMethodNotFound    = -32601
	CodeInvalidParams     = -32602
	CodeInternal          = -32603
	CodeTooManySubs       = -32006
	CodeOversizedRequest  = -32007
	CodeOversizedResponse = -32008
	CodeServerBusy        = -32009
	CodeBatchTooLarge     = -32010

	CodeInvalidFormat        = 1001
	CodeVerification         = 1002
	CodeInvalidTransaction   = 1010
	CodeUnknownValidity      = 1011
	CodeTemporarilyBanned    = 1012
	CodeAlreadyImported      = 1013
	CodeTooLowPriority       = 1014
	CodeImmediatelyDropped   = 1016
	CodeNoTagsProvided       = 1019
	CodeFutureNotAccepted    = 1021
	CodePoolOther            = 1040
	CodeStateCountTooHigh    = 4002
	CodeStateClient          = 4003
	CodePaymentRuntimeFailed = 1
	CodePaymentUndecodable   = 2
)

// Error is what a client is told. Pools return it too; every other error becomes "Internal error" and is logged.
type Error struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
	Data    string `json:"data,omitempty"`
}

func (e *Error) Error() string {
	if e.Data == "" {
		return fmt.Sprintf("%d: %s", e.Code, e.Message)
	}
	return fmt.Sprintf("%d: %s: %s", e.Code, e.Message, e.Data)
}

func parseError(why string) *Error { return &Error{CodeParse, "Parse error", why} }

func invalidRequest(why string) *Error { return &Error{CodeInvalidRequest, "Invalid Request", why} }

func methodNotFound(why string) *Error { return &Error{CodeMethodNotFound, "Method not found", why} }

func invalidParams(format string, a ...any) *Error {
	return &Error{CodeInvalidParams, "Invalid params", fmt.Sprintf(format, a...)}
}

func internalError() *Error { return &Error{Code: CodeInternal, Message: "Internal error"} }

// unsafeMethod answers methods that change or reveal the node; the text is the one that tools look for.
func unsafeMethod() *Error {
	return &Error{Code: CodeMethodNotFound, Message: "RPC call is unsafe to be called externally"}
}

func responseTooBig(limitBytes int) *Error {
	return &Error{CodeOversizedResponse, "Response is too big", fmt.Sprintf("the limit is %d bytes; ask for less at a time", limitBytes)}
}

func unknownBlock(hash primitives.Hash) *Error {
	return &Error{Code: CodeStateClient, Message: fmt.Sprintf("Client error: UnknownBlock: no block %s, or its state is already discarded", hash)}
}

func executionFailed(text string) *Error {
	return &Error{Code: CodeStateClient, Message: "Client error: Execution failed: " + text}
}

// InvalidFormat refuses bytes that are not an extrinsic.
func InvalidFormat(why string) *Error {
	return &Error{Code: CodeInvalidFormat, Message: "Extrinsic has invalid format: " + why}
}

// VerificationFailed says that the runtime could not even judge the extrinsic.
func VerificationFailed(why string) *Error {
	return &Error{Code: CodeVerification, Message: "Verification Error: " + why}
}

// TemporarilyBanned refuses an extrinsic, or a sender, for some blocks.
func TemporarilyBanned(why string) *Error {
	return &Error{CodeTemporarilyBanned, "Transaction is temporarily banned", why}
}

// AlreadyImported says that the pool holds this very extrinsic.
func AlreadyImported(hash primitives.Hash) *Error {
	return &Error{CodeAlreadyImported, "Transaction Already Imported", hash.String()}
}

// TooLowPriority refuses to replace an extrinsic of the same sender and nonce by one that does not pay more.
func TooLowPriority(old, replacement uint64) *Error {
	return &Error{CodeTooLowPriority, fmt.Sprintf("Priority is too low: (%d vs %d)", old, replacement),
		"The transaction has too low priority to replace another transaction already in the pool."}
}

// ImmediatelyDropped says that the pool is full of better extrinsics.
func ImmediatelyDropped() *Error {
	return &Error{CodeImmediatelyDropped, "Immediately Dropped", "The transaction couldn't enter the pool because of the limit"}
}

// NoTagsProvided refuses an extrinsic that the runtime gives no tag, so the pool could not tell it from others.
func NoTagsProvided() *Error { return &Error{Code: CodeNoTagsProvided, Message: "No tags provided"} }

// FutureNotAccepted says that the pool takes no extrinsics that have to wait for others.
func FutureNotAccepted() *Error {
	return &Error{Code: CodeFutureNotAccepted, Message: "The pool is not accepting future transactions"}
}

// PoolOther is for refusals that Substrate has no code for.
func PoolOther(why string) *Error { return &Error{Code: CodePoolOther, Message: why} }

// Variants of TransactionValidityError and of its two parts that carry a byte.
const (
	validityInvalid = 0
	validityUnknown = 1
	invalidCustom   = 7
	unknownCustom   = 2
)

// invalidTexts are the texts of InvalidTransaction by variant. Clients match on them.
var invalidTexts = [...]string{
	0:  "Transaction call is not expected",
	1:  "Inability to pay some fees (e.g. account balance too low)",
	2:  "Transaction will be valid in the future",
	3:  "Transaction is outdated",
	4:  "Transaction has a bad signature",
	5:  "Transaction has an ancient birth block",
	6:  "Transaction would exhaust the block limits",
	8:  "A call was labelled as mandatory, but resulted in an Error.",
	9:  "Transaction dispatch is mandatory; transactions must not be validated.",
	10: "Invalid signing address",
	11: "The implicit data was unable to be calculated",
	12: "The transaction extension did not authorize any origin",
}

// unknownTexts are the texts of UnknownTransaction by variant.
var unknownTexts = [...]string{
	0: "Could not lookup information required to validate the transaction",
	1: "Could not find an unsigned validator for the unsigned transaction",
}

// Validity turns a SCALE TransactionValidityError, as TaggedTransactionQueue_validate_transaction returns it inside Err,
// into what the wallet is told.
func Validity(encoded []byte) *Error {
	d := scale.NewDecoder(encoded)
	kind, variant := d.U8(), d.U8()
	custom := kind == validityInvalid && variant == invalidCustom || kind == validityUnknown && variant == unknownCustom
	var n uint8
	if custom {
		n = d.U8()
	}
	if d.Err() != nil {
		return VerificationFailed(fmt.Sprintf("the runtime answered with an undecodable error %#x", encoded))
	}
	text := fmt.Sprintf("Custom error: %d", n)
	switch kind {
	case validityInvalid:
		return &Error{CodeInvalidTransaction, "Invalid Transaction", validityText(invalidTexts[:], variant, custom, text)}
	case validityUnknown:
		return &Error{CodeUnknownValidity, "Unknown Transaction Validity", validityText(unknownTexts[:], variant, custom, text)}
	}
	return VerificationFailed(fmt.Sprintf("the runtime answered with an undecodable error %#x", encoded))
}

func validityText(texts []string, variant uint8, custom bool, customText string) string {
	if custom {
		return customText
	}
	if int(variant) < len(texts) {
		return texts[variant]
	}
	return fmt.Sprintf("Reason %d, which this node does not know", variant)
}
