package softcard

import (
	"bytes"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestScripts plays the host's part of every script of firmware-fixtures/apdu
// to a new card, which answers byte for byte as the script has it. The form is
// described in docs/formats/card.md.
func TestScripts(t *testing.T) {
	paths, err := filepath.Glob("../../firmware-fixtures/apdu/*.apdu")
	if err != nil || len(paths) < 7 {
		t.Fatalf("%d scripts, %v", len(paths), err)
	}
	for _, path := range paths {
		t.Run(filepath.Base(path), func(t *testing.T) {
			raw, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			random, wire := wireOf(t, string(raw))
			c := New(Options{Random: bytes.NewReader(random)})
			tr := c.Transport()
			for i, w := range wire {
				if i > 0 && bytes.HasPrefix(w[0], []byte{0x00, 0xA4, 0x04}) {
					tr = c.Transport() // the host connects anew before it selects
				}
				got, err := tr.Transmit(t.Context(), w[0])
				if err != nil {
					t.Fatal(err)
				}
				if !bytes.Equal(got, w[1]) {
					t.Fatalf("command %d, % X:\nthe card answers % X\nthe script has   % X", i, w[0], got, w[1])
				}
			}
		})
	}
}

// wireOf reads what the card draws, and the commands with their answers.
func wireOf(t *testing.T, text string) (random []byte, wire [][2][]byte) {
	t.Helper()
	var last *[]byte
	for line := range strings.SplitSeq(text, "\n") {
		mark, rest, _ := strings.Cut(line, " ")
		switch {
		case strings.HasPrefix(line, "  ") && last != nil:
			rest = strings.TrimSpace(line)
		case mark == "random":
			last = &random
		case mark == ">":
			wire = append(wire, [2][]byte{})
			last = &wire[len(wire)-1][0]
		case mark == "<" && len(wire) > 0:
			last = &wire[len(wire)-1][1]
		default:
			last = nil
			continue
		}
		raw, err := hex.DecodeString(rest)
		if err != nil {
			t.Fatal(err)
		}
		*last = append(*last, raw...)
	}
	return random, wire
}
