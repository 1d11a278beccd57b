package host

import (
	"math"

	"github.com/sepia-chain/sepia/runtime/engine"
)

// testMachine is a guest's memory without a guest: it grows, never reuses, and counts gas.
type testMachine struct {
	memory []byte
	gas    int64
}

const testMachineGas = math.MaxInt64 / 2

func newTestMachine() *testMachine { return &testMachine{memory: make([]byte, 8), gas: testMachineGas} }

func (m *testMachine) Charge(gas int64) error {
	if gas < 0 || gas > m.gas {
		m.gas = -1
		return &engine.Trap{Class: engine.TrapOutOfGas}
	}
	m.gas -= gas
	return nil
}

func (m *testMachine) GasLeft() int64 { return max(m.gas, 0) }

func (m *testMachine) Read(ptr, length uint32) ([]byte, error) {
	if uint64(ptr)+uint64(length) > uint64(len(m.memory)) {
		return nil, faultf("an argument points outside the memory")
	}
	return m.memory[ptr : ptr+length], nil
}

// testMachineAlloc is the largest allocation, as that of the blob's allocator: without it a fuzzed call of malloc makes and
// clears 4 GiB.
const testMachineAlloc = 32 << 20

func (m *testMachine) Alloc(size uint32) (uint32, error) {
	if size > testMachineAlloc {
		return 0, &engine.Trap{Class: engine.TrapAllocatorExhausted}
	}
	at := uint32(len(m.memory))
	m.memory = append(m.memory, make([]byte, size)...)
	return at, nil
}

func (m *testMachine) Return(b []byte) (uint64, error) {
	at := uint64(len(m.memory))
	m.memory = append(m.memory, b...)
	return uint64(len(b))<<32 | at, nil
}

// put is an argument: a fat pointer to b.
func (m *testMachine) put(b []byte) uint64 {
	fat, _ := m.Return(b)
	return fat
}

// at is an argument: the address of b.
func (m *testMachine) at(b []byte) uint64 { return m.put(b) & math.MaxUint32 }
