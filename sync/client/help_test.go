package client

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/dhamani-iq/dhamani/cache"
	"github.com/dhamani-iq/dhamani/crypto/envelope"
	"github.com/dhamani-iq/dhamani/crypto/trust"
	"github.com/dhamani-iq/dhamani/record"
	"github.com/dhamani-iq/dhamani/sync/wire"
)

func TestMain(m *testing.M) {
	// The codec makes its channels at its first use, which must not be inside a
	// bubble of testing/synctest.
	packed, encoding := wire.PackBody(make([]byte, 4<<10))
	if _, err := wire.ReadBody(bytes.NewReader(packed), encoding, wire.MaxBody); err != nil {
		panic(err)
	}
	goleak.VerifyTestMain(m)
}

var (
	_ Store = (*cache.Cache)(nil)
	_ Store = (*memStore)(nil)
)

func must(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

// sealedEntry makes bytes of the shape of a sealed entry; nothing in it was
// encrypted or signed.
func sealedEntry(n, size int) []byte {
	body := make([]byte, max(size, 256))
	binary.BigEndian.PutUint64(body, uint64(n))
	for i := 8; i < len(body); i++ {
		body[i] = byte(n*31 + i*i)
	}
	raw := []byte{0x85, 0x00, 0x1a}
	raw = binary.BigEndian.AppendUint32(raw, 1<<20+uint32(n))
	raw = append(raw, 0x4a, 1, 2, 3, 4, 1, 2, 3, 4, 5, 6, 0xa1, 0x04, 0x59)
	raw = append(binary.BigEndian.AppendUint16(raw, uint16(len(body))), body...)
	raw = append(raw, 0x58, 0x40)
	return append(raw, bytes.Repeat([]byte{0x11}, 64)...)
}

func item(n int) wire.Envelope {
	return wire.Envelope{Patient: record.PatientID{byte(n % 7), 1}, Sealed: sealedEntry(n, 300)}
}

func items(from, to int) []wire.Envelope {
	var out []wire.Envelope
	for n := from; n < to; n++ {
		out = append(out, item(n))
	}
	return out
}

// memStore is a Store in memory, for tests of time and order.
type memStore struct {
	mu         sync.Mutex
	outbox     []wire.Envelope
	quarantine map[record.EntryID]string
	entries    map[record.EntryID]bool
	cursor     string
	lists      map[string][]byte
	fail       error // of every method that may fail
}

func newMemStore(outbox ...wire.Envelope) *memStore {
	return &memStore{
		outbox: outbox, quarantine: make(map[record.EntryID]string),
		entries: make(map[record.EntryID]bool), lists: make(map[string][]byte),
	}
}

func (s *memStore) add(more ...wire.Envelope) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.outbox = append(s.outbox, more...)
}

func (s *memStore) OutboxBatch(count, size int) ([]wire.Envelope, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []wire.Envelope
	for _, e := range s.outbox {
		if size -= len(e.Sealed) + 16; len(out) == count || size < 0 && len(out) > 0 {
			break
		}
		out = append(out, e)
	}
	return out, s.fail
}

func (s *memStore) OutboxLen() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.outbox)
}

func (s *memStore) QuarantineLen() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.quarantine)
}

func (s *memStore) take(id record.EntryID) (wire.Envelope, bool) {
	i := slices.IndexFunc(s.outbox, func(e wire.Envelope) bool { return e.ID() == id })
	if i < 0 {
		return wire.Envelope{}, false
	}
	e := s.outbox[i]
	s.outbox = slices.Delete(s.outbox, i, i+1)
	return e, true
}

func (s *memStore) Acknowledge(results []wire.Result, receipt []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range results {
		if _, ok := s.take(r.ID); !ok {
			continue
		}
		if r.Status == wire.StatusRejected {
			s.quarantine[r.ID] = r.Code
		} else if len(receipt) == 0 {
			return errors.New("no receipt")
		}
	}
	return s.fail
}

func (s *memStore) Postpone(ids []record.EntryID) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, id := range ids {
		if e, ok := s.take(id); ok {
			s.outbox = append(s.outbox, e)
		}
	}
	return s.fail
}

func (s *memStore) Cursor() (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cursor, s.fail
}

func (s *memStore) ApplyChanges(items []wire.Envelope, next string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range items {
		s.entries[e.ID()] = true
	}
	s.cursor = next
	return s.fail
}

func (s *memStore) ResetCursor() error { return s.ApplyChanges(nil, "") }

func (s *memStore) List(name string) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.lists[name], s.fail
}

func (s *memStore) PutList(name string, raw []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lists[name] = raw
	return s.fail
}

func (s *memStore) at() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cursor
}

// newKey makes a P-256 key.
func newKey(tb testing.TB) *ecdsa.PrivateKey {
	tb.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(tb, err)
	return key
}

// verifier checks real receipts, as an agent does.
func verifier(centre *ecdsa.PublicKey) func([]byte, [16]byte, []record.EntryID) error {
	return func(raw []byte, batch [16]byte, ids []record.EntryID) error {
		r, err := trust.VerifyReceipt(raw, centre)
		if err != nil {
			return err
		}
		if r.Batch != batch || !slices.Equal(r.IDs, ids) {
			return errors.New("receipt is for something else")
		}
		return nil
	}
}

func sign(tb testing.TB, key *ecdsa.PrivateKey, batch [16]byte, ids []record.EntryID) []byte {
	tb.Helper()
	raw, err := trust.SignReceipt(key, trust.Receipt{Batch: batch, IDs: ids, At: time.Now()})
	must(tb, err)
	return raw
}

// versions accepts the lists "v1", "v2" ... and refuses everything else.
func versions(_ string, raw []byte) (uint64, error) {
	var v uint64
	if n, err := fmt.Sscanf(string(raw), "v%d", &v); n != 1 || err != nil {
		return 0, errors.New("not signed by the root")
	}
	return v, nil
}

func tagOf(raw []byte) string { return fmt.Sprintf("%q", fmt.Sprintf("%x", sha256.Sum256(raw))[:16]) }

// books is the centre's memory: what is durable, in order.
type books struct {
	mu      sync.Mutex
	kept    map[record.EntryID]bool
	feed    []wire.Envelope
	batches map[[16]byte]*wire.PushResponse
	lists   map[string][]byte
	epoch   uint64
	key     *ecdsa.PrivateKey
	tb      testing.TB
	reject  map[record.EntryID]string
}

func newBooks(tb testing.TB) *books {
	tb.Helper()
	return &books{
		kept: make(map[record.EntryID]bool), batches: make(map[[16]byte]*wire.PushResponse), tb: tb,
		lists: map[string][]byte{wire.ListTrust: []byte("v1"), wire.ListBlock: []byte("v1")}, epoch: 7,
		key: newKey(tb), reject: make(map[record.EntryID]string),
	}
}

// accept makes a batch durable and answers it, the second time as the first.
func (b *books) accept(req *wire.PushRequest) *wire.PushResponse {
	b.mu.Lock()
	defer b.mu.Unlock()
	if resp := b.batches[req.Batch]; resp != nil {
		return resp
	}
	resp := &wire.PushResponse{}
	var ids []record.EntryID
	for _, e := range req.Items {
		id := e.ID()
		r := wire.Result{ID: id}
		switch code := b.reject[id]; {
		case code != "":
			r.Status, r.Code = wire.StatusRejected, code
		case b.kept[id]:
			r.Status = wire.StatusDup
		default:
			b.kept[id] = true
			b.feed = append(b.feed, e)
		}
		if r.Code == "" {
			ids = append(ids, id)
		}
		resp.Results = append(resp.Results, r)
	}
	if len(ids) > 0 {
		resp.Receipt = sign(b.tb, b.key, req.Batch, ids)
	}
	b.batches[req.Batch] = resp
	return resp
}

func (b *books) holds(id record.EntryID) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.kept[id]
}

func (b *books) list(name string) []byte {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.lists[name]
}

// edition returns the list that answers a request for the terminology table,
// nil when there is none behind the one that the client has.
func (b *books) edition(after string) []byte {
	n, err := strconv.ParseUint(after, 10, 32)
	must(b.tb, err)
	return b.list(wire.EditionName(wire.ListTerms, uint32(n+1)))
}

func (b *books) setList(name, raw string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.lists[name] = []byte(raw)
}

func (b *books) size() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.kept)
}

// page answers a request for changes; gone is a cursor of another epoch.
func (b *books) page(cursor wire.Cursor, most int) (page *wire.ChangesPage, gone bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	pos := uint64(0)
	if cursor != "" {
		epoch, at, err := cursor.Split()
		if err != nil || epoch != b.epoch {
			return nil, true
		}
		pos = at
	}
	page = &wire.ChangesPage{Epoch: b.epoch}
	for int(pos) < len(b.feed) && len(page.Items) < most {
		e := b.feed[pos]
		pos++
		page.Items = append(page.Items, wire.Change{Pos: pos, Patient: e.Patient, Sealed: e.Sealed})
	}
	page.Next, page.More = wire.MakeCursor(b.epoch, pos), int(pos) < len(b.feed)
	return page, false
}

// end is the cursor behind the last entry of the feed.
func (b *books) end() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return string(wire.MakeCursor(b.epoch, uint64(len(b.feed))))
}

func idsOf(es []wire.Envelope) []record.EntryID {
	out := make([]record.EntryID, len(es))
	for i := range es {
		out[i] = envelope.IDOf(es[i].Sealed)
	}
	return out
}

func encode(tb testing.TB, m wire.Message) []byte {
	tb.Helper()
	raw, err := wire.Encode(m)
	must(tb, err)
	return raw
}
