package attacks

import (
	"bytes"
	"regexp"
	"strings"
	"testing"

	"github.com/sepia-chain/sepia/internal/extrinsic"
	"github.com/sepia-chain/sepia/internal/primitives"
	"github.com/sepia-chain/sepia/internal/scale"
	"github.com/sepia-chain/sepia/test/attacks/chaintest"
)

// badExtrinsic is bytes that author_submitExtrinsic must refuse, and its code, message and data.
type badExtrinsic struct {
	name  string
	bytes []byte
	text  string
}

const (
	length    = "1001: Extrinsic has invalid format: its length prefix does not match: "
	invalid   = "1010: Invalid Transaction: "
	badProof  = invalid + "Transaction has a bad signature"
	cannotPay = invalid + "Inability to pay some fees (e.g. account balance too low)"
	mandatory = invalid + "Transaction dispatch is mandatory; transactions must not be validated."
	notCodec  = "1002: Verification Error: calling TaggedTransactionQueue_validate_transaction: unreachable: panicked at PLACE:\n" +
		"Bad input data provided to validate_transaction: Codec error. Nothing bad happened: someone sent an invalid transaction to the node."
)

// place is where in the runtime's source a panic was; it moves with the source.
var place = regexp.MustCompile(`panicked at \S+:\d+:\d+:`)

// lengths are bytes that are not one extrinsic with its length in front.
func lengths(good []byte) []badExtrinsic {
	content := unframed(good)
	return []badExtrinsic{
		{"no bytes", nil, length + "input ends inside a value: want a compact integer"},
		{"a length of nothing", []byte{0}, "1001: Extrinsic has invalid format: it is empty"},
		{"only a length", good[:2], length + "input ends inside a value: list of 106 items announced, 0 bytes left"},
		{"one byte short", good[:len(good)-1], length + "input ends inside a value: list of 106 items announced, 105 bytes left"},
		{"one byte too many", append(bytes.Clone(good), 0), length + "trailing bytes after the value: 1 left"},
		{"two in one", append(bytes.Clone(good), good...), length + "trailing bytes after the value: 108 left"},
		{"no length in front", content, length + "trailing bytes after the value: 72 left"},
		{"a length in its long form", []byte{2, 0, 0, 0, 1}, length + "compact integer is not in its shortest form"},
		{"a gigabyte announced", []byte{3, 0, 0, 0, 0x40}, length + "input ends inside a value: list of 1073741824 items announced, 0 bytes left"},
		{"4 MiB", scale.AppendBytes(nil, make([]byte, 4<<20)), "1001: Extrinsic has invalid format: 4194308 bytes, the limit is 2621440"},
	}
}

func unframed(xt []byte) []byte { return bytes.Clone(scale.NewDecoder(xt).Bytes()) }

// contents are one extrinsic with a byte changed. Version, kind of address, account, kind of signature, signature, era and
// nonce are at fixed places.
func contents(good []byte) []badExtrinsic {
	const version, address, account, scheme, signature, era = 0, 1, 2, 34, 35, 99
	with := func(at int, value ...byte) []byte {
		b := unframed(good)
		copy(b[at:], value)
		return scale.AppendBytes(nil, b)
	}
	return []badExtrinsic{
		{"words", []byte("hello, this is no extrinsic"), notCodec},
		{"version 3", with(version, 0x83), notCodec},
		{"version 6", with(version, 0x86), notCodec},
		{"version 5, which is never signed", with(version, 0x85), notCodec},
		{"version 5 in its general form", with(version, 0x45), notCodec},
		{"an address by index", with(address, 1), notCodec},
		{"an address of no kind", with(address, 9), notCodec},
		{"a signature of no scheme", with(scheme, 9), notCodec},
		{"a signature of another scheme", with(scheme, 0), badProof},
		{"a changed signature", with(signature+5, ^good[signature+7]), badProof},
		{"another signer", with(account, 1, 2, 3), badProof},
		{"no signer", with(account, make([]byte, 32)...), badProof},
		{"an era that is none", with(era, 0xff), notCodec},
	}
}

func (n *target) calls() []badExtrinsic {
	sign := func(call ...byte) []byte { return n.sign("//Alice", call, nil) }
	remark := chaintest.Remark("x")
	return []badExtrinsic{
		{"no call", sign(), notCodec},
		{"a pallet that is none", sign(200, 0), notCodec},
		{"a call that is none", sign(0, 200), notCodec},
		{"a call cut short", sign(0, 0, 40, 1), notCodec},
		{"a call with one byte too many", sign(append(remark, 1)...), notCodec},
		{"a length in its long form inside", sign(0, 0, 1, 0), notCodec},
		{"a bare call", extrinsic.Bare(chaintest.Remark("x")), invalid + "Transaction call is not expected"},
		{"a bare call of version 5", scale.AppendBytes(nil, append([]byte{5}, chaintest.Remark("x")...)), invalid + "Transaction call is not expected"},
		{"a bare inherent", extrinsic.Bare([]byte{1, 0, 0}), mandatory},
		{"a signed inherent", sign(1, 0, 0), mandatory},
		{"more gas than a block has", n.sign("//Alice", chaintest.Call(primitives.AccountID{}, 0, 1<<61, nil), nil), invalid + "Transaction would exhaust the block limits"},
	}
}

func (n *target) signatures() []badExtrinsic {
	sign := func(uri string, change func(*extrinsic.Params)) []byte {
		return n.sign(uri, chaintest.Remark("x"), change)
	}
	return []badExtrinsic{
		{"signed for another genesis", sign("//Alice", func(p *extrinsic.Params) { p.Genesis[0] ^= 1 }), badProof},
		{"signed for another runtime", sign("//Alice", func(p *extrinsic.Params) { p.SpecVersion++ }), badProof},
		{"signed for another format", sign("//Alice", func(p *extrinsic.Params) { p.TxVersion++ }), badProof},
		{"signed at another block", sign("//Alice", func(p *extrinsic.Params) { p.Era = extrinsic.Era{Period: 64}; p.Checkpoint[0] ^= 1 }), badProof},
		{"signed at a block that is to come", sign("//Alice", func(p *extrinsic.Params) { p.Era = extrinsic.Era{Period: 1 << 16, Birth: 60_000} }), invalid + "Transaction has an ancient birth block"},
		{"a nonce that was used", sign("//Ferdie", func(p *extrinsic.Params) { p.Nonce = 0 }), invalid + "Transaction is outdated"},
		{"an account without balance", sign("//Nobody", nil), cannotPay},
		{"a tip beyond the balance", sign("//Alice", func(p *extrinsic.Params) { p.Tip = 1 << 61 }), cannotPay},
	}
}

// Bytes that are no valid extrinsic are refused, each with the code and the words that wallets know.
func TestBadExtrinsics_AreRefusedWithCodeAndText(t *testing.T) {
	n := startNode(t)
	n.alive() // and Ferdie has used a nonce
	good := n.sign("//Alice", chaintest.Remark("x"), nil)
	var all []badExtrinsic
	for _, list := range [][]badExtrinsic{lengths(good), contents(good), n.calls(), n.signatures()} {
		all = append(all, list...)
	}
	for _, c := range all {
		err := n.submit(c.bytes)
		if err == nil {
			t.Errorf("%s: accepted", c.name)
			continue
		}
		if got := strings.TrimSuffix(place.ReplaceAllString(err.Error(), "panicked at PLACE:"), ": "); got != c.text {
			t.Errorf("%s: %q, want %q", c.name, got, c.text)
		}
	}
	if err := n.submit(good); err != nil {
		t.Errorf("the good one after all that: %v", err)
	}
	n.alive()
}
