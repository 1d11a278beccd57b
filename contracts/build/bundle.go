package main

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"golang.org/x/crypto/blake2b"
)

// source is how a bundle names and carries its code. Hash is BLAKE2b-256 of the code, which is its hash on the chain.
type source struct {
	Hash      string    `json:"hash"`
	Language  string    `json:"language"`
	Compiler  string    `json:"compiler"`
	Wasm      string    `json:"wasm,omitempty"`
	BuildInfo buildInfo `json:"build_info"`
}

type buildInfo struct {
	BuildMode       string          `json:"build_mode"`
	RustToolchain   string          `json:"rust_toolchain"`
	WasmOptSettings wasmOptSettings `json:"wasm_opt_settings"`
}

type wasmOptSettings struct {
	OptimizationPasses string `json:"optimization_passes"`
	KeepDebugSymbols   bool   `json:"keep_debug_symbols"`
}

// contract is what the crate says of itself.
type contract struct {
	Name        string   `json:"name"`
	Version     string   `json:"version"`
	Authors     []string `json:"authors"`
	Description string   `json:"description,omitempty"`
	License     string   `json:"license,omitempty"`
}

func codeHash(wasm []byte) string {
	sum := blake2b.Sum256(wasm)
	return "0x" + hex.EncodeToString(sum[:])
}

// document joins source, contract and the metadata that the crate generated, in the order that ink! tools write.
func document(s source, c contract, generated []byte) ([]byte, error) {
	decoder := json.NewDecoder(bytes.NewReader(generated))
	if token, err := decoder.Token(); err != nil || token != json.Delim('{') {
		return nil, fmt.Errorf("the generated metadata is not a JSON object: %v", err)
	}
	out := new(bytes.Buffer)
	out.WriteString("{")
	if err := appendMember(out, "source", s); err != nil {
		return nil, err
	}
	out.WriteString(",")
	if err := appendMember(out, "contract", c); err != nil {
		return nil, err
	}
	for decoder.More() {
		key, err := decoder.Token()
		if err != nil {
			return nil, fmt.Errorf("reading the generated metadata: %w", err)
		}
		var value json.RawMessage
		if err := decoder.Decode(&value); err != nil {
			return nil, fmt.Errorf("reading the generated metadata: %w", err)
		}
		out.WriteString(",")
		if err := appendMember(out, fmt.Sprint(key), value); err != nil {
			return nil, err
		}
	}
	out.WriteString("}")
	return out.Bytes(), nil
}

func appendMember(out *bytes.Buffer, key string, value any) error {
	name, err := json.Marshal(key)
	if err != nil {
		return fmt.Errorf("writing %s: %w", key, err)
	}
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	out.Write(name)
	out.WriteString(":")
	if err := encoder.Encode(value); err != nil {
		return fmt.Errorf("writing %s: %w", key, err)
	}
	out.Truncate(out.Len() - 1) // the encoder ends each value with a newline
	return nil
}
