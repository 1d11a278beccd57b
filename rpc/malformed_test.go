package rpc

import (
	"encoding/json"
	"strings"
	"testing"
)

// malformed are messages that are not, or not quite, JSON-RPC, with the exact answers. An empty answer means none.
var malformed = []struct{ rule, message, want string }{
	{"not JSON", `{"jsonrpc":"2.0","id":1,`, `{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"Parse error","data":"the message is not JSON"}}`},
	{"empty message", ``, `{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"Parse error","data":"the message is not JSON"}}`},
	{"two values", `{"jsonrpc":"2.0","id":1,"method":"system_name"} {}`, `{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"Parse error","data":"the message is not JSON"}}`},
	{"leading zero", `{"jsonrpc":"2.0","id":01,"method":"system_name"}`, `{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"Parse error","data":"the message is not JSON"}}`},
	{"NaN", `{"jsonrpc":"2.0","id":NaN,"method":"system_name"}`, `{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"Parse error","data":"the message is not JSON"}}`},
	{"not UTF-8", "{\"jsonrpc\":\"2.0\",\"id\":\"\xff\",\"method\":\"system_name\"}", `{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"Parse error","data":"the message is not UTF-8"}}`},
	{"nested too deep", strings.Repeat("[", 20000) + strings.Repeat("]", 20000), `{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"Parse error","data":"the message is not JSON"}}`},
	{"a string", `"hello"`, `{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"Invalid Request","data":"a call must be an object"}}`},
	{"null", `null`, `{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"Invalid Request","data":"a call must be an object"}}`},
	{"empty object", `{}`, `{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"Invalid Request","data":"jsonrpc must be \"2.0\""}}`},
	{"no version", `{"id":1,"method":"system_name"}`, `{"jsonrpc":"2.0","id":1,"error":{"code":-32600,"message":"Invalid Request","data":"jsonrpc must be \"2.0\""}}`},
	{"version as number", `{"jsonrpc":2.0,"id":1,"method":"system_name"}`, `{"jsonrpc":"2.0","id":1,"error":{"code":-32600,"message":"Invalid Request","data":"jsonrpc must be \"2.0\""}}`},
	{"member in other case", `{"JSONRPC":"2.0","id":1,"method":"system_name"}`, `{"jsonrpc":"2.0","id":1,"error":{"code":-32600,"message":"Invalid Request","data":"jsonrpc must be \"2.0\""}}`},
	{"no method", `{"jsonrpc":"2.0","id":1}`, `{"jsonrpc":"2.0","id":1,"error":{"code":-32600,"message":"Invalid Request","data":"method must be a string"}}`},
	{"method null", `{"jsonrpc":"2.0","id":1,"method":null}`, `{"jsonrpc":"2.0","id":1,"error":{"code":-32600,"message":"Invalid Request","data":"method must be a string"}}`},
	{"method a number", `{"jsonrpc":"2.0","id":1,"method":7}`, `{"jsonrpc":"2.0","id":1,"error":{"code":-32600,"message":"Invalid Request","data":"method must be a string"}}`},
	{"params a string", `{"jsonrpc":"2.0","id":1,"method":"system_name","params":"x"}`, `{"jsonrpc":"2.0","id":1,"error":{"code":-32600,"message":"Invalid Request","data":"params must be an array or an object"}}`},
	{"id an object", `{"jsonrpc":"2.0","id":{},"method":"system_name"}`, `{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"Invalid Request","data":"id must be a string, a number or null"}}`},
	{"id a bool", `{"jsonrpc":"2.0","id":true,"method":"system_name"}`, `{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"Invalid Request","data":"id must be a string, a number or null"}}`},

	{"id 0", `{"jsonrpc":"2.0","id":0,"method":"system_name"}`, `{"jsonrpc":"2.0","id":0,"result":"sepia"}`},
	{"id null", `{"jsonrpc":"2.0","id":null,"method":"system_name"}`, `{"jsonrpc":"2.0","id":null,"result":"sepia"}`},
	{"id empty string", `{"jsonrpc":"2.0","id":"","method":"system_name"}`, `{"jsonrpc":"2.0","id":"","result":"sepia"}`},
	{"id echoed byte for byte", `{"jsonrpc":"2.0","id":"<\u0026>é","method":"system_name"}`, `{"jsonrpc":"2.0","id":"<\u0026>é","result":"sepia"}`},
	{"id larger than a double counts", `{"jsonrpc":"2.0","id":123456789012345678901234567890,"method":"system_name"}`, `{"jsonrpc":"2.0","id":123456789012345678901234567890,"result":"sepia"}`},
	{"id with fraction", `{"jsonrpc":"2.0","id":-1.50e1,"method":"system_name"}`, `{"jsonrpc":"2.0","id":-1.50e1,"result":"sepia"}`},
	{"white space around", " \r\n\t{ \"jsonrpc\" : \"2.0\" , \"id\" : 1 , \"method\" : \"system_name\" } ", `{"jsonrpc":"2.0","id":1,"result":"sepia"}`},
	{"unknown members are ignored", `{"jsonrpc":"2.0","id":1,"method":"system_name","meta":{"a":1}}`, `{"jsonrpc":"2.0","id":1,"result":"sepia"}`},
	{"params null", `{"jsonrpc":"2.0","id":1,"method":"system_name","params":null}`, `{"jsonrpc":"2.0","id":1,"result":"sepia"}`},
	{"params empty object", `{"jsonrpc":"2.0","id":1,"method":"system_name","params":{}}`, `{"jsonrpc":"2.0","id":1,"result":"sepia"}`},
	{"trailing nulls", `{"jsonrpc":"2.0","id":1,"method":"system_name","params":[null,null]}`, `{"jsonrpc":"2.0","id":1,"result":"sepia"}`},
	{"a notification gets no answer", `{"jsonrpc":"2.0","method":"system_name"}`, ``},
	{"a notification of an unknown method gets no answer", `{"jsonrpc":"2.0","method":"no_such"}`, ``},

	{"unknown method", `{"jsonrpc":"2.0","id":1,"method":"no_such"}`, `{"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"Method not found","data":"\"no_such\" is not served; rpc_methods lists what is"}}`},
	{"method name in other case", `{"jsonrpc":"2.0","id":1,"method":"System_Name"}`, `{"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"Method not found","data":"\"System_Name\" is not served; rpc_methods lists what is"}}`},
	{"a long method name is cut", `{"jsonrpc":"2.0","id":1,"method":"` + strings.Repeat("x", 100) + `"}`, `{"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"Method not found","data":"\"` + strings.Repeat("x", 64) + `...\" is not served; rpc_methods lists what is"}}`},
	{"unsafe method", `{"jsonrpc":"2.0","id":1,"method":"author_rotateKeys"}`, `{"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"RPC call is unsafe to be called externally"}}`},

	{"too many params", `{"jsonrpc":"2.0","id":1,"method":"system_name","params":[1]}`, `{"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"Invalid params","data":"1 parameters given, system_name takes 0"}}`},
	{"missing param", `{"jsonrpc":"2.0","id":1,"method":"state_getStorage","params":[]}`, `{"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"Invalid params","data":"parameter 1 (key) is missing"}}`},
	{"null for a required param", `{"jsonrpc":"2.0","id":1,"method":"state_getStorage","params":[null]}`, `{"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"Invalid params","data":"parameter 1 (key) is missing"}}`},
	{"unknown named param", `{"jsonrpc":"2.0","id":1,"method":"state_getStorage","params":{"key":"0x","hash":"0x"}}`, `{"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"Invalid params","data":"there is no parameter \"hash\""}}`},
	{"odd hex", `{"jsonrpc":"2.0","id":1,"method":"state_getStorage","params":["0x1"]}`, `{"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"Invalid params","data":"parameter 1 (key): want 0x and an even number of hex digits"}}`},
	{"bytes as a number", `{"jsonrpc":"2.0","id":1,"method":"state_getStorage","params":[17]}`, `{"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"Invalid params","data":"parameter 1 (key): want 0x and an even number of hex digits"}}`},
	{"short hash", `{"jsonrpc":"2.0","id":1,"method":"chain_getHeader","params":["0x00"]}`, `{"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"Invalid params","data":"parameter 1 (at): want 0x and 64 hex digits"}}`},
	{"hash without 0x", `{"jsonrpc":"2.0","id":1,"method":"chain_getHeader","params":["` + strings.Repeat("0", 64) + `"]}`, `{"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"Invalid params","data":"parameter 1 (at): want 0x and 64 hex digits"}}`},
	{"hash a number", `{"jsonrpc":"2.0","id":1,"method":"chain_getHeader","params":[0]}`, `{"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"Invalid params","data":"parameter 1 (at): want 0x and 64 hex digits"}}`},
	{"negative number", `{"jsonrpc":"2.0","id":1,"method":"chain_getBlockHash","params":[-1]}`, `{"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"Invalid params","data":"parameter 1 (number): want a whole number below 2^64, or a string of 0x and hex digits"}}`},
	{"number with fraction", `{"jsonrpc":"2.0","id":1,"method":"chain_getBlockHash","params":[1.5]}`, `{"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"Invalid params","data":"parameter 1 (number): want a whole number below 2^64, or a string of 0x and hex digits"}}`},
	{"number too large", `{"jsonrpc":"2.0","id":1,"method":"chain_getBlockHash","params":[18446744073709551616]}`, `{"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"Invalid params","data":"parameter 1 (number): want a whole number below 2^64, or a string of 0x and hex digits"}}`},
	{"decimal string as a number", `{"jsonrpc":"2.0","id":1,"method":"chain_getBlockHash","params":["12"]}`, `{"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"Invalid params","data":"parameter 1 (number): want a whole number below 2^64, or a string of 0x and hex digits"}}`},
	{"bad number in a list", `{"jsonrpc":"2.0","id":1,"method":"chain_getBlockHash","params":[[0,null]]}`, `{"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"Invalid params","data":"parameter 1 (number): element 1: want a whole number below 2^64, or a string of 0x and hex digits"}}`},
	{"too long list of numbers", `{"jsonrpc":"2.0","id":1,"method":"chain_getBlockHash","params":[[0` + strings.Repeat(",0", 1000) + `]]}`, `{"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"Invalid params","data":"parameter 1 (number): 1001 block numbers, the limit is 1000"}}`},
	{"too many params", `{"jsonrpc":"2.0","id":1,"method":"system_name","params":[1` + strings.Repeat(",1", 64) + `]}`, `{"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"Invalid params","data":"65 parameters given, the limit is 64"}}`},
	{"too many members", `{"jsonrpc":"2.0","id":1,"method":"system_name"` + strings.Repeat(`,"x":1`, 62) + `}`, `{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"Invalid Request","data":"a call of 65 members, the limit is 64"}}`},
	{"too many keys", `{"jsonrpc":"2.0","id":1,"method":"state_queryStorageAt","params":[["0x"` + strings.Repeat(`,"0x"`, 16384) + `]]}`, `{"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"Invalid params","data":"parameter 1 (keys): 16385 keys, the limit is 16384"}}`},
	{"keys not a list", `{"jsonrpc":"2.0","id":1,"method":"state_queryStorageAt","params":["0x00"]}`, `{"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"Invalid params","data":"parameter 1 (keys): want an array of hex strings"}}`},
	{"bad key in a list", `{"jsonrpc":"2.0","id":1,"method":"state_queryStorageAt","params":[["0x00","zz"]]}`, `{"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"Invalid params","data":"parameter 1 (keys): element 1: want 0x and an even number of hex digits"}}`},
	{"text a number", `{"jsonrpc":"2.0","id":1,"method":"state_call","params":[1,"0x"]}`, `{"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"Invalid params","data":"parameter 1 (method): want a string"}}`},
	{"bad address", `{"jsonrpc":"2.0","id":1,"method":"system_accountNextIndex","params":["0OIl"]}`, `{"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"Invalid params","data":"parameter 1 (account): not an address: \"0OIl\": not base58"}}`},
	{"subscription id an object", `{"jsonrpc":"2.0","id":1,"method":"chain_unsubscribeNewHeads","params":[{}]}`, `{"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"Invalid params","data":"parameter 1 (subscription): want a subscription id"}}`},

	{"empty batch", `[]`, `{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"Invalid Request","data":"the batch is empty"}}`},
	{"batch of nonsense", `[1,[]]`, `[{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"Invalid Request","data":"a call must be an object"}},{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"Invalid Request","data":"a call must be an object"}}]`},
	{"batch keeps the order and leaves notifications out", `[{"jsonrpc":"2.0","id":2,"method":"system_name"},{"jsonrpc":"2.0","method":"system_name"},{"jsonrpc":"2.0","id":1,"method":"no_such"}]`, `[{"jsonrpc":"2.0","id":2,"result":"sepia"},{"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"Method not found","data":"\"no_such\" is not served; rpc_methods lists what is"}}]`},
	{"batch of notifications gets no answer", `[{"jsonrpc":"2.0","method":"system_name"}]`, ``},
	{"batch over the limit", `[` + strings.TrimSuffix(strings.Repeat(`{},`, 51), ",") + `]`, `{"jsonrpc":"2.0","id":null,"error":{"code":-32010,"message":"The batch request was too large","data":"51 calls, the limit is 50"}}`},
}

func TestMalformed_OverHTTP(t *testing.T) {
	h := newHarness(t, Config{})
	for _, c := range malformed {
		if strings.Contains(c.message, "unsubscribe") {
			continue // subscriptions need a WebSocket
		}
		status, got := h.post(t, c.message)
		wantStatus := 200
		if c.want == "" {
			wantStatus = 204
		}
		if status != wantStatus || got != c.want {
			t.Errorf("%s: got %d %s, want %d %s", c.rule, status, got, wantStatus, c.want)
		}
	}
}

func TestMalformed_OverWebSocket(t *testing.T) {
	h := newHarness(t, Config{})
	c := h.dial(t)
	for _, m := range malformed {
		c.send(m.message)
		if m.want == "" {
			continue
		}
		if got := c.receive(); got != m.want {
			t.Errorf("%s: got %s, want %s", m.rule, got, m.want)
		}
	}
}

// FuzzRequest sends any message through parsing, dispatch and encoding: the answer must be one JSON value with an answer
// for each call that wants one, and no handler may panic.
func FuzzRequest(f *testing.F) {
	for _, c := range malformed {
		f.Add([]byte(c.message))
	}
	for _, m := range methods() {
		f.Add([]byte(`{"jsonrpc":"2.0","id":1,"method":"` + m.name + `","params":["0x6131",1000,null,null]}`))
	}
	server, logs := newSilentServer(f)
	f.Fuzz(func(t *testing.T, message []byte) {
		var elements []json.RawMessage
		if json.Unmarshal(message, &elements) == nil && elements != nil && countElements(message) != len(elements) {
			t.Fatalf("%s is counted as %d elements", message, countElements(message))
		}
		requests, batch, parseErr := parseMessage(message, 50)
		if parseErr != nil {
			return
		}
		wanted := 0
		for _, r := range requests {
			if r.id != nil {
				wanted++
			}
			if strings.HasPrefix(r.method, "Panic") {
				return
			}
		}
		response, _ := server.respond(t.Context(), nil, requests, batch)
		if wanted == 0 {
			if response != nil {
				t.Fatalf("answer %s to a message without calls", response)
			}
			return
		}
		answers := []json.RawMessage{response}
		if batch {
			if err := json.Unmarshal(response, &answers); err != nil {
				t.Fatalf("answer %s: %v", response, err)
			}
		}
		if len(answers) != wanted {
			t.Fatalf("%d answers to %d calls: %s", len(answers), wanted, response)
		}
		for _, answer := range answers {
			checkAnswer(t, answer)
		}
		if strings.Contains(logs.String(), "panicked") {
			t.Fatalf("a handler panicked: %s", logs.String())
		}
	})
}

func checkAnswer(t *testing.T, answer json.RawMessage) {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(answer, &members); err != nil {
		t.Fatalf("answer %s: %v", answer, err)
	}
	_, hasResult := members["result"]
	_, hasError := members["error"]
	if string(members["jsonrpc"]) != `"2.0"` || members["id"] == nil || hasResult == hasError {
		t.Fatalf("answer %s is not a JSON-RPC response", answer)
	}
}
