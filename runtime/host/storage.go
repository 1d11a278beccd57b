package host

import (
	"errors"

	"github.com/sepia-chain/sepia/internal/primitives"
)

// Removal is what deleting all keys under a prefix did.
type Removal = primitives.Removal

// ErrNoTransaction says that there is no open storage transaction to commit or to roll back. A Storage returns it (or an
// error that wraps it); every other error of a Storage is the node's fault and stops the call as such.
var ErrNoTransaction = errors.New("no open storage transaction")

// Storage is the state that a blob reads and writes: the pending changes of one block, or of one query, over a committed
// parent state. It is used by one call at a time.
//
// Keys and values passed in are parts of the guest's memory: an implementation that keeps them copies them. Values handed
// out stay valid until the next write.
type Storage interface {
	Get(key []byte) (value []byte, found bool, err error)
	Set(key, value []byte) error
	Clear(key []byte) error
	// Append adds an item to a SCALE list. Its cost does not depend on the length of the list. Where the value is no list,
	// it becomes the list of this one item.
	Append(key, item []byte) error
	NextKey(key []byte) (next []byte, found bool, err error)
	// ClearPrefix deletes every pending key under the prefix, and committed keys in order up to the limit.
	ClearPrefix(prefix []byte, limit *uint32) (Removal, error)
	Root() (primitives.Hash, error)
	Child(id []byte) ChildStorage
	StartTransaction()
	CommitTransaction() error
	RollbackTransaction() error
	TransactionDepth() int
}

// Revised is a Storage that can say whether it changed since a moment. What was learned of one that did not is used again in
// the next call: for speed, with the same results and the same gas.
type Revised interface {
	Revision() primitives.Revision
}

// revisionOf is the storage's revision, or one that equals none.
func revisionOf(s Storage) primitives.Revision {
	if revised, ok := s.(Revised); ok {
		return revised.Revision()
	}
	return primitives.Revision{}
}

// ChildStorage is one child tree of a Storage, under the same transactions.
type ChildStorage interface {
	Get(key []byte) (value []byte, found bool, err error)
	Set(key, value []byte) error
	Clear(key []byte) error
	NextKey(key []byte) (next []byte, found bool, err error)
	ClearPrefix(prefix []byte, limit *uint32) (Removal, error)
	Kill(limit *uint32) (Removal, error)
	Root() (primitives.Hash, error)
}
