package record

import (
	"math"
	"strings"
)

// Encode returns the cover's CBOR, at most MaxCover bytes. It owes ErrInvalid.
//
// cover = {1 payer, 2 plan, 3 member, 4 relation, 5 from, 6 until, 7 inactive,
// 8 copay class, 9 [counters], 10 chronic, 11 without};
// counter = [kind, year, allowed, used, ? person from 1 on]
func (v *Cover) Encode() ([]byte, error) { return v.encode(0) }

func (v *Cover) encode(edition uint32) ([]byte, error) {
	return encode("cover", v.Validate(), MaxCover, edition, func(m *mapWriter) {
		m.optText(1, v.Payer)
		m.optText(2, v.Plan)
		m.optText(3, v.Member)
		m.optUint(4, uint64(v.Relation))
		m.optMoment(5, v.From, Epoch)
		m.optMoment(6, v.Until, Epoch)
		m.optTrue(7, v.Inactive)
		m.optUint(8, uint64(v.Copay))
		if len(v.Counters) > 0 {
			m.key(9)
			m.head(majorArray, uint64(len(v.Counters)))
			for _, c := range v.Counters {
				m.head(majorArray, 4+uint64(rank(c.Person > 0))) // #nosec G115 -- 0 or 1
				m.text(c.Kind)
				m.uint(uint64(c.Year))
				m.uint(uint64(c.Allowed))
				m.uint(uint64(c.Used))
				if c.Person > 0 {
					m.uint(uint64(c.Person))
				}
			}
		}
		m.optUint(10, uint64(v.Chronic))
		m.optUint(11, uint64(v.Without))
	})
}

// DecodeCover reads what Encode wrote. It owes a SyntaxError.
func DecodeCover(b []byte) (*Cover, error) {
	v := new(Cover)
	err := decode("cover", b, MaxCover, func(r *reader, key uint64) bool {
		switch key {
		case 1:
			v.Payer = r.text(maxShort)
		case 2:
			v.Plan = r.text(maxShort)
		case 3:
			v.Member = r.text(maxUnit)
		case 4:
			v.Relation = readEnum[relationNames](r)
		case 5:
			v.From = r.moment(Epoch)
		case 6:
			v.Until = r.moment(Epoch)
		case 7:
			v.Inactive = r.isTrue()
		case 8:
			v.Copay = uint8(r.uint(math.MaxUint8)) // #nosec G115 -- bounded
		case 9:
			n := r.array(maxCounters)
			for ; n > 0 && r.err == nil; n-- {
				v.Counters = append(v.Counters, r.counter())
			}
		case 10:
			v.Chronic = r.persons()
		case 11:
			v.Without = r.persons()
		default:
			return false
		}
		return true
	}, v.encode)
	if err != nil {
		return nil, err
	}
	return v, nil
}

func (r *reader) counter() Counter {
	n := r.array(5)
	if n < 4 {
		r.fail("counter is not four or five items")
	}
	c := Counter{
		Kind:    r.text(maxUnit),
		Year:    uint16(r.uint(math.MaxUint16)), // #nosec G115 -- bounded
		Allowed: uint32(r.uint(math.MaxUint32)), // #nosec G115 -- bounded
		Used:    uint32(r.uint(math.MaxUint32)), // #nosec G115 -- bounded
	}
	if n > 4 {
		c.Person = uint8(r.uint(maxPerson)) // #nosec G115 -- bounded
	}
	return c
}

// Validate owes ErrInvalid.
func (v *Cover) Validate() error {
	var c checker
	c.needText("payer", v.Payer, maxShort)
	c.text("plan", v.Plan, maxShort)
	c.text("member", v.Member, maxUnit)
	choice(&c, "relation", v.Relation)
	c.moment("from", &v.From)
	c.moment("until", &v.Until)
	c.count("counters", len(v.Counters), maxCounters)
	for _, n := range v.Counters {
		if !cleanText(n.Kind, maxUnit) || strings.Trim(n.Kind, "abcdefghijklmnopqrstuvwxyz-") != "" {
			c.fail("counters.kind", "not lower-case letters")
		}
		if n.Person > maxPerson {
			c.fail("counters.person", "out of range")
		}
	}
	return c.err
}
