package scanner

import (
	"context"
	"crypto/aes"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/dhamani-iq/dhamani/internal/wait"
)

// The U.are.U 4000 family: registers over vendor requests, events on an
// interrupt endpoint, images on a bulk one.
const (
	uruEvents = 0x81
	uruImages = 0x82

	uruRequest  = 4
	uruEventLen = 64
	uruImageLen = 111424 // what is asked for: more than any image

	uruStatus    = 0x0007
	uruKeyIndex  = 0x0033
	uruKey       = 0x0034
	uruMode      = 0x004E
	uruInfo      = 0x00F0
	uruResponse  = 0x2000
	uruChallenge = 0x2010

	uruAwaitOn  = 0x10
	uruAwaitOff = 0x12
	uruCapture  = 0x20
	uruOff      = 0x70

	uruPowered   = 0x56AA
	uruFingerOn  = 0x0101
	uruFingerOff = 0x0200

	uruPolls       = 100
	uruPollPause   = 10 * time.Millisecond
	uruPowerWait   = 300 * time.Millisecond
	uruPowerTries  = 3
	uruImageTries  = 3
	uruFlood       = 1000 // events without a use that are too many
	uruEventsAhead = 16   // events kept for a driver that is not looking
)

// uruAuthKey answers the challenge of the authenticating variant.
var uruAuthKey = []byte{0x79, 0xAC, 0x91, 0x79, 0x5C, 0xA1, 0x47, 0x8E, 0x98, 0xE0, 0x0F, 0x3C, 0x59, 0x8F, 0x5F, 0x4B}

// uru is an opened scanner of the family. Its goroutine keeps one interrupt
// read pending from open to close.
type uru struct {
	t      Transport
	model  Model
	seed   func() uint32
	events chan uint16   // closed when the reads have ended
	ended  error         // why; valid once events is closed
	stop   func()        // takes the pending read back
	done   chan struct{} // the goroutine has gone
}

func openURU(ctx context.Context, t Transport, m Model, opts Options) (sensor, error) {
	u := &uru{t: t, model: m, seed: opts.Seed, events: make(chan uint16, uruEventsAhead), done: make(chan struct{})}
	first, err := t.Submit(uruEvents, uruEventLen)
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	listening, stop := context.WithCancel(context.WithoutCancel(ctx))
	u.stop = stop
	go u.listen(listening, first)
	if err := u.powerUp(ctx); err != nil {
		u.quiet()
		return nil, fmt.Errorf("power up: %w", err)
	}
	return u, nil
}

// listen passes events on. The next read is pending before an event is told,
// so that what the event sets off comes after it.
func (u *uru) listen(ctx context.Context, pending Pending) {
	defer close(u.done)
	defer close(u.events)
	lost := 0
	for {
		data, err := pending.Wait(ctx)
		if err == nil && ctx.Err() == nil {
			pending, err = u.t.Submit(uruEvents, uruEventLen)
		}
		if err = errors.Join(err, ctx.Err()); err != nil {
			u.ended = err
			return
		}
		if len(data) < 2 {
			if lost++; lost > uruFlood {
				u.ended = u.drain(ctx, pending)
				return
			}
			continue
		}
		if lost += u.tell(binary.BigEndian.Uint16(data)); lost > uruFlood {
			u.ended = u.drain(ctx, pending)
			return
		}
	}
}

// drain takes the pending read of a device that floods back.
func (u *uru) drain(ctx context.Context, pending Pending) error {
	taken, cancel := context.WithCancel(ctx)
	cancel()
	_, _ = pending.Wait(taken) // nobody wants it
	return fmt.Errorf("%w: more than %d events that nobody asked for", ErrProtocol, uruFlood)
}

// tell queues an event, and tells how many old ones had to go for it.
func (u *uru) tell(ev uint16) (lost int) {
	for {
		select {
		case u.events <- ev:
			return lost
		default:
		}
		select {
		case <-u.events:
			lost++
		default:
		}
	}
}

// await waits for an event and passes over others.
func (u *uru) await(ctx context.Context, want uint16) error {
	for range uruFlood {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case ev, ok := <-u.events:
			if !ok {
				return fmt.Errorf("listen: %w", u.ended)
			}
			if ev == want {
				return nil
			}
		}
	}
	return fmt.Errorf("await event %#04x: %w: it floods", want, ErrProtocol)
}

func (u *uru) write(ctx context.Context, register uint16, data ...byte) error {
	n, err := u.t.Control(ctx, Setup{Type: 0x40, Request: uruRequest, Value: register}, data)
	if err == nil && n != len(data) {
		err = fmt.Errorf("%w: %d of %d bytes", ErrTransfer, n, len(data))
	}
	if err != nil {
		return fmt.Errorf("write register %#x: %w", register, err)
	}
	return nil
}

func (u *uru) read(ctx context.Context, register uint16, n int) ([]byte, error) {
	data := make([]byte, n)
	got, err := u.t.Control(ctx, Setup{Type: 0xC0, Request: uruRequest, Value: register}, data)
	if err == nil && got != n {
		err = fmt.Errorf("%w: %d of %d bytes", ErrProtocol, got, n)
	}
	if err != nil {
		return nil, fmt.Errorf("read register %#x: %w", register, err)
	}
	return data, nil
}

func (u *uru) status(ctx context.Context) (byte, error) {
	data, err := u.read(ctx, uruStatus, 1)
	if err != nil {
		return 0, err
	}
	return data[0], nil
}

// powerUp wakes the device: bit 0 awake, bit 2 was powered before, bit 7 off.
func (u *uru) powerUp(ctx context.Context) error {
	s, err := u.status(ctx)
	if err != nil {
		return err
	}
	if s&0x84 == 0x84 {
		if s, err = u.reboot(ctx, s); err != nil {
			return err
		}
	}
	if s&0x80 == 0 {
		if err := u.write(ctx, uruStatus, s|0x80); err != nil {
			return err
		}
	}
	if err := u.wake(ctx, s&0x0F); err != nil {
		return err
	}
	if err := u.powered(ctx); err != nil {
		return err
	}
	_, err = u.read(ctx, uruInfo, 16)
	return err
}

// reboot restarts a device that hangs in its last power-up.
func (u *uru) reboot(ctx context.Context, s byte) (byte, error) {
	if err := u.write(ctx, uruStatus, s&0x0F); err != nil {
		return 0, err
	}
	for range uruPolls {
		s, err := u.status(ctx)
		if err != nil || s&0x01 != 0 {
			return s, err
		}
		if err := wait.For(ctx, uruPollPause); err != nil {
			return 0, err
		}
	}
	return 0, fmt.Errorf("restart: %w", ErrTimeout)
}

func (u *uru) wake(ctx context.Context, s byte) error {
	for range uruPolls {
		if err := u.write(ctx, uruStatus, s); err != nil {
			return err
		}
		now, err := u.status(ctx)
		if err != nil || now&0x80 == 0 {
			return err
		}
		if err := wait.For(ctx, uruPollPause); err != nil {
			return err
		}
		if u.model.authenticates {
			if err := u.authenticate(ctx); err != nil {
				return err
			}
		}
	}
	return fmt.Errorf("stays off: %w", ErrTimeout)
}

// authenticate answers the device's challenge with one block of AES-128.
func (u *uru) authenticate(ctx context.Context) error {
	challenge, err := u.read(ctx, uruChallenge, aes.BlockSize)
	if err != nil {
		return err
	}
	response, err := uruAnswer(challenge)
	if err != nil {
		return err
	}
	return u.write(ctx, uruResponse, response...)
}

func uruAnswer(challenge []byte) ([]byte, error) {
	block, err := aes.NewCipher(uruAuthKey)
	if err != nil {
		return nil, fmt.Errorf("answer challenge: %w", err)
	}
	response := make([]byte, aes.BlockSize)
	block.Encrypt(response, challenge)
	return response, nil
}

func (u *uru) powered(ctx context.Context) error {
	var err error
	for range uruPowerTries {
		short, cancel := context.WithTimeout(ctx, uruPowerWait)
		err = u.await(short, uruPowered)
		cancel()
		if err == nil || ctx.Err() != nil || !errors.Is(err, context.DeadlineExceeded) {
			return err
		}
	}
	return fmt.Errorf("power event: %w", ErrTimeout)
}

func (u *uru) capture(ctx context.Context, st stages) (frame, error) {
	u.forget()
	on, err := st.enter(ctx, Waiting)
	if err != nil {
		return frame{}, err
	}
	if err := u.write(on, uruMode, uruAwaitOn); err != nil {
		return frame{}, err
	}
	if err := u.await(on, uruFingerOn); err != nil {
		return frame{}, err
	}
	f, err := u.scan(ctx, st)
	if err != nil {
		return frame{}, err
	}
	off, err := st.enter(ctx, Lifting)
	if err != nil {
		return frame{}, err
	}
	if err := u.write(off, uruMode, uruAwaitOff); err != nil {
		return frame{}, err
	}
	err = u.await(off, uruFingerOff)
	if err != nil && (ctx.Err() != nil || !errors.Is(err, context.DeadlineExceeded)) {
		return frame{}, err
	}
	f.lifted = err == nil // a finger that stays is no reason to lose its image
	return f, nil
}

// scan asks for images until one is whole.
func (u *uru) scan(ctx context.Context, st stages) (f frame, err error) {
	f.begun = time.Now()
	for range uruImageTries {
		bounded, err := st.enter(ctx, Scanning)
		if err != nil {
			return f, err
		}
		asked := time.Now()
		pending, err := u.t.Submit(uruImages, uruImageLen)
		if err != nil {
			return f, fmt.Errorf("ask for image: %w", err)
		}
		if err := u.write(bounded, uruMode, uruCapture); err != nil {
			taken, cancel := context.WithCancel(ctx)
			cancel()
			_, _ = pending.Wait(taken) // only takes it back
			return f, err
		}
		raw, err := pending.Wait(bounded)
		if err != nil {
			return f, fmt.Errorf("read image: %w", err)
		}
		f.device += time.Since(asked)
		f.img, err = decodeURU(raw, func(number byte) (uint32, error) { return u.exchange(bounded, number) })
		if errors.Is(err, errCutImage) {
			continue
		}
		if err != nil {
			return f, err
		}
		if u.model.turned {
			turn(f.img)
		}
		f.done = time.Now()
		return f, nil
	}
	return f, fmt.Errorf("%d images: %w: %w", uruImageTries, ErrProtocol, errCutImage)
}

// exchange agrees on a key: the device answers a seed with key xor seed.
func (u *uru) exchange(ctx context.Context, number byte) (uint32, error) {
	seed := u.seed()
	if err := u.write(ctx, uruKeyIndex, binary.LittleEndian.AppendUint32([]byte{number}, seed)...); err != nil {
		return 0, err
	}
	mixed, err := u.read(ctx, uruKey, 4)
	if err != nil {
		return 0, err
	}
	return binary.LittleEndian.Uint32(mixed) ^ seed, nil
}

// forget drops events of an earlier capture.
func (u *uru) forget() {
	for {
		select {
		case _, ok := <-u.events:
			if ok {
				continue
			}
		default:
		}
		return
	}
}

func (u *uru) close(ctx context.Context) error {
	err := u.write(ctx, uruMode, uruOff)
	u.quiet()
	return err
}

// quiet takes the pending read back and waits until the goroutine has gone.
func (u *uru) quiet() {
	u.stop()
	<-u.done
}
