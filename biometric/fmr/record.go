package fmr

import (
	"encoding/binary"
	"math"
)

// Lengths of a record's parts in bytes.
const (
	isoHeader   = 24
	ansiHeader  = 26
	viewHeader  = 4
	minutiaLen  = 6
	extHeader   = 4
	extLenBytes = 2
)

// magic is the format identifier and the version " 20" (ISO/IEC 19794-2:2005,
// 7.3.1 and 7.3.2); INCITS 378-2004 has the same.
var magic = [8]byte{'F', 'M', 'R', 0, ' ', '2', '0', 0}

// Marshal writes t as a record of ISO/IEC 19794-2:2005, 7:
//
//	"FMR" 00 " 20" 00 | length u32 | device u16 | width u16 | height u16 |
//	xres u16 | yres u16 | views u8 | 00
//	view:    position u8 | number 4 bits, impression 4 bits | quality u8 | n u8 | n minutiae |
//	         length of the extended data u16 | extended data
//	minutia: type 2 bits, x 14 bits | 0 2 bits, y 14 bits | angle u8 | quality u8
//	extended data: type u16 | length with these four bytes u16 | bytes
//
// It owes *FormatError.
func Marshal(t *Template) ([]byte, error) {
	if err := t.check(); err != nil {
		return nil, err
	}
	size := isoHeader
	for i := range t.Views {
		ext := t.Views[i].extensionBytes()
		if ext > math.MaxUint16 {
			return nil, &FormatError{-1, "extended data too long"}
		}
		size += viewHeader + minutiaLen*len(t.Views[i].Minutiae) + extLenBytes + ext
	}
	if size > MaxRecord {
		return nil, &FormatError{-1, "record too long"}
	}
	b := append(make([]byte, 0, size), magic[:]...)
	b = binary.BigEndian.AppendUint32(b, uint32(size)) // #nosec G115 -- at most MaxRecord
	b = binary.BigEndian.AppendUint16(b, t.Device)
	for _, n := range [...]int{t.Width, t.Height, t.XRes, t.YRes} {
		b = binary.BigEndian.AppendUint16(b, uint16(n)) // #nosec G115 -- checked
	}
	b = append(b, byte(len(t.Views)), 0) // #nosec G115 -- checked
	for i := range t.Views {
		b = t.Views[i].append(b)
	}
	return b, nil
}

func (v *View) extensionBytes() int {
	n := 0
	for _, e := range v.Extensions {
		n += extHeader + len(e.Data)
	}
	return n
}

func (v *View) append(b []byte) []byte {
	b = append(b, byte(v.Position), v.Number<<4|byte(v.Impression), v.Quality, byte(len(v.Minutiae))) // #nosec G115 -- checked
	for _, m := range v.Minutiae {
		b = binary.BigEndian.AppendUint16(b, uint16(m.Type)<<14|uint16(m.X)) // #nosec G115 -- checked
		b = binary.BigEndian.AppendUint16(b, uint16(m.Y))                    // #nosec G115 -- checked
		b = append(b, m.Angle, m.Quality)
	}
	b = binary.BigEndian.AppendUint16(b, uint16(v.extensionBytes())) // #nosec G115 -- checked
	for _, e := range v.Extensions {
		b = binary.BigEndian.AppendUint16(b, e.Type)
		b = binary.BigEndian.AppendUint16(b, uint16(extHeader+len(e.Data))) // #nosec G115 -- checked
		b = append(b, e.Data...)
	}
	return b
}

// Parse reads a record of ISO/IEC 19794-2:2005. It owes *FormatError.
func Parse(b []byte) (*Template, error) {
	r := reader{b: b, angle: func(a byte) (byte, bool) { return a, true }}
	t := r.head(isoHeader)
	if r.err == nil && uint64(binary.BigEndian.Uint32(b[8:])) != uint64(len(b)) {
		r.fail("record length wrong")
	}
	return r.views(t)
}

// ParseINCITS reads a record of ANSI INCITS 378-2004. Its header differs in
// that the length has two bytes (six in a record longer than is read here) and
// a product identifier follows; its angles are units of two degrees, which
// become the nearest of ISO. It owes *FormatError.
func ParseINCITS(b []byte) (*Template, error) {
	r := reader{b: b, angle: func(a byte) (byte, bool) {
		return byte((int(a)*256 + 90) / 180), a < 180 // #nosec G115 -- modulo 256 is meant
	}}
	t := r.head(ansiHeader)
	if r.err == nil && int(binary.BigEndian.Uint16(b[8:])) != len(b) {
		r.fail("record length wrong")
	}
	return r.views(t)
}

// reader reads a record from b and remembers the first error; n is what it has
// read. angle turns a coded angle into ISO's.
type reader struct {
	b     []byte
	n     int
	angle func(byte) (byte, bool)
	err   error
}

func (r *reader) fail(what string) {
	if r.err == nil {
		r.err = &FormatError{r.n, what}
	}
}

// take returns the next n bytes; it returns nil after an error.
func (r *reader) take(n int) []byte {
	if r.err == nil && n > len(r.b)-r.n {
		r.fail("record cut short")
	}
	if r.err != nil {
		return nil
	}
	r.n += n
	return r.b[r.n-n : r.n : r.n]
}

// head reads a header of size bytes; its last twelve are the same in both
// standards.
func (r *reader) head(size int) *Template {
	if len(r.b) > MaxRecord {
		r.fail("record too long")
	}
	h := r.take(size)
	if h == nil {
		return nil
	}
	if [8]byte(h) != magic {
		r.n = 0
		r.fail("not a finger minutiae record of version 2.0")
		return nil
	}
	h = h[size-12:]
	u16 := func(at int) int { return int(binary.BigEndian.Uint16(h[at:])) }
	if h[11] != 0 {
		r.fail("reserved byte not zero")
	}
	if h[10] == 0 || h[10] > MaxViews {
		r.fail("number of views out of range")
	}
	return &Template{
		Device: binary.BigEndian.Uint16(h), Width: u16(2), Height: u16(4), XRes: u16(6), YRes: u16(8),
		Views: make([]View, min(int(h[10]), MaxViews)),
	}
}

func (r *reader) views(t *Template) (*Template, error) {
	if r.err != nil {
		return nil, r.err
	}
	for i := range t.Views {
		r.view(&t.Views[i])
		if r.err != nil {
			return nil, r.err
		}
	}
	if r.n != len(r.b) {
		r.fail("bytes left over")
		return nil, r.err
	}
	if err := t.check(); err != nil {
		return nil, err
	}
	return t, nil
}

func (r *reader) view(v *View) {
	h := r.take(viewHeader)
	if h == nil {
		return
	}
	v.Position, v.Number, v.Impression, v.Quality = Position(h[0]), h[1]>>4, Impression(h[1]&15), h[2]
	raw := r.take(int(h[3]) * minutiaLen)
	if raw == nil {
		return
	}
	if len(raw) > 0 {
		v.Minutiae = make([]Minutia, 0, h[3])
	}
	for ; len(raw) > 0; raw = raw[minutiaLen:] {
		x, y := binary.BigEndian.Uint16(raw), binary.BigEndian.Uint16(raw[2:])
		angle, ok := r.angle(raw[4])
		if y > MaxSize || !ok {
			r.fail("reserved value in a minutia")
			return
		}
		v.Minutiae = append(v.Minutiae, Minutia{X: int(x & MaxSize), Y: int(y), Angle: angle, Type: Type(x >> 14), Quality: raw[5]})
	}
	v.Extensions = r.extensions()
}

func (r *reader) extensions() []Extension {
	head := r.take(extLenBytes)
	if head == nil {
		return nil
	}
	var all []Extension
	for left := int(binary.BigEndian.Uint16(head)); left > 0; {
		h := r.take(extHeader)
		if h == nil {
			return nil
		}
		n := int(binary.BigEndian.Uint16(h[2:]))
		if n < extHeader || n > left {
			r.fail("length of extended data wrong")
			return nil
		}
		data := r.take(n - extHeader)
		if data == nil {
			return nil
		}
		all = append(all, Extension{binary.BigEndian.Uint16(h), data})
		left -= n
	}
	return all
}
