package rpc

import (
	"runtime"
	"time"
)

// Config sets the limits of a server. A zero field takes the default beside it.
type Config struct {
	MaxConnections   int           // 1,000 sockets, HTTP and WebSocket together
	MaxSubscriptions int           // 1,024 of one connection
	MaxBatch         int           // 50 calls in one message
	MaxFrameBytes    int           // 16 MiB in one message, both ways
	MaxQueueBytes    int           // 32 MiB waiting to be written to one connection, room for two frames
	MaxInboundBytes  int           // 256 MiB in messages that arrive or are answered, over all connections, see ownInboundBytes
	MaxOutboundBytes int           // 512 MiB in messages that wait to be written, over all connections, see ownOutboundBytes
	MessageTimeout   time.Duration // 60 s for a message to arrive, once it has begun
	RequestTimeout   time.Duration // 30 s for one call, half of what polkadot.js waits
	WriteTimeout     time.Duration // 30 s to hand one message to the client's socket
	FinalizedQuiet   time.Duration // 200 ms without a question from the client before it is told "finalized", see settle
}

// Limits that are nobody's setting.
const (
	// maxKeysPerPage is what clients page by (polkadot.js and cargo-contract ask for 1,000).
	maxKeysPerPage = 1000

	// maxBlockNumbers in one chain_getBlockHash: 1,000 hashes of 69 bytes make 69 kB.
	maxBlockNumbers = 1000

	// maxWatchedKeys of one connection: 16,384 keys of about 80 bytes in two maps come to 4 MiB, and polkadot.js's largest
	// multi query asks for some thousand accounts.
	maxWatchedKeys = 16384

	// maxInFlight calls of one connection run at once; further ones wait in the socket. polkadot.js starts with 5.
	maxInFlight = 32

	// maxQueuedNotifications of one connection. A wallet with 100 subscriptions gets some 200 messages a block, so this is
	// 20 blocks of not reading; then the connection is closed, and the client's library opens another and asks again.
	maxQueuedNotifications = 4096

	// ownInboundBytes and ownOutboundBytes are what each connection may hold whatever the others do. What is over them comes
	// out of MaxInboundBytes and MaxOutboundBytes. Without that 1,000 connections with 32 unfinished frames of 16 MiB each
	// would hold 500 GiB, and as many that read no answers 32 GiB; with it 1,000 connections hold at most
	// 1,000 * 64 KiB + 256 MiB = 319 MiB of what came in, and 1,000 * 256 KiB + 512 MiB = 756 MiB of what goes out. Of its own a
	// connection has room for 32 calls of 2 KiB, and for the notifications of some blocks; of what is shared there is room for
	// the longest frame 16 times, and for 51 runtimes of 2 MiB in hex. Parsing copies the bytes of a message up to four times.
	ownInboundBytes  = 64 << 10
	ownOutboundBytes = 256 << 10

	// maxMembers of a call, and of its parameters: no method takes more than five, and each member takes 100 bytes of memory
	// however short it is.
	maxMembers = 64

	// maxListedKeys in one parameter: as many as a connection may watch, so that a frame of 16 MiB does not become 5 million
	// keys of 40 bytes.
	maxListedKeys = maxWatchedKeys

	// watchedKeyBytes are what one of maxWatchedKeys stands for: a longer key counts as several.
	watchedKeyBytes = 128

	// finalizedWaits is how many quiet times "finalized" waits at most: 2 s by default, a third of Substrate's block time.
	finalizedWaits = 10

	// readHeaderTimeout and readTimeout bound an HTTP request: 16 MiB in 60 s is 2.2 Mbit/s.
	readHeaderTimeout = 10 * time.Second
	readTimeout       = 60 * time.Second
	idleTimeout       = 120 * time.Second

	maxHeaderBytes = 16 << 10
)

// maxRuntimeCalls bounds how many calls run the chain's runtime at once, over all connections: two per processor keep
// all busy while some wait for memory.
func maxRuntimeCalls() int { return 2 * runtime.GOMAXPROCS(0) }

func (c Config) withDefaults() Config {
	setDefault(&c.MaxConnections, 1000)
	setDefault(&c.MaxSubscriptions, 1024)
	setDefault(&c.MaxBatch, 50)
	setDefault(&c.MaxFrameBytes, 16<<20)
	setDefault(&c.MaxQueueBytes, 32<<20)
	setDefault(&c.MaxInboundBytes, 256<<20)
	setDefault(&c.MaxOutboundBytes, 512<<20)
	setDefault(&c.MessageTimeout, readTimeout)
	setDefault(&c.RequestTimeout, 30*time.Second)
	setDefault(&c.WriteTimeout, 30*time.Second)
	setDefault(&c.FinalizedQuiet, 200*time.Millisecond)
	return c
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}
