package cache

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
)

// Sizes of a sealed value.
const (
	genSize      = 8
	sealOverhead = genSize + 12 + 16
	indexSize    = 16
	maxGen       = 1 << 62
)

// box seals values and hides identifiers under keys derived from the cache key.
type box struct {
	aead  cipher.AEAD
	index []byte   // key of the keyed hashes
	keyID [16]byte // tells whether a file belongs to the key
}

func newBox(key [32]byte) (*box, error) {
	seal, err := hkdf.Key(sha256.New, key[:], nil, "dhamani cache seal v1", 32)
	if err != nil {
		return nil, fmt.Errorf("derive cache keys: %w", err)
	}
	index, err := hkdf.Key(sha256.New, key[:], nil, "dhamani cache index v1", 32)
	if err != nil {
		return nil, fmt.Errorf("derive cache keys: %w", err)
	}
	keyID, err := hkdf.Key(sha256.New, key[:], nil, "dhamani cache key check v1", 16)
	if err != nil {
		return nil, fmt.Errorf("derive cache keys: %w", err)
	}
	block, err := aes.NewCipher(seal)
	if err != nil {
		return nil, fmt.Errorf("derive cache keys: %w", err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, fmt.Errorf("derive cache keys: %w", err)
	}
	return &box{aead: aead, index: index, keyID: [16]byte(keyID)}, nil
}

// name returns the keyed hash of an identifier; kind keeps patients and cards apart.
func (b *box) name(kind string, id []byte) []byte {
	mac := hmac.New(sha256.New, b.index)
	mac.Write([]byte(kind))
	mac.Write([]byte{0})
	mac.Write(id)
	return mac.Sum(nil)[:indexSize]
}

func aad(bucket bucket, gen, key []byte) []byte {
	out := make([]byte, 0, len(bucket)+1+genSize+len(key))
	out = append(out, bucket...)
	out = append(out, 0)
	out = append(out, gen...)
	return append(out, key...)
}

func (b *box) seal(bucket bucket, key []byte, gen uint64, row []byte) []byte {
	out := make([]byte, genSize, sealOverhead+len(row))
	binary.BigEndian.PutUint64(out, gen)
	return b.aead.Seal(out, nil, row, aad(bucket, out[:genSize], key)) // #nosec G407 -- the AEAD makes its own random nonce
}

// open returns the row of a sealed value. It owes ErrCorrupt.
func (b *box) open(bucket bucket, key, value []byte) ([]byte, error) {
	if len(value) < sealOverhead {
		return nil, corrupt("value in %s of %d bytes", bucket, len(value))
	}
	row, err := b.aead.Open(nil, nil, value[genSize:], aad(bucket, value[:genSize], key))
	if err != nil {
		return nil, corrupt("value in %s does not authenticate", bucket)
	}
	return row, nil
}

// generation returns the generation of a sealed value. It owes ErrCorrupt.
func generation(bucket bucket, value []byte) (uint64, error) {
	if len(value) < sealOverhead {
		return 0, corrupt("value in %s of %d bytes", bucket, len(value))
	}
	gen := binary.BigEndian.Uint64(value)
	if gen >= maxGen {
		return 0, corrupt("value in %s of impossible generation", bucket)
	}
	return gen, nil
}
