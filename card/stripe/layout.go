package stripe

import (
	"slices"
	"strings"
)

// layout is what one keyboard layout makes of the keys that a reader presses
// for the sixteen characters of track 2, in their order: 0 to 9 : ; < = > ?
// The reader means the keys of the layout of the United States.
type layout struct {
	name  string
	signs [16]rune
}

// The layouts, from the X keyboard configuration database: what the key
// means there. Digits of the number pad, and those of the Arabic and the
// Persian row, are digits in each.
var layouts = []layout{
	{"United States", signs("0123456789:;<=>?")},
	{"Arabic, Iraq", signs("0123456789:ك,=.؟")},
	{"Kurdish, Arabic letters", signs("٠١٢٣٤٥٦٧٨٩:؛>=<؟")},
	{"German", signs("0123456789Öö;´:_")},
	{"French", signs("à&é\"'(-è_çMm?=.§")},
	{"Turkish", signs("0123456789ŞşÖ-Ç:")},
	{"Kurdish, Latin letters", signs("0123456789ŞşÊ-Ç:")},
}

func signs(s string) (out [16]rune) {
	copy(out[:], []rune(s))
	return out
}

// track2 finds track 2 in a line and writes it in the signs of the standard.
// Track 1 goes before it and track 3 behind it; what they hold is dropped. It
// owes ErrTrack, ErrMisread and ErrFormat.
func (l *layout) track2(line string) (string, error) {
	start, end := l.signs[startSentinel-'0'], l.signs[endSentinel-'0']
	track := []rune(line)
	if track[0] == '%' {
		track = behind(track, end)
		if len(track) > 1 && track[0] != start { // the LRC of track 1
			track = track[1:]
		}
		if len(track) == 0 || track[0] != start {
			return "", ErrTrack
		}
	}
	if track[0] == '+' {
		return "", ErrTrack
	}
	if next := slices.Index(behind(track, end), '+'); next >= 0 {
		track = track[:slices.Index(track, end)+1+next] // track 3 is left out
	}
	return l.translate(track)
}

// behind returns what follows the first end sentinel, nothing without one.
func behind(track []rune, end rune) []rune {
	if i := slices.Index(track, end); i >= 0 {
		return track[i+1:]
	}
	return nil
}

// translate writes a track in the signs of the standard.
func (l *layout) translate(track []rune) (string, error) {
	var out strings.Builder
	for i, c := range track {
		switch v := l.value(c); {
		case v >= 0:
			out.WriteByte('0' + byte(v)) // #nosec G115 -- 0 to 15
		case c == 'E' && i <= 1: // ;E? from readers that could not read
			out.WriteByte('E')
		case c == ' ':
		default:
			return "", ErrFormat
		}
	}
	return out.String(), nil
}

// value returns the value of a sign, -1 when the layout has none for it.
func (l *layout) value(c rune) int {
	for v, s := range l.signs {
		if s == c {
			return v
		}
	}
	return int(digit(c))
}

// digit returns the value of a digit of three rows, -1 for anything else.
func digit(c rune) rune {
	switch {
	case '0' <= c && c <= '9':
		return c - '0'
	case '٠' <= c && c <= '٩':
		return c - '٠'
	case '۰' <= c && c <= '۹':
		return c - '۰'
	}
	return -1
}
