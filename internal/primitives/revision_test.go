package primitives

import "testing"

func TestRevision_IsTheSameOnlyWithoutAChangeOfOneStorage(t *testing.T) {
	first, other := NewRevision(), NewRevision()
	for _, c := range []struct {
		name string
		a, b Revision
		want bool
	}{
		{"itself", first, first, true},
		{"after the same number of changes", first.Next(), first.Next(), true},
		{"after a change", first, first.Next(), false},
		{"of another storage", first, other, false},
		{"nothing", Revision{}, Revision{}, false},
		{"nothing after a change", Revision{}.Next(), Revision{}.Next(), false},
	} {
		if got := c.a.Same(c.b); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}
