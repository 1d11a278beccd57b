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

// The prices of host_version 1. They are consensus. They follow what the reference machine (2.6 GHz server core) was measured
// to need in a block, rounded up by about half. With them a transfer costs 0.5 ms of gas (of which the metered code itself
// 0.12 ms), so a block full by weight stays below a quarter of the gas of a block.
var (
	// An allocation or a release takes 10 to 30 ns in C.
	allocatorPrice = Price{Base: 40 * nanosecond}

	// Measured in C: XXH64 20 ns + 0.1 ns a byte for each word; BLAKE2b 140 ns a 128-byte block; Keccak-f and SHA-256
	// 450 ns a block of 136 (72 for the long form) or 64 bytes.
	twox64Price    = Price{Base: 60 * nanosecond, PerByte: 200}
	twox128Price   = Price{Base: 80 * nanosecond, PerByte: 400}
	twox256Price   = Price{Base: 120 * nanosecond, PerByte: 800}
	blake2Price    = Price{Base: 250 * nanosecond, PerByte: 2 * nanosecond}
	keccak256Price = Price{Base: 700 * nanosecond, PerByte: 5 * nanosecond}
	keccak512Price = Price{Base: 700 * nanosecond, PerByte: 9 * nanosecond}
	sha2Price      = Price{Base: 700 * nanosecond, PerByte: 8 * nanosecond}

	// A read of a pending change takes 0.2 us, one that asks the database 2 to 10 us; in blocks nine of ten are of the first
	// kind. Bytes are copied twice.
	readPrice = Price{Base: 1500 * nanosecond, PerByte: 500}
	// A write pays in advance for its share of the root: two hashes for each level of the tree, 3 us. Its bytes are copied
	// and hashed.
	writePrice = Price{Base: 5 * microsecond, PerByte: 5 * nanosecond}
	clearPrice = Price{Base: 5 * microsecond, PerByte: 5 * nanosecond}
	// A step of an iterator over database and pending changes.
	nextPrice = Price{Base: 6 * microsecond, PerByte: 500}
	// Removals seek once and then visit keys in order; each is deleted, which pays for the root like a clear.
	removePrice = Price{Base: 8 * microsecond, PerByte: 5 * nanosecond, PerKey: 6 * microsecond}
	// The tree's work is paid by the writes, so that a hook that asks for the root can afford it in the fullest block.
	rootPrice = Price{Base: 50 * microsecond}
	// A child's root is a hash over all of its pairs, walked twice.
	childRootPrice = Price{Base: 20 * microsecond, PerByte: 5 * nanosecond, PerKey: 8 * microsecond}
	// A transaction is a mark in a journal.
	transactionPrice = Price{Base: 500 * nanosecond}

	// Measured: sr25519 36 us, ed25519 45 us, recovery on secp256k1 110 us. Messages are hashed by Keccak-f in Go,
	// SHA-512 or BLAKE2b: up to 8 ns a byte.
	sr25519Price   = Price{Base: 55 * microsecond, PerByte: 8 * nanosecond}
	ed25519Price   = Price{Base: 65 * microsecond, PerByte: 5 * nanosecond}
	secp256k1Price = Price{Base: 180 * microsecond, PerByte: 3 * nanosecond}
	batchPrice     = Price{Base: 200 * nanosecond}

	// Trees are built in Go: one pass over the bytes with a hash, and for each item a node, its place in a sorted order
	// and its share of the branches above.
	trieBlake2Price = Price{Base: 3 * microsecond, PerByte: 10 * nanosecond, PerKey: 1500 * nanosecond}
	trieKeccakPrice = Price{Base: 3 * microsecond, PerByte: 20 * nanosecond, PerKey: 2500 * nanosecond}

	// Lines are copied and checked for UTF-8, and dropped or printed.
	logPrice = Price{Base: 1 * microsecond, PerByte: 2 * nanosecond}
	// Functions that answer constants.
	constantPrice = Price{Base: 100 * nanosecond}
	// Finding custom sections skips over the others. Compressed code is unpacked first: the largest takes 20 ms, charged
	// as the one item that it is.
	versionPrice = Price{Base: 20 * microsecond, PerByte: 1 * nanosecond, PerKey: 20_000 * microsecond}
)
