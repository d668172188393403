// Command dhamanid is the agent of a clinic workstation: a service that reads
// and writes health cards, keeps what it has read, exchanges it with the
// centre, and serves the reception page on loopback.
package main

import (
	"os"

	"github.com/dhamani-iq/dhamani/internal/cli"
)

// The first signal asks the agent to end, which takes 10 s at most; a second
// one ends the process at once.
func main() {
	clobberFreed()
	os.Exit(cli.Run(newRootCommand(), table))
}
