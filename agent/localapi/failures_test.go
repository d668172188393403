package localapi_test

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/dhamani-iq/dhamani/agent"
	"github.com/dhamani-iq/dhamani/agent/localapi"
)

var update = flag.Bool("update", false, "write docs/failure-codes.md anew")

const failureDoc = "../../docs/failure-codes.md"

const failureHead = `# Failure codes

An error that a person or a program must deal with has one of these codes, wherever it shows: on the page, in the
local API's ` + "`error`" + ` object, in an event, in the command line's JSON. The action names the remedy that a program may offer.
The codes that begin with ` + "`api_`" + ` are refusals of the local API itself.

| code | action | English | العربية | کوردی |
|---|---|---|---|---|
`

// TestFailureDoc keeps docs/failure-codes.md and the two tables together.
func TestFailureDoc(t *testing.T) {
	var b strings.Builder
	b.WriteString(failureHead)
	seen := make(map[string]bool)
	for _, f := range append(agent.Failures(), localapi.Failures()...) {
		if seen[f.Code] {
			continue // the local API says visit_unknown too
		}
		seen[f.Code] = true
		fmt.Fprintf(&b, "| `%s` | `%s` | %s | %s | %s |\n", f.Code, f.Action, f.Text["en"], f.Text["ar"], f.Text["ckb"])
	}
	if *update {
		if err := os.WriteFile(failureDoc, []byte(b.String()), 0o644); err != nil { // #nosec G306 -- a document
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(failureDoc)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != b.String() {
		t.Errorf("%s is not what the tables say; run: go test ./agent/localapi -run TestFailureDoc -update", failureDoc)
	}
}
