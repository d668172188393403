package wire

import (
	"fmt"

	"github.com/dhamani-iq/dhamani/record"
)

// MaxLogIDs bounds the entries that one LogReceiptRequest names: four times as
// many as a card holds in general, and a body of MaxCardBody.
const MaxLogIDs = 2000

// LogReceiptRequest asks the centre to sign that it holds the entries of a
// card's log up to a mark, so that the card may free them. Seq and Chain are a
// state of the log for which the centre has signed before, or zero; IDs are the
// entries behind it, in the order of the card, 32 bytes each.
//
//	{1: card bstr .size 8, 2: seq uint .size 4, 3: chain bstr .size 16, 4: ids bstr}
type LogReceiptRequest struct {
	Card  [8]byte  `cbor:"1,keyasint"`
	Seq   uint32   `cbor:"2,keyasint"`
	Chain [16]byte `cbor:"3,keyasint"`
	IDs   []byte   `cbor:"4,keyasint"`
}

// Entries returns the identifiers.
func (m *LogReceiptRequest) Entries() []record.EntryID {
	out := make([]record.EntryID, len(m.IDs)/len(record.EntryID{}))
	for i := range out {
		out[i] = record.EntryID(m.IDs[i*len(out[i]):])
	}
	return out
}

func (m *LogReceiptRequest) check() error {
	const size = len(record.EntryID{})
	switch {
	case m.Card == [8]byte{}:
		return fmt.Errorf("card identifier: %w", ErrMalformed)
	case m.Seq == 0 && m.Chain != [16]byte{}:
		return fmt.Errorf("chain of no entries: %w", ErrMalformed)
	case len(m.IDs)%size != 0 || uint64(m.Seq)+uint64(len(m.IDs)/size) > 1<<32-1:
		return fmt.Errorf("identifiers of %d bytes: %w", len(m.IDs), ErrMalformed)
	}
	return bound("list of identifiers", len(m.IDs)/size, 1, MaxLogIDs)
}

// LogReceipt is the centre's signed word that it holds every entry of a card's
// log up to Seq, whose chain value there is Chain, as docs/formats/card.md
// defines it, with the certificates under which the card believes it, child of
// the card's anchor first.
//
//	{1: seq uint .size 4, 2: chain bstr .size 16, 3: signature bstr .size 64, 4: [1*4 bstr]}
type LogReceipt struct {
	Seq          uint32   `cbor:"1,keyasint"`
	Chain        [16]byte `cbor:"2,keyasint"`
	Signature    [64]byte `cbor:"3,keyasint"`
	Certificates [][]byte `cbor:"4,keyasint"`
}

func (m *LogReceipt) check() error {
	if err := bound("certificate chain", len(m.Certificates), 1, MaxChain); err != nil {
		return err
	}
	for i, c := range m.Certificates {
		if err := bound("certificate", len(c), 1, MaxCertificate); err != nil {
			return fmt.Errorf("certificate %d: %w", i, err)
		}
	}
	if m.Seq == 0 {
		return fmt.Errorf("receipt for no entries: %w", ErrMalformed)
	}
	return nil
}
