package keyring

import "fmt"

// devNames are the development accounts in the order in which chains and tools list them.
var devNames = [...]string{"Alice", "Bob", "Charlie", "Dave", "Eve", "Ferdie"}

// DevAccount is a well-known account of development chains. Its key is public: it must never hold anything of value.
type DevAccount struct {
	Name string // "Alice", "Alice//stash"
	URI  string // "//Alice"
	Pair *Pair
}

// DevAccounts are Alice to Ferdie and then their stash accounts, sr25519.
func DevAccounts() ([]DevAccount, error) {
	var accounts []DevAccount
	for _, suffix := range []string{"", "//stash"} {
		for _, name := range devNames {
			uri := "//" + name + suffix
			pair, err := FromURI(Sr25519, uri)
			if err != nil {
				return nil, fmt.Errorf("making development account %s: %w", uri, err)
			}
			accounts = append(accounts, DevAccount{Name: name + suffix, URI: uri, Pair: pair})
		}
	}
	return accounts, nil
}
