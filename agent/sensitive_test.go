package agent

import (
	"testing"
	"time"

	"github.com/dhamani-iq/dhamani/card/softcard"
	"github.com/dhamani-iq/dhamani/crypto/envelope"
	"github.com/dhamani-iq/dhamani/record"
	"github.com/dhamani-iq/dhamani/record/terms"
)

// TestDraftIsMarked writes what is sensitive by its code without a mark, with
// the key of the sensitive section and without it.
func TestDraftIsMarked(t *testing.T) {
	n := newNation(t)
	p := n.issue(1, softcard.Options{})
	d := n.desk(deskOptions{})
	all := p.keysOf(t, 0)
	some := all.Map()
	delete(some, record.SectionSensitive)
	part := must[*envelope.Keys](t)(envelope.KeysFromMap(some, p.subject))
	draft := &record.Entry{
		Start:     time.Now().UTC().Truncate(time.Minute),
		Diagnoses: []record.Diagnosis{{Code: record.Code{System: terms.ICD10, Value: "F32"}}, {Code: record.Code{System: terms.ICD10, Value: "I10"}}},
		Prescriptions: []record.Prescription{
			{Medicine: record.Code{System: terms.ATC, Value: "N05BA01"}, Dose: &record.Quantity{Value: record.Int(5), Unit: "MG"}},
		},
	}
	for name, c := range map[string]struct {
		keys   *envelope.Keys
		marked bool
	}{"verified": {all, true}, "not verified": {part, false}} {
		b := &book{subject: p.subject, keys: c.keys}
		parts, err := d.agent.drafts(d.agent.actor(), &p.subjects, b, draft, record.MaxContent*2)
		if err != nil || len(parts) != 1 {
			t.Fatalf("%s: %d parts, %v", name, len(parts), err)
		}
		sealed := must[*envelope.Sealed](t)(envelope.Parse(parts[0].Sealed))
		e := parts[0].entry
		has := false
		for _, s := range sealed.Sections() {
			has = has || s == record.SectionSensitive
		}
		if has != c.marked || e.Prescriptions[0].Sensitive != c.marked || e.Diagnoses[len(e.Diagnoses)-1].Sensitive != c.marked {
			t.Errorf("%s: sections %v", name, sealed.Sections())
		}
		if unit := e.Prescriptions[0].Dose.Unit; unit != "mg" {
			t.Errorf("%s: dose in %q", name, unit)
		}
	}
	if draft.Diagnoses[0].Sensitive || draft.Prescriptions[0].Sensitive || draft.Prescriptions[0].Dose.Unit != "MG" {
		t.Error("the draft itself has changed")
	}
}
