// Package claim writes and reads the programme's claim in a QR code
// (docs/formats/carriers.md): who somebody is and how they are covered, said by
// a workstation that had their card in its reader, for the day on which the
// card is forgotten.
//
// A claim opens no record. Whoever holds a copy of it can show it, so the desk
// compares the name with the person, and it ends soon.
package claim

import (
	"bytes"
	"compress/zlib"
	"crypto"
	"crypto/ecdsa"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"

	"github.com/dhamani-iq/dhamani/crypto/cose"
	"github.com/dhamani-iq/dhamani/crypto/trust"
	"github.com/dhamani-iq/dhamani/internal/base45"
	"github.com/dhamani-iq/dhamani/record"
)

// Prefix begins every claim's text and names its version.
const Prefix = "DH1:"

// The bounds of a claim.
const (
	MaxText    = 2400                // characters, prefix included
	MaxMessage = 1536                // bytes of the COSE_Sign1, unpacked
	MaxLife    = 30 * 24 * time.Hour // from issue to end
	Skew       = 10 * time.Minute    // by which the issuing clock may be ahead
)

const aad = "dhamani claim v1"

// Sentinels on which callers branch, beside those of package trust on the
// author's key: ErrUnknownKey, ErrKeyRevoked and ErrKeyExpired.
var (
	// ErrPrefix: the text is something else, or a claim of another version.
	ErrPrefix = errors.New("not a claim of the programme")
	// ErrFormat: the text begins as a claim and is none.
	ErrFormat = errors.New("malformed claim")
	// ErrSignature: the claim is not signed by the key that it names.
	ErrSignature = errors.New("claim signature does not verify")
	// ErrExpired: the claim has ended.
	ErrExpired = errors.New("claim has expired")
	// ErrNotYet: the claim was issued in the future.
	ErrNotYet = errors.New("claim is dated in the future")
	// ErrBlocked: the card that the claim stands for is on the block list.
	ErrBlocked = errors.New("the claim's card is blocked")
)

// Claim is what a claim says. It does not print what it holds.
type Claim struct {
	Patient  record.PatientID
	Card     [8]byte
	Identity *record.Identity
	Cover    *record.Cover // nil: none
	Issued   time.Time     // to the second, as Expires
	Expires  time.Time
}

// Format implements fmt.Formatter.
func (c Claim) Format(state fmt.State, _ rune) {
	_, _ = io.WriteString(state, fmt.Sprintf("claim for card %x until %s", c.Card, c.Expires.UTC().Format(time.RFC3339)))
}

// LogValue implements slog.LogValuer.
func (c Claim) LogValue() slog.Value { return slog.StringValue(fmt.Sprint(c)) }

// claimWire is the payload, with the labels of CBOR Web Token (RFC 8392, 3.1)
// where it has them, and one label of its private range:
//
//	{ 4: exp uint, 6: iat uint, -65537: [ patient bstr(8), card bstr(8), identity bstr, cover bstr ] }
type claimWire struct {
	Expires uint64     `cbor:"4,keyasint"`
	Issued  uint64     `cbor:"6,keyasint"`
	Holder  holderWire `cbor:"-65537,keyasint"`
}

type holderWire struct {
	_        struct{} `cbor:",toarray"`
	Patient  []byte
	Card     []byte
	Identity []byte
	Cover    []byte
}

// maxTime keeps a time in what every platform reads: the year 2106.
const maxTime = 1<<32 - 1

// Brief returns of an identity and a cover what a claim carries: no phone,
// address, family or counters, which the desk does not need to know somebody
// by and a stranger must not read off a picture.
func Brief(id *record.Identity, cover *record.Cover) (*record.Identity, *record.Cover) {
	short := &record.Identity{
		Names: id.Names, Sex: id.Sex, Born: id.Born, NationalNumber: id.NationalNumber, Language: id.Language,
	}
	if cover == nil {
		return short, nil
	}
	kept := *cover
	kept.Counters = nil
	return short, &kept
}

// Sign makes the text of a claim; the identity and the cover are shortened as
// Brief does. The key has to be an author's. It owes ErrFormat, for times that
// make no sense and for a claim that is too long, and record.ErrInvalid.
func Sign(author crypto.Signer, c Claim) (string, error) {
	issued, expires := c.Issued.Unix(), c.Expires.Unix()
	if c.Identity == nil || issued < 0 || expires <= issued || expires > maxTime || expires-issued > int64(MaxLife/time.Second) {
		return "", fmt.Errorf("sign claim: content or times: %w", ErrFormat)
	}
	pub, ok := author.Public().(*ecdsa.PublicKey)
	if !ok {
		return "", fmt.Errorf("sign claim: key is not on P-256: %w", ErrFormat)
	}
	id, cover := Brief(c.Identity, c.Cover)
	w := claimWire{Expires: uint64(expires), Issued: uint64(issued), Holder: holderWire{Patient: c.Patient[:], Card: c.Card[:]}} // #nosec G115 -- bounded above
	var err error
	if w.Holder.Identity, err = id.Encode(); err != nil {
		return "", fmt.Errorf("sign claim: %w", err)
	}
	if cover != nil {
		if w.Holder.Cover, err = cover.Encode(); err != nil {
			return "", fmt.Errorf("sign claim: %w", err)
		}
	}
	payload, err := cose.Marshal(w)
	if err != nil {
		return "", fmt.Errorf("sign claim: %w", err)
	}
	kid := trust.KIDOf(pub)
	raw, err := cose.Sign1(author, kid[:], payload, []byte(aad))
	if err != nil {
		return "", fmt.Errorf("sign claim: %w", err)
	}
	text, err := pack(raw)
	if err != nil {
		return "", fmt.Errorf("sign claim: %w", err)
	}
	return text, nil
}

// Read returns what a claim says without asking who says so. It owes ErrPrefix
// and ErrFormat.
func Read(text string) (Claim, error) {
	c, _, err := read(text)
	return c, err
}

// Verify checks a claim at a time against the lists at hand, without a network,
// and returns it with the key of the author, who stands for it. A key that was
// revoked since counts no more, whatever date the claim bears. With ErrExpired,
// ErrNotYet and ErrBlocked it returns both too. It owes every error of this
// package and those of trust.Store.Author.
func Verify(store *trust.Store, text string, now time.Time) (Claim, trust.Key, error) {
	c, m, err := read(text)
	if err != nil {
		return Claim{}, trust.Key{}, err
	}
	kid := [4]byte(m.KID)
	author, err := store.Author(kid, now)
	if err == nil {
		_, err = store.Author(kid, c.Issued.Add(Skew))
	}
	if err != nil {
		return Claim{}, trust.Key{}, fmt.Errorf("verify claim: %w", err)
	}
	if err := m.Verify(author.Public, []byte(aad)); err != nil {
		return Claim{}, trust.Key{}, fmt.Errorf("verify claim: %w: %w", ErrSignature, err)
	}
	switch {
	case c.Issued.After(now.Add(Skew)):
		return c, author, fmt.Errorf("issued %s: %w", c.Issued.Format(time.RFC3339), ErrNotYet)
	case !now.Before(c.Expires):
		return c, author, fmt.Errorf("ended %s: %w", c.Expires.Format(time.RFC3339), ErrExpired)
	case store.Blocked(c.Card):
		return c, author, ErrBlocked
	}
	return c, author, nil
}

func read(text string) (Claim, *cose.Signed, error) {
	raw, err := unpack(text)
	if err != nil {
		return Claim{}, nil, fmt.Errorf("read claim: %w", err)
	}
	m, err := cose.ParseSign1(raw)
	if err != nil {
		return Claim{}, nil, fmt.Errorf("read claim: %w: %w", ErrFormat, err)
	}
	var w claimWire
	if err := cose.Unmarshal(m.Payload, &w); err != nil {
		return Claim{}, nil, fmt.Errorf("read claim: %w: %w", ErrFormat, err)
	}
	h := w.Holder
	if len(m.KID) != 4 || len(h.Patient) != 8 || len(h.Card) != 8 || w.Expires > maxTime || w.Issued >= w.Expires ||
		w.Expires-w.Issued > uint64(MaxLife/time.Second) {
		return Claim{}, nil, fmt.Errorf("read claim: content or times: %w", ErrFormat)
	}
	c := Claim{
		Patient: record.PatientID(h.Patient), Card: [8]byte(h.Card),
		Issued: time.Unix(int64(w.Issued), 0).UTC(), Expires: time.Unix(int64(w.Expires), 0).UTC(), // #nosec G115 -- bounded above
	}
	if c.Identity, err = record.DecodeIdentity(h.Identity); err != nil {
		return Claim{}, nil, fmt.Errorf("read claim: %w: %w", ErrFormat, err)
	}
	if len(h.Cover) > 0 {
		if c.Cover, err = record.DecodeCover(h.Cover); err != nil {
			return Claim{}, nil, fmt.Errorf("read claim: %w: %w", ErrFormat, err)
		}
	}
	return c, m, nil
}

// pack compresses a message (RFC 1950) and writes it in Base45.
func pack(raw []byte) (string, error) {
	if len(raw) > MaxMessage {
		return "", fmt.Errorf("message of %d bytes: %w", len(raw), ErrFormat)
	}
	var out bytes.Buffer
	z, err := zlib.NewWriterLevel(&out, zlib.BestCompression)
	if err != nil {
		return "", fmt.Errorf("compress: %w", err)
	}
	if _, err := z.Write(raw); err != nil {
		return "", fmt.Errorf("compress: %w", err)
	}
	if err := z.Close(); err != nil {
		return "", fmt.Errorf("compress: %w", err)
	}
	text := Prefix + base45.Encode(out.Bytes())
	if len(text) > MaxText {
		return "", fmt.Errorf("text of %d characters: %w", len(text), ErrFormat)
	}
	return text, nil
}

// unpack is the reverse; nothing may stand behind the compressed message.
func unpack(text string) ([]byte, error) {
	coded, ok := strings.CutPrefix(text, Prefix)
	if !ok {
		return nil, ErrPrefix
	}
	if len(text) > MaxText {
		return nil, fmt.Errorf("text of %d characters: %w", len(text), ErrFormat)
	}
	packed, err := base45.Decode(coded)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	in := bytes.NewReader(packed)
	z, err := zlib.NewReader(in)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	raw, err := io.ReadAll(io.LimitReader(z, MaxMessage+1))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	if len(raw) > MaxMessage || in.Len() != 0 {
		return nil, fmt.Errorf("message of another length: %w", ErrFormat)
	}
	return raw, nil
}
