package softcard

import (
	"crypto/ecdh"
	"crypto/rand"
	"slices"
	"testing"

	"github.com/dhamani-iq/dhamani/card"
	"github.com/dhamani-iq/dhamani/card/apdu"
	"github.com/dhamani-iq/dhamani/card/sm"
	"github.com/dhamani-iq/dhamani/card/tlv"
	"github.com/dhamani-iq/dhamani/crypto/cose"
)

// host sends single commands, right or wrong, which card.Session would not.
type host struct {
	t  *testing.T
	c  *Card
	tr card.Transport
	sm *sm.Session
	x  []byte
}

// newHost selects the application.
func newHost(t *testing.T, c *Card) *host {
	t.Helper()
	h := &host{t: t, c: c, tr: c.Transport()}
	h.plain(apdu.Command{INS: insSelect, P1: 4, Data: []byte(card.AID), Ne: 256})
	return h
}

// raw sends bytes as they are.
func (h *host) raw(b []byte) apdu.Response {
	h.t.Helper()
	out, err := h.tr.Transmit(h.t.Context(), b)
	if err != nil {
		h.t.Fatal(err)
	}
	r, err := apdu.ParseResponse(out)
	if err != nil {
		h.t.Fatal(err)
	}
	return r
}

// plain sends a command, chained as needed, and collects the answer.
func (h *host) plain(cmd apdu.Command) apdu.Response {
	h.t.Helper()
	blocks, err := apdu.Chain(cmd)
	if err != nil {
		h.t.Fatal(err)
	}
	var r apdu.Response
	for _, b := range blocks {
		r = h.raw(b)
	}
	all := r.Data
	for {
		n, more := r.SW.More()
		if !more {
			return apdu.Response{Data: all, SW: r.SW}
		}
		get, err := apdu.GetResponse(n).Encode()
		if err != nil {
			h.t.Fatal(err)
		}
		r = h.raw(get)
		all = append(all, r.Data...)
	}
}

// secure sends a command under secure messaging.
func (h *host) secure(cmd apdu.Command) apdu.Response {
	h.t.Helper()
	r, _ := h.secureMode(cmd)
	return r
}

// secureMode is secure and says how the answer was protected.
func (h *host) secureMode(cmd apdu.Command) (apdu.Response, sm.Mode) {
	h.t.Helper()
	wrapped, err := h.sm.WrapCommand(cmd, sm.Encrypted)
	if err != nil {
		h.t.Fatal(err)
	}
	r, mode, err := h.sm.UnwrapResponse(cmd.INS, h.plain(wrapped))
	if err != nil {
		h.t.Fatal(err)
	}
	return r, mode
}

// must sends a command under secure messaging and wants 9000.
func (h *host) must(cmd apdu.Command) []byte {
	h.t.Helper()
	r := h.secure(cmd)
	if r.SW != apdu.SWOK {
		h.t.Fatalf("%v: %v", cmd, r.SW)
	}
	return r.Data
}

func setChipAuth() apdu.Command {
	return apdu.Command{
		INS: insManageSecurity, P1: 0x41, P2: 0xA4,
		Data: tlv.Append(tlv.Make(0x80, []byte(card.OIDChipAuth)), 0x84, []byte{1}),
	}
}

// chip runs Chip Authentication.
func (h *host) chip(pub *ecdh.PublicKey) {
	h.t.Helper()
	if sw := h.plain(setChipAuth()).SW; sw != apdu.SWOK {
		h.t.Fatalf("set chip authentication: %v", sw)
	}
	eph, err := ecdh.P256().GenerateKey(rand.Reader)
	if err != nil {
		h.t.Fatal(err)
	}
	z, err := eph.ECDH(pub)
	if err != nil {
		h.t.Fatal(err)
	}
	point := eph.PublicKey().Bytes()
	r := h.plain(apdu.Command{INS: insGeneralAuth, Data: tlv.Make(0x7C, tlv.Make(0x80, point)), Ne: 256})
	if r.SW != apdu.SWOK {
		h.t.Fatalf("general authenticate: %v", r.SW)
	}
	h.sm, h.x = sm.New(sm.Derive(z)), point[1:33]
}

func (h *host) setIssuer(car string) apdu.SW {
	h.t.Helper()
	return h.secure(apdu.Command{INS: insManageSecurity, P1: 0x81, P2: 0xB6, Data: tlv.Make(0x83, []byte(car))}).SW
}

func (h *host) setHolder(chr string) apdu.SW {
	h.t.Helper()
	return h.secure(apdu.Command{INS: insManageSecurity, P1: 0x81, P2: 0xA4, Data: tlv.Make(0x83, []byte(chr))}).SW
}

// present shows a whole certificate.
func (h *host) present(raw []byte) apdu.SW {
	h.t.Helper()
	content, err := tlv.Field(raw, 0x7F21)
	if err != nil {
		h.t.Fatal(err)
	}
	return h.secure(apdu.Command{INS: insPerformOp, P2: 0xBE, Data: content}).SW
}

// sign answers a challenge.
func (h *host) sign(term card.Terminal, challenge []byte) []byte {
	h.t.Helper()
	id := h.c.ID()
	sig, err := cose.SignES256(term.Signer, slices.Concat(id[:], challenge, h.x))
	if err != nil {
		h.t.Fatal(err)
	}
	return sig
}

// authenticate runs Chip and Terminal Authentication.
func (h *host) authenticate(pub *ecdh.PublicKey, term card.Terminal) {
	h.t.Helper()
	h.chip(pub)
	want := func(what string, sw apdu.SW) {
		h.t.Helper()
		if sw != apdu.SWOK {
			h.t.Fatalf("%s: %v", what, sw)
		}
	}
	want("issuer", h.setIssuer("IQDHAMANI00001"))
	want("facility", h.present(term.Chain[0]))
	want("issuer", h.setIssuer("IQCLINIC00001"))
	want("terminal", h.present(term.Chain[1]))
	want("holder", h.setHolder("IQTERM00001"))
	challenge := h.must(apdu.Command{INS: insGetChallenge, Ne: 8})
	h.must(apdu.Command{INS: insExternalAuth, Data: h.sign(term, challenge)})
}
