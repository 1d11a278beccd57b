package state

import (
	"encoding/binary"
	"math/rand/v2"
	"syscall"
	"testing"
	"time"

	"github.com/oasisprotocol/curve25519-voi/primitives/sr25519"

	"github.com/sepia-chain/sepia/internal/primitives"
)

const (
	benchAccounts  = 100_000
	benchTransfers = 1_000
)

// accountKey looks like FRAME's System.Account key: two name hashes, a hash of the account, the account.
func accountKey(n uint32) []byte {
	var id [32]byte
	binary.BigEndian.PutUint32(id[:], n)
	key := primitives.StoragePrefix("System", "Account")
	sum := primitives.Blake2_128(id[:])
	return append(append(key, sum[:]...), id[:]...)
}

func benchStore(b *testing.B) *Store { return benchStoreIn(b, b.TempDir()) }

func benchStoreIn(b *testing.B, dir string) *Store {
	s, err := Open(Options{Path: dir})
	noError(b, err)
	b.Cleanup(func() { noError(b, s.Close()) })
	m := plainState{}
	value := make([]byte, 80)
	for i := range uint32(benchAccounts) {
		binary.BigEndian.PutUint32(value, i)
		m[string(TreeKey(accountKey(i)))] = string(value)
	}
	noError(b, must(s.CommitGenesis(genesis(b, m)))(b).Release())
	return s
}

// cpuTime is what the process has used of all processors, Pebble's background work included: unlike the clock it means
// something on a machine that is busy with other things.
func cpuTime(b *testing.B) time.Duration {
	var use syscall.Rusage
	noError(b, syscall.Getrusage(syscall.RUSAGE_SELF, &use))
	return time.Duration(use.Utime.Nano() + use.Stime.Nano())
}

// signatureTime is the yardstick of the project: one sr25519 verification, in the same run.
func signatureTime(b *testing.B) time.Duration {
	pair, err := sr25519.GenerateKeyPair(nil)
	noError(b, err)
	message := make([]byte, 160)
	signature, err := pair.Sign(nil, sr25519.NewSigningContext([]byte("substrate")).NewTranscriptBytes(message))
	noError(b, err)
	const rounds = 500
	start := cpuTime(b)
	for range rounds {
		if !pair.PublicKey().Verify(sr25519.NewSigningContext([]byte("substrate")).NewTranscriptBytes(message), signature) {
			b.Fatal("own signature does not verify")
		}
	}
	return (cpuTime(b) - start) / rounds
}

// BenchmarkBlock is the state's part of a block of 1,000 transfers between distinct accounts: what the runtime does with
// storage, the root, and the synced commit. Figures are processor time per transfer, and in sr25519 verifications.
func BenchmarkBlock(b *testing.B) {
	s := benchStore(b)
	signature := signatureTime(b)
	rng := rand.New(rand.NewPCG(1, 1))
	var execute, prepare, treeTime, commitTime time.Duration
	height := uint32(0)
	for b.Loop() {
		height++
		accounts := rng.Perm(benchAccounts)[:2*benchTransfers]
		o := newOverlay(b, s)
		start := cpuTime(b)
		noError(b, o.Clear([]byte("System.Events")))
		var body [][]byte
		for i := range benchTransfers {
			benchTransfer(b, o, height, uint32(i), uint32(accounts[2*i]), uint32(accounts[2*i+1]))
			body = append(body, binary.BigEndian.AppendUint64(make([]byte, 132), uint64(height)<<32|uint64(i)))
		}
		executed := cpuTime(b)
		o.collect() // once more than a node does, to tell its part of the root
		prepared := cpuTime(b)
		must(o.Root())(b)
		rooted := cpuTime(b)
		commit(b, s, o, block(height, body...))
		execute, prepare = execute+executed-start, prepare+prepared-executed
		treeTime += rooted - prepared - (prepared - executed)
		commitTime += cpuTime(b) - rooted
	}
	for _, part := range []struct {
		name  string
		spent time.Duration
	}{{"execute", execute}, {"prepare", prepare}, {"tree", treeTime}, {"commit", commitTime}, {"all", execute + prepare + treeTime + commitTime}} {
		per := float64(part.spent) / float64(b.N) / benchTransfers
		b.ReportMetric(per/1000, part.name+"-cpu-us/transfer")
		b.ReportMetric(per/float64(signature), part.name+"-signatures/transfer")
	}
}

// benchTransfer touches storage as a transfer of FRAME does: transactions, accounts, an event, transient keys.
func benchTransfer(b *testing.B, o *Overlay, height, i, from, to uint32) {
	index := binary.LittleEndian.AppendUint32(nil, i)
	noError(b, o.Set([]byte(":extrinsic_index"), index))
	noError(b, o.Set(append([]byte("ExtrinsicData"), index...), make([]byte, 140)))
	o.StartTransaction()
	for _, account := range []uint32{from, to} {
		key := accountKey(account)
		value, _, err := o.Get(key)
		noError(b, err)
		changed := append([]byte(nil), value...)
		binary.BigEndian.PutUint32(changed[8:], height)
		noError(b, o.Set(key, changed))
	}
	for range 3 {
		noError(b, o.Append([]byte("System.Events"), make([]byte, 80)))
	}
	noError(b, o.CommitTransaction())
	noError(b, o.Clear(append([]byte("ExtrinsicData"), index...)))
	noError(b, o.Clear([]byte(":extrinsic_index")))
}

// BenchmarkOpen is a start: the tree of 100,000 keys rebuilt and its root compared.
func BenchmarkOpen(b *testing.B) {
	dir := b.TempDir()
	s := benchStoreIn(b, dir)
	noError(b, s.Close())
	signature := signatureTime(b)
	var spent time.Duration
	for b.Loop() {
		start := cpuTime(b)
		s, err := Open(Options{Path: dir})
		noError(b, err)
		spent += cpuTime(b) - start
		noError(b, s.Close())
	}
	per := float64(spent) / float64(b.N) / benchAccounts
	b.ReportMetric(per/1000, "cpu-us/key")
	b.ReportMetric(per/float64(signature), "signatures/key")
}
