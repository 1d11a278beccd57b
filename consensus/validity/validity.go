package validity

import (
	"fmt"

	"github.com/sepia-chain/sepia/internal/scale"
)

// Source says where a transaction came from, as the runtime's validation sees it.
type Source uint8

// The sources a runtime knows.
const (
	InBlock  Source = 0 // already in a block: only what is certain counts
	Local    Source = 1 // from this node's own clients
	External Source = 2 // from a peer
)

// Transaction is what a valid transaction promises: when it may go into a block and what it makes possible.
type Transaction struct {
	Priority  uint64   // higher goes first
	Requires  [][]byte // tags that must have been provided before
	Provides  [][]byte // tags that it provides once applied
	Longevity uint64   // for how many blocks the answer holds
	Propagate bool     // whether peers may be told
}

// Kind is the outer variant of a transaction error.
type Kind uint8

// The kinds of error.
const (
	Invalid Kind = 0 // cannot be applied to this state
	Unknown Kind = 1 // the runtime cannot tell
)

// Variants of an Invalid error that callers decide on.
const (
	InvalidCall               uint8 = 0
	InvalidPayment            uint8 = 1
	InvalidFuture             uint8 = 2
	InvalidStale              uint8 = 3
	InvalidBadProof           uint8 = 4
	InvalidAncientBirthBlock  uint8 = 5
	InvalidExhaustsResources  uint8 = 6
	InvalidCustom             uint8 = 7
	InvalidBadMandatory       uint8 = 8
	InvalidMandatory          uint8 = 9
	InvalidBadSigner          uint8 = 10
	InvalidIndeterminate      uint8 = 11
	InvalidUnknownOrigin      uint8 = 12
	unknownCannotLookup       uint8 = 0
	unknownNoUnsignedVerifier uint8 = 1
	unknownCustom             uint8 = 2
)

// Error is a TransactionValidityError.
type Error struct {
	Kind    Kind
	Variant uint8
	Custom  uint8 // the runtime's own number, for the custom variants
}

var invalidTexts = map[uint8]string{
	InvalidCall:              "Transaction call is not expected",
	InvalidPayment:           "Inability to pay some fees (e.g. account balance too low)",
	InvalidFuture:            "Transaction will be valid in the future",
	InvalidStale:             "Transaction is outdated",
	InvalidBadProof:          "Transaction has a bad signature",
	InvalidAncientBirthBlock: "Transaction has an ancient birth block",
	InvalidExhaustsResources: "Transaction would exhaust the block limits",
	InvalidBadMandatory:      "A call was labelled as mandatory, but resulted in an Error.",
	InvalidMandatory:         "Transaction dispatch is mandatory; transactions must not be validated.",
	InvalidBadSigner:         "Invalid signing address",
	InvalidIndeterminate:     "The implicit data was unable to be calculated",
	InvalidUnknownOrigin:     "The transaction extension did not authorize any origin",
}

var unknownTexts = map[uint8]string{
	unknownCannotLookup:       "Could not lookup information required to validate the transaction",
	unknownNoUnsignedVerifier: "Could not find an unsigned validator for the unsigned transaction",
}

// Error is the text that Substrate nodes give for it: wallets show it and scripts match on it.
func (e *Error) Error() string {
	texts, custom := invalidTexts, InvalidCustom
	if e.Kind == Unknown {
		texts, custom = unknownTexts, unknownCustom
	}
	if e.Variant == custom {
		return fmt.Sprintf("Custom error: %d", e.Custom)
	}
	if text, ok := texts[e.Variant]; ok {
		return text
	}
	return fmt.Sprintf("Unnamed error %d.%d", e.Kind, e.Variant)
}

// Exhausts says that the transaction is sound but has no room in this block.
func (e *Error) Exhausts() bool { return e.Kind == Invalid && e.Variant == InvalidExhaustsResources }

// ReadError reads a TransactionValidityError.
func ReadError(d *scale.Decoder) *Error {
	e := &Error{Kind: Kind(d.U8()), Variant: d.U8()}
	switch {
	case e.Kind > Unknown:
		d.Fail(fmt.Errorf("transaction error has unknown kind %d", e.Kind))
	case e.Kind == Invalid && e.Variant > InvalidUnknownOrigin, e.Kind == Unknown && e.Variant > unknownCustom:
		d.Fail(fmt.Errorf("transaction error has unknown variant %d.%d", e.Kind, e.Variant))
	case e.Kind == Invalid && e.Variant == InvalidCustom, e.Kind == Unknown && e.Variant == unknownCustom:
		e.Custom = d.U8()
	}
	return e
}

// EncodeRequest is the input of TaggedTransactionQueue_validate_transaction. The extrinsic comes with its length prefix.
func EncodeRequest(source Source, extrinsic []byte, at [32]byte) []byte {
	input := make([]byte, 0, 1+len(extrinsic)+len(at))
	input = append(input, byte(source))
	input = append(input, extrinsic...)
	return append(input, at[:]...)
}

// DecodeAnswer reads the answer of TaggedTransactionQueue_validate_transaction. A refusal is an *Error; any other error
// says that the answer itself is malformed.
func DecodeAnswer(b []byte) (Transaction, error) {
	d := scale.NewDecoder(b)
	if refused := d.Bool(); refused {
		e := ReadError(d)
		if err := d.Finish(); err != nil {
			return Transaction{}, fmt.Errorf("decoding transaction error: %w", err)
		}
		return Transaction{}, e
	}
	t := Transaction{Priority: d.U64(), Requires: readTags(d), Provides: readTags(d), Longevity: d.U64(), Propagate: d.Bool()}
	if err := d.Finish(); err != nil {
		return Transaction{}, fmt.Errorf("decoding transaction validity: %w", err)
	}
	return t, nil
}

func readTags(d *scale.Decoder) [][]byte {
	var tags [][]byte
	for range d.Length(1) {
		tags = append(tags, append([]byte(nil), d.Bytes()...))
	}
	return tags
}
