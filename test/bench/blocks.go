package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/sepia-chain/sepia/test/solo"
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
func measure(c *solo.Chain, b blocks) ([]figure, error) {
	var validate, execute, root, commit, sum []time.Duration
	each := func(d time.Duration) time.Duration { return d / time.Duration(b.transactions) }
	for n := range b.count {
		transactions, err := b.make(n)
		if err != nil {
			return nil, err
		}
		begin := time.Now()
		for _, transaction := range transactions {
			if err := c.Validate(transaction); err != nil {
				return nil, fmt.Errorf("block %d of the bench: %w", n, err)
			}
		}
		validated := time.Since(begin)
		if err := c.Include(transactions); err != nil {
			return nil, err
		}
		if n < b.warmUp {
			continue
		}
		spent := c.Spent()
		validate = append(validate, each(validated))
		execute = append(execute, each(spent.Execute))
		root = append(root, each(spent.Root))
		commit = append(commit, each(spent.Commit))
		sum = append(sum, each(spent.Execute+spent.Root+spent.Commit))
	}
	all := median(sum)
	return []figure{
		{b.name + ": validate in the pool", median(validate), "signature check included"},
		{b.name + ": execute", median(execute), "signature known"},
		{b.name + ": root", median(root), b.note},
		{b.name + ": commit", median(commit), "history on, synced"},
		{b.name + ": all", all, fmt.Sprintf("median of %d blocks of %d: %s", b.count-b.warmUp, b.transactions, rate(all*time.Duration(b.transactions)))},
	}, nil
}

const (
	quietBlocks = 220
	quietWarmUp = 20
)

// benchQuiet times blocks without transactions, made without CometBFT and committed with a synced batch.
func benchQuiet(dir string) ([]figure, error) {
	c, err := solo.Open(dir, nil)
	if err != nil {
		return nil, err
	}
	var execute, commit, sum []time.Duration
	for n := range quietBlocks {
		if err := c.Include(nil); err != nil {
			return nil, errors.Join(err, c.Close())
		}
		if n >= quietWarmUp {
			execute = append(execute, c.Spent().Execute+c.Spent().Root)
			commit = append(commit, c.Spent().Commit)
			sum = append(sum, c.Spent().Execute+c.Spent().Root+c.Spent().Commit)
		}
	}
	all := median(sum)
	return []figure{
		{"quiet block: execute", median(execute), "time and report of CometBFT's, root included"},
		{"quiet block: commit", median(commit), "history on, synced"},
		{"quiet block: all", all, fmt.Sprintf("median of %d blocks: %s without CometBFT", len(sum), rate(all))},
	}, c.Close()
}

// rate says how many blocks a second that is.
func rate(block time.Duration) string {
	return fmt.Sprintf("%.1f blocks/s", float64(time.Second)/float64(block))
}
