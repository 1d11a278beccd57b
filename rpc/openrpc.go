package rpc

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// openRPCDocument describes the served methods in the OpenRPC format, https://spec.open-rpc.org.
func openRPCDocument(table []method, version string) ([]byte, error) {
	schemas := resultSchemas()
	described := []map[string]any{}
	for _, m := range table {
		if m.unsafe {
			continue
		}
		for _, name := range append([]string{m.name}, m.aliases...) {
			described = append(described, describe(m, name, schemas[m.result]))
		}
	}
	slices.SortFunc(described, func(a, b map[string]any) int { return strings.Compare(a["name"].(string), b["name"].(string)) })
	document, err := json.MarshalIndent(map[string]any{
		"openrpc": "1.3.2",
		"info": map[string]any{
			"title": "Sepia JSON-RPC", "version": version,
			"description": "Substrate's JSON-RPC. Parameters are positional or by name; optional ones may be left out or null. Subscriptions need a WebSocket.",
			"license":     map[string]any{"name": "Apache-2.0"},
		},
		"methods": described,
	}, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("encoding the OpenRPC document: %w", err)
	}
	return append(document, '\n'), nil
}

func describe(m method, name, schema string) map[string]any {
	params := make([]map[string]any, len(m.params))
	for i, p := range m.params {
		params[i] = map[string]any{"name": p.name, "required": !p.optional, "schema": json.RawMessage(p.typ.schema)}
	}
	out := map[string]any{
		"name": name, "summary": m.doc, "params": params,
		"paramStructure": "either",
		"result":         map[string]any{"name": string(m.result), "schema": json.RawMessage(schema)},
		"tags":           []map[string]any{{"name": string(m.tag)}},
	}
	var notes []string
	if name != m.name {
		notes = append(notes, "The same as "+m.name+".")
	}
	if m.notifies != "" {
		notes = append(notes, "Notifications are named "+m.notifies+".")
	}
	if notes != nil {
		out["description"] = strings.Join(notes, " ")
	}
	return out
}
