package softcard

import (
	"bytes"
	"crypto/ecdh"
	"errors"
	"io"
	"slices"

	"github.com/dhamani-iq/dhamani/card"
	"github.com/dhamani-iq/dhamani/card/apdu"
	"github.com/dhamani-iq/dhamani/card/sm"
	"github.com/dhamani-iq/dhamani/card/tlv"
	"github.com/dhamani-iq/dhamani/crypto/cose"
	"github.com/dhamani-iq/dhamani/crypto/cvc"
)

const (
	challengeLen = 8
	pointLen     = 65
	cardKeyRef   = 1 // private key reference of the one Chip Authentication key
)

// manageSecurity is MANAGE SECURITY ENVIRONMENT (ISO/IEC 7816-4:2020, 11.6.11)
// in the three uses of BSI TR-03110-3, B.11.1.
func (c *Card) manageSecurity(cl call) (answer, error) {
	switch cl.p1p2() {
	case 0x41A4:
		return answer{}, c.setChipAuth(cl)
	case 0x81B6:
		return answer{}, c.setIssuer(cl)
	case 0x81A4:
		return answer{}, c.setHolder(cl)
	}
	return answer{}, refuse(apdu.SWWrongP1P2)
}

// setChipAuth is MSE:Set AT for Chip Authentication: {80 OID, 84 key}.
func (c *Card) setChipAuth(cl call) error {
	if _, err := c.allow(cl, actChipAuth, objApplication); err != nil {
		return err
	}
	f, err := tlv.Fields(cl.Data, 0x80, 0x84)
	switch {
	case err != nil:
		return refuse(apdu.SWWrongData)
	case string(f[0]) != card.OIDChipAuth || !bytes.Equal(f[1], []byte{cardKeyRef}):
		return refuse(apdu.SWReferenceNotFound)
	}
	c.ram.chipAuth = true
	return nil
}

// generalAuthenticate is GENERAL AUTHENTICATE for Chip Authentication version
// 1 (TR-03110-1, 3.4): {7C {80 host's ephemeral point}} gives {7C}, and secure
// messaging begins with the next command.
func (c *Card) generalAuthenticate(cl call) (answer, error) {
	if cl.p1p2() != 0 {
		return answer{}, refuse(apdu.SWWrongP1P2)
	}
	if _, err := c.allow(cl, actChipAuth, objApplication); err != nil {
		return answer{}, err
	}
	if !c.ram.chipAuth || c.state.key == nil {
		return answer{}, refuse(apdu.SWConditions)
	}
	c.ram.chipAuth = false
	inner, err := tlv.Field(cl.Data, 0x7C)
	if err != nil {
		return answer{}, refuse(apdu.SWWrongData)
	}
	point, err := tlv.Field(inner, 0x80)
	if err != nil || len(point) != pointLen {
		return answer{}, refuse(apdu.SWWrongData)
	}
	host, err := ecdh.P256().NewPublicKey(point)
	if err != nil {
		return answer{}, refuse(apdu.SWWrongData)
	}
	c.meter.crypto(timeECDH + 2*timeCMACInit)
	z, err := c.state.key.ECDH(host)
	if err != nil {
		return answer{}, refuse(apdu.SWWrongData)
	}
	c.ram.session = session{sm: sm.New(sm.Derive(z)), hostX: [32]byte(point[1:33])}
	clear(z)
	return answer{data: tlv.Make(0x7C)}, nil
}

// setIssuer is MSE:Set DST: {83 reference of the next certificate's issuer},
// which is an anchor, or the holder of the certificate checked last.
func (c *Card) setIssuer(cl call) error {
	if _, err := c.allow(cl, actTerminalAuth, objApplication); err != nil {
		return err
	}
	s := &c.ram.session
	s.issuer, s.holder, s.challenge = false, false, nil
	ref, err := tlv.Field(cl.Data, 0x83)
	if err != nil {
		return refuse(apdu.SWWrongData)
	}
	anchor := c.state.anchor(string(ref))
	switch {
	case anchor != nil:
		s.chain = cvc.Effective{Leaf: anchor, Roles: anchor.Roles, Rights: anchor.Rights}
	case s.chain.Leaf != nil && string(ref) == s.chain.Leaf.CHR:
	default:
		return refuse(apdu.SWReferenceNotFound)
	}
	s.issuer = true
	return nil
}

// verifyCertificate is PSO: VERIFY CERTIFICATE: {7F4E body, 5F37 signature}. A
// link certificate makes its anchor the newest for good. The date moves after
// the signature was found good, and only when an anchor made it.
func (c *Card) verifyCertificate(cl call) (answer, error) {
	if cl.p1p2() != 0x00BE {
		return answer{}, refuse(apdu.SWWrongP1P2)
	}
	mode, err := c.allow(cl, actTerminalAuth, objApplication)
	if err != nil {
		return answer{}, err
	}
	s := &c.ram.session
	if !s.issuer {
		return answer{}, refuse(apdu.SWConditions)
	}
	s.issuer = false
	if len(cl.Data) > cvc.MaxSize {
		return answer{}, refuse(apdu.SWWrongData)
	}
	cert, err := cvc.Parse(tlv.Make(0x7F21, cl.Data))
	if err != nil {
		return answer{}, refuse(apdu.SWWrongData)
	}
	c.meter.sha(len(cl.Data))
	c.meter.crypto(timeVerify)
	from := s.chain.Leaf
	s.chain, err = c.extend(s.chain, cert)
	if err != nil {
		return answer{}, err
	}
	if from.Kind == cvc.KindAnchor {
		if err := c.forward(cert.From); err != nil {
			return answer{}, err
		}
	}
	return answer{mode: mode}, nil
}

// extend adds a certificate to the chain; a refusal leaves none.
func (c *Card) extend(chain cvc.Effective, cert *cvc.Certificate) (cvc.Effective, error) {
	if cert.Link() && chain.Leaf != nil {
		return c.relink(chain.Leaf, cert)
	}
	chain, err := chain.Extend(cert, c.state.date)
	if err != nil {
		return cvc.Effective{}, refuse(apdu.SWSecurityStatus)
	}
	return chain, nil
}

// setHolder is MSE:Set AT for Terminal Authentication: {83 reference of the
// terminal's certificate}, which has to be the one checked last.
func (c *Card) setHolder(cl call) error {
	if _, err := c.allow(cl, actTerminalAuth, objApplication); err != nil {
		return err
	}
	s := &c.ram.session
	s.issuer, s.holder, s.challenge = false, false, nil
	ref, err := tlv.Field(cl.Data, 0x83)
	switch {
	case err != nil:
		return refuse(apdu.SWWrongData)
	case s.chain.Leaf == nil || string(ref) != s.chain.Leaf.CHR:
		return refuse(apdu.SWReferenceNotFound)
	case s.chain.Terminal() != nil:
		return refuse(apdu.SWSecurityStatus)
	}
	s.holder = true
	return nil
}

// getChallenge is GET CHALLENGE: eight random bytes, good for one answer.
func (c *Card) getChallenge(cl call) (answer, error) {
	switch {
	case cl.p1p2() != 0:
		return answer{}, refuse(apdu.SWWrongP1P2)
	case len(cl.Data) != 0:
		return answer{}, refuse(apdu.SWWrongLength)
	}
	mode, err := c.allow(cl, actTerminalAuth, objApplication)
	if err != nil {
		return answer{}, err
	}
	challenge := make([]byte, challengeLen)
	if _, err := io.ReadFull(c.opts.Random, challenge); err != nil {
		return answer{}, errors.Join(errors.New("draw a challenge"), err)
	}
	a, err := whole(cl, challenge, mode)
	if err == nil {
		c.ram.session.challenge = challenge
	}
	return a, err
}

// externalAuthenticate is EXTERNAL AUTHENTICATE for Terminal Authentication
// version 1 (TR-03110-1, 3.5): ES256 over CardID, challenge and the x
// coordinate of the host's ephemeral key. It gives the terminal its role.
func (c *Card) externalAuthenticate(cl call) (answer, error) {
	if cl.p1p2() != 0 {
		return answer{}, refuse(apdu.SWWrongP1P2)
	}
	mode, err := c.allow(cl, actTerminalAuth, objApplication)
	if err != nil {
		return answer{}, err
	}
	s := &c.ram.session
	challenge := s.challenge
	s.challenge, s.roles, s.rights = nil, 0, 0
	s.terminal, s.verified, s.noted, s.sensitive, s.glass, s.time = "", 0, 0, 0, false, 0
	switch {
	case challenge == nil || !s.holder:
		return answer{}, refuse(apdu.SWConditions)
	case len(cl.Data) != cose.SignatureSize:
		return answer{}, refuse(apdu.SWWrongLength)
	}
	c.meter.crypto(timeVerify)
	signed := slices.Concat(c.state.id[:], challenge, s.hostX[:])
	c.meter.sha(len(signed))
	if err := cose.VerifyES256(s.chain.Leaf.Public, signed, cl.Data); err != nil {
		return answer{}, refuse(apdu.SWSecurityStatus)
	}
	s.roles, s.rights, s.terminal = s.chain.Roles, s.chain.Rights, s.chain.Leaf.CHR
	return answer{mode: mode}, nil
}
