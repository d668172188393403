package trust

import (
	"crypto/ecdsa"
	"encoding/binary"
	"fmt"
	"slices"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/dhamani-iq/dhamani/crypto/cose"
)

// table is a verified trust list in its signed form: the rows are not decoded
// until one is asked for.
type table struct {
	version uint64
	issued  time.Time
	expires time.Time
	rows    *rows
	names   string
	points  sync.Map // [4]byte -> *ecdsa.PublicKey, those asked for so far
}

// openTable checks the signature and the shape of a trust list; points are
// checked when they are asked for.
func openTable(raw []byte, root *ecdsa.PublicKey) (*table, error) {
	payload, err := verified(raw, root, aadTrust)
	if err != nil {
		return nil, fmt.Errorf("read trust list: %w", err)
	}
	var w listWire
	if err := cose.Unmarshal(payload, &w); err != nil {
		return nil, fmt.Errorf("read trust list: %w: %w", ErrFormat, err)
	}
	if w.Issued > maxMinutes || w.Expires > maxMinutes || w.Expires < w.Issued {
		return nil, fmt.Errorf("read trust list: times: %w", ErrFormat)
	}
	t := &table{version: w.Version, issued: fromMinutes(w.Issued), expires: fromMinutes(w.Expires), names: w.Names}
	if t.rows, err = newRows(w.Rows, rowSize, 4); err != nil {
		return nil, fmt.Errorf("read trust list: %w", err)
	}
	for i := range t.rows.len() {
		if err := t.checkRow(t.rows.row(i)); err != nil {
			return nil, fmt.Errorf("read trust list: row %d: %w", i, err)
		}
	}
	return t, nil
}

func (t *table) checkRow(row []byte) error {
	for _, at := range []int{42, 46, 50} {
		if binary.BigEndian.Uint32(row[at:]) > maxMinutes {
			return ErrFormat
		}
	}
	offset, length := uint64(binary.BigEndian.Uint32(row[54:])), uint64(row[58])
	usage := Usage(row[37])
	if usage < UsageIssuer || usage > UsageTerms || offset+length > uint64(len(t.names)) ||
		!utf8.ValidString(t.names[offset:offset+length]) {
		return ErrFormat
	}
	return nil
}

func (t *table) decode(row []byte) (Key, error) {
	k := Key{
		KID: [4]byte(row), Usage: Usage(row[37]), Facility: binary.BigEndian.Uint32(row[38:]),
		NotBefore: fromMinutes(binary.BigEndian.Uint32(row[42:])),
		NotAfter:  fromMinutes(binary.BigEndian.Uint32(row[46:])),
	}
	if revoked := binary.BigEndian.Uint32(row[50:]); revoked != 0 {
		k.Revoked = fromMinutes(revoked)
	}
	offset := binary.BigEndian.Uint32(row[54:])
	k.Name = t.names[offset : offset+uint32(row[58])]
	if pub, found := t.points.Load(k.KID); found {
		k.Public, _ = pub.(*ecdsa.PublicKey)
		return k, nil
	}
	pub, err := expand(row[4 : 4+pointSize])
	if err != nil {
		return Key{}, fmt.Errorf("trust list key %x: %w", k.KID, err)
	}
	if KIDOf(pub) != k.KID {
		return Key{}, fmt.Errorf("trust list key %x is identified wrongly: %w", k.KID, ErrFormat)
	}
	t.points.Store(k.KID, pub)
	k.Public = pub
	return k, nil
}

// find returns a key by identifier that has one of the usages. It owes
// ErrUnknownKey.
func (t *table) find(kid [4]byte, usages ...Usage) (Key, error) {
	if t != nil {
		if row, found := t.rows.find(kid[:]); found && slices.Contains(usages, Usage(row[37])) {
			return t.decode(row)
		}
	}
	return Key{}, fmt.Errorf("%s key %x: %w", usages[0], kid, ErrUnknownKey)
}
