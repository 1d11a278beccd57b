package rpc

import (
	"bytes"
	"encoding/json"
	"fmt"
	"unicode/utf8"
)

// request is one call of a message. id is the client's own bytes, nil for a JSON-RPC notification, which gets no answer.
// If err is set the rest may be empty: the answer is that error.
type request struct {
	id     json.RawMessage
	method string
	list   []json.RawMessage          // parameters by position
	named  map[string]json.RawMessage // parameters by name, if the client sent an object
	err    *Error
}

var nullID = json.RawMessage("null")

// parseMessage splits a message into its calls. err is for a message that has none.
func parseMessage(message []byte, maxBatch int) (requests []request, batch bool, err *Error) {
	if !utf8.Valid(message) {
		return nil, false, parseError("the message is not UTF-8")
	}
	if !json.Valid(message) {
		return nil, false, parseError("the message is not JSON")
	}
	message = bytes.TrimLeft(message, " \t\r\n")
	if message[0] != '[' {
		return []request{parseRequest(message)}, false, nil
	}
	if calls := countElements(message); calls > maxBatch {
		return nil, false, &Error{CodeBatchTooLarge, "The batch request was too large", fmt.Sprintf("%d calls, the limit is %d", calls, maxBatch)}
	}
	var parts []json.RawMessage
	if json.Unmarshal(message, &parts) != nil {
		return nil, false, parseError("the message is not JSON")
	}
	if len(parts) == 0 {
		return nil, false, invalidRequest("the batch is empty")
	}
	requests = make([]request, len(parts))
	for i, part := range parts {
		requests[i] = parseRequest(part)
	}
	return requests, true, nil
}

// parseRequest reads one call. Member names are matched exactly, which encoding/json does for maps but not for structs.
// Members that JSON-RPC does not know are ignored.
func parseRequest(raw json.RawMessage) request {
	if raw[0] != '{' {
		return request{id: nullID, err: invalidRequest("a call must be an object")}
	}
	if n := countElements(raw); n > maxMembers {
		return request{id: nullID, err: invalidRequest(fmt.Sprintf("a call of %d members, the limit is %d", n, maxMembers))}
	}
	var members map[string]json.RawMessage
	if json.Unmarshal(raw, &members) != nil {
		return request{id: nullID, err: invalidRequest("a call must be an object")}
	}
	id, hasID := members["id"]
	if hasID && !validID(id) {
		return request{id: nullID, err: invalidRequest("id must be a string, a number or null")}
	}
	r := request{id: id}
	if !hasID {
		r.id = nil
	}
	r.err = r.read(members)
	if r.err != nil && r.id == nil {
		r.id = nullID // it is not known to be a notification
	}
	return r
}

func (r *request) read(members map[string]json.RawMessage) *Error {
	var version string
	if json.Unmarshal(members["jsonrpc"], &version) != nil || version != "2.0" {
		return invalidRequest(`jsonrpc must be "2.0"`)
	}
	if method := members["method"]; len(method) == 0 || method[0] != '"' || json.Unmarshal(method, &r.method) != nil {
		return invalidRequest("method must be a string")
	}
	params := members["params"]
	if len(params) == 0 || isNull(params) {
		return nil
	}
	if n := countElements(params); n > maxMembers {
		return invalidParams("%d parameters given, the limit is %d", n, maxMembers)
	}
	switch params[0] {
	case '[':
		if json.Unmarshal(params, &r.list) == nil {
			return nil
		}
	case '{':
		if json.Unmarshal(params, &r.named) == nil {
			return nil
		}
	}
	return invalidRequest("params must be an array or an object")
}

// countElements is how many elements an array has, or members an object, without making them: they take many times the
// bytes that they are written in. raw must be valid JSON.
func countElements(raw []byte) int {
	depth, commas, empty := 0, 0, true
	for i := 0; i < len(raw); i++ {
		switch raw[i] {
		case '[', '{':
			empty = empty && depth == 0
			depth++
		case ']', '}':
			depth--
		case ',':
			if depth == 1 {
				commas++
			}
		case '"':
			empty = false
			for i++; raw[i] != '"'; i++ {
				if raw[i] == '\\' {
					i++
				}
			}
		case ' ', '\t', '\r', '\n':
		default:
			empty = false
		}
	}
	if empty {
		return 0
	}
	return commas + 1
}

func validID(raw json.RawMessage) bool {
	c := raw[0]
	return c == '"' || c == '-' || c >= '0' && c <= '9' || isNull(raw)
}

func isNull(raw json.RawMessage) bool { return string(raw) == "null" }

// encodeJSON is compact and does not escape <, > and &.
func encodeJSON(v any) ([]byte, error) {
	if raw, ok := v.(json.RawMessage); ok {
		return raw, nil
	}
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		return nil, fmt.Errorf("encoding a result: %w", err)
	}
	return bytes.TrimSuffix(out.Bytes(), []byte("\n")), nil
}

// appendResult and appendError write responses. The id is written as it came, byte for byte.
func appendResult(dst []byte, id json.RawMessage, result []byte) []byte {
	dst = append(dst, `{"jsonrpc":"2.0","id":`...)
	dst = append(dst, id...)
	dst = append(dst, `,"result":`...)
	dst = append(dst, result...)
	return append(dst, '}')
}

func appendError(dst []byte, id json.RawMessage, e *Error) []byte {
	body, err := encodeJSON(e)
	if err != nil { // an Error is a number and two strings: it always encodes
		body = []byte(`{"code":-32603,"message":"Internal error"}`)
	}
	dst = append(dst, `{"jsonrpc":"2.0","id":`...)
	dst = append(dst, id...)
	dst = append(dst, `,"error":`...)
	dst = append(dst, body...)
	return append(dst, '}')
}

// notification is one message of a subscription.
func notification(method, subscriptionID string, result []byte) []byte {
	dst := make([]byte, 0, len(result)+len(method)+len(subscriptionID)+72)
	dst = append(dst, `{"jsonrpc":"2.0","method":"`...)
	dst = append(dst, method...)
	dst = append(dst, `","params":{"subscription":"`...)
	dst = append(dst, subscriptionID...)
	dst = append(dst, `","result":`...)
	dst = append(dst, result...)
	return append(dst, "}}"...)
}
