package card

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/dhamani-iq/dhamani/card/apdu"
	"github.com/dhamani-iq/dhamani/card/sm"
	"github.com/dhamani-iq/dhamani/card/tlv"
	"github.com/dhamani-iq/dhamani/record"
)

// smCard is a card that holds the session keys, so that its answers are
// authentic, and says whatever answer wants.
type smCard struct {
	tb      testing.TB
	sm      *sm.Session
	answer  func(apdu.Command) (apdu.Response, sm.Mode)
	chain   []byte
	pending []byte
	sw      apdu.SW
	apdus   int
}

// authentic returns a session under secure messaging with such a card.
func authentic(tb testing.TB, answer func(apdu.Command) (apdu.Response, sm.Mode)) (*Session, *smCard) {
	tb.Helper()
	keys := sm.Derive([]byte("shared secret"))
	c := &smCard{tb: tb, sm: sm.New(keys), answer: answer}
	s := &Session{link: newLink(transportFunc(c.transmit), nil), info: Info{State: StateOperational, MaxBlock: MaxBlock, MaxEntry: MaxEntry}, now: time.Now}
	s.link.sm = sm.New(keys)
	return s, c
}

func (c *smCard) transmit(raw []byte) ([]byte, error) {
	c.apdus++
	cmd, err := apdu.Parse(raw)
	if err != nil {
		c.tb.Fatal(err)
	}
	if cmd.INS == 0xC0 {
		return c.hand(cmd.Ne)
	}
	c.chain = append(c.chain, cmd.Data...)
	if cmd.CLA&apdu.ClassChained != 0 {
		return []byte{0x90, 0x00}, nil
	}
	cmd.Data, c.chain = c.chain, nil
	plain, _, err := c.sm.UnwrapCommand(cmd)
	if err != nil {
		c.tb.Fatal(err)
	}
	r, mode := c.answer(plain)
	r, err = c.sm.WrapResponse(cmd.INS, r, mode)
	if err != nil {
		c.tb.Fatal(err)
	}
	c.pending, c.sw = r.Data, r.SW
	return c.hand(cmd.Ne)
}

func (c *smCard) hand(ne int) ([]byte, error) {
	n := min(ne, len(c.pending))
	part := apdu.Response{Data: c.pending[:n], SW: c.sw}
	c.pending = c.pending[n:]
	if len(c.pending) > 0 {
		part.SW = apdu.SWMore(len(c.pending))
	}
	return part.Encode(), nil
}

// logbook is a log in memory.
type logbook struct {
	head    Head
	bytes   []byte // from logical offset 0
	entries [][]byte
	heads   []Head // heads[n]: after n entries
}

func newLogbook(sizes ...int) *logbook {
	l := &logbook{heads: []Head{{}}}
	for i, n := range sizes {
		e := bytes.Repeat([]byte{byte(i + 1)}, n)
		l.entries = append(l.entries, e)
		l.bytes = binary.BigEndian.AppendUint16(append(l.bytes, e...), uint16(n))
		l.head = l.head.Next(e)
		l.heads = append(l.heads, l.head)
	}
	return l
}

// read answers READ BINARY B1.
func (l *logbook) read(c apdu.Command) (apdu.Response, sm.Mode) {
	at, err := tlv.Field(c.Data, 0x54)
	if err != nil || c.INS != insReadBinaryOdd || c.P2 != byte(FileLog) {
		return apdu.Response{SW: apdu.SWWrongData}, sm.MACOnly
	}
	off := int(binary.BigEndian.Uint32(at))
	if off > len(l.bytes) {
		return apdu.Response{SW: apdu.SWWrongOffset}, sm.MACOnly
	}
	part := l.bytes[off:min(len(l.bytes), off+c.Ne)]
	return apdu.Response{Data: tlv.Make(0x53, part), SW: apdu.SWOK}, sm.MACOnly
}

func TestEntries(t *testing.T) {
	many := make([]int, 60)
	for i := range many {
		many[i] = 1 + i*37%1900
	}
	for _, tt := range []struct {
		name  string
		sizes []int
		known int // how many entries the host knows
	}{
		{"empty", nil, 0},
		{"one", []int{1}, 0},
		{"one, known", []int{1}, 1},
		{"two largest", []int{2000, 2000}, 0},
		{"trailer across blocks", []int{700, 2045 - 3, 1}, 0},
		{"block exactly", []int{2000, 44}, 0},
		{"many", many, 0},
		{"many, some known", many, 41},
		{"many, all known", many, 60},
		{"shortest", bytesOfOne(500), 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for i, n := range tt.sizes {
				tt.sizes[i] = min(n, MaxEntry)
			}
			l := newLogbook(tt.sizes...)
			s, c := authentic(t, l.read)
			want := len(l.entries)
			err := s.Entries(t.Context(), l.head, l.heads[tt.known], func(seq uint32, sealed []byte) error {
				if int(seq) != want {
					return fmt.Errorf("entry %d instead of %d", seq, want)
				}
				want--
				if !bytes.Equal(sealed, l.entries[want]) {
					return fmt.Errorf("entry %d differs", seq)
				}
				return nil
			})
			if err != nil || want != tt.known {
				t.Fatalf("stopped at entry %d: %v", want, err)
			}
			if size := int(l.head.Tail - l.heads[tt.known].Tail); c.apdus > 9*(size/MaxBlock+1) {
				t.Errorf("%d APDUs for %d bytes", c.apdus, size)
			}
		})
	}
}

func bytesOfOne(n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = 1
	}
	return out
}

// After freeing, the log begins with the first entry held.
func TestEntriesAfterFreeing(t *testing.T) {
	l := newLogbook(100, 200, 300, 400)
	head := l.head
	head.StartSeq, head.Start, head.StartChain = 2, l.heads[2].Tail, l.heads[2].Chain
	for known, want := range []int{2, 2, 2, 1, 0} {
		s, _ := authentic(t, l.read)
		n := 0
		if err := s.Entries(t.Context(), head, l.heads[known], func(uint32, []byte) error { n++; return nil }); err != nil || n != want {
			t.Errorf("known %d: %d entries, %v; want %d", known, n, err, want)
		}
	}
}

// A card that lies about its log, with authentic answers.
func TestEntriesLies(t *testing.T) {
	sizes := []int{100, 1500, 700, 900}
	trailer := func(l *logbook, entry int, n uint16) {
		binary.BigEndian.PutUint16(l.bytes[l.heads[entry].Tail-2:], n)
	}
	for _, tt := range []struct {
		name  string
		lie   func(l *logbook)
		known int
		want  error
	}{
		{"honest", func(*logbook) {}, 0, nil},
		{"length 0", func(l *logbook) { trailer(l, 4, 0) }, 0, ErrMalformed},
		{"length above the largest", func(l *logbook) { trailer(l, 4, 2001) }, 0, ErrMalformed},
		{"length huge", func(l *logbook) { trailer(l, 2, 0xFFFF) }, 0, ErrMalformed},
		{"length shorter", func(l *logbook) { trailer(l, 1, 99) }, 0, ErrMalformed},
		{"length longer", func(l *logbook) { trailer(l, 1, 101) }, 0, ErrMalformed},
		{"length over older entries", func(l *logbook) { trailer(l, 3, 1700) }, 0, ErrMalformed},
		{"entry changed", func(l *logbook) { l.bytes[5] ^= 1 }, 0, ErrChain},
		{"entry before the known ones changed", func(l *logbook) { l.bytes[5] ^= 1 }, 1, nil},
		{"chain changed", func(l *logbook) { l.head.Chain[0] ^= 1 }, 0, ErrChain},
		{"chain of the known changed", func(l *logbook) { l.heads[2].Chain[0] ^= 1 }, 2, ErrChain},
		{"chain of the known changed, nothing new", func(l *logbook) { l.heads[4].Chain[0] ^= 1 }, 4, ErrChain},
		{"rolled back", func(l *logbook) { l.head = l.heads[2] }, 3, ErrChain},
		{"rewritten shorter", func(l *logbook) { l.head.Seq, l.head.Tail = 4, l.heads[3].Tail-1 }, 3, ErrChain},
		{"one entry less than bytes", func(l *logbook) { l.head.Seq = 3 }, 0, ErrMalformed},
		{"one entry more than bytes", func(l *logbook) { l.head.Seq = 5 }, 0, ErrMalformed},
		{"entries too dense for the known", func(l *logbook) { l.head.Seq = 1000 }, 3, ErrChain},
		{"head contradicts itself", func(l *logbook) { l.head.Start = 1 << 30 }, 0, ErrMalformed},
		{"freed more than its entries", func(l *logbook) {
			l.head.StartSeq, l.head.Start, l.head.StartChain = 2, l.heads[3].Tail, l.heads[2].Chain
		}, 2, ErrChain},
		{"log shorter than its head", func(l *logbook) { l.bytes = l.bytes[:3000] }, 0, ErrMalformed},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l := newLogbook(sizes...)
			tt.lie(l)
			s, _ := authentic(t, l.read)
			err := s.Entries(t.Context(), l.head, l.heads[tt.known], func(uint32, []byte) error { return nil })
			if !errors.Is(err, tt.want) {
				t.Fatalf("got %v, want %v", err, tt.want)
			}
		})
	}
	l := newLogbook(900)
	s, _ := authentic(t, l.read)
	s.info.MaxEntry = 899
	if err := s.Entries(t.Context(), l.head, Head{}, func(uint32, []byte) error { return nil }); !errors.Is(err, ErrMalformed) {
		t.Errorf("entry above what the card said it takes: %v", err)
	}
	stop := errors.New("enough")
	s, _ = authentic(t, newLogbook(sizes...).read)
	if err := s.Entries(t.Context(), newLogbook(sizes...).head, Head{}, func(uint32, []byte) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("error of emit: %v", err)
	}
}

// Authentic answers of the wrong shape.
func TestMalformedUnderSM(t *testing.T) {
	ctx := t.Context()
	next := func(data []byte, sw apdu.SW) *Session {
		s, _ := authentic(t, func(apdu.Command) (apdu.Response, sm.Mode) {
			return apdu.Response{Data: data, SW: sw}, sm.Encrypted
		})
		return s
	}
	head := func(h Head) []byte {
		raw, err := h.MarshalBinary()
		if err != nil {
			t.Fatal(err)
		}
		return raw
	}
	key := bytes.Repeat([]byte{1}, 32)
	for _, tt := range []struct {
		name string
		err  error
		want error
	}{
		{"head cut", second(next(make([]byte, 51), apdu.SWOK).Head(ctx)), ErrMalformed},
		{"head refused", second(next(nil, 0x6982).Head(ctx)), ErrSecurityStatus},
		{"key cut", second(next(tlv.Make(0x53, tlv.Make(0x80, key[:31])), apdu.SWOK).Keys(ctx, 0)), ErrMalformed},
		{"key of no section", second(next(tlv.Make(0x53, tlv.Make(0x86, key)), apdu.SWOK).Keys(ctx, 0)), ErrMalformed},
		{"keys out of order", second(next(tlv.Make(0x53, tlv.Append(tlv.Make(0x81, key), 0x80, key)), apdu.SWOK).Keys(ctx, 0)), ErrMalformed},
		{"key twice", second(next(tlv.Make(0x53, tlv.Append(tlv.Make(0x81, key), 0x81, key)), apdu.SWOK).Keys(ctx, 0)), ErrMalformed},
		{"keys cut", second(next(tlv.Make(0x53, []byte{0x80}), apdu.SWOK).Keys(ctx, 0)), ErrMalformed},
		{"keys in no object", second(next(tlv.Make(0x80, key), apdu.SWOK).Keys(ctx, 0)), ErrMalformed},
		{"keys of nobody", second(next(nil, 0x6A88).Keys(ctx, 3)), ErrDataNotFound},
		{"file too long", second(next(make([]byte, 2048), apdu.SWOK).ReadFile(ctx, FileSummary)), ErrMalformed},
		{"file too long by a byte", second(next(make([]byte, MaxSummary+1), 0x6282).ReadFile(ctx, FileSummary)), ErrMalformed},
		{"file short without 6282", second(next(make([]byte, 2047), apdu.SWOK).ReadFile(ctx, FileID)), ErrMalformed},
		{"block too long", second(next(make([]byte, 2049), apdu.SWOK).ReadFile(ctx, FilePhoto)), ErrMalformed},
		{"log as a file", second(next(nil, apdu.SWOK).ReadFile(ctx, FileLog)), ErrFileNotFound},
		{"head after append stands still", second(next(head(Head{}), apdu.SWOK).Append(ctx, 0, []byte{1})), ErrMalformed},
		{"append refused", second(next(nil, 0x6985).Append(ctx, 0, []byte{1})), ErrSequence},
		{"append too long", second(next(nil, apdu.SWOK).Append(ctx, 0, make([]byte, 2001))), ErrEntryTooLarge},
		{"card full", second(next(nil, 0x6A84).Append(ctx, 0, []byte{1})), ErrFull},
		{"summary too long", second(next(nil, apdu.SWOK).WriteSummary(ctx, 0, make([]byte, 2045))), ErrEntryTooLarge},
		{"summary refused", second(next(nil, 0x6985).WriteSummary(ctx, 0, []byte{1})), ErrSequence},
		{"summary version stands still", second(next(head(Head{}), apdu.SWOK).WriteSummary(ctx, 0, []byte{1})), ErrMalformed},
	} {
		if !errors.Is(tt.err, tt.want) {
			t.Errorf("%s: got %v, want %v", tt.name, tt.err, tt.want)
		}
	}
	if _, err := next(nil, apdu.SWOK).Append(ctx, 0, nil); err == nil {
		t.Error("empty entry appended")
	}
	keys, err := next(tlv.Make(0x53, tlv.Append(tlv.Make(0x80, key), 0x85, key)), apdu.SWOK).Keys(ctx, 0)
	if err != nil || len(keys) != 2 || !bytes.Equal(keys[record.SectionSensitive], key) {
		t.Errorf("keys %v, %v", len(keys), err)
	}
}

// After a failure of secure messaging nothing is sent any more.
func TestEndAfterSecureMessaging(t *testing.T) {
	for name, answer := range map[string][]byte{
		"plain status": {0x69, 0x88}, "plain success": {0x90, 0x00}, "data": {1, 2, 3, 0x90, 0x00},
		"more, then nothing": {0x61, 0x10}, "too long": append(make([]byte, 300), 0x90, 0x00),
	} {
		s, _ := authentic(t, nil)
		sent := 0
		s.link.t = transportFunc(func([]byte) ([]byte, error) { sent++; return answer, nil })
		if _, err := s.Head(t.Context()); !errors.Is(err, ErrSecureMessaging) || errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %v", name, err)
		}
		before := sent
		if _, err := s.Keys(t.Context(), 0); !errors.Is(err, ErrSessionEnded) || sent != before {
			t.Errorf("%s: session goes on: %v", name, err)
		}
	}
}

func second[T any](_ T, err error) error { return err }

// A session that has seen the head holds the card to its chain.
func TestAppendChecksChain(t *testing.T) {
	ctx := t.Context()
	l := newLogbook(10, 20)
	forged := l.head.Next([]byte("entry"))
	forged.Chain[3] ^= 1
	for _, after := range []Head{l.head.Next([]byte("entry")), forged} {
		heads := []Head{l.head, after}
		s, _ := authentic(t, func(apdu.Command) (apdu.Response, sm.Mode) {
			raw, _ := heads[0].MarshalBinary()
			heads = heads[1:]
			return apdu.Response{Data: raw, SW: apdu.SWOK}, sm.MACOnly
		})
		h, err := s.Head(ctx)
		if err != nil || h != l.head {
			t.Fatal(h, err)
		}
		_, err = s.Append(ctx, h.Seq, []byte("entry"))
		if after == forged != errors.Is(err, ErrChain) {
			t.Fatalf("forged %v: %v", after == forged, err)
		}
	}
}

// Whatever an authentic card answers, reading ends, within the bounds.
func FuzzAuthenticCard(f *testing.F) {
	l := newLogbook(100, 300, 5)
	raw, _ := l.head.MarshalBinary()
	f.Add(append(append([]byte{52}, raw...), append([]byte{255}, tlv.Make(0x53, l.bytes)...)...))
	f.Add([]byte{0, 0x62, 0x82})
	f.Add([]byte{0, 0x6C, 0x30})
	f.Fuzz(func(t *testing.T, in []byte) {
		take := func(n int) []byte {
			n = min(n, len(in))
			part := in[:n]
			in = in[n:]
			return part
		}
		s, c := authentic(t, func(cmd apdu.Command) (apdu.Response, sm.Mode) {
			r := apdu.Response{SW: apdu.SWOK}
			switch n := take(1); {
			case len(n) == 0:
				r.SW = apdu.SWEndOfFile
			case n[0] == 0 && len(in) >= 2:
				r.SW = apdu.SW(binary.BigEndian.Uint16(take(2)))
			case n[0] == 254: // as much as was asked for
				r.Data = make([]byte, min(cmd.Ne, MaxBlock))
				copy(r.Data, take(64))
			case n[0] == 253:
				block := make([]byte, min(cmd.Ne, MaxBlock))
				copy(block, take(64))
				r.Data = tlv.Make(0x53, block)
			case n[0] == 255:
				r.Data = take(MaxBlock)
			default:
				r.Data = take(int(n[0]))
			}
			if _, more := r.SW.More(); more || r.SW>>8 == 0x6C {
				r.SW = apdu.SWOK // 61xx and 6Cxx stand below the level of secure messaging
			}
			return r, sm.MACOnly
		})
		ctx := t.Context()
		for _, file := range []File{FileID, FileSummary, FilePhoto} {
			if data, err := s.ReadFile(ctx, file); err == nil && len(data) > file.Size() {
				t.Fatalf("%v of %d bytes", file, len(data))
			}
		}
		if keys, err := s.Keys(ctx, 0); err == nil && len(keys) > record.NumSections {
			t.Fatalf("%d keys", len(keys))
		}
		head, err := s.Head(ctx)
		if err != nil {
			return
		}
		total := 0
		err = s.Entries(ctx, head, Head{}, func(_ uint32, sealed []byte) error {
			total += len(sealed) + LenLength
			return nil
		})
		if total > LogSize || err == nil && total != head.Size() {
			t.Fatalf("%d bytes of entries from a log of %d: %v", total, head.Size(), err)
		}
		if c.apdus > 600 {
			t.Fatalf("%d APDUs", c.apdus)
		}
	})
}
