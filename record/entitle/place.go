package entitle

import (
	"fmt"
	"slices"
)

// Place is the kind of a facility, by which patients' shares differ.
type Place uint8

// The kinds of facilities.
const (
	PlaceUnknown Place = iota
	PlacePublic
	PlacePrimary     // a primary health care centre
	PlacePrivateWing // the private wing of a public hospital
	PlacePrivate
)

var placeNames = [...]string{"", "public", "primary", "private-wing", "private"}

// Places lists the kinds that are known.
func Places() []Place { return []Place{PlacePublic, PlacePrimary, PlacePrivateWing, PlacePrivate} }

// String returns the name, empty for PlaceUnknown.
func (p Place) String() string {
	if int(p) >= len(placeNames) {
		return fmt.Sprintf("place(%d)", uint8(p))
	}
	return placeNames[p]
}

// MarshalText implements encoding.TextMarshaler.
func (p Place) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler. It owes ErrQuestion.
func (p *Place) UnmarshalText(b []byte) error {
	i := slices.Index(placeNames[:], string(b))
	if i < 0 {
		return fmt.Errorf("unknown kind of facility %.20q: %w", b, ErrQuestion)
	}
	*p = Place(i) // #nosec G115 -- a short list
	return nil
}
