// Package nodetest starts real sepia processes for tests and reads what they print. It builds the binary once for a test
// run, into a folder of its own, so that a test never meets an old one.
package nodetest

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"
)

const startPatience = 90 * time.Second // a first start compiles the runtime, on a machine that may be busy

var build = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "sepia-bin-")
	if err != nil {
		return "", err
	}
	binary := filepath.Join(dir, "sepia")
	out, err := exec.Command("go", "build", "-o", binary, "github.com/sepia-chain/sepia/node/cmd/sepia").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("building sepia: %w\n%s", err, out)
	}
	return binary, nil
})

// Binary is the path of a freshly built sepia.
func Binary(tb testing.TB) string {
	tb.Helper()
	binary, err := build()
	if err != nil {
		tb.Fatal(err)
	}
	return binary
}

// Node is a running sepia process.
type Node struct {
	RPC         string // ws:// address
	GenesisHash string

	tb     testing.TB
	cmd    *exec.Cmd
	stderr *lockedBuffer
	ended  chan error
}

// Start runs sepia with the given arguments and --json, and waits until it says that it runs. The test's end kills it.
func Start(tb testing.TB, args ...string) *Node {
	tb.Helper()
	n := &Node{tb: tb, cmd: exec.Command(Binary(tb), append(args, "--json")...), stderr: &lockedBuffer{}, ended: make(chan error, 1)}
	stdout, err := n.cmd.StdoutPipe()
	if err != nil {
		tb.Fatal(err)
	}
	n.cmd.Stderr = n.stderr
	n.cmd.Env = append(os.Environ(), "TMPDIR="+tb.TempDir()) // a killed node leaves its home
	if err := n.cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	first := make(chan []byte, 1)
	go n.read(stdout, first)
	tb.Cleanup(func() {
		_ = n.cmd.Process.Kill()
		<-n.ended
		if tb.Failed() {
			tb.Logf("log of the node:\n%s", n.stderr.String())
		}
	})
	n.await(first)
	return n
}

// read takes the first line, drops the rest, and then reaps the process.
func (n *Node) read(stdout io.Reader, first chan<- []byte) {
	reader := bufio.NewReader(stdout)
	line, _ := reader.ReadBytes('\n')
	first <- line
	_, _ = io.Copy(io.Discard, reader)
	err := n.cmd.Wait()
	n.ended <- err
	close(n.ended)
}

func (n *Node) await(first <-chan []byte) {
	n.tb.Helper()
	var line []byte
	select {
	case line = <-first:
	case <-time.After(startPatience):
		n.tb.Fatalf("sepia said nothing in %v:\n%s", startPatience, n.stderr.String())
	}
	var ready struct {
		RPC         string `json:"rpc"`
		GenesisHash string `json:"genesisHash"`
	}
	if err := json.Unmarshal(line, &ready); err != nil || ready.RPC == "" {
		n.tb.Fatalf("sepia did not start: it printed %q and:\n%s", line, n.stderr.String())
	}
	n.RPC, n.GenesisHash = ready.RPC, ready.GenesisHash
}

// Kill ends the process at once, as a power cut would end it.
func (n *Node) Kill() {
	n.tb.Helper()
	if err := n.cmd.Process.Kill(); err != nil {
		n.tb.Fatal(err)
	}
	<-n.ended
}

// Stop asks the process to end and returns its exit code.
func (n *Node) Stop() int {
	n.tb.Helper()
	if err := n.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		n.tb.Fatal(err)
	}
	err := <-n.ended
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return exit.ExitCode()
	}
	if err != nil {
		n.tb.Fatal(err)
	}
	return 0
}

// Log is what the process has written to standard error so far.
func (n *Node) Log() string { return n.stderr.String() }

// Pid is the process id.
func (n *Node) Pid() int { return n.cmd.Process.Pid }

// Result is how a command ended.
type Result struct {
	Stdout, Stderr string
	Exit           int
}

// Run runs sepia to its end, with extra environment variables ("NAME=value").
func Run(tb testing.TB, environment []string, stdin string, args ...string) Result {
	tb.Helper()
	cmd := exec.Command(Binary(tb), args...)
	cmd.Env = append(os.Environ(), environment...)
	cmd.Stdin = bytes.NewBufferString(stdin)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		tb.Fatal(err)
	}
	return Result{stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()}
}

type lockedBuffer struct {
	mu     sync.Mutex
	buffer bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buffer.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buffer.String()
}
