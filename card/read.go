package card

import (
	"context"
	"encoding/binary"
	"fmt"
	"math"

	"github.com/dhamani-iq/dhamani/card/apdu"
	"github.com/dhamani-iq/dhamani/card/sm"
	"github.com/dhamani-iq/dhamani/card/tlv"
	"github.com/dhamani-iq/dhamani/record"
)

// maxOffset is the largest offset of READ BINARY with an even INS.
const maxOffset = 0x7FFF

// Security reads EF.CardSecurity, in plain before Authenticate. Nothing of it
// is authenticated: the caller checks the issuer's signature, and that the
// card identifier in it is Info().ID.
func (s *Session) Security(ctx context.Context) ([]byte, error) {
	return s.ReadFile(ctx, FileSecurity)
}

// ReadFile reads a whole elementary file. EF.LOG is read with Entries instead.
// It owes ErrSecurityStatus when the role may not read it, ErrFileNotFound
// when it was never written, ErrMalformed when it is longer than its Size, and
// ErrChanged when it was another one earlier in this session.
func (s *Session) ReadFile(ctx context.Context, f File) ([]byte, error) {
	if f.Size() == 0 || f == FileLog {
		return nil, fmt.Errorf("read %v: %w", f, ErrFileNotFound)
	}
	data, err := readFile(ctx, s.link, f, s.info.MaxBlock)
	if err == nil {
		err = s.same(f, data)
	}
	if err != nil {
		return nil, fmt.Errorf("read %v: %w", f, err)
	}
	return data, nil
}

// readFile reads block by block. The first read selects the file by its short
// identifier, the others go on in it. The end shows in 6282 (fewer bytes than
// asked for), in 6Cxx (as many are left; T=0), or in 6B00 when the file ended
// with the block before.
func readFile(ctx context.Context, l *link, f File, block int) ([]byte, error) {
	block = min(block, f.Size())
	if l.sm == nil {
		block = min(block, l.lengths.Short)
	}
	var data []byte
	p1, p2 := 0x80|byte(f), byte(0)
	for {
		r, err := l.send(ctx, apdu.Command{INS: insReadBinary, P1: p1, P2: p2, Ne: block}, sm.Encrypted)
		if err != nil {
			return nil, err
		}
		switch {
		case r.SW == apdu.SWWrongOffset && len(r.Data) == 0 && len(data) > 0:
			return data, nil
		case r.SW != apdu.SWOK && r.SW != apdu.SWEndOfFile:
			return nil, &StatusError{insReadBinary, r.SW}
		case len(r.Data) > block || len(data)+len(r.Data) > f.Size():
			return nil, malformed("more bytes than the file can hold")
		case r.SW == apdu.SWOK && len(r.Data) != block && !l.cut:
			return nil, malformed("%d bytes instead of %d without an end of file", len(r.Data), block)
		}
		data = append(data, r.Data...)
		if r.SW == apdu.SWEndOfFile || l.cut || len(data) == f.Size() {
			return data, nil
		}
		if len(data) > maxOffset {
			return nil, malformed("file too long")
		}
		p1, p2 = byte(len(data)>>8), byte(len(data)) // #nosec G115 -- at most maxOffset
	}
}

// Keys reads the section keys of one person on the card, the holder (0) or a
// family member, that the role may have; the caller keeps them secret. A role
// that may open no section gets an empty map. The sensitive key is there only
// after a verification that counts for the person. The card writes down who
// asked, with the host's time, which goes along. It owes ErrDataNotFound for a
// person whom the card does not carry.
func (s *Session) Keys(ctx context.Context, person uint8) (map[record.Section][]byte, error) {
	keys, err := s.personKeys(ctx, person)
	if err != nil {
		return nil, fmt.Errorf("read section keys: %w", err)
	}
	return keys, nil
}

func (s *Session) personKeys(ctx context.Context, person uint8) (map[record.Section][]byte, error) {
	request := tlv.Make(tagPerson, []byte{person})
	if now := s.now().Unix(); now > 0 && now <= math.MaxUint32 {
		request = tlv.Append(request, tagTime, binary.BigEndian.AppendUint32(nil, uint32(now)))
	}
	raw, err := s.link.do(ctx, apdu.Command{
		INS: insGetDataDO, P1: DataKeys >> 8, P2: DataKeys & 0xFF, Data: request, Ne: maxKeySet + 3,
	}, sm.Encrypted)
	if err != nil {
		return nil, err
	}
	defer clear(raw)
	set, err := tlv.Field(raw, 0x53)
	if err != nil {
		return nil, malformed("key set: %w", err)
	}
	return parseKeys(set)
}

const (
	tagPerson tlv.Tag = 0x83 // the person whom a command means, one byte
	tagTime   tlv.Tag = 0x84 // the host's time, seconds since 1970
)

// sectionKeyLen is the length of one section key in bytes.
const sectionKeyLen = 32

// maxKeySet is the length of all section keys with their tags, in bytes.
const maxKeySet = record.NumSections * (2 + sectionKeyLen)

// sectionTag is the tag of a section's key: 80 + section.
func sectionTag(s record.Section) tlv.Tag { return 0x80 + tlv.Tag(s) }

// parseKeys reads the key set: ascending tags, 32 bytes each.
func parseKeys(raw []byte) (map[record.Section][]byte, error) {
	items, err := tlv.All(raw)
	if err != nil {
		return nil, malformed("key set: %w", err)
	}
	keys := make(map[record.Section][]byte, record.NumSections)
	last := tlv.Tag(0)
	for _, it := range items {
		if it.Tag <= last || it.Tag < 0x80 || it.Tag >= sectionTag(record.NumSections) || len(it.Value) != sectionKeyLen {
			return nil, malformed("key set: object %v of %d bytes", it.Tag, len(it.Value))
		}
		last = it.Tag
		keys[record.Section(it.Tag-0x80)] = append([]byte(nil), it.Value...) // #nosec G115 -- below NumSections
	}
	return keys, nil
}

// encodeKeys is the inverse of parseKeys.
func encodeKeys(keys map[record.Section][]byte) ([]byte, error) {
	out := make([]byte, 0, len(keys)*(2+sectionKeyLen))
	n := 0
	for _, s := range record.AllSections() {
		k, ok := keys[s]
		if !ok {
			continue
		}
		if len(k) != sectionKeyLen {
			return nil, fmt.Errorf("key of section %v has %d bytes", s, len(k))
		}
		out = tlv.Append(out, sectionTag(s), k)
		n++
	}
	if n != len(keys) {
		return nil, fmt.Errorf("key of an unknown section")
	}
	return out, nil
}

// readLog reads want bytes of the log at a logical offset; want is at least 1
// and at most Info.MaxBlock. Ne counts the bytes of the log; they come in a
// discretionary data object 53, whose header it does not count. The offset needs
// no secrecy: the head, which goes before it, has none either.
func (s *Session) readLog(ctx context.Context, offset uint32, want int) ([]byte, error) {
	at := tlv.Make(0x54, binary.BigEndian.AppendUint32(nil, offset))
	raw, err := s.link.do(ctx, apdu.Command{
		INS: insReadBinaryOdd, P2: byte(FileLog), Data: at, Ne: want,
	}, sm.MACOnly)
	if err != nil {
		return nil, err
	}
	data, err := tlv.Field(raw, 0x53)
	switch {
	case err != nil:
		return nil, malformed("log block: %w", err)
	case len(data) != want:
		return nil, malformed("log block of %d bytes instead of %d", len(data), want)
	}
	return data, nil
}
