package state

import (
	"math/rand/v2"
	"testing"
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
	for range 1500 {
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
