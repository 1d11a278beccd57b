// Command transfer moves some balance on a development chain and waits until the block is final: the shortest way to see
// a transaction land.
//
//	go run ./test/transfer                                  1 UNIT from //Alice to //Bob at ws://127.0.0.1:9944
//	go run ./test/transfer -from //Bob -to //Eve -units 5
//
// It takes development URIs only: it is a demonstration and a smoke test, not a wallet.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/sepia-chain/sepia/internal/keyring"
	"github.com/sepia-chain/sepia/test/wallet"
)

const (
	planckPerUnit = 1_000_000_000_000 // 12 decimals
	patience      = 30 * time.Second
)

func main() {
	url := flag.String("url", "ws://127.0.0.1:9944", "address of the node")
	from := flag.String("from", "//Alice", "sender, a development URI")
	to := flag.String("to", "//Bob", "receiver, a development URI")
	units := flag.Uint64("units", 1, "how many UNIT")
	flag.Parse()
	if err := transfer(*url, *from, *to, *units); err != nil {
		fmt.Fprintf(os.Stderr, "transfer: %v\n", err)
		os.Exit(1)
	}
}

func transfer(url, from, to string, units uint64) error {
	for _, uri := range []string{from, to} {
		if !strings.HasPrefix(uri, "//") {
			return fmt.Errorf("%q is no development URI: want one like //Alice", uri)
		}
	}
	sender, err := keyring.FromURI(keyring.Sr25519, from)
	if err != nil {
		return fmt.Errorf("sender: %w", err)
	}
	receiver, err := keyring.FromURI(keyring.Sr25519, to)
	if err != nil {
		return fmt.Errorf("receiver: %w", err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	node := wallet.Dial(url)
	before, err := node.Free(ctx, receiver.Account())
	if err != nil {
		return err
	}
	height, err := node.Height(ctx)
	if err != nil {
		return err
	}
	hash, err := node.Submit(ctx, sender, wallet.TransferKeepAlive(receiver.Account(), units*planckPerUnit))
	if err != nil {
		return err
	}
	where, err := node.WaitIncluded(ctx, hash, height)
	if err != nil {
		return err
	}
	after, err := node.Free(ctx, receiver.Account())
	if err != nil {
		return err
	}
	fmt.Printf("extrinsic %s is final: block %d (%s), place %d\n", hash, where.Number, where.Block, where.Index)
	fmt.Printf("%s had %s and has %s planck\n", to, before, after)
	if after.Cmp(before) <= 0 {
		return fmt.Errorf("the transfer is in block %d but %s did not receive it: its events say why", where.Number, to)
	}
	return nil
}
