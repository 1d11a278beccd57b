// Package replay tests that a chain is a function of its blocks: what one node made, another executes again in an empty home,
// with other settings, to the same hashes. It contains tests only. SEPIA_LONG=1 makes a longer chain and replays it with more
// settings.
package replay
