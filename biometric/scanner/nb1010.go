package scanner

import (
	"context"
	"fmt"
	"image"
	"time"

	"github.com/dhamani-iq/dhamani/internal/wait"
)

// The NEXT NB-1010-U: commands to one bulk endpoint, answers from another. It
// does not tell of fingers; it is asked.
const (
	nbOut = 0x02
	nbIn  = 0x83

	nbWidth  = 256
	nbHeight = 180

	nbReply     = 16
	nbFinger    = 0x30 // more than this in an answer's byte 12 is a finger
	nbPollPause = 50 * time.Millisecond

	nbChunk     = 540 // an image comes in pieces of two rows
	nbChunkData = 25
	nbChunkRows = 2
)

var (
	nbAskFinger = []byte{0x80, 0x38, 0x01, 0, 0x08, 0, 0, 0}
	nbPrepare   = []byte{0x80, 0x0D, 0x03, 0, 0x0C, 0, 0, 0, 0, 0x04, 0, 0}
	nbAskImage  = []byte{
		0x80, 0x12, 0x04, 0, 0x20, 0, 0, 0, 0x02, 0, 0, 0, 0, 0, 0, 0,
		0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x20, 0, 0, 0,
	}
)

type nb struct{ t Transport }

func openNB(_ context.Context, t Transport, _ Model, _ Options) (sensor, error) { return nb{t}, nil }

// ask sends a command and reads the answer to it.
func (n nb) ask(ctx context.Context, command []byte) (reply []byte, err error) {
	err = answered(ctx, func(ctx context.Context) (err error) {
		if err := n.t.Write(ctx, nbOut, command); err != nil {
			return err
		}
		reply, err = Read(ctx, n.t, nbIn, nbReply)
		return err
	})
	if err == nil && len(reply) != nbReply {
		err = fmt.Errorf("%w: %d bytes", ErrProtocol, len(reply))
	}
	if err != nil {
		return nil, fmt.Errorf("command %#x: %w", command[1], err)
	}
	return reply, nil
}

func (n nb) capture(ctx context.Context, st stages) (f frame, err error) {
	on, err := st.enter(ctx, Waiting)
	if err != nil {
		return f, err
	}
	for {
		reply, err := n.ask(on, nbAskFinger)
		if err != nil {
			return f, err
		}
		if reply[12] > nbFinger {
			break
		}
		if err := wait.For(on, nbPollPause); err != nil {
			return f, err
		}
	}
	f.begun = time.Now()
	bounded, err := st.enter(ctx, Scanning)
	if err != nil {
		return f, err
	}
	for _, command := range [][]byte{nbPrepare, nbAskImage} {
		if _, err := n.ask(bounded, command); err != nil {
			return f, err
		}
	}
	f.device = time.Since(f.begun)
	f.img = image.NewGray(image.Rect(0, 0, nbWidth, nbHeight))
	for y := 0; y < nbHeight; y += nbChunkRows {
		asked := time.Now()
		chunk, err := Read(bounded, n.t, nbIn, nbChunk)
		f.device += time.Since(asked)
		if err != nil {
			return f, fmt.Errorf("read rows %d on: %w", y, err)
		}
		if err := decodeNB(f.img.Pix[y*nbWidth:(y+nbChunkRows)*nbWidth], chunk); err != nil {
			return f, fmt.Errorf("read rows %d on: %w", y, err)
		}
	}
	f.done = time.Now()
	return f, nil
}

// decodeNB fills two rows from a piece of an image.
//
//	80 21 00 00 | .. | 512 pixels at 25 | ..
func decodeNB(rows, chunk []byte) error {
	if len(chunk) != nbChunk || chunk[0] != 0x80 || chunk[1] != 0x21 {
		return fmt.Errorf("%w: piece of %d bytes", ErrProtocol, len(chunk))
	}
	copy(rows, chunk[nbChunkData:])
	return nil
}

func (nb) close(context.Context) error { return nil }
