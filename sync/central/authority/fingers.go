package authority

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/dhamani-iq/dhamani/biometric/fmr"
	"github.com/dhamani-iq/dhamani/card"
	"github.com/dhamani-iq/dhamani/internal/strictcbor"
	"github.com/dhamani-iq/dhamani/record"
	"github.com/dhamani-iq/dhamani/sync/central/store"
	"github.com/dhamani-iq/dhamani/sync/wire"
)

// What a finger must have to be kept.
const (
	minFinger  = card.MinMinutiae // minutiae
	leastPerCm = 98               // pixels: 250 dpi
	mostPerCm  = 394              // pixels: 1000 dpi
)

// fingersContext begins the additional data of what is sealed under the key for
// fingers.
const fingersContext = "dhamani centre fingers v1"

// fingersCodec reads what is sealed of a patient: [1*10 record bstr].
var fingersCodec = strictcbor.New(strictcbor.Limits{Depth: 4, Items: 16, Pairs: 16})

func fingersAAD(patient record.PatientID) []byte {
	return append([]byte(fingersContext+"\x00templates\x00"), patient[:]...)
}

// keepFingers keeps those of the request that can be used, in the place of those
// that the patient has. The same ones again change nothing.
func (c *cardIssue) keepFingers(w store.Writer) error {
	if len(c.templates) == 0 {
		return nil
	}
	plain, err := fingersCodec.Marshal(c.templates)
	if err != nil {
		return fmt.Errorf("encode fingers: %w", err)
	}
	defer clear(plain)
	old, err := w.Fingers(c.patient.ID)
	switch {
	case err == nil:
		// Those that cannot be opened any more are not the same.
		had, err := openUnder(c.a.fingers, "fingers", fingersAAD(c.patient.ID), old.Sealed)
		if err == nil && bytes.Equal(had, plain) {
			return nil
		}
	case !errors.Is(err, store.ErrNotFound):
		return err
	}
	sealed, err := sealUnder(c.a.fingers, fingersAAD(c.patient.ID), plain)
	if err != nil {
		return err
	}
	return w.PutFingers(store.Fingers{Patient: c.patient.ID, Sealed: sealed, Updated: c.now})
}

// usable returns the records that can be kept, in the one form that is, and what
// became of each. One that cannot be used is no error.
func usable(records [][]byte) (kept [][]byte, status []byte) {
	var seen [fmr.LeftLittle + 1]bool
	for _, raw := range records {
		t, err := fmr.Parse(raw)
		what := wire.FingerMalformed
		if err == nil {
			what = judge(t, &seen)
		}
		if what == wire.FingerKept {
			t.Device, t.Views[0].Number, t.Views[0].Extensions = 0, 0, nil
			if raw, err = fmr.Marshal(t); err != nil {
				what = wire.FingerMalformed
			} else {
				kept = append(kept, raw)
				seen[t.Views[0].Position] = true
			}
		}
		status = append(status, what)
	}
	return kept, status
}

func judge(t *fmr.Template, seen *[fmr.LeftLittle + 1]bool) byte {
	perCm := func(n int) bool { return n >= leastPerCm && n <= mostPerCm }
	switch v := &t.Views[0]; {
	case len(t.Views) != 1 || v.Position > fmr.LeftLittle || !perCm(t.XRes) || !perCm(t.YRes):
		return wire.FingerMalformed
	case v.Position == fmr.Unknown:
		return wire.FingerUnnamed
	case seen[v.Position]:
		return wire.FingerTwice
	case len(v.Minutiae) < minFinger:
		return wire.FingerPoor
	}
	return wire.FingerKept
}

// OpenFingers returns the templates of a patient, of one view each; none when
// they were deleted. It owes store.ErrCorrupt.
func (a *Authority) OpenFingers(f store.Fingers) ([]*fmr.Template, error) {
	plain, err := openUnder(a.fingers, "fingers", fingersAAD(f.Patient), f.Sealed)
	if err != nil || len(plain) == 0 {
		return nil, err
	}
	defer clear(plain)
	return parseFingers(plain)
}

// parseFingers reads what keepFingers has sealed. It owes store.ErrCorrupt.
func parseFingers(plain []byte) ([]*fmr.Template, error) {
	var records [][]byte
	if err := fingersCodec.Unmarshal(plain, &records); err != nil {
		return nil, fmt.Errorf("stored fingers: %w: %w", store.ErrCorrupt, err)
	}
	if len(records) == 0 || len(records) > wire.MaxFingers {
		return nil, fmt.Errorf("%d stored fingers: %w", len(records), store.ErrCorrupt)
	}
	out := make([]*fmr.Template, 0, len(records))
	var seen [fmr.LeftLittle + 1]bool
	for _, raw := range records {
		t, err := fmr.Parse(raw)
		if err != nil {
			return nil, fmt.Errorf("stored finger: %w: %w", store.ErrCorrupt, err)
		}
		if what := judge(t, &seen); what != wire.FingerKept {
			return nil, fmt.Errorf("stored finger of status %d: %w", what, store.ErrCorrupt)
		}
		seen[t.Views[0].Position] = true
		out = append(out, t)
	}
	return out, nil
}

// ForgetFingers deletes the templates of a patient, who keeps card and record.
// Reviews that were raised stay. It owes store.ErrNotFound for a patient who has
// none.
func (a *Authority) ForgetFingers(ctx context.Context, patient record.PatientID) error {
	err := a.store.Update(ctx, func(w store.Writer) error {
		f, err := w.Fingers(patient)
		if err != nil {
			return err
		}
		if len(f.Sealed) == 0 {
			return fmt.Errorf("fingers: %w", store.ErrNotFound)
		}
		return w.PutFingers(store.Fingers{Patient: patient, Updated: time.Now()})
	})
	if err != nil {
		return fmt.Errorf("forget fingers: %w", err)
	}
	return nil
}
