package card

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"github.com/dhamani-iq/dhamani/card/apdu"
	"github.com/dhamani-iq/dhamani/card/sm"
)

func unhex(tb testing.TB, s string) []byte {
	tb.Helper()
	b, err := hex.DecodeString(strings.Join(strings.Fields(s), ""))
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

// step is one exchange of a script: what the host must send, what the card
// answers. An empty want takes any command.
type step struct {
	want, answer string
	err          error
}

// script plays exchanges strictly in order and fails the test when one is
// left over, another comes, or the transport is not closed.
type script struct {
	tb     testing.TB
	steps  []step
	closed bool
}

func play(tb testing.TB, steps ...step) *script {
	tb.Helper()
	s := &script{tb: tb, steps: steps}
	tb.Cleanup(func() {
		if len(s.steps) > 0 {
			tb.Errorf("%d steps of the script were not played", len(s.steps))
		}
	})
	return s
}

func (s *script) Transmit(_ context.Context, cmd []byte) ([]byte, error) {
	s.tb.Helper()
	if len(s.steps) == 0 {
		s.tb.Fatalf("command % X after the end of the script", cmd)
	}
	next := s.steps[0]
	s.steps = s.steps[1:]
	if next.want != "" && !bytes.Equal(cmd, unhex(s.tb, next.want)) {
		s.tb.Fatalf("sent % X, want %s", cmd, next.want)
	}
	return unhex(s.tb, next.answer), next.err
}

func (s *script) ATR() []byte  { return []byte{0x3B, 0x80} }
func (s *script) Close() error { s.closed = true; return nil }

const (
	selectCmd = "00 A4 04 00 09 F0 44 48 41 4D 41 4E 49 01 00"
	aidField  = "84 09 F0 44 48 41 4D 41 4E 49 01"
	// A5 of an operational card 01 02 .. 08 with blocks of 2048, entries of 2000.
	infoField = "A5 18 80 01 01 81 08 01 02 03 04 05 06 07 08 82 01 05 83 02 08 00 84 02 07 D0"
	goodFCI   = "6F 25 " + aidField + infoField
)

func TestOpen(t *testing.T) {
	fci := func(from, to string) string { return strings.Replace(goodFCI, from, to, 1) + "9000" }
	for _, tt := range []struct {
		name, answer string
		err          error
		want         error
	}{
		{"operational", goodFCI + "9000", nil, nil},
		{"blocked", strings.Replace(goodFCI, "82 01 05", "82 01 04", 1) + "6283", nil, nil},
		{"terminated", strings.Replace(goodFCI, "82 01 05", "82 01 0C", 1) + "6285", nil, nil},
		{"creation", fci("82 01 05", "82 01 01"), nil, nil},
		{"not there", "6A82", nil, ErrNotDhamani},
		{"no such instruction", "6D00", nil, ErrNotDhamani},
		{"other failure", "6F00", nil, ErrNotDhamani},
		{"torn: nothing", "", nil, ErrRemoved},
		{"torn: one byte", "90", nil, ErrRemoved},
		{"removed", "", ErrRemoved, ErrRemoved},
		{"service down", "", ErrServiceDown, ErrServiceDown},
		{"empty", "9000", nil, ErrMalformed},
		{"other application", fci("4D 41 4E 49 01", "4D 41 4E 49 02"), nil, ErrNotDhamani},
		{"other version", fci("80 01 01", "80 01 02"), nil, ErrNotDhamani},
		{"life cycle unknown", fci("82 01 05", "82 01 07"), nil, ErrMalformed},
		{"blocked but 9000", fci("82 01 05", "82 01 04"), nil, ErrMalformed},
		{"operational but 6283", goodFCI + "6283", nil, ErrMalformed},
		{"no blocks", fci("83 02 08 00", "83 02 00 00"), nil, ErrMalformed},
		{"huge blocks", fci("83 02 08 00", "83 02 FF FF"), nil, ErrMalformed},
		{"no entries", fci("84 02 07 D0", "84 02 00 00"), nil, ErrMalformed},
		{"huge entries", fci("84 02 07 D0", "84 02 FF FF"), nil, ErrMalformed},
		{"field missing", "6F 21 " + aidField + strings.Replace(infoField, "A5 18", "A5 14", 1)[:len(infoField)-12] + "9000", nil, ErrMalformed},
		{"lying length", fci("6F 25", "6F 26"), nil, ErrMalformed},
		{"bytes left over", goodFCI + "00 9000", nil, ErrMalformed},
		{"more than short", strings.Repeat("00", 257) + "9000", nil, ErrMalformed},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tr := play(t, step{selectCmd, tt.answer, tt.err})
			s, err := Open(t.Context(), tr)
			if !errors.Is(err, tt.want) {
				t.Fatalf("got %v, want %v", err, tt.want)
			}
			if err != nil {
				return
			}
			if want := (ID{1, 2, 3, 4, 5, 6, 7, 8}); s.Info().ID != want || s.Info().MaxBlock != 2048 || s.Info().MaxEntry != 2000 {
				t.Fatalf("info %+v", s.Info())
			}
			if err := s.Close(); err != nil || !tr.closed {
				t.Fatalf("close: %v, transport closed %v", err, tr.closed)
			}
			if _, err := s.Head(t.Context()); !errors.Is(err, ErrSessionEnded) {
				t.Fatalf("after close: %v", err)
			}
		})
	}
}

func opened(t *testing.T, steps ...step) (*Session, *script) {
	t.Helper()
	tr := play(t, append([]step{{selectCmd, goodFCI + "9000", nil}}, steps...)...)
	s, err := Open(t.Context(), tr)
	if err != nil {
		t.Fatal(err)
	}
	return s, tr
}

// EF.CardSecurity in plain: by short identifier first, by offset afterwards.
func TestReadInPlain(t *testing.T) {
	block := strings.Repeat("AB", 256)
	for _, tt := range []struct {
		name  string
		steps []step
		n     int
		want  error
	}{
		{"short", []step{{"00 B0 9D 00 00", "01 02 03 6282", nil}}, 3, nil},
		{"end with the block", []step{{"00 B0 9D 00 00", block + "9000", nil}, {"00 B0 01 00 00", "6B00", nil}}, 256, nil},
		{"end with the block, 6282", []step{{"00 B0 9D 00 00", block + "9000", nil}, {"00 B0 01 00 00", "6282", nil}}, 256, nil},
		{"two blocks fill the file", []step{{"00 B0 9D 00 00", block + "9000", nil}, {"00 B0 01 00 00", block + "9000", nil}}, 512, nil},
		{"handed out in parts", []step{
			{"00 B0 9D 00 00", "01 61 02", nil},
			{"00 C0 00 00 02", "02 61 01", nil},
			{"00 C0 00 00 01", "03 6282", nil},
		}, 3, nil},
		{"other Le", []step{{"00 B0 9D 00 00", "6C 03", nil}, {"00 B0 9D 00 03", "01 02 03 6282", nil}}, 3, nil},
		{"other Le twice", []step{{"00 B0 9D 00 00", "6C 03", nil}, {"00 B0 9D 00 03", "6C 04", nil}}, 0, ErrMalformed},
		{"never written", []step{{"00 B0 9D 00 00", "6A82", nil}}, 0, ErrFileNotFound},
		{"refused", []step{{"00 B0 9D 00 00", "6982", nil}}, 0, ErrSecurityStatus},
		{"too few bytes", []step{{"00 B0 9D 00 00", "01 9000", nil}}, 0, ErrMalformed},
		{"none, for ever", []step{{"00 B0 9D 00 00", "9000", nil}}, 0, ErrMalformed},
		{"parts without data", []step{{"00 B0 9D 00 00", "01 61 02", nil}, {"00 C0 00 00 02", "61 02", nil}}, 0, ErrMalformed},
		{"longer than the file", []step{
			{"00 B0 9D 00 00", block + "6100", nil},
			{"00 C0 00 00 00", block + "9000", nil},
		}, 0, ErrMalformed},
		{"torn", []step{{"00 B0 9D 00 00", "", nil}}, 0, ErrRemoved},
		{"torn between parts", []step{{"00 B0 9D 00 00", "01 61 02", nil}, {"00 C0 00 00 02", "", ErrRemoved}}, 0, ErrRemoved},
		{"reset between parts", []step{{"00 B0 9D 00 00", "01 61 02", nil}, {"00 C0 00 00 02", "", ErrReset}}, 0, ErrReset},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, _ := opened(t, tt.steps...)
			data, err := s.Security(t.Context())
			if !errors.Is(err, tt.want) || len(data) != tt.n {
				t.Fatalf("%d bytes, %v; want %d, %v", len(data), err, tt.n, tt.want)
			}
		})
	}
}

// A card that always has more ends at the bound, not with the memory.
func TestEndlessResponse(t *testing.T) {
	n := 0
	l := newLink(transportFunc(func([]byte) ([]byte, error) {
		n++
		return append(make([]byte, 256), 0x61, 0x00), nil
	}), nil)
	_, err := l.send(t.Context(), apdu.Command{INS: insGetData, Ne: 256}, sm.Encrypted)
	if !errors.Is(err, ErrMalformed) || n > maxResponse/256+2 {
		t.Fatalf("%v after %d APDUs", err, n)
	}
	n = 0
	l = newLink(transportFunc(func([]byte) ([]byte, error) { n++; return []byte{0, 0x61, 0x01}, nil }), nil)
	if _, err = l.send(t.Context(), apdu.Command{INS: insGetData, Ne: 256}, sm.Encrypted); !errors.Is(err, ErrMalformed) || n > maxResponse+1 {
		t.Fatalf("byte by byte: %v after %d APDUs", err, n)
	}
}

type transportFunc func(cmd []byte) ([]byte, error)

func (f transportFunc) Transmit(ctx context.Context, cmd []byte) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return f(cmd)
}
func (transportFunc) ATR() []byte  { return nil }
func (transportFunc) Close() error { return nil }

// A context that ends before an exchange leaves the session good; one that
// ends within it does not.
func TestCancellation(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	s, _ := opened(t, step{"00 B0 9D 00 00", "01 6282", nil})
	if _, err := s.Security(ctx); !errors.Is(err, context.Canceled) {
		t.Fatalf("ended context: %v", err)
	}
	if data, err := s.Security(t.Context()); err != nil || len(data) != 1 {
		t.Fatalf("session after it: %v, %v", data, err)
	}

	ctx, cancel = context.WithCancel(t.Context())
	defer cancel()
	l := newLink(transportFunc(func([]byte) ([]byte, error) { cancel(); return []byte{0, 0x61, 0x01}, nil }), nil)
	if _, err := l.send(ctx, apdu.Command{INS: insGetData, Ne: 256}, sm.Encrypted); !errors.Is(err, context.Canceled) {
		t.Fatalf("ended within: %v", err)
	}
	_, err := l.send(t.Context(), apdu.Command{INS: insGetData, Ne: 256}, sm.Encrypted)
	if !errors.Is(err, ErrSessionEnded) || !errors.Is(err, context.Canceled) {
		t.Fatalf("session after it: %v", err)
	}
}

func TestCommandChain(t *testing.T) {
	data := bytes.Repeat([]byte{0xEE}, 300)
	first, second := "10 E2 00 00 FF"+strings.Repeat("EE", 255), "00 E2 00 00 2D"+strings.Repeat("EE", 45)+"34"
	for _, tt := range []struct {
		name  string
		steps []step
		want  error
	}{
		{"taken", []step{{first, "9000", nil}, {second, "9000", nil}}, nil},
		{"refused amid", []step{{first, "6884", nil}}, ErrUnsupported},
		{"data amid", []step{{first, "01 9000", nil}}, ErrMalformed},
		{"torn amid", []step{{first, "", nil}}, ErrRemoved},
		{"refused at the end", []step{{first, "9000", nil}, {second, "6A84", nil}}, ErrFull},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l := newLink(play(t, tt.steps...), nil)
			_, err := l.do(t.Context(), apdu.Command{INS: insAppendRecord, Data: data, Ne: HeadLen}, sm.Encrypted)
			if !errors.Is(err, tt.want) {
				t.Fatalf("got %v, want %v", err, tt.want)
			}
		})
	}
}

func TestTraceAndStats(t *testing.T) {
	var lines []TraceLine
	tr := play(t, step{selectCmd, goodFCI + "9000", nil}, step{"00 B0 9D 00 00", "5E C2 E7 6282", nil}, step{"", "", ErrRemoved})
	s, err := Open(t.Context(), tr, WithTrace(func(l TraceLine) { lines = append(lines, l) }))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Security(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Security(t.Context()); !errors.Is(err, ErrRemoved) {
		t.Fatal(err)
	}
	if want := (Stats{APDUs: 3, Sent: 15 + 5 + 5, Received: 41 + 5}); s.Stats() != want {
		t.Errorf("stats %+v, want %+v", s.Stats(), want)
	}
	if len(lines) != 3 || lines[1].SW != apdu.SWEndOfFile || lines[1].Received != 5 || lines[2].SW != 0 {
		t.Fatalf("trace %v", lines)
	}
	if text := lines[1].String(); !strings.HasPrefix(text, "00 B0 9D 00 sent 5 received 5 status 6282 in ") || strings.Contains(text, "5E") {
		t.Errorf("trace line %q", text)
	}
}

func TestStatusTable(t *testing.T) {
	for _, tt := range []struct {
		ins  byte
		sw   apdu.SW
		want error
	}{
		{insReadBinary, 0x6982, ErrSecurityStatus},
		{insReadBinary, 0x6A82, ErrFileNotFound},
		{insSelect, 0x6A82, ErrNotDhamani},
		{insAppendRecord, 0x6985, ErrSequence},
		{insPutData, 0x6985, ErrSequence},
		{insActivate, 0x6985, ErrConditions},
		{insAppendRecord, 0x6A84, ErrFull},
		{insGetData, 0x6988, ErrSecureMessaging},
		{insGetData, 0x6581, ErrCardMemory},
	} {
		err := error(&StatusError{tt.ins, tt.sw})
		if !errors.Is(err, tt.want) || !strings.Contains(err.Error(), tt.sw.String()) {
			t.Errorf("%02X %v: %v, want %v", tt.ins, tt.sw, err, tt.want)
		}
		auth := error(&AuthError{StepTerminal, 0, tt.sw, tt.ins})
		if !errors.Is(auth, tt.want) {
			t.Errorf("authentication: %v, want %v", auth, tt.want)
		}
	}
	if err := (&StatusError{0x01, 0x6F42}); err.Unwrap() != nil || !strings.Contains(err.Error(), "6F42") {
		t.Errorf("unknown status word: %v", err)
	}
	seen := map[[2]int]bool{}
	for _, row := range statusTable {
		key := [2]int{int(row.ins), int(row.sw)}
		if seen[key] {
			t.Errorf("row %v stands twice", key)
		}
		seen[key] = true
	}
}
