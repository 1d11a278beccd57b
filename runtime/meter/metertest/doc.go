// Package metertest supports tests of metered code: a builder of small modules, a generator of random contract modules, the
// host functions they import, and a plain interpreter that counts gas one instruction at a time.
//
// It is for tests only. The interpreter is the reference for package meter and for the engines: it knows weights and frame
// costs and nothing of regions, so it shares no idea with the code under test. It favours plainness over speed and trusts
// its input, which must have passed wasm.Validate.
package metertest
