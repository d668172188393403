package eval

// Fingers is which fingers of a folder take part, by their number: what is
// chosen by measuring one half is measured on the other.
type Fingers byte

// The choices.
const (
	AllFingers Fingers = iota
	OddFingers
	EvenFingers
)

// ParseFingers reports false of what is neither all nor odd nor even.
func ParseFingers(name string) (Fingers, bool) {
	switch name {
	case "all":
		return AllFingers, true
	case "odd":
		return OddFingers, true
	case "even":
		return EvenFingers, true
	default:
		return AllFingers, false
	}
}

// has reports whether the finger of a number takes part.
func (f Fingers) has(number int) bool {
	switch f {
	case OddFingers:
		return number%2 == 1
	case EvenFingers:
		return number%2 == 0
	case AllFingers:
	}
	return true
}
