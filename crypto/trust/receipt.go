package trust

import (
	"crypto"
	"crypto/ecdsa"
	"fmt"
	"time"

	"github.com/dhamani-iq/dhamani/crypto/cose"
	"github.com/dhamani-iq/dhamani/record"
)

// MaxReceiptIDs bounds the entries that one receipt covers.
const MaxReceiptIDs = 4096

// Receipt is the centre's word that it keeps these entries.
type Receipt struct {
	Batch [16]byte
	IDs   []record.EntryID // in the order of the batch
	At    time.Time
}

// receiptWire is the payload:
//
//	{ 1: batch bstr(16), 2: ids bstr, 32 bytes each, 3: minutes since 2000 }
type receiptWire struct {
	Batch []byte `cbor:"1,keyasint"`
	IDs   []byte `cbor:"2,keyasint"`
	At    uint32 `cbor:"3,keyasint"`
}

// SignReceipt makes a signed receipt. It owes ErrFormat.
func SignReceipt(centre crypto.Signer, r Receipt) ([]byte, error) {
	at, err := toMinutes(r.At)
	if err != nil || len(r.IDs) > MaxReceiptIDs {
		return nil, fmt.Errorf("sign receipt of %d entries: %w", len(r.IDs), ErrFormat)
	}
	w := receiptWire{Batch: r.Batch[:], At: at}
	for _, id := range r.IDs {
		w.IDs = append(w.IDs, id[:]...)
	}
	payload, err := cose.Marshal(w)
	if err != nil {
		return nil, fmt.Errorf("sign receipt: %w", err)
	}
	return sign(centre, payload, aadReceipt)
}

// VerifyReceipt checks a receipt under one key of the centre. It owes
// ErrFormat and ErrSignature.
func VerifyReceipt(raw []byte, centre *ecdsa.PublicKey) (Receipt, error) {
	payload, err := verified(raw, centre, aadReceipt)
	if err != nil {
		return Receipt{}, fmt.Errorf("read receipt: %w", err)
	}
	var w receiptWire
	if err := cose.Unmarshal(payload, &w); err != nil {
		return Receipt{}, fmt.Errorf("read receipt: %w: %w", ErrFormat, err)
	}
	var r Receipt
	n := len(w.IDs) / len(record.EntryID{})
	if len(w.Batch) != len(r.Batch) || len(w.IDs)%len(record.EntryID{}) != 0 || n > MaxReceiptIDs || w.At > maxMinutes {
		return Receipt{}, fmt.Errorf("read receipt: %w", ErrFormat)
	}
	r.Batch, r.At, r.IDs = [16]byte(w.Batch), fromMinutes(w.At), make([]record.EntryID, n)
	for i := range r.IDs {
		r.IDs[i] = record.EntryID(w.IDs[i*32:])
	}
	return r, nil
}

// Receipt checks a receipt against the centre's keys of the trust list, at the
// receipt's own time. It owes what VerifyReceipt and Author owe.
func (s *Store) Receipt(raw []byte) (Receipt, error) {
	m, err := cose.ParseSign1(raw)
	if err != nil {
		return Receipt{}, fmt.Errorf("read receipt: %w: %w", ErrFormat, err)
	}
	kid, err := keyID(m)
	if err != nil {
		return Receipt{}, fmt.Errorf("read receipt: %w", err)
	}
	key, err := s.trust.Load().find(kid, UsageCentre)
	if err != nil {
		return Receipt{}, fmt.Errorf("read receipt: %w", err)
	}
	r, err := VerifyReceipt(raw, key.Public)
	if err != nil {
		return Receipt{}, err
	}
	if _, err := s.valid(kid, r.At, UsageCentre); err != nil {
		return Receipt{}, fmt.Errorf("read receipt: %w", err)
	}
	return r, nil
}
