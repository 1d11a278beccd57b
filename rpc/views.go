package rpc

import (
	"context"
	"errors"

	"github.com/sepia-chain/sepia/internal/primitives"
)

// ErrUnknownBlock is what views return for a block hash that the node does not have.
var ErrUnknownBlock = errors.New("unknown block")

// CallError says that the runtime refused or failed a call, for a reason that is the caller's business: no such export,
// a trap, out of gas. Any other error of Chain.Call is a fault of the node and is not shown to clients.
type CallError struct{ Text string }

func (e *CallError) Error() string { return e.Text }

// Block names a block.
type Block struct {
	Hash   primitives.Hash
	Number uint32
}

// RuntimeVersion describes the runtime that is in force after a block.
type RuntimeVersion struct {
	SpecName           string
	ImplName           string
	AuthoringVersion   uint32
	SpecVersion        uint32
	ImplVersion        uint32
	Apis               []RuntimeAPI
	TransactionVersion uint32
	StateVersion       uint8
}

// RuntimeAPI is one trait that a runtime serves: BLAKE2b-64 of its name, and its version.
type RuntimeAPI struct {
	ID      [8]byte
	Version uint32
}

// Event tells of one committed block. It is sent after the block's header, body and state can be read.
type Event struct {
	Block
	Header      *primitives.Header
	ChangedKeys func() ([][]byte, error) // top-level storage keys that the block wrote; called at most once, before the next event
	NewRuntime  bool                     // the block put another runtime in force
}

// Chain is what the server reads of the chain. One block per height is final at once, so the best block is the
// finalized block. All methods are safe for concurrent use, and so are the views they return.
type Chain interface {
	Genesis() primitives.Hash
	Best() Block
	HashAt(number uint32) (hash primitives.Hash, found bool, err error)
	Header(hash primitives.Hash) (header *primitives.Header, found bool, err error)
	Body(hash primitives.Hash) (extrinsics [][]byte, found bool, err error)

	// StateAt opens the state after the block. The caller releases it. ErrUnknownBlock if there is no such block.
	StateAt(hash primitives.Hash) (State, error)

	// Call runs an export of the runtime on the state after the block and drops what it wrote. *CallError, ErrUnknownBlock.
	Call(ctx context.Context, at primitives.Hash, method string, args []byte) ([]byte, error)

	// RuntimeVersion is the version of the code that is in the state after the block. ErrUnknownBlock.
	RuntimeVersion(at primitives.Hash) (RuntimeVersion, error)

	// Subscribe delivers every block committed from now on, in order, none left out, until cancel is called; cancel closes
	// the channel. The server always reads on, so the chain may block in sending.
	Subscribe() (events <-chan Event, cancel func())
}

// State is the storage after one block. Values stay valid until Release.
type State interface {
	Get(key []byte) (value []byte, found bool, err error)
	// KeysPaged lists at most count keys with the prefix, in byte order, strictly after the key after (nil: from the first).
	KeysPaged(prefix []byte, count int, after []byte) ([][]byte, error)
	// ChildGet and ChildKeysPaged read the child storage id: the part after ":child_storage:default:".
	ChildGet(id, key []byte) (value []byte, found bool, err error)
	ChildKeysPaged(id, prefix []byte, count int, after []byte) ([][]byte, error)
	Release()
}

// Pool takes extrinsics in. A refusal is an *Error with one of the pool's codes (errors.go makes them).
type Pool interface {
	Submit(ctx context.Context, extrinsic []byte) (primitives.Hash, error)

	// Watch submits and reports. The channel gets each status in order, a block's only after the block can be read, and is
	// closed after the one that ends the watch. ctx lives as long as the watch: when it is done, nobody listens any more.
	Watch(ctx context.Context, extrinsic []byte) (primitives.Hash, <-chan TxStatus, error)

	// Pending lists the extrinsics that could go into the next block.
	Pending() [][]byte

	// NextIndex is the nonce to use next: that of the account on chain, moved past what the pool holds of it.
	NextIndex(account primitives.AccountID, onChain uint32) uint32
}

// System tells about the node.
type System interface {
	Name() string      // of the implementation
	Version() string   // of the implementation
	ChainName() string // as a person calls it
	ChainType() string // Development, Local, Live, or any other word
	Properties() Properties
	Health() Health
	SyncState() SyncState
}

// Properties are the chain's settings for showing addresses and amounts. Both token fields are scalars: cargo-contract
// refuses lists.
type Properties struct {
	SS58Format    uint16 `json:"ss58Format"`
	TokenDecimals uint8  `json:"tokenDecimals"`
	TokenSymbol   string `json:"tokenSymbol"`
	IsEthereum    bool   `json:"isEthereum"`
}

// Health is what polkadot.js asks for every ten seconds.
type Health struct {
	Peers           int  `json:"peers"`
	IsSyncing       bool `json:"isSyncing"`
	ShouldHavePeers bool `json:"shouldHavePeers"`
}

// SyncState is how far the node has come in catching up, in block numbers.
type SyncState struct {
	StartingBlock uint32 `json:"startingBlock"`
	CurrentBlock  uint32 `json:"currentBlock"`
	HighestBlock  uint32 `json:"highestBlock"`
}
