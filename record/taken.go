package record

import "time"

// Taken reports whether a medicine that was prescribed in an encounter which
// began at start is taken at a time: by its status, and by the length of its
// course, or within 90 days when that was not said.
func (x *Prescription) Taken(start, now time.Time) bool {
	m := x.medicine(start)
	return x.current() && m.taken(now)
}

// current reports whether a prescription's status says that it is followed.
func (x *Prescription) current() bool {
	return x.Status == MedicationActive || x.Status == MedicationOnHold && x.Ongoing
}
