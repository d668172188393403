package softcard

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/dhamani-iq/dhamani/card"
)

func TestImage(t *testing.T) {
	_, c, _ := issued(t, Options{})
	image := c.Image()
	again, err := Load(image, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(again.Image(), image) || again.ID() != c.ID() {
		t.Fatal("the loaded card is another one")
	}
	change := func(at int, to byte) []byte {
		b := bytes.Clone(image)
		b[at] = to
		return b
	}
	for name, bad := range map[string][]byte{
		"empty":       nil,
		"short":       image[:len(image)-1],
		"long":        append(bytes.Clone(image), 0),
		"magic":       change(0, 'D'),
		"version":     change(len(imageMagic)+1, imageVersion+1),
		"length":      change(imageHeader-1, image[imageHeader-1]^1),
		"memory":      change(len(image)/2, image[len(image)/2]^1),
		"digest":      change(len(image)-1, image[len(image)-1]^1),
		"header only": image[:imageHeader],
		"no memory":   encodeImage(nil),
		"blank":       encodeImage(make([]byte, mem.size)),
		"erased":      encodeImage(bytes.Repeat([]byte{0xFF}, mem.size)),
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := Load(bad, Options{}); !errors.Is(err, ErrImage) {
				t.Errorf("%v", err)
			}
		})
	}
}

func TestImageFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "card.img")
	if _, err := ReadImage(path); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("read what is not there: %v", err)
	}
	save := func(image []byte) error { return WriteImage(path, image) }
	p, c, pub := issued(t, Options{Save: save})
	s := open(t, c, pub, p.physician(t))
	if _, err := s.Append(t.Context(), 0, filled(500, 1)); err != nil {
		t.Fatal(err)
	}
	image, err := ReadImage(path)
	if err != nil {
		t.Fatal(err)
	}
	again, err := Load(image, Options{Save: save})
	if err != nil {
		t.Fatal(err)
	}
	if got := readAll(t, open(t, again, pub, p.physician(t))); len(got) != 1 {
		t.Fatalf("%d entries", len(got))
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v", info.Mode())
	}
	left, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(left) != 1 {
		t.Errorf("files left: %v, %v", left, err)
	}
	if err := WriteImage(filepath.Join(t.TempDir(), "no", "card.img"), image); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("write into no folder: %v", err)
	}
	if err := os.WriteFile(path, make([]byte, 3*imageSize), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := ReadImage(path); err != nil || len(got) != imageSize+1 {
		t.Errorf("a large file: %d bytes, %v", len(got), err)
	}
}

func TestATR(t *testing.T) {
	for name, atr := range map[string][]byte{"contactless": ContactlessATR(), "contact": ContactATR()} {
		t.Run(name, func(t *testing.T) {
			var x byte
			for _, b := range atr[1:] {
				x ^= b
			}
			if x != 0 {
				t.Errorf("check byte of % X", atr)
			}
			if atr[0] != 0x3B || int(atr[1]&0x0F) != len(historical) {
				t.Errorf("header of % X", atr)
			}
			interfaceBytes, protocols, y := 0, []byte(nil), atr[1]>>4
			for i := 2; y != 0; {
				n := 0
				for _, bit := range []byte{1, 2, 4, 8} {
					if y&bit != 0 {
						n++
					}
				}
				interfaceBytes += n
				if y&8 == 0 {
					break
				}
				td := atr[i+n-1]
				protocols = append(protocols, td&0x0F)
				i, y = i+n, td>>4
			}
			if len(atr) != 2+interfaceBytes+len(historical)+1 {
				t.Errorf("%d bytes, %d interface bytes", len(atr), interfaceBytes)
			}
			if protocols[len(protocols)-1] != 1 {
				t.Errorf("protocols %v", protocols)
			}
		})
	}
	own := []byte{0x3B, 0x00}
	if got := New(Options{ATR: own}).Transport().ATR(); !bytes.Equal(got, own) {
		t.Errorf("own atr % X", got)
	}
	if got := New(Options{Link: LinkT1}).Transport().ATR(); !bytes.Equal(got, ContactATR()) {
		t.Errorf("contact atr % X", got)
	}
}

// FuzzLoad gives the loader memory of any content under a right digest. What
// loads keeps its bytes, and works.
func FuzzLoad(f *testing.F) {
	_, c, _ := issued(f, Options{})
	image := c.Image()
	f.Add([]byte{}, uint32(0))
	f.Add([]byte{0xFF, 0xFF, 0xFF, 0xFF}, uint32(mem.heads[0]))
	f.Add([]byte{0xFF, 0xFF, 0xFF, 0xFF}, uint32(mem.life.off))
	f.Add(bytes.Repeat([]byte{0}, 200), uint32(mem.trust.off))
	f.Add(bytes.Repeat([]byte{7}, 20), uint32(mem.sizes.off))
	f.Fuzz(func(t *testing.T, patch []byte, at uint32) {
		if _, err := Load(patch, Options{}); err == nil {
			t.Fatal("a patch is an image")
		}
		memory := bytes.Clone(image[imageHeader : imageHeader+mem.size])
		copy(memory[int(at)%mem.size:], patch)
		c, err := Load(encodeImage(memory), Options{})
		if err != nil {
			if !errors.Is(err, ErrImage) {
				t.Fatal(err)
			}
			return
		}
		if !bytes.Equal(c.Image(), encodeImage(memory)) {
			t.Fatal("loading changed the image")
		}
		s, err := card.Open(t.Context(), c.Transport())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Security(t.Context()); err != nil && !errors.Is(err, card.ErrFileNotFound) && !errors.Is(err, card.ErrConditions) {
			t.Fatal(err)
		}
	})
}
