package state

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"

	"github.com/sepia-chain/sepia/internal/scale"
)

// programStore is a store with four heights whose keys are those of the programs, and the plain state at each.
func programStore(t testing.TB) (*Store, []plainState) {
	rng := rand.New(rand.NewPCG(8, 8))
	states := []plainState{plainState{}.top("only", "at genesis")}
	for h := 1; h <= 3; h++ {
		m := plainState{}
		for range 30 {
			m[string(opDomains[rng.IntN(len(opDomains))])+opKeys[rng.IntN(len(opKeys))]] = opValues[rng.IntN(len(opValues))]
		}
		states = append(states, m)
	}
	s := storeWith(t, states[0])
	for h := 1; h < len(states); h++ {
		o := newOverlay(t, s)
		apply(t, o, states[h-1], states[h])
		commit(t, s, o, block(uint32(h)))
	}
	return s, states
}

func runProgram(t testing.TB, s *Store, states []plainState, input []byte) {
	t.Helper()
	height := len(states) - 1
	if len(input) > 0 && input[0] < 32 { // mostly the latest, where roots are
		height = int(input[0]) % len(states)
	}
	v, err := s.ViewAt(uint32(height))
	noError(t, err)
	o := must(s.NewOverlay(v))(t)
	noError(t, v.Release())
	p := &program{t: t, overlay: o, plain: &plainOverlay{base: states[height], writes: map[string]*string{}}, input: input}
	p.run()
	noError(t, o.Drop())
}

func TestRule9_OverlayEqualsModel(t *testing.T) {
	s, states := programStore(t)
	rng := rand.New(rand.NewPCG(9, 9))
	for range 600 {
		input := make([]byte, rng.IntN(300))
		for i := range input {
			input[i] = byte(rng.Uint32())
		}
		runProgram(t, s, states, input)
	}
}

func FuzzOverlay(f *testing.F) {
	s, states := programStore(f)
	f.Add([]byte{255, 9, 0, 0, 4, 0, 3, 2, 9, 0, 0, 4, 0, 3, 3, 12, 0, 0, 0, 0, 3})
	f.Add([]byte{0, 7, 0, 3, 2, 7, 1, 3, 0, 8, 2, 0, 1})
	f.Fuzz(func(t *testing.T, input []byte) { runProgram(t, s, states, input) })
}

// allocated is how many bytes a function allocates.
func allocated(do func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	do()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// TestAppend_CostsTheItemNotTheList counts allocated bytes: appends that copied a list of 1 MB would show as gigabytes,
// whether the list came from the base, from a write or from appends, inside rolled back transactions and with reads between.
func TestAppend_CostsTheItemNotTheList(t *testing.T) {
	const items, rounds, limit = 1 << 20, 2000, 40 << 20
	list := append(scale.AppendCompact(nil, items), make([]byte, items)...)
	s := storeWith(t, plainState{}.top("base", string(list)))
	o := newOverlay(t, s)
	noError(t, o.Set([]byte("written"), list))
	for _, key := range []string{"base", "written", "fresh"} {
		used := allocated(func() {
			for range rounds {
				o.StartTransaction()
				noError(t, o.Append([]byte(key), []byte{7}))
				noError(t, o.RollbackTransaction())
			}
			for range rounds {
				o.StartTransaction()
				noError(t, o.Append([]byte(key), []byte{8}))
				must2(o.Get([]byte(key)))(t)
				noError(t, o.CommitTransaction())
			}
		})
		if n := len(o.set.journal); n != 0 {
			t.Errorf("%s: journal keeps %d entries when no transaction is open", key, n)
		}
		if used > limit {
			t.Errorf("%s: %d appends allocate %d bytes, more than %d", key, 2*rounds, used, limit)
		}
		value := must2(o.Get([]byte(key)))(t)
		d := scale.NewDecoder(value)
		want := uint64(rounds)
		if key != "fresh" {
			want += items
		}
		if n := d.Compact(); n != want || uint64(len(d.Rest())) != want || value[len(value)-1] != 8 {
			t.Errorf("%s: list of %d items in %d bytes, want %d", key, n, len(d.Rest()), want)
		}
	}
}

// TestTransactions_RollbackCostsItsChanges starts and ends many transactions in an overlay with many writes.
func TestTransactions_RollbackCostsItsChanges(t *testing.T) {
	s := storeWith(t, plainState{}.top("a", "1"))
	o := newOverlay(t, s)
	for i := range 20_000 {
		noError(t, o.Set(fmt.Append(nil, "key", i), []byte("v")))
	}
	used := allocated(func() {
		for range 2000 {
			o.StartTransaction()
			o.StartTransaction()
			noError(t, o.Set([]byte("key5"), []byte("w")))
			noError(t, o.CommitTransaction())
			noError(t, o.RollbackTransaction())
		}
	})
	if len(o.set.journal) != 0 {
		t.Errorf("journal keeps %d entries when no transaction is open", len(o.set.journal))
	}
	if used > 4<<20 {
		t.Errorf("2,000 transactions of one change allocate %d bytes beside 20,000 writes", used)
	}
	if value := must2(o.Get([]byte("key5")))(t); string(value) != "v" {
		t.Errorf("value after the roll-backs is %q, want v", value)
	}
}

func TestOverlay_KeepsWhatItIsGiven(t *testing.T) {
	s := storeWith(t, plainState{}.top("a", "1"))
	o := newOverlay(t, s)
	key, value := []byte("key"), []byte("value")
	noError(t, o.Set(key, value))
	noError(t, o.Child(key).Set(key, value))
	key[0], value[0] = 'X', 'X'
	if got := must2(o.Get([]byte("key")))(t); string(got) != "value" {
		t.Errorf("value after the caller changed his: %q", got)
	}
	if got := must2(o.Child([]byte("key")).Get([]byte("key")))(t); string(got) != "value" {
		t.Errorf("child value after the caller changed his: %q", got)
	}
	got := must2(o.Get([]byte("key")))(t)
	noError(t, o.Set([]byte("key"), got[1:])) // a part of what the overlay returned
	if got := must2(o.Get([]byte("key")))(t); string(got) != "alue" {
		t.Errorf("value set from a part of itself: %q, want alue", got)
	}
}

func TestOverlay_DroppedIsClosed(t *testing.T) {
	s := storeWith(t, plainState{}.top("a", "1"))
	o := newOverlay(t, s)
	noError(t, o.Drop())
	noError(t, o.Drop())
	_, _, getErr := o.Get(nil)
	_, _, nextErr := o.NextKey(nil)
	for name, err := range map[string]error{"Get": getErr, "NextKey": nextErr, "Set": o.Set(nil, nil), "Set of a reserved key": o.Set([]byte(":child_storage:"), nil),
		"Clear": o.Clear(nil), "Append": o.Append(nil, nil), "Root": second(o.Root()), "Child.Root": second(o.Child(nil).Root()),
		"ClearPrefix": second(o.ClearPrefix([]byte("a"), nil)), "ClearPrefix refused": second(o.ClearPrefix(nil, nil)), "Base": second(o.Base())} {
		if !errors.Is(err, ErrClosed) {
			t.Errorf("%s of a dropped overlay: %v, want ErrClosed", name, err)
		}
	}
	if err := o.RollbackTransaction(); !errors.Is(err, ErrNoTransaction) {
		t.Errorf("RollbackTransaction of a dropped overlay: %v, want ErrNoTransaction", err)
	}
}

func TestRule9_WalkedKeysAreCounted(t *testing.T) {
	m := plainState{}
	for i := range 100 {
		m.child("c", fmt.Sprintf("%03d", i), "v").top(fmt.Sprintf("p%03d", i), "v")
	}
	s := storeWith(t, m)
	o := newOverlay(t, s)
	limit := uint32(60)
	must(o.ClearPrefix([]byte("p"), &limit))(t)
	if n := o.WalkedKeys(); n != 60 {
		t.Errorf("clearing 60 of 100 keys walked %d", n)
	}
	before := o.WalkedKeys()
	if next, found, err := o.NextKey([]byte("p")); string(next) != "p060" || !found || err != nil {
		t.Errorf("next key after 60 deleted ones is %q, %v, %v", next, found, err)
	}
	if n := o.WalkedKeys() - before; n < 60 {
		t.Errorf("passing 60 deleted keys walked %d", n)
	}
	before = o.WalkedKeys()
	must(o.Child([]byte("c")).Root())(t)
	if n := o.WalkedKeys() - before; n < 100 {
		t.Errorf("root of a child of 100 keys walked %d", n)
	}
}
