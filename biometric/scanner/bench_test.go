package scanner

import (
	"bytes"
	"image"
	"testing"
)

// BenchmarkDecode turns what a device sends into an image, with nothing else
// around: MB/s are of pixels.
func BenchmarkDecode(b *testing.B) {
	encrypted := make([]byte, uruHeader+289*uruWidth)
	for i := range encrypted[uruHeader:] {
		encrypted[uruHeader+i] = byte(i * 31 >> 3)
	}
	copy(encrypted[4:], []byte{0x21, 0x01})           // 289 rows
	copy(encrypted[16:], []byte{2, 200, 1, 1, 2, 89}) // encrypted, one absent, encrypted
	key := func(byte) (uint32, error) { return 0x51EA2124, nil }
	if _, err := decodeURU(encrypted, key); err != nil {
		b.Fatal(err)
	}
	message := encodeUPEK(upekCommand, 0, append([]byte{upekPart}, make([]byte, 2042)...))
	piece := append([]byte{0x80, 0x21}, make([]byte, nbChunk-2)...)
	film := make([]byte, zkPiece)
	strips := swipeStripsOf(40)
	for _, d := range []struct {
		name   string
		pixels int
		decode func() error
	}{
		{"uru4000 encrypted", 289 * uruWidth, func() error { _, err := decodeURU(encrypted, key); return err }},
		{"upek message", 2042, func() error { _, _, err := decodeUPEK(message); return err }},
		{"nb1010 piece", nbChunkRows * nbWidth, func() error { return decodeNB(make([]byte, nbChunkRows*nbWidth), piece) }},
		{"zk4500 piece", zkPiece, func() error { return decodeZK(make([]byte, zkPiece), film) }},
		{"strips of a swipe", len(strips) * len(strips[0]), func() error {
			s := newStitcher(144, 24)
			for _, strip := range strips {
				if err := s.add(strip); err != nil {
					return err
				}
			}
			_, err := s.finish()
			return err
		}},
	} {
		b.Run(d.name, func(b *testing.B) {
			b.SetBytes(int64(d.pixels))
			for b.Loop() {
				if err := d.decode(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// swipeStripsOf cuts strips of 24 rows, each eight rows on, from a pattern.
func swipeStripsOf(n int) [][]byte {
	const width, rows, step = 144, 24, 8
	img := image.NewGray(image.Rect(0, 0, width, rows+n*step))
	for y := range img.Rect.Dy() {
		for x := range width {
			img.Pix[y*width+x] = byte(128 + 16*sawtooth(x+y/2+(x*y)/900))
		}
	}
	strips := make([][]byte, n)
	for i := range strips {
		strips[i] = bytes.Clone(img.Pix[i*step*width : (i*step+rows)*width])
	}
	return strips
}
