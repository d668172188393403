package entitle

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"
)

// Bounds of a schedule.
const (
	MaxSchedule = 256 << 10 // bytes
	maxPeriods  = 64
	maxWords    = 600 // bytes of a reason in one language
)

// Schedule is an edition of the rules: which counted, count and will count from
// which day on, and the words of the reasons where they differ from the
// program's. It does not change, and it is safe for concurrent use.
type Schedule struct {
	periods []Period
	words   wordTable // of all reasons
	changed wordTable // those that the edition brings
}

// Period is a time in which the same rules count.
type Period struct {
	From  string `json:"from,omitempty"` // first day, as 2027-01-01; empty: the first of all
	Rules *Rules `json:"rules"`
}

// wordTable holds the words of reasons by language.
type wordTable map[Code]map[string]string

// scheduleText is the form in which an edition travels.
type scheduleText struct {
	Periods []Period  `json:"periods"`
	Words   wordTable `json:"words,omitempty"`
}

// Builtin returns the first edition, which every program has.
var Builtin = sync.OnceValue(func() *Schedule { return Only(Default()) })

// Only returns a schedule of rules that always count.
func Only(r *Rules) *Schedule { return &Schedule{periods: []Period{{Rules: r}}, words: words()} }

// Edition returns the number of the edition: the version of its last rules.
func (s *Schedule) Edition() uint32 { return s.last().Version }

func (s *Schedule) last() *Rules { return s.periods[len(s.periods)-1].Rules }

// Periods returns the periods in their order.
func (s *Schedule) Periods() []Period { return slices.Clone(s.periods) }

// At returns the rules that count at a time. They must not be changed.
func (s *Schedule) At(t time.Time) *Rules {
	for i := len(s.periods) - 1; i > 0; i-- {
		if begin, err := s.periods[i].begin(); err == nil && !t.Before(begin) {
			return s.periods[i].Rules
		}
	}
	return s.periods[0].Rules
}

// begin is the first moment of a period's first day.
func (p Period) begin() (time.Time, error) {
	day, err := time.Parse(time.DateOnly, p.From)
	if err != nil || day.Year() < 2000 || day.Year() > 2199 {
		return time.Time{}, fmt.Errorf("%.20q is no day: %w", p.From, ErrRules)
	}
	return day.Add(-time.Duration(p.Rules.Offset) * time.Minute), nil
}

// ParseSchedule reads an edition. It owes ErrRules.
func ParseSchedule(text string) (*Schedule, error) {
	if len(text) > MaxSchedule || !utf8.ValidString(text) {
		return nil, fmt.Errorf("schedule of %d bytes: %w", len(text), ErrRules)
	}
	var w scheduleText
	if err := decodeStrict([]byte(text), &w); err != nil {
		return nil, err
	}
	return w.schedule()
}

// ParseWords reads words of reasons: one JSON object of codes, each with texts
// by language. It owes ErrRules.
func ParseWords(raw []byte) (map[Code]map[string]string, error) {
	if len(raw) > MaxSchedule {
		return nil, fmt.Errorf("words of %d bytes: %w", len(raw), ErrRules)
	}
	var w wordTable
	if err := decodeStrict(raw, &w); err != nil {
		return nil, err
	}
	return w, w.check()
}

// Next returns the text of the edition that follows s: from a day on, r counts
// in the place of what s has planned from then on. Words take the place of those
// that s has. The number of the edition is r's version, one above s's. It owes
// ErrRules.
func (s *Schedule) Next(r *Rules, from string, words map[Code]map[string]string) (string, error) {
	p := Period{From: from, Rules: r}
	begin, err := p.begin()
	if err != nil {
		return "", err
	}
	if r.Version != s.Edition()+1 {
		return "", fmt.Errorf("rules of version %d, the next is %d: %w", r.Version, s.Edition()+1, ErrRules)
	}
	w := scheduleText{Periods: s.Periods(), Words: maps.Clone(s.changed)}
	w.Periods = slices.DeleteFunc(w.Periods, func(old Period) bool {
		at, err := old.begin()
		return err == nil && !at.Before(begin)
	})
	if w.Periods = append(w.Periods, p); len(w.Periods) > maxPeriods {
		w.Periods = slices.Delete(w.Periods, 0, len(w.Periods)-maxPeriods)
		w.Periods[0].From = "" // what is older is judged by the oldest that is known
	}
	if w.Words == nil {
		w.Words = make(wordTable, len(words))
	}
	maps.Copy(w.Words, words)
	if _, err := w.schedule(); err != nil {
		return "", err
	}
	text, err := json.MarshalIndent(w, "", " ")
	if err != nil {
		return "", fmt.Errorf("write schedule: %w", err)
	}
	if len(text) >= MaxSchedule {
		return "", fmt.Errorf("schedule of %d bytes: %w", len(text), ErrRules)
	}
	return string(text) + "\n", nil
}

func (w *scheduleText) schedule() (*Schedule, error) {
	if len(w.Periods) == 0 || len(w.Periods) > maxPeriods || w.Periods[0].From != "" {
		return nil, fmt.Errorf("%d periods, or the first has a day: %w", len(w.Periods), ErrRules)
	}
	var last time.Time
	for i, p := range w.Periods {
		if p.Rules == nil {
			return nil, fmt.Errorf("period %d without rules: %w", i+1, ErrRules)
		}
		if err := p.Rules.check(); err != nil {
			return nil, fmt.Errorf("period %d: %s: %w", i+1, err.Error(), ErrRules)
		}
		if i == 0 {
			continue
		}
		begin, err := p.begin()
		if err != nil {
			return nil, err
		}
		if !begin.After(last) || p.Rules.Version <= w.Periods[i-1].Rules.Version {
			return nil, fmt.Errorf("period %d does not follow: %w", i+1, ErrRules)
		}
		if !p.Rules.sameYear(w.Periods[i-1].Rules) && !p.Rules.YearStart(p.Rules.Year(begin)).Equal(begin) {
			return nil, fmt.Errorf("period %d has another year, and does not begin with it: %w", i+1, ErrRules)
		}
		last = begin
	}
	if err := w.Words.check(); err != nil {
		return nil, err
	}
	s := &Schedule{periods: w.Periods, words: words(), changed: w.Words}
	if len(w.Words) > 0 {
		s.words = maps.Clone(s.words)
		maps.Copy(s.words, w.Words)
	}
	return s, nil
}

// sameYear reports whether two rules cut time into the same years.
func (r *Rules) sameYear(o *Rules) bool {
	return r.YearMonth == o.YearMonth && r.YearDay == o.YearDay && r.Offset == o.Offset
}

// check wants known codes, in the languages that the program has, with the
// marks that the program fills.
func (w wordTable) check() error {
	for code, own := range w {
		known, ok := words()[code]
		if !ok || len(own) != len(known) {
			return fmt.Errorf("words of %.20q: %w", code, ErrRules)
		}
		for lang, text := range known {
			says := own[lang]
			if says == "" || len(says) > maxWords || says != strings.TrimSpace(says) {
				return fmt.Errorf("words of %s in %s: %w", code, lang, ErrRules)
			}
			for _, mark := range []string{markNumber, markDay} {
				if strings.Contains(text, mark) != strings.Contains(says, mark) {
					return fmt.Errorf("words of %s in %s, %s: %w", code, lang, mark, ErrRules)
				}
			}
		}
	}
	return nil
}

// decodeStrict reads one JSON value without unknown names and with nothing
// behind it. It owes ErrRules.
func decodeStrict(raw []byte, to any) error {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(to); err != nil {
		return fmt.Errorf("%w: %w", ErrRules, err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return fmt.Errorf("more after the end: %w", ErrRules)
	}
	return nil
}
