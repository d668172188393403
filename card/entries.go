package card

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"
)

// Entries reads the entries between two heads, newest first: from head, which
// the card gave in this session, down to known, a head of the same card that
// the caller has kept together with everything before it. A zero known asks
// for everything that the card holds; so does one that is older than the
// oldest entry held.
//
// emit gets each entry's number, counted from 1, and its sealed bytes, which
// it may keep. Only when Entries returns nil has the chain from known to head
// been checked as well: until then what was emitted is provisional. An error
// of emit ends the reading and is returned as it is.
//
// It owes ErrChain when the log does not lead from known to head (a card that
// was rolled back or rewritten), and ErrMalformed when lengths contradict the
// head. It never takes more than 64 KiB for the log.
func (s *Session) Entries(ctx context.Context, head, known Head, emit func(seq uint32, sealed []byte) error) error {
	from, err := span(head, known)
	if err != nil {
		return fmt.Errorf("read entries: %w", err)
	}
	w := walker{
		low: from.Tail, seq: head.Seq, end: int(head.Tail - from.Tail),
		maxEntry: s.info.MaxEntry,
	}
	w.buf = make([]byte, w.end)
	w.have = w.end
	digests := make([][sha256.Size]byte, 0, head.Seq-from.Seq)
	for w.seq > from.Seq {
		sealed, ok, err := w.next(from.Seq)
		if err != nil {
			return fmt.Errorf("read entries: %w", err)
		}
		if ok {
			digests = append(digests, sha256.Sum256(sealed))
			if err := emit(w.seq+1, sealed); err != nil {
				return err
			}
			continue
		}
		n := min(s.info.MaxBlock, w.have)
		data, err := s.readLog(ctx, w.low+uint32(w.have-n), n) // #nosec G115 -- within the log
		if err != nil {
			return fmt.Errorf("read entries: %w", err)
		}
		w.have -= n
		copy(w.buf[w.have:], data)
	}
	if w.end != 0 {
		return fmt.Errorf("read entries: %w", malformed("%d bytes of log before its first entry", w.end))
	}
	chain := from.Chain
	for _, d := range slices.Backward(digests) {
		chain = extend(chain, d)
	}
	if chain != head.Chain {
		return fmt.Errorf("read entries: %w", ErrChain)
	}
	return nil
}

// span returns the head to read down to: known, or the state before the
// oldest entry held.
func span(head, known Head) (Head, error) {
	if err := head.Validate(); err != nil {
		return Head{}, malformed("%w", err)
	}
	from := Head{Seq: head.StartSeq, Tail: head.Start, Chain: head.StartChain}
	if !known.IsZero() {
		if known.Validate() != nil || known.Seq > head.Seq || known.Tail > head.Tail {
			return Head{}, fmt.Errorf("%w: it holds fewer entries than before", ErrChain)
		}
		if known.Seq >= head.StartSeq {
			if known.Tail < head.Start {
				return Head{}, fmt.Errorf("%w: it has freed more than its entries", ErrChain)
			}
			from = Head{Seq: known.Seq, Tail: known.Tail, Chain: known.Chain}
		}
	}
	entries, size := uint64(head.Seq-from.Seq), uint64(head.Tail-from.Tail)
	if entries*minRecord > size || size > entries*(MaxEntry+LenLength) {
		return Head{}, fmt.Errorf("%w: %d entries in %d bytes", ErrChain, entries, size)
	}
	return from, nil
}

// walker walks a part of the log from its end backwards, trailer by trailer.
type walker struct {
	buf      []byte // the part of the log, filled from its end
	low      uint32 // logical offset of buf[0]
	have     int    // buf[have:] has been read
	end      int    // buf[end:] has been walked
	seq      uint32 // number of the entry that ends at end
	maxEntry int
}

// next steps over one record and returns its sealed bytes; ok is false when
// more of the log must be read first. Entry stop is the last one known, so
// every length also has to leave room for the entries in between.
func (w *walker) next(stop uint32) (sealed []byte, ok bool, err error) {
	if w.end < minRecord {
		return nil, false, malformed("entry %d lies outside the log", w.seq)
	}
	if w.end-LenLength < w.have {
		return nil, false, nil
	}
	n := int(binary.BigEndian.Uint16(w.buf[w.end-LenLength:]))
	start := w.end - LenLength - n
	switch {
	case n < 1 || n > w.maxEntry:
		return nil, false, malformed("entry %d of %d bytes", w.seq, n)
	case start < 0 || uint64(start) < uint64(w.seq-stop-1)*minRecord:
		return nil, false, malformed("entry %d begins outside the log", w.seq)
	case start < w.have:
		return nil, false, nil
	}
	sealed = w.buf[start : start+n : start+n]
	w.end = start
	w.seq--
	return sealed, true, nil
}
