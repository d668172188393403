package softcard

import (
	"errors"
	"fmt"

	"github.com/dhamani-iq/dhamani/card/apdu"
	"github.com/dhamani-iq/dhamani/card/sm"
)

const swMemoryFailure = apdu.SWMemoryFailure

// Class bits of ISO/IEC 7816-4:2020, 5.4.1. Other bits stand for logical
// channels and proprietary classes, which the application does not have.
const classKnown = apdu.ClassChained | sm.ClassSM

// statusError ends a command with a status word.
type statusError apdu.SW

func (e statusError) Error() string { return "command refused with " + apdu.SW(e).String() }

func refuse(sw apdu.SW) error { return statusError(sw) }

func refusal(sw apdu.SW) apdu.Response { return apdu.Response{SW: sw} }

// process takes one command as it comes from the reader. It owes errPower;
// every other failure is a status word.
func (c *Card) process(raw []byte) (apdu.Response, error) {
	cmd, err := apdu.Parse(raw)
	switch {
	case errors.Is(err, apdu.ErrClass):
		return refusal(apdu.SWWrongClass), nil
	case err != nil || cmd.Extended && !c.opts.Extended, c.opts.T0 && len(cmd.Data) > 0 && cmd.Ne > 0:
		return refusal(apdu.SWWrongLength), nil //nolint:nilerr // a card tells its reader by status words only
	case c.state.broken != nil:
		return refusal(swMemoryFailure), nil //nolint:nilerr // as above
	case cmd.CLA == 0 && cmd.INS == insGetResponse:
		return c.getResponse(cmd), nil
	}
	c.ram.pending = nil
	switch secured := cmd.CLA & sm.ClassSM; {
	case cmd.CLA&^classKnown != 0, secured != 0 && secured != sm.ClassSM:
		c.dropChain()
		return refusal(apdu.SWWrongClass), nil
	case commands[cmd.INS] == nil:
		c.dropChain()
		return refusal(apdu.SWWrongINS), nil
	}
	whole, sw := c.unchain(&cmd)
	if !whole {
		return refusal(sw), nil
	}
	if c.opts.T0 && len(cmd.Data) > 0 {
		return c.announce(cmd)
	}
	r, err := c.execute(cmd)
	if err != nil {
		return apdu.Response{}, err
	}
	return c.deliver(r, cmd.Ne), nil
}

// unchain collects the blocks of a chain (ISO/IEC 7816-4:2020, 5.3.3). With
// the last one whole is true, and cmd carries all the data.
func (c *Card) unchain(cmd *apdu.Command) (whole bool, sw apdu.SW) {
	more := cmd.CLA&apdu.ClassChained != 0
	cmd.CLA &^= apdu.ClassChained
	if c.ram.chaining && cmd.Header() != c.ram.chainHdr {
		c.dropChain()
		return false, apdu.SWLastChainExpected
	}
	if len(c.ram.chain)+len(cmd.Data) > maxCommand {
		c.dropChain()
		return false, apdu.SWWrongLength
	}
	if !c.ram.chaining && !more {
		return true, 0
	}
	c.ram.chain = append(c.ram.chain, cmd.Data...)
	c.ram.chainHdr, c.ram.chaining = cmd.Header(), true
	if more {
		return false, apdu.SWOK
	}
	cmd.Data = c.ram.chain
	c.dropChain()
	return true, 0
}

func (c *Card) dropChain() { c.ram.chain, c.ram.chaining = nil, false }

// execute carries out one whole command: it takes off secure messaging, calls
// the command, and protects the answer in the same way.
func (c *Card) execute(cmd apdu.Command) (apdu.Response, error) {
	if cmd.CLA&sm.ClassSM == 0 {
		// A plain command ends secure messaging (ICAO Doc 9303-11, 9.8.2).
		c.ram.session = session{}
		a, err := c.run(call{Command: cmd})
		return apdu.Response{Data: a.data, SW: a.sw}, err
	}
	s := c.ram.session.sm
	if s == nil {
		return refusal(apdu.SWSMIncorrect), nil
	}
	c.meter.cmac(len(cmd.Data) + 2*16)
	plain, mode, err := s.UnwrapCommand(cmd)
	if err != nil {
		c.ram.session = session{}
		if errors.Is(err, sm.ErrMissing) {
			return refusal(apdu.SWSMMissing), nil
		}
		return refusal(apdu.SWSMIncorrect), nil
	}
	if mode == sm.Encrypted {
		c.meter.aes(len(plain.Data))
	}
	a, err := c.run(call{Command: plain, secured: true})
	if err != nil {
		return apdu.Response{}, err
	}
	r, err := s.WrapResponse(cmd.INS, apdu.Response{Data: a.data, SW: a.sw}, a.mode)
	if err != nil {
		c.ram.session = session{}
		return refusal(apdu.SWSMIncorrect), nil //nolint:nilerr // a card tells its reader by status words only
	}
	c.meter.cmac(len(r.Data) + 16)
	if a.mode == sm.Encrypted {
		c.meter.aes(len(a.data))
	}
	return r, nil
}

// run calls the command and turns its refusal into a status word. It owes
// errPower.
func (c *Card) run(cl call) (answer, error) {
	begins := cl.INS == insSelect && cl.P1 == 0x04
	if !begins && (!c.ram.selected || c.state.life == lifeTerminated) {
		return answer{sw: apdu.SWConditions}, nil
	}
	a, err := commands[cl.INS](c, cl)
	if !errors.Is(err, errPower) {
		if saveErr := c.save(); saveErr != nil {
			err = saveErr
		}
	}
	var refused statusError
	switch {
	case err == nil:
		if a.sw == 0 {
			a.sw = apdu.SWOK
		}
		return a, nil
	case errors.As(err, &refused):
		return answer{sw: apdu.SW(refused)}, nil
	case errors.Is(err, errPower):
		return answer{}, fmt.Errorf("command %02X: %w", cl.INS, err)
	}
	return answer{sw: swMemoryFailure}, nil
}

// announce carries out a command with data over T=0, which has no room for what
// it expects: the answer waits for GET RESPONSE (ISO/IEC 7816-3:2006, 12.2.5).
func (c *Card) announce(cmd apdu.Command) (apdu.Response, error) {
	cmd.Ne = apdu.MaxShortNe
	r, err := c.execute(cmd)
	if err != nil || len(r.Data) == 0 {
		return r, err
	}
	c.ram.pending, c.ram.pendingSW = r.Data, r.SW
	return refusal(apdu.SWMore(len(r.Data))), nil
}

// deliver hands out as much of an answer as was asked for, and keeps the rest
// for GET RESPONSE.
func (c *Card) deliver(r apdu.Response, ne int) apdu.Response {
	if c.opts.T0 && len(r.Data) > 0 && len(r.Data) < ne {
		return refusal(swCorrectLe | apdu.SWMore(len(r.Data))&0xFF) // T=0 sends as many bytes as P3 says, or none
	}
	if len(r.Data) <= ne {
		return r
	}
	c.ram.pending, c.ram.pendingSW = r.Data[ne:], r.SW
	return apdu.Response{Data: r.Data[:ne], SW: apdu.SWMore(len(c.ram.pending))}
}

// getResponse is GET RESPONSE (ISO/IEC 7816-4:2020, 11.7.1).
func (c *Card) getResponse(cmd apdu.Command) apdu.Response {
	c.dropChain()
	switch {
	case len(c.ram.pending) == 0:
		return refusal(apdu.SWConditions)
	case cmd.P1 != 0 || cmd.P2 != 0:
		return refusal(apdu.SWWrongP1P2)
	case len(cmd.Data) != 0:
		return refusal(apdu.SWWrongLength)
	case cmd.Ne == 0:
		return refusal(swCorrectLe | apdu.SWMore(len(c.ram.pending))&0xFF)
	}
	r := apdu.Response{Data: c.ram.pending, SW: c.ram.pendingSW}
	if c.opts.T0 && len(r.Data) < cmd.Ne {
		return c.deliver(r, cmd.Ne)
	}
	c.ram.pending = nil
	return c.deliver(r, cmd.Ne)
}

// swCorrectLe is 6Cxx: wrong Le, xx bytes are there (00 for 256 or more).
const swCorrectLe apdu.SW = 0x6C00
