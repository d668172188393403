package central_test

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dhamani-iq/dhamani/crypto/cvc"
	"github.com/dhamani-iq/dhamani/crypto/envelope"
	"github.com/dhamani-iq/dhamani/crypto/trust"
	"github.com/dhamani-iq/dhamani/record"
	"github.com/dhamani-iq/dhamani/sync/central"
	"github.com/dhamani-iq/dhamani/sync/central/authority"
	"github.com/dhamani-iq/dhamani/sync/central/store"
	"github.com/dhamani-iq/dhamani/sync/wire"
)

func TestPush(t *testing.T) {
	c := newCentre(t, unlimited)
	w := c.enrol(t, 12, cvc.RoleReceptionist)
	p, other := c.newPatient(t, 9001), c.newPatient(t, 9001)
	now := time.Now()
	stranger := newKey(t)
	good := w.seal(t, p, now)
	tampered := w.seal(t, p, now)
	tampered.Sealed = bytes.Clone(tampered.Sealed)
	tampered.Sealed[len(tampered.Sealed)-1] ^= 1
	elsewhere := w.seal(t, p, now)
	elsewhere.Patient = other.id // signed for p
	unknown := w.seal(t, p, now)
	unknown.Patient = record.PatientID{1}
	cases := []struct {
		name   string
		item   wire.Envelope
		status wire.Status
		code   string
	}{
		{"good", good, wire.StatusNew, ""},
		{"again in the batch", good, wire.StatusDup, ""},
		{"tampered", tampered, wire.StatusRejected, wire.RejectSignature},
		{"of another patient", elsewhere, wire.StatusRejected, wire.RejectSignature},
		{"unknown patient", unknown, wire.StatusRejected, wire.RejectUnknownPatient},
		{"garbage", wire.Envelope{Patient: p.id, Sealed: []byte("garbage")}, wire.StatusRejected, wire.RejectFormat},
		{"author not enrolled", sealBy(t, p, envelope.Author{KID: trust.KIDOf(&stranger.PublicKey), Signer: stranger}, now), wire.StatusRejected, wire.RejectUnknownAuthor},
		{"another's key identifier", sealBy(t, p, envelope.Author{KID: w.grant.AuthorKID, Signer: stranger}, now), wire.StatusRejected, wire.RejectSignature},
		{"before the author's time", w.seal(t, p, now.AddDate(-1, 0, 0)), wire.StatusRejected, wire.RejectExpired},
		{"from the future", w.seal(t, p, now.Add(49*time.Hour)), wire.StatusRejected, wire.RejectFuture},
		{"also good", w.seal(t, other, now), wire.StatusNew, ""},
	}
	items := make([]wire.Envelope, len(cases))
	for i := range cases {
		items[i] = cases[i].item
	}
	batch := newBatch(t)
	res, err := w.push(t.Context(), batch, items...)
	if err != nil {
		t.Fatal(err)
	}
	for i, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			want := wire.Result{ID: c.item.ID(), Status: c.status, Code: c.code}
			if res.Results[i] != want {
				t.Errorf("got %v %q, want %v %q", res.Results[i].Status, res.Results[i].Code, want.Status, want.Code)
			}
		})
	}
	receipt, err := c.auth.Trust().Receipt(res.Receipt)
	if err != nil {
		t.Fatal(err)
	}
	last := cases[len(cases)-1].item
	if receipt.Batch != batch || !reflect.DeepEqual(receipt.IDs, []record.EntryID{good.ID(), good.ID(), last.ID()}) {
		t.Errorf("receipt covers %v", receipt.IDs)
	}
	q, err := c.store.Quarantine(t.Context(), 100)
	if err != nil || len(q) != 8 {
		t.Errorf("%d entries in quarantine, %v", len(q), err)
	}

	t.Run("same batch again", func(t *testing.T) {
		again, err := w.push(t.Context(), batch, items...)
		if err != nil || !reflect.DeepEqual(again, res) {
			t.Errorf("another answer, %v", err)
		}
	})
	t.Run("same batch number, other entries", func(t *testing.T) {
		var out wire.PushResponse
		status, err := w.do(t.Context(), http.MethodPost, wire.PathRecords, &wire.PushRequest{Batch: batch, Items: items[:1]}, &out)
		wantCode(t, status, err, http.StatusConflict, wire.CodeConflict)
	})
	t.Run("replay in another batch", func(t *testing.T) {
		again, err := w.push(t.Context(), newBatch(t), good)
		if err != nil || again.Results[0].Status != wire.StatusDup || len(again.Receipt) == 0 {
			t.Errorf("got %+v, %v", again.Results, err)
		}
	})
	t.Run("all rejected", func(t *testing.T) {
		again, err := w.push(t.Context(), newBatch(t), tampered)
		if err != nil || again.Results[0].Status != wire.StatusRejected || len(again.Receipt) != 0 {
			t.Errorf("got %+v, receipt of %d bytes, %v", again.Results, len(again.Receipt), err)
		}
	})
	t.Run("log holds no patient and no bytes", func(t *testing.T) {
		text := c.log.String()
		for _, secret := range []string{p.id.String(), other.id.String(), "clinical", "Zainab", "Testpatient", good.ID().String()} {
			if strings.Contains(text, secret) {
				t.Errorf("the log holds %q", secret)
			}
		}
		if !strings.Contains(text, wire.PathRecords) {
			t.Error("the log holds no requests at all")
		}
	})
}

// TestRevocation follows an author's key through its revocation.
func TestRevocation(t *testing.T) {
	c := newCentre(t, unlimited)
	w, carrier := c.enrol(t, 12, cvc.RoleReceptionist), c.enrol(t, 13, cvc.RoleReceptionist)
	p := c.newPatient(t, 9001)
	now := time.Now()
	before, held := w.seal(t, p, now.Add(-30*time.Minute)), w.seal(t, p, now)
	if _, err := carrier.push(t.Context(), newBatch(t), held); err != nil {
		t.Fatal(err)
	}
	if err := c.auth.RevokeAuthor(t.Context(), w.grant.AuthorKID, now.Add(-10*time.Minute)); err != nil {
		t.Fatal(err)
	}
	res, err := carrier.push(t.Context(), newBatch(t), before, w.seal(t, p, now), held)
	if err != nil {
		t.Fatal(err)
	}
	want := []wire.Result{
		{ID: before.ID(), Status: wire.StatusNew},
		{ID: res.Results[1].ID, Status: wire.StatusRejected, Code: wire.RejectRevoked},
		{ID: held.ID(), Status: wire.StatusDup}, // accepted once stays accepted
	}
	if !reflect.DeepEqual(res.Results, want) {
		t.Errorf("got %+v, want %+v", res.Results, want)
	}
	if err := c.auth.RevokeAuthor(t.Context(), w.grant.AuthorKID, now.Add(-central.RevocationGrace-time.Hour)); err != nil {
		t.Fatal(err)
	}
	waitFor(t, func() bool { // the server remembers who calls for a moment
		var health wire.Health
		status, err := w.do(t.Context(), http.MethodGet, wire.PathHealth, nil, &health)
		failure, ok := errors.AsType[*wire.Error](err)
		return ok && status == http.StatusForbidden && failure.Code == wire.CodeRevoked
	})
}

// TestBackdated sends entries that are older than their author's enrolment:
// they come in with a new card of the same station, and not otherwise.
func TestBackdated(t *testing.T) {
	c := newCentre(t, unlimited)
	station, other, clinic := c.enrol(t, 9001, cvc.RoleIssuer), c.enrol(t, 9002, cvc.RoleIssuer), c.enrol(t, 12, cvc.RoleReceptionist)
	now := time.Now()
	// issued makes a patient whose newest card was issued some time ago.
	issued := func(facility uint32, ago time.Duration) *patient {
		p := c.newPatient(t, facility)
		err := c.store.Update(t.Context(), func(w store.Writer) error {
			card, err := w.Card(p.card)
			if err != nil {
				return err
			}
			card.Issued = now.Add(-ago)
			return w.PutCard(card)
		})
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	fresh, old, others := issued(9001, time.Minute), issued(9001, authority.HistoryWindow+time.Hour), issued(9002, time.Minute)
	// A later card, of another station, ends the import.
	moved := issued(9001, time.Hour)
	err := c.store.Update(t.Context(), func(w store.Writer) error {
		return w.AddCard(store.Card{ID: [8]byte{7}, Patient: moved.id, Facility: 9002, Issued: now, NotAfter: now.AddDate(5, 0, 0)})
	})
	if err != nil {
		t.Fatal(err)
	}
	visit := now.AddDate(-12, 0, 0)
	accepted := station.seal(t, fresh, visit)
	cases := []struct {
		name string
		item wire.Envelope
		code string
	}{
		{"history of a new card", accepted, ""},
		{"of the first minute", station.seal(t, fresh, record.Epoch), ""},
		{"card issued too long ago", station.seal(t, old, visit), wire.RejectBackdated},
		{"card of another station", station.seal(t, others, visit), wire.RejectBackdated},
		{"newest card of another station", station.seal(t, moved, visit), wire.RejectBackdated},
		{"an hour before enrolment", station.seal(t, old, now.Add(-30*time.Minute)), ""},
		{"two hours before enrolment", station.seal(t, old, now.Add(-2*time.Hour)), wire.RejectBackdated},
		{"of today, whatever the card", station.seal(t, others, now), ""},
		{"of the other station itself", other.seal(t, others, visit), ""},
		{"of a clinic", clinic.seal(t, fresh, visit), wire.RejectExpired},
	}
	items := make([]wire.Envelope, len(cases))
	for i := range cases {
		items[i] = cases[i].item
	}
	res, err := station.push(t.Context(), newBatch(t), items...)
	if err != nil {
		t.Fatal(err)
	}
	for i, c := range cases {
		if got := res.Results[i].Code; got != c.code {
			t.Errorf("%s: got %q, want %q", c.name, got, c.code)
		}
	}
	// What came in with the card stays, whoever brings it later; the rest of
	// that history does not come in any more.
	err = c.store.Update(t.Context(), func(w store.Writer) error {
		card, err := w.Card(fresh.card)
		if err != nil {
			return err
		}
		card.Issued = now.Add(-authority.HistoryWindow - time.Hour)
		return w.PutCard(card)
	})
	if err != nil {
		t.Fatal(err)
	}
	res, err = clinic.push(t.Context(), newBatch(t), accepted, station.seal(t, fresh, visit))
	if err != nil || res.Results[0].Status != wire.StatusDup || res.Results[1].Code != wire.RejectBackdated {
		t.Errorf("a week later: %+v, %v", res.Results, err)
	}
}

func waitFor(t *testing.T, what func() bool) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(time.Minute); !what(); <-tick.C {
		if time.Now().After(deadline) {
			t.Fatal("it did not come about in a minute")
		}
	}
}

func TestRateLimits(t *testing.T) {
	c := newCentre(t, central.Limits{RequestsPerSecond: 0.01, BurstRequests: 6, EntriesPerSecond: 0.01, BurstEntries: 5})
	w, other := c.enrol(t, 12, cvc.RoleReceptionist), c.enrol(t, 13, cvc.RoleReceptionist)
	p := c.newPatient(t, 9001)
	var items []wire.Envelope
	for range 5 {
		items = append(items, w.seal(t, p, time.Now()))
	}
	if _, err := w.push(t.Context(), newBatch(t), items...); err != nil {
		t.Fatal(err)
	}
	var out wire.PushResponse
	req := &wire.PushRequest{Batch: newBatch(t), Items: items[:4]}
	status, err := w.do(t.Context(), http.MethodPost, wire.PathRecords, req, &out)
	wantCode(t, status, err, http.StatusTooManyRequests, wire.CodeRateLimited)
	if failure, ok := errors.AsType[*wire.Error](err); !ok || failure.RetryAfter < 300 || failure.RetryAfter > 400 {
		t.Errorf("entries: %v, want to wait about 400 s", err)
	}
	var health wire.Health
	for range 4 {
		if _, err := w.do(t.Context(), http.MethodGet, wire.PathHealth, nil, &health); err != nil {
			t.Fatal(err)
		}
	}
	status, err = w.do(t.Context(), http.MethodGet, wire.PathHealth, nil, &health)
	wantCode(t, status, err, http.StatusTooManyRequests, wire.CodeRateLimited)
	if _, err := other.do(t.Context(), http.MethodGet, wire.PathHealth, nil, &health); err != nil {
		t.Errorf("another facility: %v", err)
	}
}

// TestFeedMissesNothing has writers of several facilities and a follower that
// polls with a wait, at the same time, over the real network.
func TestFeedMissesNothing(t *testing.T) {
	c := newCentre(t, unlimited)
	follower := c.enrol(t, 1, cvc.RoleReceptionist)
	const writers, batches, size = 4, 12, 10
	patients := make([]*patient, 4)
	for i := range patients {
		patients[i] = c.newPatient(t, 9001)
		var res wire.PatientResponse
		path := wire.PatientRecordsPath(patients[i].id.String())
		if _, err := follower.do(t.Context(), http.MethodGet, path, nil, &res); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	var mu sync.Mutex
	acknowledged := make(map[record.EntryID]bool)
	var wg sync.WaitGroup
	for i := range writers {
		w := c.enrol(t, uint32(10+i), cvc.RoleReceptionist)
		wg.Go(func() {
			for range batches {
				items := make([]wire.Envelope, size)
				for k := range items {
					items[k] = w.seal(t, patients[rand.IntN(len(patients))], time.Now())
				}
				res, err := w.push(ctx, newBatch(t), items...)
				if err != nil {
					t.Error(err)
					cancel()
					return
				}
				mu.Lock()
				for _, r := range res.Results {
					acknowledged[r.ID] = true
				}
				mu.Unlock()
			}
		})
	}
	seen := make(map[record.EntryID]bool)
	cursor := wire.Cursor("")
	for len(seen) < writers*batches*size && ctx.Err() == nil {
		var page wire.ChangesPage
		path := wire.PathChanges + "?max=17&wait=5&c=" + string(cursor)
		if _, err := follower.do(ctx, http.MethodGet, path, nil, &page); err != nil {
			t.Fatal(err)
		}
		for _, e := range page.Envelopes() {
			if seen[e.ID()] {
				t.Fatal("an entry came twice")
			}
			seen[e.ID()] = true
		}
		cursor = page.Next
	}
	wg.Wait()
	for id := range acknowledged {
		if !seen[id] {
			t.Errorf("the follower missed %s", id.Short())
		}
	}
	if len(acknowledged) != writers*batches*size {
		t.Errorf("%d acknowledged of %d", len(acknowledged), writers*batches*size)
	}
}
