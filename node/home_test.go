package node

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// A home that a killed process left goes; one that runs, one that is being made and one of another kind stay.
func TestRemoveAbandoned_RemovesWhatNobodyHolds(t *testing.T) {
	dir := t.TempDir()
	home := func(name string) Home {
		h := Home(filepath.Join(dir, name))
		if err := os.MkdirAll(filepath.Join(string(h), "data"), 0o755); err != nil {
			t.Fatal(err)
		}
		return h
	}
	locked := func(h Home) func() error {
		unlock, err := h.lock()
		if err != nil {
			t.Fatal(err)
		}
		return unlock
	}
	release := locked(home("sepia-dev-killed"))
	defer locked(home("sepia-dev-running"))()
	home("sepia-dev-beginning")
	otherRelease := locked(home("other-killed"))
	for _, unlock := range []func() error{release, otherRelease} { // the kernel does this when a process ends
		if err := unlock(); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(filepath.Join(dir, "other-killed"), filepath.Join(dir, "sepia-dev-link")); err != nil {
		t.Fatal(err)
	}

	if removed := RemoveAbandoned(dir, "sepia-dev-"); removed != 1 {
		t.Errorf("removed %d homes, want 1", removed)
	}
	var left []string
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		left = append(left, e.Name())
	}
	want := []string{"other-killed", "sepia-dev-beginning", "sepia-dev-link", "sepia-dev-running"}
	if !slices.Equal(left, want) {
		t.Errorf("left are %v, want %v", left, want)
	}
}
