// Package rpc serves Substrate's JSON-RPC 2.0 to wallets and tools, over HTTP POST and WebSocket on one port.
//
// It is the node's outermost room: it knows no consensus, no runtime and no database. What it needs it declares as the
// views Chain, State, Pool and System, and the node hands them in. It decides nothing about the chain; it translates.
//
// Data flows one way. A message is parsed strictly (jsonrpc.go), its method is looked up in the one table (methods.go),
// its parameters are decoded by their declared types (params.go), a handler reads a view and returns a value, and the
// response goes into the connection's queue (conn.go), which one goroutine writes out. Blocks come the other way: one
// goroutine takes committed blocks in order and hands each to every subscription (hub.go), through the same queues. So a
// client gets a subscription's id before its first notification, and never hears of a block that it cannot read.
//
// The table is the only list of methods: `rpc_methods`, the OpenRPC document at GET /openrpc.json, docs/rpc.md and the
// completeness tests are all made from it.
//
// A node gets one Server with NewServer, gives it a listener with Serve, and ends it with Close. Formats follow what
// unmodified clients send and expect: https://polkadot.js.org/docs/substrate/rpc/ and
// https://www.jsonrpc.org/specification.
package rpc
