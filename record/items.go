package record

import (
	"math"
	"slices"
	"time"
)

// Each kind of item has its writer, which returns the number of elements that
// it put into the flat list, and its reader beside it. An item is its leading
// element, usually a code, and a map of attributes when any differs from its
// default.

// attributes writes the optional map behind an item's leading elements.
func (w *writer) attributes(leading int, f func(m *mapWriter)) int {
	if w.attrs(true, f) > 0 {
		return leading + 1
	}
	return leading
}

// attributes reads the map behind an item's leading elements, if one is there.
func (r *reader) attributes(leading int, f func(key uint64) bool) {
	r.left -= leading
	if r.left > 0 && r.peek() == majorMap {
		r.left--
		r.attrs(f)
	}
}

// optAt writes an item's time unless it is the encounter's start.
func (m *mapWriter) optAt(k uint64, at Moment, base time.Time) {
	if at.Precision != ToMinute || !at.Time.Equal(base) {
		m.optMoment(k, at, base)
	}
}

// allergy = code, ? {1 kind, 2 group, 3 criticality, 4 severity, 5 reactions,
// 6 status, 7 certainty, 8 at, 9 onset, 10 note}
func (w *writer) allergy(x *Allergy, base time.Time) int {
	w.code(x.Code)
	return w.attributes(1, func(m *mapWriter) {
		m.optUint(1, uint64(x.Kind))
		m.optUint(2, uint64(x.Group))
		m.optUint(3, uint64(x.Criticality))
		m.optUint(4, uint64(x.Severity))
		m.optCodes(5, x.Reactions)
		m.optUint(6, uint64(x.Status))
		m.optUint(7, uint64(x.Certainty))
		m.optAt(8, x.At, base)
		m.optMoment(9, x.Onset, base)
		m.optText(10, x.Note)
	})
}

func (r *reader) allergy(base time.Time) (x Allergy) {
	x.Code = r.code()
	r.attributes(1, func(key uint64) bool {
		switch key {
		case 1:
			x.Kind = readEnum[allergyKindNames](r)
		case 2:
			x.Group = readEnum[allergyGroupNames](r)
		case 3:
			x.Criticality = readEnum[criticalityNames](r)
		case 4:
			x.Severity = readEnum[severityNames](r)
		case 5:
			x.Reactions = r.codes(maxReactions)
		case 6:
			x.Status = readEnum[conditionNames](r)
		case 7:
			x.Certainty = readEnum[certaintyNames](r)
		case 8:
			x.At = r.moment(base)
		case 9:
			x.Onset = r.moment(base)
		case 10:
			x.Note = r.text(maxNote)
		default:
			return false
		}
		return true
	})
	return x
}

// prescription = medicine, ? {1 dose, 2 frequency, 3 status, 4 at, 5 route,
// 6 as needed, 7 days, 8 ongoing, 9 quantity, 10 refills, 11 reasons,
// 12 directions, 13 statement}
func (w *writer) prescription(x *Prescription, base time.Time) int {
	w.code(x.Medicine)
	return w.attributes(1, func(m *mapWriter) {
		m.optQuantity(1, x.Dose)
		m.optFrequency(2, x.Frequency)
		m.optUint(3, uint64(x.Status))
		m.optAt(4, x.At, base)
		m.optUint(5, uint64(x.Route))
		m.optTrue(6, x.AsNeeded)
		m.optUint(7, uint64(x.Days))
		m.optTrue(8, x.Ongoing)
		m.optQuantity(9, x.Quantity)
		m.optUint(10, uint64(x.Refills))
		m.optCodes(11, x.Reasons)
		m.optText(12, x.Directions)
		m.optTrue(13, x.Statement)
	})
}

func (r *reader) prescription(base time.Time, secret bool) Prescription {
	x := Prescription{Medicine: r.code(), Sensitive: secret}
	r.attributes(1, func(key uint64) bool {
		switch key {
		case 1:
			x.Dose = r.quantity()
		case 2:
			x.Frequency = r.frequency()
		case 3:
			x.Status = readEnum[medicationNames](r)
		case 4:
			x.At = r.moment(base)
		case 5:
			x.Route = readEnum[routeNames](r)
		case 6:
			x.AsNeeded = r.isTrue()
		case 7:
			x.Days = uint16(r.uint(math.MaxUint16)) // #nosec G115 -- bounded
		case 8:
			x.Ongoing = r.isTrue()
		case 9:
			x.Quantity = r.quantity()
		case 10:
			x.Refills = uint8(r.uint(math.MaxUint8)) // #nosec G115 -- bounded
		case 11:
			x.Reasons = r.codes(maxReasons)
		case 12:
			x.Directions = r.text(maxNote)
		case 13:
			x.Statement = r.isTrue()
		default:
			return false
		}
		return true
	})
	return x
}

// observationGroups writes the three lists whose key gives the category, and
// the one for the other categories.
func (m *mapWriter) observationGroups(e *Entry, secret bool) {
	for group := CategoryLaboratory; group <= CategorySocialHistory; group++ {
		implied, key := group, keyLaboratory+uint64(group)
		if group == CategorySocialHistory {
			implied, key = CategoryOther, keyObservations
		}
		items(m, key, e.Observations, func(x *Observation) bool {
			return x.Sensitive == secret && min(x.Category, CategorySocialHistory) == group
		}, func(w *writer, x *Observation) int { return w.observation(x, e.Start, implied) })
	}
}

// observation = code, value, ? {1 at, 2 interpretation, 3 components,
// 4 status, 5 note, 6 category}
//
// The category is written when it is not the one that the list implies.
func (w *writer) observation(x *Observation, base time.Time, implied Category) int {
	w.code(x.Code)
	w.value(x.Value)
	return w.attributes(2, func(m *mapWriter) {
		m.optAt(1, x.At, base)
		m.optUint(2, uint64(x.Interpretation))
		if len(x.Components) > 0 {
			m.key(3)
			m.list(func() int {
				n := 0
				for i := range x.Components {
					n += w.component(&x.Components[i])
				}
				return n
			})
		}
		m.optUint(4, uint64(x.Status))
		m.optText(5, x.Note)
		if x.Category != implied {
			m.key(6)
			m.uint(uint64(x.Category))
		}
	})
}

func (r *reader) observation(base time.Time, implied Category, secret bool) Observation {
	x := Observation{Code: r.code(), Value: r.value(), Category: implied, Sensitive: secret}
	r.attributes(2, func(key uint64) bool {
		switch key {
		case 1:
			x.At = r.moment(base)
		case 2:
			x.Interpretation = readEnum[interpretationNames](r)
		case 3:
			r.items(func() bool {
				if len(x.Components) >= maxComponents {
					r.fail("too many components")
					return false
				}
				x.Components = append(x.Components, r.component())
				return r.err == nil
			})
		case 4:
			x.Status = readEnum[observationNames](r)
		case 5:
			x.Note = r.text(maxNote)
		case 6:
			x.Category = readEnum[categoryNames](r)
		default:
			return false
		}
		return true
	})
	return x
}

// component = code, value, ? {1 interpretation}
func (w *writer) component(x *Component) int {
	w.code(x.Code)
	w.value(x.Value)
	return w.attributes(2, func(m *mapWriter) { m.optUint(1, uint64(x.Interpretation)) })
}

func (r *reader) component() Component {
	x := Component{Code: r.code(), Value: r.value()}
	r.attributes(2, func(key uint64) bool {
		if key != 1 {
			return false
		}
		x.Interpretation = readEnum[interpretationNames](r)
		return true
	})
	return x
}

// panel = code, [observations], ? {1 at, 2 status, 3 conclusion}
//
// The observations are laboratory's unless they say otherwise.
func (w *writer) panel(x *Panel, base time.Time) int {
	w.code(x.Code)
	w.list(func() int {
		n := 0
		for i := range x.Observations {
			n += w.observation(&x.Observations[i], base, CategoryLaboratory)
		}
		return n
	})
	return w.attributes(2, func(m *mapWriter) {
		m.optAt(1, x.At, base)
		m.optUint(2, uint64(x.Status))
		m.optText(3, x.Conclusion)
	})
}

func (r *reader) panel(base time.Time, secret bool) Panel {
	x := Panel{Code: r.code(), Sensitive: secret}
	r.items(func() bool {
		if len(x.Observations) >= maxItems {
			r.fail("too many observations")
			return false
		}
		x.Observations = append(x.Observations, r.observation(base, CategoryLaboratory, secret))
		return r.err == nil
	})
	r.attributes(2, func(key uint64) bool {
		switch key {
		case 1:
			x.At = r.moment(base)
		case 2:
			x.Status = readEnum[observationNames](r)
		case 3:
			x.Conclusion = r.text(maxNote)
		default:
			return false
		}
		return true
	})
	return x
}

// diagnosis = code, ? {1 status, 2 certainty, 3 severity, 4 chronic, 5 at,
// 6 onset, 7 end, 8 note}
func (w *writer) diagnosis(x *Diagnosis, base time.Time) int {
	w.code(x.Code)
	return w.attributes(1, func(m *mapWriter) {
		m.optUint(1, uint64(x.Status))
		m.optUint(2, uint64(x.Certainty))
		m.optUint(3, uint64(x.Severity))
		m.optTrue(4, x.Chronic)
		m.optAt(5, x.At, base)
		m.optMoment(6, x.Onset, base)
		m.optMoment(7, x.End, base)
		m.optText(8, x.Note)
	})
}

func (r *reader) diagnosis(base time.Time, secret bool) Diagnosis {
	x := Diagnosis{Code: r.code(), Sensitive: secret}
	r.attributes(1, func(key uint64) bool {
		switch key {
		case 1:
			x.Status = readEnum[conditionNames](r)
		case 2:
			x.Certainty = readEnum[certaintyNames](r)
		case 3:
			x.Severity = readEnum[severityNames](r)
		case 4:
			x.Chronic = r.isTrue()
		case 5:
			x.At = r.moment(base)
		case 6:
			x.Onset = r.moment(base)
		case 7:
			x.End = r.moment(base)
		case 8:
			x.Note = r.text(maxNote)
		default:
			return false
		}
		return true
	})
	return x
}

// procedure = code, ? {1 minutes, 2 status, 3 at, 4 reasons, 5 body site, 6 note}
func (w *writer) procedure(x *Procedure, base time.Time) int {
	w.code(x.Code)
	return w.attributes(1, func(m *mapWriter) {
		m.optUint(1, uint64(x.Minutes))
		m.optUint(2, uint64(x.Status))
		m.optAt(3, x.At, base)
		m.optCodes(4, x.Reasons)
		m.optCode(5, x.BodySite)
		m.optText(6, x.Note)
	})
}

func (r *reader) procedure(base time.Time, secret bool) Procedure {
	x := Procedure{Code: r.code(), Sensitive: secret}
	r.attributes(1, func(key uint64) bool {
		switch key {
		case 1:
			x.Minutes = uint32(r.uint(math.MaxUint32)) // #nosec G115 -- bounded
		case 2:
			x.Status = readEnum[procedureNames](r)
		case 3:
			x.At = r.moment(base)
		case 4:
			x.Reasons = r.codes(maxReasons)
		case 5:
			c := r.code()
			x.BodySite = &c
		case 6:
			x.Note = r.text(maxNote)
		default:
			return false
		}
		return true
	})
	return x
}

// immunisation = vaccine, ? {1 dose, 2 lot, 3 status, 4 at, 5 route, 6 site}
func (w *writer) immunisation(x *Immunisation, base time.Time) int {
	w.code(x.Vaccine)
	return w.attributes(1, func(m *mapWriter) {
		m.optUint(1, uint64(x.Dose))
		m.optText(2, x.Lot)
		m.optUint(3, uint64(x.Status))
		m.optAt(4, x.At, base)
		m.optUint(5, uint64(x.Route))
		m.optCode(6, x.Site)
	})
}

func (r *reader) immunisation(base time.Time) Immunisation {
	x := Immunisation{Vaccine: r.code()}
	r.attributes(1, func(key uint64) bool {
		switch key {
		case 1:
			x.Dose = uint8(r.uint(math.MaxUint8)) // #nosec G115 -- bounded
		case 2:
			x.Lot = r.text(maxLot)
		case 3:
			x.Status = readEnum[immunisationNames](r)
		case 4:
			x.At = r.moment(base)
		case 5:
			x.Route = readEnum[routeNames](r)
		case 6:
			c := r.code()
			x.Site = &c
		default:
			return false
		}
		return true
	})
	return x
}

// care-plan = code, ? {1 status, 2 intent, 3 at, 4 end, 5 [activities],
// 6 reasons, 7 [goals]}; activity = code, ? {1 status}
func (w *writer) carePlan(x *CarePlan, base time.Time) int {
	w.code(x.Code)
	return w.attributes(1, func(m *mapWriter) {
		m.optUint(1, uint64(x.Status))
		m.optUint(2, uint64(x.Intent))
		m.optAt(3, x.At, base)
		m.optMoment(4, x.End, base)
		if len(x.Activities) > 0 {
			m.key(5)
			m.list(func() int {
				n := 0
				for _, a := range x.Activities {
					w.code(a.Code)
					n += w.attributes(1, func(m *mapWriter) { m.optUint(1, uint64(a.Status)) })
				}
				return n
			})
		}
		m.optCodes(6, x.Reasons)
		m.optTexts(7, x.Goals)
	})
}

func (r *reader) carePlan(base time.Time, secret bool) CarePlan {
	x := CarePlan{Code: r.code(), Sensitive: secret}
	r.attributes(1, func(key uint64) bool {
		switch key {
		case 1:
			x.Status = readEnum[planNames](r)
		case 2:
			x.Intent = readEnum[intentNames](r)
		case 3:
			x.At = r.moment(base)
		case 4:
			x.End = r.moment(base)
		case 5:
			r.items(func() bool {
				if len(x.Activities) >= maxActivities {
					r.fail("too many activities")
					return false
				}
				x.Activities = append(x.Activities, r.activity())
				return r.err == nil
			})
		case 6:
			x.Reasons = r.codes(maxReasons)
		case 7:
			x.Goals = r.texts(maxGoals, maxShort)
		default:
			return false
		}
		return true
	})
	return x
}

func (r *reader) activity() Activity {
	a := Activity{Code: r.code()}
	r.attributes(1, func(key uint64) bool {
		if key != 1 {
			return false
		}
		a.Status = readEnum[activityNames](r)
		return true
	})
	return a
}

func (m *mapWriter) optTexts(k uint64, texts []string) {
	if len(texts) == 0 {
		return
	}
	m.key(k)
	m.head(majorArray, uint64(len(texts)))
	for _, t := range texts {
		m.text(t)
	}
}

func (r *reader) texts(count, length int) []string {
	n := r.array(count)
	out := make([]string, 0, n)
	for ; n > 0 && r.err == nil; n-- {
		out = append(out, r.text(length))
	}
	return out
}

// note = text, ? {1 at}
func (w *writer) note(x *Note, base time.Time) int {
	w.text(x.Text)
	return w.attributes(1, func(m *mapWriter) { m.optAt(1, x.At, base) })
}

func (r *reader) note(base time.Time, secret bool) Note {
	x := Note{Text: r.text(maxNote), Sensitive: secret}
	r.attributes(1, func(key uint64) bool {
		if key != 1 {
			return false
		}
		x.At = r.moment(base)
		return true
	})
	return x
}

// imaging = study, modality, ? {1 at, 2 body site, 3 series, 4 instances, 5 title}
func (w *writer) imaging(x *Imaging, base time.Time) int {
	w.text(x.Study)
	w.text(x.Modality)
	return w.attributes(2, func(m *mapWriter) {
		m.optAt(1, x.At, base)
		m.optCode(2, x.BodySite)
		m.optUint(3, uint64(x.Series))
		m.optUint(4, uint64(x.Instances))
		m.optText(5, x.Title)
	})
}

func (r *reader) imaging(base time.Time) Imaging {
	x := Imaging{Study: r.text(maxStudy), Modality: r.text(maxUnit)}
	r.attributes(2, func(key uint64) bool {
		switch key {
		case 1:
			x.At = r.moment(base)
		case 2:
			c := r.code()
			x.BodySite = &c
		case 3:
			x.Series = uint16(r.uint(math.MaxUint16)) // #nosec G115 -- bounded
		case 4:
			x.Instances = uint16(r.uint(math.MaxUint16)) // #nosec G115 -- bounded
		case 5:
			x.Title = r.text(maxShort)
		default:
			return false
		}
		return true
	})
	return x
}

// cost = total as an integer, when it is a whole number of dinars and nothing
// is said of the patient's share, else [mantissa, scale, ? patient mantissa,
// ? currency]. The patient's share has the total's scale.
func (w *writer) cost(x *Cost) {
	if x.Total.Scale == 0 && x.Patient == nil && x.Currency == "" {
		w.int(x.Total.Mantissa)
		return
	}
	w.head(majorArray, 2+uint64(rank(x.Patient != nil))+uint64(rank(x.Currency != ""))) // #nosec G115 -- 2 to 4
	w.int(x.Total.Mantissa)
	w.uint(uint64(x.Total.Scale))
	if x.Patient != nil {
		w.int(x.Patient.Mantissa)
	}
	if x.Currency != "" {
		w.text(x.Currency)
	}
}

func (r *reader) cost() *Cost {
	if r.peek() != majorArray {
		return &Cost{Total: Int(r.int())}
	}
	n := r.array(4)
	if n < 2 {
		r.fail("cost is not two to four items")
		return nil
	}
	x := &Cost{Total: Decimal{Mantissa: r.int(), Scale: uint8(r.uint(MaxScale))}} // #nosec G115 -- bounded
	if n -= 2; n > 0 && r.peek() != majorText {
		x.Patient = &Decimal{Mantissa: r.int(), Scale: x.Total.Scale}
		n--
	}
	if n > 0 {
		x.Currency = r.text(3)
		n--
	}
	if n > 0 {
		r.fail("cost with more than a currency behind it")
	}
	return x
}

// extensions = {key: bytes}, kept as they are.
func (m *mapWriter) extensions(e *Entry, s Section) {
	mine := func(x Extension) bool { return x.Section == s }
	if !slices.ContainsFunc(e.Extensions, mine) {
		return
	}
	m.key(keyExtensions)
	m.attrs(false, func(inner *mapWriter) {
		for _, x := range e.Extensions {
			if mine(x) {
				inner.key(uint64(x.Key))
				inner.bytes(x.Data)
			}
		}
	})
}

func (r *reader) extensions(e *Entry, s Section) {
	r.attrs(func(key uint64) bool {
		if len(e.Extensions) >= maxExtensions*NumSections {
			r.fail("too many extensions")
			return true
		}
		e.Extensions = append(e.Extensions, Extension{Section: s, Key: uint32(key), Data: r.bytes(maxExtension)}) // #nosec G115 -- bounded by attrs
		return true
	})
}
