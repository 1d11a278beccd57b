package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/sepia-chain/sepia/test/wallet"
)

const (
	nodePatience = 30 * time.Second
	pollStart    = 20 * time.Millisecond // often enough for a start of a quarter of a second
	pollBlocks   = time.Second           // seldom, as each question costs the node time that is counted
	emptyBlocks  = 100
)

// benchNode times the real node: from its start to its first block without and with compiled code on disk, and what it
// computes for an empty block. Blocks come ten a second, the most that the node's settings allow.
func benchNode(dir string) ([]figure, error) {
	binary := filepath.Join(dir, "sepia")
	if out, err := exec.Command("go", "build", "-o", binary, "./node/cmd/sepia").CombinedOutput(); err != nil {
		return nil, fmt.Errorf("building the node: %w\n%s", err, out)
	}
	cache := filepath.Join(dir, "compiled")
	var first [2]time.Duration
	var perBlock time.Duration
	var resident int
	for i := range first {
		run, err := startNode(binary, "dev", "--json", "--rpc-port", "0", "--port", "0", "--log-level", "error",
			"--compile-cache", cache, "--base-path", filepath.Join(dir, "home"+strconv.Itoa(i)), "--seal", "interval=100")
		if err != nil {
			return nil, err
		}
		first[i], err = run.until(1, pollStart)
		if err == nil {
			perBlock, err = run.blocks(emptyBlocks)
		}
		if err == nil {
			resident, err = run.residentKiB()
		}
		if err := errors.Join(err, run.stop()); err != nil {
			return nil, err
		}
	}
	return []figure{
		{"node: start to first block, cold", first[0], "empty home, no compiled code"},
		{"node: start to first block, warm", first[1], "empty home, compiled code on disk"},
		{"node: empty block", perBlock, "CPU time, CometBFT with one validator: enough for " + rate(perBlock)},
		{"node: resident", 0, fmt.Sprintf("%d MiB after %d blocks", resident>>10, emptyBlocks)},
	}, nil
}

// nodeRun is a running node.
type nodeRun struct {
	cmd    *exec.Cmd
	began  time.Time
	stderr bytes.Buffer
	client *wallet.Client
}

func startNode(binary string, args ...string) (*nodeRun, error) {
	r := &nodeRun{cmd: exec.Command(binary, args...), began: time.Now()}
	r.cmd.Stderr = &r.stderr
	stdout, err := r.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := r.cmd.Start(); err != nil {
		return nil, err
	}
	line, err := bufio.NewReader(stdout).ReadBytes('\n')
	var ready struct{ RPC string }
	if err == nil {
		err = json.Unmarshal(line, &ready)
	}
	if err != nil {
		return nil, fmt.Errorf("the node did not start: %w\n%s", errors.Join(err, r.stop()), r.stderr.String())
	}
	r.client = wallet.Dial(ready.RPC)
	return r, nil
}

// until waits for a height, asking every so often, and returns the time since the start.
func (r *nodeRun) until(height uint32, every time.Duration) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(context.Background(), nodePatience)
	defer cancel()
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		now, err := r.client.Height(ctx)
		if err != nil {
			return 0, fmt.Errorf("asking for the height: %w", err)
		}
		if now >= height {
			return time.Since(r.began), nil
		}
		<-tick.C
	}
}

// blocks is the CPU time of each of the next blocks, of which there are at least count.
func (r *nodeRun) blocks(count uint32) (time.Duration, error) {
	from, err := r.client.Height(context.Background())
	if err != nil {
		return 0, err
	}
	begin, err := r.cpuTime()
	if err != nil {
		return 0, err
	}
	if _, err := r.until(from+count, pollBlocks); err != nil {
		return 0, err
	}
	to, err := r.client.Height(context.Background())
	if err != nil {
		return 0, err
	}
	end, err := r.cpuTime()
	return (end - begin) / time.Duration(to-from), err
}

// cpuTime is what the node has computed so far, in user and kernel, as Linux tells it: in hundredths of a second.
func (r *nodeRun) cpuTime() (time.Duration, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", r.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	_, rest, _ := strings.Cut(string(stat), ") ")
	const user, kernel, tick = 11, 12, 10 * time.Millisecond // places behind the name
	fields := strings.Fields(rest)
	if len(fields) <= kernel {
		return 0, errors.New("the system does not tell the node's CPU time")
	}
	var ticks int
	for _, field := range []string{fields[user], fields[kernel]} {
		n, err := strconv.Atoi(field)
		if err != nil {
			return 0, err
		}
		ticks += n
	}
	return time.Duration(ticks) * tick, nil
}

// residentKiB is the memory that the node holds in RAM.
func (r *nodeRun) residentKiB() (int, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", r.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	_, rest, _ := strings.Cut(string(status), "VmRSS:")
	fields := strings.Fields(rest)
	if len(fields) == 0 {
		return 0, errors.New("the system does not tell the node's resident memory")
	}
	return strconv.Atoi(fields[0])
}

func (r *nodeRun) stop() error {
	return errors.Join(r.cmd.Process.Signal(syscall.SIGTERM), r.cmd.Wait())
}
