package card

import (
	"context"
	"crypto"
	"crypto/ecdh"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"

	"github.com/dhamani-iq/dhamani/card/apdu"
	"github.com/dhamani-iq/dhamani/card/sm"
	"github.com/dhamani-iq/dhamani/card/tlv"
	"github.com/dhamani-iq/dhamani/crypto/cose"
)

// Terminal is what a workstation shows to a card: CV certificates from the
// child of the card's trust anchor down to its own, and the key of the last.
// Link certificates may go before them, the oldest first: a card is shown those
// that it needs to know the anchor, and none when it knows it already.
type Terminal struct {
	Chain  [][]byte      // each a whole 7F21 data object
	Signer crypto.Signer // P-256
}

// maxChain is the most certificates that are presented.
const maxChain = 8

const (
	pointLen     = 65 // uncompressed P-256 point
	challengeLen = 8
)

// Authenticate runs Chip Authentication version 1 with the card's public key
// from its checked EF.CardSecurity, begins secure messaging, and runs Terminal
// Authentication version 1 under it (BSI TR-03110-1 3.4, 3.5). Afterwards the
// card knows the terminal's role and rights.
//
// It owes ErrNotActivated and ErrTerminated without asking the card (a blocked
// card may still be unblocked); *AuthError when the card refuses a step;
// ErrSecureMessaging when the card does not hold the key, which makes it a
// clone or another card.
func (s *Session) Authenticate(ctx context.Context, cardKey *ecdh.PublicKey, t Terminal) error {
	if err := s.info.State.Err(); err != nil && !errors.Is(err, ErrBlocked) {
		return fmt.Errorf("authenticate: %w", err)
	}
	if s.link.sm != nil {
		return errors.New("authenticate: the session is authenticated already")
	}
	if t.Signer == nil {
		return errors.New("authenticate: no terminal key")
	}
	certs, err := parseChain(t.Chain)
	if err != nil {
		return fmt.Errorf("authenticate: %w", err)
	}
	x, err := s.chipAuthentication(ctx, cardKey)
	if err != nil {
		return fmt.Errorf("authenticate: %w", err)
	}
	if err := s.terminalAuthentication(ctx, certs, t.Signer, x); err != nil {
		return fmt.Errorf("authenticate: %w", err)
	}
	return nil
}

// step sends one command of an authentication.
func (s *Session) step(ctx context.Context, step Step, cert int, c apdu.Command) ([]byte, error) {
	data, err := s.link.do(ctx, c, sm.Encrypted)
	if status, ok := errors.AsType[*StatusError](err); ok {
		return nil, &AuthError{step, cert, status.SW, status.Cmd}
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", string(step), err)
	}
	return data, nil
}

// chipAuthentication agrees on session keys and begins secure messaging. It
// returns the x coordinate of the ephemeral key, which stands for it in
// Terminal Authentication. Whether the card holds its key shows with the first
// answer under secure messaging.
func (s *Session) chipAuthentication(ctx context.Context, cardKey *ecdh.PublicKey) ([]byte, error) {
	if cardKey == nil || cardKey.Curve() != ecdh.P256() {
		return nil, errors.New("card key is not on p-256")
	}
	_, err := s.step(ctx, StepSetChip, 0, apdu.Command{
		INS: insMSE, P1: 0x41, P2: 0xA4,
		Data: tlv.Append(tlv.Make(0x80, []byte(OIDChipAuth)), 0x84, []byte{0x01}),
	})
	if err != nil {
		return nil, err
	}
	eph, err := s.ephemeral()
	if err != nil {
		return nil, fmt.Errorf("make an ephemeral key: %w", err)
	}
	z, err := eph.ECDH(cardKey)
	if err != nil {
		return nil, fmt.Errorf("agree on a key: %w", err)
	}
	point := eph.PublicKey().Bytes()
	raw, err := s.step(ctx, StepChip, 0, apdu.Command{
		INS: insGeneralAuth, Data: tlv.Make(0x7C, tlv.Make(0x80, point)), Ne: apdu.MaxShortNe,
	})
	if err != nil {
		return nil, err
	}
	if v, err := tlv.Field(raw, 0x7C); err != nil || len(v) > 0 {
		return nil, s.link.end(malformed("answer to general authenticate"))
	}
	s.link.sm = sm.New(sm.Derive(z))
	clear(z)
	return point[1:33], nil
}

// terminalAuthentication presents the certificates and answers the challenge:
// ES256 over CardID || challenge || x coordinate of the ephemeral key.
func (s *Session) terminalAuthentication(ctx context.Context, certs []certificate, signer crypto.Signer, x []byte) error {
	if err := s.present(ctx, certs); err != nil {
		return err
	}
	own := certs[len(certs)-1]
	_, err := s.step(ctx, StepSetTerminal, 0, apdu.Command{INS: insMSE, P1: 0x81, P2: 0xA4, Data: tlv.Make(0x83, own.holder)})
	if err != nil {
		return err
	}
	challenge, err := s.step(ctx, StepChallenge, 0, apdu.Command{INS: insGetChallenge, Ne: challengeLen})
	if err != nil {
		return err
	}
	if len(challenge) != challengeLen {
		return malformed("challenge of %d bytes", len(challenge))
	}
	sig, err := cose.SignES256(signer, slices.Concat(s.info.ID[:], challenge, x))
	if err != nil {
		return fmt.Errorf("sign the card's challenge: %w", err)
	}
	_, err = s.step(ctx, StepTerminal, 0, apdu.Command{INS: insExternalAuth, Data: sig})
	return err
}

// present has the card check certificates, each with the key of the one before.
// Links go before them as far as the card needs them.
func (s *Session) present(ctx context.Context, certs []certificate) error {
	first, err := s.beginChain(ctx, certs)
	if err != nil {
		return err
	}
	for i, c := range certs[first:] {
		if i > 0 {
			if err := s.reference(ctx, certs, first+i); err != nil {
				return err
			}
		}
		_, err := s.step(ctx, StepCertificate, first+i, apdu.Command{INS: insPSO, P1: 0x00, P2: 0xBE, Data: c.content})
		if err != nil {
			return err
		}
	}
	return nil
}

// reference names the issuer of a certificate, which is presented next.
func (s *Session) reference(ctx context.Context, certs []certificate, i int) error {
	_, err := s.step(ctx, StepReference, i, apdu.Command{INS: insMSE, P1: 0x81, P2: 0xB6, Data: tlv.Make(0x83, certs[i].issuer)})
	return err
}

// beginChain names the first certificate that the card can verify and returns
// its index: the one behind the links when the card knows its anchor, and one
// link more each time that the card answers 6A88.
func (s *Session) beginChain(ctx context.Context, certs []certificate) (int, error) {
	first := 0
	for first < len(certs)-1 && certs[first].link {
		first++
	}
	for {
		err := s.reference(ctx, certs, first)
		if err == nil || first == 0 || !errors.Is(err, ErrDataNotFound) {
			return first, err
		}
		first--
	}
}

func newEphemeral() (*ecdh.PrivateKey, error) { return ecdh.P256().GenerateKey(rand.Reader) }

// certificate is what presenting a CV certificate needs of it.
type certificate struct {
	content []byte // 7F4E… 5F37…
	issuer  []byte // CAR
	holder  []byte // CHR
	link    bool   // it is an anchor's
}

// parseChain takes the certificates apart:
//
//	7F21 { 7F4E { 5F29, 42 CAR, 7F49, 5F20 CHR, 7F4C, 5F25, 5F24 }, 5F37 }
func parseChain(chain [][]byte) ([]certificate, error) {
	if len(chain) == 0 || len(chain) > maxChain {
		return nil, fmt.Errorf("certificate chain of %d", len(chain))
	}
	certs := make([]certificate, len(chain))
	for i, raw := range chain {
		content, err := tlv.Field(raw, 0x7F21)
		if err != nil {
			return nil, fmt.Errorf("certificate %d: %w", i, err)
		}
		parts, err := tlv.Fields(content, 0x7F4E, 0x5F37)
		if err != nil {
			return nil, fmt.Errorf("certificate %d: %w", i, err)
		}
		body, err := tlv.All(parts[0])
		if err != nil {
			return nil, fmt.Errorf("certificate %d: %w", i, err)
		}
		car, ok1 := tlv.Find(body, 0x42)
		chr, ok2 := tlv.Find(body, 0x5F20)
		if !ok1 || !ok2 {
			return nil, fmt.Errorf("certificate %d: no reference of issuer or holder", i)
		}
		certs[i] = certificate{content, car, chr, isAnchor(body)}
	}
	return certs, nil
}

// isAnchor looks at the authorization: 7F4C { 06, 53 { kk…… … } }, where kk is 11
// for an anchor.
func isAnchor(body []tlv.Item) bool {
	chat, _ := tlv.Find(body, 0x7F4C)
	parts, err := tlv.Fields(chat, 0x06, 0x53)
	return err == nil && len(parts[1]) > 0 && parts[1][0]>>6 == 0b11
}
