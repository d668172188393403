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

	upekMaxSide   = 640
	upekMaxPixels = 512 * 640
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
	swipe         bool
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
	if u.width == 0 || u.width > upekMaxSide || u.height == 0 && !u.swipe || u.height > upekMaxSide {
		return fmt.Errorf("ask for size: %w: %d x %d", ErrProtocol, u.width, u.height)
	}
	return nil
}

func (u *upek) capture(ctx context.Context, st stages) (frame, error) {
	on, err := st.enter(ctx, Waiting)
	if err != nil {
		return frame{}, err
	}
	if err := u.begin(on); err != nil {
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
	pix, err := u.pixels(bounded)
	if err != nil {
		return f, err
	}
	f.img, err = u.assemble(pix)
	f.done, f.device = time.Now(), u.device
	return f, err
}

// pixels reads the parts of an image.
func (u *upek) pixels(ctx context.Context) ([]byte, error) {
	limit := u.width * u.height
	if u.swipe {
		limit = upekMaxPixels
	}
	pix := make([]byte, 0, u.width*u.height)
	message, err := u.ask(ctx, upekCommand, upekGoOn)
	for {
		if err != nil {
			return nil, err
		}
		part, last, err := partUPEK(message, len(pix) == 0)
		if err != nil {
			return nil, err
		}
		if len(pix)+len(part) > limit {
			return nil, fmt.Errorf("read image: %w: more than %d pixels", ErrProtocol, limit)
		}
		pix = append(pix, part...)
		if last {
			return pix, nil
		}
		if message, err = u.ask(ctx, upekCommand, upekNext); err != nil {
			return nil, err
		}
	}
}

// assemble makes the image: an area sensor's is of known size, a swipe
// sensor's as high as the finger's way over it was long.
func (u *upek) assemble(pix []byte) (*image.Gray, error) {
	height := u.height
	if u.swipe {
		height = len(pix) / u.width
	}
	if height == 0 || len(pix) != u.width*height {
		return nil, fmt.Errorf("read image: %w: %d pixels for width %d", ErrProtocol, len(pix), u.width)
	}
	return &image.Gray{Pix: pix, Stride: u.width, Rect: image.Rect(0, 0, u.width, height)}, nil
}

func (u *upek) close(context.Context) error { return nil }
