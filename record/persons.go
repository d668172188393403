package record

import (
	"encoding/json"
	"fmt"
	"math/bits"
)

// Persons is a set of persons on one card: bit n stands for person n, and
// person 0 is the holder. In JSON it is the list of their numbers.
type Persons uint16

// PersonsOf makes a set; numbers above 15 are in none.
func PersonsOf(numbers ...uint8) Persons {
	var p Persons
	for _, n := range numbers {
		if n <= maxPerson {
			p |= 1 << n
		}
	}
	return p
}

// Has reports whether a person is in the set.
func (p Persons) Has(n uint8) bool { return n <= maxPerson && p>>n&1 == 1 }

// List returns the numbers, ascending.
func (p Persons) List() []uint8 {
	out := make([]uint8, 0, bits.OnesCount16(uint16(p)))
	for n := range uint8(maxPerson + 1) {
		if p.Has(n) {
			out = append(out, n)
		}
	}
	return out
}

// MarshalJSON implements json.Marshaler.
func (p Persons) MarshalJSON() ([]byte, error) {
	numbers := make([]int, 0, maxPerson+1)
	for _, n := range p.List() {
		numbers = append(numbers, int(n))
	}
	return json.Marshal(numbers)
}

// UnmarshalJSON is the inverse of MarshalJSON. It owes ErrInvalid.
func (p *Persons) UnmarshalJSON(b []byte) error {
	var numbers []uint
	if err := json.Unmarshal(b, &numbers); err != nil {
		return fmt.Errorf("persons: %w: %w", ErrInvalid, err)
	}
	*p = 0
	for _, n := range numbers {
		if n > maxPerson {
			return fmt.Errorf("person %d: %w", n, ErrInvalid)
		}
		*p |= 1 << n
	}
	return nil
}

// Persons returns whose records the card carries: the holder and the members
// of the family that have a number.
func (id *Identity) Persons() Persons {
	p := PersonsOf(0)
	for i := range id.Family {
		p |= PersonsOf(id.Family[i].Person)
	}
	return p
}

// Member returns the member of the family with this number, from 1 on, or nil.
func (id *Identity) Member(person uint8) *Member {
	for i := range id.Family {
		if person > 0 && id.Family[i].Person == person {
			return &id.Family[i]
		}
	}
	return nil
}

// VerifiesFor returns for whom on this card a person may verify, by finger or
// number: for themselves and for those whose guardian they are.
func (id *Identity) VerifiesFor(person uint8) Persons {
	on := id.Persons()
	if !on.Has(person) {
		return 0
	}
	guards := id.Guards
	if m := id.Member(person); m != nil {
		guards = m.Guards
	}
	return (guards | PersonsOf(person)) & on
}
