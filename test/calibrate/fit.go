package main

import "math"

// point is one measurement of a price: bytes and keys that were charged, and the time in ps.
type point struct{ bytes, keys, taken float64 }

// fit finds base, per byte and per key with the least sum of squared relative errors. Parts that no measurement varies, and
// parts that come out below zero, are zero.
func fit(points []point) (parts [3]float64) {
	use := [3]bool{true, vary(points, func(p point) float64 { return p.bytes }), vary(points, func(p point) float64 { return p.keys })}
	for {
		parts = solve(points, use)
		worst, found := 0, false
		for i := range parts {
			if parts[i] < 0 && (!found || parts[i] < parts[worst]) {
				worst, found = i, true
			}
		}
		if !found {
			return parts
		}
		use[worst] = false
	}
}

func vary(points []point, of func(point) float64) bool {
	for _, p := range points {
		if of(p) != of(points[0]) {
			return true
		}
	}
	return false
}

// solve solves the normal equations for the parts in use.
func solve(points []point, use [3]bool) (parts [3]float64) {
	var m [3][4]float64
	for _, p := range points {
		weight := 1 / math.Max(p.taken, 1)
		row := [3]float64{weight, p.bytes * weight, p.keys * weight}
		for i := range 3 {
			for j := range 3 {
				m[i][j] += row[i] * row[j]
			}
			m[i][3] += row[i] * p.taken * weight
		}
	}
	for i := range 3 {
		if !use[i] {
			for j := range 3 {
				m[i][j], m[j][i] = 0, 0
			}
			m[i][i], m[i][3] = 1, 0
		}
	}
	return gauss(m)
}

// gauss eliminates with the largest pivot. Where the equations do not say what a part is, it is zero.
func gauss(m [3][4]float64) (parts [3]float64) {
	for i := range 3 {
		pivot := i
		for j := i + 1; j < 3; j++ {
			if math.Abs(m[j][i]) > math.Abs(m[pivot][i]) {
				pivot = j
			}
		}
		m[i], m[pivot] = m[pivot], m[i]
		for j := i + 1; j < 3; j++ {
			if m[i][i] == 0 {
				continue
			}
			factor := m[j][i] / m[i][i]
			for k := i; k < 4; k++ {
				m[j][k] -= factor * m[i][k]
			}
		}
	}
	for i := 2; i >= 0; i-- {
		sum := m[i][3]
		for j := i + 1; j < 3; j++ {
			sum -= m[i][j] * parts[j]
		}
		if m[i][i] != 0 {
			parts[i] = sum / m[i][i]
		}
	}
	return parts
}
