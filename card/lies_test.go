package card_test

import (
	"bytes"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"testing"

	"github.com/dhamani-iq/dhamani/card"
	"github.com/dhamani-iq/dhamani/crypto/cvc"
)

// lengthsIn returns where the lengths of the data objects in b stand: their
// offsets and widths, those of the objects within objects too.
func lengthsIn(b []byte, base int) (found [][2]int) {
	for at := 0; at+1 < len(b); {
		tag := at
		if b[at]&0x1F == 0x1F {
			at++
			for at+1 < len(b) && b[at]&0x80 != 0 {
				at++
			}
		}
		at++
		if at >= len(b) {
			return found
		}
		width, n := 1, int(b[at])
		if n >= 0x80 {
			width += n & 0x7F
			if n = 0; width > 3 || at+width > len(b) {
				return found
			}
			for _, x := range b[at+1 : at+width] {
				n = n<<8 | int(x)
			}
		}
		if at+width+n > len(b) {
			return found
		}
		found = append(found, [2]int{base + at, width})
		if value := b[at+width:][:n]; b[tag]&0x20 != 0 {
			found = append(found, lengthsIn(value, base+at+width)...)
		}
		at += width + n
	}
	return found
}

// lies are what may stand in the place of a length: smaller, larger, in forms
// that no encoder writes, and larger than any memory.
func lies(length []byte) [][]byte {
	n := int(length[len(length)-1])
	short := func(n int) []byte { return []byte{byte(n & 0x7F)} }
	return [][]byte{
		short(0), short(n + 1), short(n - 1),
		{0x7F},
		{0x80},
		{0x81},
		{0x81, byte(n)},
		{0x81, 0xFF},
		{0x82, 0x00, byte(n)},
		{0x82, 0xFF, 0xFF},
		{0x83, 0xFF, 0xFF, 0xFF},
		{0x84, 0x7F, 0xFF, 0xFF, 0xFF},
		{0x84, 0xFF, 0xFF, 0xFF, 0xFF},
		{0x88, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF},
		{0xFF},
		{},
	}
}

// mostLengths is how many lengths of one answer are tried; the bytes of the log
// look like more.
const mostLengths = 6

// Every length in every answer of a tap is replaced by every lie, one at a
// time. Either the tap fails with a named error, or all that it brought is right.
func TestLieInEveryLength(t *testing.T) {
	p := newProgramme(t)
	image := p.issue(t, 1, 700, 300).Image()
	desk := p.terminal(t, cvc.RolePhysician, cvc.RightAppend)
	entry := marked(1, 100)
	n := counted(t, reload(t, image), desk, entry)
	told := 0
	for at := range n {
		for which := range mostLengths {
			tries := 1
			for lie := 0; lie < tries; lie++ {
				c := reload(t, image)
				tr := c.Transport()
				w := &wire{Transport: tr}
				spots := 0
				w.hook = func(i int, cmd []byte) ([]byte, error) {
					answer, err := tr.Transmit(t.Context(), cmd)
					if i != at || err != nil {
						return answer, err
					}
					data := answer[:len(answer)-2]
					found := lengthsIn(data, 0)
					if spots = len(found); which >= spots {
						return answer, nil
					}
					told++
					spot := found[which]
					length := data[spot[0]:][:spot[1]]
					all := lies(length)
					tries = len(all)
					return slices.Concat(data[:spot[0]], all[lie], data[spot[0]+spot[1]:], answer[len(data):]), nil
				}
				got, err := tap(t.Context(), w, desk, entry)
				if err != nil && !named(err) {
					t.Fatalf("answer %d, length %d, lie %d: error without a name: %v", at, which, lie, err)
				}
				if !got.only(1) {
					t.Fatalf("answer %d, length %d, lie %d: wrong data, %v", at, which, lie, err)
				}
				if which >= spots {
					tries = 0
				}
			}
			if tries == 0 {
				break
			}
		}
	}
	t.Logf("%d lies about lengths in %d answers", told, n)
	if told < 500 {
		t.Fail()
	}
}

// Every answer under secure messaging is given again in the place of every
// later one.
func TestOldAnswersAgain(t *testing.T) {
	p := newProgramme(t)
	image := p.issue(t, 1, 700, 300).Image()
	desk := p.terminal(t, cvc.RolePhysician, cvc.RightAppend)
	n := counted(t, reload(t, image), desk, nil)
	first := -1 // the first answer under secure messaging
	run := func(at, old int) (same bool, err error) {
		tr := reload(t, image).Transport()
		w := &wire{Transport: tr}
		var answers [][]byte
		w.hook = func(i int, cmd []byte) ([]byte, error) {
			if cmd[0]&0x0C != 0 && first < 0 {
				first = i
			}
			answer, err := tr.Transmit(t.Context(), cmd)
			answers = append(answers, bytes.Clone(answer))
			if i == at && err == nil {
				same = bytes.Equal(answer[:len(answer)-2], answers[old][:len(answers[old])-2])
				return bytes.Clone(answers[old]), nil
			}
			return answer, err
		}
		_, err = tap(t.Context(), w, desk, nil)
		return same, err
	}
	if _, err := run(-1, 0); err != nil || first < 0 {
		t.Fatalf("honest: %v", err)
	}
	tried := 0
	for at := first + 1; at < n; at++ {
		for old := first; old < at; old++ {
			same, err := run(at, old)
			tried++
			switch {
			case same && err == nil: // the same bytes, perhaps with more announced than there are
			case !errors.Is(err, card.ErrSecureMessaging):
				t.Fatalf("answer %d in the place of %d: %v", old, at, err)
			}
		}
	}
	t.Logf("%d old answers given again", tried)
}

// Cards that never come to an end: the tap does, within a bounded number of
// commands and with little memory.
func TestEndlessCard(t *testing.T) {
	p := newProgramme(t)
	image := p.issue(t, 1, 700, 300).Image()
	desk := p.terminal(t, cvc.RolePhysician, cvc.RightAppend)
	full := func(n int, sw ...byte) []byte { return append(make([]byte, n), sw...) }
	for name, endless := range map[string]func(i int, cmd []byte) []byte{
		"always more, a byte each":        func(int, []byte) []byte { return full(1, 0x61, 0x00) },
		"always more, 256 bytes each":     func(int, []byte) []byte { return full(256, 0x61, 0x00) },
		"always more, nothing":            func(int, []byte) []byte { return full(0, 0x61, 0xFF) },
		"always another length":           func(i int, _ []byte) []byte { return full(0, 0x6C, byte(i)) },
		"another length for the rest":     func(i int, _ []byte) []byte { return full(i%2, byte(0x61+0x0B*(i%2)), 1) },
		"answers of 64 KB":                func(int, []byte) []byte { return full(65533, 0x90, 0x00) },
		"64 KB and more":                  func(int, []byte) []byte { return full(65533, 0x61, 0x00) },
		"files of zeros without an end":   func(int, []byte) []byte { return full(256, 0x90, 0x00) },
		"the end of the file, again":      func(int, []byte) []byte { return full(0, 0x62, 0x82) },
		"as much as was asked for":        func(_ int, cmd []byte) []byte { return full(int(cmd[len(cmd)-1]), 0x90, 0x00) },
		"one byte without the word's end": func(int, []byte) []byte { return full(1) },
	} {
		t.Run(name, func(t *testing.T) {
			for from := range 12 {
				tr := reload(t, image).Transport()
				w := &wire{Transport: tr}
				base, peak := heap(), uint64(0)
				w.hook = func(i int, cmd []byte) ([]byte, error) {
					if i >= maxTapAPDUs {
						return nil, fmt.Errorf("the tap does not end: %w", errEndless)
					}
					if i < from {
						return tr.Transmit(t.Context(), cmd)
					}
					if i%512 == from {
						peak = max(peak, heap())
					}
					return endless(i, cmd), nil
				}
				_, err := tap(t.Context(), w, desk, marked(1, 100))
				peak = max(peak, heap())
				if !named(err) || errors.Is(err, errEndless) {
					t.Fatalf("endless from answer %d on: %v", from, err)
				}
				if grown := int64(peak) - int64(base); grown > maxTapHeap {
					t.Fatalf("endless from answer %d on: heap grew by %d bytes in %d commands", from, grown, w.n)
				}
			}
		})
	}
}

var errEndless = errors.New("no end")

// maxTapHeap bounds what a tap may hold at any time beside the card here: a
// whole log, a file, an answer, and some room for the runtime.
const maxTapHeap = card.LogSize + 4*card.MaxBlock + 256<<10

// heap returns the bytes that are in use.
func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
