package agent

import (
	"bytes"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dhamani-iq/dhamani/cache"
	"github.com/dhamani-iq/dhamani/card"
	"github.com/dhamani-iq/dhamani/card/softcard"
	"github.com/dhamani-iq/dhamani/crypto/cvc"
	"github.com/dhamani-iq/dhamani/crypto/envelope"
	"github.com/dhamani-iq/dhamani/crypto/trust"
	"github.com/dhamani-iq/dhamani/record"
	"github.com/dhamani-iq/dhamani/record/terms"
)

// allergic is a visit in which an allergy is found.
func allergic() *record.Entry {
	e := visit(0)
	e.Start = time.Now()
	e.Allergies = []record.Allergy{{Code: record.Code{System: terms.ATC, Value: "J01C"}}}
	return e
}

func now() *record.Entry {
	e := visit(0)
	e.Start = time.Now()
	return e
}

// openAs opens the card past all agents.
func (n *nation) openAs(p *patient) *card.Session {
	tb := n.tb
	tb.Helper()
	s := must[*card.Session](tb)(card.Open(tb.Context(), p.card.Transport()))
	raw := must[[]byte](tb)(s.Security(tb.Context()))
	security := must[trust.CardSecurity](tb)(n.trust().CardSecurity(raw, time.Now()))
	if err := s.Authenticate(tb.Context(), security.Public, n.terminal(cvc.RolePhysician, time.Now().AddDate(0, 1, 0))); err != nil {
		tb.Fatal(err)
	}
	return s
}

// log counts how often each entry stands on the card.
func (n *nation) log(p *patient) map[record.EntryID]int {
	tb := n.tb
	tb.Helper()
	s := n.openAs(p)
	head := must[card.Head](tb)(s.Head(tb.Context()))
	count := make(map[record.EntryID]int)
	if err := s.Entries(tb.Context(), head, card.Head{}, func(_ uint32, raw []byte) error {
		count[envelope.IDOf(raw)]++
		return nil
	}); err != nil {
		tb.Fatal(err)
	}
	if err := s.Close(); err != nil {
		tb.Fatal(err)
	}
	return count
}

// TestUnreadableSummaryIsNotReplaced: a desk that does not know the summary's
// author yet writes its visit and leaves the summary alone.
func TestUnreadableSummaryIsNotReplaced(t *testing.T) {
	n := newNation(t)
	p := n.issue(1, softcard.Options{})
	first := n.desk(deskOptions{})
	v, _ := first.tap(t, p)
	if _, err := first.agent.Append(t.Context(), v.ID, allergic()); err != nil {
		t.Fatal(err)
	}
	first.take(t)
	known := n.list.Keys[1]
	n.author = newKey(t)
	n.list.Keys[1] = n.key(&n.author.PublicKey, trust.UsageAuthor, "Dr Berivan")
	second := n.desk(deskOptions{})
	v, _ = second.tap(t, p)
	if len(v.Problems) == 0 || v.Problems[0].Code != "entry_author_unknown" {
		t.Fatalf("problems %+v", v.Problems)
	}
	w, err := second.agent.Append(t.Context(), v.ID, now())
	if err != nil || !slices.Contains(w.Where, AtCard) {
		t.Fatalf("written %+v, %v", w, err)
	}
	if ev := second.await(t, KindFailure); ev.Failure.Code != "summary_not_updated" {
		t.Fatalf("failure %s", ev.Failure.Code)
	}
	second.take(t)
	n.list.Keys = append(n.list.Keys, known)
	v, failure := n.desk(deskOptions{}).tap(t, p)
	if failure != nil || len(v.Alerts) != 1 || len(v.Entries) != 3 {
		t.Fatalf("%v: %d alerts, %d entries", failure, len(v.Alerts), len(v.Entries))
	}
}

// TestFullCardKeepsItsSummaryUpToDate fills the log; visits go on, and what
// everybody must know still reaches the card.
func TestFullCardKeepsItsSummaryUpToDate(t *testing.T) {
	n := newNation(t)
	p := n.issue(1, softcard.Options{})
	d := n.desk(deskOptions{})
	v, _ := d.tap(t, p)
	long := now()
	for range 8 {
		long.Notes = append(long.Notes, record.Note{Text: strings.Repeat("much was said and written down ", 5)})
	}
	full := false
	for i := 0; !full; i++ {
		w, err := d.agent.Append(t.Context(), v.ID, long)
		if err != nil || i > 200 {
			t.Fatalf("append %d: %v", i, err)
		}
		full = !slices.Contains(w.Where, AtCard)
	}
	w, err := d.agent.Append(t.Context(), v.ID, allergic())
	if err != nil || !slices.Equal(w.Where, []string{AtCache, AtOutbox, AtOwed}) && !slices.Contains(w.Where, AtCard) {
		t.Fatalf("written %+v, %v", w, err)
	}
	d.take(t)
	if v, _ := n.desk(deskOptions{}).tap(t, p); len(v.Alerts) != 1 {
		t.Fatalf("another desk shows %d alerts", len(v.Alerts))
	}
}

// TestOwedSummaryIsMergedWithAnothers: what a torn write owes the summary is
// added to what another clinic has written since.
func TestOwedSummaryIsMergedWithAnothers(t *testing.T) {
	for cut := range 2 {
		n := newNation(t)
		p := n.issue(1, softcard.Options{})
		at := never()
		d := n.desk(deskOptions{wrap: func(tr card.Transport) card.Transport { return &cutter{Transport: tr, at: at} }})
		v, _ := d.tap(t, p)
		*at = cut
		if _, err := d.agent.Append(t.Context(), v.ID, allergic()); !errors.Is(err, ErrWriteUnknown) {
			t.Fatalf("cut at %d: %v", cut, err)
		}
		d.take(t)
		between := n.desk(deskOptions{})
		v, _ = between.tap(t, p)
		if _, err := between.agent.Append(t.Context(), v.ID, now()); err != nil {
			t.Fatal(err)
		}
		between.take(t)
		if v, failure := d.tap(t, p); failure != nil || len(v.Entries) != 3 {
			t.Fatalf("cut at %d: %v, %d entries", cut, failure, len(v.Entries))
		}
		d.take(t)
		if v, _ := n.desk(deskOptions{}).tap(t, p); len(v.Alerts) != 1 || len(v.Entries) != 3 {
			t.Fatalf("cut at %d: another desk sees %d alerts, %d entries", cut, len(v.Alerts), len(v.Entries))
		}
	}
}

// TestLateEntryUndoesNothing: a visit that is filed days later says that a
// medicine is taken, which a visit of yesterday has stopped.
func TestLateEntryUndoesNothing(t *testing.T) {
	n := newNation(t)
	p := n.issue(1, softcard.Options{})
	d := n.desk(deskOptions{})
	v, _ := d.tap(t, p)
	warfarin := record.Code{System: terms.ATC, Value: "B01AA03"}
	on := func(days int, status record.MedicationStatus) *record.Entry {
		return &record.Entry{
			Start:         time.Now().AddDate(0, 0, -days),
			Prescriptions: []record.Prescription{{Medicine: warfarin, Ongoing: true, Status: status}},
		}
	}
	for _, e := range []*record.Entry{on(5, record.MedicationActive), on(1, record.MedicationStopped), on(3, record.MedicationActive)} {
		if _, err := d.agent.Append(t.Context(), v.ID, e); err != nil {
			t.Fatal(err)
		}
		now, _ := d.agent.Visit(v.ID)
		taken := slices.ContainsFunc(now.Summary.Medicines, func(m record.Medicine) bool { return m.Code == warfarin })
		if first := len(now.Entries) == 2; taken != first {
			t.Errorf("%d entries: is taken: %v", len(now.Entries), taken)
		}
	}
}

// TestCrashBetweenCardAndCache: the entry is on the card, the process ended
// before it could note that. The next tap finds it there and does not write it
// again.
func TestCrashBetweenCardAndCache(t *testing.T) {
	n := newNation(t)
	p := n.issue(1, softcard.Options{})
	d := n.desk(deskOptions{})
	v, _ := d.tap(t, p)
	d.take(t)
	s := n.openAs(p)
	head := must[card.Head](t)(s.Head(t.Context()))
	e := now()
	sealed := n.seal(p, e.Start, must[map[record.Section][]byte](t)(e.Sections()))
	if err := d.cache.Begin(cache.Pending{Card: v.Card, Patient: v.Patient, ExpectSeq: head.Seq, Sealed: sealed}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Append(t.Context(), head.Seq, sealed); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if v, failure := d.tap(t, p); failure != nil || len(v.Entries) != 2 {
		t.Fatalf("%v, %d entries", failure, len(v.Entries))
	}
	d.take(t)
	for id, times := range n.log(p) {
		if times != 1 {
			t.Errorf("entry %s is %d times on the card", id.Short(), times)
		}
	}
	if left, err := d.cache.Pendings(v.Card); err != nil || len(left) != 0 || d.cache.OutboxLen() != 1 {
		t.Fatalf("%d writes are open, %d entries in the outbox, %v", len(left), d.cache.OutboxLen(), err)
	}
}

// TestCutWhileSettling has two writes open, one of them on the card below an
// entry of another clinic, and takes the card away at every command of the
// tap that settles them. No entry is hidden, none is written twice.
func TestCutWhileSettling(t *testing.T) {
	cuts := 0
	for cut := range 100 {
		n := newNation(t)
		p := n.issue(1, softcard.Options{})
		at := never()
		d := n.desk(deskOptions{wrap: func(tr card.Transport) card.Transport { return &cutter{Transport: tr, at: at} }})
		v, _ := d.tap(t, p)
		d.take(t)
		n.leaveOpen(d, p, v.Card)
		*at = cut
		d.reader.put(p.card)
		for d.await(t, KindRecordsReady, KindFailure).Kind == KindFailure && *at >= 0 {
			continue
		}
		d.take(t)
		if *at >= 0 {
			break
		}
		cuts++
		v, failure := d.tap(t, p)
		if failure != nil || len(v.Entries) != 4 || len(v.Problems) != 0 {
			t.Fatalf("cut at %d: %v, %d entries, %v", cut, failure, len(v.Entries), v.Problems)
		}
		d.take(t)
		for id, times := range n.log(p) {
			if times != 1 {
				t.Fatalf("cut at %d: entry %s is %d times on the card", cut, id.Short(), times)
			}
		}
	}
	if cuts < 16 {
		t.Fatalf("only %d cut points", cuts)
	}
	t.Logf("%d cut points", cuts)
}

// leaveOpen leaves two writes open at a desk: the first reached the card, and
// above it lies an entry of another clinic; the second did not.
func (n *nation) leaveOpen(d *desk, p *patient, id card.ID) {
	tb := n.tb
	tb.Helper()
	s := n.openAs(p)
	head := must[card.Head](tb)(s.Head(tb.Context()))
	for i, place := range []struct{ card, open bool }{{true, true}, {true, false}, {false, true}} {
		e := now()
		e.Start = e.Start.Add(time.Duration(i-3) * time.Hour)
		sealed := n.seal(p, e.Start, must[map[record.Section][]byte](tb)(e.Sections()))
		if place.open {
			if err := d.cache.Begin(cache.Pending{Card: id, Patient: p.subject.Patient, Sealed: sealed}); err != nil {
				tb.Fatal(err)
			}
		}
		if place.card {
			head = must[card.Head](tb)(s.Append(tb.Context(), head.Seq, sealed))
		}
	}
	if err := s.Close(); err != nil {
		tb.Fatal(err)
	}
}

// TestTimesThatNobodyWouldBelieve are refused before they are written where
// they cannot be taken back.
func TestTimesThatNobodyWouldBelieve(t *testing.T) {
	n := newNation(t)
	p := n.issue(1, softcard.Options{})
	n.list.Keys[1].NotBefore = time.Now().AddDate(0, -1, 0)
	d := n.desk(deskOptions{})
	v, _ := d.tap(t, p)
	for _, at := range []time.Time{time.Now().AddDate(0, -2, 0), time.Now().AddDate(3, 0, 0), time.Now().AddDate(20, 0, 0)} {
		e := now()
		e.Start = at
		if w, err := d.agent.Append(t.Context(), v.ID, e); Classify(err).Code != "entry_time_invalid" || w.ID != (record.EntryID{}) {
			t.Errorf("encounter of %s: written %+v, %v", at.Format(time.DateOnly), w, err)
		}
	}
	n.list.Issued, n.list.Expires = time.Now().AddDate(0, 0, 40), time.Now().AddDate(1, 0, 0)
	late := n.desk(deskOptions{})
	v, _ = late.tap(t, p)
	if _, err := late.agent.Append(t.Context(), v.ID, now()); Classify(err).Code != "clock_wrong" {
		t.Errorf("append with a clock of 40 days ago: %v", err)
	}
	if len(n.log(p)) != 1 {
		t.Error("something was written")
	}
}

// TestRecoveredCacheReadsTheCardAnew destroys each page of a cache in turn.
// Whatever was lost, the next tap shows all that the card holds.
func TestRecoveredCacheReadsTheCardAnew(t *testing.T) {
	n := newNation(t)
	p := n.issue(60, softcard.Options{})
	path := filepath.Join(t.TempDir(), "cache.db")
	t.Run("fill", func(t *testing.T) {
		m := *n
		m.tb = t
		m.desk(deskOptions{path: path}).tap(t, p)
	})
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	const page = 4096
	damaged := 0
	for at := 0; at < len(whole); at += page {
		broken := filepath.Join(t.TempDir(), "cache.db")
		bad := slices.Concat(whole[:at], bytes.Repeat([]byte{0x5a}, page), whole[min(at+page, len(whole)):])
		if err := os.WriteFile(broken, bad, 0o600); err != nil {
			t.Fatal(err)
		}
		store, damage, err := OpenCache(broken, [32]byte{1}, slog.New(slog.DiscardHandler))
		if err != nil {
			continue // nothing could be told of it, not even that the key fits
		}
		if err := store.Close(); err != nil {
			t.Fatal(err)
		}
		if len(damage) == 0 {
			continue // a free page
		}
		damaged++
		p.card.Remove()
		t.Run("tap", func(t *testing.T) {
			m := *n
			m.tb = t
			if v, failure := m.desk(deskOptions{path: broken}).tap(t, p); failure != nil || len(v.Entries) != 60 {
				t.Errorf("page %d: %v, %d of 60 entries", at/page, failure, len(v.Entries))
			}
		})
	}
	if damaged < 10 {
		t.Fatalf("only %d pages mattered", damaged)
	}
}

// TestAnothersTapLeavesTheSummaryOwed: a physician's torn write is carried to
// the card by whoever taps next; the allergy in it, which only a physician may
// put into the summary, waits for one and is not forgotten.
func TestAnothersTapLeavesTheSummaryOwed(t *testing.T) {
	for _, between := range []cvc.Roles{0, cvc.RoleNurse} { // 0: the workstation alone
		n := newNation(t)
		doctor, nurse := n.operator("doctor-1", cvc.RolePhysician), n.operator("nurse-1", cvc.RoleNurse)
		p := n.issue(1, softcard.Options{})
		at := never()
		d := n.desk(deskOptions{role: cvc.RoleReceptionist, wrap: func(tr card.Transport) card.Transport { return &cutter{Transport: tr, at: at} }})
		d.agent.SignIn(doctor)
		v, _ := d.tap(t, p)
		*at = 0
		if _, err := d.agent.Append(t.Context(), v.ID, allergic()); !errors.Is(err, ErrWriteUnknown) {
			t.Fatal(err)
		}
		d.take(t)
		if d.agent.SignOut(); between != 0 {
			d.agent.SignIn(nurse)
		}
		for range 2 {
			if v, failure := d.tap(t, p); failure != nil || len(v.Entries) != 2 {
				t.Fatalf("%v, %d entries", failure, len(v.Entries))
			}
			d.take(t)
		}
		for id, times := range n.log(p) {
			if times != 1 {
				t.Errorf("entry %s is %d times on the card", id.Short(), times)
			}
		}
		if len(n.log(p)) != 2 || d.cache.OutboxLen() != 1 {
			t.Fatalf("%d entries on the card, %d in the outbox", len(n.log(p)), d.cache.OutboxLen())
		}
		d.agent.SignIn(doctor)
		v, failure := d.tap(t, p)
		if failure != nil || len(v.Alerts) != 1 {
			t.Fatalf("settled by %v first: %v, %d alerts", between, failure, len(v.Alerts))
		}
		if left, err := d.cache.Pendings(v.Card); err != nil || len(left) != 0 {
			t.Fatalf("%d writes are open, %v", len(left), err)
		}
	}
}
