package record

import "github.com/dhamani-iq/dhamani/record/ucum"

// SpellUnits writes the units of what was measured and prescribed as UCUM does,
// where another spelling is meant (mmHg, µmol/L, mg/dl). A unit that is not known
// stays as it is.
func (e *Entry) SpellUnits() {
	spell := func(q *Quantity) *Quantity {
		if q == nil {
			return nil
		}
		unit, ok := ucum.Normal(q.Unit)
		if !ok || unit == q.Unit {
			return q
		}
		return &Quantity{Value: q.Value, Unit: unit}
	}
	observation := func(o *Observation) {
		o.Value.Quantity = spell(o.Value.Quantity)
		each(&o.Components, func(c *Component) { c.Value.Quantity = spell(c.Value.Quantity) })
	}
	each(&e.Observations, observation)
	each(&e.Panels, func(p *Panel) { each(&p.Observations, observation) })
	each(&e.Prescriptions, func(p *Prescription) { p.Dose, p.Quantity = spell(p.Dose), spell(p.Quantity) })
}
