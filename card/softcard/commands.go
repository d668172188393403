package softcard

import (
	"slices"

	"github.com/dhamani-iq/dhamani/card"
	"github.com/dhamani-iq/dhamani/card/apdu"
	"github.com/dhamani-iq/dhamani/card/sm"
	"github.com/dhamani-iq/dhamani/card/tlv"
)

// Instructions (ISO/IEC 7816-4, -8 and -9).
const (
	insDeactivate     = 0x04
	insManageSecurity = 0x22
	insVerify         = 0x20
	insVerifyDO       = 0x21
	insChangeRef      = 0x24
	insPerformOp      = 0x2A
	insResetRetry     = 0x2C
	insActivate       = 0x44
	insGenerateKey    = 0x47
	insExternalAuth   = 0x82
	insGetChallenge   = 0x84
	insGeneralAuth    = 0x86
	insSelect         = 0xA4
	insReadBinary     = 0xB0
	insReadBinaryDO   = 0xB1
	insGetResponse    = 0xC0
	insGetData        = 0xCA
	insGetDataDO      = 0xCB
	insUpdateBinary   = 0xD6
	insPutData        = 0xDA
	insAppendRecord   = 0xE2
	insTerminate      = 0xE6
)

// call is one whole command as a command function gets it: unchained and
// freed of secure messaging.
type call struct {
	apdu.Command
	secured bool // it came under secure messaging
}

// p1p2 returns both parameters as one number.
func (c call) p1p2() uint16 { return uint16(c.P1)<<8 | uint16(c.P2) }

// answer is what a command gives; sw 0 stands for 9000.
type answer struct {
	data []byte
	sw   apdu.SW
	mode sm.Mode
}

// commands dispatches by instruction. A function returns a statusError to
// refuse, and errPower when the power goes; any other error is 6581.
var commands = [256]func(*Card, call) (answer, error){
	insSelect:         (*Card).selectFile,
	insReadBinary:     (*Card).readBinary,
	insReadBinaryDO:   (*Card).readLog,
	insUpdateBinary:   (*Card).updateBinary,
	insGetData:        (*Card).getData,
	insGetDataDO:      (*Card).getDataDO,
	insPutData:        (*Card).putData,
	insAppendRecord:   (*Card).appendRecord,
	insGenerateKey:    (*Card).generateKey,
	insManageSecurity: (*Card).manageSecurity,
	insGeneralAuth:    (*Card).generalAuthenticate,
	insPerformOp:      (*Card).verifyCertificate,
	insGetChallenge:   (*Card).getChallenge,
	insExternalAuth:   (*Card).externalAuthenticate,
	insVerify:         (*Card).verify,
	insVerifyDO:       (*Card).verifyFinger,
	insChangeRef:      (*Card).changeReference,
	insResetRetry:     (*Card).resetRetryCounter,
	insActivate:       (*Card).activate,
	insDeactivate:     (*Card).deactivate,
	insTerminate:      (*Card).terminate,
}

// whole returns the answer to a command whose answer has one length. Who
// expects less is told the length by 6Cxx.
func whole(cl call, data []byte, mode sm.Mode) (answer, error) {
	if cl.Ne != 0 && cl.Ne < len(data) {
		return answer{}, refuse(swCorrectLe | apdu.SW(len(data)&0xFF)) // #nosec G115 -- one byte
	}
	return answer{data: data, mode: mode}, nil
}

// selectFile is SELECT (ISO/IEC 7816-4:2020, 11.2.2): the application by its
// identifier, in plain, or a file of it by the file identifier.
func (c *Card) selectFile(cl call) (answer, error) {
	switch {
	case cl.P1 == 0x04 && cl.P2 == 0x00:
		return c.selectApplication(cl)
	case cl.P1 == 0x02 && cl.P2 == 0x0C:
		if len(cl.Data) != 2 {
			return answer{}, refuse(apdu.SWWrongLength)
		}
		f := fileByFID(uint16(cl.Data[0])<<8 | uint16(cl.Data[1]))
		if f == fileNone {
			return answer{}, refuse(apdu.SWFileNotFound)
		}
		c.ram.current = f
		return answer{}, nil
	}
	return answer{}, refuse(apdu.SWWrongP1P2)
}

// selectApplication answers
//
//	6F { 84 AID, A5 { 80 version, 81 CardID, 82 life cycle, 83 largest block, 84 largest entry } }
//
// and begins anew: no file is current, nobody is authenticated.
func (c *Card) selectApplication(cl call) (answer, error) {
	if cl.secured {
		return answer{}, refuse(apdu.SWConditions)
	}
	c.ram = ram{}
	if string(cl.Data) != card.AID {
		return answer{}, refuse(apdu.SWFileNotFound)
	}
	c.ram.selected = true
	fci := tlv.Make(0x6F,
		tlv.Make(0x84, []byte(card.AID)),
		tlv.Make(0xA5,
			tlv.Make(0x80, []byte{card.FormatVersion}),
			tlv.Make(0x81, c.state.id[:]),
			tlv.Make(0x82, []byte{c.state.life}),
			tlv.Make(0x83, []byte{maxBlock >> 8, maxBlock & 0xFF}),
			tlv.Make(0x84, []byte{maxEntry >> 8, maxEntry & 0xFF})))
	a, err := whole(cl, fci, sm.Encrypted)
	switch c.state.life {
	case lifeBlocked:
		a.sw = apdu.SWDeactivated
	case lifeTerminated:
		a.sw = apdu.SWTerminated
	}
	return a, err
}

// activate is ACTIVATE FILE (ISO/IEC 7816-9): it ends the creation state of a
// card that has everything, and gives a blocked card back.
func (c *Card) activate(cl call) (answer, error) {
	if err := c.lifeCommand(cl, actActivate); err != nil {
		return answer{}, err
	}
	s := &c.state
	complete := len(s.anchors) > 0 && s.key != nil && s.persons&1 != 0 && s.length[fileSecurity] > 0 && s.length[fileIdentity] > 0
	if !complete {
		return answer{}, refuse(apdu.SWConditions)
	}
	if err := c.note(card.AuditUnblock, 0); err != nil {
		return answer{}, err
	}
	return answer{}, c.setLife(lifeOperational)
}

// deactivate is DEACTIVATE FILE: the issuer blocks the card.
func (c *Card) deactivate(cl call) (answer, error) {
	if err := c.lifeCommand(cl, actDeactivate); err != nil {
		return answer{}, err
	}
	if err := c.note(card.AuditBlock, 0); err != nil {
		return answer{}, err
	}
	return answer{}, c.setLife(lifeBlocked)
}

// terminate is TERMINATE DF: the issuer ends the card for good.
func (c *Card) terminate(cl call) (answer, error) {
	if err := c.lifeCommand(cl, actTerminate); err != nil {
		return answer{}, err
	}
	return answer{}, c.setLife(lifeTerminated)
}

func (c *Card) lifeCommand(cl call, act action) error {
	switch {
	case cl.p1p2() != 0:
		return refuse(apdu.SWWrongP1P2)
	case len(cl.Data) != 0:
		return refuse(apdu.SWWrongLength)
	}
	_, err := c.allow(cl, act, objApplication)
	return err
}

// lifeMoves are the allowed changes of the life cycle.
var lifeMoves = map[byte][]byte{
	lifeCreation:    {lifeOperational},
	lifeOperational: {lifeBlocked, lifeTerminated},
	lifeBlocked:     {lifeOperational, lifeTerminated},
}

// setLife changes the life cycle; nothing else does.
func (c *Card) setLife(to byte) error {
	if !slices.Contains(lifeMoves[c.state.life], to) {
		return refuse(apdu.SWConditions)
	}
	if err := mem.life.put(&c.nvm, []byte{to}); err != nil {
		return err
	}
	c.state.life = to
	return nil
}
