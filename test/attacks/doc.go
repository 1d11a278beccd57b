// Package attacks tests what a chain does when its users mean it harm: contracts made to exhaust a stack, a compiler or a
// block, calls nested as deep as they decode, transactions that exclude each other, bytes that are nothing.
//
// Each test says in its name what must happen. Most send their attack to a real node and ask it to make another block
// afterwards; those that need budgets or times of their own open a chain in the process of the test (package chaintest). The
// package contains tests only. SEPIA_LONG=1 makes it try harder and wait for real time.
package attacks
