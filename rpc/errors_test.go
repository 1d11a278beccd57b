package rpc

import (
	"testing"

	"github.com/sepia-chain/sepia/internal/primitives"
)

func TestValidity_TextsClientsMatchOn(t *testing.T) {
	for _, c := range []struct {
		encoded []byte
		want    string
	}{
		{[]byte{0, 0}, "1010: Invalid Transaction: Transaction call is not expected"},
		{[]byte{0, 1}, "1010: Invalid Transaction: Inability to pay some fees (e.g. account balance too low)"},
		{[]byte{0, 2}, "1010: Invalid Transaction: Transaction will be valid in the future"},
		{[]byte{0, 3}, "1010: Invalid Transaction: Transaction is outdated"},
		{[]byte{0, 4}, "1010: Invalid Transaction: Transaction has a bad signature"},
		{[]byte{0, 5}, "1010: Invalid Transaction: Transaction has an ancient birth block"},
		{[]byte{0, 6}, "1010: Invalid Transaction: Transaction would exhaust the block limits"},
		{[]byte{0, 7, 42}, "1010: Invalid Transaction: Custom error: 42"},
		{[]byte{0, 8}, "1010: Invalid Transaction: A call was labelled as mandatory, but resulted in an Error."},
		{[]byte{0, 9}, "1010: Invalid Transaction: Transaction dispatch is mandatory; transactions must not be validated."},
		{[]byte{0, 10}, "1010: Invalid Transaction: Invalid signing address"},
		{[]byte{0, 99}, "1010: Invalid Transaction: Reason 99, which this node does not know"},
		{[]byte{1, 0}, "1011: Unknown Transaction Validity: Could not lookup information required to validate the transaction"},
		{[]byte{1, 1}, "1011: Unknown Transaction Validity: Could not find an unsigned validator for the unsigned transaction"},
		{[]byte{1, 2, 7}, "1011: Unknown Transaction Validity: Custom error: 7"},
		{[]byte{2, 0}, "1002: Verification Error: the runtime answered with an undecodable error 0x0200"},
		{[]byte{0, 7}, "1002: Verification Error: the runtime answered with an undecodable error 0x0007"},
		{nil, "1002: Verification Error: the runtime answered with an undecodable error "},
	} {
		if got := Validity(c.encoded).Error(); got != c.want {
			t.Errorf("Validity(%x) = %q, want %q", c.encoded, got, c.want)
		}
	}
}

func TestPoolErrors_CodesAndTexts(t *testing.T) {
	for _, c := range []struct {
		err  *Error
		want string
	}{
		{InvalidFormat("cut"), "1001: Extrinsic has invalid format: cut"},
		{VerificationFailed("trap"), "1002: Verification Error: trap"},
		{TemporarilyBanned("it trapped"), "1012: Transaction is temporarily banned: it trapped"},
		{AlreadyImported(primitives.Hash{31: 1}), "1013: Transaction Already Imported: 0x0000000000000000000000000000000000000000000000000000000000000001"},
		{TooLowPriority(5, 4), "1014: Priority is too low: (5 vs 4): The transaction has too low priority to replace another transaction already in the pool."},
		{ImmediatelyDropped(), "1016: Immediately Dropped: The transaction couldn't enter the pool because of the limit"},
		{NoTagsProvided(), "1019: No tags provided"},
		{FutureNotAccepted(), "1021: The pool is not accepting future transactions"},
		{PoolOther("closed"), "1040: closed"},
	} {
		if got := c.err.Error(); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}
