// Command sepia is the node: `sepia dev` runs a development chain, `sepia help` lists all else.
package main

import (
	"os"

	"github.com/sepia-chain/sepia/node/cli"
)

func main() {
	os.Exit(int(cli.Main(os.Args[1:])))
}
