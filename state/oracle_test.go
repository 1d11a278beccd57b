package state

import (
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/sepia-chain/sepia/internal/primitives"
)

// oraclePrograms are programs of storage operations with the answers that Substrate's own state machine gave: see
// testdata/oracle.
const oraclePrograms = "testdata/programs.txt"

// oracleProgram is one of them.
type oracleProgram struct {
	base  plainState
	lines []string
}

func readOraclePrograms(t *testing.T) []oracleProgram {
	t.Helper()
	file, err := os.ReadFile(oraclePrograms)
	noError(t, err)
	var programs []oracleProgram
	for line := range strings.Lines(string(file)) {
		line = strings.TrimSuffix(line, "\n")
		words := strings.Split(line, " ")
		if words[0] == "program" {
			// One key more, in a child that no program knows, as a state has at least one.
			programs = append(programs, oracleProgram{base: plainState{}.child("not of the programs", "", "")})
			continue
		}
		p := &programs[len(programs)-1]
		if words[0] == "base" {
			p.base[string(oracleDomain(t, words[1]))+oracleBytes(t, words[2])] = oracleBytes(t, words[3])
			continue
		}
		p.lines = append(p.lines, line)
	}
	return programs
}

func oracleBytes(t *testing.T, text string) string {
	t.Helper()
	if text == "." {
		return ""
	}
	return string(must(hex.DecodeString(text))(t))
}

func oracleText(b []byte, found bool) string {
	switch {
	case !found:
		return "none"
	case len(b) == 0:
		return "."
	}
	return hex.EncodeToString(b)
}

func oracleDomain(t *testing.T, text string) []byte {
	t.Helper()
	if text == "top" {
		return topDomain()
	}
	return childDomain([]byte(oracleBytes(t, text[1:])))
}

// TestRule9_EqualsSubstrateStateMachine replays the programs over the latest height, and again over past ones.
func TestRule9_EqualsSubstrateStateMachine(t *testing.T) {
	programs := readOraclePrograms(t)
	if len(programs) < 200 {
		t.Fatalf("%d programs, want at least 200", len(programs))
	}
	s := storeWith(t, programs[0].base)
	for i, p := range programs {
		if i > 0 {
			o := newOverlay(t, s)
			apply(t, o, programs[i-1].base, p.base)
			commit(t, s, o, block(uint32(i)))
		}
		noError(t, replay(t, s, uint32(i), p))
	}
	for i, p := range programs {
		noError(t, replay(t, s, uint32(i), p))
	}
}

// An answer of the state machine that is changed in the programs is noticed, whatever operation it belongs to.
func TestRule9_NoticesAPlantedWrongAnswer(t *testing.T) {
	planted := map[string]bool{}
	for _, p := range readOraclePrograms(t) {
		for i, line := range p.lines {
			asked, want, _ := strings.Cut(line, " = ")
			operation, _, _ := strings.Cut(asked, " ")
			if want == "" || planted[operation] {
				continue
			}
			planted[operation] = true
			wrong := oracleProgram{base: p.base, lines: slices.Clone(p.lines)}
			wrong.lines[i] = asked + " = " + want + "1"
			if replay(t, storeWith(t, p.base), 0, wrong) == nil {
				t.Errorf("a wrong answer to %q stays unnoticed", asked)
			}
		}
	}
	for _, operation := range []string{"get", "next", "prefix", "kill", "rollback"} {
		if !planted[operation] {
			t.Errorf("no program has an answer to %s", operation)
		}
	}
}

// replay runs a program over a height; its error is the first answer that differs.
func replay(t *testing.T, s *Store, height uint32, p oracleProgram) error {
	t.Helper()
	v := must(s.ViewAt(height))(t)
	o := must(s.NewOverlay(v))(t)
	noError(t, v.Release())
	for i, line := range p.lines {
		asked, want, _ := strings.Cut(line, " = ")
		if got := answer(t, o, strings.Split(asked, " ")); got != want {
			noError(t, o.Drop())
			return fmt.Errorf("program %d, line %d: %q gives %q, Substrate's state machine %q", height, i, asked, got, want)
		}
	}
	return o.Drop()
}

// answer runs one operation. The domains of the two kinds of storage share one implementation, so each is asked by its own
// exported method.
func answer(t *testing.T, o *Overlay, words []string) string {
	t.Helper()
	var key []byte
	if len(words) > 2 && words[0] != "kill" {
		key = []byte(oracleBytes(t, words[2]))
	}
	child := &ChildOverlay{overlay: o}
	inTop := len(words) > 1 && words[1] == "top"
	if len(words) > 1 && !inTop {
		child.domain = oracleDomain(t, words[1])
	}
	get, next, set, clear, prefix := child.Get, child.NextKey, child.Set, child.Clear, child.ClearPrefix
	if inTop {
		get, next, set, clear, prefix = o.Get, o.NextKey, o.Set, o.Clear, o.ClearPrefix
	}
	switch words[0] {
	case "get":
		return oracleFound(t)(get(key))
	case "next":
		return oracleFound(t)(next(key))
	case "set":
		noError(t, set(key, []byte(oracleBytes(t, words[3]))))
	case "clear":
		noError(t, clear(key))
	case "append":
		noError(t, o.Append(key, []byte(oracleBytes(t, words[3]))))
	case "prefix":
		return oracleRemoval(must(prefix(key, oracleLimit(t, words[3])))(t))
	case "kill":
		return oracleRemoval(must(child.Kill(oracleLimit(t, words[2])))(t))
	case "start":
		o.StartTransaction()
	case "commit":
		return oracleEnded(t, o.CommitTransaction())
	case "rollback":
		return oracleEnded(t, o.RollbackTransaction())
	default:
		t.Fatalf("operation %q", words)
	}
	return ""
}

func oracleFound(t *testing.T) func([]byte, bool, error) string {
	return func(b []byte, found bool, err error) string {
		t.Helper()
		noError(t, err)
		return oracleText(b, found)
	}
}

func oracleLimit(t *testing.T, text string) *uint32 {
	t.Helper()
	if text == "none" {
		return nil
	}
	n := uint32(must(strconv.ParseUint(text, 10, 32))(t))
	return &n
}

func oracleRemoval(r primitives.Removal) string {
	return fmt.Sprint(r.Backend, " ", r.Unique, " ", r.Loops, " ", oracleText(r.NextPending, !r.AllRemoved))
}

func oracleEnded(t *testing.T, err error) string {
	t.Helper()
	if errors.Is(err, ErrNoTransaction) {
		return "refused"
	}
	noError(t, err)
	return "ok"
}
