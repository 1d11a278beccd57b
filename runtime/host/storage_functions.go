package host

import (
	"bytes"
	"encoding/binary"
	"math"
)

// childPrefix is where Substrate keeps the roots of child trees. Guests may not write there directly.
var childPrefix = []byte(":child_storage:")

// reader is what the reading functions of the top tree and of a child have in common.
type reader interface {
	Get(key []byte) (value []byte, found bool, err error)
	NextKey(key []byte) (next []byte, found bool, err error)
}

// get reads a value and charges for its whole length, whatever the caller wants of it: a storage fetches all of it.
func (c *call) get(from reader, keyFat uint64) (value []byte, found bool, err error) {
	key, err := c.input(keyFat)
	if err != nil {
		return nil, false, err
	}
	value, found, err = from.Get(key)
	if err != nil {
		return nil, false, storageError("reading storage", err)
	}
	return value, found, c.bytes(len(value))
}

func (c *call) nextKey(from reader, keyFat uint64) (uint64, error) {
	key, err := c.input(keyFat)
	if err != nil {
		return 0, err
	}
	next, found, err := from.NextKey(key)
	if err != nil {
		return 0, storageError("finding the next key", err)
	}
	if err := c.bytes(len(next)); err != nil {
		return 0, err
	}
	return c.optionBytes(next, found)
}

// readInto copies the part of the value from offset on into guest memory, as much as fits, and returns the length of that
// part.
func (c *call) readInto(from reader, keyFat, outFat, offset uint64) (uint64, error) {
	value, found, err := c.get(from, keyFat)
	if err != nil {
		return 0, err
	}
	out, err := c.machine.Read(uint32(outFat), uint32(outFat>>32))
	if err != nil {
		return 0, err
	}
	if !found {
		return c.optionU32(0, false)
	}
	part := value[min(uint64(uint32(offset)), uint64(len(value))):]
	copy(out, part)
	return c.optionU32(uint32(len(part)), true)
}

func storageGet(c *call, a []uint64) (uint64, error) {
	value, found, err := c.get(c.storage, a[0])
	if err != nil {
		return 0, err
	}
	return c.optionBytes(value, found)
}

func storageRead(c *call, a []uint64) (uint64, error) { return c.readInto(c.storage, a[0], a[1], a[2]) }

func storageExists(c *call, a []uint64) (uint64, error) {
	_, found, err := c.get(c.storage, a[0])
	return boolean(found), err
}

func storageNextKey(c *call, a []uint64) (uint64, error) { return c.nextKey(c.storage, a[0]) }

func storageSet(c *call, a []uint64) (uint64, error) {
	key, err := c.input(a[0])
	if err != nil {
		return 0, err
	}
	value, err := c.input(a[1])
	if err != nil || bytes.HasPrefix(key, childPrefix) {
		return 0, err
	}
	if err := c.storage.Set(key, value); err != nil {
		return 0, storageError("writing storage", err)
	}
	return 0, nil
}

func storageClear(c *call, a []uint64) (uint64, error) {
	key, err := c.input(a[0])
	if err != nil || bytes.HasPrefix(key, childPrefix) {
		return 0, err
	}
	if err := c.storage.Clear(key); err != nil {
		return 0, storageError("clearing storage", err)
	}
	return 0, nil
}

func storageAppend(c *call, a []uint64) (uint64, error) {
	key, err := c.input(a[0])
	if err != nil {
		return 0, err
	}
	item, err := c.input(a[1])
	if err != nil {
		return 0, err
	}
	if err := c.storage.Append(key, item); err != nil {
		return 0, storageError("appending to storage", err)
	}
	return 0, nil
}

// remove runs a removal of many keys. Committed keys are paid for each, so no more of them are visited than the gas left
// can pay: where that cuts the removal short, the charge that follows ends the call, and nobody sees what it did.
func (c *call) remove(limit *uint32, run func(limit *uint32) (Removal, error)) (Removal, error) {
	bounded, affordable := limit, c.affordableKeys()
	if limit == nil || *limit > affordable {
		bounded = &affordable
	}
	if affordable == math.MaxUint32 {
		bounded = limit
	}
	removal, err := run(bounded)
	if err != nil {
		return Removal{}, storageError("removing keys", err)
	}
	visited := uint64(removal.Loops)
	if bounded != limit && !removal.AllRemoved {
		visited++ // one more than the gas pays for
	}
	return removal, c.keys(visited)
}

func (c *call) affordableKeys() uint32 {
	if c.price.PerKey == 0 {
		return math.MaxUint32
	}
	left := max(c.machine.GasLeft(), 0)
	return uint32(min(uint64(left)/c.price.PerKey, math.MaxUint32))
}

func (c *call) removePrefix(prefixFat uint64, limit *uint32) (Removal, error) {
	prefix, err := c.input(prefixFat)
	if err != nil {
		return Removal{}, err
	}
	if touchesChildPrefix(prefix) {
		return Removal{AllRemoved: true}, nil
	}
	return c.remove(limit, func(limit *uint32) (Removal, error) { return c.storage.ClearPrefix(prefix, limit) })
}

// touchesChildPrefix says whether keys under the prefix may hold roots of child trees.
func touchesChildPrefix(prefix []byte) bool {
	return bytes.HasPrefix(prefix, childPrefix) || bytes.HasPrefix(childPrefix, prefix)
}

func storageClearPrefixV1(c *call, a []uint64) (uint64, error) {
	_, err := c.removePrefix(a[0], nil)
	return 0, err
}

func storageClearPrefixV2(c *call, a []uint64) (uint64, error) {
	limit, err := c.optionalLimit(a[1])
	if err != nil {
		return 0, err
	}
	removal, err := c.removePrefix(a[0], limit)
	if err != nil {
		return 0, err
	}
	return c.killResult(removal)
}

// killResult returns a SCALE KillStorageResult: AllRemoved(loops) or SomeRemaining(loops).
func (c *call) killResult(removal Removal) (uint64, error) {
	c.scratch = append(c.scratch[:0], byte(boolean(!removal.AllRemoved)))
	c.scratch = binary.LittleEndian.AppendUint32(c.scratch, removal.Loops)
	return c.machine.Return(c.scratch)
}

func storageRootV1(c *call, _ []uint64) (uint64, error) {
	root, err := c.storage.Root()
	if err != nil {
		return 0, storageError("computing the storage root", err)
	}
	return c.machine.Return(root[:])
}

func storageRootV2(c *call, a []uint64) (uint64, error) {
	if _, err := layout(a[0]); err != nil {
		return 0, err
	}
	return storageRootV1(c, nil)
}

func storageChangesRoot(c *call, _ []uint64) (uint64, error) { return c.machine.Return([]byte{0}) }

func storageStartTransaction(c *call, _ []uint64) (uint64, error) {
	c.storage.StartTransaction()
	return 0, nil
}

func storageCommitTransaction(c *call, _ []uint64) (uint64, error) {
	return 0, c.endTransaction("committing a transaction", c.storage.CommitTransaction)
}

func storageRollbackTransaction(c *call, _ []uint64) (uint64, error) {
	return 0, c.endTransaction("rolling back a transaction", c.storage.RollbackTransaction)
}

// endTransaction closes only transactions that the blob itself opened in this call.
func (c *call) endTransaction(doing string, end func() error) error {
	if c.storage.TransactionDepth() <= c.entryDepth {
		return storageError(doing, ErrNoTransaction)
	}
	if err := end(); err != nil {
		return storageError(doing, err)
	}
	return nil
}
