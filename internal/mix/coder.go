package mix

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// ErrFormat is returned for bytes that no Encoder wrote.
var ErrFormat = errors.New("malformed compressed texts")

// MaxColumn is the greatest number of a column.
const MaxColumn = 14

// lengths is the column of the texts' lengths.
const lengths = MaxColumn + 1

// Encoder compresses texts, one after the other.
type Encoder struct {
	m         *model
	low, high uint32
	out       []byte
}

// NewEncoder returns an Encoder without texts.
func NewEncoder() *Encoder { return &Encoder{m: newModel(), high: 1<<32 - 1} }

// Put appends a text of a column.
func (e *Encoder) Put(column uint8, text []byte) {
	e.m.begin(lengths)
	for _, b := range binary.AppendUvarint(nil, uint64(len(text))) {
		e.put(b)
	}
	e.m.begin(uint32(min(column, MaxColumn)))
	for _, b := range text {
		e.put(b)
	}
}

// Bytes ends the coding and returns what was written.
func (e *Encoder) Bytes() []byte {
	return append(e.out, byte(e.high>>24), byte(e.high>>16&0xff)) // #nosec G115 -- a byte each
}

func (e *Encoder) put(b byte) {
	for i := 7; i >= 0; i-- {
		p, bit := e.m.predict(), uint32(b>>i)&1
		mid := middle(e.low, e.high, p)
		if bit == 1 {
			e.high = mid
		} else {
			e.low = mid + 1
		}
		for (e.low^e.high)>>24 == 0 {
			e.out = append(e.out, byte(e.high>>24)) // #nosec G115 -- a byte
			e.low, e.high = e.low<<8, e.high<<8|255
		}
		e.m.update(bit, p)
	}
}

// middle divides an interval by the probability of a 1.
func middle(low, high, p uint32) uint32 {
	return low + uint32(uint64(high-low)*uint64(p)>>16) // #nosec G115 -- less than high-low
}

// Decoder reads what an Encoder wrote.
type Decoder struct {
	m               *model
	low, high, code uint32
	in              []byte
	over            int // bytes read beyond the end
}

// NewDecoder reads in.
func NewDecoder(in []byte) *Decoder {
	d := &Decoder{m: newModel(), high: 1<<32 - 1, in: in}
	for range 4 {
		d.code = d.code<<8 | d.next()
	}
	return d
}

// Next returns the next text, of the column with which it was put. It owes
// ErrFormat, also for a text of more than limit bytes.
func (d *Decoder) Next(column uint8, limit int) ([]byte, error) {
	d.m.begin(lengths)
	n, shift := uint64(0), 0
	for {
		b := d.get()
		n |= uint64(b&0x7f) << shift
		if b < 0x80 {
			break
		}
		if shift += 7; shift > 28 {
			return nil, fmt.Errorf("length of a text: %w", ErrFormat)
		}
	}
	if n > uint64(limit) || d.over > 4 { // #nosec G115 -- limits are positive
		return nil, fmt.Errorf("text of %d bytes: %w", n, ErrFormat)
	}
	d.m.begin(uint32(min(column, MaxColumn)))
	var text []byte
	for range n {
		text = append(text, d.get())
		if d.over > 4 {
			return nil, fmt.Errorf("text ends early: %w", ErrFormat)
		}
	}
	return text, nil
}

func (d *Decoder) next() uint32 {
	if len(d.in) == 0 {
		d.over++
		return 0
	}
	b := d.in[0]
	d.in = d.in[1:]
	return uint32(b)
}

func (d *Decoder) get() byte {
	var b byte
	for range 8 {
		p := d.m.predict()
		mid := middle(d.low, d.high, p)
		bit := uint32(0)
		if d.code <= mid {
			bit, d.high = 1, mid
		} else {
			d.low = mid + 1
		}
		for (d.low^d.high)>>24 == 0 {
			d.low, d.high, d.code = d.low<<8, d.high<<8|255, d.code<<8|d.next()
		}
		d.m.update(bit, p)
		b = b<<1 | byte(bit) // #nosec G115 -- a bit
	}
	return b
}
