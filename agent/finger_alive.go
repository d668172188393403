package agent

import (
	"errors"

	"github.com/dhamani-iq/dhamani/biometric/scanner"
)

// Errors of a finger of which the device says that it is none, or nothing.
var (
	ErrArtefact    = errors.New("device takes the finger for an artefact")
	ErrAliveUnsaid = errors.New("device does not say that the finger is alive")
)

// Liveness is what a workstation makes of a device's own word about a finger.
type Liveness string

// The policies.
const (
	LivenessAsk      Liveness = "ask" // the zero value too: an artefact is refused, silence is not
	LivenessOff      Liveness = "off"
	LivenessRequired Liveness = "required" // silence, and a device that is not sure, are refused
)

// judge returns what the device said, empty when it said nothing or nobody
// asks. It owes ErrArtefact and ErrAliveUnsaid.
func (l Liveness) judge(p *scanner.Presentation) (string, error) {
	switch {
	case l == LivenessOff:
		return "", nil
	case p != nil && p.Verdict == scanner.Artefact:
		return "", ErrArtefact
	case l == LivenessRequired && (p == nil || p.Verdict != scanner.Alive):
		return "", ErrAliveUnsaid
	case p == nil:
		return "", nil
	default:
		return p.Verdict.String(), nil
	}
}
