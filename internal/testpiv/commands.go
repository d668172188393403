package testpiv

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/rand"

	"github.com/dhamani-iq/dhamani/card/apdu"
	"github.com/dhamani-iq/dhamani/card/tlv"
)

// carryOut is one whole command (SP 800-73-4 part 2, section 3).
func (c *Card) carryOut(cmd apdu.Command) ([]byte, apdu.SW) {
	fresh := c.fresh
	c.fresh = false
	switch {
	case cmd.CLA != 0:
		return nil, apdu.SWWrongClass
	case cmd.INS == 0xA4:
		return c.choose(cmd)
	case !c.selected:
		return nil, apdu.SWWrongINS
	case cmd.INS == 0xCB:
		return c.getData(cmd)
	case cmd.INS == 0x20:
		return nil, c.verify(cmd)
	case cmd.INS == 0x87:
		return c.authenticate(cmd, fresh)
	}
	return nil, apdu.SWWrongINS
}

func (c *Card) choose(cmd apdu.Command) ([]byte, apdu.SW) {
	if cmd.P1 != 4 || len(cmd.Data) < 5 || !bytes.HasPrefix(aid, cmd.Data) {
		return nil, apdu.SWFileNotFound
	}
	c.selected = true
	return tlv.Make(0x61, tlv.Make(0x4F, aid[5:]), tlv.Make(0x79, tlv.Make(0x4F, aid[:5]))), apdu.SWOK
}

func (c *Card) getData(cmd apdu.Command) ([]byte, apdu.SW) {
	name, err := tlv.Field(cmd.Data, 0x5C)
	if err != nil || cmd.P1 != 0x3F || cmd.P2 != 0xFF || len(name) > 3 {
		return nil, apdu.SWWrongData
	}
	var tag tlv.Tag
	for _, b := range name {
		tag = tag<<8 | tlv.Tag(b)
	}
	object, found := c.objects[tag]
	if !found {
		return nil, apdu.SWFileNotFound
	}
	return object, apdu.SWOK
}

func (c *Card) verify(cmd apdu.Command) apdu.SW {
	switch {
	case cmd.P2 != 0x80:
		return apdu.SWReferenceNotFound
	case cmd.P1 == 0xFF && len(cmd.Data) == 0:
		c.verified = false
		return apdu.SWOK
	case cmd.P1 != 0:
		return apdu.SWWrongP1P2
	case len(cmd.Data) == 0 && c.verified:
		return apdu.SWOK
	case c.left == 0:
		return apdu.SWMethodBlocked
	case len(cmd.Data) == 0:
		return apdu.SWTries(c.left)
	case len(cmd.Data) != 8:
		return apdu.SWWrongData
	}
	c.verifies++
	c.left--
	c.verified = bytes.Equal(cmd.Data, []byte(PIN+"\xFF\xFF"))
	if !c.verified {
		if c.left == 0 {
			return apdu.SWMethodBlocked
		}
		return apdu.SWTries(c.left)
	}
	c.left, c.fresh = Tries, true
	return apdu.SWOK
}

func (c *Card) authenticate(cmd apdu.Command, fresh bool) ([]byte, apdu.SW) {
	key, found := c.keys[cmd.P2]
	if !found || cmd.P1 != 0x11 {
		return nil, apdu.SWWrongP1P2
	}
	if !c.verified || cmd.P2 == signature && !fresh {
		return nil, apdu.SWSecurityStatus
	}
	body, err := tlv.Field(cmd.Data, 0x7C)
	if err != nil {
		return nil, apdu.SWWrongData
	}
	items, err := tlv.All(body)
	if err != nil {
		return nil, apdu.SWWrongData
	}
	digest, _ := tlv.Find(items, 0x81)
	response, wanted := tlv.Find(items, 0x82)
	if len(digest) == 0 || len(digest) > 32 || !wanted || len(response) > 0 {
		return nil, apdu.SWWrongData
	}
	signed, err := ecdsa.SignASN1(rand.Reader, key, digest)
	if err != nil {
		return nil, apdu.SWMemoryFailure
	}
	return tlv.Make(0x7C, tlv.Make(0x82, signed)), apdu.SWOK
}
