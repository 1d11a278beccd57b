package keyring

import (
	"crypto/ed25519"
	"fmt"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"
	"github.com/decred/dcrd/dcrec/secp256k1/v4/ecdsa"
	"github.com/oasisprotocol/curve25519-voi/primitives/sr25519"
	"github.com/sepia-chain/sepia/internal/crypto"
	"github.com/sepia-chain/sepia/internal/primitives"
	"golang.org/x/crypto/blake2b"
)

// Scheme is a signature scheme. The numbers are the variants of Substrate's MultiSignature.
type Scheme uint8

// The schemes.
const (
	Ed25519 Scheme = 0
	Sr25519 Scheme = 1
	Ecdsa   Scheme = 2
)

// schemes is the one table of what a scheme is.
var schemes = [...]struct {
	name string
	make func(secretURI) (signer, error)
}{
	Ed25519: {"ed25519", newEd25519},
	Sr25519: {"sr25519", newSr25519},
	Ecdsa:   {"ecdsa", newEcdsa},
}

// String is the scheme's name as command lines and JSON write it.
func (s Scheme) String() string {
	if int(s) < len(schemes) {
		return schemes[s].name
	}
	return fmt.Sprintf("scheme %d", uint8(s))
}

// ParseScheme reads a scheme's name.
func ParseScheme(name string) (Scheme, error) {
	for i, scheme := range schemes {
		if scheme.name == name {
			return Scheme(i), nil
		}
	}
	return 0, fmt.Errorf("unknown signature scheme %q: want sr25519, ed25519 or ecdsa", name)
}

// signer is what a scheme must do.
type signer interface {
	public() []byte
	sign(message []byte) ([]byte, error)
}

// Pair is a secret key with its public key.
type Pair struct {
	scheme Scheme
	signer signer
}

// FromURI makes the pair of a secret URI.
func FromURI(scheme Scheme, uri string) (*Pair, error) {
	if int(scheme) >= len(schemes) {
		return nil, fmt.Errorf("unknown signature %s", scheme)
	}
	secret, err := parseURI(uri)
	if err != nil {
		return nil, err
	}
	signer, err := schemes[scheme].make(secret)
	if err != nil {
		return nil, fmt.Errorf("deriving %s key: %w", scheme, err)
	}
	return &Pair{scheme, signer}, nil
}

// Scheme is the signature scheme of the pair.
func (p *Pair) Scheme() Scheme { return p.scheme }

// Public is the public key: 32 bytes, or 33 for ECDSA.
func (p *Pair) Public() []byte { return p.signer.public() }

// Account is the account that the key controls: the key itself, or the hash of an ECDSA key.
func (p *Pair) Account() primitives.AccountID {
	public := p.Public()
	if len(public) == len(primitives.AccountID{}) {
		return primitives.AccountID(public)
	}
	return blake2b.Sum256(public)
}

// Sign is the bare signature: 64 bytes, or 65 for ECDSA.
func (p *Pair) Sign(message []byte) ([]byte, error) { return p.signer.sign(message) }

// MultiSignature is the signature with the number of its scheme in front, as extrinsics carry it.
func (p *Pair) MultiSignature(message []byte) ([]byte, error) {
	signature, err := p.Sign(message)
	if err != nil {
		return nil, err
	}
	return append([]byte{byte(p.scheme)}, signature...), nil
}

type ed25519Signer struct{ key ed25519.PrivateKey }

func newEd25519(secret secretURI) (signer, error) {
	seed := secret.seed
	for _, step := range secret.junctions {
		if !step.hard {
			return nil, ErrSoftJunction
		}
		seed = hardSeed("Ed25519HDKD", seed, step)
	}
	return ed25519Signer{ed25519.NewKeyFromSeed(seed[:])}, nil
}

func (s ed25519Signer) public() []byte { return append([]byte(nil), s.key[32:]...) }

func (s ed25519Signer) sign(message []byte) ([]byte, error) {
	return ed25519.Sign(s.key, message), nil
}

type ecdsaSigner struct{ key *secp256k1.PrivateKey }

func newEcdsa(secret secretURI) (signer, error) {
	seed := secret.seed
	for _, step := range secret.junctions {
		if !step.hard {
			return nil, ErrSoftJunction
		}
		seed = hardSeed("Secp256k1HDKD", seed, step)
	}
	var scalar secp256k1.ModNScalar
	if overflow := scalar.SetBytes(&seed); overflow != 0 || scalar.IsZero() {
		return nil, fmt.Errorf("%w: the seed is not a number between 0 and the group order", ErrURI)
	}
	return ecdsaSigner{secp256k1.NewPrivateKey(&scalar)}, nil
}

func (s ecdsaSigner) public() []byte { return s.key.PubKey().SerializeCompressed() }

func (s ecdsaSigner) sign(message []byte) ([]byte, error) {
	digest := blake2b.Sum256(message)
	const notCompressed = false
	compact := ecdsa.SignCompact(s.key, digest[:], notCompressed)
	return append(compact[1:], compact[0]-27), nil // the library counts v from 27 and puts it first
}

type sr25519Signer struct{ pair *sr25519.KeyPair }

func newSr25519(secret secretURI) (signer, error) {
	mini, err := sr25519.NewMiniSecretKeyFromBytes(secret.seed[:])
	if err != nil {
		return nil, err
	}
	key := mini.ExpandEd25519()
	for _, step := range secret.junctions {
		if key, err = deriveSr25519(key, step); err != nil {
			return nil, err
		}
	}
	return sr25519Signer{key.KeyPair()}, nil
}

func (s sr25519Signer) public() []byte {
	public, err := s.pair.PublicKey().MarshalBinary()
	if err != nil {
		panic("keyring: an initialised public key does not marshal: " + err.Error()) // the library never fails here
	}
	return public
}

func (s sr25519Signer) sign(message []byte) ([]byte, error) {
	context := sr25519.NewSigningContext([]byte(crypto.SigningContext))
	signature, err := s.pair.Sign(nil, context.NewTranscriptBytes(message))
	if err != nil {
		return nil, err
	}
	return signature.MarshalBinary()
}
