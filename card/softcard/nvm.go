package softcard

import (
	"errors"
	"time"
)

// pageSize is the number of bytes that the memory writes in one step. A power
// cut tears at most one step; what stands outside the written range is safe,
// as Java Card promises for arrayCopyNonAtomic.
const pageSize = 64

// CutKind says at which kind of moment the power may be cut.
type CutKind uint8

const (
	// CutBeforeCommand is the moment when a command has reached the card and
	// nothing was done with it yet.
	CutBeforeCommand CutKind = iota
	// CutBeforeWrite is the moment before a page step; nothing of it is written.
	CutBeforeWrite
	// CutHalfWrite is amid a page step: its first half holds the new bytes,
	// the second half still the old ones.
	CutHalfWrite
	// CutTornWrite is amid a page step: its first half holds the new bytes,
	// the second half has been erased to FF.
	CutTornWrite
	// CutBeforeAnswer is the moment when a command was carried out and its
	// answer has not left the card.
	CutBeforeAnswer
)

var cutNames = [...]string{"before command", "before write", "half write", "torn write", "before answer"}

// String names the kind in lower case.
func (k CutKind) String() string {
	if int(k) < len(cutNames) {
		return cutNames[k]
	}
	return "unknown"
}

// CutPoint is one moment at which Options.Cut may take the power away.
type CutPoint struct {
	Kind   CutKind
	Index  int  // running number since the card was made or loaded, from 0
	INS    byte // instruction being carried out
	Offset int  // memory offset of the page step; 0 at a command boundary
	Len    int  // bytes of the page step; 0 at a command boundary
}

// errPower ends a command: the power went while it ran.
var errPower = errors.New("the card lost its power")

// nvm is the card's non-volatile memory: every byte that outlives a power
// cut. All lasting state is in b and is read from it anew at power-on.
type nvm struct {
	b     []byte
	cut   func(CutPoint) bool // nil: the power never fails
	meter *meter
	index int  // number of cut points passed
	ins   byte // instruction being carried out, for cut points
	dirty bool // b differs from what was last given to Save
}

// point offers one moment to the cut function. It owes errPower.
func (m *nvm) point(kind CutKind, off, n int) error {
	if m.cut == nil {
		return nil
	}
	p := CutPoint{Kind: kind, Index: m.index, INS: m.ins, Offset: off, Len: n}
	m.index++
	if m.cut(p) {
		return errPower
	}
	return nil
}

// write stores p at off, one page step after the other. It owes errPower, and
// then the bytes of the steps done so far stay, and perhaps a torn one.
func (m *nvm) write(off int, p []byte) error {
	for len(p) > 0 {
		n := min(len(p), pageSize-off%pageSize)
		if err := m.step(off, p[:n]); err != nil {
			return err
		}
		off, p = off+n, p[n:]
	}
	return nil
}

// step writes one page step: p lies within one page.
func (m *nvm) step(off int, p []byte) error {
	if err := m.point(CutBeforeWrite, off, len(p)); err != nil {
		return err
	}
	m.dirty = true
	m.meter.time.NVM += writeTime
	half := len(p) / 2
	dst := m.b[off : off+len(p)]
	copy(dst[:half], p)
	if err := m.point(CutHalfWrite, off, len(p)); err != nil {
		return err
	}
	if err := m.point(CutTornWrite, off, len(p)); err != nil {
		for i := half; i < len(dst); i++ {
			dst[i] = 0xFF
		}
		return err
	}
	copy(dst, p)
	return nil
}

// writeTime is the time of one page step: 2.9 ms for 256 bytes.
const writeTime = 2900 * time.Microsecond * pageSize / 256
