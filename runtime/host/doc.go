// Package host runs a runtime blob and gives it the Polkadot host API.
//
// The heart is one table (table.go): every function that a blob may import, with its types, its price, its implementation
// and a line of documentation; docs/host-api.md is generated from it. Around it stand Runtime, which turns the bytes of
// :code into a checked, metered and compiled blob with a bounded pool of instances, and Call, which runs one exported
// method on storage that the caller gives.
//
// It is mechanism, not policy: nothing here knows accounts, fees or blocks. It declares the Storage that it needs and never
// imports a database. What may not differ between nodes does not: log level, tracing and off-chain functions answer
// constants, version numbers come from custom sections, gas is counted in picoseconds of ref_time by one table, and an
// error of the node (storage, engine, operating system) is never turned into a failure of the blob.
//
// Data flow: code -> decompress -> validate -> check imports by name -> meter -> compile. Then for each call: instance from
// the pool -> input -> metered run, host functions reading and writing Storage -> output copied out -> storage transactions
// that the blob left open are rolled back.
//
// Sources: https://spec.polkadot.network/chap-host-api and https://docs.rs/sp-io.
package host
