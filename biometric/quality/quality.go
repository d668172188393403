// Package quality judges an impression of a finger when it is captured: whether
// it will be known again, and what the person should do if not.
package quality

import (
	"slices"

	"github.com/dhamani-iq/dhamani/biometric/extract"
)

// Class is how well an impression will be known again: 1 best, 5 worst.
// docs/biometrics.md has the error rates of each.
type Class uint8

// bounds are the least quality of classes 1 to 4.
var bounds = [4]uint8{65, 55, 45, 40}

// ClassOf returns the class of a quality of 0 to 100, as a template has it.
func ClassOf(quality uint8) Class {
	for i, least := range bounds {
		if quality >= least {
			return Class(i + 1) // #nosec G115 -- at most 4
		}
	}
	return 5
}

// Good enough to stop asking for another impression, and to enrol.
const (
	GoodToVerify Class = 4
	GoodToEnrol  Class = 3
)

// Limits beyond which advice is given.
const (
	leastArea = 60   // square millimetres
	offCentre = 3.0  // mm
	tooDark   = 0.57 // share of the print that is ridge
	tooLight  = 0.43
	faint     = 12.0 // grey levels
	leastArt  = 20   // square millimetres below which there is no finger
)

// Judge says in which class an impression is and what would make it better:
// the one thing that is most wrong. An impression of class 1 or 2 needs
// nothing.
func Judge(m extract.Measures) (Class, Advice) {
	c := ClassOf(m.Quality())
	switch {
	case m.Area < leastArt:
		return 5, NoFinger
	case c <= 2:
		return c, Good
	}
	if m.Area < leastArea || c >= GoodToVerify {
		// What is off the middle lacks its other side.
		switch ax, ay := max(m.X, -m.X), max(m.Y, -m.Y); {
		case ax < offCentre && ay < offCentre:
		case ax >= ay && m.X > 0:
			return c, MoveLeft
		case ax >= ay:
			return c, MoveRight
		case m.Y > 0:
			return c, MoveUp
		default:
			return c, MoveDown
		}
	}
	switch {
	case m.Dark > tooDark:
		return c, PressLess
	case m.Contrast < faint || m.Dark < tooLight:
		return c, TooDry
	case m.Area < leastArea:
		return c, PressHarder
	case c > GoodToEnrol:
		return c, Clean
	}
	return c, Good
}

// Best returns the index of the impression of the highest quality, -1 of none.
func Best(qualities []uint8) int {
	if len(qualities) == 0 {
		return -1
	}
	return slices.Index(qualities, slices.Max(qualities))
}
