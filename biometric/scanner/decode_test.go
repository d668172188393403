package scanner

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"image"
	"sync"
	"testing"
	"time"
)

func TestURUAnswer(t *testing.T) {
	challenge, _ := hex.DecodeString("4dae5a0b1247a86c9fbf29fdcc178a74")
	want, _ := hex.DecodeString("329351371e4adfb1f35f09f329c6ab46")
	if got, err := uruAnswer(challenge); err != nil || !bytes.Equal(got, want) {
		t.Fatalf("%x, %v", got, err)
	}
}

func TestUPEKMessage(t *testing.T) {
	want, _ := hex.DecodeString("4369616f00000728040000000604c0d6")
	if got := encodeUPEK(upekCommand, 0, upekAsk); !bytes.Equal(got, want) {
		t.Fatalf("%x", got)
	}
	for i := range want {
		bad := bytes.Clone(want)
		bad[i] ^= 0x01
		if _, _, err := decodeUPEK(bad); !errors.Is(err, ErrProtocol) {
			t.Errorf("byte %d changed: %v", i, err)
		}
	}
	if _, _, err := decodeUPEK(append(bytes.Clone(want), 0)); !errors.Is(err, ErrProtocol) {
		t.Errorf("a byte more: %v", err)
	}
}

func FuzzDecodeURU(f *testing.F) {
	whole := make([]byte, uruHeader+289*uruWidth)
	whole[4], whole[5], whole[16], whole[17], whole[18], whole[19], whole[20], whole[21] = 0x21, 0x01, 0x02, 200, 0x01, 1, 0x82, 89
	f.Add(whole)
	f.Add(whole[:uruHeader])
	f.Fuzz(func(t *testing.T, raw []byte) {
		before := bytes.Clone(raw)
		img, err := decodeURU(raw, func(n byte) (uint32, error) { return uint32(n) * 77, nil })
		if err != nil && !errors.Is(err, ErrProtocol) && !errors.Is(err, errCutImage) {
			t.Fatal(err)
		}
		if err == nil && (img.Rect.Dx() != uruWidth || img.Rect.Dy() != uruHeight) {
			t.Fatal(img.Rect)
		}
		if !bytes.Equal(raw, before) {
			t.Fatal("the device's bytes were changed")
		}
	})
}

func FuzzDecodeUPEK(f *testing.F) {
	f.Add(encodeUPEK(upekCommand, 3, upekGoOn))
	f.Add(encodeUPEK(upekEnding, 0, nil))
	f.Fuzz(func(t *testing.T, msg []byte) {
		kind, payload, err := decodeUPEK(msg)
		if err != nil {
			if !errors.Is(err, ErrProtocol) {
				t.Fatal(err)
			}
			return
		}
		if again := encodeUPEK(kind, msg[5]>>4, payload); !bytes.Equal(again, msg) {
			t.Fatalf("% x becomes % x", msg, again)
		}
		_, _ = statusUPEK(payload)
		_, _, _ = partUPEK(payload, true)
		_, _, _ = partUPEK(payload, false)
	})
}

func FuzzDecodeNB(f *testing.F) {
	f.Add(append([]byte{0x80, 0x21}, make([]byte, nbChunk-2)...))
	f.Fuzz(func(t *testing.T, chunk []byte) {
		rows := make([]byte, nbChunkRows*nbWidth)
		if err := decodeNB(rows, chunk); err != nil && !errors.Is(err, ErrProtocol) {
			t.Fatal(err)
		} else if err == nil && !bytes.Equal(rows, chunk[nbChunkData:nbChunkData+len(rows)]) {
			t.Fatal("other pixels")
		}
	})
}

// FuzzStitcher: any strips give an image of bounded size or guidance.
func FuzzStitcher(f *testing.F) {
	f.Add([]byte("\x00\x10\x80\xff\x31\x90"), uint8(40))
	f.Add([]byte("\x00\xff"), uint8(3))
	f.Fuzz(func(t *testing.T, raw []byte, n uint8) {
		const width, rows = 24, 12
		if len(raw) == 0 {
			return
		}
		s := newStitcher(width, rows)
		for k := range int(n) {
			strip := make([]byte, width*rows)
			for i := range strip {
				strip[i] = raw[(i+k*width*3)%len(raw)]
			}
			if err := s.add(strip); err != nil {
				if _, bad := errors.AsType[*swipeError](err); !bad {
					t.Fatal(err)
				}
				return
			}
		}
		if img, err := s.finish(); err == nil && (img.Rect.Dx() != width || img.Rect.Dy() < swipeMinRows || img.Rect.Dy() > swipeMaxRows) {
			t.Fatal(img.Rect)
		}
	})
}

func FuzzDecodeZK(f *testing.F) {
	f.Add(make([]byte, zkPiece))
	f.Add(make([]byte, 100))
	f.Fuzz(func(t *testing.T, piece []byte) {
		img := image.NewGray(image.Rect(0, 0, zkWidth, zkPiece/zkWidth))
		if err := decodeZK(img.Pix, piece); err != nil {
			if !errors.Is(err, ErrProtocol) || len(piece) == zkPiece {
				t.Fatal(err)
			}
		} else if !bytes.Equal(img.Pix, piece) {
			t.Fatal("other pixels")
		}
		if r := ridged(img); r < 0 || r > 1000 {
			t.Fatalf("%d thousandths", r)
		}
	})
}

// TestRidged: ridges are told from an empty sensor and from noise.
func TestRidged(t *testing.T) {
	for _, tt := range []struct {
		name string
		grey func(x, y int) int
		is   bool
	}{
		{"ridges", func(x, y int) int { return 128 + 60*sawtooth(x+y/2)/5 }, true},
		{"nothing", func(int, int) int { return 240 }, false},
		{"uneven light", func(x, y int) int { return 100 + x/8 + y/8 }, false},
		{"noise", func(x, y int) int { return (x*x*31 + y*y*17 + x*y*7) * 97 >> 3 & 0xFF }, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			img := image.NewGray(image.Rect(0, 0, zkWidth, zkHeight))
			for i := range img.Pix {
				img.Pix[i] = uint8(tt.grey(i%zkWidth, i/zkWidth))
			}
			if r := ridged(img); r >= zkOn != tt.is {
				t.Errorf("%d thousandths", r)
			}
		})
	}
}

// sawtooth is a wave of ten pixels between -5 and 4.
func sawtooth(x int) int {
	if x %= 10; x < 5 {
		return x*2 - 5
	}
	return 13 - x*2
}

// babbler is a transport that answers what it is made of, and is unplugged at
// its end.
type babbler struct {
	mu   sync.Mutex
	data []byte
}

func (b *babbler) take(n int) ([]byte, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.data) == 0 {
		return nil, ErrUnplugged
	}
	n = min(n, int(b.data[0])*(n/200+1), len(b.data)-1)
	got := bytes.Clone(b.data[1 : 1+n])
	b.data = b.data[1+n:]
	return got, nil
}

func (b *babbler) Control(_ context.Context, s Setup, data []byte) (int, error) {
	if !s.In() {
		return len(data), nil
	}
	got, err := b.take(len(data))
	return copy(data, got), err
}

func (b *babbler) Submit(_ uint8, size int) (Pending, error) { return babble{b, size}, nil }

func (b *babbler) Write(context.Context, uint8, []byte) error {
	_, err := b.take(0)
	return err
}

func (b *babbler) Close() error { return nil }

type babble struct {
	b    *babbler
	size int
}

func (p babble) Wait(ctx context.Context) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return p.b.take(p.size)
}

// FuzzDrivers talks any nonsense to every driver: an error or an image, soon.
func FuzzDrivers(f *testing.F) {
	f.Add(uint8(0), []byte("\x01\x01\x01\x01\x02\x56\xAA"))
	f.Add(uint8(7), []byte("\x40Ciao\x05\x00\x01\x01\x55\x9f"))
	f.Add(uint8(9), []byte("\x10\x80\x37\x01\x00\x10\x00\x00\x00\x00\x00\x00\x00\xF7\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, which uint8, data []byte) {
		m := models[int(which)%len(models)]
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		defer cancel()
		s, err := Open(ctx, &babbler{data: bytes.Clone(data)}, m, Options{Seed: FixedSeed(1)})
		if err != nil {
			return
		}
		if img, err := s.Capture(ctx, Request{Wait: 100 * time.Millisecond}); err == nil && len(img.Pix) != img.Rect.Dx()*img.Rect.Dy() {
			t.Fatal("an image without its pixels")
		}
		_ = s.Close()
	})
}
