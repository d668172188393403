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
	switch raw.Kind() {
	case 'n':
		*n = ""
	case '0':
		*n = number(raw)
	case '"':
		inner := raw[1 : len(raw)-1]
		if n := len(inner); n == 0 || inner.Kind() != '0' || inner[0] <= ' ' || inner[n-1] <= ' ' || !inner.IsValid() {
			return errNumber
		}
		*n = number(inner)
	default:
		return errNumber
	}
	return nil
}
