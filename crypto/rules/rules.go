// Package rules reads and makes signed editions of the table of alerts and of
// the rules of entitlement (docs/formats/entry.md), and follows them as the
// centre publishes them: a later edition takes the place of an earlier one, and
// what is refused leaves the one at hand in force.
package rules

import (
	"crypto"
	"crypto/sha256"
	"fmt"
	"sync"
	"time"

	"github.com/dhamani-iq/dhamani/crypto/trust"
	"github.com/dhamani-iq/dhamani/record/alerts"
	"github.com/dhamani-iq/dhamani/record/entitle"
)

// Kind is a kind of rules, and how its text is read.
type Kind[T any] struct {
	name   string
	parse  func(text string) (T, error)
	number func(T) uint32
	broken error // of a text that says another number than its edition
	first  func() Edition[T]
}

// Name is the kind's name, as in trust.RulesAlerts.
func (k *Kind[T]) Name() string { return k.name }

// Edition is an edition of rules that was read.
type Edition[T any] struct {
	Number uint32
	Issued time.Time // zero: it is part of the program
	Digest [32]byte  // SHA-256 of the text
	Text   string    // empty: it is part of the program
	Rules  T
}

// Alerts is the table of alerts.
var Alerts = &Kind[*alerts.Table]{
	name: trust.RulesAlerts, parse: alerts.Parse, broken: alerts.ErrTable,
	number: func(t *alerts.Table) uint32 { return t.Edition },
	first: func() Edition[*alerts.Table] {
		t := alerts.Base()
		return Edition[*alerts.Table]{Number: t.Edition, Digest: t.Digest, Rules: t}
	},
}

// Cover is the rules of entitlement.
var Cover = &Kind[*entitle.Schedule]{
	name: trust.RulesCover, parse: entitle.ParseSchedule, broken: entitle.ErrRules,
	number: (*entitle.Schedule).Edition,
	first: func() Edition[*entitle.Schedule] {
		s := entitle.Builtin()
		return Edition[*entitle.Schedule]{Number: s.Edition(), Rules: s}
	},
}

// First returns the edition that is part of the program.
func (k *Kind[T]) First() Edition[T] { return k.first() }

// Sign signs an edition that was read. It owes what trust.SignRules owes.
func (k *Kind[T]) Sign(signer crypto.Signer, e Edition[T]) ([]byte, error) {
	return trust.SignRules(signer, k.name, trust.Rules{Format: trust.RulesFormat, Number: e.Number, Issued: e.Issued, Text: e.Text})
}

// Open checks and reads a signed edition. It owes what trust.Store.Rules owes,
// and what the kind's parser owes.
func (k *Kind[T]) Open(keys *trust.Store, raw []byte) (Edition[T], error) {
	signed, err := keys.Rules(k.name, raw)
	if err != nil {
		return Edition[T]{}, err
	}
	e, err := k.Read(signed.Text, signed.Issued)
	if err == nil && e.Number != signed.Number {
		err = fmt.Errorf("%s rules %d call themselves %d: %w", k.name, signed.Number, e.Number, k.broken)
	}
	return e, err
}

// Read reads the text of an edition, which says its number. It owes what the
// kind's parser owes.
func (k *Kind[T]) Read(text string, issued time.Time) (e Edition[T], err error) {
	table, err := k.parse(text)
	if err != nil {
		return e, fmt.Errorf("read %s rules: %w", k.name, err)
	}
	return Edition[T]{Number: k.number(table), Issued: issued, Digest: sha256.Sum256([]byte(text)), Text: text, Rules: table}, nil
}

// Line is the edition that somebody has in use, and takes later ones in its
// place. It is safe for concurrent use.
type Line[T any] struct {
	kind *Kind[T]
	mu   sync.Mutex // guards what follows
	now  Edition[T]
}

// NewLine begins with the edition that is part of the program.
func NewLine[T any](kind *Kind[T]) *Line[T] { return &Line[T]{kind: kind, now: kind.First()} }

// Now returns the edition in use.
func (l *Line[T]) Now() Edition[T] {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.now
}

// Accept takes a signed edition into use, and returns the one in use: what is
// refused leaves that as it was, and the one at hand again changes nothing. It
// owes what Open owes, trust.ErrRollback and trust.ErrFork.
func (l *Line[T]) Accept(keys *trust.Store, raw []byte) (Edition[T], error) {
	e, err := l.kind.Open(keys, raw)
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case err != nil:
	case e.Number < l.now.Number:
		err = fmt.Errorf("%s rules %d under %d: %w", l.kind.name, e.Number, l.now.Number, trust.ErrRollback)
	case e.Number > l.now.Number:
		l.now = e
	case e.Digest != l.now.Digest:
		err = fmt.Errorf("%s rules %d: %w", l.kind.name, e.Number, trust.ErrFork)
	}
	return l.now, err
}
