package sm

import (
	"bytes"
	"crypto/aes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/aead/cmac"

	"github.com/dhamani-iq/dhamani/card/apdu"
	"github.com/dhamani-iq/dhamani/card/tlv"
)

func unhex(tb testing.TB, s string) []byte {
	tb.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

// ICAO Doc 9303 part 11, appendix G.1: keys from the ECDH shared secret.
func TestDeriveICAO(t *testing.T) {
	k := Derive(unhex(t, "28768D20701247DAE81804C9E780EDE582A9996DB4A315020B2733197DB84925"))
	if want := unhex(t, "F5F0E35C0D7161EE6724EE513A0D9A7F"); !bytes.Equal(k.Enc[:], want) {
		t.Errorf("KSenc %s", hex.EncodeToString(k.Enc[:]))
	}
	if want := unhex(t, "FE251C7858B356B24514B3BD5F4297D1"); !bytes.Equal(k.MAC[:], want) {
		t.Errorf("KSmac %s", hex.EncodeToString(k.MAC[:]))
	}
}

// RFC 4493 section 4: the CMAC library, and the truncation to eight bytes.
func TestCMACRFC4493(t *testing.T) {
	blk, err := aes.NewCipher(unhex(t, "2b7e151628aed2a6abf7158809cf4f3c"))
	if err != nil {
		t.Fatal(err)
	}
	msg := unhex(t, `6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51`+
		`30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710`)
	for _, tt := range []struct {
		n   int
		mac string
	}{
		{0, "bb1d6929e95937287fa37d129b756746"},
		{16, "070a16b46b4d4144f79bdd9dd04a287c"},
		{40, "dfa66747de9ae63030ca32611497c827"},
		{64, "51f0bebf7e3b9d92fc49741779363cfe"},
	} {
		for _, size := range []int{16, MACLen} {
			got, err := cmac.Sum(msg[:tt.n], blk, size)
			if err != nil {
				t.Fatal(err)
			}
			if want := unhex(t, tt.mac)[:size]; !bytes.Equal(got, want) {
				t.Errorf("%d bytes: %x, want %x", tt.n, got, want)
			}
		}
		// In parts, as the session feeds it.
		h, err := cmac.New(blk)
		if err != nil {
			t.Fatal(err)
		}
		for i := range tt.n {
			h.Write(msg[i : i+1])
		}
		if got := h.Sum(nil); !bytes.Equal(got, unhex(t, tt.mac)) {
			t.Errorf("%d bytes one by one: %x", tt.n, got)
		}
	}
}

func pair() (host, chip *Session) {
	k := Derive(bytes.Repeat([]byte{0x42}, 32))
	return New(k), New(k)
}

func TestBothSides(t *testing.T) {
	host, chip := pair()
	for _, ins := range []byte{0xB0, 0xB1} {
		for _, mode := range []Mode{Encrypted, MACOnly} {
			for _, n := range []int{0, 1, 15, 16, 17, 255, 2044} {
				for _, ne := range []int{0, 1, 255, 256, 257, 2048, 65536} {
					data := bytes.Repeat([]byte{0x80}, n)
					cmd := apdu.Command{INS: ins, P1: 1, P2: 2, Data: data, Ne: ne}
					wrapped, err := host.WrapCommand(cmd, mode)
					if err != nil {
						t.Fatal(err)
					}
					if wrapped.CLA != 0x0C || wrapped.Ne != 256 {
						t.Fatalf("wrapped %v", wrapped)
					}
					got, m, err := chip.UnwrapCommand(wrapped)
					if err != nil {
						t.Fatal(err)
					}
					if got.Header() != cmd.Header() || got.Ne != ne || !bytes.Equal(got.Data, data) || n > 0 && m != mode {
						t.Fatalf("unwrapped %v in mode %d, want %v in %d", got, m, cmd, mode)
					}
					r, err := chip.WrapResponse(ins, apdu.Response{Data: data, SW: 0x6282}, mode)
					if err != nil {
						t.Fatal(err)
					}
					back, m, err := host.UnwrapResponse(ins, r)
					if err != nil {
						t.Fatal(err)
					}
					if back.SW != 0x6282 || !bytes.Equal(back.Data, data) || n > 0 && m != mode {
						t.Fatalf("response of %d bytes came back as %d, mode %d", n, len(back.Data), m)
					}
					if mode == Encrypted && n >= 16 && bytes.Contains(r.Data, data) {
						t.Fatal("data travels in clear")
					}
				}
			}
		}
	}
}

// Tag order and the coding of the secure messaging objects.
func TestObjects(t *testing.T) {
	host, _ := pair()
	for _, tt := range []struct {
		cmd  apdu.Command
		mode Mode
		want string
	}{
		{apdu.Command{INS: 0x44}, Encrypted, "8E"},
		{apdu.Command{INS: 0xCA, Ne: 52}, Encrypted, "97 8E"},
		{apdu.Command{INS: 0xDA, Data: []byte{1}}, Encrypted, "87 8E"},
		{apdu.Command{INS: 0xDA, Data: []byte{1}, Ne: 52}, MACOnly, "81 97 8E"},
		{apdu.Command{INS: 0xB1, Data: []byte{0x54, 0}, Ne: 2048}, Encrypted, "85 97 8E"},
		{apdu.Command{INS: 0xB1, Data: []byte{0x54, 0}}, MACOnly, "B3 8E"},
	} {
		w, err := host.WrapCommand(tt.cmd, tt.mode)
		if err != nil {
			t.Fatal(err)
		}
		items, err := tlv.All(w.Data)
		if err != nil {
			t.Fatal(err)
		}
		var tags []string
		for _, it := range items {
			tags = append(tags, it.Tag.String())
		}
		if got := strings.Join(tags, " "); got != tt.want {
			t.Errorf("%v: objects %s, want %s", tt.cmd, got, tt.want)
		}
	}
}

// Every single changed bit of a message ends the session with a named error.
func TestEveryBit(t *testing.T) {
	cmd := apdu.Command{INS: 0xDA, P1: 1, P2: 3, Data: []byte("sealed bytes of a summary"), Ne: 52}
	h, _ := pair()
	clean, err := h.WrapCommand(cmd, Encrypted)
	if err != nil {
		t.Fatal(err)
	}
	for bit := range 8 * len(clean.Data) {
		_, chip := pair()
		bad := clean
		bad.Data = bytes.Clone(clean.Data)
		bad.Data[bit/8] ^= 1 << (bit % 8)
		if _, _, err := chip.UnwrapCommand(bad); !errors.Is(err, ErrIncorrect) && !errors.Is(err, ErrMissing) {
			t.Fatalf("command, bit %d: %v", bit, err)
		}
		if !chip.Ended() {
			t.Fatalf("command, bit %d: session goes on", bit)
		}
	}
	for _, bad := range []apdu.Command{
		{CLA: 0x0C, INS: 0xDC, P1: 1, P2: 3, Data: clean.Data},
		{CLA: 0x0C, INS: 0xDA, P1: 2, P2: 3, Data: clean.Data},
		{CLA: 0x0C, INS: 0xDA, P1: 1, P2: 4, Data: clean.Data},
		{CLA: 0x8C, INS: 0xDA, P1: 1, P2: 3, Data: clean.Data},
	} {
		_, chip := pair()
		if _, _, err := chip.UnwrapCommand(bad); !errors.Is(err, ErrIncorrect) {
			t.Fatalf("header %v: %v", bad, err)
		}
	}
	_, chip := pair()
	if _, _, err := chip.UnwrapCommand(clean); err != nil {
		t.Fatal(err)
	}
	r, err := chip.WrapResponse(0xDA, apdu.Response{Data: []byte("head"), SW: apdu.SWOK}, MACOnly)
	if err != nil {
		t.Fatal(err)
	}
	raw := r.Encode()
	for bit := range 8 * len(raw) {
		host, _ := pair()
		if _, err := host.WrapCommand(cmd, Encrypted); err != nil {
			t.Fatal(err)
		}
		bad := bytes.Clone(raw)
		bad[bit/8] ^= 1 << (bit % 8)
		resp, err := apdu.ParseResponse(bad)
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := host.UnwrapResponse(0xDA, resp); !errors.Is(err, ErrIncorrect) && !errors.Is(err, ErrMissing) {
			t.Fatalf("response, bit %d: %v", bit, err)
		}
		if _, err := host.WrapCommand(cmd, Encrypted); !errors.Is(err, ErrEnded) {
			t.Fatalf("response, bit %d: session goes on: %v", bit, err)
		}
	}
}

func TestReplayAndOrder(t *testing.T) {
	host, chip := pair()
	first, err := host.WrapCommand(apdu.Command{INS: 0x84, Ne: 8}, Encrypted)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := chip.UnwrapCommand(first); err != nil {
		t.Fatal(err)
	}
	if _, err := chip.WrapResponse(0x84, apdu.Response{SW: apdu.SWOK}, Encrypted); err != nil {
		t.Fatal(err)
	}
	if _, _, err := chip.UnwrapCommand(first); !errors.Is(err, ErrIncorrect) {
		t.Fatalf("replayed command: %v", err)
	}
}

// Messages with right MACs and wrong content: a card or host that misbehaves.
func TestForgedWithKey(t *testing.T) {
	sign := func(objects []byte) apdu.Response {
		_, chip := pair()
		chip.step()
		chip.step()
		return apdu.Response{Data: tlv.Append(bytes.Clone(objects), TagMAC, chip.sum(nil, objects)), SW: apdu.SWOK}
	}
	ok := tlv.Make(TagSW, []byte{0x90, 0x00})
	for _, tt := range []struct {
		name    string
		objects []byte
		want    error
	}{
		{"no status word", nil, ErrMissing},
		{"other status word", tlv.Make(TagSW, []byte{0x69, 0x82}), ErrIncorrect},
		{"short status word", tlv.Make(TagSW, []byte{0x90}), ErrMissing},
		{"status word twice", append(bytes.Clone(ok), ok...), ErrIncorrect},
		{"data behind status word", tlv.Append(bytes.Clone(ok), TagPlain, []byte{1}), ErrIncorrect},
		{"odd object for even INS", tlv.Append(tlv.Make(TagPlainTLV, []byte{1}), TagSW, []byte{0x90, 0}), ErrIncorrect},
		{"two data objects", tlv.Append(tlv.Append(tlv.Make(TagPlain, []byte{1}), TagPlain, []byte{2}), TagSW, []byte{0x90, 0}), ErrIncorrect},
		{"empty data object", append(tlv.Make(TagPlain), ok...), ErrIncorrect},
		{"unknown object", append(tlv.Make(0x80, []byte{1}), ok...), ErrIncorrect},
		{"padding indicator", append(tlv.Make(TagCryptogram, make([]byte, 17)), ok...), ErrIncorrect},
		{"cryptogram empty", append(tlv.Make(TagCryptogram, []byte{1}), ok...), ErrIncorrect},
		{"cryptogram odd", append(tlv.Make(TagCryptogram, make([]byte, 16)), ok...), ErrIncorrect},
		{"cryptogram without padding", append(tlv.Make(TagCryptogram, append([]byte{1}, make([]byte, 16)...)), ok...), ErrIncorrect},
	} {
		t.Run(tt.name, func(t *testing.T) {
			host, _ := pair()
			if _, err := host.WrapCommand(apdu.Command{INS: 0xCA}, Encrypted); err != nil {
				t.Fatal(err)
			}
			if _, _, err := host.UnwrapResponse(0xCA, sign(tt.objects)); !errors.Is(err, tt.want) {
				t.Fatalf("got %v, want %v", err, tt.want)
			}
			if !host.Ended() {
				t.Fatal("session goes on")
			}
		})
	}
}

func TestUnprotected(t *testing.T) {
	host, chip := pair()
	if _, err := host.WrapCommand(apdu.Command{INS: 0xCA}, Encrypted); err != nil {
		t.Fatal(err)
	}
	if _, _, err := host.UnwrapResponse(0xCA, apdu.Response{SW: apdu.SWSMIncorrect}); !errors.Is(err, ErrMissing) {
		t.Errorf("plain response: %v", err)
	}
	if _, _, err := chip.UnwrapCommand(apdu.Command{INS: 0xCA}); !errors.Is(err, ErrMissing) {
		t.Errorf("plain command: %v", err)
	}
	for name, f := range map[string]func() error{
		"wrap command":    func() error { _, err := host.WrapCommand(apdu.Command{}, Encrypted); return err },
		"unwrap response": func() error { _, _, err := host.UnwrapResponse(0, apdu.Response{}); return err },
		"unwrap command":  func() error { _, _, err := chip.UnwrapCommand(apdu.Command{}); return err },
		"wrap response":   func() error { _, err := chip.WrapResponse(0, apdu.Response{}, Encrypted); return err },
	} {
		if err := f(); !errors.Is(err, ErrEnded) {
			t.Errorf("%s after the end: %v", name, err)
		}
	}
	host, _ = pair()
	if _, err := host.WrapCommand(apdu.Command{Data: make([]byte, maxPlain+1)}, Encrypted); !errors.Is(err, ErrTooLong) || host.Ended() {
		t.Errorf("too long: %v", err)
	}
}

func TestCounterCarries(t *testing.T) {
	s, _ := pair()
	for i := range s.ssc[1:] {
		s.ssc[i+1] = 0xFF
	}
	s.step()
	if want := [16]byte{1}; s.ssc != want {
		t.Errorf("counter %x", s.ssc)
	}
}

func TestKeysPrintRedacted(t *testing.T) {
	k := Derive([]byte("secret"))
	secret := hex.EncodeToString(k.Enc[:])
	var out bytes.Buffer
	fmt.Fprintf(&out, "%v %+v %#v %s %x %X %q %d\n", k, k, k, k, k, k, k, k)
	fmt.Fprintf(&out, "%v %x\n", k.Enc, k.MAC)
	slog.New(slog.NewJSONHandler(&out, nil)).Info("keys", "enc", k.Enc, "both", k)
	slog.New(slog.NewTextHandler(&out, nil)).Info("keys", "enc", k.Enc, "both", k)
	if err := json.NewEncoder(&out).Encode(k); err != nil {
		t.Fatal(err)
	}
	text := strings.ToLower(out.String())
	decimal := fmt.Sprint(k.Enc[0]) + " " + fmt.Sprint(k.Enc[1])
	if strings.Contains(text, secret[:8]) || strings.Contains(text, decimal) || !strings.Contains(text, "[redacted]") {
		t.Errorf("keys leak: %s", text)
	}
}

// Neither side panics or accepts a message that was not wrapped with its keys.
func FuzzUnwrap(f *testing.F) {
	host, chip := pair()
	w, _ := host.WrapCommand(apdu.Command{INS: 0xDA, Data: []byte("data"), Ne: 52}, Encrypted)
	f.Add(byte(0xDA), w.Data)
	_, _, _ = chip.UnwrapCommand(w)
	r, _ := chip.WrapResponse(0xDA, apdu.Response{Data: []byte("data"), SW: apdu.SWOK}, Encrypted)
	f.Add(byte(0xDA), r.Data)
	f.Fuzz(func(t *testing.T, ins byte, raw []byte) {
		host, chip := pair()
		cmd, _, err := chip.UnwrapCommand(apdu.Command{CLA: 0x0C, INS: ins, Data: raw})
		if err == nil && (ins != 0xDA || !bytes.Equal(raw, w.Data)) {
			t.Fatalf("accepted a foreign command %v", cmd)
		}
		if _, err := host.WrapCommand(apdu.Command{INS: ins}, Encrypted); err != nil {
			t.Fatal(err)
		}
		got, _, err := host.UnwrapResponse(ins, apdu.Response{Data: raw, SW: apdu.SWOK})
		if err == nil && !bytes.Equal(raw, r.Data) {
			t.Fatalf("accepted a foreign response of %d bytes", len(got.Data))
		}
	})
}

func BenchmarkWrapUnwrap(b *testing.B) {
	for _, mode := range []Mode{Encrypted, MACOnly} {
		for _, n := range []int{52, 256, 2048} {
			name := map[Mode]string{Encrypted: "encrypted", MACOnly: "mac"}[mode]
			b.Run(fmt.Sprintf("%s/%d", name, n), func(b *testing.B) {
				host, chip := pair()
				data := make([]byte, n)
				cmd := apdu.Command{INS: 0xB0, Ne: 2048}
				b.SetBytes(int64(n))
				b.ReportAllocs()
				for b.Loop() {
					w, err := host.WrapCommand(cmd, Encrypted)
					if err != nil {
						b.Fatal(err)
					}
					if _, _, err := chip.UnwrapCommand(w); err != nil {
						b.Fatal(err)
					}
					r, err := chip.WrapResponse(0xB0, apdu.Response{Data: data, SW: apdu.SWOK}, mode)
					if err != nil {
						b.Fatal(err)
					}
					if _, _, err := host.UnwrapResponse(0xB0, r); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
