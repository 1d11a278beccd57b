package keyring

import (
	"crypto/pbkdf2"
	"crypto/sha512"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/sepia-chain/sepia/internal/scale"
	"github.com/tyler-smith/go-bip39"
	"golang.org/x/crypto/blake2b"
)

// DevPhrase is the mnemonic that development accounts derive from. Everybody knows it.
const DevPhrase = "bottom drive obey lake curtain smoke basket hold race lonely fit walk"

// ErrURI says that a text is no secret URI.
var ErrURI = errors.New("not a secret URI")

// ErrSoftJunction says that a scheme without soft derivation met a soft junction.
var ErrSoftJunction = errors.New("soft derivation exists only for sr25519")

// junction is one step of a derivation path.
type junction struct {
	code [32]byte
	hard bool
}

type secretURI struct {
	seed      [32]byte
	junctions []junction
}

var (
	uriForm      = regexp.MustCompile(`^([\w ]+)?((?://?[^/]+)*)(?:///(.*))?$`)
	junctionForm = regexp.MustCompile(`/(/?)([^/]+)`)
)

func parseURI(uri string) (secretURI, error) {
	parts := uriForm.FindStringSubmatch(uri)
	if parts == nil {
		return secretURI{}, fmt.Errorf("%w: want PHRASE or 0xSEED, then /soft and //hard junctions, then ///PASSWORD", ErrURI)
	}
	phrase, path, password := parts[1], parts[2], parts[3]
	if phrase == "" {
		phrase = DevPhrase
	}
	seed, err := parseSeed(phrase, password)
	if err != nil {
		return secretURI{}, err
	}
	result := secretURI{seed: seed}
	for _, step := range junctionForm.FindAllStringSubmatch(path, -1) {
		result.junctions = append(result.junctions, junction{code: junctionCode(step[2]), hard: step[1] != ""})
	}
	return result, nil
}

func parseSeed(phrase, password string) ([32]byte, error) {
	digits, isHex := strings.CutPrefix(phrase, "0x")
	if !isHex {
		return MnemonicSeed(phrase, password)
	}
	seed, err := hex.DecodeString(digits)
	if err != nil || len(seed) != 32 {
		return [32]byte{}, fmt.Errorf("%w: a seed is 0x and 64 hex digits", ErrURI)
	}
	return [32]byte(seed), nil
}

// MnemonicSeed is Substrate's seed of a BIP-39 phrase: it stretches the entropy behind the words, where BIP-39 stretches
// the words themselves, and takes the first half.
func MnemonicSeed(phrase, password string) ([32]byte, error) {
	words := strings.Join(strings.Fields(phrase), " ")
	entropy, err := bip39.EntropyFromMnemonic(words)
	if err != nil {
		return [32]byte{}, fmt.Errorf("%w: reading mnemonic: %w", ErrURI, err)
	}
	const rounds = 2048 // BIP-39's
	stretched, err := pbkdf2.Key(sha512.New, string(entropy), []byte("mnemonic"+password), rounds, 64)
	if err != nil {
		return [32]byte{}, fmt.Errorf("stretching mnemonic: %w", err)
	}
	return [32]byte(stretched[:32]), nil
}

// NewMnemonic draws a phrase of 12 words.
func NewMnemonic() (string, error) {
	entropy, err := bip39.NewEntropy(128)
	if err != nil {
		return "", fmt.Errorf("drawing entropy: %w", err)
	}
	return bip39.NewMnemonic(entropy)
}

// junctionCode is the chain code of a path step: a number in little-endian, or a SCALE string, padded with zeros; what is
// longer than 32 bytes is hashed.
func junctionCode(text string) [32]byte {
	var code [32]byte
	if number, err := strconv.ParseUint(strings.TrimPrefix(text, "+"), 10, 64); err == nil {
		binary.LittleEndian.PutUint64(code[:], number)
		return code
	}
	encoded := scale.AppendBytes(nil, []byte(text))
	if len(encoded) > len(code) {
		return blake2b.Sum256(encoded)
	}
	copy(code[:], encoded)
	return code
}

// hardSeed is the hard derivation of ed25519 and ECDSA: the hash of the SCALE tuple (label, seed, chain code).
func hardSeed(label string, seed [32]byte, step junction) [32]byte {
	tuple := scale.AppendBytes(nil, []byte(label))
	tuple = append(tuple, seed[:]...)
	return blake2b.Sum256(append(tuple, step.code[:]...))
}
