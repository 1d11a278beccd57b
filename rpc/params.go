package rpc

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/sepia-chain/sepia/internal/primitives"
)

// paramType is how one kind of parameter is written in documents and read from JSON. parse never sees null: that is the
// same as leaving the parameter out.
type paramType struct {
	name   string
	schema string // JSON schema
	parse  func(json.RawMessage) (any, error)
}

// param is one parameter of a method. Optional ones may be left out or null, also when later ones are given.
type param struct {
	name     string
	typ      *paramType
	optional bool
}

// args are the decoded parameters of a call by position; nil where one was left out.
type args []any

// arg is parameter i, whose declared type must parse to T, and whether it was given.
func arg[T any](a args, i int) (T, bool) {
	v, ok := a[i].(T)
	return v, ok
}

// The types of parameters. Each is a function, so that none can be changed at run time.

func hashType() *paramType {
	return &paramType{"Hash", `{"type":"string","pattern":"^0x[0-9a-fA-F]{64}$"}`, func(raw json.RawMessage) (any, error) {
		text, err := parseText(raw)
		if err != nil {
			return nil, errHash
		}
		hash, err := primitives.ParseHash(text)
		if err != nil {
			return nil, errHash
		}
		return hash, nil
	}}
}

func bytesType() *paramType {
	return &paramType{"Bytes", `{"type":"string","pattern":"^(0x)?([0-9a-fA-F]{2})*$"}`, func(raw json.RawMessage) (any, error) {
		return parseBytes(raw)
	}}
}

func keysType() *paramType {
	return &paramType{"Keys", `{"type":"array","items":{"type":"string","pattern":"^(0x)?([0-9a-fA-F]{2})*$"}}`, func(raw json.RawMessage) (any, error) {
		if n := countElements(raw); raw[0] == '[' && n > maxListedKeys {
			return nil, fmt.Errorf("%d keys, the limit is %d", n, maxListedKeys)
		}
		var parts []json.RawMessage
		if raw[0] != '[' || json.Unmarshal(raw, &parts) != nil {
			return nil, fmt.Errorf("want an array of hex strings")
		}
		keys := make([][]byte, len(parts))
		for i, part := range parts {
			key, err := parseBytes(part)
			if err != nil {
				return nil, fmt.Errorf("element %d: %w", i, err)
			}
			keys[i] = key
		}
		return keys, nil
	}}
}

func textType() *paramType {
	return &paramType{"Text", `{"type":"string"}`, func(raw json.RawMessage) (any, error) { return parseText(raw) }}
}

func numberType() *paramType {
	return &paramType{"Number", `{"type":["integer","string"]}`, func(raw json.RawMessage) (any, error) { return parseNumber(raw) }}
}

func addressType() *paramType {
	return &paramType{"Address", `{"type":"string"}`, func(raw json.RawMessage) (any, error) {
		text, err := parseText(raw)
		if err != nil {
			return nil, err
		}
		account, err := primitives.ParseAddress(text)
		if err != nil {
			return nil, fmt.Errorf("%w", err)
		}
		return account, nil
	}}
}

// numbersOrHexType is the odd parameter of chain_getBlockHash: a block number, or a list of them. It parses to uint64 or
// []uint64.
func numbersOrHexType() *paramType {
	return &paramType{"Numbers", `{"oneOf":[{"type":["integer","string"]},{"type":"array","items":{"type":["integer","string"]}}]}`, func(raw json.RawMessage) (any, error) {
		if raw[0] != '[' {
			return parseNumber(raw)
		}
		if n := countElements(raw); n > maxBlockNumbers {
			return nil, fmt.Errorf("%d block numbers, the limit is %d", n, maxBlockNumbers)
		}
		var parts []json.RawMessage
		if err := json.Unmarshal(raw, &parts); err != nil {
			return nil, errNumber
		}
		numbers := make([]uint64, len(parts))
		for i, part := range parts {
			n, err := parseNumber(part)
			if err != nil {
				return nil, fmt.Errorf("element %d: %w", i, err)
			}
			numbers[i] = n
		}
		return numbers, nil
	}}
}

// subscriptionType reads ids as they are given out, strings, and also as numbers, which some clients make of them.
func subscriptionType() *paramType {
	return &paramType{"SubscriptionID", `{"type":["string","integer"]}`, func(raw json.RawMessage) (any, error) {
		if text, err := parseText(raw); err == nil {
			return text, nil
		}
		if n, err := parseNumber(raw); err == nil {
			return strconv.FormatUint(n, 10), nil
		}
		return nil, fmt.Errorf("want a subscription id")
	}}
}

// paramError is a constant reason for refusing a parameter.
type paramError string

func (e paramError) Error() string { return string(e) }

const (
	errHash   = paramError("want 0x and 64 hex digits")
	errBytes  = paramError("want 0x and an even number of hex digits")
	errText   = paramError("want a string")
	errNumber = paramError("want a whole number below 2^64, or a string of 0x and hex digits")
)

func parseText(raw json.RawMessage) (string, error) {
	var text string
	if raw[0] != '"' || json.Unmarshal(raw, &text) != nil {
		return "", errText
	}
	return text, nil
}

// parseBytes reads hex with or without 0x, as Substrate does: polkadot-api sends "" for no bytes.
func parseBytes(raw json.RawMessage) ([]byte, error) {
	text, err := parseText(raw)
	if err != nil {
		return nil, errBytes
	}
	b, err := hex.DecodeString(strings.TrimPrefix(text, "0x"))
	if err != nil {
		return nil, errBytes
	}
	return b, nil
}

// parseNumber reads a JSON integer, or hex as a string.
func parseNumber(raw json.RawMessage) (uint64, error) {
	digits, base := string(raw), 10
	if raw[0] == '"' {
		text, err := parseText(raw)
		after, ok := strings.CutPrefix(text, "0x")
		if err != nil || !ok {
			return 0, errNumber
		}
		digits, base = after, 16
	}
	n, err := strconv.ParseUint(digits, base, 64)
	if err != nil {
		return 0, errNumber
	}
	return n, nil
}

// decodeArgs turns a call's parameters into the types that its method declares.
func decodeArgs(r *request, declared []param) (args, *Error) {
	given := r.list
	if r.named != nil {
		var err *Error
		if given, err = byPosition(r.named, declared); err != nil {
			return nil, err
		}
	}
	for len(given) > len(declared) && isNull(given[len(given)-1]) {
		given = given[:len(given)-1]
	}
	if len(given) > len(declared) {
		return nil, invalidParams("%d parameters given, %s takes %d", len(given), r.method, len(declared))
	}
	out := make(args, len(declared))
	for i, p := range declared {
		if i >= len(given) || isNull(given[i]) {
			if !p.optional {
				return nil, invalidParams("parameter %d (%s) is missing", i+1, p.name)
			}
			continue
		}
		v, err := p.typ.parse(given[i])
		if err != nil {
			return nil, invalidParams("parameter %d (%s): %s", i+1, p.name, err)
		}
		out[i] = v
	}
	return out, nil
}

func byPosition(named map[string]json.RawMessage, declared []param) ([]json.RawMessage, *Error) {
	out := make([]json.RawMessage, len(declared))
	for i, p := range declared {
		out[i] = nullID
		if raw, ok := named[p.name]; ok {
			out[i] = raw
		}
	}
	for name := range named {
		if !slices.ContainsFunc(declared, func(p param) bool { return p.name == name }) {
			return nil, invalidParams("there is no parameter %q", clip(name))
		}
	}
	return out, nil
}

// clip keeps a client's own text short where it is repeated in an answer or a log.
func clip(text string) string {
	const limit = 64
	if len(text) <= limit {
		return text
	}
	return string(bytes.ToValidUTF8([]byte(text[:limit]), nil)) + "..."
}
