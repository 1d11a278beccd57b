package host

// Price is what a host function costs, in picoseconds of ref_time: Base for each call, charged by the metered code before
// the call; PerByte for the bytes that it reads from the guest or hands to it; PerKey for each key or item that it visits.
// Dynamic parts are charged before the work.
type Price struct{ Base, PerByte, PerKey uint64 }

// Units of prices.
const (
	nanosecond  = 1_000
	microsecond = 1_000 * nanosecond
)

// The prices of host_version 1. They are consensus. They are 1.5 to 2 times what `make calibrate` measures, so that a machine
// that is slower by a half keeps up; docs/profile.md has the procedure. Where a price is higher still, its line says why.
var (
	// An allocation or a release takes 10 ns in C, between import and way back. A page of fresh memory is a fault of the
	// machine, 1.6 us for 4 KiB, which every byte of an allocation pays for. Then the gas left is asked for: 10 ns more.
	mallocPrice = Price{Base: 25 * nanosecond, PerByte: 600}
	freePrice   = Price{Base: 10 * nanosecond}

	// Measured with the release of the result: XXH64 40 ns + 0.07 ns a byte for each word; BLAKE2b 200 ns a 128-byte block;
	// Keccak-f 1.9 us a block of 136 (72 for the long form), SHA-256 650 ns a block of 64 bytes.
	twox64Price    = Price{Base: 45 * nanosecond, PerByte: 130}
	twox128Price   = Price{Base: 60 * nanosecond, PerByte: 270}
	twox256Price   = Price{Base: 80 * nanosecond, PerByte: 520}
	blake2Price    = Price{Base: 350 * nanosecond, PerByte: 1900}
	keccak256Price = Price{Base: 2900 * nanosecond, PerByte: 22 * nanosecond}
	keccak512Price = Price{Base: 2900 * nanosecond, PerByte: 43 * nanosecond}
	sha2Price      = Price{Base: 1100 * nanosecond, PerByte: 17 * nanosecond}

	// A read that asks the database takes 6 us. One of what is pending takes 0.3, of what was read before 0.04; but what a
	// node keeps in memory differs between nodes, so no price may depend on it. A runtime that keeps what it has read, as
	// ours does, pays once for each key. Bytes are copied twice.
	readPrice = Price{Base: 9500 * nanosecond, PerByte: 500}
	// A write pays in advance for its share of the root, 2.5 us, and of the commit, another 2; each byte takes 3 ns with
	// both. Replacing what is pending takes 0.2 us.
	writePrice = Price{Base: 6500 * nanosecond, PerByte: 5 * nanosecond}
	clearPrice = Price{Base: 6500 * nanosecond, PerByte: 5 * nanosecond}
	// A step of an iterator over database and pending changes: 4.5 us.
	nextPrice = Price{Base: 8 * microsecond, PerByte: 500}
	// Removals seek once, with the root of it 30 us, and then visit keys in order, 1.2 to 2.2 us each with their deletion.
	removePrice = Price{Base: 50 * microsecond, PerByte: 5 * nanosecond, PerKey: 4 * microsecond}
	// The tree's work is paid by the writes, so that a hook that asks for the root can afford it in the fullest block.
	rootPrice = Price{Base: 50 * microsecond}
	// A child's root is a hash over all of its pairs, walked twice: 0.9 us a pair of 64 bytes.
	childRootPrice = Price{Base: 20 * microsecond, PerByte: 3 * nanosecond, PerKey: 1500 * nanosecond}
	// A transaction is a mark in a journal: 0.1 us.
	transactionPrice = Price{Base: 200 * nanosecond}

	// Measured: sr25519 36 us, ed25519 33 us, secp256k1 165 us. Messages are hashed by Keccak-f in Go, SHA-512 or BLAKE2b:
	// 2.5, 1.4 and 1.2 ns a byte.
	sr25519Price   = Price{Base: 60 * microsecond, PerByte: 5 * nanosecond}
	ed25519Price   = Price{Base: 55 * microsecond, PerByte: 3 * nanosecond}
	secp256k1Price = Price{Base: 265 * microsecond, PerByte: 3 * nanosecond}
	batchPrice     = Price{Base: 200 * nanosecond}

	// Trees are built in Go: one pass over the bytes with a hash, and for each item a node, its place in a sorted order
	// and its share of the branches above.
	trieBlake2Price = Price{Base: 3 * microsecond, PerByte: 2500, PerKey: 1500 * nanosecond}
	trieKeccakPrice = Price{Base: 4 * microsecond, PerByte: 5 * nanosecond, PerKey: 2300 * nanosecond}

	// Lines are copied and checked for UTF-8, 0.2 us and 0.2 ns a byte, and dropped or printed, which is what the rest is for.
	logPrice = Price{Base: 1 * microsecond, PerByte: 1 * nanosecond}
	// Functions that answer constants, some of them in memory.
	constantPrice = Price{Base: 300 * nanosecond}
	// Finding custom sections skips over the others: 0.5 us. Compressed code is unpacked first, 1 ms a MiB of what comes
	// out: the largest takes 8 ms, charged as the one item that it is.
	versionPrice = Price{Base: 20 * microsecond, PerByte: 200, PerKey: 16_000 * microsecond}
)
