package record

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"github.com/dhamani-iq/dhamani/record/terms"
)

// FuzzEncode makes an entry of what it is given and demands that it is read
// again as what Normalise makes of it.
func FuzzEncode(f *testing.F) {
	for seed := range uint64(8) {
		f.Add(randomBytes(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) { writtenAndRead(t, b) })
}

func TestRandomEntries(t *testing.T) {
	changed := 0
	for seed := range uint64(2000) {
		sections := writtenAndRead(t, randomBytes(seed))
		// A change of one byte is refused, or makes another entry of one form.
		r := rand.New(rand.NewPCG(seed, 1)) // #nosec G404 -- a test
		for s, b := range sections {
			b = bytes.Clone(b)
			b[r.IntN(len(b))] ^= 1 << r.IntN(8)
			all := map[Section][]byte{s: b}
			e, err := Decode(Meta{Start: Epoch}, all)
			if err != nil {
				continue
			}
			again, err := e.Sections()
			if err != nil || !reflect.DeepEqual(again, all) {
				t.Fatalf("seed %d: %x became %x, %v", seed, all, again, err)
			}
			changed++
		}
	}
	if changed < 100 {
		t.Errorf("only %d changed sections were read", changed)
	}
}

func randomBytes(seed uint64) []byte {
	r := rand.New(rand.NewPCG(seed, 0)) // #nosec G404 -- a test
	b := make([]byte, 40+r.IntN(400))
	for i := range b {
		b[i] = byte(r.Uint32()) // #nosec G115 -- the low bits
	}
	return b
}

func writtenAndRead(t *testing.T, b []byte) map[Section][]byte {
	t.Helper()
	e := (&maker{b}).entry()
	sections, err := e.Sections()
	if err != nil {
		t.Fatalf("%v of %+v", err, e)
	}
	back, err := Decode(e.Meta(), sections)
	if err != nil {
		t.Fatalf("%x: %v", sections, err)
	}
	if e.Normalise(); !reflect.DeepEqual(back, e) {
		is, _ := json.Marshal(back)
		want, _ := json.Marshal(e)
		t.Fatalf("%x became\n%s\ninstead of\n%s", sections, is, want)
	}
	return sections
}

// maker makes entries of bytes, each of which decides something; when they are
// used up, all decisions are for the first choice.
type maker struct{ b []byte }

func (m *maker) of(n int) int {
	if len(m.b) == 0 {
		return 0
	}
	v := int(m.b[0]) % n
	m.b = m.b[1:]
	return v
}

func (m *maker) seldom() bool { return m.of(6) == 5 }

func pick[T any](m *maker, from ...T) T { return from[m.of(len(from))] }

func several[T any](m *maker, most int, one func() T) []T {
	var out []T
	for range m.of(most + 1) {
		out = append(out, one())
	}
	return out
}

var makerCodes = map[terms.Slot][]Code{
	terms.Observations: {
		{System: terms.LOINC, Value: "8867-4"},
		{System: terms.LOINC, Value: "29463-7"},
		{System: terms.LOINC, Value: "8302-2"},
		{System: terms.LOINC, Value: "9279-1"},
		{System: terms.LOINC, Value: "4548-4"},
		{System: terms.LOINC, Value: "2571-8"},
		{System: terms.LOINC, Value: "2093-3"},
		{System: terms.LOINC, Value: "85354-9"},
		{System: terms.LOINC, Value: "8480-6"},
		{System: terms.LOINC, Value: "8462-4"},
		{System: terms.LOINC, Value: "99999-3"},
		{System: terms.Text, Value: "x"},
	},
	terms.Findings: {
		{System: terms.ICD10, Value: "A09"},
		{System: terms.ICD10, Value: "Z99.9"},
		{System: terms.SNOMED, Value: "44054006"},
		{System: terms.SNOMED, Value: "123"},
		{System: terms.ATC, Value: "J01CA04"},
		{System: terms.LOINC, Value: "1-2"},
		{System: terms.CVX, Value: "08"},
		{System: terms.CVX, Value: "8"},
		{System: terms.Text, Value: "دوار"},
	},
}

func (m *maker) code() Code { return pick(m, makerCodes[terms.Findings]...) }

func (m *maker) moment(start time.Time) Moment {
	switch m.of(6) {
	case 3:
		return At(start.Add(time.Duration(m.of(200)-100) * time.Hour))
	case 4:
		return Day(1990+m.of(60), time.Month(1+m.of(12)), 1+m.of(28))
	case 5:
		return Moment{Time: time.Date(1950+m.of(80), 1, 1, 0, 0, 0, 0, time.UTC), Precision: pick(m, ToMonth, ToYear)}
	case 2:
		return At(start)
	default:
		return Moment{}
	}
}

func (m *maker) value(c Code) Value {
	switch m.of(12) {
	case 0:
		return Value{}
	case 1:
		x := m.code()
		return Value{Code: &x}
	case 2:
		return Value{Text: "often"}
	case 3:
		yes := m.of(2) == 0
		return Value{Bool: &yes}
	case 4:
		return Value{Quantity: NewQuantity(int64(m.of(256))-20, -m.of(4), pick(m, "", "mg/dL", "strip", "/min"))}
	default:
		q := &Quantity{Value: Int(int64(m.of(256)) * 3)}
		if row := measureOf(c); row != nil {
			q.Unit, q.Value.Scale = row.unit, row.scale
		}
		return Value{Quantity: q}
	}
}

func (m *maker) observation(start time.Time, secret bool) Observation {
	c := pick(m, makerCodes[terms.Observations]...)
	x := Observation{Code: c, Category: measureOf(c).implied(), Value: m.value(c), Sensitive: secret}
	if m.seldom() {
		x.Category = pick(m, CategoryLaboratory, CategoryVitalSigns, CategorySurvey)
	}
	if m.seldom() {
		x.At, x.Note, x.Interpretation = m.moment(start), pick(m, "", "n"), pick(m, InterpretationNotSaid, InterpretationHigh)
	}
	if row := measureOf(c); row != nil && len(row.members) > 0 || m.seldom() {
		x.Components = several(m, 4, func() Component {
			c := pick(m, makerCodes[terms.Observations]...)
			return Component{Code: c, Value: m.value(c), Interpretation: pick(m, 0, 0, 0, InterpretationLow)}
		})
	}
	return x
}

func (m *maker) entry() *Entry {
	e := &Entry{Start: Epoch.Add(time.Duration(m.of(256)-30) * 999 * time.Minute), Minutes: pick[uint32](m, 15, 20, 30)}
	if m.seldom() {
		e.Class, e.Facility, e.Sensitive = ClassHome, 7, m.of(2) == 1
		e.Cost = &Cost{Total: Decimal{Mantissa: int64(m.of(256)), Scale: pick[uint8](m, 0, 2, 5)}, Currency: pick(m, "", "USD", "TRY")}
	}
	e.Reasons = several(m, 2, m.code)
	reasons := func() []Code { return pick(m, nil, e.Reasons, []Code{m.code()}) }
	secret := func() bool { return m.seldom() }
	e.Observations = several(m, 8, func() Observation { return m.observation(e.Start, secret()) })
	e.Panels = several(m, 2, func() Panel {
		x := Panel{
			Code: pick(m, Code{System: terms.LOINC, Value: "57698-3"}, Code{System: terms.LOINC, Value: "85353-1"}, m.code()),
			At:   m.moment(e.Start), Sensitive: secret(),
		}
		x.Observations = append(several(m, 6, func() Observation { return m.observation(e.Start, x.Sensitive) }), m.observation(e.Start, x.Sensitive))
		return x
	})
	e.Diagnoses = several(m, 2, func() Diagnosis {
		return Diagnosis{Code: m.code(), Status: pick(m, ConditionActive, ConditionResolved), At: m.moment(e.Start), Onset: m.moment(e.Start), Sensitive: secret()}
	})
	e.Prescriptions = several(m, 2, func() Prescription {
		return Prescription{
			Medicine: m.code(), Dose: m.value(Code{}).Quantity, Frequency: pick(m, Frequency{}, Frequency{Times: 1, Period: 1}, Frequency{Times: 1, Period: 8, Unit: PeriodHour}),
			Reasons: reasons(), Sensitive: secret(),
		}
	})
	e.Procedures = several(m, 2, func() Procedure {
		return Procedure{Code: m.code(), Minutes: pick[uint32](m, 0, 10, 45), Reasons: reasons(), Sensitive: secret()}
	})
	e.CarePlans = several(m, 1, func() CarePlan {
		return CarePlan{
			Code: m.code(), Reasons: reasons(), Sensitive: secret(), End: m.moment(e.Start),
			Activities: several(m, 2, func() Activity { return Activity{Code: m.code(), Status: pick(m, 0, ActivityStopped)} }),
		}
	})
	e.Referrals = several(m, 1, func() Referral { return Referral{To: m.code(), Reasons: reasons(), At: m.moment(e.Start)} })
	e.Imaging = several(m, 1, func() Imaging {
		return Imaging{Study: pick(m, "1.2.840.1", "1.02", "1..2", "."), Modality: "CT"}
	})
	e.Overrides = several(m, 1, func() Override { return Override{Rule: "x", About: []Code{m.code()}, Sensitive: secret()} })
	e.Notes = several(m, 2, func() Note {
		return Note{Text: "سڵاو", Kind: pick(m, NotePlain, NoteCorrection), At: m.moment(e.Start), Sensitive: secret()}
	})
	return e
}
