package alerts

import (
	"slices"
	"testing"

	"github.com/dhamani-iq/dhamani/record"
)

// stops lists the alerts that must be answered.
func stops(t *testing.T, who string, entries []*record.Entry, draft *record.Entry) []string {
	t.Helper()
	p := Base().Patient(person(t, who), nil, entries, now)
	r := Base().Check(p, draft)
	return found(r.Open())
}

// TestAnew stops a medicine and writes it anew in one draft.
func TestAnew(t *testing.T) {
	draft := entry(t, "X:atc:J01CA04 M:atc:J01CA04", now)
	if got := stops(t, "m40", []*record.Entry{entry(t, "A:atc:J01C", now.AddDate(0, 0, -9))}, draft); !slices.Contains(got, "stop allergy-group") {
		t.Errorf("stopped and written anew: %q", got)
	}
}
