package cache

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"hash/crc32"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"github.com/dhamani-iq/dhamani/crypto/envelope"
	"github.com/dhamani-iq/dhamani/record"
	"github.com/dhamani-iq/dhamani/sync/wire"
)

func TestReadComesBack(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cache.db")
	c := openAt(t, path)
	var entries [][]byte
	for _, i := range shuffled(30) {
		entries = append(entries, sealedEntry(t, i, 100-i, 200))
	}
	want := readOf(ahmed, cardA, entries...)
	must(t, c.PutRead(want))
	must(t, c.Close())
	c = openAt(t, path)

	state, ok, err := c.Card(cardA)
	if err != nil || !ok {
		t.Fatal(ok, err)
	}
	if state.Patient != ahmed || !bytes.Equal(state.Subjects, want.Subjects) || !bytes.Equal(state.Head, want.Head) ||
		!bytes.Equal(state.Security, want.Security) || !bytes.Equal(state.IDFile, want.IDFile) || !bytes.Equal(state.SummarySealed, want.SummarySealed) {
		t.Errorf("got %+v", state)
	}
	if _, ok, err := c.Card(cardZ); ok || err != nil {
		t.Errorf("unknown card: %v, %v", ok, err)
	}
	got, err := c.Entries(ahmed)
	must(t, err)
	for i, raw := range got {
		if !bytes.Equal(raw, sealedEntry(t, i, 100-i, 200)) { // newest first
			t.Fatalf("entry %d is another one", i)
		}
	}
	if len(got) != len(entries) {
		t.Errorf("%d entries, want %d", len(got), len(entries))
	}
	var ids []record.EntryID
	for _, raw := range entries {
		ids = append(ids, envelope.IDOf(raw))
	}
	digest, held, err := c.Snapshot(ahmed)
	slices.SortFunc(ids, func(a, b record.EntryID) int { return bytes.Compare(a[:], b[:]) })
	if err != nil || digest != wire.Digest(ids) || !slices.Equal(held, ids) {
		t.Errorf("digest %x of %d entries, %v", digest, len(held), err)
	}
	if digest, held, err := c.Snapshot(zahra); err != nil || digest != wire.Digest(nil) || len(held) != 0 {
		t.Errorf("digest of nothing %x, %v", digest, err)
	}
	if e, ok, err := c.Entry(ahmed, ids[3]); err != nil || !ok || e.ID != ids[3] || envelope.IDOf(e.Sealed) != ids[3] || e.Flags != OnCard || e.Queued {
		t.Errorf("entry %+v, %v, %v", e, ok, err)
	}
	if _, ok, err := c.Entry(zahra, ids[3]); ok || err != nil {
		t.Errorf("entry of another patient: %v, %v", ok, err)
	}
	// The same tap again is a second access, and changes nothing else.
	before := dump(t, c, bucketAudit, bucketState, bucketKeys)
	must(t, c.PutRead(want))
	sameDump(t, "second read", dump(t, c, bucketAudit, bucketState, bucketKeys), before)
	if head, err := c.VerifyAudit(); err != nil || head.Seq != 2 {
		t.Errorf("audit %+v, %v", head, err)
	}
	checkInvariants(t, c)
}

func TestMarkAtCentre(t *testing.T) {
	c := openNew(t)
	var ids []record.EntryID
	var sealed [][]byte
	for i := range 4 {
		sealed = append(sealed, sealedEntry(t, i, i, 100))
		ids = append(ids, envelope.IDOf(sealed[i]))
	}
	must(t, c.PutRead(readOf(ahmed, cardA, sealed[:3]...)))
	must(t, c.Begin(pendingOf(ahmed, cardA, sealed[3])))
	must(t, c.CommitUnknown(ids[3], audit("append")))
	for range 2 {
		must(t, c.MarkAtCentre(ahmed, []record.EntryID{ids[0], ids[3], {1}}))
		must(t, c.MarkAtCentre(zahra, ids))
		for i, want := range []Flags{OnCard | AtCentre, OnCard, OnCard, CardUnknown | AtCentre} {
			e, ok, err := c.Entry(ahmed, ids[i])
			if err != nil || !ok || e.Flags != want || e.Queued != (i == 3) {
				t.Errorf("entry %d: %+v, %v, %v", i, e, ok, err)
			}
		}
		if _, held, err := c.Snapshot(zahra); err != nil || len(held) != 0 {
			t.Errorf("another patient has %d entries, %v", len(held), err)
		}
		checkInvariants(t, c)
	}
	must(t, c.Relay(ahmed, ids)) // what the centre has is not sent
	if c.OutboxLen() != 3 {
		t.Errorf("%d in the outbox", c.OutboxLen())
	}
}

func TestRelay(t *testing.T) {
	c := openNew(t)
	known, foreign := sealedEntry(t, 1, 1, 100), sealedEntry(t, 2, 2, 100)
	must(t, c.ApplyChanges([]wire.Envelope{{Patient: ahmed, Sealed: known}}, "1.1"))
	r := readOf(ahmed, cardA, known, foreign)
	must(t, c.PutRead(r))
	if c.OutboxLen() != 0 {
		t.Errorf("%d entries queued without being asked", c.OutboxLen())
	}
	for range 2 {
		must(t, c.Relay(ahmed, []record.EntryID{envelope.IDOf(known), envelope.IDOf(foreign), {1}}))
		batch, err := c.OutboxBatch(10, 1<<20)
		if err != nil || len(batch) != 1 || !bytes.Equal(batch[0].Sealed, foreign) || batch[0].Patient != ahmed {
			t.Fatalf("outbox of %d, %v", len(batch), err)
		}
	}
	checkInvariants(t, c)
}

func TestInvalidArguments(t *testing.T) {
	c := openNew(t)
	good := sealedEntry(t, 1, 1, 100)
	with := func(change func(*Read)) error {
		r := readOf(ahmed, cardA, good)
		change(&r)
		return c.PutRead(r)
	}
	id := envelope.IDOf(good)
	must(t, c.Begin(pendingOf(ahmed, cardA, good)))
	must(t, c.Commit(id, Placed{}, audit("append")))
	before := dump(t, c)
	for name, err := range map[string]error{
		"no patient":           with(func(r *Read) { r.Patient = record.PatientID{} }),
		"no card":              with(func(r *Read) { r.Card = [8]byte{} }),
		"no sealed entry":      with(func(r *Read) { r.Entries = append(r.Entries, []byte("garbage")) }),
		"entry with a tail":    with(func(r *Read) { r.Entries = append(r.Entries, append(bytes.Clone(good), 0)) }),
		"keys without end":     with(func(r *Read) { r.Keys.Keep = 0 }),
		"keys kept too long":   with(func(r *Read) { r.Keys.Keep = MaxKeysKept + time.Second }),
		"another's keys":       with(func(r *Read) { r.Keys.Patient = zahra }),
		"short key":            with(func(r *Read) { r.Keys.Persons[0].Keys[0] = []byte{1} }),
		"key of no section":    with(func(r *Read) { r.Keys.Persons[0].Keys[6] = make([]byte, 32) }),
		"keys of nobody":       c.PutKeys(KeySet{}, audit("read")),
		"long head":            with(func(r *Read) { r.Head = make([]byte, 300) }),
		"long identity file":   with(func(r *Read) { r.IDFile = make([]byte, maxFile+1) }),
		"no actor":             with(func(r *Read) { r.Audit.Actor = "" }),
		"words in the audit":   with(func(r *Read) { r.Audit.Code = "patient has diabetes" }),
		"name in the audit":    with(func(r *Read) { r.Audit.Code = "أحمد" }),
		"pending garbage":      c.Begin(pendingOf(ahmed, cardA, []byte{1})),
		"pending no patient":   c.Begin(pendingOf(record.PatientID{}, cardA, good)),
		"changes with garbage": c.ApplyChanges([]wire.Envelope{{Patient: ahmed, Sealed: []byte{0x80}}}, "1.1"),
		"nameless list":        c.PutList("", []byte{1}),
		"receiptless":          c.Acknowledge(accepted(id), nil),
		"audit alone":          c.AppendAudit(Audit{Actor: "x y", Action: "z"}, ahmed),
	} {
		if !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: %v, want %v", name, err, ErrInvalid)
		}
	}
	sameDump(t, "after invalid arguments", dump(t, c), before)
}

func TestOutbox(t *testing.T) {
	c := openNew(t)
	var ids []record.EntryID
	for i := range 10 {
		sealed := sealedEntry(t, i, i, 500)
		must(t, c.Begin(pendingOf(ahmed, cardA, sealed)))
		ids = append(ids, envelope.IDOf(sealed))
		must(t, c.Commit(ids[i], Placed{}, audit("append")))
	}
	order := func(count, size int) []int {
		t.Helper()
		batch, err := c.OutboxBatch(count, size)
		must(t, err)
		var out []int
		for _, e := range batch {
			out = append(out, slices.Index(ids, e.ID()))
		}
		return out
	}
	one := len(sealedEntry(t, 0, 0, 500)) + envelopeOverhead
	for name, tt := range map[string]struct {
		count, size int
		want        []int
	}{
		"all": {500, 1 << 20, []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}}, "by count": {3, 1 << 20, []int{0, 1, 2}},
		"by size": {500, 4 * one, []int{0, 1, 2, 3}}, "never none": {500, 1, []int{0}}, "none wanted": {0, 1 << 20, nil},
	} {
		if got := order(tt.count, tt.size); !slices.Equal(got, tt.want) {
			t.Errorf("%s: %v, want %v", name, got, tt.want)
		}
	}
	must(t, c.Postpone([]record.EntryID{ids[0], ids[4], {1}}))
	if got := order(500, 1<<20); !slices.Equal(got, []int{1, 2, 3, 5, 6, 7, 8, 9, 0, 4}) {
		t.Errorf("postponed: %v", got)
	}
	must(t, c.Acknowledge([]wire.Result{
		{ID: ids[1]}, {ID: ids[2], Status: wire.StatusDup}, {ID: ids[3], Status: wire.StatusRejected, Code: "signature"}, {ID: record.EntryID{9}},
	}, []byte("receipt")))
	if got := order(500, 1<<20); !slices.Equal(got, []int{5, 6, 7, 8, 9, 0, 4}) {
		t.Errorf("acknowledged: %v", got)
	}
	q, err := c.Quarantined(0)
	if err != nil || len(q) != 1 || q[0].ID != ids[3] || q[0].Code != "signature" || q[0].Patient != ahmed {
		t.Errorf("quarantine %+v, %v", q, err)
	}
	for i, want := range map[int]string{1: "receipt", 2: "receipt", 3: "", 5: ""} {
		if raw, err := c.Receipt(ids[i]); err != nil || string(raw) != want {
			t.Errorf("receipt of %d: %q, %v", i, raw, err)
		}
	}
	checkInvariants(t, c)
}

func TestFeedAndLists(t *testing.T) {
	c := openNew(t)
	if cursor, err := c.Cursor(); cursor != "" || err != nil {
		t.Errorf("cursor %q, %v", cursor, err)
	}
	for _, step := range []string{"5.1", "5.1", "5.9", ""} {
		must(t, c.ApplyChanges(nil, step))
		if cursor, err := c.Cursor(); cursor != step || err != nil {
			t.Errorf("cursor %q, %v, want %q", cursor, err, step)
		}
	}
	must(t, c.ApplyChanges(nil, "5.9"))
	must(t, c.ResetCursor())
	if cursor, err := c.Cursor(); cursor != "" || err != nil {
		t.Errorf("cursor after reset %q, %v", cursor, err)
	}
	big := bytes.Repeat([]byte("0123456789abcdef"), maxList/16)
	for _, raw := range [][]byte{[]byte("v1"), big, []byte("v3")} {
		must(t, c.PutList(wire.ListBlock, raw))
		if got, err := c.List(wire.ListBlock); err != nil || !bytes.Equal(got, raw) {
			t.Errorf("list of %d bytes, %v, want %d", len(got), err, len(raw))
		}
	}
	if got, err := c.List(wire.ListTrust); got != nil || err != nil {
		t.Errorf("list that was never put: %x, %v", got, err)
	}
}

func TestOpenErrors(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cache.db")
	c := openAt(t, path)
	if _, err := Open(path, testKey, discard()); !errors.Is(err, ErrLocked) {
		t.Errorf("second open: %v", err)
	}
	if _, err := Recover(path, testKey); !errors.Is(err, ErrLocked) {
		t.Errorf("recover while open: %v", err)
	}
	must(t, c.Close())
	must(t, c.Close())
	if err := c.Begin(pendingOf(ahmed, cardA, sealedEntry(t, 1, 1, 50))); !errors.Is(err, ErrClosed) {
		t.Errorf("begin after close: %v", err)
	}
	if _, err := Open(path, [32]byte{1}, discard()); !errors.Is(err, ErrWrongKey) {
		t.Errorf("another key: %v", err)
	}
	if _, err := Recover(path, [32]byte{1}); !errors.Is(err, ErrWrongKey) {
		t.Errorf("recover with another key: %v", err)
	}
	if _, err := Open(filepath.Join(path, "x"), testKey, discard()); err == nil {
		t.Error("open below a file")
	}
	info, err := os.Stat(path)
	must(t, err)
	if info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v", info.Mode())
	}
	must(t, os.WriteFile(path+".new-123", []byte("half made"), 0o600))
	must(t, openAt(t, path).Close()) // and it is still good
	leftovers, err := filepath.Glob(path + ".new-*")
	if err != nil || len(leftovers) != 0 {
		t.Errorf("left over: %v, %v", leftovers, err)
	}
}

// TestNothingReadable looks for everything that went in, in any usual spelling.
func TestNothingReadable(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cache.db")
	c := openAt(t, path)
	fill(t, c, 60)
	sealed := sealedEntry(t, 3, 3, 203)
	must(t, c.ForgetKeys("zaynab"))
	must(t, c.Close())
	raw, err := os.ReadFile(path)
	must(t, err)
	secrets := map[string][]byte{
		"patient": ahmed[:], "other patient": zahra[:], "patient's text": []byte(ahmed.String()), "card": cardA[:],
		"name": []byte("Ahmed"), "identity": []byte("identity file"), "security": []byte("card security"),
		"subject": []byte("subject of"), "summary": []byte("sealed summary"), "pending summary": []byte("new summary"),
		"section key": bytes.Repeat([]byte{0x65}, 8), "sealed entry": sealed[20:60], "signature": sealed[len(sealed)-32:],
		"cache key": testKey[:9], "actor": []byte("IQTERM"), "action": []byte("append"), "cursor": []byte("77.12"),
		"receipt": []byte("receipt\x00"), "list": []byte("trusttrust"), "reject code": []byte("signature"),
	}
	for name, secret := range secrets {
		for spelling, s := range map[string][]byte{
			"raw": secret, "hex": []byte(hex.EncodeToString(secret)), "reversed": reversed(secret),
		} {
			if bytes.Contains(raw, s) {
				t.Errorf("%s can be read in the file (%s)", name, spelling)
			}
		}
	}
}

func reversed(b []byte) []byte {
	out := bytes.Clone(b)
	slices.Reverse(out)
	return out
}

// TestOtherSchema: a file of a version that this program does not know is left
// as it is, and not salvaged.
func TestOtherSchema(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cache.db")
	c := openAt(t, path)
	other := header(c.box)
	binary.BigEndian.PutUint32(other[len(headerName):], schemaVersion+1)
	binary.BigEndian.PutUint32(other[len(other)-4:], crc32.ChecksumIEEE(other[:len(other)-4]))
	must(t, c.db.Update(func(b *bbolt.Tx) error { return b.Bucket([]byte(bucketMeta)).Put([]byte(keyHeader), other) }))
	must(t, c.Close())
	before, err := os.ReadFile(path)
	must(t, err)
	if c, err := Open(path, testKey, discard()); !errors.Is(err, ErrSchema) {
		t.Fatalf("%v, %v", c, err)
	}
	if after, err := os.ReadFile(path); err != nil || !bytes.Equal(before, after) {
		t.Errorf("the file has changed: %v", err)
	}
}
