package fhir

import (
	"cmp"
	"errors"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	jsonv1 "github.com/go-json-experiment/json/v1"
)

// reading is how JSON of another system is read: as it was meant, where it can
// be. An element that stands twice counts as the last one says, characters that
// are none become U+FFFD, and bytes in base64 may be broken into lines. The
// account tells of all these but the last, which loses nothing.
var reading = json.JoinOptions(jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true), jsonv1.ParseBytesWithLooseRFC4648(true))

// read fills what v points to with a resource, or a part of one.
func read(raw []byte, v any) error { return json.Unmarshal(raw, v, reading) }

// number is a number in JSON, in the digits in which it was written. FHIR's
// decimals have a precision (R4, 2.24.0.1), which no float keeps.
type number string

var errNumber = errors.New("not a number")

// String returns the digits, empty where there was no number.
func (n number) String() string { return string(n) }

// MarshalJSON writes the digits; none are nothing.
func (n number) MarshalJSON() ([]byte, error) { return []byte(cmp.Or(n, "0")), nil }

// UnmarshalJSONFrom reads a number, be it between quotes.
func (n *number) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	raw, err := d.ReadValue()
	if err != nil {
		return err
	}
	if raw.Kind() == jsontext.KindNull {
		*n = ""
		return nil
	}
	if raw.Kind() == jsontext.KindString {
		raw = raw[1 : len(raw)-1]
		if n := len(raw); n == 0 || raw[0] <= ' ' || raw[n-1] <= ' ' || !raw.IsValid() {
			return errNumber
		}
	}
	if raw.Kind() != jsontext.KindNumber {
		return errNumber
	}
	*n = number(raw)
	return nil
}
