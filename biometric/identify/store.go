package identify

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/dhamani-iq/dhamani/biometric/fmr"
)

// magic begins a saved index and names its version.
const magic = "DHFPIX01"

// ErrSaved says that a saved index is malformed.
var ErrSaved = errors.New("malformed saved index")

// Save writes every person of the index:
//
//	"DHFPIX01" | person...
//	person: 01 | identifier u64 | fingers u8 | finger...
//	finger: length u16 | record of ISO/IEC 19794-2
//	end:    00 | people u64
//
// Hashes are not saved: they are made again in less time than a disk takes to
// read them. The bytes are biometric data; who stores them seals them.
func (x *Index) Save(w io.Writer) error {
	out := bufio.NewWriter(w)
	_, _ = out.WriteString(magic) // the first error stays until Flush
	people := uint64(0)
	for _, s := range x.shards {
		people += s.save(out)
	}
	_ = out.WriteByte(0)
	_, _ = out.Write(binary.BigEndian.AppendUint64(nil, people))
	if err := out.Flush(); err != nil {
		return fmt.Errorf("save index: %w", err)
	}
	return nil
}

func (s *shard) save(out *bufio.Writer) uint64 {
	s.mu.RLock()
	defer s.mu.RUnlock()
	var b []byte
	for person, fingers := range s.people {
		b = append(binary.BigEndian.AppendUint64(append(b[:0], 1), person), byte(len(fingers))) // #nosec G115 -- at most MaxFingers
		for _, n := range fingers {
			b = binary.BigEndian.AppendUint16(b, uint16(len(s.fingers[n].record))) // #nosec G115 -- a record is at most fmr.MaxRecord
			b = append(b, s.fingers[n].record...)
		}
		_, _ = out.Write(b) // Flush tells
	}
	return uint64(len(s.people))
}

// Load reads what Save wrote into a new index of a number of shards, as New. It
// owes ErrSaved, for anything behind the end too.
func Load(r io.Reader, shards int) (*Index, error) {
	in := bufio.NewReader(r)
	head := make([]byte, len(magic))
	if _, err := io.ReadFull(in, head); err != nil || string(head) != magic {
		return nil, ErrSaved
	}
	x := New(shards)
	for {
		more, err := in.ReadByte()
		if err != nil || more > 1 {
			return nil, ErrSaved
		}
		if more == 0 {
			break
		}
		if err := x.load(in); err != nil {
			return nil, errors.Join(ErrSaved, err)
		}
	}
	var people [8]byte
	if _, err := io.ReadFull(in, people[:]); err != nil || binary.BigEndian.Uint64(people[:]) != uint64(x.Len()) { // #nosec G115 -- not negative
		return nil, ErrSaved
	}
	if _, err := in.ReadByte(); !errors.Is(err, io.EOF) {
		return nil, ErrSaved
	}
	return x, nil
}

func (x *Index) load(in io.Reader) error {
	var head [9]byte
	if _, err := io.ReadFull(in, head[:]); err != nil {
		return err
	}
	if head[8] > MaxFingers {
		return ErrFingers
	}
	var fingers []*fmr.Template
	for range head[8] {
		var length [2]byte
		if _, err := io.ReadFull(in, length[:]); err != nil {
			return err
		}
		raw := make([]byte, binary.BigEndian.Uint16(length[:]))
		if _, err := io.ReadFull(in, raw); err != nil {
			return err
		}
		t, err := fmr.Parse(raw)
		if err != nil {
			return err
		}
		fingers = append(fingers, t)
	}
	return x.Enrol(binary.BigEndian.Uint64(head[:]), fingers...)
}
