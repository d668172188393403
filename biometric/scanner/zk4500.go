package scanner

import (
	"context"
	"errors"
	"fmt"
	"image"
	"time"

	"github.com/dhamani-iq/dhamani/internal/wait"
)

// The ZKTeco ZK4500: vendor requests that carry no data, and images of one
// size from a bulk endpoint. It does not tell of fingers: it is asked for
// images until one shows ridges.
//
// Nobody has shown a recording of one. These numbers were published by people
// who have the device; that the image stands upright with dark ridges, and its
// resolution, are assumed.
const (
	zkImages = 0x82

	zkSwitch = 0xE1 // wValue 1 is on, 0 off; wIndex says what
	zkScan   = 0xE5 // have an image ready to be read
	zkLight  = 3    // the white lamp

	zkWidth  = 640
	zkHeight = 480
	zkPiece  = 96 * zkWidth // an image is read in so many bytes at a time: whole USB packets, and less than libpcap reads of a recording

	zkPollPause = 50 * time.Millisecond
	zkSettled   = 50 // thousandths of the image that more finger may show in the next one
	zkOn        = 150
	zkOff       = 50
)

type zk struct {
	t      Transport
	device time.Duration // spent on images since the finger was seen
}

func openZK(ctx context.Context, t Transport, _ Model, _ Options) (sensor, error) {
	z := &zk{t: t}
	return z, z.light(ctx, 1)
}

func (z *zk) request(ctx context.Context, number uint8, value, index uint16) error {
	if _, err := z.t.Control(ctx, Setup{Type: 0x40, Request: number, Value: value, Index: index}, nil); err != nil {
		return fmt.Errorf("request %#x: %w", number, err)
	}
	return nil
}

func (z *zk) light(ctx context.Context, on uint16) error {
	return z.request(ctx, zkSwitch, on, zkLight)
}

// take takes an image. The device hands out the one that it held ready, which
// was exposed when the one before was asked for.
func (z *zk) take(ctx context.Context) (*image.Gray, error) {
	begin := time.Now()
	defer func() { z.device += time.Since(begin) }()
	img := image.NewGray(image.Rect(0, 0, zkWidth, zkHeight))
	err := answered(ctx, func(ctx context.Context) error {
		if err := z.request(ctx, zkScan, 0, 0); err != nil {
			return err
		}
		for at := 0; at < len(img.Pix); at += zkPiece {
			raw, err := Read(ctx, z.t, zkImages, zkPiece)
			if err == nil {
				err = decodeZK(img.Pix[at:at+zkPiece], raw)
			}
			if err != nil {
				return fmt.Errorf("read image from byte %d on: %w", at, err)
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return img, nil
}

// decodeZK fills rows from a piece of an image: pixels, and nothing else.
func decodeZK(rows, piece []byte) error {
	if len(piece) != len(rows) {
		return fmt.Errorf("%w: piece of %d bytes", ErrProtocol, len(piece))
	}
	copy(rows, piece)
	return nil
}

func (z *zk) capture(ctx context.Context, st stages) (f frame, err error) {
	on, err := st.enter(ctx, Waiting)
	if err != nil {
		return f, err
	}
	// The image held ready may be of the finger that was there before.
	if _, err := z.take(on); err != nil {
		return f, err
	}
	shown, err := z.until(on, func(img *image.Gray) bool { return ridged(img) >= zkOn })
	if err != nil {
		return f, err
	}
	st.preview(shown)
	f.begun, z.device = time.Now(), 0
	bounded, err := st.enter(ctx, Scanning)
	if err != nil {
		return f, err
	}
	before := ridged(shown)
	f.img, err = z.until(bounded, func(img *image.Gray) bool {
		now := ridged(img)
		settled := now >= zkOn && now <= before+zkSettled
		before = now
		if !settled {
			st.preview(img)
		}
		return settled
	})
	if err != nil {
		return f, err
	}
	f.done, f.device = time.Now(), z.device
	off, err := st.enter(ctx, Lifting)
	if err != nil {
		return frame{}, err
	}
	_, err = z.until(off, func(img *image.Gray) bool { return ridged(img) < zkOff })
	if err != nil && (ctx.Err() != nil || !errors.Is(err, context.DeadlineExceeded)) {
		return frame{}, err
	}
	f.lifted = err == nil // a finger that stays is no reason to lose its image
	return f, nil
}

// until takes images until one is as wanted.
func (z *zk) until(ctx context.Context, wanted func(*image.Gray) bool) (*image.Gray, error) {
	for {
		img, err := z.take(ctx)
		if err != nil {
			return nil, err
		}
		if wanted(img) {
			return img, nil
		}
		if err := wait.For(ctx, zkPollPause); err != nil {
			return nil, err
		}
	}
}

func (z *zk) close(ctx context.Context) error { return z.light(ctx, 0) }

// Ridges, in blocks of so many pixels a side: grey that varies a good deal and
// not from each pixel to the next, as noise does.
const (
	ridgeBlock    = 16
	ridgeVariance = 300 // grey levels squared
)

// ridged tells how many thousandths of an image show ridges.
func ridged(img *image.Gray) int {
	blocks, found := 0, 0
	for y := 0; y+ridgeBlock <= img.Rect.Dy(); y += ridgeBlock {
		for x := 0; x+ridgeBlock <= img.Rect.Dx(); x += ridgeBlock {
			blocks++
			if ridgedBlock(img.Pix[y*img.Stride+x:], img.Stride) {
				found++
			}
		}
	}
	return found * 1000 / max(blocks, 1)
}

func ridgedBlock(pix []byte, stride int) bool {
	const n = ridgeBlock * ridgeBlock
	sum, squares, steps := 0, 0, 0
	for y := range ridgeBlock {
		row := pix[y*stride : y*stride+ridgeBlock]
		for x, p := range row {
			v := int(p)
			sum += v
			squares += v * v
			if x > 0 {
				d := v - int(row[x-1])
				steps += d * d
			}
		}
	}
	variance := squares - sum*sum/n // of the block's pixels together
	return variance > ridgeVariance*n && steps < variance
}
