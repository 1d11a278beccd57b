// Package wallet is a small wallet over JSON-RPC: it reads nonces, signs calls and waits until they are in a final block.
//
// Go tests, the bench and the transfer tool use it where a JavaScript library would be in the way. It knows the dev
// chain's pallet and call numbers; whether those are what metadata says is the client tests' business. It is not for keys
// of value.
package wallet

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/sepia-chain/sepia/internal/extrinsic"
	"github.com/sepia-chain/sepia/internal/keyring"
	"github.com/sepia-chain/sepia/internal/primitives"
	"github.com/sepia-chain/sepia/internal/scale"
)

const (
	maxAnswerBytes = 16 << 20 // the server's own frame limit
	pollInterval   = 20 * time.Millisecond
)

// RPCError is an error that the node answered with.
type RPCError struct {
	Code    int             `json:"code"`
	Message string          `json:"message"`
	Data    json.RawMessage `json:"data"`
}

func (e *RPCError) Error() string {
	return fmt.Sprintf("%d: %s: %s", e.Code, e.Message, strings.Trim(string(e.Data), `"`))
}

// Client calls one node over HTTP.
type Client struct {
	url  string
	next atomic.Uint64
}

// Dial names the node; it does not connect yet. A ws:// address works too: the port is the same.
func Dial(url string) *Client {
	return &Client{url: strings.Replace(url, "ws://", "http://", 1)}
}

// Call makes one JSON-RPC call. An error of the node is an *RPCError.
func (c *Client) Call(ctx context.Context, into any, method string, params ...any) error {
	if params == nil {
		params = []any{}
	}
	body, err := json.Marshal(map[string]any{"jsonrpc": "2.0", "id": c.next.Add(1), "method": method, "params": params})
	if err != nil {
		return fmt.Errorf("encoding %s: %w", method, err)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("calling %s: %w", method, err)
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return fmt.Errorf("calling %s: %w", method, err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(response.Body, maxAnswerBytes))
	if err != nil {
		return fmt.Errorf("reading the answer to %s: %w", method, err)
	}
	var parsed struct {
		Result json.RawMessage `json:"result"`
		Error  *RPCError       `json:"error"`
	}
	if err := json.Unmarshal(answer, &parsed); err != nil {
		return fmt.Errorf("the answer to %s is no JSON-RPC: %w", method, err)
	}
	if parsed.Error != nil {
		return fmt.Errorf("%s: %w", method, parsed.Error)
	}
	if into == nil {
		return nil
	}
	if err := json.Unmarshal(parsed.Result, into); err != nil {
		return fmt.Errorf("reading the result of %s: %w", method, err)
	}
	return nil
}

// Params asks the node for all that a signature needs. The result is immortal.
func (c *Client) Params(ctx context.Context, account primitives.AccountID) (extrinsic.Params, error) {
	var p extrinsic.Params
	var version struct {
		SpecVersion uint32 `json:"specVersion"`
		TxVersion   uint32 `json:"transactionVersion"`
	}
	err := errors.Join(
		c.Call(ctx, &p.Genesis, "chain_getBlockHash", 0),
		c.Call(ctx, &version, "state_getRuntimeVersion"),
		c.Call(ctx, &p.Nonce, "system_accountNextIndex", account.String()),
	)
	p.SpecVersion, p.TxVersion, p.Checkpoint = version.SpecVersion, version.TxVersion, p.Genesis
	return p, err
}

// Submit signs a call and sends it. The result is the extrinsic's hash.
func (c *Client) Submit(ctx context.Context, pair *keyring.Pair, call []byte) (primitives.Hash, error) {
	params, err := c.Params(ctx, pair.Account())
	if err != nil {
		return primitives.Hash{}, err
	}
	signed, err := extrinsic.Sign(pair, call, params)
	if err != nil {
		return primitives.Hash{}, err
	}
	var hash primitives.Hash
	err = c.Call(ctx, &hash, "author_submitExtrinsic", "0x"+hex.EncodeToString(signed))
	return hash, err
}

// Inclusion says where an extrinsic landed.
type Inclusion struct {
	Block  primitives.Hash
	Number uint32
	Index  int // place in the block's body
}

// WaitIncluded waits until an extrinsic is in a block, looking at every block from the given one on.
func (c *Client) WaitIncluded(ctx context.Context, xt primitives.Hash, from uint32) (Inclusion, error) {
	for number := from; ; {
		at, found, err := c.find(ctx, xt, number)
		if err != nil {
			return Inclusion{}, err
		}
		if found != nil {
			return *found, nil
		}
		if at {
			number++
			continue
		}
		select {
		case <-ctx.Done():
			return Inclusion{}, fmt.Errorf("waiting for extrinsic %s from block %d on: %w", xt, from, ctx.Err())
		case <-time.After(pollInterval):
		}
	}
}

// find looks for an extrinsic in one block, if that block exists.
func (c *Client) find(ctx context.Context, xt primitives.Hash, number uint32) (exists bool, found *Inclusion, err error) {
	var hash *primitives.Hash
	if err := c.Call(ctx, &hash, "chain_getBlockHash", number); err != nil || hash == nil {
		return false, nil, err
	}
	var signed struct {
		Block struct {
			Extrinsics []string `json:"extrinsics"`
		} `json:"block"`
	}
	if err := c.Call(ctx, &signed, "chain_getBlock", hash.String()); err != nil {
		return false, nil, err
	}
	for i, text := range signed.Block.Extrinsics {
		body, err := hex.DecodeString(strings.TrimPrefix(text, "0x"))
		if err != nil {
			return true, nil, fmt.Errorf("extrinsic %d of block %d: %w", i, number, err)
		}
		if primitives.Blake2_256(body) == xt {
			return true, &Inclusion{Block: *hash, Number: number, Index: i}, nil
		}
	}
	return true, nil, nil
}

// Height is the number of the best block.
func (c *Client) Height(ctx context.Context) (uint32, error) {
	var header struct {
		Number string `json:"number"`
	}
	if err := c.Call(ctx, &header, "chain_getHeader"); err != nil {
		return 0, err
	}
	var height uint32
	if _, err := fmt.Sscanf(header.Number, "0x%x", &height); err != nil {
		return 0, fmt.Errorf("block number %q: %w", header.Number, err)
	}
	return height, nil
}

// Free is an account's free balance in the smallest unit.
func (c *Client) Free(ctx context.Context, account primitives.AccountID) (*big.Int, error) {
	hash := primitives.Blake2_128(account[:])
	key := append(primitives.StoragePrefix("System", "Account"), hash[:]...)
	key = append(key, account[:]...)
	var text *string
	if err := c.Call(ctx, &text, "state_getStorage", "0x"+hex.EncodeToString(key)); err != nil {
		return nil, err
	}
	if text == nil {
		return new(big.Int), nil
	}
	value, err := hex.DecodeString(strings.TrimPrefix(*text, "0x"))
	if err != nil {
		return nil, fmt.Errorf("account %s: %w", account, err)
	}
	d := scale.NewDecoder(value)
	const beforeFree = 4 * 4 // nonce, consumers, providers, sufficients
	d.Fixed(beforeFree)
	free := d.U128()
	return free, d.Err()
}

// TransferKeepAlive is the call that moves balance without emptying the sender.
func TransferKeepAlive(to primitives.AccountID, amount uint64) []byte {
	const balances, transferKeepAlive = 2, 3
	return scale.AppendCompact(extrinsic.Address([]byte{balances, transferKeepAlive}, to), amount)
}
