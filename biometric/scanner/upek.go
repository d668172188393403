package scanner

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"time"
)

// The UPEK TouchChip: framed messages (upek_frame.go) over two bulk endpoints.
const (
	upekOut = 0x02
	upekIn  = 0x81

	upekFirst = 64   // a message's first read
	upekMore  = 1988 // and the second, where it is longer
	upekEmpty = 100  // reads of nothing in a row that are passed over

	upekStatus    = 0x28
	upekFirstPart = 0x2C
	upekPart      = 0x24
	upekLastPart  = 0x20

	upekNoFinger = 0x0C
	upekKeep     = 0x13
	upekPresent  = 0x00
	upekTooShort = 0x1E

	upekMinSide = 32
	upekMaxSide = 640

	upekStripRows = 64 // a swipe sensor that tells a greater height, or none, puts its strips together itself
	upekSwipes    = 5  // bad ones, until it is enough
	upekPreview   = 16 // strips from one preview to the next
)

var (
	upekWake    = Setup{Type: 0x40, Request: 0x0C, Value: 0x0100, Index: 0x0400}
	upekHello   = []byte{0x01, 0, 0x46, 0, 0, 0, 0, 0, 0x01, 0x01, 0, 0, 0}
	upekHello2  = []byte{0x01, 0, 0xBC, 0x02, 0, 0, 0, 0, 0x01, 0x01, 0, 0, 0}
	upekAsk     = []byte{0x28, 0x04, 0, 0, 0, 0x06, 0x04}
	upekGoOn    = []byte{0x28, 0x05, 0, 0, 0, 0, 0x30, 0x01}
	upekNext    = []byte{0x30}
	upekEnd     = []byte{0x01}
	upekScanned = []byte{0x28, 0x0B, 0, 0, 0, 0x0E, 0x02, 0xFE, 0xFF, 0xFF, 0xFF, 0x02, 0, 0x02}
)

// upek is one scanner. A capture is a session of the device from beginning to
// end, so that there is nothing to be kept in between.
type upek struct {
	t             Transport
	seq           byte
	width, height int
	swipe         bool          // the finger is drawn over it
	strips        bool          // and it says strips, height rows each
	device        time.Duration // spent on messages since the finger was seen
}

func openUPEK(_ context.Context, t Transport, _ Model, _ Options) (sensor, error) {
	return &upek{t: t}, nil
}

func (u *upek) send(ctx context.Context, kind byte, payload []byte) error {
	message := encodeUPEK(kind, u.seq, payload)
	begin := time.Now()
	err := u.t.Write(ctx, upekOut, message)
	u.device += time.Since(begin)
	if kind == upekCommand {
		u.seq = (u.seq + 1) & 0x0F
	}
	if err != nil {
		return fmt.Errorf("send message %d: %w", kind, err)
	}
	return nil
}

// read is Read that counts the time.
func (u *upek) read(ctx context.Context, size int) ([]byte, error) {
	begin := time.Now()
	raw, err := Read(ctx, u.t, upekIn, size)
	u.device += time.Since(begin)
	return raw, err
}

func (u *upek) receive(ctx context.Context) ([]byte, error) {
	for range upekEmpty {
		raw, err := u.read(ctx, upekFirst)
		if err != nil {
			return nil, fmt.Errorf("receive message: %w", err)
		}
		if len(raw) == 0 {
			continue
		}
		want, err := lenUPEK(raw)
		if err != nil {
			return nil, fmt.Errorf("receive message: %w", err)
		}
		if want > len(raw) && len(raw) == upekFirst {
			more, err := u.read(ctx, upekMore)
			if err != nil {
				return nil, fmt.Errorf("receive message: %w", err)
			}
			raw = append(raw, more...)
		}
		if len(raw) < want {
			return nil, fmt.Errorf("receive message: %w: %d of %d bytes", ErrProtocol, len(raw), want)
		}
		_, payload, err := decodeUPEK(raw[:want])
		if err != nil {
			return nil, fmt.Errorf("receive message: %w", err)
		}
		return payload, nil
	}
	return nil, fmt.Errorf("receive message: %w: only empty answers", ErrProtocol)
}

func (u *upek) ask(ctx context.Context, kind byte, payload []byte) ([]byte, error) {
	if err := u.send(ctx, kind, payload); err != nil {
		return nil, err
	}
	return u.receive(ctx)
}

// begin wakes the device and asks for its size.
func (u *upek) begin(ctx context.Context) error {
	u.seq = 0
	steps := []func() error{
		func() error { return u.wake(ctx) },
		func() error { _, err := u.ask(ctx, upekGreeting, upekHello); return err },
		func() error { _, err := u.ask(ctx, upekEnding, upekEnd); return err },
		func() error { return u.wake(ctx) },
		func() error { _, err := u.ask(ctx, upekGreeting, upekHello2); return err },
		func() error { return u.measure(ctx) },
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

func (u *upek) wake(ctx context.Context) error {
	if _, err := u.t.Control(ctx, upekWake, []byte{0}); err != nil {
		return fmt.Errorf("wake: %w", err)
	}
	_, err := u.receive(ctx)
	return err
}

func (u *upek) measure(ctx context.Context) error {
	info, err := u.ask(ctx, upekCommand, upekAsk)
	if err != nil {
		return err
	}
	if len(info) < 47 {
		return fmt.Errorf("ask for size: %w: %d bytes", ErrProtocol, len(info))
	}
	u.width = int(binary.LittleEndian.Uint16(info[43:])) * 3 / 4
	u.height = int(binary.LittleEndian.Uint16(info[45:])) * 3 / 4
	u.swipe = info[42]&0x80 != 0
	u.strips = u.swipe && u.height > swipeOverlap && u.height <= upekStripRows
	if u.width < upekMinSide || u.width > upekMaxSide || u.height == 0 && !u.swipe || u.height > upekMaxSide {
		return fmt.Errorf("ask for size: %w: %d x %d", ErrProtocol, u.width, u.height)
	}
	return nil
}

// capture takes an image. A finger that was not drawn well is asked for again.
func (u *upek) capture(ctx context.Context, st stages) (frame, error) {
	for range upekSwipes {
		f, err := u.session(ctx, st)
		var bad *swipeError
		if !errors.As(err, &bad) {
			return f, err
		}
		st.hint(bad.hint)
	}
	if _, err := st.enter(ctx, Waiting); err != nil {
		return frame{}, err
	}
	return frame{}, fmt.Errorf("%w: %d swipes of which no image comes", ErrNoFinger, upekSwipes)
}

// session is one of the device from beginning to end.
func (u *upek) session(ctx context.Context, st stages) (frame, error) {
	on, err := st.enter(ctx, Waiting)
	if err != nil {
		return frame{}, err
	}
	if err := answered(on, u.begin); err != nil {
		return frame{}, err
	}
	f, err := u.scan(ctx, on, st)
	if err != nil && (errors.Is(err, ErrUnplugged) || errors.Is(err, ErrClosed)) {
		return frame{}, err
	}
	// Whatever came of it, the device's session ends.
	rest, cancel := context.WithTimeout(context.WithoutCancel(ctx), restLimit)
	defer cancel()
	_, ended := u.ask(rest, upekEnding, upekEnd)
	if err == nil && rest.Err() != nil {
		ended = fmt.Errorf("end session: %w", ErrTimeout)
	}
	if err == nil {
		err = ended
	}
	return f, err
}

func (u *upek) scan(ctx, on context.Context, st stages) (f frame, err error) {
	command := bytes.Clone(upekScanned)
	if !u.swipe {
		command[12] = 1
	}
	message, err := u.ask(on, upekCommand, command)
	for {
		if err != nil {
			return f, err
		}
		code, err := statusUPEK(message)
		if err != nil {
			return f, err
		}
		if code == upekTooShort {
			st.hint(HintTooShort)
		}
		if code == upekPresent {
			break
		}
		if message, err = u.ask(on, upekCommand, upekGoOn); err != nil {
			return f, err
		}
	}
	f.begun, u.device = time.Now(), 0
	bounded, err := st.enter(ctx, Scanning)
	if err != nil {
		return f, err
	}
	if u.strips {
		f.img, err = u.assemble(bounded, st)
	} else {
		f.img, err = u.whole(bounded)
	}
	f.done, f.device = time.Now(), u.device
	return f, err
}

// parts reads the parts of an image and hands their pixels on. Whoever takes
// them sets the limit.
func (u *upek) parts(ctx context.Context, take func(pix []byte) error) error {
	message, err := u.ask(ctx, upekCommand, upekGoOn)
	for first := true; ; first = false {
		if err != nil {
			return err
		}
		part, last, err := partUPEK(message, first)
		if err != nil {
			return err
		}
		if err := take(part); err != nil || last {
			return err
		}
		if message, err = u.ask(ctx, upekCommand, upekNext); err != nil {
			return err
		}
	}
}

// whole reads an image that the device has put together: an area sensor's is
// of known size, a swipe sensor's as high as the finger's way was long.
func (u *upek) whole(ctx context.Context) (*image.Gray, error) {
	height := u.height
	if u.swipe {
		height = upekMaxSide
	}
	pix := make([]byte, 0, u.width*height)
	err := u.parts(ctx, func(part []byte) error {
		if len(part) > cap(pix)-len(pix) {
			return fmt.Errorf("read image: %w: more than %d pixels", ErrProtocol, cap(pix))
		}
		pix = append(pix, part...)
		return nil
	})
	if err != nil {
		return nil, err
	}
	if u.swipe {
		height = len(pix) / u.width
	}
	if height == 0 || len(pix) != u.width*height {
		return nil, fmt.Errorf("read image: %w: %d pixels for width %d", ErrProtocol, len(pix), u.width)
	}
	return &image.Gray{Pix: pix, Stride: u.width, Rect: image.Rect(0, 0, u.width, height)}, nil
}

// assemble reads the strips of a swipe and puts them together. All are read,
// also of a bad one: the device ends when the finger has passed.
func (u *upek) assemble(ctx context.Context, st stages) (*image.Gray, error) {
	var bad *swipeError
	size, strips := u.width*u.height, 0
	stitch, rest := newStitcher(u.width, u.height), make([]byte, 0, size)
	err := u.parts(ctx, func(part []byte) error {
		for rest = append(rest, part...); len(rest) >= size; rest = rest[size:] {
			if strips++; strips > swipeStrips {
				return fmt.Errorf("read image: %w: strips without end", ErrProtocol)
			}
			if bad != nil {
				continue
			}
			if err := stitch.add(bytes.Clone(rest[:size])); errors.As(err, &bad) {
				continue
			}
			if strips%upekPreview == 0 && stitch.last != nil {
				st.preview(stitch.image())
			}
		}
		return nil
	})
	switch {
	case err != nil:
		return nil, err
	case len(rest) > 0:
		return nil, fmt.Errorf("read image: %w: %d pixels of a strip", ErrProtocol, len(rest))
	case bad != nil:
		return nil, bad
	default:
		return stitch.finish()
	}
}

func (u *upek) close(context.Context) error { return nil }
