package envelope

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"

	"github.com/dhamani-iq/dhamani/crypto/cose"
	"github.com/dhamani-iq/dhamani/internal/mix"
	"github.com/dhamani-iq/dhamani/record"
)

// Bounds of an archive.
const (
	MaxArchive        = 8 << 20 // bytes
	MaxArchiveEntries = 4096
)

const (
	archiveLabel   = "dhamani archive v1"
	archiveVersion = 1
	archiveSalt    = 16
	incompressible = saltSize + cose.SignatureSize // of an entry

	// Columns of the compressed texts behind those of the sections.
	columnHeads = record.NumSections
	columnKIDs  = record.NumSections + 1
)

// Archive packs entries of one person tightly, in their order, with every
// author's signature: an entry's tags and ciphertexts are left out, because
// whoever has the person's keys makes them again. The entries must have passed
// Verify with the subject, and all keys of their sections be at hand. It owes
// what OpenAll owes, ErrNoKey and ErrTooLarge.
//
//	[ version, info, salt bstr(16), count, ciphertext bstr ]
func Archive(subject Subject, keys *Keys, entries []*Sealed, rand io.Reader) ([]byte, error) {
	raw, err := archive(subject, keys, entries, rand)
	if err != nil {
		return nil, fmt.Errorf("archive entries: %w", err)
	}
	return raw, nil
}

func archive(subject Subject, keys *Keys, entries []*Sealed, rand io.Reader) ([]byte, error) {
	if len(entries) == 0 || len(entries) > MaxArchiveEntries {
		return nil, fmt.Errorf("%d entries: %w", len(entries), ErrTooLarge)
	}
	plain := make([]byte, 0, len(entries)*2*incompressible)
	for _, s := range entries {
		plain = append(append(plain, s.header.salt[:]...), s.signature...)
	}
	packed, err := pack(subject, keys, entries)
	if err != nil {
		return nil, err
	}
	plain = append(plain, packed...)
	// Like an entry's salt, one that depends on the text under a secret key.
	fresh := make([]byte, archiveSalt)
	if _, err := io.ReadFull(rand, fresh); err != nil {
		return nil, fmt.Errorf("choose salt: %w", err)
	}
	secret, err := allKeys(keys)
	if err != nil {
		return nil, err
	}
	defer clear(secret)
	mac := hmac.New(sha256.New, secret)
	mac.Write(append([]byte(archiveLabel), fresh...))
	mac.Write(plain)
	salt := mac.Sum(nil)[:archiveSalt]
	gcm, err := archiveCipher(secret, salt)
	if err != nil {
		return nil, err
	}
	out := cose.AppendUint(cose.AppendArray(nil, 5), archiveVersion)
	out = cose.AppendUint(out, uint64(subject.Epoch)<<4|uint64(subject.Person))
	out = cose.AppendUint(cose.AppendBytes(out, salt), uint64(len(entries)))
	out = cose.AppendBytes(out, gcm.Seal(nil, zeroNonce[:], plain, append(subject.Bytes(), out...))) // #nosec G407 -- the key seals one text only
	if len(out) > MaxArchive {
		return nil, fmt.Errorf("archive of %d bytes: %w", len(out), ErrTooLarge)
	}
	return out, nil
}

// pack compresses the authors' key identifiers, and of each entry the head
// {sections as bits, number of its author, minutes since the one before} and
// the texts.
func pack(subject Subject, keys *Keys, entries []*Sealed) ([]byte, error) {
	e := mix.NewEncoder()
	numbers := make(map[[kidSize]byte]uint64)
	var kids []byte
	for _, s := range entries {
		if _, ok := numbers[s.header.kid]; !ok {
			numbers[s.header.kid] = uint64(len(numbers))
			kids = append(kids, s.header.kid[:]...)
		}
	}
	e.Put(columnKIDs, kids)
	last := uint64(0)
	for _, s := range entries {
		texts, locked, err := s.OpenAll(keys)
		switch {
		case err != nil:
			return nil, err
		case len(locked) > 0:
			return nil, fmt.Errorf("section %s: %w", locked[0], ErrNoKey)
		case *s.verified != subject:
			return nil, fmt.Errorf("entry of another person: %w", ErrKeyMismatch)
		}
		mask := byte(0)
		for section := range texts {
			mask |= 1 << section
		}
		head := binary.AppendUvarint([]byte{mask}, numbers[s.header.kid])
		e.Put(columnHeads, binary.AppendVarint(head, int64(s.header.time)-int64(last))) // #nosec G115 -- 27 bits
		last = s.header.time
		for _, section := range record.AllSections() {
			if text, ok := texts[section]; ok {
				e.Put(byte(section), text)
			}
		}
	}
	return e.Bytes(), nil
}

// Unarchive returns the sealed entries of an archive, byte for byte as they
// were, so with their identifiers. It does not check the authors' signatures:
// the entries are parsed and verified like any others. It owes ErrFormat,
// ErrKeyMismatch, ErrNoKey and ErrDecrypt.
func Unarchive(subject Subject, keys *Keys, raw []byte) ([][]byte, error) {
	if len(raw) > MaxArchive {
		return nil, fmt.Errorf("archive of %d bytes: %w", len(raw), ErrFormat)
	}
	var w struct {
		_          struct{} `cbor:",toarray"`
		Version    uint64
		Info       uint64
		Salt       []byte
		Count      uint64
		Ciphertext []byte
	}
	if err := cose.Unmarshal(raw, &w); err != nil {
		return nil, fmt.Errorf("read archive: %w: %w", ErrFormat, err)
	}
	if w.Version != archiveVersion || len(w.Salt) != archiveSalt || w.Count == 0 || w.Count > MaxArchiveEntries {
		return nil, fmt.Errorf("read archive: header: %w", ErrFormat)
	}
	if w.Info != uint64(subject.Epoch)<<4|uint64(subject.Person) {
		return nil, fmt.Errorf("read archive of another person or epoch: %w", ErrKeyMismatch)
	}
	secret, err := allKeys(keys)
	if err != nil {
		return nil, fmt.Errorf("read archive: %w", err)
	}
	defer clear(secret)
	gcm, err := archiveCipher(secret, w.Salt)
	if err != nil {
		return nil, fmt.Errorf("read archive: %w", err)
	}
	head := raw[:len(raw)-len(cose.AppendBytes(nil, w.Ciphertext))]
	plain, err := gcm.Open(nil, zeroNonce[:], w.Ciphertext, append(subject.Bytes(), head...))
	if err != nil {
		return nil, fmt.Errorf("read archive: %w", ErrDecrypt)
	}
	out, err := unpack(subject, keys, plain, int(w.Count)) // #nosec G115 -- bounded
	if err != nil {
		return nil, fmt.Errorf("read archive: %w", err)
	}
	return out, nil
}

func unpack(subject Subject, keys *Keys, plain []byte, count int) ([][]byte, error) {
	if len(plain) < count*incompressible {
		return nil, fmt.Errorf("%d bytes for %d entries: %w", len(plain), count, ErrFormat)
	}
	d := mix.NewDecoder(plain[count*incompressible:])
	kids, err := d.Next(columnKIDs, kidSize*count)
	if err != nil || len(kids)%kidSize != 0 {
		return nil, fmt.Errorf("authors: %w", ErrFormat)
	}
	out := make([][]byte, 0, count)
	last := int64(0)
	for i := range count {
		fixed := plain[i*incompressible:][:incompressible]
		s := &Sealed{signature: fixed[saltSize:]}
		s.header.info = uint64(subject.Epoch)<<4 | uint64(subject.Person)
		copy(s.header.salt[:], fixed)
		head, err := d.Next(columnHeads, 1+2*binary.MaxVarintLen64)
		if err != nil || len(head) < 3 || head[0]>>record.NumSections != 0 {
			return nil, fmt.Errorf("head of entry %d: %w", i, ErrFormat)
		}
		author, n := binary.Uvarint(head[1:])
		if n <= 0 || author >= uint64(len(kids)/kidSize) {
			return nil, fmt.Errorf("author of entry %d: %w", i, ErrFormat)
		}
		copy(s.header.kid[:], kids[author*kidSize:])
		delta, m := binary.Varint(head[1+n:])
		if last += delta; m != len(head)-1-n || delta > maxTime || delta < -maxTime || last < 0 || last > maxTime {
			return nil, fmt.Errorf("time of entry %d: %w", i, ErrFormat)
		}
		s.header.time = uint64(last) // #nosec G115 -- bounded above
		if err := s.reseal(&subject, keys, d, head[0]); err != nil {
			return nil, fmt.Errorf("entry %d: %w", i, err)
		}
		if s.raw = s.encode(); len(s.raw) > MaxSealed {
			return nil, fmt.Errorf("entry %d of %d bytes: %w", i, len(s.raw), ErrFormat)
		}
		out = append(out, s.raw)
	}
	return out, nil
}

// reseal encrypts the next texts of d as they were.
func (s *Sealed) reseal(subject *Subject, keys *Keys, d *mix.Decoder, mask byte) error {
	for _, section := range record.AllSections() {
		if mask&(1<<section) == 0 {
			continue
		}
		text, err := d.Next(byte(section), MaxSealed)
		if err != nil || len(text) == 0 {
			return fmt.Errorf("section %s: %w", section, ErrFormat)
		}
		key, ok := keys.Get(section)
		if !ok {
			return fmt.Errorf("section %s: %w", section, ErrNoKey)
		}
		if err := subject.check(section, key); err != nil {
			return err
		}
		gcm, err := s.gcm(key, section)
		if err != nil {
			return err
		}
		s.sections[section] = gcm.Seal(nil, zeroNonce[:], text, s.aad(section)) // #nosec G407 -- the entry's key seals this text only
	}
	return nil
}

// allKeys joins the person's six keys.
func allKeys(keys *Keys) ([]byte, error) {
	var secret []byte
	for _, section := range record.AllSections() {
		key, ok := keys.Get(section)
		if !ok {
			return nil, fmt.Errorf("section %s: %w", section, ErrNoKey)
		}
		secret = append(secret, key...)
	}
	return secret, nil
}

// archiveCipher derives an archive's key.
func archiveCipher(secret, salt []byte) (cipher.AEAD, error) {
	key, err := hkdf.Key(sha256.New, secret, salt, archiveLabel, KeySize)
	if err != nil {
		return nil, fmt.Errorf("derive archive key: %w", err)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("set up AES-256: %w", err)
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		return nil, fmt.Errorf("set up AES-256-GCM: %w", err)
	}
	return gcm, nil
}
