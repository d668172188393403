package card_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"github.com/dhamani-iq/dhamani/card"
	"github.com/dhamani-iq/dhamani/card/softcard"
	"github.com/dhamani-iq/dhamani/crypto/cvc"
)

// A whole tap with a card that speaks T=0: nothing else than over T=1 comes of
// it, and no TPDU has two lengths.
func TestTapOverT0(t *testing.T) {
	p := newProgramme(t)
	image := p.issue(t, 1, 700, 1500).Image()
	desk := p.terminal(t, cvc.RolePhysician, cvc.RightAppend)
	entry := marked(1, 1000)
	want, err := tap(t.Context(), reload(t, image).Transport(), desk, entry)
	if err != nil {
		t.Fatal(err)
	}
	for name, over := range map[string]func(context.Context, func() card.Transport) (*card.Session, error){
		"short": func(ctx context.Context, insert func() card.Transport) (*card.Session, error) {
			return card.Open(ctx, insert())
		},
		"probed": func(ctx context.Context, insert func() card.Transport) (*card.Session, error) {
			return new(card.Prober).Open(ctx, "reader", func(context.Context) (card.Transport, error) { return insert(), nil })
		},
		"blocks of 100 bytes": func(ctx context.Context, insert func() card.Transport) (*card.Session, error) {
			return card.Open(ctx, insert(), card.WithLengths(card.Lengths{Short: 100}))
		},
	} {
		t.Run(name, func(t *testing.T) {
			c, err := softcard.Load(image, softcard.Options{T0: true, Extended: true})
			if err != nil {
				t.Fatal(err)
			}
			s, err := over(t.Context(), func() card.Transport {
				tr := c.Transport()
				return card.OverT0(&wire{Transport: tr, hook: func(_ int, cmd []byte) ([]byte, error) {
					if len(cmd) != 5 && (len(cmd) < 5 || len(cmd) != 5+int(cmd[4])) {
						t.Errorf("TPDU of %d bytes: % X", len(cmd), cmd[:min(5, len(cmd))])
					}
					return tr.Transmit(t.Context(), cmd)
				}})
			})
			if err != nil {
				t.Fatal(err)
			}
			got, err := visit(t.Context(), s, desk, entry)
			if err != nil || !got.only(1) || got.head != want.head || got.appended != want.appended || !bytes.Equal(got.photo, want.photo) {
				t.Fatalf("tap: %v", err)
			}
		})
	}
}

// The cases of ISO/IEC 7816-3:2006, 12.2, as TPDUs: what is sent, what comes
// back, and what whoever sent the APDU sees.
func TestT0Cases(t *testing.T) {
	for name, c := range map[string]struct{ apdu, script, want string }{
		"case 1":                           {"00440000", "0044000000>9000", "9000"},
		"case 2, exact":                    {"00B0000002", "00B0000002>01029000", "01029000"},
		"case 2, fewer":                    {"00B0000000", "00B0000000>6C02", "6C02"},
		"case 3":                           {"00DA000001AA", "00DA000001AA>9000", "9000"},
		"case 4, refused":                  {"00A4040001AA00", "00A4040001AA>6A82", "6A82"},
		"case 4, announced":                {"00A4040001AA00", "00A4040001AA>6102 00C0000002>01029000", "01029000"},
		"case 4, more than expected":       {"00A4040001AA01", "00A4040001AA>6102 00C0000001>016101", "016101"},
		"case 4, announced wrongly":        {"00A4040001AA00", "00A4040001AA>6104 00C0000004>6C02 00C0000002>01029000", "01029000"},
		"case 4, not announced":            {"00A4040001AA00", "00A4040001AA>9000 00C0000000>6C02 00C0000002>01029000", "01029000"},
		"case 4, nothing there":            {"00A4040001AA00", "00A4040001AA>9000 00C0000000>6985", "9000"},
		"case 4, announced and then not":   {"00A4040001AA00", "00A4040001AA>6102 00C0000002>6985", "6985"},
		"case 4, length corrected upwards": {"00A4040001AA02", "00A4040001AA>6102 00C0000002>6C05", "6C05"},
		"case 4, with data at once":        {"00A4040001AA00", "00A4040001AA>019000", "019000"},
		"answer torn":                      {"00A4040001AA00", "00A4040001AA>", ""},
	} {
		t.Run(name, func(t *testing.T) {
			steps := strings.Fields(c.script)
			tr := card.OverT0(&wire{hook: func(i int, cmd []byte) ([]byte, error) {
				if i >= len(steps) {
					t.Fatalf("unexpected % X", cmd)
				}
				sent, answer, _ := strings.Cut(steps[i], ">")
				if got := strings.ToUpper(hex.EncodeToString(cmd)); got != sent {
					t.Errorf("step %d sends %s, want %s", i, got, sent)
				}
				return hex.DecodeString(answer)
			}})
			cmd, err := hex.DecodeString(c.apdu)
			if err != nil {
				t.Fatal(err)
			}
			got, err := tr.Transmit(t.Context(), cmd)
			if err != nil || strings.ToUpper(hex.EncodeToString(got)) != c.want {
				t.Errorf("% X, %v; want %s", got, err, c.want)
			}
		})
	}
	tr := card.OverT0(&wire{hook: func(int, []byte) ([]byte, error) { t.Error("sent"); return nil, nil }})
	if _, err := tr.Transmit(t.Context(), []byte{0, 0xB0, 0, 0, 0, 8, 0}); !errors.Is(err, card.ErrTransport) {
		t.Errorf("extended: %v", err)
	}
}
