package rpc

import (
	"context"
	"fmt"

	"github.com/sepia-chain/sepia/internal/primitives"
	"github.com/sepia-chain/sepia/internal/scale"
)

// checkExtrinsic refuses bytes that are not one extrinsic with its length in front. What is inside is the runtime's to
// judge.
func checkExtrinsic(extrinsic []byte) error {
	d := scale.NewDecoder(extrinsic)
	if body := d.Bytes(); d.Err() == nil && len(body) == 0 {
		return fmt.Errorf("it is empty")
	}
	if err := d.Finish(); err != nil {
		return fmt.Errorf("its length prefix does not match: %w", err)
	}
	return nil
}

func (s *Server) submitExtrinsic(ctx context.Context, a args) (any, error) {
	extrinsic, _ := arg[[]byte](a, 0)
	if err := checkExtrinsic(extrinsic); err != nil {
		return nil, InvalidFormat(err.Error())
	}
	return s.pool.Submit(ctx, extrinsic)
}

// submitAndWatch lets the watch live as long as its subscription, not as long as the call.
func (s *Server) submitAndWatch(_ context.Context, made *subscription, a args) error {
	extrinsic, _ := arg[[]byte](a, 0)
	if err := checkExtrinsic(extrinsic); err != nil {
		return InvalidFormat(err.Error())
	}
	ctx, cancel := context.WithCancel(made.conn.ctx)
	made.leave = cancel
	_, statuses, err := s.pool.Watch(ctx, extrinsic)
	if err != nil {
		return err
	}
	made.run = func() { s.follow(ctx, made, statuses) }
	return nil
}

func (s *Server) follow(ctx context.Context, made *subscription, statuses <-chan TxStatus) {
	defer made.conn.unsubscribe(made.id, made.notifies)
	included := false
	for {
		select {
		case <-ctx.Done():
			return
		case status, ok := <-statuses:
			if !ok {
				return
			}
			if included && status.Kind == TxFinalized {
				made.conn.settle(ctx)
			}
			included = status.Kind == TxInBlock
			encoded, err := encodeJSON(status)
			if err != nil {
				s.log.Error("cannot encode a transaction status", "err", err)
				return
			}
			if status.Last() { // first, so that a client that unwatches on the last status always hears the same answer
				made.conn.unsubscribe(made.id, made.notifies)
				made.notify(encoded)
				return
			}
			made.notify(encoded)
		}
	}
}

func (s *Server) pendingExtrinsics(context.Context, args) (any, error) {
	room, pending := s.room(), s.pool.Pending()
	for _, extrinsic := range pending {
		if err := room.take(len(extrinsic)); err != nil {
			return nil, err
		}
	}
	return hexTexts(pending), nil
}

// accountNextIndex asks the runtime and lets the pool count on.
func (s *Server) accountNextIndex(ctx context.Context, a args) (any, error) {
	account, _ := arg[primitives.AccountID](a, 0)
	at := s.chain.Best().Hash
	output, err := s.chain.Call(ctx, at, "AccountNonceApi_account_nonce", account[:])
	if err != nil {
		return nil, stateError(err, at)
	}
	nonce, ok := u32(output)
	if !ok {
		return nil, executionFailed("AccountNonceApi_account_nonce did not return a 32-bit number")
	}
	return s.pool.NextIndex(account, nonce), nil
}
