package central_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dhamani-iq/dhamani/crypto/cvc"
	"github.com/dhamani-iq/dhamani/crypto/envelope"
	"github.com/dhamani-iq/dhamani/sync/wire"
)

// BenchmarkIngest measures entries a second from clients over mutual TLS on
// loopback into SQLite on disk, checked, receipted and durable, in batches of
// 100 that are sealed and encoded beforehand. verify/s is what the same cores
// verify in the same run, the bound of any centre; ratio is the share reached,
// with the clients and the network on the same cores. cpu-ratio is the same in
// processor time, which a busy machine does not distort.
func BenchmarkIngest(b *testing.B) {
	const size, clients, patients = 100, 8, 200
	c := newCentre(b, unlimited)
	w := c.enrol(b, 12, cvc.RoleReceptionist)
	ps := make([]*patient, patients)
	for i := range ps {
		ps[i] = c.newPatient(b, 9001)
	}
	bound, cpuBound := verifyBound(b, w, ps[0])
	bodies := sealBatches(b, w, ps, b.N, size)
	connections := make([]*http.Client, clients)
	for i := range connections {
		w.connect(b)
		connections[i] = w.http
		w.enoughFor(b)
	}
	var next atomic.Int64
	var wg sync.WaitGroup
	cpu := processorTime()
	b.ResetTimer()
	for _, client := range connections {
		wg.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= len(bodies) {
					return
				}
				if err := bodies[i].send(client, c.url); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	b.StopTimer()
	cpu = processorTime() - cpu
	again, cpuAgain := verifyBound(b, w, ps[0])
	bound, cpuBound = (bound+again)/2, (cpuBound+cpuAgain)/2
	rate := float64(b.N*size) / b.Elapsed().Seconds()
	b.ReportMetric(rate, "entries/s")
	b.ReportMetric(bound, "verify/s")
	b.ReportMetric(rate/bound, "ratio")
	if cpu > 0 {
		b.ReportMetric(float64(b.N*size)/cpu.Seconds()/cpuBound, "cpu-ratio")
	}
}

func (w *workstation) enoughFor(b *testing.B) {
	b.Helper()
	if _, err := w.do(context.Background(), http.MethodGet, wire.PathHealth, nil, new(wire.Health)); err != nil {
		b.Fatal(err)
	}
}

type body struct {
	raw      []byte
	encoding string
}

// sealBatches seals on all cores.
func sealBatches(b *testing.B, w *workstation, ps []*patient, n, size int) []body {
	b.Helper()
	out := make([]body, n)
	now := time.Now()
	var next atomic.Int64
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= n {
					return
				}
				req := &wire.PushRequest{Batch: newBatch(b), Items: make([]wire.Envelope, size)}
				for k := range req.Items {
					req.Items[k] = w.seal(b, ps[(i*size+k)%len(ps)], now)
				}
				raw, err := wire.Encode(req)
				if err != nil {
					b.Error(err)
					return
				}
				out[i].raw, out[i].encoding = wire.PackBody(raw)
			}
		})
	}
	wg.Wait()
	return out
}

// verifyBound returns how many ES256 signatures the cores verify in a second,
// and one core in a second of processor time.
func verifyBound(b *testing.B, w *workstation, p *patient) (perSecond, perCPUSecond float64) {
	b.Helper()
	e := w.seal(b, p, time.Now())
	sealed, err := envelope.Parse(e.Sealed)
	if err != nil {
		b.Fatal(err)
	}
	pub, _ := w.author.Public().(*ecdsa.PublicKey)
	var n atomic.Int64
	var wg sync.WaitGroup
	begin, cpu := time.Now(), processorTime()
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for time.Since(begin) < time.Second {
				for range 50 {
					if err := sealed.Verify(p.subject, pub); err != nil {
						b.Error(err)
						return
					}
				}
				n.Add(50)
			}
		})
	}
	wg.Wait()
	cpu = processorTime() - cpu
	return float64(n.Load()) / time.Since(begin).Seconds(), float64(n.Load()) / max(cpu.Seconds(), 1e-9)
}

// BenchmarkIdlePoll measures a poll that finds nothing, on a warm connection.
func BenchmarkIdlePoll(b *testing.B) {
	c := newCentre(b, unlimited)
	w := c.enrol(b, 12, cvc.RoleReceptionist)
	path := wire.PathChanges + "?c=" + string(wire.MakeCursor(c.store.Epoch(), 0))
	for b.Loop() {
		var page wire.ChangesPage
		if _, err := w.do(context.Background(), http.MethodGet, path, nil, &page); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkPatient measures fetching a patient with 20 records.
func BenchmarkPatient(b *testing.B) {
	c := newCentre(b, unlimited)
	w := c.enrol(b, 12, cvc.RoleReceptionist)
	p := c.newPatient(b, 9001)
	items := make([]wire.Envelope, 20)
	for i := range items {
		items[i] = w.seal(b, p, time.Now())
	}
	if _, err := w.push(context.Background(), newBatch(b), items...); err != nil {
		b.Fatal(err)
	}
	path := wire.PatientRecordsPath(p.id.String())
	for b.Loop() {
		var res wire.PatientResponse
		if _, err := w.do(context.Background(), http.MethodGet, path, nil, &res); err != nil {
			b.Fatal(err)
		}
	}
}

// send posts the batch and reads the answer.
func (body *body) send(client *http.Client, url string) error {
	req, err := http.NewRequestWithContext(context.Background(), http.MethodPost, url+wire.PathRecords, bytes.NewReader(body.raw))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", wire.ContentCBOR)
	if body.encoding != "" {
		req.Header.Set("Content-Encoding", body.encoding)
	}
	res, err := client.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("status %d", res.StatusCode)
	}
	_, err = io.Copy(io.Discard, res.Body)
	return err
}
