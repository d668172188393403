package personalise

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/dhamani-iq/dhamani/card"
	"github.com/dhamani-iq/dhamani/record"
)

// ErrJournal is returned for a journal that cannot be written, or is damaged
// elsewhere than in its last line, which a power cut may have torn.
var ErrJournal = errors.New("journal fails")

// State is how far a patient's card has come.
type State string

// The states, in their order; a failed one is tried again.
const (
	StateBegun   State = "begun"   // the centre was or will be asked for the card
	StateGranted State = "granted" // the centre has issued it
	StateHeld    State = "held"    // the card is complete, and not activated
	StateWhole   State = "whole"   // the card is complete and activated
	StateFailed  State = "failed"
)

// Done reports whether nothing is left to be written.
func (s State) Done() bool { return s == StateHeld || s == StateWhole }

// Digest is the SHA-256 of a patient's Bundle as it was given; it names the
// patient in the journal, which holds nothing of the Bundle.
type Digest [sha256.Size]byte

// MarshalText gives 64 hexadecimal digits.
func (d Digest) MarshalText() ([]byte, error) { return record.EntryID(d).MarshalText() }

// UnmarshalText is the inverse of MarshalText.
func (d *Digest) UnmarshalText(b []byte) error { return (*record.EntryID)(d).UnmarshalText(b) }

// Line is one line of the journal, a JSON object.
type Line struct {
	At      time.Time        `json:"at"`
	Bundle  Digest           `json:"bundle"`
	Source  string           `json:"source"` // file of the Bundle
	State   State            `json:"state"`
	Card    card.ID          `json:"card,omitzero"`
	Patient record.PatientID `json:"patient,omitzero"`
	Entries int              `json:"entries,omitempty"`
	OnCard  int              `json:"on_card,omitempty"`
	Problem string           `json:"problem,omitempty"`
}

// Progress is what the journal knows of one Bundle.
type Progress struct {
	State   State
	Card    card.ID          // the last one
	Patient record.PatientID // zero until the centre has granted a card
	Cards   []card.ID        // all that were begun, the last first
	Entries int
	OnCard  int
}

// Journal says which patient got which card. Every line is on disk before the
// work goes on, so that a desk that was interrupted neither makes a patient
// twice nor leaves a card unaccounted for. One process uses a journal at a time.
type Journal struct {
	mu    sync.Mutex
	file  *os.File
	items map[Digest]*Progress
}

// Bounds of a journal's file and of one line, in bytes.
const (
	maxJournal = 256 << 20
	maxLine    = 16 << 10
)

// OpenJournal opens the journal at path, or begins one. A last line that was
// torn is dropped: what it told of is done again. It owes ErrJournal.
func OpenJournal(path string) (*Journal, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600) // #nosec G304 -- the caller names the file
	if err != nil {
		return nil, fmt.Errorf("open journal: %w", err)
	}
	j := &Journal{file: f, items: make(map[Digest]*Progress)}
	if err := j.load(); err != nil {
		return nil, errors.Join(fmt.Errorf("open journal %s: %w", path, err), f.Close())
	}
	return j, nil
}

func (j *Journal) load() error {
	raw, err := io.ReadAll(io.LimitReader(j.file, maxJournal+1))
	if err != nil {
		return err
	}
	if len(raw) > maxJournal {
		return fmt.Errorf("more than %d bytes: %w", maxJournal, ErrJournal)
	}
	whole := bytes.LastIndexByte(raw, '\n') + 1
	if whole < len(raw) {
		if err := j.file.Truncate(int64(whole)); err != nil {
			return err
		}
	}
	if _, err := j.file.Seek(int64(whole), io.SeekStart); err != nil {
		return err
	}
	number := 0
	for text := range bytes.Lines(raw[:whole]) {
		number++
		line, err := parseLine(text)
		if err != nil {
			return fmt.Errorf("line %d: %w", number, err)
		}
		j.apply(line)
	}
	return nil
}

func parseLine(text []byte) (Line, error) {
	var line Line
	if len(text) > maxLine {
		return line, fmt.Errorf("%d bytes: %w", len(text), ErrJournal)
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&line); err != nil {
		return line, fmt.Errorf("%w: %w", ErrJournal, err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return line, fmt.Errorf("text behind the object: %w", ErrJournal)
	}
	states := []State{StateBegun, StateGranted, StateHeld, StateWhole, StateFailed}
	if !slices.Contains(states, line.State) || line.State != StateFailed && line.Card == (card.ID{}) {
		return line, fmt.Errorf("state %q: %w", line.State, ErrJournal)
	}
	return line, nil
}

func (j *Journal) apply(line Line) {
	p := j.items[line.Bundle]
	if p == nil {
		p = &Progress{}
		j.items[line.Bundle] = p
	}
	p.State = line.State
	if line.Card != (card.ID{}) {
		p.Card = line.Card
		p.Cards = slices.DeleteFunc(p.Cards, func(id card.ID) bool { return id == line.Card })
		p.Cards = slices.Insert(p.Cards, 0, line.Card)
	}
	if !line.Patient.IsZero() {
		p.Patient = line.Patient
	}
	if line.State.Done() {
		p.Entries, p.OnCard = line.Entries, line.OnCard
	}
}

// Note writes a line and waits until it is on disk.
func (j *Journal) Note(line Line) error {
	line.At = time.Now().UTC().Truncate(time.Second)
	raw, err := json.Marshal(line)
	if err != nil {
		return fmt.Errorf("write journal: %w: %w", ErrJournal, err)
	}
	if len(raw) >= maxLine {
		return fmt.Errorf("write journal: line of %d bytes: %w", len(raw), ErrJournal)
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if _, err := j.file.Write(append(raw, '\n')); err != nil {
		return fmt.Errorf("write journal: %w: %w", ErrJournal, err)
	}
	if err := j.file.Sync(); err != nil {
		return fmt.Errorf("write journal: %w: %w", ErrJournal, err)
	}
	j.apply(line)
	return nil
}

// Of returns what the journal knows of a Bundle.
func (j *Journal) Of(bundle Digest) Progress {
	j.mu.Lock()
	defer j.mu.Unlock()
	if p := j.items[bundle]; p != nil {
		out := *p
		out.Cards = slices.Clone(p.Cards)
		return out
	}
	return Progress{}
}

// Holder returns the Bundle whose last card this is.
func (j *Journal) Holder(id card.ID) (Digest, Progress, bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for d, p := range j.items {
		if p.Card == id {
			return d, *p, true
		}
	}
	return Digest{}, Progress{}, false
}

// Close closes the file.
func (j *Journal) Close() error { return j.file.Close() }
