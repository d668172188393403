package wire_test

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/dhamani-iq/dhamani/sync/wire"
)

// pack compresses with any options, as a stranger would.
func pack(tb testing.TB, raw []byte, opts ...zstd.EOption) []byte {
	tb.Helper()
	w, err := zstd.NewWriter(nil, opts...)
	if err != nil {
		tb.Fatal(err)
	}
	defer func() { _ = w.Close() }()
	return w.EncodeAll(raw, nil)
}

// stream compresses without announcing the size.
func stream(tb testing.TB, raw []byte) []byte {
	tb.Helper()
	var out bytes.Buffer
	w, err := zstd.NewWriter(&out)
	if err != nil {
		tb.Fatal(err)
	}
	for len(raw) > 0 {
		n := min(len(raw), 1<<16)
		if _, err := w.Write(raw[:n]); err != nil {
			tb.Fatal(err)
		}
		if err := w.Flush(); err != nil {
			tb.Fatal(err)
		}
		raw = raw[n:]
	}
	if err := w.Close(); err != nil {
		tb.Fatal(err)
	}
	return out.Bytes()
}

func TestBody(t *testing.T) {
	const limit = 1 << 20
	zeros := make([]byte, limit)
	bomb := pack(t, make([]byte, 64<<20))
	lying := append([]byte(nil), pack(t, make([]byte, 4096), zstd.WithSingleSegment(true))...)
	lying[5] = 0 // the announced size: 4096-256 = 0x0f00 becomes 0x0f00 less its low byte
	lying[6] = 1
	two := append(pack(t, zeros[:5000]), pack(t, zeros)...)
	for _, c := range []struct {
		name, encoding string
		body           []byte
		want           error
	}{
		{"plain", "", zeros, nil},
		{"plain, too large", "", make([]byte, limit+1), wire.ErrTooLarge},
		{"zstd", wire.EncodingZstd, pack(t, zeros), nil},
		{"zstd, one byte too large", wire.EncodingZstd, pack(t, make([]byte, limit+1)), wire.ErrTooLarge},
		{"zstd bomb", wire.EncodingZstd, bomb, wire.ErrTooLarge},
		{"zstd bomb that hides its size", wire.EncodingZstd, stream(t, make([]byte, 64<<20)), wire.ErrMalformed},
		{"zstd larger than announced", wire.EncodingZstd, lying, wire.ErrMalformed},
		{"two frames", wire.EncodingZstd, two, wire.ErrMalformed},
		{"zstd cut short", wire.EncodingZstd, pack(t, zeros)[:20], wire.ErrMalformed},
		{"skippable frame", wire.EncodingZstd, []byte{0x50, 0x2a, 0x4d, 0x18, 4, 0, 0, 0, 1, 2, 3, 4}, wire.ErrMalformed},
		{"no zstd", wire.EncodingZstd, []byte("hello"), wire.ErrMalformed},
		{"gzip", "gzip", zeros, wire.ErrEncoding},
	} {
		t.Run(c.name, func(t *testing.T) {
			out, err := wire.ReadBody(bytes.NewReader(c.body), c.encoding, limit)
			if !errors.Is(err, c.want) {
				t.Fatalf("got %v, want %v", err, c.want)
			}
			if err == nil && !bytes.Equal(out, zeros) {
				t.Errorf("unpacked to %d other bytes", len(out))
			}
		})
	}
	if _, err := wire.ReadBody(io.MultiReader(bytes.NewReader(zeros[:10]), brokenReader{}), "", limit); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("reader's error: got %v", err)
	}
}

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func TestPackBody(t *testing.T) {
	for _, size := range []int{0, 1, wire.CompressAbove, wire.CompressAbove + 1, 100_000} {
		raw := bytes.Repeat([]byte("dhamani "), size/8+1)[:size]
		body, encoding := wire.PackBody(raw)
		if (encoding == wire.EncodingZstd) != (size > wire.CompressAbove) {
			t.Errorf("%d bytes: encoding %q", size, encoding)
		}
		out, err := wire.ReadBody(bytes.NewReader(body), encoding, wire.MaxBody)
		if err != nil || !bytes.Equal(out, raw) {
			t.Errorf("%d bytes: %v", size, err)
		}
	}
}

func FuzzReadBody(f *testing.F) {
	f.Add(pack(f, []byte("hello")))
	f.Add(pack(f, make([]byte, 1<<16)))
	f.Add(stream(f, make([]byte, 1<<18)))
	f.Fuzz(func(t *testing.T, body []byte) {
		const limit = 1 << 16
		out, err := wire.ReadBody(bytes.NewReader(body), wire.EncodingZstd, limit)
		if err == nil && len(out) > limit {
			t.Errorf("unpacked to %d bytes", len(out))
		}
	})
}
