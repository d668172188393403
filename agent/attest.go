package agent

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// ErrAttested is returned for an attestation that is not of the lists.
var ErrAttested = errors.New("attestation needs a way and a reason of the lists")

// How a patient is known where neither finger nor PIN can be used.
const (
	ByPhoto    = "photo"    // the operator has compared the photo
	ByGuardian = "guardian" // somebody of the family answers for the patient
)

// Why neither finger nor PIN was used.
const (
	WhyRefused    = "finger_refused"    // no enrolled finger was known again
	WhyUnreadable = "finger_unreadable" // worn, injured, bandaged
	WhyNone       = "none_enrolled"
	WhyScanner    = "scanner_absent"
	WhyPIN        = "pin_forgotten"
	WhyEmergency  = "emergency"
)

// Attestations lists the ways and the reasons.
func Attestations() (ways, reasons []string) {
	return []string{ByPhoto, ByGuardian}, []string{WhyRefused, WhyUnreadable, WhyNone, WhyScanner, WhyPIN, WhyEmergency}
}

// Attested is the last step where finger and PIN fail: somebody's word, with a
// reason. No key is given for it, so the sensitive section stays closed, and
// nothing else waits for it.
type Attested struct {
	By     string    `json:"by"`
	Reason string    `json:"reason"`
	At     time.Time `json:"at"`
}

// Attest notes on a visit, and in the audit chain, how the person who is shown
// is known without finger and PIN. In an emergency nobody has to be signed in. It owes
// ErrNoVisit, ErrAttested, ErrNoOperator and the errors of the cache.
func (a *Agent) Attest(visitID, by, reason string) (Visit, error) {
	ways, reasons := Attestations()
	who := a.actor()
	v, ok := a.visits.get(visitID)
	switch {
	case !ok:
		return Visit{}, ErrNoVisit
	case !slices.Contains(ways, by) || !slices.Contains(reasons, reason):
		return Visit{}, ErrAttested
	case !who.signed && reason != WhyEmergency:
		return Visit{}, ErrNoOperator
	}
	said := Attested{By: by, Reason: reason, At: time.Now().UTC()}
	if err := a.cfg.Cache.AppendAudit(who.audit(a.cfg.Facility, "attest_"+by, reason), v.Patient); err != nil {
		return Visit{}, fmt.Errorf("attest: %w", err)
	}
	if !a.visits.tell(visitID, v.Person, func(t *told) { t.attested = &said }) {
		return Visit{}, ErrNoVisit
	}
	a.publish(Event{Kind: KindRecordsChanged, Reader: v.Reader, Visit: visitID})
	v.Attested = &said
	return v, nil
}
