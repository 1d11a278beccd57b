package consensus

import (
	"crypto/sha256"

	"github.com/sepia-chain/sepia/internal/primitives"
	"github.com/sepia-chain/sepia/internal/scale"
)

// content is a hash over everything that a block is executed from, beside the parent state. A proposer files its block under
// it, because CometBFT has no hash for the block yet; when CometBFT asks to judge the same block, it is found there.
func (p *proposal) content(txs [][]byte) [32]byte {
	b := scale.AppendU64(nil, uint64(p.height))
	b = scale.AppendU64(b, uint64(p.time.Unix()))
	b = scale.AppendU32(b, uint32(p.time.Nanosecond()))
	b = scale.AppendBytes(b, p.commitInfo())
	b = scale.AppendCompact(b, uint64(len(txs)))
	for _, tx := range txs {
		hash := primitives.Blake2_256(tx)
		b = append(b, hash[:]...)
	}
	return sha256.Sum256(b)
}
