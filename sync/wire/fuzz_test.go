package wire_test

import (
	"bytes"
	"errors"
	"reflect"
	"slices"
	"testing"

	"github.com/dhamani-iq/dhamani/record"
	"github.com/dhamani-iq/dhamani/sync/wire"
)

// FuzzDecode reads any bytes as each kind of message: whatever decodes
// encodes again to the same bytes, and nothing else comes out than an error.
func FuzzDecode(f *testing.F) {
	all := samples()
	for i, kind := range kinds {
		raw, err := wire.Encode(all[kind][0])
		if err != nil {
			f.Fatal(err)
		}
		f.Add(uint8(i), raw) // #nosec G115 -- ten kinds
	}
	f.Add(uint8(0), []byte{0xa2, 1, 0x50, 2, 0x9b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, kind uint8, raw []byte) {
		empty := all[kinds[int(kind)%len(kinds)]][1]
		m, ok := reflect.TypeAssert[wire.Message](reflect.New(reflect.TypeOf(empty).Elem()))
		if !ok {
			t.Fatal("no message")
		}
		if err := wire.Decode(raw, m); err != nil {
			if !errors.Is(err, wire.ErrMalformed) {
				t.Fatalf("error is not ErrMalformed: %v", err)
			}
			return
		}
		again, err := wire.Encode(m)
		if err != nil || !bytes.Equal(again, raw) {
			t.Fatalf("encodes to other bytes, %v", err)
		}
	})
}

func FuzzCursor(f *testing.F) {
	for _, s := range []string{"", "1.2", "18446744073709551615.18446744073709551615", "01.2", "1.", ".1", "1.2.3", "+1.2", "1 .2"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		epoch, pos, err := wire.Cursor(s).Split()
		if err != nil {
			if !errors.Is(err, wire.ErrMalformed) {
				t.Fatalf("error is not ErrMalformed: %v", err)
			}
			return
		}
		if string(wire.MakeCursor(epoch, pos)) != s {
			t.Fatalf("%q reads as %d and %d", s, epoch, pos)
		}
	})
}

func FuzzDigestText(f *testing.F) {
	f.Add("00000000000000000000000000000000")
	f.Add("0000000000000000000000000000000g")
	f.Fuzz(func(t *testing.T, s string) {
		digest, err := wire.ParseDigest(s)
		if err == nil && !bytes.EqualFold([]byte(wire.DigestText(digest)), []byte(s)) {
			t.Fatalf("%q reads as %x", s, digest)
		}
	})
}

func TestDigest(t *testing.T) {
	ids := []record.EntryID{{3}, {1}, {2}, {1}}
	once := []record.EntryID{{1}, {2}, {3}}
	if wire.Digest(slices.Clone(ids)) != wire.Digest(once) {
		t.Error("order or duplicates change the digest")
	}
	if wire.Digest(nil) == wire.Digest(once) || wire.DigestText(wire.Digest(nil)) != "e3b0c44298fc1c149afbf4c8996fb924" {
		t.Error("the digest of no entries is not that of no bytes")
	}
}

func TestBounds(t *testing.T) {
	patient := record.PatientID{1}
	for name, m := range map[string]wire.Message{
		"no entries":                   &wire.PushRequest{},
		"too many entries":             &wire.PushRequest{Items: slices.Repeat([]wire.Envelope{{Patient: patient, Sealed: []byte{1}}}, wire.MaxItems+1)},
		"empty entry":                  &wire.PushRequest{Items: []wire.Envelope{{Patient: patient}}},
		"entry too large":              &wire.PushRequest{Items: []wire.Envelope{{Patient: patient, Sealed: make([]byte, wire.MaxSealed+1)}}},
		"code without rejection":       &wire.PushResponse{Results: []wire.Result{{Code: "x"}}},
		"rejection without code":       &wire.PushResponse{Results: []wire.Result{{Status: wire.StatusRejected}}},
		"unknown status":               &wire.PushResponse{Results: []wire.Result{{Status: 3, Code: "x"}}},
		"cursor of another epoch":      &wire.ChangesPage{Epoch: 1, Next: wire.MakeCursor(2, 1)},
		"cursor before its items":      &wire.ChangesPage{Epoch: 1, Next: wire.MakeCursor(1, 1), Items: []wire.Change{{Pos: 2, Sealed: []byte{1}}}},
		"positions that do not rise":   &wire.ChangesPage{Epoch: 1, Next: wire.MakeCursor(1, 9), Items: []wire.Change{{Pos: 2, Sealed: []byte{1}}, {Pos: 2, Sealed: []byte{2}}}},
		"position zero":                &wire.ChangesPage{Epoch: 1, Next: wire.MakeCursor(1, 9), Items: []wire.Change{{Sealed: []byte{1}}}},
		"no subjects":                  &wire.PatientResponse{},
		"card without number":          &wire.CardRequest{Identity: []byte{1}},
		"new patient without identity": &wire.CardRequest{Card: [8]byte{1}},
		"all cards of nobody":          &wire.CardRequest{Card: [8]byte{1}, Replaces: wire.ReplaceAll, Identity: []byte{1}},
		"card of all ones":             &wire.CardRequest{Card: wire.ReplaceAll, Identity: []byte{1}},
		"card that replaces itself":    &wire.CardRequest{Card: [8]byte{1}, Replaces: [8]byte{1}, Identity: []byte{1}},
		"eleven fingers":               &wire.CardRequest{Card: [8]byte{1}, Identity: []byte{1}, Fingers: slices.Repeat([][]byte{{1}}, wire.MaxFingers+1)},
		"empty finger":                 &wire.CardRequest{Card: [8]byte{1}, Identity: []byte{1}, Fingers: [][]byte{{}}},
		"finger too large":             &wire.CardRequest{Card: [8]byte{1}, Identity: []byte{1}, Fingers: [][]byte{make([]byte, wire.MaxFinger+1)}},
		"finger of unknown status":     fingersGranted(wire.FingerPoor + 1),
		"eleven fingers granted":       fingersGranted(make([]byte, wire.MaxFingers+1)...),
		"log of no card":               &wire.LogReceiptRequest{IDs: make([]byte, 32)},
		"log without entries":          &wire.LogReceiptRequest{Card: [8]byte{1}},
		"log of too many entries":      &wire.LogReceiptRequest{Card: [8]byte{1}, IDs: make([]byte, 32*(wire.MaxLogIDs+1))},
		"half an identifier":           &wire.LogReceiptRequest{Card: [8]byte{1}, IDs: make([]byte, 48)},
		"chain of no entries":          &wire.LogReceiptRequest{Card: [8]byte{1}, Chain: [16]byte{1}, IDs: make([]byte, 32)},
		"number past its end":          &wire.LogReceiptRequest{Card: [8]byte{1}, Seq: 1<<32 - 1, IDs: make([]byte, 32)},
		"receipt for no entries":       &wire.LogReceipt{Certificates: [][]byte{{1}}},
		"receipt without certificates": &wire.LogReceipt{Seq: 1},
		"grant without a person":       grantOf(),
		"short section key":            grantOf(wire.PersonKeys{}),
		"person 16":                    grantOf(wire.PersonKeys{Person: 16, Keys: keysOf(1)}),
		"persons that do not rise":     grantOf(wire.PersonKeys{Person: 1, Keys: keysOf(1)}, wire.PersonKeys{Keys: keysOf(1)}),
		"a person twice":               grantOf(wire.PersonKeys{Keys: keysOf(1)}, wire.PersonKeys{Keys: keysOf(1)}),
		"enrolment without names":      &wire.EnrolRequest{AuthorKey: [65]byte{1}, TerminalKey: [65]byte{2}},
		"control character in a name":  &wire.EnrolRequest{FacilityName: "a\x1b[2J", Name: "b", AuthorKey: [65]byte{1}, TerminalKey: [65]byte{2}},
		"one key twice":                &wire.EnrolRequest{FacilityName: "a", Name: "b", AuthorKey: [65]byte{1}, TerminalKey: [65]byte{1}},
		"grant of facility zero":       &wire.EnrolGrant{},
		"error without code":           &wire.Error{},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := wire.Encode(m); !errors.Is(err, wire.ErrMalformed) {
				t.Errorf("got %v, want %v", err, wire.ErrMalformed)
			}
		})
	}
}

func TestFingersLeftOut(t *testing.T) {
	got := wire.FingersLeftOut([]byte{wire.FingerKept, wire.FingerPoor, wire.FingerMalformed, wire.FingerTwice, wire.FingerUnnamed, 200})
	if want := []string{"poor", "malformed", "twice", "unnamed"}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

func fingersGranted(status ...byte) *wire.CardGrant {
	grant := grantOf(wire.PersonKeys{Keys: keysOf(1)})
	grant.Fingers = status
	return grant
}

func grantOf(persons ...wire.PersonKeys) *wire.CardGrant {
	return &wire.CardGrant{Security: []byte{1}, IDFile: []byte{1}, Anchors: [][]byte{{1}}, Subjects: []byte{1}, Persons: persons}
}

// TestOverhead holds the document's figure: a batch of 100 entries of 375 bytes.
func TestOverhead(t *testing.T) {
	req := &wire.PushRequest{Items: slices.Repeat([]wire.Envelope{{Sealed: make([]byte, 375)}}, 100)}
	raw, err := wire.Encode(req)
	if err != nil || len(raw) != 38_822 {
		t.Errorf("%d bytes, %v", len(raw), err)
	}
}

func BenchmarkPushRequest(b *testing.B) {
	req := &wire.PushRequest{Items: make([]wire.Envelope, 100)}
	for i := range req.Items {
		req.Items[i].Sealed = bytes.Repeat([]byte{byte(i)}, 375)
	}
	raw, err := wire.Encode(req)
	if err != nil {
		b.Fatal(err)
	}
	b.Run("encode", func(b *testing.B) {
		b.SetBytes(int64(len(raw)))
		for b.Loop() {
			if _, err := wire.Encode(req); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("decode", func(b *testing.B) {
		b.SetBytes(int64(len(raw)))
		for b.Loop() {
			var out wire.PushRequest
			if err := wire.Decode(raw, &out); err != nil {
				b.Fatal(err)
			}
		}
	})
}
