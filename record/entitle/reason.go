package entitle

import (
	_ "embed"
	"encoding/json"
	"strconv"
	"strings"
	"sync"

	"github.com/dhamani-iq/dhamani/record"
)

// Code names a reason; codes are stable.
type Code string

// The codes. What each says in three languages is in words.json.
const (
	CodeCovered        Code = "covered"
	CodeVisitsLeft     Code = "visits-left" // N: how many, with the one that is asked for
	CodeVisitsUsed     Code = "visits-used" // N: how many there were
	CodeToday          Code = "counted-today"
	CodeOperationsUsed Code = "operations-used"
	CodeDentalUsed     Code = "dental-used"
	CodeDentalPart     Code = "dental-part" // N: dinars that are left
	CodeApproval       Code = "approval-always"
	CodeEmergency      Code = "emergency"
	CodeEmergencyCare  Code = "emergency-care" // not covered, and given all the same
	CodeExempt         Code = "exempt-class"
	CodeNewborn        Code = "newborn"

	CodeBlocked   Code = "card-blocked"
	CodeNoCover   Code = "no-cover"
	CodeInactive  Code = "cover-inactive"
	CodeNotBegun  Code = "cover-not-begun" // On: when it begins
	CodeEnded     Code = "cover-ended"     // On: its last day
	CodeNotOnCard Code = "not-on-card"
	CodeLeftOut   Code = "left-out"
	CodeDied      Code = "died"

	// Why an answer is provisional.
	CodeNoCounters   Code = "no-counters"
	CodeOldCounters  Code = "old-counters" // N: days
	CodeCut          Code = "counters-cut"
	CodeLocked       Code = "entries-locked"
	CodeAgeUnknown   Code = "age-unknown"
	CodePlaceUnknown Code = "place-unknown"
	CodeForeign      Code = "foreign-money"
)

// Reason is a part of why the answer is what it is, in words in Arabic ("ar"),
// Sorani ("ckb") and English ("en").
type Reason struct {
	Code Code              `json:"code"`
	N    *int64            `json:"n,omitempty"`
	On   record.Moment     `json:"on,omitzero"`
	Text map[string]string `json:"text"`
}

//go:embed words.json
var wordsRaw []byte

var words = sync.OnceValue(func() wordTable {
	table := make(wordTable)
	if err := json.Unmarshal(wordsRaw, &table); err != nil {
		panic("entitle: internal error: embedded words: " + err.Error())
	}
	return table
})

// The marks in words that a value takes the place of.
const (
	markNumber = "{n}"
	markDay    = "{on}"
)

// fill puts a value into the words of a code.
func (w wordTable) fill(code Code, mark, value string) map[string]string {
	out := make(map[string]string, 3)
	for lang, text := range w[code] {
		out[lang] = strings.ReplaceAll(text, mark, value)
	}
	return out
}

func (a *asking) say(code Code) {
	a.Reasons = append(a.Reasons, Reason{Code: code, Text: a.words[code]})
}

func (a *asking) sayN(code Code, n int64) {
	a.Reasons = append(a.Reasons, Reason{Code: code, N: &n, Text: a.words.fill(code, markNumber, strconv.FormatInt(n, 10))})
}

func (a *asking) sayOn(code Code, on record.Moment) {
	a.Reasons = append(a.Reasons, Reason{Code: code, On: on, Text: a.words.fill(code, markDay, on.String())})
}

// doubt says why the answer is provisional.
func (a *asking) doubt(code Code) {
	a.Final = false
	a.say(code)
}

func (a *asking) doubtN(code Code, n int64) {
	a.Final = false
	a.sayN(code, n)
}
