package envelope

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"io"
	"time"

	"github.com/dhamani-iq/dhamani/crypto/cose"
	"github.com/dhamani-iq/dhamani/record"
)

const (
	entryLabel = "dhamani entry v1"
	saltLabel  = "dhamani salt v1"
)

// zeroNonce is the nonce of every section: each key seals one text only.
var zeroNonce [12]byte

// Seal encrypts the sections, signs the whole and returns the sealed bytes.
// Keys and meta have to be of the subject's person. It owes ErrMeta, ErrNoKey,
// ErrKeyMismatch and ErrTooLarge.
func Seal(subject Subject, keys *Keys, author Author, meta Meta, sections map[record.Section][]byte, rand io.Reader) ([]byte, error) {
	if author.Signer == nil {
		return nil, fmt.Errorf("seal entry: no signer: %w", ErrMeta)
	}
	defer keys.use()()
	s := &Sealed{}
	if err := s.setMeta(subject, author, meta); err != nil {
		return nil, fmt.Errorf("seal entry: %w", err)
	}
	total := 0
	for section, text := range sections {
		if !section.Valid() || len(text) == 0 {
			return nil, fmt.Errorf("seal entry: section %s of %d bytes: %w", section, len(text), ErrMeta)
		}
		total += len(text)
	}
	if len(sections) == 0 {
		return nil, fmt.Errorf("seal entry: no section: %w", ErrMeta)
	}
	if total > MaxSealed {
		return nil, fmt.Errorf("seal entry of %d bytes: %w", total, ErrTooLarge)
	}
	if err := s.encrypt(&subject, keys, sections, rand); err != nil {
		return nil, fmt.Errorf("seal entry: %w", err)
	}
	var err error
	message := cose.SigStructure(cose.ProtectedES256, subject.Bytes(), s.payload())
	if s.signature, err = cose.SignES256(author.Signer, message); err != nil {
		return nil, fmt.Errorf("seal entry: %w", err)
	}
	if s.raw = s.encode(); len(s.raw) > MaxSealed {
		return nil, fmt.Errorf("seal entry of %d bytes: %w", len(s.raw), ErrTooLarge)
	}
	return s.raw, nil
}

func (s *Sealed) setMeta(subject Subject, author Author, meta Meta) error {
	minutes := meta.Time.Unix()/60 - epochZero.Unix()/60
	if meta.Person != subject.Person || meta.Person > MaxPerson || meta.Time.Before(epochZero) || minutes > maxTime {
		return fmt.Errorf("person %d at %s: %w", meta.Person, meta.Time.UTC().Format(time.RFC3339), ErrMeta)
	}
	s.header.info = uint64(subject.Epoch)<<4 | uint64(meta.Person)
	s.header.time = uint64(minutes) // #nosec G115 -- not before the origin
	s.header.kid = author.KID
	return nil
}

// encrypt checks the keys, chooses the salt and seals every section.
func (s *Sealed) encrypt(subject *Subject, keys *Keys, sections map[record.Section][]byte, rand io.Reader) error {
	var used [record.NumSections][]byte
	var first []byte
	for _, section := range record.AllSections() {
		if sections[section] == nil {
			continue
		}
		key, ok := keys.get(section)
		if !ok {
			return fmt.Errorf("%s: %w", section, ErrNoKey)
		}
		if err := subject.check(section, key); err != nil {
			return err
		}
		used[section] = key
		if first == nil {
			first = key
		}
	}
	if err := s.chooseSalt(first, sections, rand); err != nil {
		return err
	}
	for _, section := range record.AllSections() {
		if used[section] == nil {
			continue
		}
		gcm, err := s.gcm(used[section], section)
		if err != nil {
			return err
		}
		s.sections[section] = gcm.Seal(nil, zeroNonce[:], sections[section], s.aad(section)) // #nosec G407 -- the key seals one text only
	}
	return nil
}

// chooseSalt makes the salt from fresh random bytes and, under a secret key,
// from the texts: even a random source that repeats itself (a restored
// snapshot of a machine) never gives two different entries the same salt.
func (s *Sealed) chooseSalt(key []byte, sections map[record.Section][]byte, rand io.Reader) error {
	var fresh [16]byte
	if _, err := io.ReadFull(rand, fresh[:]); err != nil {
		return fmt.Errorf("choose salt: %w", err)
	}
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(saltLabel))
	mac.Write(fresh[:])
	for _, section := range record.AllSections() {
		if text := sections[section]; text != nil {
			digest := sha256.Sum256(text)
			mac.Write(append([]byte{byte(section)}, digest[:]...))
		}
	}
	copy(s.header.salt[:], mac.Sum(nil))
	return nil
}

// Open decrypts one section. The entry must have passed Verify, and the key
// must be the one to which the verified subject commits. It owes
// ErrNotVerified, ErrNoSection, ErrNoKey, ErrKeyMismatch and ErrDecrypt.
func (s *Sealed) Open(keys *Keys, section record.Section) ([]byte, error) {
	if s.verified == nil {
		return nil, fmt.Errorf("open section: %w", ErrNotVerified)
	}
	if !section.Valid() || s.sections[section] == nil {
		return nil, fmt.Errorf("open section %s: %w", section, ErrNoSection)
	}
	defer keys.use()()
	key, ok := keys.get(section)
	if !ok {
		return nil, fmt.Errorf("open section %s: %w", section, ErrNoKey)
	}
	if err := s.verified.check(section, key); err != nil {
		return nil, fmt.Errorf("open section %s: %w", section, err)
	}
	gcm, err := s.gcm(key, section)
	if err != nil {
		return nil, err
	}
	text, err := gcm.Open(nil, zeroNonce[:], s.sections[section], s.aad(section))
	if err != nil {
		return nil, fmt.Errorf("open section %s: %w", section, ErrDecrypt)
	}
	return text, nil
}

// OpenAll decrypts every section whose key is at hand and lists those whose
// key is not. It owes what Open owes, but for ErrNoKey.
func (s *Sealed) OpenAll(keys *Keys) (texts map[record.Section][]byte, locked []record.Section, err error) {
	texts = make(map[record.Section][]byte)
	for _, section := range s.Sections() {
		if !keys.Has(section) {
			locked = append(locked, section)
			continue
		}
		if texts[section], err = s.Open(keys, section); err != nil {
			return nil, nil, err
		}
	}
	return texts, locked, nil
}

// entryKey narrows a person key to this entry.
func (s *Sealed) entryKey(person []byte, section record.Section) ([]byte, error) {
	info := append([]byte(entryLabel), byte(section))
	info = s.header.append(cose.AppendArray(info, 3))
	key, err := hkdf.Key(sha256.New, person, nil, string(info), KeySize)
	if err != nil {
		return nil, fmt.Errorf("derive entry key: %w", err)
	}
	return key, nil
}

func (s *Sealed) gcm(key []byte, section record.Section) (cipher.AEAD, error) {
	entry, err := s.entryKey(key, section)
	if err != nil {
		return nil, err
	}
	defer clear(entry)
	block, err := aes.NewCipher(entry)
	if err != nil {
		return nil, fmt.Errorf("set up AES-256: %w", err)
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		return nil, fmt.Errorf("set up AES-256-GCM: %w", err)
	}
	return gcm, nil
}

// external is [info, time, kid, salt, section].
func (s *Sealed) external(section record.Section) []byte {
	out := s.header.append(cose.AppendArray(make([]byte, 0, 32), 4))
	return cose.AppendUint(out, uint64(section))
}

// aad is the Enc_structure of a section.
func (s *Sealed) aad(section record.Section) []byte {
	return cose.EncStructure(cose.ProtectedA256GCM, s.external(section))
}

func (s *Sealed) encode() []byte {
	size, n := 40+cose.SignatureSize, 0
	for _, c := range s.sections {
		if c != nil {
			size, n = size+len(c)+4, n+1
		}
	}
	out := s.header.append(cose.AppendArray(make([]byte, 0, size), 5))
	out = cose.AppendMap(out, n)
	for i, c := range s.sections {
		if c != nil {
			out = cose.AppendBytes(cose.AppendUint(out, uint64(i)), c) // #nosec G115 -- six
		}
	}
	return cose.AppendBytes(out, s.signature)
}
