package record

import (
	"slices"
	"time"
)

// Current returns what counts at a time by a summary and entries, sensitive
// items among it: allergies, problems and medicines. It is for whoever has
// opened the entries, and it is never written to a card. summary may be nil.
func Current(summary *Summary, entries []*Entry, now time.Time) *Summary {
	s := &Summary{}
	if summary != nil {
		*s = *summary
		s.Allergies, s.Problems, s.Medicines = slices.Clone(s.Allergies), slices.Clone(s.Problems), slices.Clone(s.Medicines)
	}
	s.gather(entries, now, true)
	return s
}
