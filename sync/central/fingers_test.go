package central_test

import (
	"bytes"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/dhamani-iq/dhamani/biometric/fmr"
	"github.com/dhamani-iq/dhamani/biometric/synth"
	"github.com/dhamani-iq/dhamani/crypto/cvc"
	"github.com/dhamani-iq/dhamani/record"
	"github.com/dhamani-iq/dhamani/sync/wire"
)

// TestFingersOverTheWire issues cards with fingers to two identities of one
// person: both are served, a finger that cannot be used is named, the review is
// raised behind them, and no answer and no log tells of it.
func TestFingersOverTheWire(t *testing.T) {
	c := newCentre(t, unlimited)
	station := c.enrol(t, 9001, cvc.RoleIssuer)
	var patients []record.PatientID
	for impression := range 2 {
		req := newCardRequest(t)
		for _, at := range []fmr.Position{fmr.RightIndex, fmr.LeftIndex} {
			raw, err := fmr.Marshal(synth.Person(1, at, impression))
			if err != nil {
				t.Fatal(err)
			}
			req.Fingers = append(req.Fingers, raw)
		}
		req.Fingers = append(req.Fingers, []byte("no finger at all"))
		grant := new(wire.CardGrant)
		if _, err := station.do(t.Context(), http.MethodPost, wire.PathCards, req, grant); err != nil {
			t.Fatal(err)
		}
		if want := []byte{wire.FingerKept, wire.FingerKept, wire.FingerMalformed}; !bytes.Equal(grant.Fingers, want) {
			t.Errorf("fingers %v, want %v", grant.Fingers, want)
		}
		patients = append(patients, grant.Patient)
	}
	deadline := time.Now().Add(time.Minute)
	for {
		st, err := c.store.Status(t.Context())
		if err != nil || time.Now().After(deadline) {
			t.Fatalf("%+v, %v", st, err)
		}
		if st.Unsearched == 0 && st.Reviews == 1 {
			break
		}
		time.Sleep(5 * time.Millisecond)
	}
	for _, id := range patients {
		if strings.Contains(c.log.String(), id.String()) {
			t.Error("the log names a patient")
		}
	}
	if !strings.Contains(c.log.String(), "are left out\" facility=9001 code=malformed") {
		t.Error("the log does not name why a finger was left out")
	}
}
