package entitle

import (
	"testing"
	"time"

	"github.com/dhamani-iq/dhamani/record"
)

// TestEmergencyDental asks for dental care in an emergency when the year's sum
// is used up.
func TestEmergencyDental(t *testing.T) {
	w := newWorld()
	w.k.Entries = []Seen{entry(1, time.Date(2026, 3, 1, 9, 0, 0, 0, baghdad), 5, record.ServiceDental, int64(Default().Dental)+100000, 0)}
	cost := int64(50000)
	w.q.Service, w.q.Class, w.q.Cost = record.ServiceDental, record.ClassEmergency, &cost
	a, err := Ask(&w.k, w.q)
	if err != nil {
		t.Fatal(err)
	}
	if want := cost * int64(a.PerCent) / 100; a.Outcome != Covered || a.Patient == nil || *a.Patient != want {
		t.Errorf("%s, %v to pay of %d, want %d", a.Outcome, *a.Patient, cost, want)
	}
}
