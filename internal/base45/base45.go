// Package base45 writes and reads Base45 (RFC 9285): bytes in the 45
// characters that a QR code packs into five and a half bits each.
package base45

import (
	"errors"
	"strings"
)

// ErrFormat says that the text is no Base45.
var ErrFormat = errors.New("malformed base45")

// alphabet is that of RFC 9285, table 1, and of a QR code's alphanumeric mode.
const alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"

// Encode writes two bytes as three characters, least significant first, and a
// last single byte as two.
func Encode(b []byte) string {
	out := make([]byte, 0, (len(b)+1)/2*3)
	for ; len(b) >= 2; b = b[2:] {
		v := int(b[0])<<8 | int(b[1])
		out = append(out, alphabet[v%45], alphabet[v/45%45], alphabet[v/(45*45)])
	}
	if len(b) == 1 {
		out = append(out, alphabet[b[0]%45], alphabet[b[0]/45])
	}
	return string(out)
}

// Decode is the reverse. A group of three above 65,535, or of two above 255,
// is refused, so that no two texts mean the same bytes. It owes ErrFormat.
func Decode(s string) ([]byte, error) {
	if len(s)%3 == 1 {
		return nil, ErrFormat
	}
	out := make([]byte, 0, len(s)/3*2+1)
	for len(s) > 0 {
		group := s[:min(3, len(s))]
		s = s[len(group):]
		v := 0
		for i := len(group) - 1; i >= 0; i-- {
			c := strings.IndexByte(alphabet, group[i])
			if c < 0 {
				return nil, ErrFormat
			}
			v = v*45 + c
		}
		switch {
		case len(group) == 3 && v <= 0xffff:
			out = append(out, byte(v>>8), byte(v)) // #nosec G115 -- two bytes
		case len(group) == 2 && v <= 0xff:
			out = append(out, byte(v)) // #nosec G115 -- one byte
		default:
			return nil, ErrFormat
		}
	}
	return out, nil
}
