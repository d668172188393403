package tape

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/dhamani-iq/dhamani/biometric/scanner"
)

// Where a recorded device is plugged in, as far as the recording says: what
// the real bus calls it is nobody's business.
const (
	recordBus = 1
	recordDev = 2
)

// Recorder is a transport that keeps what goes through another, as a pcapng
// file with link type 220 that begins with the device's descriptors. Play,
// Wireshark and umockdev read it. It holds the images that the device sends.
type Recorder struct {
	t     scanner.Transport
	kinds map[uint8]byte // of endpoints

	mu   sync.Mutex // guards what follows
	w    io.Writer
	next uint64 // number of the last transfer
	err  error  // of writing
}

var _ scanner.Transport = (*Recorder)(nil)

// NewRecorder records what goes through t, and owns it. descriptors are the
// device's, as the kernel gives them: the device descriptor, and those of the
// configuration.
func NewRecorder(w io.Writer, t scanner.Transport, descriptors []byte) (*Recorder, error) {
	if len(descriptors) < minDescriptor {
		return nil, fmt.Errorf("record: %w: descriptors of %d bytes", ErrFormat, len(descriptors))
	}
	r := &Recorder{t: t, w: w, kinds: endpoints(descriptors[minDescriptor:])}
	r.write(sectionBlock())
	for i, d := range [][]byte{descriptors[:minDescriptor], descriptors[minDescriptor:]} {
		if len(d) > 0 {
			s := step{ep: 0x80, setup: scanner.Setup{Type: 0x80, Request: 6, Value: uint16(i+1) << 8}, size: len(d)}
			s.id = r.begin(kindControl, s)
			r.end(kindControl, s, d, len(d), nil)
		}
	}
	return r, r.err
}

// endpoints reads what kind of transfers each endpoint carries (USB 2.0, 9.6.6).
func endpoints(configuration []byte) map[uint8]byte {
	kinds := make(map[uint8]byte)
	for d := configuration; len(d) >= 2 && int(d[0]) >= 2 && int(d[0]) <= len(d); d = d[d[0]:] {
		if d[1] == 5 && d[0] >= 7 {
			kinds[d[2]] = map[byte]byte{2: kindBulk, 3: kindInterrupt}[d[3]&0x03]
		}
	}
	return kinds
}

// kind is that of an endpoint; one that no descriptor names is a bulk one.
func (r *Recorder) kind(endpoint uint8) byte {
	if kind, ok := r.kinds[endpoint]; ok {
		return kind
	}
	return kindBulk
}

func sectionBlock() []byte {
	b := binary.LittleEndian.AppendUint32(nil, blockSection)
	b = binary.LittleEndian.AppendUint32(b, sectionLen)
	b = binary.LittleEndian.AppendUint32(b, byteOrder)
	b = binary.LittleEndian.AppendUint32(b, 1)          // version 1.0
	b = binary.LittleEndian.AppendUint64(b, ^uint64(0)) // length unknown
	b = binary.LittleEndian.AppendUint32(b, sectionLen)
	b = binary.LittleEndian.AppendUint32(b, blockInterface)
	b = binary.LittleEndian.AppendUint32(b, interfaceLen)
	b = binary.LittleEndian.AppendUint32(b, linkUSB)
	b = binary.LittleEndian.AppendUint32(b, 0) // no limit to a packet
	return binary.LittleEndian.AppendUint32(b, interfaceLen)
}

func (r *Recorder) write(b []byte) {
	if r.err == nil {
		_, r.err = r.w.Write(b)
	}
}

// packet writes one packet. The caller holds mu.
func (r *Recorder) packet(kind byte, event byte, s step, data []byte, length int, status int32) {
	setupFlag, dataFlag := byte('-'), byte(0)
	if kind == kindControl && event == usbSubmit {
		setupFlag = 0
	}
	if len(data) == 0 {
		dataFlag = '<'
		if event == usbComplete {
			dataFlag = '>'
		}
	}
	now := time.Now()
	p := binary.LittleEndian.AppendUint64(make([]byte, 0, usbmonLen+len(data)), s.id)
	p = append(p, event, kind, s.ep, recordDev)
	p = binary.LittleEndian.AppendUint16(p, recordBus)
	p = append(p, setupFlag, dataFlag)
	p = binary.LittleEndian.AppendUint64(p, uint64(now.Unix()))            //nolint:gosec // after 1970
	p = binary.LittleEndian.AppendUint32(p, uint32(now.Nanosecond()/1000)) //nolint:gosec // under a million
	p = binary.LittleEndian.AppendUint32(p, uint32(status))                //nolint:gosec // a signed field
	p = binary.LittleEndian.AppendUint32(p, uint32(length))                //nolint:gosec // under 64 MiB
	p = binary.LittleEndian.AppendUint32(p, uint32(len(data)))             //nolint:gosec // the same
	p = append(p, make([]byte, 24)...)
	if setupFlag == 0 {
		p[40], p[41] = s.setup.Type, s.setup.Request
		binary.LittleEndian.PutUint16(p[42:], s.setup.Value)
		binary.LittleEndian.PutUint16(p[44:], s.setup.Index)
		binary.LittleEndian.PutUint16(p[46:], uint16(length)) //nolint:gosec // a control transfer's
	}
	p = append(p, data...)

	padded := (len(p) + 3) &^ 3
	total := uint32(packetHead + padded + 4) //nolint:gosec // under 64 MiB
	stamp := uint64(now.UnixMicro())
	b := binary.LittleEndian.AppendUint32(make([]byte, 0, total), blockPacket)
	b = binary.LittleEndian.AppendUint32(b, total)
	b = binary.LittleEndian.AppendUint32(b, 0)
	b = binary.LittleEndian.AppendUint32(b, uint32(stamp>>32))
	b = binary.LittleEndian.AppendUint32(b, uint32(stamp))  //nolint:gosec // the lower half
	b = binary.LittleEndian.AppendUint32(b, uint32(len(p))) //nolint:gosec // under 64 MiB
	b = binary.LittleEndian.AppendUint32(b, uint32(len(p))) //nolint:gosec // under 64 MiB
	b = append(b, p...)
	b = append(b, make([]byte, padded-len(p))...)
	r.write(binary.LittleEndian.AppendUint32(b, total))
}

// begin keeps a submission and gives it its number.
func (r *Recorder) begin(kind byte, s step) uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.next++
	s.id = r.next
	r.packet(kind, usbSubmit, s, s.data, s.size, statusInProgress)
	return s.id
}

// end keeps a completion.
func (r *Recorder) end(kind byte, s step, data []byte, n int, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.packet(kind, usbComplete, s, data, n, statusOf(err))
}

// statusOf is the other way round of errOf.
func statusOf(err error) int32 {
	switch {
	case err == nil:
		return 0
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded), errors.Is(err, scanner.ErrClosed):
		return statusCancelled
	case errors.Is(err, scanner.ErrUnplugged):
		return statusUnplugged
	case errors.Is(err, scanner.ErrStalled):
		return statusStalled
	case errors.Is(err, scanner.ErrTimeout):
		return statusTimeout
	default:
		return statusFailed
	}
}

// Control passes on and keeps.
func (r *Recorder) Control(ctx context.Context, setup scanner.Setup, data []byte) (int, error) {
	s := step{setup: setup, size: len(data)}
	if setup.In() {
		s.ep = 0x80
	} else {
		s.data = data
	}
	s.id = r.begin(kindControl, s)
	n, err := r.t.Control(ctx, setup, data)
	var got []byte
	if setup.In() {
		got = data[:n]
	}
	r.end(kindControl, s, got, n, err)
	return n, err
}

// Submit passes on and keeps.
func (r *Recorder) Submit(endpoint uint8, size int) (scanner.Pending, error) {
	s := step{ep: endpoint, size: size}
	s.id = r.begin(r.kind(endpoint), s)
	p, err := r.t.Submit(endpoint, size)
	if err != nil {
		r.end(r.kind(endpoint), s, nil, 0, err)
		return nil, err
	}
	return recorded{r, s, p}, nil
}

type recorded struct {
	r *Recorder
	s step
	p scanner.Pending
}

func (p recorded) Wait(ctx context.Context) ([]byte, error) {
	data, err := p.p.Wait(ctx)
	p.r.end(p.r.kind(p.s.ep), p.s, data, len(data), err)
	return data, err
}

// Write passes on and keeps.
func (r *Recorder) Write(ctx context.Context, endpoint uint8, data []byte) error {
	s := step{ep: endpoint, size: len(data), data: data}
	s.id = r.begin(r.kind(endpoint), s)
	err := r.t.Write(ctx, endpoint, data)
	n := len(data)
	if err != nil {
		n = 0
	}
	r.end(r.kind(endpoint), s, nil, n, err)
	return err
}

// Close closes the recorded transport, and tells whether all could be kept.
func (r *Recorder) Close() error {
	err := r.t.Close()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err != nil {
		return errors.Join(err, fmt.Errorf("record: %w", r.err))
	}
	return err
}
