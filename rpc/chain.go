package rpc

import (
	"context"
	"encoding/hex"
	"fmt"
	"math"
	"strconv"

	"github.com/sepia-chain/sepia/internal/primitives"
)

// header is a block header in Substrate's JSON: the number in minimal hex, each digest item as the hex of its SCALE form.
type header struct {
	ParentHash     primitives.Hash `json:"parentHash"`
	Number         string          `json:"number"`
	StateRoot      primitives.Hash `json:"stateRoot"`
	ExtrinsicsRoot primitives.Hash `json:"extrinsicsRoot"`
	Digest         digest          `json:"digest"`
}

type digest struct {
	Logs []string `json:"logs"`
}

type signedBlock struct {
	Block          block `json:"block"`
	Justifications any   `json:"justifications"` // always null: a block here is final by its commit
}

type block struct {
	Header     header   `json:"header"`
	Extrinsics []string `json:"extrinsics"`
}

func headerJSON(h *primitives.Header) header {
	logs := make([]string, len(h.Digest))
	for i, item := range h.Digest {
		logs[i] = hexText(item.Append(nil))
	}
	return header{
		ParentHash:     h.ParentHash,
		Number:         "0x" + strconv.FormatUint(uint64(h.Number), 16),
		StateRoot:      h.StateRoot,
		ExtrinsicsRoot: h.ExtrinsicsRoot,
		Digest:         digest{Logs: logs},
	}
}

func hexText(b []byte) string { return "0x" + hex.EncodeToString(b) }

// hexTexts never returns nil, which JSON would show as null.
func hexTexts(list [][]byte) []string {
	out := make([]string, len(list))
	for i, b := range list {
		out[i] = hexText(b)
	}
	return out
}

// blockArg is parameter i, a block hash, or the best block's if it was left out.
func (s *Server) blockArg(a args, i int) primitives.Hash {
	if hash, ok := arg[primitives.Hash](a, i); ok {
		return hash
	}
	return s.chain.Best().Hash
}

func (s *Server) getBlockHash(_ context.Context, a args) (any, error) {
	if numbers, ok := arg[[]uint64](a, 0); ok {
		hashes := make([]*primitives.Hash, len(numbers))
		for i, n := range numbers {
			hash, err := s.hashAt(n)
			if err != nil {
				return nil, err
			}
			hashes[i] = hash
		}
		return hashes, nil
	}
	if n, ok := arg[uint64](a, 0); ok {
		return s.hashAt(n)
	}
	return s.chain.Best().Hash, nil
}

// hashAt returns nil for a block that does not exist yet.
func (s *Server) hashAt(number uint64) (*primitives.Hash, error) {
	if number > math.MaxUint32 {
		return nil, nil
	}
	if number == 0 {
		genesis := s.chain.Genesis()
		return &genesis, nil
	}
	hash, found, err := s.chain.HashAt(uint32(number))
	if err != nil {
		return nil, fmt.Errorf("reading the hash of block %d: %w", number, err)
	}
	if !found {
		return nil, nil
	}
	return &hash, nil
}

func (s *Server) getFinalizedHead(context.Context, args) (any, error) {
	return s.chain.Best().Hash, nil
}

func (s *Server) getHeader(_ context.Context, a args) (any, error) {
	hash := s.blockArg(a, 0)
	h, found, err := s.chain.Header(hash)
	if err != nil {
		return nil, fmt.Errorf("reading header %s: %w", hash, err)
	}
	if !found {
		return nil, nil
	}
	return headerJSON(h), nil
}

func (s *Server) getBlock(_ context.Context, a args) (any, error) {
	hash := s.blockArg(a, 0)
	h, found, err := s.chain.Header(hash)
	if err != nil {
		return nil, fmt.Errorf("reading header %s: %w", hash, err)
	}
	if !found {
		return nil, nil
	}
	extrinsics, found, err := s.chain.Body(hash)
	if err != nil {
		return nil, fmt.Errorf("reading body %s: %w", hash, err)
	}
	if !found {
		return nil, nil
	}
	return signedBlock{Block: block{Header: headerJSON(h), Extrinsics: hexTexts(extrinsics)}}, nil
}

func (s *Server) subscribeHeads(_ context.Context, made *subscription, _ args) error {
	made.initial = s.hub.addHead(made)
	return nil
}
