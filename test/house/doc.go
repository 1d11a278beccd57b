// Package house tests the house itself: which room may import which, that each package says what it is, and the rules of
// writing that a machine can check. Each rule has a planted violation that must turn it red.
//
// It contains tests only. It reads the source tree and asks the go command for imports; it runs nothing of the node.
package house
