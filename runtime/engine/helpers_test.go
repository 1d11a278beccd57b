package engine

import (
	"errors"
	"testing"
)

// wantTrap checks that err is a trap of the class, or nil for class 0.
func wantTrap(t *testing.T, err error, want TrapClass) {
	t.Helper()
	if want == 0 {
		if err != nil {
			t.Fatalf("got %v, want success", err)
		}
		return
	}
	var trap *Trap
	if !errors.As(err, &trap) {
		t.Fatalf("got %v, want a trap: %v", err, want)
	}
	if trap.Class != want {
		t.Fatalf("got %v, want class %v", trap, want)
	}
}
