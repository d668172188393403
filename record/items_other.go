package record

import (
	"math"
	"slices"
	"time"
)

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
