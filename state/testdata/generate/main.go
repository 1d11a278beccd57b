// Command generate prints random programs of storage operations in the form that ../oracle reads. The answers are kept in
// ../programs.txt; ../update writes them anew.
package main

import (
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"strings"
)

const (
	programs   = 200
	operations = 45
)

// Few keys, so that operations meet; prefixes of one another, zeros, and keys that runtimes may not write.
var keys = []string{"", "\x00", "\x00\x00", "a", "a\x00", "ab", "ab\x01", "ab\xff", "ab\xff\xff", "b", "ba", ":", ":c",
	":child_storage:x", ":code", "c", "\xff", "\xff\xff", "zz"}

// Values that are lists and ones that only look like it: counts in each compact form, not in the shortest, and too large.
var values = []string{"", "\x00", "\x04x", "v", "value", "\xfcab", "\xfd\xff", "\x01\x01longer", "\x01\x00short", "\xfe\xff\xff\xff",
	"\x02\x00\x00\x00", "\x03\x00\x00\x00\x00", "\x03\x00\x00\x00\x40", "\x07\x00\x00\x00\x00\x01", "\x13\xff\xff\xff\xff\xff\xff\xff\xff"}

var domains = []string{"top", "top", "top", "c63", "c6363", "c."}

func main() {
	rng := rand.New(rand.NewPCG(61, 61))
	for range programs {
		fmt.Println("program")
		for range rng.IntN(25) {
			if key := pick(rng, keys); !reserved(key) {
				fmt.Println("base", pick(rng, domains), hexOf(key), hexOf(pick(rng, values)))
			}
		}
		for range operations {
			fmt.Println(operation(rng))
		}
		for _, key := range keys {
			fmt.Println("get top", hexOf(key))
			fmt.Println("next top", hexOf(key))
			fmt.Println("get c63", hexOf(key))
		}
	}
}

func operation(rng *rand.Rand) string {
	domain, key, value := pick(rng, domains), hexOf(pick(rng, keys)), hexOf(pick(rng, values))
	switch rng.IntN(14) {
	case 0:
		return fmt.Sprint("get ", domain, " ", key)
	case 1, 2:
		return fmt.Sprint("set ", domain, " ", key, " ", value)
	case 3:
		return fmt.Sprint("clear ", domain, " ", key)
	case 4, 5:
		list := pick(rng, keys)
		for reserved(list) { // Substrate writes there, over what it keeps of child tries
			list = pick(rng, keys)
		}
		return fmt.Sprint("append top ", hexOf(list), " ", value)
	case 6:
		return fmt.Sprint("next ", domain, " ", key)
	case 7, 8:
		return fmt.Sprint("prefix ", domain, " ", key, " ", limit(rng))
	case 9:
		return fmt.Sprint("kill ", pick(rng, domains[3:]), " ", limit(rng))
	case 10, 11:
		return "start"
	case 12:
		return "commit"
	}
	return "rollback"
}

func limit(rng *rand.Rand) string {
	if n := rng.IntN(7); n < 5 {
		return fmt.Sprint(n)
	}
	return "none"
}

func pick(rng *rand.Rand, list []string) string { return list[rng.IntN(len(list))] }

func reserved(key string) bool { return strings.HasPrefix(key, ":child_storage:") }

func hexOf(s string) string {
	if s == "" {
		return "."
	}
	return hex.EncodeToString([]byte(s))
}
