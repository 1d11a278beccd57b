package rpc

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/sepia-chain/sepia/internal/primitives"
	"github.com/sepia-chain/sepia/internal/scale"
)

// runtimeVersion is RuntimeVersion in Substrate's JSON. The last two fields are one number under its old and new name.
type runtimeVersion struct {
	SpecName           string   `json:"specName"`
	ImplName           string   `json:"implName"`
	AuthoringVersion   uint32   `json:"authoringVersion"`
	SpecVersion        uint32   `json:"specVersion"`
	ImplVersion        uint32   `json:"implVersion"`
	Apis               [][2]any `json:"apis"`
	TransactionVersion uint32   `json:"transactionVersion"`
	SystemVersion      uint8    `json:"systemVersion"`
	StateVersion       uint8    `json:"stateVersion"`
}

// storageChange is a key and its value, null for none.
type storageChange [2]*string

// storageChangeSet is what storage queries and subscriptions tell.
type storageChangeSet struct {
	Block   primitives.Hash `json:"block"`
	Changes []storageChange `json:"changes"`
}

func versionJSON(v RuntimeVersion) runtimeVersion {
	apis := make([][2]any, len(v.Apis))
	for i, api := range v.Apis {
		apis[i] = [2]any{hexText(api.ID[:]), api.Version}
	}
	return runtimeVersion{
		SpecName: v.SpecName, ImplName: v.ImplName, AuthoringVersion: v.AuthoringVersion, SpecVersion: v.SpecVersion, ImplVersion: v.ImplVersion,
		Apis: apis, TransactionVersion: v.TransactionVersion, SystemVersion: v.StateVersion, StateVersion: v.StateVersion,
	}
}

// stateError turns what a view says of a block or a call into what the client is told.
func stateError(err error, at primitives.Hash) error {
	if errors.Is(err, ErrUnknownBlock) {
		return unknownBlock(at)
	}
	var call *CallError
	if errors.As(err, &call) {
		return executionFailed(call.Text)
	}
	return err
}

// withState runs read on the state after the block that parameter i names.
func (s *Server) withState(a args, i int, read func(State, primitives.Hash) (any, error)) (any, error) {
	at := s.blockArg(a, i)
	state, err := s.chain.StateAt(at)
	if err != nil {
		return nil, stateError(err, at)
	}
	defer state.Release()
	return read(state, at)
}

// room is how much more a response may hold, so that a short request cannot ask for a huge answer.
type room struct{ left, limit int }

func (s *Server) room() *room {
	return &room{left: s.config.MaxFrameBytes, limit: s.config.MaxFrameBytes}
}

// take counts n bytes that will be written as hex between quotes.
func (r *room) take(n int) error {
	if r.left -= 2*n + 6; r.left < 0 {
		return responseTooBig(r.limit)
	}
	return nil
}

func (s *Server) stateCall(ctx context.Context, a args) (any, error) {
	name, _ := arg[string](a, 0)
	data, _ := arg[[]byte](a, 1)
	at := s.blockArg(a, 2)
	output, err := s.chain.Call(ctx, at, name, data)
	if err != nil {
		return nil, stateError(err, at)
	}
	return hexText(output), nil
}

// newestMetadata is the newest metadata version that clients decode today.
const newestMetadata = 16

// getMetadata answers with the newest version that the runtime offers, not with Substrate's 14: polkadot.js starts with
// the newest, through state_call, but after an upgrade it asks this method. Given 14 then, it warns of runtime APIs that
// 14 does not describe, and decodes with type numbers of the version it had before.
func (s *Server) getMetadata(ctx context.Context, a args) (any, error) {
	at := s.blockArg(a, 0)
	output, err := s.chain.Call(ctx, at, "Metadata_metadata_versions", nil)
	var refused *CallError
	if errors.As(err, &refused) { // a runtime from before there were several
		return s.metadataCall(ctx, at, "Metadata_metadata", nil, false)
	}
	if err != nil {
		return nil, stateError(err, at)
	}
	d := scale.NewDecoder(output)
	newest := uint32(0)
	for range d.Length(4) {
		if version := d.U32(); version <= newestMetadata {
			newest = max(newest, version)
		}
	}
	if d.Finish() != nil || newest == 0 {
		return nil, executionFailed("Metadata_metadata_versions did not list a usable version")
	}
	return s.metadataCall(ctx, at, "Metadata_metadata_at_version", scale.AppendU32(nil, newest), true)
}

// metadataCall takes the metadata out of the byte string, and the option, in which the runtime returns it.
func (s *Server) metadataCall(ctx context.Context, at primitives.Hash, name string, input []byte, option bool) (any, error) {
	output, err := s.chain.Call(ctx, at, name, input)
	if err != nil {
		return nil, stateError(err, at)
	}
	d := scale.NewDecoder(output)
	if option && !d.Bool() {
		d.Fail(errors.New("none"))
	}
	metadata := d.Bytes()
	if d.Finish() != nil {
		return nil, executionFailed(name + " did not return metadata")
	}
	return hexText(metadata), nil
}

func (s *Server) getRuntimeVersion(_ context.Context, a args) (any, error) {
	at := s.blockArg(a, 0)
	version, err := s.chain.RuntimeVersion(at)
	if err != nil {
		return nil, stateError(err, at)
	}
	return versionJSON(version), nil
}

// value reads the storage value that parameter 0 names at the block that parameter 1 names, and shows it by form.
func (s *Server) value(a args, form func([]byte) any) (any, error) {
	key, _ := arg[[]byte](a, 0)
	return s.withState(a, 1, func(state State, _ primitives.Hash) (any, error) {
		value, found, err := state.Get(key)
		if err != nil || !found {
			return nil, err
		}
		return form(value), nil
	})
}

func formBytes(value []byte) any { return hexText(value) }
func formHash(value []byte) any  { return primitives.Blake2_256(value) }
func formSize(value []byte) any  { return len(value) }

func (s *Server) getStorage(_ context.Context, a args) (any, error)     { return s.value(a, formBytes) }
func (s *Server) getStorageHash(_ context.Context, a args) (any, error) { return s.value(a, formHash) }
func (s *Server) getStorageSize(_ context.Context, a args) (any, error) { return s.value(a, formSize) }

// pageArgs are prefix, count and start of a paged listing, whose parameters begin at i.
func pageArgs(a args, i int) (prefix []byte, count int, start []byte, err error) {
	prefix, _ = arg[[]byte](a, i)
	n, _ := arg[uint64](a, i+1)
	start, _ = arg[[]byte](a, i+2)
	if n > maxKeysPerPage {
		return nil, 0, nil, &Error{Code: CodeStateCountTooHigh, Message: fmt.Sprintf("count exceeds maximum value. value: %d, max: %d", n, maxKeysPerPage)}
	}
	return prefix, int(n), start, nil
}

func (s *Server) keysPaged(_ context.Context, a args) (any, error) {
	prefix, count, start, err := pageArgs(a, 0)
	if err != nil {
		return nil, err
	}
	return s.withState(a, 3, func(state State, _ primitives.Hash) (any, error) {
		keys, err := state.KeysPaged(prefix, count, start)
		return hexTexts(keys), err
	})
}

func (s *Server) queryStorageAt(_ context.Context, a args) (any, error) {
	keys, _ := arg[[][]byte](a, 0)
	return s.withState(a, 1, func(state State, at primitives.Hash) (any, error) {
		changes, err := readChanges(state, keys, s.room())
		if err != nil {
			return nil, err
		}
		return []storageChangeSet{{Block: at, Changes: changes}}, nil
	})
}

func readChange(state State, key []byte) (storageChange, error) {
	value, found, err := state.Get(key)
	if err != nil {
		return storageChange{}, fmt.Errorf("reading key %x: %w", key, err)
	}
	keyText := hexText(key)
	if !found {
		return storageChange{&keyText, nil}, nil
	}
	valueText := hexText(value)
	return storageChange{&keyText, &valueText}, nil
}

func readChanges(state State, keys [][]byte, r *room) ([]storageChange, error) {
	changes := make([]storageChange, len(keys))
	for i, key := range keys {
		change, err := readChange(state, key)
		if err != nil {
			return nil, err
		}
		valueBytes := 0
		if change[1] != nil {
			valueBytes = len(*change[1]) / 2
		}
		if err := r.take(len(key) + valueBytes); err != nil {
			return nil, err
		}
		changes[i] = change
	}
	return changes, nil
}

func (s *Server) subscribeRuntimeVersion(_ context.Context, made *subscription, _ args) error {
	at := s.hub.addVersion(made)
	version, err := s.chain.RuntimeVersion(at.Hash)
	if err != nil {
		return stateError(err, at.Hash)
	}
	made.initial, err = encodeJSON(versionJSON(version))
	return err
}

func (s *Server) subscribeStorage(_ context.Context, made *subscription, a args) error {
	keys, ok := arg[[][]byte](a, 0)
	if !ok {
		return unsafeMethod()
	}
	at := s.hub.addStorage(made, keys)
	state, err := s.chain.StateAt(at.Hash)
	if err != nil {
		return stateError(err, at.Hash)
	}
	defer state.Release()
	changes, err := readChanges(state, keys, s.room())
	if err != nil {
		return err
	}
	made.initial, err = encodeJSON(storageChangeSet{Block: at.Hash, Changes: changes})
	return err
}

// childStoragePrefix is what a child storage's key starts with. What follows is its id.
const childStoragePrefix = ":child_storage:default:"

// withChild is withState for the child storage that parameter 0 names.
func (s *Server) withChild(a args, i int, read func(state State, id []byte) (any, error)) (any, error) {
	childKey, _ := arg[[]byte](a, 0)
	id, ok := bytes.CutPrefix(childKey, []byte(childStoragePrefix))
	if !ok {
		return nil, &Error{Code: CodeStateClient, Message: "Client error: Invalid child storage key: it must start with " + childStoragePrefix}
	}
	return s.withState(a, i, func(state State, _ primitives.Hash) (any, error) { return read(state, id) })
}

func (s *Server) childValue(a args, form func([]byte) any) (any, error) {
	key, _ := arg[[]byte](a, 1)
	return s.withChild(a, 2, func(state State, id []byte) (any, error) {
		value, found, err := state.ChildGet(id, key)
		if err != nil || !found {
			return nil, err
		}
		return form(value), nil
	})
}

func (s *Server) childStorage(_ context.Context, a args) (any, error) {
	return s.childValue(a, formBytes)
}
func (s *Server) childStorageHash(_ context.Context, a args) (any, error) {
	return s.childValue(a, formHash)
}
func (s *Server) childStorageSize(_ context.Context, a args) (any, error) {
	return s.childValue(a, formSize)
}

func (s *Server) childStorageEntries(_ context.Context, a args) (any, error) {
	keys, _ := arg[[][]byte](a, 1)
	return s.withChild(a, 2, func(state State, id []byte) (any, error) {
		room, values := s.room(), make([]*string, len(keys))
		for i, key := range keys {
			value, found, err := state.ChildGet(id, key)
			if err != nil {
				return nil, fmt.Errorf("reading key %x: %w", key, err)
			}
			if err := room.take(len(value)); err != nil {
				return nil, err
			}
			if found {
				text := hexText(value)
				values[i] = &text
			}
		}
		return values, nil
	})
}

func (s *Server) childKeysPaged(_ context.Context, a args) (any, error) {
	prefix, count, start, err := pageArgs(a, 1)
	if err != nil {
		return nil, err
	}
	return s.withChild(a, 4, func(state State, id []byte) (any, error) {
		keys, err := state.ChildKeysPaged(id, prefix, count, start)
		return hexTexts(keys), err
	})
}

// childKeys lists page after page, until the listing ends or the response is full.
func (s *Server) childKeys(_ context.Context, a args) (any, error) {
	prefix, _ := arg[[]byte](a, 1)
	return s.withChild(a, 2, func(state State, id []byte) (any, error) {
		room, all := s.room(), []string{}
		var after []byte
		for {
			page, err := state.ChildKeysPaged(id, prefix, maxKeysPerPage, after)
			if err != nil {
				return nil, err
			}
			for _, key := range page {
				if err := room.take(len(key)); err != nil {
					return nil, err
				}
				all = append(all, hexText(key))
			}
			if len(page) < maxKeysPerPage {
				return all, nil
			}
			after = page[len(page)-1]
		}
	})
}

// u32 reads the four bytes that AccountNonceApi returns.
func u32(b []byte) (uint32, bool) {
	if len(b) != 4 {
		return 0, false
	}
	return binary.LittleEndian.Uint32(b), true
}
