package card

import (
	"context"
	"testing"

	"github.com/dhamani-iq/dhamani/card/apdu"
	"github.com/dhamani-iq/dhamani/card/sm"
	"github.com/dhamani-iq/dhamani/card/tlv"
)

// BenchmarkHostAPDU is the host's own cost of one command under secure
// messaging: the answers were made beforehand.
func BenchmarkHostAPDU(b *testing.B) {
	head, err := Head{Seq: 1, Tail: 100, Chain: [16]byte{1}}.MarshalBinary()
	if err != nil {
		b.Fatal(err)
	}
	block := func(n int) []byte { return tlv.Make(0x53, make([]byte, n)) }
	for _, tt := range []struct {
		name    string
		command apdu.Command
		sent    sm.Mode
		answer  []byte
		lengths Lengths
		apdus   int
	}{
		{"head", apdu.Command{INS: insGetData, P1: 0x01, P2: 0x51, Ne: HeadLen}, sm.Encrypted, head, Lengths{}, 1},
		{"append-500", apdu.Command{INS: insAppendRecord, Data: make([]byte, 504), Ne: HeadLen}, sm.MACOnly, head, Lengths{Extended: true}, 1},
		{"log-2048", apdu.Command{INS: insReadBinaryOdd, P2: 4, Data: make([]byte, 6), Ne: 2048}, sm.MACOnly, block(2048), Lengths{Extended: true}, 1},
		{"log-2048-short", apdu.Command{INS: insReadBinaryOdd, P2: 4, Data: make([]byte, 6), Ne: 2048}, sm.MACOnly, block(2048), Lengths{}, 9},
	} {
		b.Run(tt.name, func(b *testing.B) {
			const batch = 256
			var keys sm.Keys
			b.ReportAllocs()
			left := 0
			var l *link
			apdus := 0
			for range b.N {
				if left == 0 {
					b.StopTimer()
					tape := &tape{answers: rehearse(b, keys, tt.command, tt.sent, tt.answer, batch), extended: tt.lengths.Extended}
					l = newLink(tape, []Option{WithLengths(tt.lengths)})
					l.sm = sm.New(keys)
					left = batch
					b.StartTimer()
				}
				left--
				before := l.stats.APDUs
				if _, err := l.do(b.Context(), tt.command, tt.sent); err != nil {
					b.Fatal(err)
				}
				apdus += l.stats.APDUs - before
			}
			if apdus != b.N*tt.apdus {
				b.Fatalf("%d apdus in %d commands", apdus, b.N)
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(apdus), "µs/apdu")
		})
	}
}

// rehearse makes the answers to n times the same command.
func rehearse(b *testing.B, keys sm.Keys, c apdu.Command, mode sm.Mode, answer []byte, n int) []apdu.Response {
	b.Helper()
	host, chip := sm.New(keys), sm.New(keys)
	out := make([]apdu.Response, n)
	for i := range out {
		w, err := host.WrapCommand(c, mode)
		if err != nil {
			b.Fatal(err)
		}
		if _, _, err := chip.UnwrapCommand(w); err != nil {
			b.Fatal(err)
		}
		r, err := chip.WrapResponse(c.INS, apdu.Response{Data: answer, SW: apdu.SWOK}, sm.MACOnly)
		if err != nil {
			b.Fatal(err)
		}
		if _, _, err := host.UnwrapResponse(c.INS, r); err != nil {
			b.Fatal(err)
		}
		out[i] = r
	}
	return out
}

// tape plays answers, whole or in parts.
type tape struct {
	answers  []apdu.Response
	extended bool
	rest     []byte
}

func (t *tape) Transmit(_ context.Context, cmd []byte) ([]byte, error) {
	if cmd[0]&apdu.ClassChained != 0 {
		return []byte{0x90, 0x00}, nil
	}
	if cmd[1] != 0xC0 {
		t.rest = t.answers[0].Data
		t.answers = t.answers[1:]
	}
	part := t.rest
	if !t.extended {
		part = part[:min(len(part), apdu.MaxShortNe)]
	}
	t.rest = t.rest[len(part):]
	sw := apdu.SWOK
	if len(t.rest) > 0 {
		sw = apdu.SWMore(len(t.rest))
	}
	return apdu.Response{Data: part, SW: sw}.Encode(), nil
}

func (*tape) ATR() []byte  { return nil }
func (*tape) Close() error { return nil }
