package agent

import (
	"context"
	"errors"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/dhamani-iq/dhamani/biometric/fmr"
	"github.com/dhamani-iq/dhamani/biometric/match"
	"github.com/dhamani-iq/dhamani/cache"
	"github.com/dhamani-iq/dhamani/internal/logkey"
	"github.com/dhamani-iq/dhamani/record"
)

// ErrFingerElsewhere says that a finger that was accepted for one patient was
// accepted for another one here before. It refuses nothing: somebody should look.
var ErrFingerElsewhere = errors.New("finger was accepted for another patient as well")

// Fingers that were accepted are known again for so long, so many of them, and
// an alarm that is false is raised for one verification in ten thousand at most.
const (
	seenLife = 12 * time.Hour
	seenKept = 512
	seenFMR  = 1e-4
)

// sighting is a finger that was accepted. It stays in memory.
type sighting struct {
	patient record.PatientID
	ref     uint8
	probe   *match.Probe
	at      time.Time
}

// sightings are the fingers that were accepted at this workstation, oldest
// first.
type sightings struct {
	mu   sync.Mutex
	list []sighting
}

// add keeps a finger that was accepted for a patient and returns the other
// patients whose finger it is, as far as they are known. The rate is shared by
// all comparisons. It owes the errors of match.Prepare.
func (s *sightings) add(patient record.PatientID, ref uint8, t *fmr.Template, now time.Time) ([]record.PatientID, error) {
	probe, err := match.Prepare(t, 0)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.list = slices.DeleteFunc(s.list, func(x sighting) bool {
		return now.Sub(x.at) > seenLife || x.patient == patient && x.ref == ref
	})
	alarm := -math.Log10(seenFMR) + math.Log10(float64(max(len(s.list), 1)))
	var others []record.PatientID
	for _, x := range s.list {
		if x.patient != patient && !slices.Contains(others, x.patient) && float64(match.Compare(probe, x.probe)) >= alarm {
			others = append(others, x.patient)
		}
	}
	if len(s.list) >= seenKept {
		s.list = slices.Delete(s.list, 0, len(s.list)-seenKept+1)
	}
	s.list = append(s.list, sighting{patient, ref, probe, now})
	return others, nil
}

// noteSighting compares a finger that was accepted with those of other patients
// and tells everybody when it is one of theirs: the page, the log and the audit
// chain, with a line for each of the patients.
func (a *Agent) noteSighting(ctx context.Context, v Visit, p *probe, ref uint8, actor cache.Audit) {
	others, err := a.seen.add(v.Patient, ref, p.template, time.Now())
	if err != nil || len(others) == 0 {
		return // what was accepted could be prepared; an error is none of the patient's
	}
	for _, patient := range append(others, v.Patient) {
		if err := a.cfg.Cache.AppendAudit(actor, patient); err != nil {
			a.cfg.Log.ErrorContext(ctx, "audit line is not kept", logkey.Error, err)
		}
	}
	a.visits.update(v.ID, func(v *Visit) { v.Elsewhere = true })
	a.fail(v.Reader, v.ID, ErrFingerElsewhere)
}
