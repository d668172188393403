package agent

import (
	"slices"
	"time"

	"github.com/dhamani-iq/dhamani/record"
)

// AsOf returns what this workstation knew of the person who is shown at a time:
// the entries that it kept by then, each with what amended it by then, and the
// summary and its alerts that follow from them. What was on the card and was not
// read here yet, nobody here knew. There are no Checks and no Eligibility in it:
// they rest on rules and on a word of the centre of which only the last are
// kept, and those of now would be taken for those of then.
func (v *Visit) AsOf(t time.Time) Visit {
	out := *v
	out.Entries = slices.DeleteFunc(slices.Clone(v.Entries), func(e VisitEntry) bool { return e.Kept.After(t) })
	link(out.Entries)
	said := make([]*record.Entry, len(out.Entries))
	for i := range out.Entries {
		out.Entries[i].Correctable = false // that is a question of now
		said[i] = out.Entries[i].Entry
	}
	out.Summary = record.Summarise(nil, said, t)
	out.Alerts = alertsOf(out.Summary)
	out.Checks, out.Eligibility = nil, nil
	return out
}
