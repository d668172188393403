package card_test

import (
	"testing"

	"github.com/dhamani-iq/dhamani/card"
	"github.com/dhamani-iq/dhamani/card/softcard"
	"github.com/dhamani-iq/dhamani/crypto/cvc"
)

// maxTapAPDUs is more than any tap may take, whatever a card answers: the
// photo byte by byte would be the longest read.
const maxTapAPDUs = 20000

// FuzzTap drives a whole tap with an append against a real card whose answers
// the fuzzer passes on, changes, cuts, repeats or replaces. The tap ends, with
// the right data or with an error that has a name.
//
// Each exchange takes one byte of the input: 0 passes the answer on, 1 changes
// the byte at the next one, 2 cuts it there, 3 repeats the last answer, 4
// announces more, 5 refuses the command unseen; anything else replaces the
// answer by as many bytes of the input.
func FuzzTap(f *testing.F) {
	p := newProgramme(f)
	desk := p.terminal(f, cvc.RolePhysician, cvc.RightAppend)
	image := p.issue(f, 1, 600, 300).Image()
	f.Add([]byte{})
	f.Add([]byte{0, 0, 4, 0x20, 0, 0})
	f.Add([]byte{0, 0, 0, 0, 1, 3, 0x40})
	f.Add([]byte("\x27\x6F\x25\x84\x09\xF0DHAMANI\x01\xA5\x18\x80\x01\x01\x81\x08\x01\x02\x03\x04\x05\x06\x07\x08\x82\x01\x05\x83\x02\x08\x00\x84\x02\x07\xD0\x90\x00"))
	f.Fuzz(func(t *testing.T, in []byte) {
		c, err := softcard.Load(image, softcard.Options{})
		if err != nil {
			t.Fatal(err)
		}
		tr := c.Transport()
		take := func() int {
			if len(in) == 0 {
				return 0
			}
			b := in[0]
			in = in[1:]
			return int(b)
		}
		var last []byte
		w := &wire{Transport: tr}
		w.hook = func(n int, cmd []byte) ([]byte, error) {
			if n > maxTapAPDUs {
				t.Fatal("the tap does not end")
			}
			what := take()
			if what == 5 {
				return []byte{0x69, byte(0x80 | take()&0x0F)}, nil
			}
			answer, err := tr.Transmit(t.Context(), cmd)
			if err != nil {
				return nil, err
			}
			switch what {
			case 0:
			case 1:
				answer[take()%len(answer)] ^= byte(1 + take()%255)
			case 2:
				answer = answer[:take()%len(answer)]
			case 3:
				answer, last = last, answer
				return answer, nil
			case 4:
				answer = append(answer[:len(answer)-2], 0x61, byte(take()))
			default:
				k := min(what, len(in))
				answer, in = in[:k:k], in[k:]
			}
			last = answer
			return answer, nil
		}
		got, err := tap(t.Context(), w, desk, marked(1, 50))
		if err != nil && !named(err) {
			t.Fatalf("error without a name: %v", err)
		}
		if len(got.keys) > 0 && !got.only(1) {
			t.Fatal("data that the card did not send")
		}
	})
}

// BenchmarkTap reads everything from a card with four entries, in process.
func BenchmarkTap(b *testing.B) {
	p := newProgramme(b)
	c := p.issue(b, 1, 700, 900, 500, 600)
	desk := p.terminal(b, cvc.RolePhysician, 0)
	b.ReportAllocs()
	var stats card.Stats
	for b.Loop() {
		s := authenticated(b, c, desk)
		head, err := s.Head(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		for _, f := range []card.File{card.FileID, card.FileSummary} {
			if _, err := s.ReadFile(b.Context(), f); err != nil {
				b.Fatal(err)
			}
		}
		if err := s.Entries(b.Context(), head, card.Head{}, func(uint32, []byte) error { return nil }); err != nil {
			b.Fatal(err)
		}
		stats = s.Stats()
	}
	b.ReportMetric(float64(stats.APDUs), "apdus/op")
	b.ReportMetric(float64(stats.Received), "received-bytes/op")
}

// BenchmarkEntries16K reads 16 KB of log under secure messaging, and tells
// what the timing model of the card says to it.
func BenchmarkEntries16K(b *testing.B) {
	p := newProgramme(b)
	sizes := make([]int, 16)
	for i := range sizes {
		sizes[i] = 1022
	}
	c := p.issue(b, 1, sizes...)
	s := authenticated(b, c, p.terminal(b, cvc.RolePhysician, 0))
	head, err := s.Head(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(head.Size()))
	b.ReportAllocs()
	c.ResetModel()
	n := 0
	for b.Loop() {
		n++
		if err := s.Entries(b.Context(), head, card.Head{}, func(uint32, []byte) error { return nil }); err != nil {
			b.Fatal(err)
		}
	}
	m := c.Modelled()
	b.ReportMetric(float64((m.Link+m.Crypto+m.NVM).Milliseconds())/float64(n), "card-ms/op")
	b.ReportMetric(float64(m.APDUs)/float64(n), "apdus/op")
}
