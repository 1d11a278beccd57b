// Package e2e tests the real binary from outside: command line, a dev chain over JSON-RPC, restarts and kills. Nothing in it
// is replaced by a double. It contains tests only.
package e2e
