package rpc

import (
	"bufio"
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var rewrite = flag.Bool("rewrite", false, "write what the server answered into the transcripts and docs/rpc.md")

// TestTranscripts plays the files in testdata/transcripts. Lines starting with > are sent on one WebSocket, < is what
// comes back in this order, ! changes the world:
//
//	! commit KEY=VALUE...    makes a block ("-" deletes; "runtime" alone puts a new runtime in force)
//	! status KIND            makes the pool report
//
// Block hashes of the fake chain are written as {0}, {1} and so on in requests.
func TestTranscripts(t *testing.T) {
	files, err := filepath.Glob("testdata/transcripts/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no transcripts: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) { playTranscript(t, file) })
	}
}

func playTranscript(t *testing.T, file string) {
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	h := newHarness(t, Config{})
	c := h.dial(t)
	var got bytes.Buffer
	lines := bufio.NewScanner(bytes.NewReader(want))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		line := lines.Text()
		if strings.HasPrefix(line, "< ") && !*rewrite {
			fmt.Fprintf(&got, "< %s\n", c.receive())
			continue
		}
		if strings.HasPrefix(line, "<") {
			continue
		}
		fmt.Fprintln(&got, line)
		kind, rest, _ := strings.Cut(line, " ")
		expect := 0 // answers that the step brings, needed when rewriting
		switch kind {
		case ">", ">>", ">>>": // as many answers as signs
			c.send(h.fill(rest))
			expect = len(kind)
		case ">0":
			c.send(h.fill(rest))
		case "!":
			expect = h.act(t, rest)
		}
		for ; *rewrite && expect > 0; expect-- {
			fmt.Fprintf(&got, "< %s\n", c.receive())
		}
	}
	if *rewrite {
		if err := os.WriteFile(file, got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if got.String() != string(want) {
		t.Errorf("%s: got\n%s\nwant\n%s", file, got.String(), want)
	}
}

func (h *harness) fill(text string) string {
	for n := range len(h.chain.blocks) {
		hash, _, _ := h.chain.HashAt(uint32(n))
		text = strings.ReplaceAll(text, fmt.Sprintf("{%d}", n), hash.String())
	}
	return text
}

// act does a step and returns how many messages it brings: the number after a # at its end.
func (h *harness) act(t *testing.T, step string) int {
	step, count, _ := strings.Cut(step, " # ")
	words := strings.Fields(step)
	switch words[0] {
	case "commit":
		writes, newRuntime := map[string]string{}, false
		for _, word := range words[1:] {
			key, value, isWrite := strings.Cut(word, "=")
			if !isWrite {
				newRuntime = true
				continue
			}
			writes[key] = value
		}
		h.chain.commit(writes, newRuntime)
	case "status":
		h.pool.statuses <- fakeStatus(t, h, words[1])
	default:
		t.Fatalf("unknown step %q", step)
	}
	n := 0
	if _, err := fmt.Sscan(count, &n); err != nil {
		t.Fatalf("step %q: want # and the number of messages it brings", step)
	}
	return n
}

func fakeStatus(t *testing.T, h *harness, name string) TxStatus {
	for kind, form := range txStatusForms {
		if form.name == name {
			return TxStatus{Kind: TxStatusKind(kind), Hash: h.chain.Best().Hash, Peers: []string{"peer1"}}
		}
	}
	t.Fatalf("no status %q", name)
	return TxStatus{}
}
