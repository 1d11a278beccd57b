package engine

import (
	"errors"
	"fmt"
)

// TrapClass says how guest code failed. The numbers up to TrapStackOverflow are those that the blob sees of its guests.
type TrapClass uint32

// The classes of traps. Finer distinctions differ between engines and compile levels and are not made.
const (
	TrapUnreachable TrapClass = iota + 1
	TrapMemory
	TrapTable // null entry or index out of range
	TrapSignature
	TrapDivideByZero
	TrapIntegerOverflow
	TrapStackOverflow // by the module's own counter
)

// Ends of a blob call that no guest has.
const (
	TrapOutOfGas TrapClass = iota + 16
	TrapAllocatorExhausted
	TrapHost // a host function refused its arguments
)

var trapNames = map[TrapClass]string{
	TrapUnreachable:        "unreachable",
	TrapMemory:             "memory access out of bounds",
	TrapTable:              "table access out of bounds or null",
	TrapSignature:          "indirect call to a function of another type",
	TrapDivideByZero:       "division by zero",
	TrapIntegerOverflow:    "integer overflow",
	TrapStackOverflow:      "stack overflow",
	TrapOutOfGas:           "out of gas",
	TrapAllocatorExhausted: "allocator exhausted",
	TrapHost:               "host function",
}

// String returns the class in words.
func (c TrapClass) String() string {
	if name, ok := trapNames[c]; ok {
		return name
	}
	return fmt.Sprintf("trap class %d", uint32(c))
}

// Trap is the failure of a blob call by the blob's own doing. Only its class is part of a result; the text is for people.
type Trap struct {
	Class TrapClass
	Text  string
}

func (t *Trap) Error() string {
	if t.Text == "" {
		return t.Class.String()
	}
	return t.Class.String() + ": " + t.Text
}

// HostTrap is what a host function in Go returns to end the call by the guest's fault.
type HostTrap struct {
	Text string
}

func (t *HostTrap) Error() string { return t.Text }

// ErrFault is a failure of the engine or of the operating system. It says nothing about the module: the node stops.
var ErrFault = errors.New("engine fault")

// ErrNoExport is returned for an export that the module does not have, or has with another type.
var ErrNoExport = errors.New("no such export")

func fault(doing, text string) error {
	return fmt.Errorf("%w: %s: %s", ErrFault, doing, text)
}
