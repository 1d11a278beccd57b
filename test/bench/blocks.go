package main

import (
	"fmt"
	"time"
)

// blocks says which blocks a bench makes: all transactions of the n-th at once, so that each can be timed by its parts.
type blocks struct {
	name         string
	transactions int // in each
	count        int
	warmUp       int // of these, not counted
	note         string
	make         func(n int) ([][]byte, error)
}

// measure makes blocks, each transaction validated before as the pool does, and returns what one transaction costs in each
// part, as medians over the blocks.
func (c *chain) measure(b blocks) ([]figure, error) {
	var validate, execute, root, commit, sum []time.Duration
	each := func(d time.Duration) time.Duration { return d / time.Duration(b.transactions) }
	for n := range b.count {
		transactions, err := b.make(n)
		if err != nil {
			return nil, err
		}
		begin := time.Now()
		for _, transaction := range transactions {
			if err := c.validate(transaction); err != nil {
				return nil, fmt.Errorf("block %d: %w", c.height+1, err)
			}
		}
		validated := time.Since(begin)
		if err := c.include(transactions); err != nil {
			return nil, err
		}
		if n < b.warmUp {
			continue
		}
		validate = append(validate, each(validated))
		execute = append(execute, each(c.spent.execute))
		root = append(root, each(c.spent.root))
		commit = append(commit, each(c.spent.commit))
		sum = append(sum, each(c.spent.execute+c.spent.root+c.spent.commit))
	}
	return []figure{
		{b.name + ": validate in the pool", median(validate), "signature check included"},
		{b.name + ": execute", median(execute), "signature known"},
		{b.name + ": root", median(root), b.note},
		{b.name + ": commit", median(commit), "history on, synced"},
		{b.name + ": all", median(sum), fmt.Sprintf("median of %d blocks of %d", b.count-b.warmUp, b.transactions)},
	}, nil
}
