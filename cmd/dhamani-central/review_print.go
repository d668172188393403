package main

import (
	"encoding/hex"
	"fmt"
	"math"
	"strings"
	"time"
	"unicode"

	"github.com/dhamani-iq/dhamani/biometric/fmr"
	"github.com/dhamani-iq/dhamani/biometric/identify"
	"github.com/dhamani-iq/dhamani/record"
	"github.com/dhamani-iq/dhamani/sync/central/authority"
	"github.com/dhamani-iq/dhamani/sync/central/store"
)

// reviewStatus is a review; it names nobody.
type reviewStatus struct {
	Number    uint64           `json:"number"`
	Raised    time.Time        `json:"raised"`
	State     string           `json:"state"` // open or closed
	Patient   record.PatientID `json:"patient"`
	Other     record.PatientID `json:"other"` // who was there with the same fingers
	Score     float64          `json:"score"` // of all fingers, negative decimal logarithm of the false match rate
	Threshold float64          `json:"threshold"`
	People    uint64           `json:"people"` // among whom was looked
	Fingers   []fingerStatus   `json:"fingers"`
	Decision  string           `json:"decision,omitempty"`
	By        string           `json:"by,omitempty"`
	Closed    time.Time        `json:"closed,omitzero"`
}

type fingerStatus struct {
	Finger string  `json:"finger"`
	Score  float64 `json:"score"`
}

func newReviewStatus(v *store.Review) reviewStatus {
	hundredths := func(x float64) float64 { return math.Round(100*x) / 100 }
	s := reviewStatus{
		Number: v.Number, Raised: v.Raised, State: "open", Patient: v.Patient, Other: v.Other,
		Score: hundredths(v.Score), Threshold: hundredths(identify.Alarm(int(min(v.People, math.MaxInt32)))), // #nosec G115 -- bounded
		People: v.People, Fingers: []fingerStatus{}, Decision: v.Decision, By: v.By, Closed: v.Closed,
	}
	if !v.Closed.IsZero() {
		s.State = "closed"
	}
	for _, f := range v.Fingers {
		s.Fingers = append(s.Fingers, fingerStatus{fmr.Position(f.Finger).String(), float64(f.Score) / 100})
	}
	return s
}

// mostScore is the highest score of a finger that is told in words: fewer fingers
// than that were never compared.
const mostScore = 6

// oneOf puts the score of a number of fingers into words.
func oneOf(score float64, fingers int) string {
	if most := mostScore * float64(fingers); score > most {
		return fmt.Sprintf("at most 1 of %.3g", math.Pow(10, most))
	}
	return fmt.Sprintf("1 of %.3g", math.Pow(10, score))
}

// alike says how rarely two people are as much alike.
func (s *reviewStatus) alike() string {
	return oneOf(s.Score, max(len(s.Fingers), 1)) + " other people is as much alike"
}

func printReviews(p *printer, list []reviewStatus) {
	tw := p.table()
	for i := range list {
		s := &list[i]
		state := s.State
		if s.Decision != "" {
			state = fmt.Sprintf("%s by %s", s.Decision, plain(s.By))
		}
		tw.printf("%d\t%s\tpatients %s and %s\t%s\t%s\n", s.Number, s.Raised.UTC().Format(time.DateTime), s.Patient, s.Other, s.alike(), state)
	}
	tw.flush()
	p.printf("%d reviews\n", len(list))
}

// reviewShown is a review with what is known of its patients.
type reviewShown struct {
	reviewStatus
	Note     string            `json:"note,omitempty"`
	Patients []reviewedPatient `json:"patients"`
}

type reviewedPatient struct {
	Patient  record.PatientID `json:"patient"`
	Created  time.Time        `json:"created"`
	Cards    []cardStatus     `json:"cards"`
	Fingers  bool             `json:"fingers"` // are kept
	Identity *record.Identity `json:"identity,omitempty"`
}

func newReviewShown(v *authority.Reviewed) *reviewShown {
	s := &reviewShown{reviewStatus: newReviewStatus(&v.Review), Note: v.Text}
	for _, p := range v.Patients {
		one := reviewedPatient{Patient: p.ID, Created: p.Created, Cards: []cardStatus{}, Fingers: p.Fingers, Identity: p.Identity}
		for _, c := range p.Cards {
			one.Cards = append(one.Cards, cardStatus{hex.EncodeToString(c.ID[:]), c.Issued, !c.Blocked.IsZero()})
		}
		s.Patients = append(s.Patients, one)
	}
	return s
}

func (s *reviewShown) print(p *printer) {
	p.printf("review %d, raised %s, %s\n", s.Number, s.Raised.UTC().Format(time.DateTime), s.State)
	p.printf("%s; a review is raised at 1 of %.3g, with %d people\n", s.alike(), math.Pow(10, s.Threshold), s.People)
	tw := p.table()
	for _, f := range s.Fingers {
		tw.printf("  %s\t%s other fingers\n", f.Finger, oneOf(f.Score, 1))
	}
	tw.flush()
	for _, one := range s.Patients {
		p.printf("patient %s since %s, %s\n", one.Patient, one.Created.UTC().Format(time.DateOnly), cardNames(one.Cards))
		if id := one.Identity; id != nil {
			for _, name := range []*record.Name{id.Names.Arabic, id.Names.Sorani, id.Names.Latin} {
				if name != nil {
					p.printf("  %s\n", plain(name.String()))
				}
			}
			p.printf("  %v, born %v\n", id.Sex, id.Born)
		}
		if !one.Fingers {
			p.printf("  fingers are deleted\n")
		}
	}
	if s.Decision != "" {
		p.printf("%s, decided by %s on %s\n", s.Decision, plain(s.By), s.Closed.UTC().Format(time.DateTime))
	}
	if s.Note != "" {
		p.printf("note: %s\n", plain(s.Note))
	}
}

// plain keeps control characters from the terminal.
func plain(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return '?'
		}
		return r
	}, strings.ToValidUTF8(text, "?"))
}

// lookStatus is a line of who looked.
type lookStatus struct {
	Number uint64    `json:"number"`
	At     time.Time `json:"at"`
	Who    string    `json:"who"`
	What   string    `json:"what"`
	Review uint64    `json:"review,omitempty"` // absent for the list
}

func printLooks(p *printer, list []lookStatus) {
	tw := p.table()
	for _, v := range list {
		what := v.What
		if v.Review > 0 {
			what = fmt.Sprintf("%s, review %d", v.What, v.Review)
		}
		tw.printf("%d\t%s\t%s\t%s\n", v.Number, v.At.UTC().Format(time.DateTime), plain(v.Who), what)
	}
	tw.flush()
	p.printf("%d lines\n", len(list))
}
