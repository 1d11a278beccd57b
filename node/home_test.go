package node

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// A home that a killed process left goes. One that runs, one that is being made, one that somebody keeps, also under such a
// name, one that was left and then opened to be kept, and what a link points to all stay.
func TestRemoveAbandoned_RemovesOnlyEphemeralHomesThatNobodyHolds(t *testing.T) {
	dir := t.TempDir()
	no := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	// opened is a home after node.Open settled it each time with the given answers; the kernel unlocks when a process ends.
	opened := func(name string, ended bool, ephemeral ...bool) {
		t.Helper()
		h := Home(filepath.Join(dir, name))
		no(h.create())
		for i, e := range ephemeral {
			unlock, err := h.lock()
			no(err)
			no(h.settle(e))
			if ended || i < len(ephemeral)-1 {
				no(unlock())
				continue
			}
			t.Cleanup(func() { _ = unlock() })
		}
	}
	opened("sepia-dev-killed", true, true)
	opened("sepia-dev-running", false, true)
	opened("sepia-dev-kept", true, false)
	opened("sepia-dev-rescued", true, true, false)
	opened("sepia-dev-beginning", true)
	no(Home(filepath.Join(dir, "sepia-dev-beginning")).settle(true))
	elsewhere := t.TempDir()
	no(Home(elsewhere).settle(true))
	no(os.WriteFile(Home(elsewhere).lockFile(), nil, 0o644))
	no(os.Symlink(elsewhere, filepath.Join(dir, "sepia-dev-link")))

	if removed := RemoveAbandoned(dir); removed != 1 {
		t.Errorf("removed %d homes, want 1", removed)
	}
	var left []string
	entries, err := os.ReadDir(dir)
	no(err)
	for _, e := range entries {
		left = append(left, e.Name())
	}
	want := []string{"sepia-dev-beginning", "sepia-dev-kept", "sepia-dev-link", "sepia-dev-rescued", "sepia-dev-running"}
	if !slices.Equal(left, want) {
		t.Errorf("left are %v, want %v", left, want)
	}
	if _, err := os.Stat(Home(elsewhere).lockFile()); err != nil {
		t.Errorf("what a link points to was touched: %v", err)
	}
}
