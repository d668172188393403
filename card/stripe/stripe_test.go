package stripe

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"testing"
)

// What follows the number of nobody on its track.
const someRest = "2912101"

func some(tb testing.TB) (n Number, track string) {
	tb.Helper()
	n, err := NewNumber("DH-0042-7781")
	if err != nil {
		tb.Fatal(err)
	}
	if track, err = Track2(n, someRest); err != nil {
		tb.Fatal(err)
	}
	return n, track
}

// typed is what a keyboard layout makes of a track.
func typed(l layout, track string) string {
	return strings.Map(func(c rune) rune { return l.signs[c-'0'] }, track)
}

func TestParse(t *testing.T) {
	n, track := some(t)
	digits, body := n.Digits(), track[:len(track)-1]
	other := strings.Replace(track, "?"+track[len(track)-1:], "?0", 1)
	if other == track {
		other = body + "1"
	}
	for _, c := range []struct {
		name, line string
		want       error
	}{
		{"whole", track, nil},
		{"without LRC", body, nil},
		{"without end sentinel", strings.TrimSuffix(body, "?"), nil},
		{"without start sentinel", body[1:], nil},
		{"without start sentinel, with LRC", track[1:], nil},
		{"without sentinels", strings.Trim(body, ";?"), nil},
		{"the number alone", digits, nil},
		{"number in groups", digits[:4] + " " + digits[4:8] + " " + digits[8:12] + " " + digits[12:], nil},
		{"number in Arabic digits", strings.Map(func(c rune) rune { return c - '0' + '٠' }, digits), nil},
		{"number in Persian digits", strings.Map(func(c rune) rune { return c - '0' + '۰' }, digits), nil},
		{"spaces and line end", "  " + track + "\r\n", nil},
		{"no expiry", ";" + digits + "==" + "?", nil},
		{"track 1 before", "%B" + digits + "^HOLDER/TEST^2912101?" + track, nil},
		{"track 1 with LRC before", "%B" + digits + "^HOLDER/TEST^2912101?5" + track, nil},
		{"track 3 behind", body + "+0123?", nil},
		{"track 3 behind the LRC", track + "+0123?", nil},
		{"unreadable track 1 before", "%E?" + track, nil},

		{"nothing", "", ErrEmpty},
		{"spaces", " \r\n", ErrEmpty},
		{"endless", strings.Repeat("9", MaxLine+1), ErrTooLong},
		{"longer than a track", ";" + digits + "=" + strings.Repeat("0", MaxTrack) + "?", ErrTooLong},
		{"wrong LRC", other, ErrLRC},
		{"two characters of LRC", track + "1", ErrFormat},
		{"unreadable", ";E?", ErrMisread},
		{"all unreadable", "%E?;E?+E?", ErrMisread},
		{"track 1 alone", "%B" + digits + "^HOLDER/TEST^2912101?", ErrTrack},
		{"track 3 alone", "+0123=?", ErrTrack},
		{"a bank's card", ";4111111111111111=2912101?", ErrForeign},
		{"wrong check digit", ";" + digits[:15] + string('0'+(digits[15]-'0'+1)%10) + "=" + someRest + "?", ErrCheckDigit},
		{"15 digits", ";" + digits[:15] + "=" + someRest + "?", ErrFormat},
		{"20 digits", Prefix + "00000000000000", ErrFormat},
		{"letters", ";93680100HELLO=?", ErrFormat},
		{"a control character", ";936801000<27781=?", ErrFormat},
		{"no UTF-8", ";\xff\xfe=?", ErrFormat},
		{"only sentinels", ";=?", ErrFormat},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := Parse(c.line)
			if !errors.Is(err, c.want) {
				t.Fatalf("%v, want %v", err, c.want)
			}
			if err == nil && got != n {
				t.Fatalf("read %s", got.Digits())
			}
			if err != nil && strings.ContainsAny(err.Error(), "0345789") {
				t.Fatalf("the error tells digits: %v", err)
			}
		})
	}
}

// TestDocument reads the vector of docs/formats/carriers.md.
func TestDocument(t *testing.T) {
	raw, err := os.ReadFile("../../docs/formats/carriers.md")
	if err != nil {
		t.Fatal(err)
	}
	_, behind, _ := strings.Cut(string(raw), "### Vector: track 2\n\n```\n")
	line, _, _ := strings.Cut(behind, "\n")
	want, track := some(t)
	if got, err := Parse(line); err != nil || got != want || line != track {
		t.Errorf("%q, %v; want %q", line, err, track)
	}
}

// TestLayouts types tracks with every LRC in every layout.
func TestLayouts(t *testing.T) {
	seen := make(map[byte]bool)
	for member := range 200 {
		n, err := NewNumber(fmt.Sprint(1000 + member))
		if err != nil {
			t.Fatal(err)
		}
		track, err := Track2(n, someRest)
		if err != nil {
			t.Fatal(err)
		}
		seen[track[len(track)-1]] = true
		for _, l := range layouts {
			for _, line := range []string{typed(l, track), typed(l, track[:len(track)-1]), typed(l, strings.Trim(track[:len(track)-1], ";?"))} {
				if got, err := Parse(line); err != nil || got != n {
					t.Fatalf("%s: %q read as %s: %v", l.name, line, got, err)
				}
			}
		}
	}
	if len(seen) != 16 {
		t.Errorf("only %d LRC characters came up", len(seen))
	}
	// Digits of the number pad under another layout's row.
	_, track := some(t)
	for _, l := range layouts {
		mixed := strings.Map(func(c rune) rune {
			if '0' <= c && c <= '9' {
				return c
			}
			return l.signs[c-'0']
		}, track[:len(track)-1])
		if _, err := Parse(mixed); err != nil {
			t.Errorf("%s: %q: %v", l.name, mixed, err)
		}
	}
}

func TestNumbers(t *testing.T) {
	for _, c := range []struct {
		member, digits string
		want           error
	}{
		{"DH-0042-7781", "9368010004277816", nil},
		{"427781", "9368010004277816", nil},
		{"٤٢٧٧٨١", "9368010004277816", nil},
		{"999999999999", "9368019999999999992", nil},
		{"1000000000000", "", ErrFormat},
		{"DH", "", ErrFormat},
		{"", "", ErrFormat},
	} {
		n, err := NewNumber(c.member)
		if !errors.Is(err, c.want) || n.Digits() != c.digits {
			t.Errorf("%q: %q, %v", c.member, n.Digits(), err)
		}
		if err == nil && (!n.Names(c.member) || !n.Names(n.Digits()) || n.Names("4277810") || n.Names("DH")) {
			t.Errorf("%q is named wrongly", c.member)
		}
	}
	if (Number{}).Names("") || (Number{}).Names("0") {
		t.Error("no number names a member")
	}
	if _, err := Track2(Number{}, ""); !errors.Is(err, ErrFormat) {
		t.Errorf("track of no number: %v", err)
	}
	n, _ := some(t)
	if _, err := Track2(n, "x"); !errors.Is(err, ErrFormat) {
		t.Errorf("letters behind the number: %v", err)
	}
	if _, err := Track2(n, strings.Repeat("1", 30)); !errors.Is(err, ErrTooLong) {
		t.Errorf("too long a track: %v", err)
	}
}

// TestCheckDigit tries every wrong digit, and every swap of neighbours but 09
// and 90, which the check digit cannot tell apart.
func TestCheckDigit(t *testing.T) {
	n, _ := some(t)
	good := n.Digits()
	for i := len(Prefix); i < len(good); i++ {
		for d := byte('0'); d <= '9'; d++ {
			bad := good[:i] + string(rune(d)) + good[i+1:]
			if _, err := ParseNumber(bad); (err == nil) != (bad == good) {
				t.Errorf("%s: %v", bad, err)
			}
		}
		if i+1 == len(good) || good[i] == good[i+1] || good[i:i+2] == "09" || good[i:i+2] == "90" {
			continue
		}
		swapped := good[:i] + good[i+1:i+2] + good[i:i+1] + good[i+2:]
		if _, err := ParseNumber(swapped); !errors.Is(err, ErrCheckDigit) {
			t.Errorf("%s: %v", swapped, err)
		}
	}
}

// TestLRC flips every bit of every character of a track.
func TestLRC(t *testing.T) {
	_, track := some(t)
	for i := 1; i < len(track)-2; i++ {
		for bit := range 4 {
			bad := []byte(track)
			bad[i] ^= 1 << bit
			if _, err := Parse(string(bad)); err == nil {
				t.Errorf("%s passes", bad)
			}
		}
	}
}

func TestPrinting(t *testing.T) {
	n, _ := some(t)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		if out := fmt.Sprintf(verb, n); strings.Contains(out, n.Digits()[6:12]) {
			t.Errorf("%s prints %s", verb, out)
		}
	}
	var log strings.Builder
	slog.New(slog.NewJSONHandler(&log, nil)).Info("swiped", "number", n)
	if strings.Contains(log.String(), n.Digits()) {
		t.Errorf("logs %s", &log)
	}
}

func FuzzParse(f *testing.F) {
	_, track := some(f)
	for _, l := range layouts {
		f.Add(typed(l, track))
	}
	for _, s := range []string{"", "%B^?;E?", "%?5;1=?", "+", "%", "9368010004277816", track + "+1?", "\xff"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, line string) {
		n, err := Parse(line)
		if err != nil {
			if n != (Number{}) {
				t.Fatal("a number beside an error")
			}
			return
		}
		again, err := Track2(n, "")
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range layouts {
			if m, err := Parse(typed(l, again)); err != nil || m != n {
				t.Fatalf("%s: %v", l.name, err)
			}
		}
	})
}

func BenchmarkParse(b *testing.B) {
	_, track := some(b)
	for b.Loop() {
		if _, err := Parse(track); err != nil {
			b.Fatal(err)
		}
	}
}
