package record

import (
	"testing"

	"github.com/dhamani-iq/dhamani/record/terms"
)

func TestSpellUnits(t *testing.T) {
	q := func(unit string) *Quantity { return &Quantity{Value: Int(7), Unit: unit} }
	given := q("mmHg")
	e := &Entry{
		Observations: []Observation{
			{Value: Value{Quantity: given}},
			{Value: Value{Quantity: q("a spoonful")}},
			{Value: Value{Text: "mmHg"}},
			{Components: []Component{{Value: Value{Quantity: q("mg/dl")}}, {Value: Value{Code: &Code{System: terms.Text, Value: "x"}}}}},
		},
		Panels:        []Panel{{Observations: []Observation{{Value: Value{Quantity: q("x10^9/L")}}}}},
		Prescriptions: []Prescription{{Dose: q("mcg")}, {}},
	}
	before := e.Observations
	e.SpellUnits()
	for want, got := range map[string]string{
		"mm[Hg]": e.Observations[0].Value.Quantity.Unit, "a spoonful": e.Observations[1].Value.Quantity.Unit, "mg/dL": e.Observations[3].Components[0].Value.Quantity.Unit,
		"10*9/L": e.Panels[0].Observations[0].Value.Quantity.Unit, "ug": e.Prescriptions[0].Dose.Unit,
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	if given.Unit != "mmHg" || before[0].Value.Quantity != given || e.Prescriptions[1].Dose != nil {
		t.Error("what was given has changed, or a dose came from nowhere")
	}
}
