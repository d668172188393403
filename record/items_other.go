package record

import (
	"bytes"
	"encoding/binary"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/dhamani-iq/dhamani/record/terms"
)

// care-plan = code, 0 status, 1 intent, 2 at, 3 end, 4 [activities],
// 5 reasons, 6 [goals]; activity = code, 0 status
func (w *writer) carePlan(x *CarePlan) {
	w.lead(1)
	w.code(terms.Acts, x.Code)
	w.attrUint(0, uint64(x.Status))
	w.attrUint(1, uint64(x.Intent))
	w.attrAt(2, &x.At)
	w.attrMoment(3, &x.End)
	if len(x.Activities) > 0 {
		w.attr(4)
		mark := w.open()
		for i := range x.Activities {
			w.lead(1)
			w.code(terms.Acts, x.Activities[i].Code)
			w.attrUint(0, uint64(x.Activities[i].Status))
		}
		w.finish(mark)
	}
	w.attrReasons(5, x.Reasons)
	if len(x.Goals) > 0 {
		w.attr(6)
		w.head(majorArray, uint64(len(x.Goals)))
		for _, t := range x.Goals {
			w.text(t)
		}
	}
}

func (r *reader) carePlan(x *CarePlan) {
	r.left--
	x.Code, x.Sensitive = r.code(terms.Acts), r.secret
	for k, ok := r.attr(-1); ok; k, ok = r.attr(k) {
		switch k {
		case 0:
			x.Status = chosen[planNames](r)
		case 1:
			x.Intent = chosen[intentNames](r)
		case 2:
			x.At = r.at()
		case 3:
			x.End = r.moment(r.base)
		case 4:
			x.Activities = list(r, &r.stack.activities, maxActivities, (*reader).activity, nil)
		case 5:
			x.Reasons = r.itemReasons()
		case 6:
			x.Goals = r.texts(maxGoals, maxShort)
		default:
			r.fail("unknown attribute")
		}
	}
}

func (r *reader) activity(a *Activity) {
	r.left--
	a.Code = r.code(terms.Acts)
	for k, ok := r.attr(-1); ok; k, ok = r.attr(k) {
		if k != 0 {
			r.fail("unknown attribute")
			return
		}
		a.Status = chosen[activityNames](r)
	}
}

func (r *reader) texts(count, length int) []string {
	n := r.array(count)
	if n == 0 {
		r.fail("empty list")
	}
	out := make([]string, 0, n)
	for ; n > 0 && r.err == nil; n-- {
		out = append(out, r.text(length))
	}
	return out
}

// note = text, 0 at, 1 kind
func (w *writer) note(x *Note) {
	w.lead(1)
	w.text(x.Text)
	w.attrAt(0, &x.At)
	w.attrUint(1, uint64(x.Kind))
}

func (r *reader) note(x *Note) {
	r.left--
	x.Text, x.Sensitive = r.text(maxNote), r.secret
	for k, ok := r.attr(-1); ok; k, ok = r.attr(k) {
		switch k {
		case 0:
			x.At = r.at()
		case 1:
			x.Kind = chosen[noteNames](r)
		default:
			r.fail("unknown attribute")
			return
		}
	}
}

// A study's identifier is a byte string of its numbers, each of variable
// length, seven bits in a byte, the lowest first; it is text when one of them
// has a leading zero or is too great.

func (w *writer) study(id string) {
	if packed := packStudy(id); packed != nil {
		w.bytes(packed)
		return
	}
	w.text(id)
}

// packStudy returns nil for an identifier that is written as text.
func packStudy(id string) (packed []byte) {
	for part := range strings.SplitSeq(id, ".") {
		n, err := strconv.ParseUint(part, 10, 63)
		if err != nil || strconv.FormatUint(n, 10) != part {
			return nil
		}
		packed = binary.AppendUvarint(packed, n)
	}
	return packed
}

func (r *reader) study() string {
	if r.peek() == majorText {
		id := r.text(maxStudy)
		if packStudy(id) != nil {
			r.fail("numbers of a study as text")
		}
		return r.checkedStudy(id)
	}
	var id strings.Builder
	packed := r.take(r.want(majorBytes, "byte string"), maxStudy)
	for b := packed; len(b) > 0; {
		n, size := binary.Uvarint(b)
		if size <= 0 || id.Len() > maxStudy {
			r.fail("malformed identifier of a study")
			return ""
		}
		if b = b[size:]; id.Len() > 0 {
			id.WriteByte('.')
		}
		id.WriteString(strconv.FormatUint(n, 10))
	}
	if !bytes.Equal(packStudy(id.String()), packed) {
		r.fail("malformed identifier of a study")
	}
	return r.checkedStudy(id.String())
}

func (r *reader) checkedStudy(id string) string {
	var c checker
	if c.study(id); r.err == nil && c.err != nil {
		r.fail("malformed identifier of a study")
	}
	return id
}

// imaging = study, modality, 0 at, 1 body site, 2 series, 3 instances, 4 title
func (w *writer) imaging(x *Imaging) {
	w.lead(2)
	w.study(x.Study)
	w.text(x.Modality)
	w.attrAt(0, &x.At)
	w.attrCode(1, terms.Acts, x.BodySite)
	w.attrUint(2, uint64(x.Series))
	w.attrUint(3, uint64(x.Instances))
	w.attrText(4, x.Title)
}

func (r *reader) imaging(x *Imaging) {
	r.left -= 2
	x.Study, x.Modality = r.study(), r.text(maxUnit)
	for k, ok := r.attr(-1); ok; k, ok = r.attr(k) {
		switch k {
		case 0:
			x.At = r.at()
		case 1:
			x.BodySite = r.newCode(r.code(terms.Acts))
		case 2:
			x.Series = uint16(r.some(math.MaxUint16)) // #nosec G115 -- bounded
		case 3:
			x.Instances = uint16(r.some(math.MaxUint16)) // #nosec G115 -- bounded
		case 4:
			x.Title = r.text(maxShort)
		default:
			r.fail("unknown attribute")
		}
	}
}

// monies are the kinds of money that a cost names by a number: a currency and
// the decimals of the amounts. The list only grows at its end.
var monies = [...]struct {
	currency string
	scale    uint8
}{{"", 0}, {"USD", 2}, {"USD", 0}, {"USD", 1}, {"", 3}, {"", 2}, {"", 1}, {"EUR", 2}, {"EUR", 0}, {"EUR", 1}}

// cost = whole dinars / -1 - cents of a US dollar, when the amount is not
// negative and nothing is said of the patient's share, else [total, money,
// ? patient's share]; money = number in the list of monies / [currency or
// null, scale]
func (w *writer) cost(x *Cost) {
	money := 0
	for money < len(monies) && (monies[money].currency != x.Currency || monies[money].scale != x.Total.Scale) {
		money++
	}
	if money < 2 && x.Patient == nil && x.Total.Mantissa >= 0 {
		major := [...]byte{majorUint, majorNegint}[money]
		w.head(major, uint64(x.Total.Mantissa)) // #nosec G115 -- not negative
		return
	}
	w.short(majorArray, 2+rank(x.Patient != nil))
	w.int(x.Total.Mantissa)
	switch {
	case money < len(monies):
		w.uint(uint64(money))
	default:
		w.head(majorArray, 2)
		if x.Currency == "" {
			w.simple(simpleNull)
		} else {
			w.text(x.Currency)
		}
		w.uint(uint64(x.Total.Scale))
	}
	if x.Patient != nil {
		w.int(x.Patient.Mantissa)
	}
}

func (r *reader) cost(x *Cost, share *Decimal) {
	if r.peek() != majorArray {
		major, n := r.head()
		if major > majorNegint || n > maxMantissa {
			r.fail("amount out of range")
			return
		}
		x.Currency, x.Total = monies[major].currency, Decimal{Mantissa: int64(n), Scale: monies[major].scale} // #nosec G115 -- bounded
		return
	}
	n := r.array(3)
	if n < 2 {
		r.fail("cost is not two or three items")
		return
	}
	x.Total = Int(r.int())
	money := r.money(x)
	if n > 2 {
		*share = Decimal{Mantissa: r.int(), Scale: x.Total.Scale}
		x.Patient = share
	} else if money < 2 && x.Total.Mantissa >= 0 {
		r.fail("cost that is a number written as an array")
	}
	var c checker
	if c.cost(x); r.err == nil && c.err != nil {
		r.fail("amount or currency out of range")
	}
}

// money reads a kind of money and returns its place among monies, or their
// number.
func (r *reader) money(x *Cost) int {
	if r.peek() != majorArray {
		i := r.uint(uint64(len(monies) - 1))
		x.Currency, x.Total.Scale = monies[i].currency, monies[i].scale
		return int(i) // #nosec G115 -- an index
	}
	if r.array(2) != 2 {
		r.fail("money is not a pair")
	}
	if r.peek() != majorSimple {
		x.Currency = r.text(3)
	} else if r.simple() != simpleNull {
		r.fail("currency expected")
	}
	x.Total.Scale = uint8(r.uint(MaxScale)) // #nosec G115 -- bounded
	for i := range monies {
		if monies[i].currency == x.Currency && monies[i].scale == x.Total.Scale {
			r.fail("money of the list written out")
		}
	}
	return len(monies)
}

// extensions = {key: bytes}, kept as they are.
func (w *writer) extensions(e *Entry, s Section) {
	mine := func(x Extension) bool { return x.Section == s }
	if !slices.ContainsFunc(e.Extensions, mine) {
		return
	}
	w.uint(keyExtensions)
	w.attrs(func(m *mapWriter) {
		for _, x := range e.Extensions {
			if mine(x) {
				m.key(uint64(x.Key))
				m.bytes(x.Data)
			}
		}
	})
}

func (r *reader) extensions(e *Entry, s Section) {
	before := len(e.Extensions)
	r.attrs(func(key uint64) bool {
		e.Extensions = append(e.Extensions, Extension{Section: s, Key: uint32(key), Data: r.bytes(maxExtension)}) // #nosec G115 -- bounded by attrs
		return true
	})
	if n := len(e.Extensions) - before; n == 0 || n > maxExtensions {
		r.fail("no extensions, or too many")
	}
}
