package state

import (
	"bytes"
	"encoding/binary"
	"fmt"
)

// The first byte of every key in the database. CometBFT's databases are under their own (package cometdb).
const (
	keyMeta      byte = 'M' // -> meta record: format and latest height
	keyState     byte = 'S' // tree key -> record: the state at the latest height
	keyHistory   byte = 'V' // esc(tree key), inverted height -> record or tombstone
	keyPreimage  byte = 'K' // SHA-256 of a tree key -> tree key; names the neighbours in proofs of absence
	keyChanges   byte = 'L' // height -> tree keys the block changed, with the height each was written before
	keyBig       byte = 'B' // height, number -> value longer than maxInline
	keyBlock     byte = 'H' // height -> block record: header, hashes, host version
	keyBody      byte = 'T' // height -> extrinsics
	keyBlockHash byte = 'I' // block hash -> height
	keyExtrinsic byte = 'X' // extrinsic hash -> height, index
	keyExtra     byte = 'E' // what callers add to a commit, under keys of theirs
)

// ownKeys is every prefix that belongs to the state, and nothing of CometBFT's.
const ownKeys = string(keyMeta) + string(keyState) + string(keyHistory) + string(keyPreimage) + string(keyChanges) +
	string(keyBig) + string(keyBlock) + string(keyBody) + string(keyBlockHash) + string(keyExtrinsic) + string(keyExtra)

// The first byte of a tree key: the domain. A key of child storage can so never equal one of the top storage, nor one of
// another child, and the empty key is a key like any other.
const (
	domainTop   byte = 0
	domainChild byte = 1
)

// childStoragePrefix is where Substrate keeps child tries. Guests may not write there.
const childStoragePrefix = ":child_storage:"

// codeKey is where the runtime blob is.
const codeKey = ":code"

// TreeKey is what a key of the top storage is called in the tree, in proofs and in the database.
func TreeKey(key []byte) []byte { return append([]byte{domainTop}, key...) }

// ChildTreeKey is what a key of a child storage is called in the tree.
func ChildTreeKey(id, key []byte) []byte { return append(childDomain(id), key...) }

// topDomain is the prefix of all tree keys of the top storage.
func topDomain() []byte { return []byte{domainTop} }

// childDomain is the prefix of all tree keys of a child storage. The length in front keeps children apart of which one's
// id begins with the other's.
func childDomain(id []byte) []byte {
	domain := append(make([]byte, 0, 5+len(id)+32), domainChild)
	domain = binary.BigEndian.AppendUint32(domain, uint32(len(id)))
	return append(domain, id...)
}

// splitTreeKey undoes TreeKey and ChildTreeKey. For a key of the top storage id is nil.
func splitTreeKey(treeKey []byte) (id, key []byte, err error) {
	if len(treeKey) > 0 && treeKey[0] == domainTop {
		return nil, treeKey[1:], nil
	}
	if len(treeKey) < 5 || treeKey[0] != domainChild {
		return nil, nil, fmt.Errorf("%w: tree key %x is of no known domain", ErrCorrupt, treeKey)
	}
	n := binary.BigEndian.Uint32(treeKey[1:5])
	if uint64(n) > uint64(len(treeKey)-5) {
		return nil, nil, fmt.Errorf("%w: tree key %x is shorter than its child id", ErrCorrupt, treeKey)
	}
	return treeKey[5 : 5+n : 5+n], treeKey[5+n:], nil
}

// isChildStorageKey says whether a key of the top storage is reserved for child tries.
func isChildStorageKey(key []byte) bool { return bytes.HasPrefix(key, []byte(childStoragePrefix)) }

// touchesChildStorage says whether a prefix covers reserved keys, or lies under them.
func touchesChildStorage(prefix []byte) bool {
	return isChildStorageKey(prefix) || bytes.HasPrefix([]byte(childStoragePrefix), prefix)
}

// Escaping makes keys of any length sort right when something is appended to them: zero becomes zero and 0xff, and the
// end is marked by zero and 1. Two is above every mark of an end and below every continuation.
const (
	escByte byte = 0xff
	escEnd  byte = 1
	escSkip byte = 2
)

// appendEscaped appends the escaped bytes of key, without an end.
func appendEscaped(dst, key []byte) []byte {
	for _, b := range key {
		dst = append(dst, b)
		if b == 0 {
			dst = append(dst, escByte)
		}
	}
	return dst
}

// unescape reads an escaped key with its end from the front of b, and returns the rest.
func unescape(b []byte) (key, rest []byte, err error) {
	for i := 0; i < len(b); i++ {
		if b[i] != 0 {
			key = append(key, b[i])
			continue
		}
		if i+1 == len(b) {
			break
		}
		switch b[i+1] {
		case escEnd:
			return key, b[i+2:], nil
		case escByte:
			key = append(key, 0)
			i++
		default:
			return nil, nil, fmt.Errorf("%w: escaped key %x has zero and %d", ErrCorrupt, b, b[i+1])
		}
	}
	return nil, nil, fmt.Errorf("%w: escaped key %x has no end", ErrCorrupt, b)
}

// appendHistoryKey appends where the version of a tree key written at a height is. Newer versions come first.
func appendHistoryKey(dst, treeKey []byte, height uint32) []byte {
	dst = appendEscaped(append(dst, keyHistory), treeKey)
	dst = append(dst, 0, escEnd)
	return binary.BigEndian.AppendUint64(dst, ^uint64(height))
}

// parseHistoryKey undoes appendHistoryKey.
func parseHistoryKey(k []byte) (treeKey []byte, height uint32, err error) {
	if len(k) == 0 || k[0] != keyHistory {
		return nil, 0, fmt.Errorf("%w: %x is no history key", ErrCorrupt, k)
	}
	treeKey, rest, err := unescape(k[1:])
	if err != nil {
		return nil, 0, err
	}
	if len(rest) != 8 || ^binary.BigEndian.Uint64(rest) > 1<<32-1 {
		return nil, 0, fmt.Errorf("%w: history key %x has no height", ErrCorrupt, k)
	}
	return treeKey, uint32(^binary.BigEndian.Uint64(rest)), nil
}

func stateKey(treeKey []byte) []byte { return append([]byte{keyState}, treeKey...) }

// heightKey is where something kept once a height is.
func heightKey(kind byte, height uint32) []byte {
	return binary.BigEndian.AppendUint64([]byte{kind}, uint64(height))
}

func bigKey(height, number uint32) []byte {
	return binary.BigEndian.AppendUint32(heightKey(keyBig, height), number)
}

func hashKey(kind byte, hash [32]byte) []byte { return append([]byte{kind}, hash[:]...) }

// after is the first byte string that does not begin with prefix and sorts after it, or nil if there is none.
func after(prefix []byte) []byte {
	end := bytes.Clone(prefix)
	for i := len(end) - 1; i >= 0; i-- {
		end[i]++
		if end[i] != 0 {
			return end[:i+1]
		}
	}
	return nil
}
