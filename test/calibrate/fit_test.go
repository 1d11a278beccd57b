package main

import (
	"math"
	"testing"
)

func TestFit_FindsThePriceThatMadeTheTimes(t *testing.T) {
	for _, c := range []struct {
		name string
		want [3]float64
		at   [][2]float64 // bytes and keys
	}{
		{"base alone", [3]float64{500, 0, 0}, [][2]float64{{8, 0}, {8, 0}}},
		{"bytes", [3]float64{300, 7, 0}, [][2]float64{{0, 0}, {10, 0}, {1_000, 0}}},
		{"bytes and keys", [3]float64{300, 7, 11}, [][2]float64{{0, 0}, {10, 3}, {1_000, 1}, {5, 700}}},
		{"keys, each of as many bytes, cannot be told from bytes", [3]float64{300, 0, 50}, [][2]float64{{0, 0}, {10, 1}, {100, 10}}},
	} {
		var points []point
		for _, at := range c.at {
			points = append(points, point{at[0], at[1], c.want[0] + c.want[1]*at[0] + c.want[2]*at[1]})
		}
		parts := fit(points)
		for i, p := range points {
			if got := parts[0] + parts[1]*p.bytes + parts[2]*p.keys; math.Abs(got-p.taken) > 1e-6*p.taken {
				t.Errorf("%s: point %d is %f, want %f by %v", c.name, i, got, p.taken, parts)
			}
		}
	}
}

// A part that would come out below zero is none.
func TestFit_NothingIsPaidBack(t *testing.T) {
	parts := fit([]point{{0, 0, 100}, {10, 0, 90}, {20, 0, 80}})
	if parts[1] != 0 || parts[0] < 80 || parts[0] > 100 {
		t.Errorf("parts %v", parts)
	}
}

func TestRatio_MarksWhatIsOff(t *testing.T) {
	for r, want := range map[float64]string{1.19: "1.19 <", 1.2: "1.20  ", 4: "4.00  ", 4.01: "4.01 >"} {
		if got := ratio(r); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
