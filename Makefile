# Sepia: every job of the project by name. `make help` lists them.
# Slower suites are targets of their own; `make test` is what CI runs.

SHELL := /bin/bash
GO ?= go
BIN := bin/sepia

.PHONY: help dev build test check unit clients blob blob-test release bench calibrate fuzz crash-long determinism-long attacks-long race
.DEFAULT_GOAL := help

help: ## list the jobs
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

dev: ## build the node and run a development chain (needs Go and a C compiler only)
	@scripts/setup go
	@$(MAKE) --no-print-directory build
	@exec $(BIN) dev

build: ## build bin/sepia
	@$(GO) build -o $(BIN) ./node/cmd/sepia

test: ## install what is missing, then run linters, unit tests, blob tests and client tests
	@scripts/setup test
	@$(MAKE) --no-print-directory check
	@$(MAKE) --no-print-directory unit
	@$(MAKE) --no-print-directory blob-test
	@$(MAKE) --no-print-directory clients

check: ## format and lint Go and Rust
	@scripts/check

unit: build ## Go tests, the end-to-end ones included
	@$(GO) test -timeout 30m ./...

clients: build ## unmodified wallet libraries against a running dev chain
	@scripts/test-clients

blob: ## build the runtime blob with the pinned compiler
	@scripts/build-runtime

blob-test: ## test the pallets natively, rebuild the released blobs and a contract, and compare
	@scripts/test-blob
	@scripts/test-contracts

release: ## build everything strictly: the released blobs must be reproduced by the pinned compiler
	@scripts/build-runtime --check --strict
	@$(MAKE) --no-print-directory build

bench: ## print the cost of each kind of work as multiples of one signature check
	@$(GO) run ./test/bench

calibrate: ## compare what instructions, host functions and extrinsics are charged with what they take
	@$(GO) run ./test/calibrate

fuzz: ## fuzz each decoder for 30 seconds, with a floor on executions (scripts/fuzz --list names them)
	@scripts/fuzz 30s

race: ## Go tests with the race detector, of all rooms that share memory between goroutines (needs 20 minutes)
	@$(GO) test -race -timeout 60m ./rpc/... ./consensus/... ./node/... ./state/... ./internal/... ./runtime/host/... ./runtime/vm/...

crash-long: ## 500 crash points in the store and in the chain, 50 kills of the real node
	@SEPIA_LONG=1 $(GO) test -timeout 90m -count=1 -run 'Crash|Kill' ./state/... ./consensus/... ./test/e2e

determinism-long: ## 3,000 random modules on three engines
	@SEPIA_RANDOM_MODULES=3000 $(GO) test -timeout 120m -count=1 -run 'Random|Differential|Agree' ./runtime/meter/... ./runtime/engine/...

attacks-long: ## 20 idle seconds in real time, 1,000 blocks replayed with more settings
	@SEPIA_LONG=1 $(GO) test -timeout 30m -count=1 ./test/attacks ./test/replay
