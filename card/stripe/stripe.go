// Package stripe reads what a magnetic stripe reader types as a keyboard:
// track 2 of an identification card (ISO/IEC 7811-2, ISO/IEC 7813) of the
// programme, and of it the member's number only.
//
// A stripe is no proof of anything: whoever has seen a card can write one. The
// number says whose record to look for, and nothing is opened by it.
package stripe

import (
	"errors"
	"slices"
	"strings"
)

// The bounds of ISO/IEC 7811-2 and 7813, in characters, and of what is read.
const (
	MaxTrack = 40  // track 2 with both sentinels and the LRC
	MaxLine  = 512 // bytes of one line: three tracks in letters of two bytes
)

// The characters of track 2 (ISO/IEC 7811-2, table of 5-bit characters): the
// digits, three that no card uses, and these. A character's value is its
// distance from '0'.
const (
	startSentinel = ';'
	separator     = '='
	endSentinel   = '?'
)

// Sentinels on which callers branch. None of them tells what was read.
var (
	// ErrEmpty: the line holds nothing.
	ErrEmpty = errors.New("nothing was read from the stripe")
	// ErrTooLong: the line is longer than three tracks, or track 2 than a track.
	ErrTooLong = errors.New("line is longer than a stripe")
	// ErrMisread: the reader says itself that it could not read track 2.
	ErrMisread = errors.New("reader could not read the stripe")
	// ErrTrack: the line holds track 1 or 3 only.
	ErrTrack = errors.New("line holds another track than track 2")
	// ErrFormat: the line is no track 2, in any keyboard layout that is known.
	ErrFormat = errors.New("line is no track 2")
	// ErrLRC: the longitudinal redundancy check character does not fit.
	ErrLRC = errors.New("track 2 fails its redundancy check")
	// ErrForeign: a sound card, but not of the programme: a bank's, say.
	ErrForeign = errors.New("card is not of the programme")
	// ErrCheckDigit: the number's last digit does not fit the others.
	ErrCheckDigit = errors.New("number fails its check digit")
	// ErrAmbiguous: two keyboard layouts make two numbers of the line.
	ErrAmbiguous = errors.New("line means two numbers")
)

// Parse reads one line as a reader types it, or a number as a person does:
//
//	[ ; ] number [ = rest ] [ ? [ LRC ] ]
//
// Sentinels and LRC may be there or not, as readers are set up. Track 1 or 3
// beside it is skipped. A keyboard layout other than the reader's changes the
// signs; it is recognised and undone where the line leaves no doubt. Owes every
// error of this package.
func Parse(line string) (Number, error) {
	if len(line) > MaxLine {
		return Number{}, ErrTooLong
	}
	line = strings.TrimSpace(line)
	if line == "" {
		return Number{}, ErrEmpty
	}
	var found Number
	worst := ErrFormat
	for _, l := range layouts {
		track, err := l.track2(line)
		if err == nil {
			var n Number
			if n, err = parseTrack(track); err == nil {
				if found != (Number{}) && found != n {
					return Number{}, ErrAmbiguous
				}
				found = n
			}
		}
		worst = graver(worst, err)
	}
	if found != (Number{}) {
		return found, nil
	}
	return Number{}, worst
}

// gravity orders the errors by how far the reading got: what is told is the
// error of the layout that made most sense of the line.
var gravity = []error{ErrFormat, ErrTooLong, ErrTrack, ErrMisread, ErrLRC, ErrForeign, ErrCheckDigit}

func graver(a, b error) error {
	if slices.Index(gravity, b) > slices.Index(gravity, a) {
		return b
	}
	return a
}

// parseTrack reads track 2 in the signs of the standard (ISO/IEC 7813:2006,
// clause 7).
func parseTrack(track string) (Number, error) {
	if len(track) > MaxTrack {
		return Number{}, ErrTooLong
	}
	body := strings.TrimPrefix(track, string(startSentinel))
	if body == "E"+string(endSentinel) || body == "E" {
		return Number{}, ErrMisread
	}
	body, check, ended := strings.Cut(body, string(endSentinel))
	if len(body) > MaxTrack-3 || strings.Trim(body, "0123456789"+string(separator)) != "" {
		return Number{}, ErrFormat
	}
	switch {
	case !ended || check == "":
	case len(check) != 1:
		return Number{}, ErrFormat
	case check[0] != lrc(body):
		return Number{}, ErrLRC
	}
	number, _, _ := strings.Cut(body, string(separator))
	return ParseNumber(number)
}

// lrc returns the check character over a track's body and both sentinels: the
// exclusive or of the characters' values, so that every bit has even parity
// over the track (ISO/IEC 7811-2, clause 10). Parity bits are the reader's.
func lrc(body string) byte {
	x := byte((startSentinel ^ endSentinel) & 15)
	for _, c := range []byte(body) {
		x ^= c & 15
	}
	return '0' + x
}

// Track2 writes a whole track 2 for a number: its expiry as YYMM, service code
// and discretionary digits follow the separator, as rest. It owes ErrFormat and
// ErrTooLong.
func Track2(n Number, rest string) (string, error) {
	body := n.Digits() + string(separator) + rest
	if n == (Number{}) || strings.Trim(rest, "0123456789"+string(separator)) != "" {
		return "", ErrFormat
	}
	if len(body) > MaxTrack-3 {
		return "", ErrTooLong
	}
	return string(startSentinel) + body + string(endSentinel) + string(rune(lrc(body))), nil
}
