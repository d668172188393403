package piv

import (
	"testing"

	"github.com/dhamani-iq/dhamani/card/tlv"
)

func FuzzTemplate(f *testing.F) {
	f.Add(tlv.Make(tagTemplate, tlv.Make(tagPIX, aid)))
	f.Fuzz(func(t *testing.T, raw []byte) {
		if parseTemplate(raw) == nil && len(raw) < 6 {
			t.Error("an application without a name")
		}
	})
}

func FuzzCertificate(f *testing.F) {
	f.Add(tlv.Make(tagCertificate, []byte{0x30, 0x00}))
	f.Add([]byte{0x70, 2, 0x1F, 0x8B, 0x71, 1, 1, 0xFE, 0})
	f.Fuzz(func(t *testing.T, raw []byte) {
		if cert, err := parseCertificate(raw); err == nil && (len(cert.Raw) == 0 || len(cert.Raw) > maxCertificate) {
			t.Errorf("certificate of %d bytes", len(cert.Raw))
		}
	})
}

func FuzzCHUID(f *testing.F) {
	f.Add(tlv.Make(tagGUID, make([]byte, 16)))
	f.Fuzz(func(t *testing.T, raw []byte) {
		if guid, err := parseCHUID(raw); err != nil && guid != [16]byte{} {
			t.Error("a number from an object that is refused")
		}
	})
}

func FuzzSignature(f *testing.F) {
	f.Add(tlv.Make(tagDynamic, tlv.Make(tagResponse, []byte{0x30, 0})))
	f.Fuzz(func(t *testing.T, raw []byte) {
		if s, err := parseSignature(raw); err == nil && len(s) > maxSignature {
			t.Errorf("signature of %d bytes", len(s))
		}
	})
}
