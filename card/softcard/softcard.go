// Package softcard emulates a card with the Dhamani application: its files,
// its append-only log, Chip and Terminal Authentication (BSI TR-03110) with
// secure messaging, and the memory of a dual-interface Java Card, down to the
// page that a power cut tears.
//
// A Card is used in process through Transport, or plugged into the virtual
// reader vpcd of a running pcscd through Plug. It serves demonstrations,
// training and support; a card made here is trusted only by a centre that
// issued it.
package softcard

import (
	"crypto/rand"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/dhamani-iq/dhamani/card"
)

// Options say how a card behaves. The zero value is a card of 424 kbit/s that
// never loses its power and keeps its memory in RAM.
type Options struct {
	// ATR is the answer to reset; nil stands for ContactlessATR, or for
	// ContactATR on LinkT1, with the lengths that Extended gives.
	ATR []byte
	// Random gives keys, challenges and the card identifier; nil stands for
	// crypto/rand.Reader.
	Random io.Reader
	// Cut is asked at every command boundary and at every step of writing to
	// memory whether the power fails there. It must not call the card.
	Cut func(CutPoint) bool
	// Extended makes a card that takes extended APDUs besides short ones; its
	// answer to reset says which it does.
	Extended bool
	// T0 makes a card that speaks T=0 alone, and takes TPDUs: short, with one
	// length byte. It goes before Extended.
	T0 bool
	// Link is the link of the timing model.
	Link Link
	// Sleep makes every command take the modelled time.
	Sleep bool
	// Save is given the image after every command that wrote to memory, and
	// before its answer leaves; when it fails, the answer is 6581, and the
	// next command saves again. It must not call the card.
	Save func(image []byte) error

	// singleHead writes the head in place, always into the same slot: the
	// mistake that two slots are there to avoid. Tests use it as a control.
	singleHead bool
}

// Card is one emulated card. Its methods may be called concurrently; it lies
// in one reader at a time, and putting it into another resets it.
type Card struct {
	opts Options
	atr  []byte

	mu     sync.Mutex // guards all below
	nvm    nvm
	meter  meter
	state  state    // read from nvm at power-on
	ram    ram      // lost with the power
	holder *contact // where the card lies; nil when it is in nobody's reader
}

// New makes a factory-fresh card: creation state, random card identifier, no
// keys. When Options.Random fails, the card answers 6581 to everything.
func New(opts Options) *Card {
	c := newCard(opts, make([]byte, mem.size))
	c.state.broken = c.manufacture()
	if c.state.broken == nil {
		c.state = mount(&c.nvm)
	}
	c.nvm.cut = opts.Cut
	return c
}

// Load makes a card from an image that Image returned. It owes ErrImage for
// bytes that are no intact image, or whose memory contradicts itself; one
// half-written slot is no contradiction, a power cut leaves such.
func Load(image []byte, opts Options) (*Card, error) {
	memory, err := decodeImage(image)
	if err != nil {
		return nil, err
	}
	c := newCard(opts, memory)
	if c.state = mount(&c.nvm); c.state.broken != nil {
		return nil, fmt.Errorf("load card: %w: %w", ErrImage, c.state.broken)
	}
	c.nvm.cut = opts.Cut
	return c, nil
}

func newCard(opts Options, memory []byte) *Card {
	if opts.Random == nil {
		opts.Random = rand.Reader
	}
	atr := opts.ATR
	opts.Extended = opts.Extended && !opts.T0
	switch {
	case atr != nil:
	case opts.T0:
		atr = t0ATR()
	case opts.Link == LinkT1:
		atr = contactATR(opts.Extended)
	default:
		atr = contactlessATR(opts.Extended)
	}
	c := &Card{opts: opts, atr: atr, meter: meter{link: opts.Link}}
	c.nvm = nvm{b: memory, meter: &c.meter}
	return c
}

// manufacture writes what a card has when it leaves the factory.
func (c *Card) manufacture() error {
	var id card.ID
	if _, err := io.ReadFull(c.opts.Random, id[:]); err != nil {
		return fmt.Errorf("make card identifier: %w", err)
	}
	if err := mem.id.put(&c.nvm, id[:]); err != nil {
		return err
	}
	if err := mem.life.put(&c.nvm, []byte{lifeCreation}); err != nil {
		return err
	}
	err := writeHead(&c.nvm, 0, logState{})
	c.meter.time = Time{}
	c.nvm.dirty = false
	return err
}

// Image returns the whole lasting state, for Load. It holds private keys.
func (c *Card) Image() []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	return encodeImage(c.nvm.b)
}

// ID returns the card identifier given at manufacture.
func (c *Card) ID() card.ID {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.state.id
}

// Modelled returns the time that everything since ResetModel would have taken
// on the modelled card.
func (c *Card) Modelled() Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.meter.time
}

// ResetModel sets the modelled time to zero.
func (c *Card) ResetModel() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.meter.time = Time{}
}

// Transport puts the card into a reader in this process, with its power on.
// A transport had before, or a slot, loses the card and says card.ErrReset.
func (c *Card) Transport() card.Transport { return c.insert(nil) }

// Remove takes the card out of whatever reader it lies in: the power is gone,
// and the transport that had it says card.ErrRemoved from now on.
func (c *Card) Remove() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.eject(card.ErrRemoved)
}

// insert gives the card to a new contact. lost, when not nil, is called when
// the contact loses the card; it must not call the card.
func (c *Card) insert(lost func()) *contact {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.eject(card.ErrReset)
	c.holder = &contact{card: c, lost: lost, powered: true}
	c.power()
	return c.holder
}

// eject takes the card from its contact, which answers err from now on. The
// mutex is held.
func (c *Card) eject(err error) {
	if c.holder != nil {
		c.holder.gone = err
		if c.holder.lost != nil {
			c.holder.lost()
		}
		c.holder = nil
	}
	c.ram = ram{}
}

// power switches the card on: RAM is empty, and the state is read from
// memory. The mutex is held.
func (c *Card) power() {
	c.ram = ram{}
	if c.state.broken == nil || c.state.mounted {
		c.state = mount(&c.nvm)
	}
}

// transmit carries out one command for a contact and returns its answer and
// the modelled time. It owes the error with which the contact lost the card,
// and card.ErrRemoved when the power goes meanwhile.
func (c *Card) transmit(from *contact, raw []byte) ([]byte, time.Duration, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case from.gone != nil:
		return nil, 0, from.gone
	case !from.powered:
		return nil, 0, card.ErrRemoved
	}
	before := c.meter.time.Total()
	answer, err := c.carryOut(raw)
	if err != nil {
		_ = c.save() // what the cut left; nobody is there to be told of a failure
		c.eject(card.ErrRemoved)
		return nil, 0, card.ErrRemoved
	}
	c.meter.apdu(len(raw), len(answer))
	return answer, c.meter.time.Total() - before, nil
}

// carryOut processes one command between its two boundaries. It owes errPower.
func (c *Card) carryOut(raw []byte) ([]byte, error) {
	c.nvm.ins = 0
	if len(raw) > 1 {
		c.nvm.ins = raw[1]
	}
	if err := c.nvm.point(CutBeforeCommand, 0, 0); err != nil {
		return nil, err
	}
	r, err := c.process(raw)
	if err != nil {
		return nil, err
	}
	return r.Encode(), c.nvm.point(CutBeforeAnswer, 0, 0)
}

// save hands the image out when memory was written since the last time.
func (c *Card) save() error {
	if !c.nvm.dirty || c.opts.Save == nil {
		return nil
	}
	if err := c.opts.Save(encodeImage(c.nvm.b)); err != nil {
		return fmt.Errorf("save card image: %w", err)
	}
	c.nvm.dirty = false
	return nil
}
