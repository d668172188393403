package envelope

import (
	"encoding/binary"
	"fmt"
	"slices"
)

// MaxSummaries bounds the content of EF.SUM, in bytes.
const MaxSummaries = 2044

const (
	summaryLen = 2 // before each summary
	// SummaryOverhead is what sealing adds to a summary at most, its length in
	// EF.SUM included.
	SummaryOverhead = summaryLen + 110
)

// Summaries is the content of EF.SUM: the sealed summary of each person on the
// card who has one, ascending.
//
//	(length u16 || sealed)*
type Summaries struct{ list [][]byte }

// ParseSummaries reads what Bytes writes; it keeps raw and does not change it.
// The summaries themselves are not looked into. It owes ErrFormat.
func ParseSummaries(raw []byte) (*Summaries, error) {
	if len(raw) > MaxSummaries {
		return nil, fmt.Errorf("summaries of %d bytes: %w", len(raw), ErrFormat)
	}
	s, last := new(Summaries), -1
	for len(raw) > 0 {
		if len(raw) < summaryLen {
			return nil, fmt.Errorf("read summaries: %w", ErrFormat)
		}
		n := int(binary.BigEndian.Uint16(raw))
		if raw = raw[summaryLen:]; n > len(raw) {
			return nil, fmt.Errorf("read summaries: %d bytes of %d: %w", len(raw), n, ErrFormat)
		}
		person, ok := PersonOf(raw[:n])
		if !ok || int(person) <= last {
			return nil, fmt.Errorf("read summaries: %w", ErrFormat)
		}
		s.list, last = append(s.list, raw[:n:n]), int(person)
		raw = raw[n:]
	}
	return s, nil
}

// Bytes returns the content of EF.SUM.
func (s *Summaries) Bytes() []byte {
	var out []byte
	for _, sealed := range s.list {
		out = binary.BigEndian.AppendUint16(out, uint16(len(sealed))) // #nosec G115 -- bounded by Put
		out = append(out, sealed...)
	}
	return out
}

// Of returns a person's sealed summary, or nil.
func (s *Summaries) Of(person uint8) []byte {
	for _, sealed := range s.list {
		if of, _ := PersonOf(sealed); of == person {
			return sealed
		}
	}
	return nil
}

// With returns the summaries with a person's replaced by a sealed one; s stays
// as it is. It owes ErrFormat and ErrTooLarge.
func (s *Summaries) With(sealed []byte) (*Summaries, error) {
	person, ok := PersonOf(sealed)
	if !ok {
		return nil, fmt.Errorf("put summary: %w", ErrFormat)
	}
	out := &Summaries{list: slices.DeleteFunc(slices.Clone(s.list), func(old []byte) bool {
		of, _ := PersonOf(old)
		return of == person
	})}
	at := slices.IndexFunc(out.list, func(next []byte) bool {
		of, _ := PersonOf(next)
		return of > person
	})
	if at < 0 {
		at = len(out.list)
	}
	out.list = slices.Insert(out.list, at, sealed)
	if n := out.size(); n > MaxSummaries {
		return nil, fmt.Errorf("put summary: %d bytes in all: %w", n, ErrTooLarge)
	}
	return out, nil
}

func (s *Summaries) size() int {
	n := 0
	for _, sealed := range s.list {
		n += summaryLen + len(sealed)
	}
	return n
}

// Room returns how long a person's summary may be before it is sealed, on a
// card with so many persons. What the others hold is theirs; besides, half of
// an even share stays reserved for each of them, so that none is shut out.
func (s *Summaries) Room(person uint8, persons int) int {
	reserve := max(MaxSummaries/(2*persons), MaxSummaries/(MaxPerson+1))
	left, others := MaxSummaries, persons-1
	for _, sealed := range s.list {
		if of, _ := PersonOf(sealed); of != person {
			left -= max(summaryLen+len(sealed), reserve)
			others--
		}
	}
	return left - max(others, 0)*reserve - SummaryOverhead
}
