package client

import (
	"errors"
	"testing"

	"github.com/dhamani-iq/dhamani/crypto/envelope"
	"github.com/dhamani-iq/dhamani/record"
	"github.com/dhamani-iq/dhamani/sync/wire"
)

// TestStanding asks the reference centre for what was charged.
func TestStanding(t *testing.T) {
	centre := newRealCentre(t)
	near := centre.enrol(t, 12)
	h := centre.newPatient(t)
	c := near.dial(t, centre.addr)
	raw, err := c.Standing(t.Context(), h.id, 0)
	must(t, err)
	if sealed, err := envelope.Parse(raw); err != nil || sealed.Person() != 0 {
		t.Errorf("standing of %d bytes: %v", len(raw), err)
	}
	var refused *ServerError
	for name, ask := range map[string]func() ([]byte, error){
		"another patient": func() ([]byte, error) { return c.Standing(t.Context(), record.PatientID{99}, 0) },
		"another person":  func() ([]byte, error) { return c.Standing(t.Context(), h.id, 15) },
	} {
		if _, err := ask(); !errors.As(err, &refused) || refused.Code != wire.CodeNoPatient {
			t.Errorf("%s: %v", name, err)
		}
	}
	centre.stop()
	if _, err := c.Standing(t.Context(), h.id, 0); !errors.Is(err, ErrOffline) {
		t.Errorf("without a network: %v", err)
	}
	centre.serve(t)
}
