package wire

import (
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/zstd"
)

// Errors of ReadBody.
var (
	// ErrTooLarge is returned for a body that is larger than its limit, before
	// or after decompression.
	ErrTooLarge = errors.New("body too large")
	// ErrEncoding is returned for another content encoding than none or zstd.
	ErrEncoding = errors.New("content encoding not supported")
)

var (
	zstdWriter = func() *zstd.Encoder {
		w, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithSingleSegment(true))
		if err != nil {
			panic("wire: internal error: " + err.Error())
		}
		return w
	}()
	// The reader never writes past the capacity of what it is given.
	zstdReader = func() *zstd.Decoder {
		r, err := zstd.NewReader(nil, zstd.WithDecodeAllCapLimit(true), zstd.WithDecoderMaxMemory(MaxList),
			zstd.WithDecoderMaxWindow(MaxList), zstd.WithDecoderConcurrency(0), zstd.WithDecoderLowmem(true))
		if err != nil {
			panic("wire: internal error: " + err.Error())
		}
		return r
	}()
)

// PackBody compresses a body that is larger than CompressAbove, if that makes
// it smaller. The encoding is EncodingZstd, or empty for a body left as it is.
func PackBody(raw []byte) (body []byte, encoding string) {
	if len(raw) <= CompressAbove {
		return raw, ""
	}
	packed := zstdWriter.EncodeAll(raw, make([]byte, 0, len(raw)))
	if len(packed) >= len(raw) {
		return raw, ""
	}
	return packed, EncodingZstd
}

// ReadBody reads a body of at most limit bytes, which holds for the bytes on
// the wire and for what they unpack to; limit is at most MaxList. A zstd frame
// has to announce its content size (RFC 8878 section 3.1.1.1.4) and to keep to
// it. It owes ErrTooLarge, ErrEncoding, ErrMalformed for a broken frame, and
// the reader's own errors.
func ReadBody(r io.Reader, encoding string, limit int) ([]byte, error) {
	if encoding != "" && encoding != EncodingZstd {
		return nil, fmt.Errorf("read body: %w", ErrEncoding)
	}
	limit = min(limit, MaxList)
	raw, err := io.ReadAll(io.LimitReader(r, int64(limit)+1))
	if err != nil {
		return nil, fmt.Errorf("read body: %w", err)
	}
	if len(raw) > limit {
		return nil, fmt.Errorf("read body: %w", ErrTooLarge)
	}
	if encoding == "" {
		return raw, nil
	}
	var header zstd.Header
	if err := header.Decode(raw); err != nil || header.Skippable || !header.HasFCS {
		return nil, fmt.Errorf("unpack body: %w", ErrMalformed)
	}
	if header.FrameContentSize > uint64(limit) { // #nosec G115 -- limit is not negative
		return nil, fmt.Errorf("unpack body: %w", ErrTooLarge)
	}
	out, err := zstdReader.DecodeAll(raw, make([]byte, 0, header.FrameContentSize))
	if err != nil || uint64(len(out)) != header.FrameContentSize {
		return nil, fmt.Errorf("unpack body: %w", ErrMalformed)
	}
	return out, nil
}
