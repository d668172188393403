package cache

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
	"log/slog"

	"github.com/dhamani-iq/dhamani/internal/redact"
	"github.com/dhamani-iq/dhamani/record"
)

// Holder is who earned section keys. What is kept for one opens with the cache
// key and that holder's vault together, and so for nobody else who works at
// the same computer. It prints as redacted but for the name.
type Holder struct {
	Operator string   // empty for the workstation alone
	Vault    [32]byte // a secret of the operator's credential; zero for the workstation alone
}

// Format implements fmt.Formatter.
func (h Holder) Format(f fmt.State, _ rune) {
	_, _ = io.WriteString(f, "holder "+h.Operator+" "+redact.Mark)
}

// LogValue implements slog.LogValuer.
func (h Holder) LogValue() slog.Value { return slog.StringValue(fmt.Sprint(h)) }

// seal gives nonce(12, random) || AES-256-GCM ciphertext and tag of
//
//	set u8, bit n for section n | key (32) of each section in the set
func (h *Holder) seal(keys map[record.Section][]byte, aad []byte) ([]byte, error) {
	aead, err := h.aead()
	if err != nil {
		return nil, err
	}
	plain := make([]byte, 1, 1+len(keys)*keySize)
	defer func() { clear(plain) }()
	for _, s := range record.AllSections() {
		if key, ok := keys[s]; ok {
			plain[0] |= 1 << s
			plain = append(plain, key...)
		}
	}
	return aead.Seal(nil, nil, plain, aad), nil // #nosec G407 -- the AEAD makes its own random nonce
}

// open owes ErrWrongKey for what another holder has sealed, and ErrCorrupt.
func (h *Holder) open(sealed, aad []byte) (map[record.Section][]byte, error) {
	aead, err := h.aead()
	if err != nil {
		return nil, err
	}
	plain, err := aead.Open(nil, nil, sealed, aad)
	if err != nil {
		return nil, fmt.Errorf("open section keys: %w", ErrWrongKey)
	}
	out := make(map[record.Section][]byte)
	set, rest := plain[:1], plain[1:]
	for _, s := range record.AllSections() {
		if set[0]>>s&1 == 0 {
			continue
		}
		if len(rest) < keySize {
			return nil, corrupt("section keys of %d bytes", len(plain))
		}
		out[s], rest = rest[:keySize:keySize], rest[keySize:]
	}
	if set[0]>>record.NumSections != 0 || len(rest) != 0 {
		return nil, corrupt("section keys of %d bytes", len(plain))
	}
	return out, nil
}

func (h *Holder) aead() (cipher.AEAD, error) {
	key, err := hkdf.Key(sha256.New, h.Vault[:], nil, "dhamani cache vault v1", 32)
	if err != nil {
		return nil, fmt.Errorf("derive vault key: %w", err)
	}
	defer clear(key)
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("derive vault key: %w", err)
	}
	return cipher.NewGCMWithRandomNonce(block)
}

// keysName is the key of a row of section keys.
func (b *box) keysName(p record.PatientID, person uint8, operator string) []byte {
	id := append(p[:], person)
	return b.name(kindKeys, append(id, operator...))
}

// keysAAD binds sealed keys to their row and its end.
func keysAAD(name []byte, expiry int64) []byte {
	return binary.BigEndian.AppendUint64(append([]byte("keys\x00"), name...), uint64(expiry)) // #nosec G115 -- the bits count
}
