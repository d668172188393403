package softcard

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
)

// cell is a small value that is replaced as a whole or not at all: two copies
// in pages of their own, of which the older is overwritten.
//
//	copy = version u32 | length u16 | data | CRC-32 (IEEE) of all before it
//
// The valid copy with the higher version is the value; none is valid in a
// cell that was never written.
type cell struct {
	name string
	off  int // of the first copy
	size int // longest data
}

const cellExtra = 4 + 2 + 4

// span returns the bytes that one copy takes up: whole pages.
func (c cell) span() int { return pages(c.size+cellExtra) * pageSize }

func pages(n int) int { return (n + pageSize - 1) / pageSize }

// copyAt reads the copy i (0 or 1).
func (c cell) copyAt(m *nvm, i int) (data []byte, version uint32, ok bool) {
	raw := m.b[c.off+i*c.span() : c.off+(i+1)*c.span()]
	version = binary.BigEndian.Uint32(raw)
	n := int(binary.BigEndian.Uint16(raw[4:]))
	if n > c.size {
		return nil, 0, false
	}
	if binary.BigEndian.Uint32(raw[6+n:]) != crc32.ChecksumIEEE(raw[:6+n]) {
		return nil, 0, false
	}
	return raw[6 : 6+n], version, true
}

// newest returns the valid copy, its version and its number; ok is false when
// the cell was never written.
func (c cell) newest(m *nvm) (data []byte, version uint32, slot int, ok bool) {
	d0, v0, ok0 := c.copyAt(m, 0)
	d1, v1, ok1 := c.copyAt(m, 1)
	switch {
	case ok1 && (!ok0 || v1 > v0):
		return d1, v1, 1, true
	case ok0:
		return d0, v0, 0, true
	}
	return nil, 0, 1, false
}

// get returns a copy of the value, or nil when there is none.
func (c cell) get(m *nvm) []byte {
	data, _, _, ok := c.newest(m)
	if !ok {
		return nil
	}
	return append([]byte{}, data...)
}

// put replaces the value. It owes errPower, and then the cell holds the old
// value or the new one.
func (c cell) put(m *nvm, data []byte) error {
	if len(data) > c.size {
		return fmt.Errorf("write %s of %d bytes: at most %d", c.name, len(data), c.size)
	}
	_, version, slot, _ := c.newest(m)
	raw := make([]byte, 0, len(data)+cellExtra)
	raw = binary.BigEndian.AppendUint32(raw, version+1)
	raw = binary.BigEndian.AppendUint16(raw, uint16(len(data))) // #nosec G115 -- at most size
	raw = append(raw, data...)
	raw = binary.BigEndian.AppendUint32(raw, crc32.ChecksumIEEE(raw))
	return m.write(c.off+(1-slot)*c.span(), raw)
}

// putTwice replaces the value and the older copy under it, so that nothing of
// what was there before is left in the memory. It owes what put owes.
func (c cell) putTwice(m *nvm, data []byte) error {
	if err := c.put(m, data); err != nil {
		return err
	}
	return c.put(m, data)
}
