package card

import (
	"bytes"
	"context"
	"crypto/ecdh"
	"errors"
	"fmt"
	"time"

	"github.com/dhamani-iq/dhamani/card/apdu"
	"github.com/dhamani-iq/dhamani/card/sm"
	"github.com/dhamani-iq/dhamani/card/tlv"
	"github.com/dhamani-iq/dhamani/record"
)

// Blank is a card in creation state, at the issuer's desk. Everything travels
// in plain: personalise cards only in a place that may see what they hold.
//
// A Blank belongs to one goroutine at a time and ends as a Session does.
type Blank struct {
	link *link
	info Info
}

// OpenBlank selects the application on a card that is to be personalised.
// From success on the Blank owns t. It owes ErrNotBlank and what Open owes.
func OpenBlank(ctx context.Context, t Transport, opts ...Option) (*Blank, error) {
	l := newLink(t, opts)
	info, err := selectApplication(ctx, l)
	if err != nil {
		return nil, fmt.Errorf("open blank card: %w", err)
	}
	if info.State != StateCreation {
		return nil, fmt.Errorf("open blank card: %w: state %v", ErrNotBlank, info.State)
	}
	return &Blank{link: l, info: info}, nil
}

// Info returns what the card said of itself.
func (b *Blank) Info() Info { return b.info }

// Stats returns what went over the wire so far.
func (b *Blank) Stats() Stats { return b.link.stats }

// Close closes the transport.
func (b *Blank) Close() error { return b.link.close() }

// GenerateKey has the card make its Chip Authentication key and returns the
// public half; the private half never leaves the card. It may be repeated
// before Activate.
func (b *Blank) GenerateKey(ctx context.Context) (*ecdh.PublicKey, error) {
	point, err := b.keyPair(ctx, 0x80)
	if err != nil {
		return nil, fmt.Errorf("generate card key: %w", err)
	}
	return point, nil
}

// PublicKey returns the public half of the key that the card made before: a
// personalisation that was interrupted goes on with it. It owes ErrDataNotFound
// when there is none.
func (b *Blank) PublicKey(ctx context.Context) (*ecdh.PublicKey, error) {
	point, err := b.keyPair(ctx, 0x81)
	if err != nil {
		return nil, fmt.Errorf("read card key: %w", err)
	}
	return point, nil
}

// keyPair is GENERATE ASYMMETRIC KEY PAIR; P1 80 makes a key, 81 gives access
// to the one that is there (ISO/IEC 7816-8).
func (b *Blank) keyPair(ctx context.Context, p1 byte) (*ecdh.PublicKey, error) {
	raw, err := b.link.do(ctx, apdu.Command{INS: insGenerateKeyPair, P1: p1, Data: tlv.Make(0xAC), Ne: apdu.MaxShortNe}, sm.Encrypted)
	if err != nil {
		return nil, err
	}
	return parsePublicKey(raw)
}

// parsePublicKey reads 7F49 { 86 point }.
func parsePublicKey(raw []byte) (*ecdh.PublicKey, error) {
	inner, err := tlv.Field(raw, 0x7F49)
	if err != nil {
		return nil, malformed("public key: %w", err)
	}
	point, err := tlv.Field(inner, 0x86)
	if err != nil {
		return nil, malformed("public key: %w", err)
	}
	pub, err := ecdh.P256().NewPublicKey(point)
	if err != nil || len(point) != pointLen {
		return nil, malformed("public key is no point of p-256")
	}
	return pub, nil
}

// updateBlock is the data of one UPDATE BINARY, in bytes; it fits one short
// command on every reader.
const updateBlock = 240

// WriteFile writes the whole content of EF.CardSecurity, EF.ID or EF.PHOTO.
func (b *Blank) WriteFile(ctx context.Context, f File, data []byte) error {
	switch {
	case f != FileSecurity && f != FileID && f != FilePhoto:
		return fmt.Errorf("write %v: %w", f, ErrFileNotFound)
	case len(data) == 0:
		return fmt.Errorf("write %v: no data", f)
	case len(data) > f.Size():
		return fmt.Errorf("write %v: %w: %d bytes, at most %d", f, ErrEntryTooLarge, len(data), f.Size())
	}
	p1, p2 := 0x80|byte(f), byte(0)
	for off := 0; off < len(data); {
		n := min(updateBlock, len(data)-off)
		_, err := b.link.do(ctx, apdu.Command{INS: insUpdateBinary, P1: p1, P2: p2, Data: data[off : off+n]}, sm.Encrypted)
		if err != nil {
			return fmt.Errorf("write %v: %w", f, err)
		}
		off += n
		p1, p2 = byte(off>>8), byte(off) // #nosec G115 -- files are shorter than 32 KiB
	}
	return nil
}

// PutAnchor stores a trust anchor of Terminal Authentication, a whole 7F21: a
// self-signed one in place of all others, or a link certificate beside the
// anchor that has signed it.
func (b *Blank) PutAnchor(ctx context.Context, cvc []byte) error {
	return b.put(ctx, "trust anchor", DataAnchor, cvc)
}

// PutDate sets the card's date, the least that it will ever believe.
func (b *Blank) PutDate(ctx context.Context, date time.Time) error {
	if y := date.Year(); y < 2000 || y > 2099 {
		return fmt.Errorf("write date: year %d", y)
	}
	digits := []byte(date.Format("060102"))
	for i := range digits {
		digits[i] -= '0'
	}
	return b.put(ctx, "date", DataDate, digits)
}

// PutKeys stores the section keys of one person, all six, the holder's (0)
// first. When they replace others, the card's log and summary begin anew, and
// the holder's make it forget every family member: write keys before those. It
// owes ErrConditions for a family member before the holder.
func (b *Blank) PutKeys(ctx context.Context, person uint8, keys map[record.Section][]byte) error {
	switch {
	case person >= MaxPersons:
		return fmt.Errorf("write section keys: person %d, at most %d", person, MaxPersons-1)
	case len(keys) != record.NumSections:
		return fmt.Errorf("write section keys: %d of %d", len(keys), record.NumSections)
	}
	set, err := encodeKeys(keys)
	if err != nil {
		return fmt.Errorf("write section keys: %w", err)
	}
	data := append(tlv.Make(tagPerson, []byte{person}), set...)
	defer clear(set)
	defer clear(data)
	return b.put(ctx, "section keys", DataKeys, data)
}

func (b *Blank) put(ctx context.Context, what string, tag uint16, data []byte) error {
	if len(data) == 0 {
		return fmt.Errorf("write %s: no data", what)
	}
	_, err := b.link.do(ctx, putData(tag, bytes.Clone(data), 0), sm.Encrypted)
	if status, ok := errors.AsType[*StatusError](err); ok && status.SW == apdu.SWConditions {
		err = fmt.Errorf("%w: status %v", ErrConditions, status.SW) // no version is expected here
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", what, err)
	}
	return nil
}

// Append writes an entry from the centre's records to a rebuilt card; see
// Session.Append.
func (b *Blank) Append(ctx context.Context, expectSeq uint32, sealed []byte) (Head, error) {
	h, err := appendEntry(ctx, b.link, b.info, expectSeq, sealed)
	if err != nil {
		return Head{}, fmt.Errorf("append entry: %w", err)
	}
	return h, nil
}

// WriteSummary writes the sealed summary; see Session.WriteSummary.
func (b *Blank) WriteSummary(ctx context.Context, expectVersion uint32, sealed []byte) (Head, error) {
	h, err := writeSummary(ctx, b.link, expectVersion, sealed)
	if err != nil {
		return Head{}, fmt.Errorf("write summary: %w", err)
	}
	return h, nil
}

// Activate ends the creation state for good. It owes ErrConditions while the
// anchor, the card key, EF.CardSecurity, EF.ID or the keys are missing. The
// card answers to Open from then on.
func (b *Blank) Activate(ctx context.Context) error {
	if _, err := b.link.do(ctx, apdu.Command{INS: insActivate}, sm.Encrypted); err != nil {
		return fmt.Errorf("activate card: %w", err)
	}
	b.info.State = StateOperational
	return nil
}
