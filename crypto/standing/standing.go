// Package standing seals and opens the centre's word on what was charged for a
// person this year (docs/formats/entry.md): CBOR in the coverage section of a
// sealed entry's form, signed by a key of the centre. So only who has the
// person's coverage key, from the card or by a release, learns where somebody
// was treated; who carries it learns nothing.
package standing

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/dhamani-iq/dhamani/crypto/cose"
	"github.com/dhamani-iq/dhamani/crypto/envelope"
	"github.com/dhamani-iq/dhamani/crypto/trust"
	"github.com/dhamani-iq/dhamani/record"
	"github.com/dhamani-iq/dhamani/record/entitle"
)

// ErrFormat is returned for what is no standing, or not in its one form.
var ErrFormat = errors.New("malformed standing")

// content is what is sealed:
//
//	{ 1: year, 2: [*256 charge], 3: more bool, 4: cover bstr, 5: cover's minutes since 2000, 6: [*256 amendment] }
type content struct {
	Year       uint16      `cbor:"1,keyasint"`
	Charges    []charge    `cbor:"2,keyasint"`
	More       bool        `cbor:"3,keyasint"`
	Cover      []byte      `cbor:"4,keyasint"`
	CoverAt    uint32      `cbor:"5,keyasint"`
	Amendments []amendment `cbor:"6,keyasint"`
}

// amendment is an entry that replaces another:
//
//	[ref bstr(8), of bstr(8), facility]
type amendment struct {
	_        struct{} `cbor:",toarray"`
	Ref, Of  []byte
	Facility uint32
}

// charge is one charge:
//
//	[ref bstr(8), minutes since 2000, facility, service, dinars, foreign bool]
type charge struct {
	_        struct{} `cbor:",toarray"`
	Ref      []byte
	Start    uint32
	Facility uint32
	Service  uint8
	Paid     uint64
	Foreign  bool
}

const (
	maxPaid    = 1e15
	maxMinutes = 1<<27 - 1
)

// Seal signs and seals a standing for the person of a subject; times are kept
// to the minute. It owes ErrFormat and what envelope.Seal owes.
func Seal(subject envelope.Subject, keys *envelope.Keys, centre envelope.Author, s *entitle.Standing, rand io.Reader) ([]byte, error) {
	text, err := encode(s)
	if err != nil {
		return nil, fmt.Errorf("seal standing: %w", err)
	}
	sealed, err := envelope.Seal(subject, keys, centre, envelope.Meta{Person: s.Person, Time: s.At},
		map[record.Section][]byte{record.SectionCoverage: text}, rand)
	if err != nil {
		return nil, fmt.Errorf("seal standing: %w", err)
	}
	return sealed, nil
}

// Open verifies a standing against the centre's keys of the trust list, at its
// own time, and opens it. It owes ErrFormat, what envelope's Parse, Verify and
// Open owe, and what trust.Store.Centre owes.
func Open(t *trust.Store, subject envelope.Subject, keys *envelope.Keys, raw []byte) (*entitle.Standing, error) {
	sealed, err := envelope.Parse(raw)
	if err != nil {
		return nil, fmt.Errorf("open standing: %w", err)
	}
	if sealed.Person() != subject.Person || len(sealed.Sections()) != 1 {
		return nil, fmt.Errorf("open standing of person %d: %w", sealed.Person(), ErrFormat)
	}
	centre, err := t.Centre(sealed.KID(), sealed.Time())
	if err != nil {
		return nil, fmt.Errorf("open standing: %w", err)
	}
	if err := sealed.Verify(subject, centre.Public); err != nil {
		return nil, fmt.Errorf("open standing: %w", err)
	}
	text, err := sealed.Open(keys, record.SectionCoverage)
	if err != nil {
		return nil, fmt.Errorf("open standing: %w", err)
	}
	s, err := decode(text)
	if err != nil {
		return nil, fmt.Errorf("open standing: %w", err)
	}
	s.At, s.Person = sealed.Time(), sealed.Person()
	for i := range s.Charges {
		s.Charges[i].Person = s.Person
	}
	return s, nil
}

func encode(s *entitle.Standing) ([]byte, error) {
	coverAt, err := minutes(s.CoverAt)
	if err != nil || len(s.Charges) > entitle.MaxCharges || len(s.Amendments) > entitle.MaxAmendments || len(s.Cover) > record.MaxCover {
		return nil, fmt.Errorf("standing of %d charges and %d amendments: %w", len(s.Charges), len(s.Amendments), ErrFormat)
	}
	w := content{
		Year: s.Year, Charges: make([]charge, 0, len(s.Charges)), More: s.More,
		Cover: append([]byte{}, s.Cover...), CoverAt: coverAt, Amendments: make([]amendment, 0, len(s.Amendments)),
	}
	for i := range s.Amendments {
		a := &s.Amendments[i]
		w.Amendments = append(w.Amendments, amendment{Ref: a.Ref[:], Of: a.Of[:], Facility: a.Facility})
	}
	for i := range s.Charges {
		c := &s.Charges[i]
		start, err := minutes(c.Start)
		if err != nil || c.Paid < 0 || c.Paid > maxPaid {
			return nil, fmt.Errorf("charge %d: %w", i, ErrFormat)
		}
		w.Charges = append(w.Charges, charge{
			Ref: c.Ref[:], Start: start, Facility: c.Facility, Service: uint8(c.Service), Paid: uint64(c.Paid), Foreign: c.Foreign,
		})
	}
	return cose.Marshal(w)
}

func decode(text []byte) (*entitle.Standing, error) {
	var w content
	if err := cose.Unmarshal(text, &w); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	if len(w.Charges) > entitle.MaxCharges || len(w.Amendments) > entitle.MaxAmendments || len(w.Cover) > record.MaxCover || w.CoverAt > maxMinutes {
		return nil, ErrFormat
	}
	if len(w.Cover) > 0 {
		if _, err := record.DecodeCover(w.Cover); err != nil {
			return nil, fmt.Errorf("cover: %w: %w", ErrFormat, err)
		}
	}
	s := &entitle.Standing{
		Year: w.Year, Charges: make([]entitle.Charge, len(w.Charges)), More: w.More,
		Cover: w.Cover, CoverAt: instant(w.CoverAt), Amendments: make([]entitle.Amendment, len(w.Amendments)),
	}
	for i, a := range w.Amendments {
		if len(a.Ref) != len(entitle.Ref{}) || len(a.Of) != len(entitle.Ref{}) {
			return nil, fmt.Errorf("amendment %d: %w", i, ErrFormat)
		}
		s.Amendments[i] = entitle.Amendment{Ref: entitle.Ref(a.Ref), Of: entitle.Ref(a.Of), Facility: a.Facility}
	}
	for i, c := range w.Charges {
		service := record.Service(c.Service)
		if len(c.Ref) != len(entitle.Ref{}) || c.Start > maxMinutes || !service.Valid() || c.Paid > maxPaid {
			return nil, fmt.Errorf("charge %d: %w", i, ErrFormat)
		}
		s.Charges[i] = entitle.Charge{
			Ref: entitle.Ref(c.Ref), Start: instant(c.Start), Facility: c.Facility, Service: service,
			Paid: int64(c.Paid), Foreign: c.Foreign, // #nosec G115 -- bounded
		}
	}
	return s, nil
}

func instant(m uint32) time.Time { return record.Epoch.Add(time.Duration(m) * time.Minute) }

func minutes(t time.Time) (uint32, error) {
	m := (t.Unix() - record.Epoch.Unix()) / 60
	if t.Before(record.Epoch) || m > maxMinutes {
		return 0, ErrFormat
	}
	return uint32(m), nil // #nosec G115 -- at most 27 bits
}
