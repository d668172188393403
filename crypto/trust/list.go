package trust

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"encoding/binary"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/dhamani-iq/dhamani/crypto/cose"
)

// List is the trust list, in the open form in which the centre makes it and
// tools show it; a workstation holds it in a Store.
type List struct {
	Version uint64
	Issued  time.Time
	Expires time.Time // a newer list should have come by then
	Keys    []Key
}

// listWire is the payload of a trust list:
//
//	{ 1: version, 2: issued, 3: expires, 4: rows bstr, 5: names tstr }
//
// Times are minutes since 2000. A row takes 59 bytes, numbers big endian, in
// strictly ascending order of kid:
//
//	0  kid 4 | 4 point 33, compressed | 37 usage 1 | 38 facility 4
//	42 notBefore 4 | 46 notAfter 4 | 50 revoked 4, 0: no | 54 name offset 4 | 58 name length 1
type listWire struct {
	Version uint64 `cbor:"1,keyasint"`
	Issued  uint32 `cbor:"2,keyasint"`
	Expires uint32 `cbor:"3,keyasint"`
	Rows    []byte `cbor:"4,keyasint"`
	Names   string `cbor:"5,keyasint"`
}

const (
	rowSize   = 59
	pointSize = 33
	maxName   = 255
)

// SignList makes a signed trust list. An absent KID is filled in. It owes
// ErrFormat and ErrDuplicateKey: two keys may share an identifier by chance,
// about once in a list of 100,000, and the second one must then be made anew.
func SignList(root crypto.Signer, l List) ([]byte, error) {
	w, err := encodeList(l)
	if err != nil {
		return nil, fmt.Errorf("sign trust list: %w", err)
	}
	payload, err := cose.Marshal(w)
	if err != nil {
		return nil, fmt.Errorf("sign trust list: %w", err)
	}
	return sign(root, payload, aadTrust)
}

// ParseList checks a trust list under the root key and returns it in full. It
// owes ErrFormat and ErrSignature.
func ParseList(raw []byte, root *ecdsa.PublicKey) (*List, error) {
	t, err := openTable(raw, root)
	if err != nil {
		return nil, err
	}
	l := &List{Version: t.version, Issued: t.issued, Expires: t.expires, Keys: make([]Key, t.rows.len())}
	for i := range l.Keys {
		if l.Keys[i], err = t.decode(t.rows.row(i)); err != nil {
			return nil, err
		}
	}
	return l, nil
}

func encodeList(l List) (w listWire, err error) {
	w.Version = l.Version
	if w.Issued, err = toMinutes(l.Issued); err != nil {
		return w, err
	}
	if w.Expires, err = toMinutes(l.Expires); err != nil {
		return w, err
	}
	var names []byte
	at := make(map[string]int)
	list := make([][]byte, 0, len(l.Keys))
	for _, k := range l.Keys {
		offset, found := at[k.Name]
		if !found {
			offset = len(names)
			at[k.Name] = offset
			names = append(names, k.Name...)
		}
		row, err := encodeKey(k, offset)
		if err != nil {
			return w, fmt.Errorf("key %x: %w", k.KID, err)
		}
		list = append(list, row)
	}
	w.Names, w.Rows = string(names), sortRows(list)
	_, err = newRows(w.Rows, rowSize, 4)
	return w, err
}

func encodeKey(k Key, name int) ([]byte, error) {
	if k.Public == nil {
		return nil, ErrFormat
	}
	kid := KIDOf(k.Public)
	if k.Public.Curve != elliptic.P256() || k.KID != kid && k.KID != [4]byte{} ||
		k.Usage < UsageIssuer || k.Usage > UsageTerms || len(k.Name) > maxName || !utf8.ValidString(k.Name) {
		return nil, ErrFormat
	}
	var times [3]uint32
	var err error
	for i, t := range []time.Time{k.NotBefore, k.NotAfter, k.Revoked} {
		if i == 2 && t.IsZero() {
			continue
		}
		if times[i], err = toMinutes(t); err != nil {
			return nil, err
		}
	}
	if !k.Revoked.IsZero() {
		times[2] = max(times[2], 1)
	}
	point, err := compress(k.Public)
	if err != nil {
		return nil, err
	}
	row := append(make([]byte, 0, rowSize), kid[:]...)
	row = append(append(row, point...), byte(k.Usage))
	row = binary.BigEndian.AppendUint32(row, k.Facility)
	for _, t := range times {
		row = binary.BigEndian.AppendUint32(row, t)
	}
	row = binary.BigEndian.AppendUint32(row, uint32(name)) // #nosec G115 -- bounded by the size of a message
	return append(row, byte(len(k.Name))), nil             // #nosec G115 -- at most maxName
}

// compress writes a point as SEC 1 section 2.3.3 with compression.
func compress(pub *ecdsa.PublicKey) ([]byte, error) {
	point, err := pub.Bytes()
	if err != nil {
		return nil, fmt.Errorf("encode key: %w", err)
	}
	return append([]byte{2 | point[64]&1}, point[1:pointSize]...), nil
}

// expand is the reverse; the point is on the curve, or ErrFormat.
func expand(b []byte) (*ecdsa.PublicKey, error) {
	x, y := elliptic.UnmarshalCompressed(elliptic.P256(), b)
	if x == nil {
		return nil, fmt.Errorf("point is not on P-256: %w", ErrFormat)
	}
	point := make([]byte, 65)
	point[0] = 4
	x.FillBytes(point[1:33])
	y.FillBytes(point[33:])
	pub, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), point)
	if err != nil {
		return nil, fmt.Errorf("point is not on P-256: %w", ErrFormat)
	}
	return pub, nil
}

func sign(signer crypto.Signer, payload []byte, aad string) ([]byte, error) {
	pub, ok := signer.Public().(*ecdsa.PublicKey)
	if !ok {
		return nil, fmt.Errorf("sign: key is not on P-256: %w", ErrFormat)
	}
	kid := KIDOf(pub)
	raw, err := cose.Sign1(signer, kid[:], payload, []byte(aad))
	if err != nil {
		return nil, err
	}
	if len(raw) > cose.MaxMessage {
		return nil, fmt.Errorf("sign message of %d bytes: %w", len(raw), ErrFormat)
	}
	return raw, nil
}
