// Package testpiv is a PIV card in software (NIST SP 800-73-4), for tests of
// the host: two keys on P-256 with certificates, a PIN with its tries, command
// and response chaining. It answers in this process and through vpcd.
package testpiv

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/dhamani-iq/dhamani/card"
	"github.com/dhamani-iq/dhamani/card/apdu"
	"github.com/dhamani-iq/dhamani/card/tlv"
)

// PIN is the card's PIN, and Tries how many wrong ones block it.
const (
	PIN   = "271828"
	Tries = 3
)

// Key references.
const (
	authentication = 0x9A
	signature      = 0x9C
)

var aid = []byte{0xA0, 0x00, 0x00, 0x03, 0x08, 0x00, 0x00, 0x10, 0x00, 0x01, 0x00}

// Card is one PIV card.
type Card struct {
	mu       sync.Mutex // guards what follows
	keys     map[byte]*ecdsa.PrivateKey
	objects  map[tlv.Tag][]byte
	left     int
	selected bool
	verified bool   // the PIN was given
	fresh    bool   // and nothing has happened since
	chain    []byte // data of a command chain so far
	rest     []byte // of an answer, still to be fetched
	seen     int    // commands since it was made
	verifies int    // PINs among them
	until    int    // commands before it is taken away; negative: never
}

// New makes a card with fresh keys and certificates signed by themselves.
func New(tb testing.TB) *Card {
	tb.Helper()
	c := &Card{keys: make(map[byte]*ecdsa.PrivateKey), objects: make(map[tlv.Tag][]byte), left: Tries, until: -1}
	for slot, tag := range map[byte]tlv.Tag{authentication: 0x5FC105, signature: 0x5FC10A} {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			tb.Fatal(err)
		}
		now := time.Now()
		template := &x509.Certificate{
			SerialNumber: big.NewInt(int64(slot)), Subject: pkix.Name{CommonName: "Test PIV"},
			NotBefore: now.Add(-time.Hour), NotAfter: now.AddDate(1, 0, 0), KeyUsage: x509.KeyUsageDigitalSignature,
		}
		der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
		if err != nil {
			tb.Fatal(err)
		}
		c.keys[slot] = key
		c.SetObject(tag, slices.Concat(tlv.Make(0x70, der), tlv.Make(0x71, []byte{0}), tlv.Make(0xFE)))
	}
	guid := make([]byte, 16)
	_, _ = rand.Read(guid)
	c.SetObject(0x5FC102, slices.Concat(
		tlv.Make(0x30, make([]byte, 25)), tlv.Make(0x34, guid), tlv.Make(0x35, []byte("20991231")), tlv.Make(0x3E), tlv.Make(0xFE)))
	c.objects[0x7E] = tlv.Make(0x7E, tlv.Make(0x4F, aid), tlv.Make(0x5F2F, []byte{0x40, 0}))
	return c
}

// SetObject puts an object's content in place; nil takes the object away.
func (c *Card) SetObject(tag tlv.Tag, content []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.objects, tag)
	if content != nil {
		c.objects[tag] = tlv.Make(0x53, content)
	}
}

// Key returns the public key of slot 9A or 9C.
func (c *Card) Key(slot byte) *ecdsa.PublicKey { return &c.keys[slot].PublicKey }

// Left is how many tries the PIN has.
func (c *Card) Left() int { c.mu.Lock(); defer c.mu.Unlock(); return c.left }

// Verified tells whether the card still goes by a PIN that it was given.
func (c *Card) Verified() bool { c.mu.Lock(); defer c.mu.Unlock(); return c.verified }

// Counts returns how many commands the card has seen, and how many PINs.
func (c *Card) Counts() (commands, pins int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.seen, c.verifies
}

// RemoveAfter takes the card away behind so many more commands.
func (c *Card) RemoveAfter(n int) { c.mu.Lock(); defer c.mu.Unlock(); c.until = n }

// Reset is what power off and on does.
func (c *Card) Reset() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.selected, c.verified, c.fresh, c.chain, c.rest = false, false, false, nil, nil
}

// Connect reaches the card in this process.
func (c *Card) Connect(ctx context.Context) (card.Transport, error) { return transport{c}, ctx.Err() }

type transport struct{ c *Card }

func (t transport) ATR() []byte  { return ATR() }
func (t transport) Close() error { return nil }

func (t transport) Transmit(ctx context.Context, raw []byte) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if answer := t.c.Process(raw); answer != nil {
		return answer, nil
	}
	return nil, card.ErrRemoved
}

// ATR returns the card's answer to reset.
func ATR() []byte {
	atr := []byte{0x3B, 0x84, 0x80, 0x01, 'T', 'P', 'I', 'V', 0}
	for _, b := range atr[1:8] {
		atr[8] ^= b
	}
	return atr
}

// Process answers one command; nil when the card is away.
func (c *Card) Process(raw []byte) []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.until == 0 {
		return nil
	}
	if c.until > 0 {
		c.until--
	}
	c.seen++
	cmd, err := apdu.Parse(raw)
	if err != nil {
		return apdu.Response{SW: apdu.SWWrongLength}.Encode()
	}
	if cmd.INS == 0xC0 {
		return c.hand(cmd.Ne, apdu.SWOK)
	}
	c.rest = nil
	if len(c.chain)+len(cmd.Data) > 4096 {
		c.chain = nil
		return apdu.Response{SW: apdu.SWWrongLength}.Encode()
	}
	c.chain = append(c.chain, cmd.Data...)
	if cmd.CLA&apdu.ClassChained != 0 {
		return apdu.Response{SW: apdu.SWOK}.Encode()
	}
	cmd.Data, c.chain = c.chain, nil
	data, sw := c.carryOut(cmd)
	c.rest = data
	return c.hand(max(cmd.Ne, 0), sw)
}

// hand gives out as much of the answer as was asked for.
func (c *Card) hand(ne int, sw apdu.SW) []byte {
	n := min(ne, len(c.rest))
	data := c.rest[:n]
	c.rest = c.rest[n:]
	if len(c.rest) > 0 {
		sw = apdu.SWMore(min(len(c.rest), 256))
	}
	return apdu.Response{Data: data, SW: sw}.Encode()
}
