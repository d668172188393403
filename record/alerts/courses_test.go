package alerts

import (
	"testing"

	"github.com/dhamani-iq/dhamani/record"
	"github.com/dhamani-iq/dhamani/record/terms"
)

// TestCourses: lines of one medicine count together on the days on which both
// are taken, and not where one follows the other.
func TestCourses(t *testing.T) {
	line := func(mg int64, from, days int) record.Prescription {
		at := now.AddDate(0, 0, from)
		return record.Prescription{
			Medicine: record.Code{System: terms.ATC, Value: "N02BE01"}, At: record.At(at), Days: uint16(days),
			Dose: &record.Quantity{Value: record.Int(mg), Unit: "mg"}, Frequency: record.Frequency{Times: 3, Period: 1, Unit: record.PeriodDay},
		}
	}
	for name, tt := range map[string]struct {
		lines []record.Prescription
		want  int
	}{
		"tapered":            {[]record.Prescription{line(1000, 0, 5), line(500, 5, 5)}, 0},
		"a day of both":      {[]record.Prescription{line(1000, 0, 6), line(500, 5, 5)}, 1},
		"one without end":    {[]record.Prescription{line(1000, 0, 0), line(500, 400, 5)}, 1},
		"three, two at once": {[]record.Prescription{line(1000, 9, 5), line(300, 0, 20), line(300, 30, 5)}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			draft := &record.Entry{Start: now, Prescriptions: tt.lines}
			report := Base().Check(Base().Patient(Person{}, nil, nil, now), draft)
			if got := found(report.Alerts); len(got) != tt.want {
				t.Errorf("told %q", got)
			}
		})
	}
}
