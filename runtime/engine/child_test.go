package engine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sepia-chain/sepia/runtime/wasm"
)

// asParent makes the test binary start a compilation and wait for it.
const asParent = "start-a-compilation"

// TestMain lets the test binary be the processes that tests need.
func TestMain(m *testing.M) {
	switch {
	case IsCompileCommand(os.Args[1:]):
		os.Exit(ServeCompile(os.Stdin, os.Stdout, os.Stderr))
	case len(os.Args) == 2 && os.Args[1] == asParent:
		os.Exit(startCompilation())
	case len(os.Args) == 3 && os.Args[1] == asSharer:
		os.Exit(shareCache(os.Args[2]))
	}
	os.Exit(m.Run())
}

// slowModule takes the compiler about a fifth of a second of processor time for each function.
func slowModule(functions int) []byte {
	const i32Eqz, i32Xor = 0x45, 0x73
	a := &assembly{minimum: 1, maximum: 1}
	step := seq(op(i32Eqz), op(i32Eqz), localGet(0), op(i32Xor))
	body := seq(i32Const(0), i32Const(4), access(opI32Load, 0), localSet(0),
		localGet(0), bytes.Repeat(step, 18<<10), access(opI32Store, 0))
	for range functions {
		a.funcs = append(a.funcs, assembledFunc{locals: []wasm.ValType{i32}, code: body})
	}
	a.exports = []assembledExport{{"call", a.function(0)}}
	return a.bytes()
}

func TestChild_MakesTheSameCodeAsTheEngine(t *testing.T) {
	e := newEngine(t)
	for _, level := range levels {
		want, err := e.guest.compileGuest(loopModule(3), level)
		if err != nil {
			t.Fatal(err)
		}
		var child Child
		got, err := child.Compile(t.Context(), loopModule(3), level, len(want))
		if err != nil || !bytes.Equal(got, want) {
			t.Fatalf("%v: %d bytes, %v; want the engine's %d", level, len(got), err, len(want))
		}
		g, err := e.LoadGuest(got, []GuestImport{{ID: 9}})
		if err != nil {
			t.Fatal(err)
		}
		if step, err := start(t, g).Run(100, 0); err != nil || step.Kind != StepSyscall || step.ID != 9 {
			t.Fatalf("%v: %+v, %v", level, step, err)
		}
		if again, err := g.Code(); err != nil || !bytes.Equal(again, want) {
			t.Fatalf("%v: the guest's own code is %d bytes, %v", level, len(again), err)
		}
		g.Close()
	}
}

func TestChild_FailsWithoutHarm(t *testing.T) {
	if size := len(slowModule(40)); size > maxChildModule {
		t.Fatalf("the slow module has %d bytes", size)
	}
	enough := childLimits{childCPU, childMemory}
	for name, c := range map[string]struct {
		child  Child
		module []byte
		level  Level
		atMost int
		want   string
	}{
		"no program":        {Child{Path: "/nonexistent/sepia"}, loopModule(1), LevelSpeed, 1 << 20, "compiling in a process: fork/exec /nonexistent/sepia: no such file or directory: "},
		"another program":   {Child{Path: "/bin/false"}, loopModule(1), LevelSpeed, 1 << 20, "compiling in a process: exit status 1: "},
		"no module":         {Child{}, []byte("nonsense"), LevelSpeed, 1 << 20, "compiling in a process: exit status 1: engine fault: reading a metered module: "},
		"no level":          {Child{}, loopModule(1), 7, 1 << 20, "compiling in a process: exit status 1: compile level 7 does not exist"},
		"too long a module": {Child{}, make([]byte, maxChildModule+1), LevelSpeed, 1 << 20, "compiling in a process: exit status 1: "},
		"too long code":     {Child{}, loopModule(1), LevelSpeed, 1000, "compiling in a process: the code is longer than 1000 bytes"},
		"too much memory":   {Child{limits: childLimits{enough.cpu, 1 << 30}}, slowModule(40), LevelSpeed, 1 << 30, "compiling in a process: exit status 2: "},
		"too much time":     {Child{limits: childLimits{time.Second, enough.memory}}, slowModule(40), LevelSpeed, 1 << 30, "compiling in a process: signal: killed: "},
	} {
		t.Run(name, func(t *testing.T) {
			code, err := c.child.Compile(t.Context(), c.module, c.level, c.atMost)
			if err == nil || !strings.HasPrefix(err.Error(), c.want) {
				t.Fatalf("%d bytes, %v; want %q", len(code), err, c.want)
			}
			t.Log(err)
		})
	}
}

func TestChild_EndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	why := errors.New("the node stops")
	done := make(chan error)
	go func() {
		var child Child
		_, err := child.Compile(ctx, slowModule(40), LevelSpeed, 1<<30)
		done <- err
	}()
	cancel(why)
	if err := <-done; !errors.Is(err, why) {
		t.Fatalf("got %v, want %v", err, why)
	}
}

// startCompilation starts a process, stops it, and tells its id. It then waits to be killed.
func startCompilation() int {
	var child Child
	cmd := child.command(context.Background())
	cmd.Stderr = os.Stderr
	err := cmd.Start()
	if err == nil {
		err = cmd.Process.Signal(syscall.SIGSTOP)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	fmt.Println(cmd.Process.Pid)
	_ = cmd.Wait()
	return 0
}

// A node that is killed leaves no compiler behind, not even one that does nothing. Standard error is a pipe that both
// processes hold: it ends when both are gone.
func TestChild_EndsWithAParentThatIsKilled(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	both, parentEnd, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer both.Close()
	parent := exec.Command(self, asParent)
	parent.Stderr = parentEnd
	stdout, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	parentEnd.Close()
	var pid int
	if _, err := fmt.Fscan(stdout, &pid); err != nil {
		t.Fatal(err)
	}
	if err := parent.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = parent.Wait() // it was killed
	if err := both.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	if words, err := io.ReadAll(both); err != nil || len(words) > 0 {
		_ = syscall.Kill(pid, syscall.SIGKILL)
		t.Fatalf("the compiler stayed without its parent: %v: %s", err, words)
	}
}
