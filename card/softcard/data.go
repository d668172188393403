package softcard

import (
	"bytes"
	"crypto/ecdh"
	"errors"
	"io"

	"github.com/dhamani-iq/dhamani/card"
	"github.com/dhamani-iq/dhamani/card/apdu"
	"github.com/dhamani-iq/dhamani/card/sm"
	"github.com/dhamani-iq/dhamani/card/tlv"
	"github.com/dhamani-iq/dhamani/crypto/cvc"
)

// getData is GET DATA: the head of the log, its marks, or which fingers are
// enrolled.
func (c *Card) getData(cl call) (answer, error) {
	if len(cl.Data) != 0 {
		return answer{}, refuse(apdu.SWWrongLength)
	}
	switch cl.p1p2() {
	case card.DataHead:
		mode, err := c.allow(cl, actGet, objHead)
		if err != nil {
			return answer{}, err
		}
		raw, err := c.state.log.head.MarshalBinary()
		if err != nil {
			return answer{}, err
		}
		return whole(cl, raw, mode)
	case card.DataMarks:
		return c.getMarks(cl)
	case card.DataFingers:
		mode, err := c.allow(cl, actGet, objFingers)
		if err != nil {
			return answer{}, err
		}
		return whole(cl, c.fingerGroup(), mode)
	}
	return answer{}, refuse(apdu.SWReferenceNotFound)
}

// getDataDO is GET DATA with odd INS: the command's data say what is meant.
func (c *Card) getDataDO(cl call) (answer, error) {
	switch cl.p1p2() {
	case card.DataEcho:
		return c.echo(cl)
	case card.DataKeys:
		return c.getKeys(cl)
	}
	return answer{}, refuse(apdu.SWReferenceNotFound)
}

// echo is GET DATA with odd INS for the data object 0152: {53 …} comes back as
// it went, with zero bytes after it up to Ne. It tells a host which lengths
// its reader passes, so it is there in plain only, and has nothing to say.
func (c *Card) echo(cl call) (answer, error) {
	mode, err := c.allow(cl, actEcho, objApplication)
	if err != nil {
		return answer{}, err
	}
	if _, err := tlv.Field(cl.Data, 0x53); err != nil {
		return answer{}, refuse(apdu.SWWrongData)
	}
	if cl.Ne < len(cl.Data) || cl.Ne > maxAnswer {
		return answer{}, refuse(apdu.SWWrongLength)
	}
	return answer{data: append(bytes.Clone(cl.Data), make([]byte, cl.Ne-len(cl.Data))...), mode: mode}, nil
}

// putData is PUT DATA.
func (c *Card) putData(cl call) (answer, error) {
	switch cl.p1p2() {
	case card.DataSummary:
		return c.putSummary(cl)
	case card.DataMarks:
		return c.putReceipt(cl)
	case card.DataKeys:
		return c.putCell(cl, objKeys, (*Card).putKeys)
	case card.DataPIN:
		return c.putCell(cl, objPIN, (*Card).putPIN)
	case card.DataFinger:
		return c.putCell(cl, objBio, (*Card).putFinger)
	case card.DataAssertion:
		return c.putCell(cl, objAssertion, (*Card).assertFinger)
	case card.DataAnchor:
		return c.putCell(cl, objAnchor, (*Card).putAnchor)
	case card.DataDate:
		return c.putCell(cl, objDate, (*Card).putDate)
	}
	return answer{}, refuse(apdu.SWReferenceNotFound)
}

func (c *Card) putCell(cl call, obj object, put func(*Card, []byte) error) (answer, error) {
	mode, err := c.allow(cl, actPut, obj)
	if err != nil {
		return answer{}, err
	}
	return answer{mode: mode}, put(c, cl.Data)
}

// putDate sets the date of a card that is being personalised.
func (c *Card) putDate(raw []byte) error {
	date, err := cvc.ParseDate(raw)
	if err != nil {
		return refuse(apdu.SWWrongData)
	}
	return c.setDate(date)
}

// setDate stores the date.
func (c *Card) setDate(date cvc.Date) error {
	if err := mem.date.put(&c.nvm, date[:]); err != nil {
		return err
	}
	c.state.date = date
	return nil
}

// generateKey is GENERATE ASYMMETRIC KEY PAIR (ISO/IEC 7816-8): it makes the
// Chip Authentication key, or with P1 81 leaves the one that is there, and
// gives 7F49 { 86 point }.
func (c *Card) generateKey(cl call) (answer, error) {
	switch {
	case cl.p1p2() != 0x8000 && cl.p1p2() != 0x8100:
		return answer{}, refuse(apdu.SWWrongP1P2)
	case !bytes.Equal(cl.Data, []byte{0xAC, 0x00}):
		return answer{}, refuse(apdu.SWWrongData)
	}
	if _, err := c.allow(cl, actGenerate, objApplication); err != nil {
		return answer{}, err
	}
	if cl.P1 == 0x81 {
		if c.state.key == nil {
			return answer{}, refuse(apdu.SWReferenceNotFound)
		}
		return publicKey(c.state.key), nil
	}
	c.meter.crypto(timeKeyGen)
	key, err := makeKey(c.opts.Random)
	if err != nil {
		return answer{}, err
	}
	if err := mem.key.put(&c.nvm, key.Bytes()); err != nil {
		return answer{}, err
	}
	c.state.key = key
	return publicKey(key), nil
}

func publicKey(key *ecdh.PrivateKey) answer {
	return answer{data: tlv.Make(0x7F49, tlv.Make(0x86, key.PublicKey().Bytes())), mode: sm.Encrypted}
}

// makeKey draws a P-256 key from random itself: crypto/ecdh would not use it.
// A draw is out of range once in 2^32, so a few tries are plenty.
func makeKey(random io.Reader) (*ecdh.PrivateKey, error) {
	var scalar [keySize]byte
	for range 8 {
		if _, err := io.ReadFull(random, scalar[:]); err != nil {
			return nil, err
		}
		if key, err := ecdh.P256().NewPrivateKey(scalar[:]); err == nil {
			return key, nil
		}
	}
	return nil, errors.New("random source gives no key")
}
