package validity

import (
	"fmt"

	"github.com/sepia-chain/sepia/internal/scale"
)

// MaxExtrinsicBytes is the largest extrinsic that enters the pool or a block: 2.5 MiB, a 2 MiB runtime blob with its call
// and signature, and room to spare.
const MaxExtrinsicBytes = 2_621_440

// CheckFormat says why b is not exactly one extrinsic in its outer form: a canonical compact length, that many bytes, and
// nothing after. A runtime's own decoder accepts trailing bytes, so two spellings of one extrinsic would have two hashes.
func CheckFormat(b []byte) error {
	if len(b) > MaxExtrinsicBytes {
		return fmt.Errorf("%d bytes, the limit is %d", len(b), MaxExtrinsicBytes)
	}
	d := scale.NewDecoder(b)
	body := d.Bytes()
	if err := d.Finish(); err != nil {
		return fmt.Errorf("not one length-prefixed extrinsic: %w", err)
	}
	if len(body) == 0 {
		return fmt.Errorf("not one length-prefixed extrinsic: %w", scale.ErrShort)
	}
	return nil
}

// preambleKindMask covers the two bits of an extrinsic's first byte that tell a bare one (00) from general (01) and
// signed (10). The six others are the format version.
const preambleKindMask = 0xc0

// IsBare says whether a well-formed extrinsic carries neither signature nor transaction extensions, as inherents do.
func IsBare(b []byte) bool {
	body := scale.NewDecoder(b).Bytes()
	return len(body) > 0 && body[0]&preambleKindMask == 0
}
