package redact

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

const secret = "open-sesame-91"

// leaks reports whether out holds the secret in any form that Go's printing
// could have given it.
func leaks(out string) bool {
	raw := []byte(secret)
	decimals := strings.Trim(fmt.Sprintf("%d", raw), "[]")
	for _, form := range []string{
		secret,
		hex.EncodeToString(raw),
		strings.ToUpper(hex.EncodeToString(raw)),
		fmt.Sprintf("% x", raw),
		base64.StdEncoding.EncodeToString(raw),
		decimals,
		strings.ReplaceAll(decimals, " ", ", "),
	} {
		if strings.Contains(out, form) {
			return true
		}
	}
	return false
}

type holder struct {
	Name  string
	Word  String
	Key   Bytes
	inner Bytes
	Ptr   *Bytes
	Many  []String
	ByKey map[string]Bytes
}

func values() map[string]any {
	s, b := NewString(secret), NewBytes([]byte(secret))
	return map[string]any{
		"string":         s,
		"bytes":          b,
		"string pointer": &s,
		"bytes pointer":  &b,
		"slice":          []Bytes{b, b},
		"map":            map[string]String{"k": s},
		"interface":      []any{s, b},
		"struct": holder{
			Name: "n", Word: s, Key: b, inner: b, Ptr: &b,
			Many: []String{s}, ByKey: map[string]Bytes{"k": b},
		},
	}
}

func TestFmtVerbs(t *testing.T) {
	for name, v := range values() {
		t.Run(name, func(t *testing.T) {
			for c := rune(0x21); c < 0x7f; c++ {
				for _, flags := range []string{"", "+", "#", "-", " ", "0", "20", ".3", "[1]"} {
					if c == '%' || c == '*' {
						continue
					}
					out := fmt.Sprintf("%"+flags+string(c), v)
					if leaks(out) {
						t.Fatalf("verb %%%s%c prints %q", flags, c, out)
					}
				}
			}
			for _, out := range []string{fmt.Sprint(v), fmt.Sprintln(v)} {
				if leaks(out) {
					t.Fatalf("print gives %q", out)
				}
			}
		})
	}
}

func TestMark(t *testing.T) {
	for _, format := range []string{"%v", "%+v", "%#v", "%s", "%x", "%X", "%q", "%d"} {
		if got := fmt.Sprintf(format, NewString(secret)); got != Mark {
			t.Errorf("%s of a string prints %q", format, got)
		}
		if got := fmt.Sprintf(format, NewBytes([]byte(secret))); got != Mark {
			t.Errorf("%s of bytes prints %q", format, got)
		}
	}
}

func TestSlog(t *testing.T) {
	handlers := map[string]func(*bytes.Buffer) slog.Handler{
		"text": func(b *bytes.Buffer) slog.Handler { return slog.NewTextHandler(b, nil) },
		"json": func(b *bytes.Buffer) slog.Handler { return slog.NewJSONHandler(b, nil) },
	}
	for handler, make := range handlers {
		for name, v := range values() {
			t.Run(handler+"/"+name, func(t *testing.T) {
				var out bytes.Buffer
				log := slog.New(make(&out))
				log.With("with", v).InfoContext(t.Context(), "event", "value", v, slog.Group("g", "value", v))
				if leaks(out.String()) {
					t.Fatalf("log line %q", out.String())
				}
			})
		}
	}
}

func TestEncodings(t *testing.T) {
	for name, v := range values() {
		t.Run(name, func(t *testing.T) {
			out, err := json.Marshal(v)
			if err != nil {
				t.Fatalf("json: %v", err)
			}
			if leaks(string(out)) {
				t.Fatalf("json gives %s", out)
			}
			out, err = xml.Marshal(v)
			if err == nil && leaks(string(out)) {
				t.Fatalf("xml gives %s", out)
			}
		})
	}
}

func TestErrors(t *testing.T) {
	cause := errors.New("cause")
	err := fmt.Errorf("open key %v with %s: %w", NewBytes([]byte(secret)), NewString(secret), cause)
	err = errors.Join(fmt.Errorf("outer: %w", err), cause)
	if !errors.Is(err, cause) {
		t.Error("cause is lost")
	}
	if leaks(err.Error()) || leaks(fmt.Sprintf("%+v %#v", err, err)) {
		t.Errorf("error prints %v", err)
	}
}

func TestReveal(t *testing.T) {
	raw := []byte(secret)
	b := NewBytes(raw)
	if NewString(secret).Reveal() != secret || !bytes.Equal(b.Reveal(), raw) || b.Len() != len(raw) {
		t.Error("reveal does not give the value back")
	}
	if !b.Equal(NewBytes([]byte(secret))) || b.Equal(NewBytes([]byte("x"))) || b.Equal(Bytes{}) {
		t.Error("equal is wrong")
	}
	if b.IsZero() || !(Bytes{}).IsZero() || !(String{}).IsZero() || NewString("x").IsZero() {
		t.Error("is zero is wrong")
	}
	b.Wipe()
	if !bytes.Equal(raw, make([]byte, len(raw))) {
		t.Error("wipe leaves the secret")
	}
}
