package cli

import (
	"fmt"
	"runtime"

	"github.com/spf13/cobra"

	"github.com/sepia-chain/sepia/node"
)

type versionReport struct {
	Version     string `json:"version"`
	Go          string `json:"go"`
	Platform    string `json:"platform"`
	CometBFT    string `json:"cometbft"`
	Wasmtime    string `json:"wasmtime"`
	HostVersion uint32 `json:"hostVersion"`
}

func newVersion(io *streams) *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Show the versions of the node and what it is made of",
		Args:  noArguments,
		RunE: func(*cobra.Command, []string) error {
			modules := node.ModuleVersions()
			r := versionReport{
				Version: node.Version, Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH,
				CometBFT: modules["github.com/cometbft/cometbft"], Wasmtime: modules["github.com/bytecodealliance/wasmtime-go/v44"],
				HostVersion: node.HostVersion,
			}
			return io.print(r, fmt.Sprintf("sepia %s\ngo           %s\nplatform     %s\ncometbft     %s\nwasmtime-go  %s\nhost version %d\n",
				r.Version, r.Go, r.Platform, r.CometBFT, r.Wasmtime, r.HostVersion))
		},
	}
}
