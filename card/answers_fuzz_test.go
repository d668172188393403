package card

import (
	"bytes"
	"errors"
	"testing"

	"github.com/dhamani-iq/dhamani/card/tlv"
	"github.com/dhamani-iq/dhamani/record"
)

// Whatever a card answers to SELECT, it is refused with a name or within the
// bounds.
func FuzzFCI(f *testing.F) {
	f.Add(tlv.Make(0x6F, tlv.Make(0x84, []byte(AID)), tlv.Make(0xA5, tlv.Make(0x80, []byte{1}), tlv.Make(0x81, make([]byte, 8)),
		tlv.Make(0x82, []byte{5}), tlv.Make(0x83, []byte{8, 0}), tlv.Make(0x84, []byte{7, 0xD0}))))
	f.Add([]byte{0x6F, 0x84, 0xFF, 0xFF, 0xFF, 0xFF})
	f.Fuzz(func(t *testing.T, raw []byte) {
		info, err := parseFCI(raw)
		switch {
		case err != nil && !errors.Is(err, ErrMalformed) && !errors.Is(err, ErrNotDhamani):
			t.Fatalf("error of no kind: %v", err)
		case err == nil && (info.MaxBlock < minBlock || info.MaxBlock > MaxBlock || info.MaxEntry < 1 || info.MaxEntry > MaxEntry):
			t.Fatalf("info %+v", info)
		}
	})
}

// Section keys that are read are the ones that are written again.
func FuzzKeys(f *testing.F) {
	key := bytes.Repeat([]byte{7}, sectionKeyLen)
	f.Add(tlv.Make(0x80, key))
	f.Add(tlv.Append(tlv.Make(0x81, key), 0x85, key))
	f.Add([]byte{0x80, 0x81, 0x20})
	f.Fuzz(func(t *testing.T, raw []byte) {
		keys, err := parseKeys(raw)
		if err != nil {
			if !errors.Is(err, ErrMalformed) {
				t.Fatalf("error of no kind: %v", err)
			}
			return
		}
		again, err := encodeKeys(keys)
		if err != nil || len(keys) > record.NumSections || !bytes.Equal(again, raw) {
			t.Fatalf("%d keys: %x became %x, %v", len(keys), raw, again, err)
		}
	})
}

// A public key of a card is a point of P-256, or malformed.
func FuzzPublicKey(f *testing.F) {
	f.Add(tlv.Make(0x7F49, tlv.Make(0x86, make([]byte, pointLen))))
	eph, err := newEphemeral()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(tlv.Make(0x7F49, tlv.Make(0x86, eph.PublicKey().Bytes())))
	f.Fuzz(func(t *testing.T, raw []byte) {
		pub, err := parsePublicKey(raw)
		if err != nil {
			if !errors.Is(err, ErrMalformed) {
				t.Fatalf("error of no kind: %v", err)
			}
			return
		}
		if again := tlv.Make(0x7F49, tlv.Make(0x86, pub.Bytes())); !bytes.Equal(again, raw) {
			t.Fatalf("%x became %x", raw, again)
		}
	})
}

// A chain of certificates is taken apart, or refused, without harm.
func FuzzChain(f *testing.F) {
	body := tlv.Make(0x7F4E, tlv.Make(0x42, []byte("IQROOT00001")), tlv.Make(0x5F20, []byte("IQNEXT00001")),
		tlv.Make(0x7F4C, tlv.Make(0x06, []byte{1}), tlv.Make(0x53, []byte{0xC0, 0, 0, 0})))
	f.Add(tlv.Make(0x7F21, body, tlv.Make(0x5F37, make([]byte, 64))))
	f.Add([]byte{0x7F, 0x21, 0x82, 0xFF, 0xFF})
	f.Fuzz(func(t *testing.T, raw []byte) {
		certs, err := parseChain([][]byte{raw})
		if err == nil && (len(certs) != 1 || !bytes.Contains(raw, certs[0].content)) {
			t.Fatalf("%d certificates of %x", len(certs), raw)
		}
	})
}
