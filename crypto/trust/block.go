package trust

import (
	"crypto"
	"crypto/ecdsa"
	"fmt"
	"time"

	"github.com/dhamani-iq/dhamani/crypto/cose"
)

// BlockList names the cards that no longer count: lost, stolen, replaced.
type BlockList struct {
	Version uint64
	Issued  time.Time
	Cards   [][8]byte
}

// blockWire is the payload of a block list:
//
//	{ 1: version, 2: issued, 3: cards bstr, 8 bytes each, strictly ascending }
type blockWire struct {
	Version uint64 `cbor:"1,keyasint"`
	Issued  uint32 `cbor:"2,keyasint"`
	Cards   []byte `cbor:"3,keyasint"`
}

const cardSize = 8

// blocks is a verified block list in its signed form.
type blocks struct {
	version uint64
	issued  time.Time
	rows    *rows
}

// SignBlockList makes a signed block list; the order of the cards does not
// matter. It owes ErrFormat and ErrDuplicateKey.
func SignBlockList(root crypto.Signer, l BlockList) ([]byte, error) {
	issued, err := toMinutes(l.Issued)
	if err != nil {
		return nil, fmt.Errorf("sign block list: %w", err)
	}
	list := make([][]byte, len(l.Cards))
	for i := range l.Cards {
		list[i] = l.Cards[i][:]
	}
	w := blockWire{Version: l.Version, Issued: issued, Cards: sortRows(list)}
	if _, err := newRows(w.Cards, cardSize, cardSize); err != nil {
		return nil, fmt.Errorf("sign block list: %w", err)
	}
	payload, err := cose.Marshal(w)
	if err != nil {
		return nil, fmt.Errorf("sign block list: %w", err)
	}
	return sign(root, payload, aadBlock)
}

// ParseBlockList checks a block list under the root key and returns it in
// full. It owes ErrFormat and ErrSignature.
func ParseBlockList(raw []byte, root *ecdsa.PublicKey) (*BlockList, error) {
	b, err := openBlocks(raw, root)
	if err != nil {
		return nil, err
	}
	l := &BlockList{Version: b.version, Issued: b.issued, Cards: make([][8]byte, b.rows.len())}
	for i := range l.Cards {
		l.Cards[i] = [8]byte(b.rows.row(i))
	}
	return l, nil
}

func openBlocks(raw []byte, root *ecdsa.PublicKey) (*blocks, error) {
	payload, err := verified(raw, root, aadBlock)
	if err != nil {
		return nil, fmt.Errorf("read block list: %w", err)
	}
	var w blockWire
	if err := cose.Unmarshal(payload, &w); err != nil {
		return nil, fmt.Errorf("read block list: %w: %w", ErrFormat, err)
	}
	if w.Issued > maxMinutes {
		return nil, fmt.Errorf("read block list: time: %w", ErrFormat)
	}
	b := &blocks{version: w.Version, issued: fromMinutes(w.Issued)}
	if b.rows, err = newRows(w.Cards, cardSize, cardSize); err != nil {
		return nil, fmt.Errorf("read block list: %w", err)
	}
	return b, nil
}
