package engine

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// CompileCommand is the only argument of a process that compiles one guest for another process of the same binary. A main
// function must hand such a process to ServeCompile before it does anything else.
const CompileCommand = "compile-guest"

// Limits of such a process. The longest compilation that the complexity score allows is a second and was seen to take 1.2 GB.
const (
	// childCPU is 30 times that second, for machines that are slower than the reference.
	childCPU = 30 * time.Second
	// childPatience is 20 times childCPU: at the lowest priority the process may have to wait for the processor.
	childPatience = 20 * childCPU
	// childMemory of address space is 1.3 to 1.5 GiB that a process of this binary reserves and does not touch, and a quarter
	// more than what compiling was seen to take.
	childMemory = 3 << 30
	// childPriority is the lowest there is.
	childPriority = 19
	// childWords bounds what is kept of the words of a process that fails.
	childWords = 2 << 10
)

// Child compiles guests in processes of their own: at the lowest priority, with limits, and so that a compiler that fails
// takes nothing with it. A process ends at the latest with the one that started it.
type Child struct {
	// Path is a program that serves CompileCommand; empty means the running program, even if its file was replaced since.
	Path   string
	limits childLimits // zero means those above
}

type childLimits struct {
	cpu    time.Duration // whole seconds
	memory uint64
}

const ownProgram = "/proc/self/exe"

// childRequest is followed by the metered module.
type childRequest struct {
	Level      Level
	CPUSeconds uint64
	Memory     uint64
	ModuleSize uint64
}

// maxChildModule bounds a request. A contract has at most 256 KiB, and metering adds less than as much again.
const maxChildModule = 4 << 20

// Compile returns the guest code of a metered module, which may be at most so many bytes. It ends the process when ctx is
// done. An error says nothing about the module: the process may have been killed.
func (c *Child) Compile(ctx context.Context, metered []byte, level Level, atMost int) ([]byte, error) {
	// The kernel ends the process when the thread that started it ends, so the thread has to stay until then.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	ctx, cancel := context.WithTimeout(ctx, childPatience)
	defer cancel()
	out, words := &boundedBuffer{room: atMost}, &boundedBuffer{room: childWords}
	cmd := c.command(ctx)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(c.request(metered, level)), out, words
	err := cmd.Run()
	if out.full {
		return nil, fmt.Errorf("compiling in a process: the code is longer than %d bytes", atMost)
	}
	if err != nil {
		return nil, fmt.Errorf("compiling in a process: %w: %s", errors.Join(err, context.Cause(ctx)), firstLine(words.kept))
	}
	return out.kept, nil
}

func (c *Child) command(ctx context.Context) *exec.Cmd {
	path := c.Path
	if path == "" {
		path = ownProgram
	}
	cmd := exec.CommandContext(ctx, path)
	cmd.Args = []string{"sepia", CompileCommand}
	cmd.Env = []string{"GOMAXPROCS=1"} // nothing of the node's environment is its business
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	return cmd
}

func (c *Child) request(metered []byte, level Level) []byte {
	limits := c.limits
	if limits == (childLimits{}) {
		limits = childLimits{childCPU, childMemory}
	}
	var b bytes.Buffer
	// A buffer takes everything.
	_ = binary.Write(&b, binary.LittleEndian, childRequest{level, uint64(limits.cpu / time.Second), limits.memory, uint64(len(metered))})
	b.Write(metered)
	return b.Bytes()
}

// IsCompileCommand says whether a process with these arguments is to be handed to ServeCompile.
func IsCompileCommand(args []string) bool { return len(args) == 1 && args[0] == CompileCommand }

// ServeCompile is the whole life of a process with CompileCommand: it reads a request, writes guest code and returns the exit
// code. Words about a failure go to words.
func ServeCompile(in io.Reader, out, words io.Writer) int {
	runtime.LockOSThread() // the priority is this thread's, and it is the one that compiles
	var request childRequest
	if err := binary.Read(in, binary.LittleEndian, &request); err != nil || request.ModuleSize > maxChildModule {
		return 1 // whoever asked is gone, or is not a node
	}
	module := make([]byte, request.ModuleSize)
	if _, err := io.ReadFull(in, module); err != nil {
		return 1
	}
	code, err := request.serve(module)
	if err == nil {
		_, err = out.Write(code)
	}
	if err != nil {
		fmt.Fprintln(words, err)
		return 1
	}
	return 0
}

func (r *childRequest) serve(module []byte) ([]byte, error) {
	if int(r.Level) >= len(levels) {
		return nil, fmt.Errorf("compile level %d does not exist", r.Level)
	}
	if err := syscall.Setpriority(syscall.PRIO_PROCESS, 0, childPriority); err != nil {
		return nil, fmt.Errorf("lowering the priority: %w", err)
	}
	limits := map[int]syscall.Rlimit{
		syscall.RLIMIT_CPU:  {Cur: r.CPUSeconds, Max: r.CPUSeconds},
		syscall.RLIMIT_AS:   {Cur: r.Memory, Max: r.Memory},
		syscall.RLIMIT_CORE: {},
	}
	for resource, limit := range limits {
		if err := syscall.Setrlimit(resource, &limit); err != nil {
			return nil, fmt.Errorf("setting limit %d to %d: %w", resource, limit.Cur, err)
		}
	}
	t := newCompiler("guest", guestConfig(1), r.Level)
	defer t.close()
	return t.compileGuest(module, r.Level)
}

// boundedBuffer keeps what fits; what does not makes the writer fail.
type boundedBuffer struct {
	kept []byte
	room int
	full bool
}

var errFull = errors.New("more bytes than expected")

func (b *boundedBuffer) Write(p []byte) (int, error) {
	if len(b.kept)+len(p) > b.room {
		b.full = true
		return 0, errFull
	}
	b.kept = append(b.kept, p...)
	return len(p), nil
}

func firstLine(words []byte) string {
	line, _, _ := strings.Cut(string(words), "\n")
	return strings.ToValidUTF8(line, "?")
}
