package rpc

import (
	"context"
	"encoding/json"
)

// tag says who asks for a method.
type tag string

const (
	tagCore tag = "core" // a client library does not work without it
	tagTool tag = "tool" // some wallets, explorers or command-line tools use it
)

// result is the shape of what a method returns, by its name in documents.
type result string

const (
	hashResult         result = "Hash"
	maybeHashResult    result = "Hash or null"
	bytesResult        result = "Bytes"
	maybeBytesResult   result = "Bytes or null"
	maybeSizeResult    result = "Number or null"
	bytesListResult    result = "[Bytes]"
	maybeBytesList     result = "[Bytes or null]"
	textResult         result = "Text"
	numberResult       result = "Number"
	boolResult         result = "Bool"
	objectResult       result = "Object"
	maybeObjectResult  result = "Object or null"
	objectListResult   result = "[Object]"
	subscriptionResult result = "SubscriptionID"
	blockHashResult    result = "Hash, null, or a list of them"
	chainTypeResult    result = "Text or Object"
)

// resultSchemas are the JSON schemas of the shapes.
func resultSchemas() map[result]string {
	return map[result]string{
		hashResult:         `{"type":"string"}`,
		maybeHashResult:    `{"type":["string","null"]}`,
		bytesResult:        `{"type":"string"}`,
		maybeBytesResult:   `{"type":["string","null"]}`,
		maybeSizeResult:    `{"type":["integer","null"]}`,
		bytesListResult:    `{"type":"array","items":{"type":"string"}}`,
		maybeBytesList:     `{"type":"array","items":{"type":["string","null"]}}`,
		textResult:         `{"type":"string"}`,
		numberResult:       `{"type":"integer"}`,
		boolResult:         `{"type":"boolean"}`,
		objectResult:       `{"type":"object"}`,
		maybeObjectResult:  `{"type":["object","null"]}`,
		objectListResult:   `{"type":"array","items":{"type":"object"}}`,
		subscriptionResult: `{"type":"string"}`,
		blockHashResult:    `{"oneOf":[{"type":["string","null"]},{"type":"array","items":{"type":["string","null"]}}]}`,
		chainTypeResult:    `{"type":["string","object"]}`,
	}
}

// method is one row of the table. Exactly one of call, subscribe, unsubscribes and unsafe is set.
type method struct {
	name    string
	aliases []string
	params  []param
	result  result
	tag     tag
	doc     string

	call         func(s *Server, ctx context.Context, a args) (any, error)
	subscribe    func(s *Server, ctx context.Context, made *subscription, a args) error
	notifies     string // for subscribe: the method name of its notifications
	unsubscribes string // ends a subscription with notifications of this name
	unsafe       bool   // known, but refused: it would change or reveal the node, or cost it too much

	runsRuntime bool // takes one of the slots for runtime calls
	inOrder     bool // on one connection, such calls are begun and ended in the order they came
}

func required(name string, t *paramType) param { return param{name: name, typ: t} }
func optional(name string, t *paramType) param { return param{name: name, typ: t, optional: true} }

// at is the trailing parameter of most reads; leaving it out means the best block.
func at() param { return optional("at", hashType()) }

// methods is the table of everything the server knows, sorted by name.
func methods() []method {
	var all []method
	for _, group := range [][]method{authorMethods(), chainMethods(), childStateMethods(), paymentMethods(), rpcMethods(), stateMethods(), systemMethods(), unsafeMethods()} {
		all = append(all, group...)
	}
	return all
}

func authorMethods() []method {
	return []method{
		{name: "author_pendingExtrinsics", result: bytesListResult, tag: tagTool,
			doc: "Extrinsics in the pool that could go into the next block.", call: (*Server).pendingExtrinsics},
		{name: "author_submitAndWatchExtrinsic", params: []param{required("extrinsic", bytesType())}, result: subscriptionResult, tag: tagCore,
			doc:       "Submits a signed extrinsic and reports: ready or future, inBlock, finalized; or usurped, dropped, invalid.",
			subscribe: (*Server).submitAndWatch, notifies: notifyExtrinsic, inOrder: true, runsRuntime: true},
		{name: "author_submitExtrinsic", params: []param{required("extrinsic", bytesType())}, result: hashResult, tag: tagCore,
			doc: "Submits a signed extrinsic and returns its hash.", call: (*Server).submitExtrinsic, inOrder: true, runsRuntime: true},
		{name: "author_unwatchExtrinsic", params: []param{required("subscription", subscriptionType())}, result: boolResult, tag: tagCore,
			doc: "Stops reports on a submitted extrinsic, not the extrinsic.", unsubscribes: notifyExtrinsic},
	}
}

func chainMethods() []method {
	return []method{
		{name: "chain_getBlock", params: []param{at()}, result: maybeObjectResult, tag: tagCore,
			doc: "Header and extrinsics of a block; null if the hash is unknown.", call: (*Server).getBlock},
		{name: "chain_getBlockHash", aliases: []string{"chain_getHead"}, params: []param{optional("number", numbersOrHexType())}, result: blockHashResult, tag: tagCore,
			doc: "Hash of the block with this number, or of each in a list; the best block if left out.", call: (*Server).getBlockHash},
		{name: "chain_getFinalizedHead", aliases: []string{"chain_getFinalisedHead"}, result: hashResult, tag: tagCore,
			doc: "Hash of the newest final block, which is always the best block.", call: (*Server).getFinalizedHead},
		{name: "chain_getHeader", params: []param{at()}, result: maybeObjectResult, tag: tagCore,
			doc: "Header of a block; null if the hash is unknown.", call: (*Server).getHeader},
		{name: "chain_subscribeAllHeads", result: subscriptionResult, tag: tagCore,
			doc: "The best header now, then each new one.", subscribe: (*Server).subscribeHeads, notifies: notifyAllHead},
		{name: "chain_subscribeFinalizedHeads", aliases: []string{"chain_subscribeFinalisedHeads"}, result: subscriptionResult, tag: tagCore,
			doc: "The final header now, then each new one.", subscribe: (*Server).subscribeHeads, notifies: notifyFinalizedHead},
		{name: "chain_subscribeNewHeads", aliases: []string{"chain_subscribeNewHead"}, result: subscriptionResult, tag: tagCore,
			doc: "The best header now, then each new one.", subscribe: (*Server).subscribeHeads, notifies: notifyNewHead},
		{name: "chain_unsubscribeAllHeads", params: []param{required("subscription", subscriptionType())}, result: boolResult, tag: tagCore,
			doc: "Ends chain_subscribeAllHeads.", unsubscribes: notifyAllHead},
		{name: "chain_unsubscribeFinalizedHeads", aliases: []string{"chain_unsubscribeFinalisedHeads"}, params: []param{required("subscription", subscriptionType())}, result: boolResult, tag: tagCore,
			doc: "Ends chain_subscribeFinalizedHeads.", unsubscribes: notifyFinalizedHead},
		{name: "chain_unsubscribeNewHeads", aliases: []string{"chain_unsubscribeNewHead"}, params: []param{required("subscription", subscriptionType())}, result: boolResult, tag: tagCore,
			doc: "Ends chain_subscribeNewHeads.", unsubscribes: notifyNewHead},
	}
}

func childStateMethods() []method {
	child := required("childKey", bytesType())
	return []method{
		{name: "childstate_getKeys", params: []param{child, optional("prefix", bytesType()), at()}, result: bytesListResult, tag: tagTool,
			doc: "All keys of a child storage with a prefix.", call: (*Server).childKeys},
		{name: "childstate_getKeysPaged", aliases: []string{"childstate_getKeysPagedAt"}, params: []param{child, optional("prefix", bytesType()), required("count", numberType()), optional("startKey", bytesType()), at()}, result: bytesListResult, tag: tagCore,
			doc: "At most count (1,000) keys of a child storage, strictly after startKey.", call: (*Server).childKeysPaged},
		{name: "childstate_getStorage", params: []param{child, required("key", bytesType()), at()}, result: maybeBytesResult, tag: tagTool,
			doc: "A value in a child storage; null if there is none.", call: (*Server).childStorage},
		{name: "childstate_getStorageEntries", params: []param{child, required("keys", keysType()), at()}, result: maybeBytesList, tag: tagCore,
			doc: "Values in a child storage, in the order of the keys.", call: (*Server).childStorageEntries},
		{name: "childstate_getStorageHash", params: []param{child, required("key", bytesType()), at()}, result: maybeHashResult, tag: tagTool,
			doc: "BLAKE2b-256 of a value in a child storage.", call: (*Server).childStorageHash},
		{name: "childstate_getStorageSize", params: []param{child, required("key", bytesType()), at()}, result: maybeSizeResult, tag: tagTool,
			doc: "Length in bytes of a value in a child storage.", call: (*Server).childStorageSize},
	}
}

func paymentMethods() []method {
	params := []param{required("extrinsic", bytesType()), at()}
	return []method{
		{name: "payment_queryFeeDetails", params: params, result: objectResult, tag: tagTool, runsRuntime: true,
			doc: "The parts of an extrinsic's fee, without tip. The signature is not checked.", call: (*Server).queryFeeDetails},
		{name: "payment_queryInfo", params: params, result: objectResult, tag: tagTool, runsRuntime: true,
			doc: "Weight, class and fee of an extrinsic. The signature is not checked.", call: (*Server).queryInfo},
	}
}

func rpcMethods() []method {
	return []method{{name: "rpc_methods", result: objectResult, tag: tagCore,
		doc: "The names of all methods that are served, sorted.", call: (*Server).listMethods}}
}

func stateMethods() []method {
	return []method{
		{name: "state_call", aliases: []string{"state_callAt"}, params: []param{required("method", textType()), required("data", bytesType()), at()}, result: bytesResult, tag: tagCore, runsRuntime: true,
			doc: "Runs an export of the runtime on the state after a block. data is its SCALE arguments, one after the other. ContractsApi_upload_code refuses code without words, as its answer has no room for them: ContractsApi_instantiate with the same code gives them, and so does the node's log at level debug.", call: (*Server).stateCall},
		{name: "state_getKeysPaged", aliases: []string{"state_getKeysPagedAt"}, params: []param{optional("prefix", bytesType()), required("count", numberType()), optional("startKey", bytesType()), at()}, result: bytesListResult, tag: tagCore,
			doc: "At most count (1,000) storage keys, in byte order, strictly after startKey.", call: (*Server).keysPaged},
		{name: "state_getMetadata", params: []param{at()}, result: bytesResult, tag: tagCore, runsRuntime: true,
			doc: "The runtime's metadata, in the newest version it offers up to 16. For another version: state_call of Metadata_metadata_at_version.", call: (*Server).getMetadata},
		{name: "state_getRuntimeVersion", aliases: []string{"chain_getRuntimeVersion"}, params: []param{at()}, result: objectResult, tag: tagCore,
			doc: "The version of the runtime in the state after a block.", call: (*Server).getRuntimeVersion},
		{name: "state_getStorage", aliases: []string{"state_getStorageAt"}, params: []param{required("key", bytesType()), at()}, result: maybeBytesResult, tag: tagCore,
			doc: "A storage value; null if there is none, 0x if it is empty.", call: (*Server).getStorage},
		{name: "state_getStorageHash", params: []param{required("key", bytesType()), at()}, result: maybeHashResult, tag: tagCore,
			doc: "BLAKE2b-256 of a storage value.", call: (*Server).getStorageHash},
		{name: "state_getStorageSize", params: []param{required("key", bytesType()), at()}, result: maybeSizeResult, tag: tagTool,
			doc: "Length in bytes of a storage value.", call: (*Server).getStorageSize},
		{name: "state_queryStorageAt", params: []param{required("keys", keysType()), at()}, result: objectListResult, tag: tagCore,
			doc: "Several storage values, in the order of the keys, as a list of one element {block, changes}.", call: (*Server).queryStorageAt},
		{name: "state_subscribeRuntimeVersion", aliases: []string{"chain_subscribeRuntimeVersion"}, result: subscriptionResult, tag: tagCore,
			doc: "The runtime's version now, then each new one.", subscribe: (*Server).subscribeRuntimeVersion, notifies: notifyRuntimeVersion},
		{name: "state_subscribeStorage", params: []param{optional("keys", keysType())}, result: subscriptionResult, tag: tagCore,
			doc: "All values of the keys now, then at each block those that it wrote. Keys must be named: all keys of the chain is an unsafe call.", subscribe: (*Server).subscribeStorage, notifies: notifyStorage},
		{name: "state_unsubscribeRuntimeVersion", aliases: []string{"chain_unsubscribeRuntimeVersion"}, params: []param{required("subscription", subscriptionType())}, result: boolResult, tag: tagCore,
			doc: "Ends state_subscribeRuntimeVersion.", unsubscribes: notifyRuntimeVersion},
		{name: "state_unsubscribeStorage", params: []param{required("subscription", subscriptionType())}, result: boolResult, tag: tagCore,
			doc: "Ends state_subscribeStorage.", unsubscribes: notifyStorage},
	}
}

func systemMethods() []method {
	return []method{
		{name: "system_accountNextIndex", aliases: []string{"account_nextIndex"}, params: []param{required("account", addressType())}, result: numberResult, tag: tagCore, runsRuntime: true,
			doc: "The nonce to use next, counting what the pool holds. The account is SS58 with any prefix, or hex.", call: (*Server).accountNextIndex},
		{name: "system_chain", result: textResult, tag: tagCore, doc: "The chain's name.", call: (*Server).systemChain},
		{name: "system_chainType", result: chainTypeResult, tag: tagTool, doc: "Development, Local, Live or {\"Custom\": word}.", call: (*Server).systemChainType},
		{name: "system_health", result: objectResult, tag: tagCore, doc: "Number of peers, and whether the node is catching up.", call: (*Server).systemHealth},
		{name: "system_name", result: textResult, tag: tagCore, doc: "The implementation's name.", call: (*Server).systemName},
		{name: "system_properties", result: objectResult, tag: tagCore, doc: "Address format and token of the chain.", call: (*Server).systemProperties},
		{name: "system_syncState", result: objectResult, tag: tagTool, doc: "Block numbers: where this run started, where it is, where the network is.", call: (*Server).systemSyncState},
		{name: "system_version", result: textResult, tag: tagCore, doc: "The implementation's version.", call: (*Server).systemVersion},
	}
}

// unsafeMethods are Substrate's methods for operators and for expensive reads. They are known so that the refusal says
// why; they are not listed by rpc_methods, since nobody can call them.
func unsafeMethods() []method {
	var rows []method
	for _, name := range []string{
		"author_hasKey", "author_hasSessionKeys", "author_insertKey", "author_removeExtrinsic", "author_rotateKeys",
		"offchain_localStorageGet", "offchain_localStorageSet", "state_getPairs", "state_queryStorage",
		"system_addLogFilter", "system_addReservedPeer", "system_dryRun", "system_dryRunAt", "system_removeReservedPeer", "system_resetLogFilter",
	} {
		rows = append(rows, method{name: name, unsafe: true})
	}
	return rows
}

// served are the names that rpc_methods lists.
func served(table []method) []string {
	var names []string
	for _, m := range table {
		if !m.unsafe {
			names = append(append(names, m.name), m.aliases...)
		}
	}
	return names
}

// byName indexes the table by every name a client may use.
func byName(table []method) map[string]*method {
	index := make(map[string]*method, 2*len(table))
	for i := range table {
		index[table[i].name] = &table[i]
		for _, alias := range table[i].aliases {
			index[alias] = &table[i]
		}
	}
	return index
}

func (s *Server) listMethods(context.Context, args) (any, error) {
	return map[string]json.RawMessage{"methods": s.methodNames}, nil
}
