package envelope

import (
	"fmt"
	"io"
	"log/slog"
	"sync"

	"github.com/dhamani-iq/dhamani/internal/redact"
	"github.com/dhamani-iq/dhamani/record"
)

// KeySize is the length of a section key, in bytes.
const KeySize = 32

// Keys holds the section keys of one person, those that may be used, at most
// six. It prints as redacted and is safe for concurrent use: Wipe waits for what
// is being sealed or opened, and whoever comes later finds no key.
type Keys struct {
	mu   sync.RWMutex
	keys [record.NumSections]redact.Bytes
}

// Format implements fmt.Formatter.
func (k *Keys) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redact.Mark) }

// LogValue implements slog.LogValuer.
func (k *Keys) LogValue() slog.Value { return slog.StringValue(redact.Mark) }

// KeysFromMap takes the keys that a card, a cache or the centre handed out and
// checks each against the person's commitment. It owes ErrKeyMismatch.
func KeysFromMap(m map[record.Section][]byte, subject Subject) (*Keys, error) {
	k := new(Keys)
	for section, key := range m {
		if err := k.Set(section, key); err != nil {
			return nil, err
		}
		if err := subject.check(section, key); err != nil {
			return nil, err
		}
	}
	return k, nil
}

// Has reports whether the key of a section is there.
func (k *Keys) Has(s record.Section) bool {
	defer k.use()()
	_, ok := k.get(s)
	return ok
}

// Get returns a copy of the key of a section.
func (k *Keys) Get(s record.Section) ([]byte, bool) {
	defer k.use()()
	key, ok := k.get(s)
	return append([]byte(nil), key...), ok
}

// use keeps the keys from being wiped until what it returns is called.
func (k *Keys) use() func() {
	if k == nil {
		return func() {}
	}
	k.mu.RLock()
	return k.mu.RUnlock
}

// get returns the key itself; the caller is within use.
func (k *Keys) get(s record.Section) ([]byte, bool) {
	if k == nil || !s.Valid() || k.keys[s].IsZero() {
		return nil, false
	}
	return k.keys[s].Reveal(), true
}

// Set puts a copy of a section's key in. It owes ErrKeyMismatch for a key of
// another length or an unknown section.
func (k *Keys) Set(s record.Section, key []byte) error {
	if !s.Valid() || len(key) != KeySize {
		return fmt.Errorf("%s key of %d bytes: %w", s, len(key), ErrKeyMismatch)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.keys[s] = redact.NewBytes(append([]byte(nil), key...))
	return nil
}

// Sections lists the sections whose key is there, in order.
func (k *Keys) Sections() []record.Section {
	var out []record.Section
	for _, s := range record.AllSections() {
		if k.Has(s) {
			out = append(out, s)
		}
	}
	return out
}

// Map returns copies of the keys, the form in which card and cache take them.
func (k *Keys) Map() map[record.Section][]byte {
	defer k.use()()
	m := make(map[record.Section][]byte)
	for _, s := range record.AllSections() {
		if key, ok := k.get(s); ok {
			m[s] = append([]byte(nil), key...)
		}
	}
	return m
}

// Wipe overwrites the keys and forgets them.
func (k *Keys) Wipe() {
	k.mu.Lock()
	defer k.mu.Unlock()
	for i := range k.keys {
		k.keys[i].Wipe()
		k.keys[i] = redact.Bytes{}
	}
}
