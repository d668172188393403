package piv

import (
	"bytes"
	"compress/gzip"
	"crypto/x509"
	"fmt"
	"io"

	"github.com/dhamani-iq/dhamani/card/tlv"
)

// Tags of SP 800-73-4: part 1 table 3 and section 3.3, part 2 tables 3 and 7.
const (
	tagTemplate = tlv.Tag(0x61) // application property template
	tagPIX      = tlv.Tag(0x4F) // application identifier in it
	tagList     = tlv.Tag(0x5C) // which object GET DATA wants
	tagObject   = tlv.Tag(0x53) // its content

	tagCHUID                     = tlv.Tag(0x5FC102)
	tagAuthenticationCertificate = tlv.Tag(0x5FC105)
	tagSignatureCertificate      = tlv.Tag(0x5FC10A)

	tagGUID        = tlv.Tag(0x34)
	tagCertificate = tlv.Tag(0x70)
	tagCertInfo    = tlv.Tag(0x71)

	tagDynamic   = tlv.Tag(0x7C)
	tagChallenge = tlv.Tag(0x81)
	tagResponse  = tlv.Tag(0x82)

	certificateGzip = 0x01 // in the certificate's info byte
	maxCertificate  = 8 << 10
	maxSignature    = 72 // of P-256 in ASN.1
)

// parseTemplate checks what SELECT answers:
//
//	61 { 4F application identifier, or its proprietary end, ... }
//
// Some cards answer with the identifier's proprietary part alone (part 2, table 3).
func parseTemplate(raw []byte) error {
	body, err := tlv.Field(raw, tagTemplate)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	items, err := tlv.All(body)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	id, found := tlv.Find(items, tagPIX)
	if !found || !bytes.HasPrefix(id, aid) && !bytes.HasPrefix(id, aid[5:]) {
		return fmt.Errorf("application identifier: %w", ErrMalformed)
	}
	return nil
}

// parseCertificate reads the content of a certificate's object (part 1, table 10):
//
//	70 certificate | 71 info u8, bit 0: gzip | 72 ... | FE check value
func parseCertificate(raw []byte) (*x509.Certificate, error) {
	items, err := tlv.All(raw)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	der, _ := tlv.Find(items, tagCertificate)
	info, _ := tlv.Find(items, tagCertInfo)
	if len(der) == 0 || len(der) > maxCertificate || len(info) > 1 {
		return nil, fmt.Errorf("certificate of %d bytes: %w", len(der), ErrMalformed)
	}
	if len(info) == 1 && info[0]&certificateGzip != 0 {
		if der, err = inflate(der); err != nil {
			return nil, err
		}
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	return cert, nil
}

func inflate(raw []byte) ([]byte, error) {
	zr, err := gzip.NewReader(bytes.NewReader(raw))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	out, err := io.ReadAll(io.LimitReader(zr, maxCertificate+1))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	if len(out) > maxCertificate {
		return nil, fmt.Errorf("certificate of more than %d bytes: %w", maxCertificate, ErrMalformed)
	}
	return out, nil
}

// parseCHUID takes the GUID from a card holder unique identifier (part 1, table 9).
func parseCHUID(raw []byte) (guid [16]byte, err error) {
	items, err := tlv.All(raw)
	if err != nil {
		return guid, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	value, _ := tlv.Find(items, tagGUID)
	if len(value) != len(guid) {
		return guid, fmt.Errorf("guid of %d bytes: %w", len(value), ErrMalformed)
	}
	return [16]byte(value), nil
}

// parseSignature reads what GENERAL AUTHENTICATE answers: 7C { 82 signature }.
func parseSignature(raw []byte) ([]byte, error) {
	body, err := tlv.Field(raw, tagDynamic)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	signature, err := tlv.Field(body, tagResponse)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	if len(signature) > maxSignature {
		return nil, fmt.Errorf("signature of %d bytes: %w", len(signature), ErrMalformed)
	}
	return signature, nil
}
