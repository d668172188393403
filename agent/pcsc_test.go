//go:build cgo

package agent

import (
	"errors"
	"log/slog"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dhamani-iq/dhamani/card/pcsc"
	"github.com/dhamani-iq/dhamani/card/softcard"
	"github.com/dhamani-iq/dhamani/internal/testpcsc"
)

// plug puts a card into the first virtual reader. The reader refuses it until
// it has noticed that the last one has gone.
func plug(tb testing.TB, c *softcard.Card) *softcard.Slot {
	tb.Helper()
	deadline := time.Now().Add(time.Minute)
	for {
		slot, err := c.Plug(tb.Context(), testpcsc.Slots()[0].Addr)
		if err == nil {
			return slot
		}
		if time.Now().After(deadline) {
			tb.Fatal(err)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// pcscDesk is an agent on the real PC/SC service.
func (n *nation) pcscDesk() *desk {
	return n.desk(deskOptions{readers: pcsc.New(slog.New(slog.DiscardHandler))})
}

func TestBothPathsThroughRealPCSC(t *testing.T) {
	testpcsc.Use(t)
	n := newNation(t)
	p := n.issue(10, softcard.Options{})
	d := n.pcscDesk()
	slot := plug(t, p.card)
	v, failure := d.read(t)
	if failure != nil || len(v.Entries) != 10 {
		t.Fatalf("%d entries, %v", len(v.Entries), failure)
	}
	w, err := d.agent.Append(t.Context(), v.ID, visit(60))
	if err != nil || w.Seq != 11 {
		t.Fatalf("written %+v, %v", w, err)
	}
	slot.Remove()
	d.await(t, KindCardRemoved)
	slot = plug(t, p.card)
	defer slot.Remove()
	v, failure = d.read(t)
	if failure != nil || len(v.Entries) != 11 {
		t.Fatalf("%d entries, %v", len(v.Entries), failure)
	}
}

// TestTornThroughRealPCSC takes the card out of the real reader while it
// answers an append.
func TestTornThroughRealPCSC(t *testing.T) {
	testpcsc.Use(t)
	n := newNation(t)
	var cut atomic.Bool
	p := n.issue(3, softcard.Options{Cut: func(at softcard.CutPoint) bool {
		return cut.Load() && at.INS == 0xE2 && at.Kind == softcard.CutBeforeAnswer
	}})
	d := n.pcscDesk()
	plug(t, p.card)
	v, failure := d.read(t)
	if failure != nil {
		t.Fatal(failure.Code)
	}
	cut.Store(true)
	w, err := d.agent.Append(t.Context(), v.ID, visit(60))
	if !errors.Is(err, ErrWriteUnknown) || !slices.Contains(w.Where, AtUnknown) {
		t.Fatalf("written %+v, %v", w, err)
	}
	cut.Store(false)
	d.await(t, KindCardRemoved)
	slot := plug(t, p.card)
	defer slot.Remove()
	v, failure = d.read(t)
	if failure != nil || len(v.Entries) != 4 {
		t.Fatalf("%d entries, %v", len(v.Entries), failure)
	}
	if !slices.Contains(v.Entries[0].Where, AtCard) || v.Entries[0].ID != w.ID {
		t.Fatalf("newest entry %+v", v.Entries[0])
	}
}

// TestServiceKilled kills pcscd while the agent waits, and while it reads.
func TestServiceKilled(t *testing.T) {
	service := testpcsc.Use(t)
	n := newNation(t)
	var kill atomic.Bool
	killed := make(chan struct{})
	p := n.issue(30, softcard.Options{Cut: func(at softcard.CutPoint) bool {
		if at.INS == 0xB1 && kill.CompareAndSwap(true, false) { // in the middle of reading the log
			service.Kill()
			close(killed)
		}
		return false
	}})
	d := n.pcscDesk()
	d.await(t, KindReaderAdded)

	service.Kill()
	if ev := d.await(t, KindServiceDown); ev.Failure == nil || ev.Failure.Code != "reader_service_down" {
		t.Fatalf("event %+v", ev)
	}
	if h := d.agent.Health(); h.PCSC != "down" || len(h.Problems) == 0 {
		t.Fatalf("health %+v", h)
	}
	service.Restart()
	d.await(t, KindServiceUp)

	kill.Store(true)
	plug(t, p.card)
	<-killed
	d.await(t, KindServiceDown)
	service.Restart()
	d.await(t, KindServiceUp)
	slot := plug(t, p.card)
	defer slot.Remove()
	v, failure := d.read(t)
	for failure != nil && failure.Code == "reader_service_down" {
		v, failure = d.read(t)
	}
	if failure != nil || len(v.Entries) != 30 {
		t.Fatalf("%d entries, %v", len(v.Entries), failure)
	}
}

// BenchmarkTap measures what the software adds to a tap through the real
// PC/SC service: from the reader's insert event to the page's event that the
// record is there. The card's own time is modelled apart: modelled-ms is what
// the chip and the contactless link of 424 kbit/s would take for the same
// exchange. One operation is tapsMeasured taps.
func BenchmarkTap(b *testing.B) {
	testpcsc.Use(b)
	b.Run("first", func(b *testing.B) { measureTaps(b, false, 0) })
	b.Run("nothing-new", func(b *testing.B) { measureTaps(b, true, 0) })
	b.Run("one-new", func(b *testing.B) { measureTaps(b, true, 1) })
}

// tapsMeasured is how many taps the percentiles are taken over.
const tapsMeasured = 200

// measureTaps taps at one agent: a new card each time, or one card
// that the agent knows and to which another desk has written so many entries
// before each tap.
func measureTaps(b *testing.B, known bool, fresh int) {
	b.Helper()
	n := newNation(b)
	d := n.pcscDesk()
	writer := n.desk(deskOptions{})
	p := n.issue(30, softcard.Options{})
	if known {
		slot := plug(b, p.card)
		if _, failure := d.read(b); failure != nil {
			b.Fatal(failure.Code)
		}
		slot.Remove()
		d.await(b, KindCardRemoved)
	}
	times := make([]time.Duration, 0, tapsMeasured)
	var apdus, bytes int
	var model time.Duration
	for i := range b.N * tapsMeasured {
		if !known {
			p = n.issue(30, softcard.Options{})
		}
		for range fresh {
			v := writer.tapped(b, p)
			e := visit(0)
			e.Start = time.Now().Add(-time.Duration(i) * time.Hour)
			if _, err := writer.agent.Append(b.Context(), v.ID, e); err != nil {
				b.Fatal(err)
			}
			writer.take(b)
		}
		p.card.ResetModel()
		slot := plug(b, p.card)
		begin := d.await(b, KindCardInserted)
		ready := d.await(b, KindRecordsReady, KindFailure)
		if ready.Kind == KindFailure {
			b.Fatal(ready.Failure.Code)
		}
		times = append(times, ready.At.Sub(begin.At))
		v, _ := d.agent.Visit(ready.Visit)
		apdus, bytes = v.Stats.APDUs, v.Stats.Sent+v.Stats.Received
		model = p.card.Modelled().Total()
		slot.Remove()
		d.await(b, KindCardRemoved)
	}
	slices.Sort(times)
	at := func(q float64) float64 {
		return float64(times[min(len(times)-1, int(q*float64(len(times))))].Microseconds()) / 1000
	}
	b.ReportMetric(at(0.50), "p50-ms")
	b.ReportMetric(at(0.99), "p99-ms")
	b.ReportMetric(float64(apdus), "apdus")
	b.ReportMetric(float64(bytes), "wire-bytes")
	b.ReportMetric(float64(model.Milliseconds()), "modelled-ms")
	b.ReportMetric(0, "ns/op")
}
