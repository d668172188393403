package card

import (
	"context"
	"crypto/ecdh"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/dhamani-iq/dhamani/card/apdu"
	"github.com/dhamani-iq/dhamani/card/sm"
	"github.com/dhamani-iq/dhamani/card/tlv"
)

// Session is a conversation with one card from SELECT to Close. It belongs to
// one goroutine at a time: nothing in it is safe for concurrent use.
//
// The context is looked at between APDUs, and its cause is the error; one answer
// that takes over 10 s is ErrTooSlow. An exchange that fails on the way,
// by cancellation too, ends the session: every later call returns
// ErrSessionEnded with the first cause, and the caller opens a new one.
type Session struct {
	link *link
	info Info
	head Head                       // the last one that the card gave in this session
	seen map[File][sha256.Size]byte // digests of the files that the card gave in this session

	ephemeral func() (*ecdh.PrivateKey, error) // makes the host's key of Chip Authentication
	now       func() time.Time
}

// Open selects the application. From success on the session owns t and closes
// it. A card that is blocked, terminated or not personalised yet opens too;
// Info.State says so.
//
// It owes ErrNotDhamani, ErrMalformed and the errors of the transport.
func Open(ctx context.Context, t Transport, opts ...Option) (*Session, error) {
	l := newLink(t, opts)
	info, err := selectApplication(ctx, l)
	if err != nil {
		return nil, fmt.Errorf("open card: %w", err)
	}
	return &Session{link: l, info: info, ephemeral: newEphemeral, now: time.Now}, nil
}

// Info returns what the card said of itself.
func (s *Session) Info() Info { return s.info }

// Stats returns what went over the wire so far.
func (s *Session) Stats() Stats { return s.link.stats }

// Rest says that nothing is to be sent for a while, so that other programs may
// have their turn at the card. The session goes on with the next command.
func (s *Session) Rest() { rest(s.link.t) }

// Close ends the session and closes the transport.
func (s *Session) Close() error { return s.link.close() }

func selectApplication(ctx context.Context, l *link) (Info, error) {
	r, err := l.send(ctx, apdu.Command{INS: insSelect, P1: 0x04, Data: []byte(AID), Ne: apdu.MaxShortNe}, sm.Encrypted)
	if err != nil {
		return Info{}, err
	}
	if r.SW != apdu.SWOK && r.SW != apdu.SWDeactivated && r.SW != apdu.SWTerminated {
		err := error(&StatusError{insSelect, r.SW})
		if !errors.Is(err, ErrNotDhamani) {
			err = fmt.Errorf("%w: %w", ErrNotDhamani, err)
		}
		return Info{}, err
	}
	info, err := parseFCI(r.Data)
	if err != nil {
		return Info{}, err
	}
	if (r.SW == apdu.SWDeactivated) != (info.State == StateBlocked) ||
		(r.SW == apdu.SWTerminated) != (info.State == StateTerminated) {
		return Info{}, malformed("status %v in state %v", r.SW, info.State)
	}
	return info, nil
}

// parseFCI reads the file control information of the application:
//
//	6F { 84 AID, A5 { 80 version, 81 CardID, 82 life cycle, 83 max block, 84 max entry } }
func parseFCI(raw []byte) (Info, error) {
	fci, err := tlv.Field(raw, 0x6F)
	if err != nil {
		return Info{}, malformed("file control information: %w", err)
	}
	outer, err := tlv.Fields(fci, 0x84, 0xA5)
	if err != nil {
		return Info{}, malformed("file control information: %w", err)
	}
	if string(outer[0]) != AID {
		return Info{}, fmt.Errorf("%w: other application identifier", ErrNotDhamani)
	}
	f, err := tlv.Fields(outer[1], 0x80, 0x81, 0x82, 0x83, 0x84)
	if err != nil {
		return Info{}, malformed("application information: %w", err)
	}
	if len(f[0]) != 1 || len(f[1]) != 8 || len(f[2]) != 1 || len(f[3]) != 2 || len(f[4]) != 2 {
		return Info{}, malformed("application information: length")
	}
	info := Info{
		Version: f[0][0], ID: ID(f[1]), State: State(f[2][0]),
		MaxBlock: int(binary.BigEndian.Uint16(f[3])), MaxEntry: int(binary.BigEndian.Uint16(f[4])),
	}
	switch {
	case info.Version != FormatVersion:
		return Info{}, fmt.Errorf("%w: format version %d", ErrNotDhamani, info.Version)
	case errors.Is(info.State.Err(), ErrMalformed):
		return Info{}, malformed("life cycle %02X", uint8(info.State))
	case info.MaxBlock < minBlock || info.MaxBlock > MaxBlock:
		return Info{}, malformed("reads of %d bytes", info.MaxBlock)
	case info.MaxEntry < 1 || info.MaxEntry > MaxEntry:
		return Info{}, malformed("entries of %d bytes", info.MaxEntry)
	}
	return info, nil
}

// Head reads the head of the log. It needs a clinic role. In one session nobody
// else writes to the card: a head that is not the last one is ErrChanged. It owes
// ErrSecurityStatus, ErrMalformed, ErrSecureMessaging and the errors of the
// transport, as every method here.
func (s *Session) Head(ctx context.Context) (Head, error) {
	raw, err := s.link.do(ctx, apdu.Command{INS: insGetData, P1: DataHead >> 8, P2: DataHead & 0xFF, Ne: HeadLen}, sm.Encrypted)
	if err != nil {
		return Head{}, fmt.Errorf("read head: %w", err)
	}
	h, err := parseHead(raw)
	if err != nil {
		return Head{}, fmt.Errorf("read head: %w", err)
	}
	if !s.head.IsZero() && h != s.head {
		return Head{}, fmt.Errorf("read head: %w", ErrChanged)
	}
	s.head = h
	return h, nil
}

func parseHead(raw []byte) (Head, error) {
	var h Head
	if err := h.UnmarshalBinary(raw); err != nil {
		return Head{}, malformed("%w", err)
	}
	return h, nil
}

// Append appends one sealed entry, provided that the card holds expectSeq
// entries ever appended. The answer is the new head.
//
// It owes ErrEntryTooLarge before anything is sent, ErrSequence, ErrFull and
// ErrSecurityStatus. After ErrRemoved and its like the entry may be on the
// card or not: read the head in a new session and compare it with Head.Next.
func (s *Session) Append(ctx context.Context, expectSeq uint32, sealed []byte) (Head, error) {
	h, err := appendEntry(ctx, s.link, s.info, expectSeq, sealed)
	if err != nil {
		return Head{}, fmt.Errorf("append entry: %w", err)
	}
	if !s.head.IsZero() && s.head.Seq == expectSeq && h != s.head.Next(sealed) {
		return Head{}, fmt.Errorf("append entry: %w", ErrChain)
	}
	s.head = h
	return h, nil
}

func appendEntry(ctx context.Context, l *link, info Info, expectSeq uint32, sealed []byte) (Head, error) {
	switch {
	case len(sealed) == 0:
		return Head{}, errors.New("empty entry")
	case len(sealed) > info.MaxEntry:
		return Head{}, fmt.Errorf("%w: %d bytes, at most %d", ErrEntryTooLarge, len(sealed), info.MaxEntry)
	}
	data := binary.BigEndian.AppendUint32(make([]byte, 0, 4+len(sealed)), expectSeq)
	raw, err := l.do(ctx, apdu.Command{INS: insAppendRecord, Data: append(data, sealed...), Ne: HeadLen}, sm.MACOnly)
	if err != nil {
		return Head{}, err
	}
	h, err := parseHead(raw)
	switch {
	case err != nil:
		return Head{}, err
	case h.Seq != expectSeq+1:
		return Head{}, malformed("%d entries after an append to %d", h.Seq, expectSeq)
	}
	return h, nil
}

// WriteSummary replaces the sealed emergency summary, provided that the card
// holds version expectVersion. The answer is the new head.
//
// It owes ErrEntryTooLarge before anything is sent, ErrSequence and
// ErrSecurityStatus. A lost answer is settled as for Append.
func (s *Session) WriteSummary(ctx context.Context, expectVersion uint32, sealed []byte) (Head, error) {
	h, err := writeSummary(ctx, s.link, expectVersion, sealed)
	if err != nil {
		return Head{}, fmt.Errorf("write summary: %w", err)
	}
	want := s.head
	want.SummaryVersion = h.SummaryVersion
	if !s.head.IsZero() && s.head.SummaryVersion == expectVersion && h != want {
		return Head{}, fmt.Errorf("write summary: %w", ErrChain)
	}
	s.head = h
	s.remember(FileSummary, sealed)
	return h, nil
}

// remember keeps what the card holds in a file from now on.
func (s *Session) remember(f File, data []byte) {
	if s.seen == nil {
		s.seen = make(map[File][sha256.Size]byte)
	}
	s.seen[f] = sha256.Sum256(data)
}

// same compares a file with what the card gave, or was given, before in this
// session. EF.AUDIT, which the card itself writes, is not looked at. It owes
// ErrChanged.
func (s *Session) same(f File, data []byte) error {
	if f == FileAudit {
		return nil
	}
	if before, ok := s.seen[f]; ok && before != sha256.Sum256(data) {
		return ErrChanged
	}
	s.remember(f, data)
	return nil
}

func writeSummary(ctx context.Context, l *link, expectVersion uint32, sealed []byte) (Head, error) {
	switch {
	case len(sealed) == 0:
		return Head{}, errors.New("empty summary")
	case len(sealed) > MaxSummary:
		return Head{}, fmt.Errorf("%w: %d bytes, at most %d", ErrEntryTooLarge, len(sealed), MaxSummary)
	}
	data := binary.BigEndian.AppendUint32(make([]byte, 0, 4+len(sealed)), expectVersion)
	raw, err := l.do(ctx, putData(DataSummary, append(data, sealed...), HeadLen), sm.MACOnly)
	if err != nil {
		return Head{}, err
	}
	h, err := parseHead(raw)
	switch {
	case err != nil:
		return Head{}, err
	case h.SummaryVersion != expectVersion+1:
		return Head{}, malformed("summary version %d after writing over %d", h.SummaryVersion, expectVersion)
	}
	return h, nil
}

func putData(tag uint16, data []byte, ne int) apdu.Command {
	return apdu.Command{INS: insPutData, P1: byte(tag >> 8), P2: byte(tag), Data: data, Ne: ne} // #nosec G115 -- two halves
}
