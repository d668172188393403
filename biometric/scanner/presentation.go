package scanner

// Presentation is what a device itself says of the last image: whether a living
// finger lay on it. No open model tells that, so nothing here works it out.
type Presentation struct {
	Verdict Verdict
	Score   uint8 // 0 surely an artefact to 100 surely alive, as the maker counts
}

// Verdict is a device's own conclusion.
type Verdict uint8

// The verdicts.
const (
	Unsure Verdict = iota // or the device does not say
	Alive
	Artefact
)

// String gives the verdict's name.
func (v Verdict) String() string {
	switch v {
	case Alive:
		return "alive"
	case Artefact:
		return "artefact"
	case Unsure:
	}
	return "unsure"
}

// Presenter is a Transport, or a driver, whose device judges the presentation.
// It is asked once behind each image; ok is false when the device says nothing.
type Presenter interface {
	Presentation() (p Presentation, ok bool)
}

// Presentation passes on what the device behind says.
func (o *owned) Presentation() (Presentation, bool) { return presented(o.Transport) }

var _ Presenter = (*owned)(nil)

func presented(of any) (Presentation, bool) {
	if p, can := of.(Presenter); can {
		return p.Presentation()
	}
	return Presentation{}, false
}

// presentation asks the driver, and then the transport.
func (s *Session) presentation() *Presentation {
	for _, of := range []any{s.sensor, s.t} {
		if p, ok := presented(of); ok {
			return &p
		}
	}
	return nil
}
