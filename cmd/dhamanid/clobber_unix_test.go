//go:build unix

package main

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// TestClobberFreed: a process that begins without the setting has it in the
// end, beside what was set, and one that was given another value keeps it.
func TestClobberFreed(t *testing.T) {
	const child = "DHAMANI_CLOBBER_CHILD"
	if os.Getenv(child) != "" {
		clobberFreed()
		fmt.Println("GODEBUG is", os.Getenv("GODEBUG"))
		return
	}
	for given, want := range map[string]string{
		"": "clobberfree=1", "gctrace=0": "gctrace=0,clobberfree=1", "clobberfree=0": "clobberfree=0",
	} {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestClobberFreed$") // #nosec G204 -- this test
		cmd.Env = append(os.Environ(), child+"=1", "GODEBUG="+given)
		out, err := cmd.CombinedOutput()
		if err != nil || !strings.Contains(string(out), "GODEBUG is "+want+"\n") {
			t.Errorf("given %q: %s, %v", given, out, err)
		}
	}
}
