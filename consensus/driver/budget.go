package driver

import (
	"fmt"

	"github.com/sepia-chain/sepia/internal/scale"
)

// BudgetsKey is where a chain keeps the gas budgets of its blocks. The parent state decides for a block.
const BudgetsKey = ":sepia:budgets"

// Budgets are the gas of each phase, in ps. What one phase leaves is never lent to another.
type Budgets struct {
	Initialize int64 // Core_initialize_block
	Inherent   int64 // making the inherents, and applying each
	Extrinsic  int64 // each transaction
	Finalize   int64 // BlockBuilder_finalize_block
	FirstBlock int64 // all of a first block under new code
	Total      int64 // all of a block before finalize: once it is spent no transaction is begun
}

// DefaultBudgets are for runtimes whose state names none. They are bounds for the worst case, in ps of the host's prices, and
// meant to be met by nobody: a runtime's weights should fill a block before. 0.5 s to initialize, 0.1 s for an inherent, 2 s
// for one transaction and 3 s for all of a block up to its end, and 1 s to finalize.
var DefaultBudgets = Budgets{
	Initialize: 500_000_000_000,
	Inherent:   100_000_000_000,
	Extrinsic:  2_000_000_000_000,
	Finalize:   1_000_000_000_000,
	FirstBlock: 2_000_000_000_000,
	Total:      3_000_000_000_000,
}

// DecodeBudgets reads the stored form: the six numbers in the order of the type, each u64.
func DecodeBudgets(b []byte) (Budgets, error) {
	d := scale.NewDecoder(b)
	var out Budgets
	for _, field := range []*int64{&out.Initialize, &out.Inherent, &out.Extrinsic, &out.Finalize, &out.FirstBlock, &out.Total} {
		n := d.U64()
		if d.Err() == nil && n > 1<<62 {
			d.Fail(fmt.Errorf("budget of %d ps is over 2^62", n))
		}
		*field = int64(n)
	}
	if err := d.Finish(); err != nil {
		return Budgets{}, fmt.Errorf("decoding gas budgets: %w", err)
	}
	return out, nil
}

// purse is the gas of one block.
type purse struct {
	budgets Budgets
	first   bool // one sum for the whole block
	spent   int64
}

// limit is the gas for the next call of a phase.
func (p *purse) limit(phase int64) int64 {
	if p.first {
		return max(0, p.budgets.FirstBlock-p.spent)
	}
	return phase
}

func (p *purse) pay(used int64) { p.spent += used }

// empty says that no further transaction may begin.
func (p *purse) empty() bool { return p.spent >= p.budgets.Total }
