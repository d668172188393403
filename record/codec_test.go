package record

import (
	"errors"
	"math/rand/v2"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/dhamani-iq/dhamani/record/terms"
)

// TestWrittenIsLookedAt spoils each code and each unit of an entry that has all
// there can be: what is looked at only as it is written is refused all the same.
func TestWrittenIsLookedAt(t *testing.T) {
	places := 0
	for n := 0; ; n++ {
		e, left := full(), n
		if !spoil(reflect.ValueOf(e).Elem(), &left) {
			break
		}
		places++
		if err := e.Validate(); !errors.Is(err, ErrInvalid) {
			t.Errorf("place %d: %v", n, err)
		}
		if b, _, err := e.AppendTo([]byte("before")); !errors.Is(err, ErrInvalid) || string(b) != "before" {
			t.Errorf("place %d: written: %v", n, err)
		}
	}
	if places < 30 {
		t.Errorf("only %d codes and units", places)
	}
}

// spoil gives the code or quantity that is left away from here a value that
// cannot be, and reports whether there was one.
func spoil(v reflect.Value, left *int) bool {
	here := func() bool { *left--; return *left == -1 }
	switch x := v.Addr().Interface().(type) {
	case *Code:
		if here() {
			*x = Code{System: terms.ICD10, Value: "E11\n"}
			return true
		}
		return false
	case *Quantity:
		if here() {
			x.Unit = "kg\x00"
			return true
		}
		return false
	}
	switch v.Kind() { //nolint:exhaustive // the rest holds no other
	case reflect.Pointer:
		return !v.IsNil() && spoil(v.Elem(), left)
	case reflect.Slice:
		for i := range v.Len() {
			if spoil(v.Index(i), left) {
				return true
			}
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() && spoil(v.Field(i), left) {
				return true
			}
		}
	}
	return false
}

// TestCodeNumber holds the number that stands for a code against the slow way:
// digits that read again to the same text.
func TestCodeNumber(t *testing.T) {
	values := []string{
		"", "-", "0", "00", "007", "07", "7", "10", "08", "100", "4548-4", "4548-5", "4548-", "-4", "04548-4", "0-0", "1-8", "85354-9",
		"38341003", "038341003", "4611686018427387903", "4611686018427387904", "9999999999999999999", "18446744073709551616",
		"99999999999999999999999999999999", "+12", "-12", "1 2", "12\x00", "١٢", "12a", "12-",
	}
	for range 2000 {
		v := strconv.FormatUint(rand.Uint64N(1<<uint(1+rand.IntN(63))), 10)
		values = append(values, v, v+"-"+string(luhn(v)), "0"+v, v+"-0")
	}
	slow := func(c Code) (uint64, bool) {
		digits := c.Value
		switch c.System { //nolint:exhaustive // the others have none
		case terms.SNOMED, terms.RxNorm, terms.CVX:
		case terms.LOINC:
			digits, _, _ = strings.Cut(digits, "-")
		default:
			return 0, false
		}
		n, err := strconv.ParseUint(digits, 10, 62)
		return n, err == nil && codeText(c.System, n) == c.Value
	}
	for _, v := range values {
		for s := range terms.NumSystems {
			c := Code{System: s, Value: v}
			want, ok := slow(c)
			if got, is := codeNumber(c); is != ok || ok && got != want {
				t.Errorf("%s %q: %d, %v; want %d, %v", s, v, got, is, want, ok)
			}
		}
	}
}
