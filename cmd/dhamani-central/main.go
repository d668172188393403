// Command dhamani-central is the reference central API with its
// administrator's commands: it makes a centre, serves clinics, and enrols,
// revokes and blocks.
package main

import (
	"os"

	"github.com/dhamani-iq/dhamani/internal/cli"
)

func main() { os.Exit(cli.Run(newRootCommand(&globals{}), table)) }
