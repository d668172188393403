package softcard

import (
	"crypto/subtle"

	"github.com/dhamani-iq/dhamani/card"
	"github.com/dhamani-iq/dhamani/card/apdu"
	"github.com/dhamani-iq/dhamani/card/tlv"
)

// kind is a kind of reference; all of one kind share their tries.
type kind uint8

const (
	kindPIN kind = iota
	kindFinger
)

// tries is how often somebody may still be wrong. left goes down before a
// comparison begins, so that a power cut never gives a try for nothing; a try
// that the power ended is not counted as a wrong one while interrupted, which
// goes down instead, is above zero. A success fills up both.
type tries struct {
	left, interrupted byte
	running           bool // a comparison began and its outcome was not written
}

const triesSize = 3

// fullTries are those of a new reference. A finger is misread more often than
// a PIN is mistyped.
var fullTries = [...]tries{kindPIN: {left: 3, interrupted: 10}, kindFinger: {left: 10, interrupted: 20}}

// settled gives a try back that the power ended, at the cost of an
// interruption.
func (t tries) settled() tries {
	if t.running && t.interrupted > 0 {
		t.left++
		t.interrupted--
	}
	t.running = false
	return t
}

// setTries writes the tries. It owes errPower, and then the old or the new
// ones count.
func (c *Card) setTries(k kind, t tries) error {
	raw := []byte{t.left, t.interrupted, 0}
	if t.running {
		raw[2] = 1
	}
	if err := mem.tries[k].put(&c.nvm, raw); err != nil {
		return err
	}
	c.state.tries[k] = t
	return nil
}

// attempt carries out one comparison under the tries of its kind. It owes the
// status words 6983 when they are used up and 63Cx after a wrong one.
func (c *Card) attempt(k kind, ref byte, compare func() bool) error {
	before := c.state.tries[k]
	if before.left == 0 {
		return refuse(apdu.SWMethodBlocked)
	}
	running := before
	running.left--
	running.running = true
	if err := c.setTries(k, running); err != nil {
		return err
	}
	if compare() {
		return c.setTries(k, fullTries[k])
	}
	wrong := running
	wrong.running = false
	if err := c.setTries(k, wrong); err != nil {
		return err
	}
	if wrong.left == 0 {
		if err := c.note(card.AuditBlocked, uint16(ref)<<8); err != nil {
			return err
		}
	}
	return refuse(apdu.SWTries(int(wrong.left)))
}

// verify is VERIFY (ISO/IEC 7816-4:2020, 11.6.6): the PIN, or without data the
// question how many tries a reference has left.
func (c *Card) verify(cl call) (answer, error) {
	if cl.P1 != 0 {
		return answer{}, refuse(apdu.SWWrongP1P2)
	}
	obj, k := objPIN, kindPIN
	if cl.P2 != card.RefPIN {
		obj, k = objFingers, kindFinger
	}
	mode, err := c.allow(cl, actVerify, obj)
	if err != nil {
		return answer{}, err
	}
	var ref reference
	if k == kindPIN {
		ref, err = c.pin()
	} else {
		ref, err = c.finger(cl.P2)
	}
	switch {
	case err != nil:
		return answer{}, err
	case len(cl.Data) == 0:
		return answer{}, c.triesLeft(k, ref)
	case k != kindPIN:
		return answer{}, refuse(apdu.SWWrongP1P2) // a finger comes with odd INS
	case !isPIN(cl.Data):
		return answer{}, refuse(apdu.SWWrongData)
	}
	err = c.attempt(kindPIN, cl.P2, func() bool { return subtle.ConstantTimeCompare(ref.data, cl.Data) == 1 })
	if err != nil {
		c.ram.session.verified &^= ref.persons
		return answer{}, err
	}
	c.ram.session.verified |= ref.persons
	return answer{mode: mode}, nil
}

// triesLeft answers 9000 when the reference was verified, else 63Cx or 6983.
func (c *Card) triesLeft(k kind, ref reference) error {
	left := c.state.tries[k].left
	switch {
	case left == 0:
		return refuse(apdu.SWMethodBlocked)
	case c.ram.session.verified&ref.persons == ref.persons:
		return nil
	}
	return refuse(apdu.SWTries(int(left)))
}

// verifyFinger is VERIFY with odd INS: 7F2E { 81 minutiae } against the
// template of the reference in P2. What is no template is no try.
func (c *Card) verifyFinger(cl call) (answer, error) {
	if cl.P1 != 0 {
		return answer{}, refuse(apdu.SWWrongP1P2)
	}
	mode, err := c.allow(cl, actVerify, objFingers)
	if err != nil {
		return answer{}, err
	}
	ref, err := c.finger(cl.P2)
	if err != nil {
		return answer{}, err
	}
	inner, err := tlv.Field(cl.Data, tagBiometric)
	if err != nil {
		return answer{}, refuse(apdu.SWWrongData)
	}
	raw, err := tlv.Field(inner, tagMinutiae)
	if err != nil {
		return answer{}, refuse(apdu.SWWrongData)
	}
	probe, err := parseMinutiae(raw)
	if err != nil {
		return answer{}, refuse(apdu.SWWrongData)
	}
	enrolled, err := parseMinutiae(ref.data)
	if err != nil {
		return answer{}, err
	}
	err = c.attempt(kindFinger, cl.P2, func() bool {
		same, work := match(enrolled, probe)
		c.meter.crypto(work.time())
		return same
	})
	if err != nil {
		c.ram.session.verified &^= ref.persons
		return answer{}, err
	}
	c.ram.session.verified |= ref.persons
	return answer{mode: mode}, nil
}

// changeReference is CHANGE REFERENCE DATA (ISO/IEC 7816-4:2020, 11.6.7): {PIN,
// new PIN}. The old one is a try like any other.
func (c *Card) changeReference(cl call) (answer, error) {
	if cl.P1 != 0 || cl.P2 != card.RefPIN {
		return answer{}, refuse(apdu.SWWrongP1P2)
	}
	mode, err := c.allow(cl, actChange, objPIN)
	if err != nil {
		return answer{}, err
	}
	ref, err := c.pin()
	if err != nil {
		return answer{}, err
	}
	if len(cl.Data) != 2*card.PINLen || !isPIN(cl.Data[:card.PINLen]) || !isPIN(cl.Data[card.PINLen:]) {
		return answer{}, refuse(apdu.SWWrongData)
	}
	entered, chosen := cl.Data[:card.PINLen], cl.Data[card.PINLen:]
	err = c.attempt(kindPIN, cl.P2, func() bool { return subtle.ConstantTimeCompare(ref.data, entered) == 1 })
	if err != nil {
		c.ram.session.verified &^= ref.persons
		return answer{}, err
	}
	c.ram.session.verified |= ref.persons
	if err := c.note(card.AuditPINChange, 0); err != nil {
		return answer{}, err
	}
	return answer{mode: mode}, c.storePIN(ref.persons, chosen)
}

// resetRetryCounter is RESET RETRY COUNTER (ISO/IEC 7816-4:2020, 11.6.10) by
// the issuer: P1 02 with a new PIN, P1 03 without data, for the PIN or for all
// fingers.
func (c *Card) resetRetryCounter(cl call) (answer, error) {
	obj, k := objPIN, kindPIN
	switch {
	case cl.P2 == card.RefPIN && (cl.P1 == 0x02 || cl.P1 == 0x03):
	case cl.P2 == card.RefFingers && cl.P1 == 0x03:
		obj, k = objFingers, kindFinger
	default:
		return answer{}, refuse(apdu.SWWrongP1P2)
	}
	mode, err := c.allow(cl, actReset, obj)
	if err != nil {
		return answer{}, err
	}
	ref := reference{}
	if k == kindPIN {
		if ref, err = c.pin(); err != nil {
			return answer{}, err
		}
	}
	switch {
	case cl.P1 == 0x02 && !isPIN(cl.Data):
		return answer{}, refuse(apdu.SWWrongData)
	case cl.P1 == 0x03 && len(cl.Data) != 0:
		return answer{}, refuse(apdu.SWWrongLength)
	}
	if err := c.note(card.AuditPINReset, uint16(cl.P2)<<8|uint16(cl.P1)); err != nil {
		return answer{}, err
	}
	if cl.P1 == 0x02 {
		return answer{mode: mode}, c.storePIN(ref.persons, cl.Data)
	}
	return answer{mode: mode}, c.setTries(k, fullTries[k])
}

// assertFinger is PUT DATA 0162: {83 reference, 85 score}, the terminal's word
// that a finger matched on the host. The line stands before it counts.
func (c *Card) assertFinger(raw []byte) error {
	f, err := tlv.Fields(raw, tagReference, tagScore)
	if err != nil || len(f[0]) != 1 || len(f[1]) != 1 {
		return refuse(apdu.SWWrongData)
	}
	ref, err := c.finger(f[0][0])
	if err != nil {
		return err
	}
	if err := c.note(card.AuditHostMatch, uint16(f[0][0])<<8|uint16(f[1][0])); err != nil {
		return err
	}
	c.ram.session.verified |= ref.persons
	return nil
}
