package spec

import (
	_ "embed" // the dev chain's spec is part of the binary
	"fmt"
)

//go:embed dev.json
var devJSON []byte

// Dev is the spec of the development chain that `sepia dev` runs.
func Dev() (*Spec, error) {
	s, err := Parse(devJSON)
	if err != nil {
		return nil, fmt.Errorf("the built-in dev spec: %w", err)
	}
	return s, nil
}
