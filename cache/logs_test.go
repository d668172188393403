package cache

import (
	"path/filepath"
	"reflect"
	"slices"
	"testing"

	"github.com/dhamani-iq/dhamani/crypto/envelope"
	"github.com/dhamani-iq/dhamani/record"
)

func TestLogs(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cache.db")
	c := openAt(t, path)
	id := func(n uint32) record.EntryID { return record.EntryID{byte(n), 1} }
	read := readOf(ahmed, cardA)
	for n := uint32(10); n >= 5; n-- { // newest first, as a tap reads
		read.Log = append(read.Log, LogEntry{n, id(n)})
	}
	must(t, c.PutRead(read))
	must(t, c.PutRead(Read{Patient: zahra, Card: cardZ, Log: []LogEntry{{5, id(99)}, {8, id(98)}}, Audit: audit("read")}))
	sealed := sealedEntry(t, 1, 10, 200)
	must(t, c.Begin(pendingOf(ahmed, cardA, sealed)))
	must(t, c.Commit(envelope.IDOf(sealed), Placed{Seq: 11}, audit("append")))
	for _, tt := range []struct {
		card        [8]byte
		after, upTo uint32
		want        []record.EntryID
	}{
		{cardA, 4, 7, []record.EntryID{id(5), id(6), id(7)}},
		{cardA, 9, 20, []record.EntryID{id(10), envelope.IDOf(sealed)}},
		{cardA, 2, 7, nil}, // a gap at the begin
		{cardZ, 4, 8, []record.EntryID{id(99)}},
		{cardZ, 7, 8, []record.EntryID{id(98)}},
	} {
		if got, err := c.LogIDs(tt.card, tt.after, tt.upTo); err != nil || !slices.Equal(got, tt.want) {
			t.Errorf("%d to %d of card %x: %v, %v", tt.after, tt.upTo, tt.card, got, err)
		}
	}
	for _, seq := range []uint32{9, 6} {
		must(t, c.PutLogReceipt(cardA, receiptOf(seq)))
		must(t, c.PutLogReceipt(cardA, receiptOf(seq)))
	}
	must(t, c.PutLogReceipt(cardZ, receiptOf(8)))
	must(t, c.Close())
	c = openAt(t, path)
	if got, err := c.LogReceipts(cardA); err != nil || len(got) != 2 || !reflect.DeepEqual(got[0], receiptOf(6)) || !reflect.DeepEqual(got[1], receiptOf(9)) {
		t.Errorf("receipts %+v, %v", got, err)
	}
	head := make([]byte, 52)
	lines, err := c.VerifyAudit()
	must(t, err)
	for range 2 {
		must(t, c.Freed(cardA, ahmed, 6, Placed{Head: head}, audit("free")))
	}
	if now, err := c.VerifyAudit(); err != nil || now.Seq != lines.Seq+1 {
		t.Errorf("%d audit lines, %v, want %d", now.Seq, err, lines.Seq+1)
	}
	if state, _, err := c.Card(cardA); err != nil || !slices.Equal(state.Head, head) {
		t.Errorf("head %x, %v", state.Head, err)
	}
	if got, err := c.LogReceipts(cardA); err != nil || len(got) != 1 || got[0].Seq != 9 {
		t.Errorf("receipts after freeing: %+v, %v", got, err)
	}
	if got, err := c.LogIDs(cardA, 6, 20); err != nil || len(got) != 5 {
		t.Errorf("log after freeing: %v, %v", got, err)
	}
	must(t, c.ForgetLog(cardA))
	if got, err := c.LogIDs(cardA, 6, 20); err != nil || len(got) != 0 {
		t.Errorf("log after forgetting: %v, %v", got, err)
	}
	if got, err := c.LogReceipts(cardZ); err != nil || len(got) != 1 {
		t.Errorf("another card's receipts: %+v, %v", got, err)
	}
	checkInvariants(t, c)
}
