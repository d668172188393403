// Command waitreaders waits until the PC/SC service lists both virtual
// readers. tools/with-pcscd.sh uses it.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"time"

	"github.com/dhamani-iq/dhamani/internal/testpcsc"
)

func main() {
	limit := flag.Duration("for", 20*time.Second, "how long to wait; 0 asks once")
	flag.Parse()
	if err := testpcsc.WaitReaders(context.Background(), *limit); err != nil {
		fmt.Fprintln(os.Stderr, "waitreaders:", err)
		os.Exit(1)
	}
}
