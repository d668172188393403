package web_test

import (
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/dhamani-iq/dhamani/record"
)

// TestCorrectionKnowsTheModel compares what a correction carries over with what
// an entry may hold: a name that the page does not know hides its button, and
// is to be added here.
func TestCorrectionKnowsTheModel(t *testing.T) {
	script, err := os.ReadFile("assets/correct.js")
	if err != nil {
		t.Fatal(err)
	}
	known := make(map[string]bool)
	for _, list := range regexp.MustCompile(`const (?:kept|itemLists|others) = \[([^\]]+)\]`).FindAllStringSubmatch(string(script), 3) {
		for name := range strings.SplitSeq(list[1], ", ") {
			known[strings.Trim(name, `"`)] = true
		}
	}
	for f := range reflect.TypeFor[record.Entry]().Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		// Nothing is corrected that is withdrawn, or that is not seen whole.
		if hidden := name == "entered_in_error" || name == "missing"; known[name] == hidden {
			t.Errorf("%q is known to the page: %t", name, known[name])
		}
	}
}
