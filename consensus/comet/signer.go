package comet

import (
	stded25519 "crypto/ed25519"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/cometbft/cometbft/crypto/ed25519"
	cmtjson "github.com/cometbft/cometbft/libs/json"
	"github.com/cometbft/cometbft/privval"
	"github.com/cometbft/cometbft/types"
)

// ErrSigner says that a validator's key or the record of what it signed is unusable. The text says which and why.
var ErrSigner = errors.New("validator key is unusable")

// LoadSigner opens a validator's key and the record of what it signed last, which keeps it from signing twice. Without the
// record nothing is known to be signed. CometBFT ends the process when either file is damaged, so both are read before.
func LoadSigner(keyFile, stateFile string) (types.PrivValidator, error) {
	var key privval.FilePVKey
	if err := readJSON(keyFile, &key); err != nil {
		return nil, err
	}
	if key.PrivKey == nil {
		return nil, fmt.Errorf("%w: %s holds no private key", ErrSigner, keyFile)
	}
	var signed privval.FilePVLastSignState
	switch err := readJSON(stateFile, &signed); {
	case errors.Is(err, fs.ErrNotExist):
		fresh := privval.NewFilePV(key.PrivKey, keyFile, stateFile)
		fresh.LastSignState.Save()
	case err != nil:
		return nil, err
	}
	return privval.LoadFilePV(keyFile, stateFile), nil
}

func readJSON(path string, into any) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrSigner, err)
	}
	if err := cmtjson.Unmarshal(b, into); err != nil {
		return fmt.Errorf("%w: %s: %w", ErrSigner, path, err)
	}
	return nil
}

// CreateSigner writes a validator's key file, made of a secret of 32 bytes (random for a network, well-known for a
// development chain), and returns the public key. It does not replace a file.
func CreateSigner(keyFile, stateFile string, seed []byte) ([]byte, error) {
	if len(seed) != stded25519.SeedSize {
		return nil, fmt.Errorf("%w: its secret has %d bytes, want %d", ErrSigner, len(seed), stded25519.SeedSize)
	}
	if _, err := os.Stat(keyFile); err == nil {
		return nil, fmt.Errorf("%w: %s exists already", ErrSigner, keyFile)
	}
	key := ed25519.PrivKey(stded25519.NewKeyFromSeed(seed))
	signer := privval.NewFilePV(key, keyFile, stateFile)
	signer.Save()
	return key.PubKey().Bytes(), nil
}
