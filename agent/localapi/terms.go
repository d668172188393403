package localapi

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"github.com/dhamani-iq/dhamani/record"
	"github.com/dhamani-iq/dhamani/record/terms"
)

// FoundTerms is what a search of the terminology table has found.
type FoundTerms struct {
	Edition uint32      `json:"edition"` // that was searched
	Terms   []FoundTerm `json:"terms"`   // the best first
}

// FoundTerm is a code with its words. Words are in the language asked for,
// Displays in all.
type FoundTerm struct {
	System    string            `json:"system"`
	Code      string            `json:"code"`
	Slot      string            `json:"slot"`
	Words     string            `json:"words"`
	Displays  map[string]string `json:"displays"`
	Unit      string            `json:"unit,omitempty"` // UCUM, of a measurement
	Category  string            `json:"category,omitempty"`
	Chronic   bool              `json:"chronic,omitempty"`
	Sensitive bool              `json:"sensitive,omitempty"`
}

// MaxTerms is how many terms a search gives at most.
const MaxTerms = 50

const termsUsual = 10

// terms is GET /v1/terms?q=&slot=&system=&lang=&limit=: it tells of the table,
// and so of no patient.
func (s *Server) terms(w http.ResponseWriter, r *http.Request) {
	q, lang, ok := termsQuery(r.URL.Query())
	if !ok {
		writeRefusal(w, refuseJSON)
		return
	}
	writeJSON(w, http.StatusOK, FindTerms(terms.Current(), q, lang))
}

// FindTerms searches a table, as GET /v1/terms does that of the agent.
func FindTerms(table *terms.Table, q terms.Query, lang string) FoundTerms {
	found := FoundTerms{Edition: table.Edition, Terms: []FoundTerm{}}
	for _, h := range table.Query(q) {
		category := h.Category
		if h.Slot == terms.Observations && category == "" {
			category = record.CategoryLaboratory.String()
		}
		t := FoundTerm{
			System: h.Code.System.String(), Code: h.Code.Value, Slot: h.Slot.String(), Words: h.Words(lang),
			Displays: make(map[string]string), Unit: h.Unit, Category: category, Chronic: h.Chronic, Sensitive: terms.Sensitive(h.Code),
		}
		for _, tag := range terms.Languages() {
			t.Displays[tag] = h.Words(tag)
		}
		found.Terms = append(found.Terms, t)
	}
	return found
}

// termsQuery reads the parameters of a search. Slots and systems may be named
// several times.
func termsQuery(in url.Values) (q terms.Query, lang string, ok bool) {
	for name := range in {
		if !slices.Contains([]string{"q", "slot", "system", "lang", "limit"}, name) {
			return q, "", false
		}
	}
	q.Text, q.Limit, lang = in.Get("q"), termsUsual, "en"
	if len(q.Text) > terms.MaxQuery {
		return q, "", false
	}
	for _, name := range in["slot"] {
		slot, known := terms.SlotByName(name)
		if !known {
			return q, "", false
		}
		q.Slots = append(q.Slots, slot)
	}
	for _, name := range in["system"] {
		system, known := terms.SystemByName(name)
		if !known {
			return q, "", false
		}
		q.Systems = append(q.Systems, system)
	}
	if in.Has("lang") {
		lang = in.Get("lang")
	}
	if in.Has("limit") {
		n, err := strconv.Atoi(in.Get("limit"))
		if err != nil || n < 1 || n > MaxTerms {
			return q, "", false
		}
		q.Limit = n
	}
	return q, lang, slices.Contains(terms.Languages(), lang)
}

// Terms searches the table that the agent has in use, at most 50 of what is
// found. No slots are all slots.
func (c *Client) Terms(ctx context.Context, query, lang string, limit int, slots ...terms.Slot) (FoundTerms, error) {
	q := url.Values{"q": {query}, "lang": {lang}, "limit": {strconv.Itoa(limit)}}
	for _, s := range slots {
		q.Add("slot", s.String())
	}
	return call[FoundTerms](ctx, c, http.MethodGet, "/v1/terms?"+q.Encode(), nil)
}
