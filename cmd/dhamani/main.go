// Command dhamani is the technician's and administrator's command line: it
// looks at readers and cards, moves records in and out, and asks the agent and
// the centre how they are.
package main

import (
	"os"

	"github.com/dhamani-iq/dhamani/internal/cli"
)

func main() { os.Exit(cli.Run(newRootCommand(&globals{}), table)) }
