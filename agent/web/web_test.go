package web_test

import (
	"encoding/json"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/dhamani-iq/dhamani/agent"
	"github.com/dhamani-iq/dhamani/agent/web"
	"github.com/dhamani-iq/dhamani/record"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func get(t *testing.T, path string, header http.Header) *httptest.ResponseRecorder {
	t.Helper()
	h, err := web.Handler()
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil)
	r.Header = header
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestPageLanguage(t *testing.T) {
	for _, c := range []struct{ cookie, tag, dir, word string }{
		{"", "ar", "rtl", "ضع البطاقة"},
		{"dhamani_language=ar", "ar", "rtl", "السجل"},
		{"dhamani_language=ckb", "ckb", "rtl", "مێژوو"},
		{"dhamani_language=en", "en", "ltr", "History"},
		{"dhamani_language=xx", "ar", "rtl", "السجل"},
		{`dhamani_language="><script>`, "ar", "rtl", "السجل"},
	} {
		t.Run(c.cookie, func(t *testing.T) {
			w := get(t, "/", http.Header{"Cookie": {c.cookie}})
			body := w.Body.String()
			if !strings.Contains(body, `<html lang="`+c.tag+`" dir="`+c.dir+`">`) {
				t.Errorf("page begins %q", body[:80])
			}
			if c.cookie != "" && !strings.Contains(body, c.word) {
				t.Errorf("page without %q", c.word)
			}
			if got := w.Header().Get("Vary"); got != "Cookie" {
				t.Errorf("Vary %q", got)
			}
		})
	}
}

func TestAssets(t *testing.T) {
	for path, kind := range map[string]string{
		"/": "text/html; charset=utf-8", "/assets/app.js": "text/javascript; charset=utf-8",
		"/assets/app.css": "text/css; charset=utf-8", "/assets/words.json": "application/json",
		"/assets/picks.json": "application/json", "/assets/icon.svg": "image/svg+xml",
		"/assets/fonts/vazirmatn-arabic.woff2": "font/woff2", "/assets/fonts/OFL.txt": "text/plain; charset=utf-8",
	} {
		t.Run(path, func(t *testing.T) {
			w := get(t, path, nil)
			if w.Code != http.StatusOK || w.Header().Get("Content-Type") != kind || w.Body.Len() == 0 {
				t.Fatalf("status %d, type %q, %d bytes", w.Code, w.Header().Get("Content-Type"), w.Body.Len())
			}
			again := get(t, path, http.Header{"If-None-Match": {w.Header().Get("ETag")}})
			if again.Code != http.StatusNotModified || again.Body.Len() != 0 {
				t.Errorf("asked again: status %d, %d bytes", again.Code, again.Body.Len())
			}
		})
	}
	for _, path := range []string{"/assets/", "/assets/none.js", "/assets/../page.html", "/page.html", "/index.html", "/assets/fonts"} {
		if w := get(t, path, nil); w.Code == http.StatusOK {
			t.Errorf("%s: status %d", path, w.Code)
		}
	}
}

// TestPolicyHolds looks for what the Content-Security-Policy refuses in the
// page, and for ways from data to markup in the scripts.
func TestPolicyHolds(t *testing.T) {
	page := get(t, "/", nil).Body.String()
	for _, bad := range []string{`style="`, "<style", " onclick", " onload", "javascript:", "http://www.", "https://"} {
		if strings.Contains(page, bad) {
			t.Errorf("the page holds %q", bad)
		}
	}
	if n := strings.Count(page, "<script"); n != 1 || !strings.Contains(page, `<script type="module" src="/assets/app.js"></script>`) {
		t.Errorf("the page has %d scripts", n)
	}
	danger := regexp.MustCompile(`innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|createContextualFragment|\beval\b|new Function|setTimeout\("|https?://|\.style\b`)
	for name, body := range sources(t, ".js") {
		if found := danger.FindString(body); found != "" {
			t.Errorf("%s uses %s", name, found)
		}
	}
}

func sources(t *testing.T, suffix string) map[string]string {
	t.Helper()
	all := make(map[string]string)
	err := fs.WalkDir(os.DirFS("assets"), ".", func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, suffix) {
			return err
		}
		body, err := os.ReadFile("assets/" + path)
		all[path] = string(body)
		return err
	})
	if err != nil || len(all) == 0 {
		t.Fatalf("%d sources, %v", len(all), err)
	}
	return all
}

func words(t *testing.T) map[string]map[string]string {
	t.Helper()
	var table map[string]map[string]string
	if err := json.Unmarshal(get(t, "/assets/words.json", nil).Body.Bytes(), &table); err != nil {
		t.Fatal(err)
	}
	return table
}

func TestWordsInEveryLanguage(t *testing.T) {
	slot := regexp.MustCompile(`\{\w+\}`)
	for key, texts := range words(t) {
		want := slot.FindAllString(texts["en"], -1)
		slices.Sort(want)
		for _, language := range []string{"ar", "ckb", "en"} {
			got := slot.FindAllString(texts[language], -1)
			slices.Sort(got)
			if texts[language] == "" || !slices.Equal(got, want) {
				t.Errorf("%s in %s is %q, the slots must be %v", key, language, texts[language], want)
			}
		}
		if len(texts) != 3 {
			t.Errorf("%s: %d languages", key, len(texts))
		}
	}
}

// TestWordsAreUsedAndThere compares the keys that the scripts and the page ask
// for with the table.
func TestWordsAreUsedAndThere(t *testing.T) {
	table := words(t)
	asked := regexp.MustCompile(`\bt\("([^"]+)"|[?:] "([a-z]+\.[a-z.]+)"|part\("(\w+)"`)
	page, err := os.ReadFile("page.html")
	if err != nil {
		t.Fatal(err)
	}
	used := make(map[string]bool)
	for _, m := range regexp.MustCompile(`\{\{t "([^"]+)"\}\}`).FindAllStringSubmatch(string(page), -1) {
		used[m[1]] = true
	}
	for _, body := range sources(t, ".js") {
		for _, m := range asked.FindAllStringSubmatch(body, -1) {
			used[m[1]+m[2]+m[3]] = true
		}
	}
	for key := range used {
		if table[key] == nil {
			t.Errorf("no words for %q", key)
		}
	}
	lists := regexp.MustCompile(`^(sex|relation|counter|alert|check|severity|period|route|unit|class|where|section|role|status|interpretation|action|urgency|alertkind|override|finger|reason|service|prove\.by|attest\.by|why)\.`)
	for key := range table {
		if !used[key] && !lists.MatchString(key) {
			t.Errorf("nothing asks for the words of %q", key)
		}
	}
}

// names lists the names of a choice.
func names[E interface {
	~uint8
	Valid() bool
	String() string
}](skip ...string,
) []string {
	var all []string
	for v := E(0); v.Valid(); v++ {
		if n := v.String(); n != "" && !slices.Contains(skip, n) {
			all = append(all, n)
		}
	}
	return all
}

// TestChoicesHaveWords holds the table and the lists of package record
// together. What is usual ("active", "final") is never shown.
func TestChoicesHaveWords(t *testing.T) {
	table := words(t)
	ways, reasons := agent.Attestations()
	for list, values := range map[string][]string{
		"class": names[record.Class](), "service": names[record.Service](), "sex": names[record.Sex](), "relation": names[record.Relation](),
		"severity": names[record.Severity](), "route": names[record.Route](), "period": names[record.PeriodUnit](),
		"status": slices.Concat(
			names[record.ConditionStatus]("active"), names[record.Certainty]("confirmed"), names[record.MedicationStatus]("active"),
			names[record.ObservationStatus]("final"), names[record.ProcedureStatus](), names[record.ImmunisationStatus](),
			names[record.PlanStatus]("active"), names[record.ReferralStatus]("active"),
		),
		"urgency": names[record.Urgency]("routine"), "alertkind": names[record.AlertKind](), "override": names[record.OverrideReason](),
		"section":   {"coverage", "summary", "medication", "laboratory", "clinical", "sensitive"},
		"role":      {"receptionist", "nurse", "physician", "pharmacist", "laboratory", "emergency", "issuer"},
		"attest.by": ways, "why": reasons,
		"where": {"card", "cache", "outbox", "centre", "card_unknown", "card_owed"},
	} {
		for _, v := range values {
			if table[list+"."+v] == nil {
				t.Errorf("no words for %s.%s", list, v)
			}
		}
	}
}

func TestPicks(t *testing.T) {
	var picks []struct {
		System, Code, Unit string
		Displays           map[string]string
	}
	if err := json.Unmarshal(get(t, "/assets/picks.json", nil).Body.Bytes(), &picks); err != nil {
		t.Fatal(err)
	}
	seen := make(map[string]bool)
	for _, p := range picks {
		if seen[p.System+p.Code] {
			t.Errorf("%s %s stands twice", p.System, p.Code)
		}
		seen[p.System+p.Code] = true
		for _, language := range []string{"ar", "ckb", "en"} {
			if p.Displays[language] == "" {
				t.Errorf("%s %s without words in %s", p.System, p.Code, language)
			}
		}
		if _, ok := record.UnitScale(p.Unit); !ok {
			t.Errorf("%s %s: unit %q is not in the record's table", p.System, p.Code, p.Unit)
		}
	}
	if len(picks) == 0 {
		t.Error("no suggestions at all")
	}
}
