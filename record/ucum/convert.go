package ucum

import (
	"errors"
	"fmt"
	"maps"
	"math"
)

// ErrCommensurable is returned for two units of which none becomes the other.
var ErrCommensurable = errors.New("units are not commensurable")

// Substance is what is known of what is measured, for conversions between mass,
// amount and charge. Zero is not known.
type Substance struct {
	Mass   float64 // grams a mole
	Charge int     // equivalents a mole
}

// Convert returns a value in another unit. It owes ErrUnit and ErrCommensurable.
func Convert(value float64, from, to string) (float64, error) {
	return Substance{}.Convert(value, from, to)
}

// Convert returns a value in another unit, of this substance: mg/dL becomes
// mmol/L by its mass. It owes ErrUnit and ErrCommensurable.
func (s Substance) Convert(value float64, from, to string) (float64, error) {
	if from == to {
		return value, nil
	}
	a, err := Parse(from)
	if err != nil {
		return 0, err
	}
	b, err := Parse(to)
	if err != nil {
		return 0, err
	}
	if a.dims != b.dims {
		a, b = s.weigh(a), s.weigh(b)
	}
	if a.dims != b.dims || !maps.Equal(a.marks, b.marks) {
		return 0, fmt.Errorf("%.24s to %.24s: %w", from, to, ErrCommensurable)
	}
	return (value+a.offset)*(a.factor/b.factor) - b.offset, nil
}

// weigh turns equivalents into moles, and moles into grams, as far as the
// substance is known.
func (s Substance) weigh(u Unit) Unit {
	if n := u.dims[equivalent]; s.Charge > 0 && n != 0 {
		u.factor /= math.Pow(float64(s.Charge), float64(n))
		u.dims[mole] += n
		u.dims[equivalent] = 0
	}
	if n := u.dims[mole]; s.Mass > 0 && n != 0 {
		u.factor *= math.Pow(s.Mass, float64(n))
		u.dims[gram] += n
		u.dims[mole] = 0
	}
	return u
}
