package localapi_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dhamani-iq/dhamani/agent"
	"github.com/dhamani-iq/dhamani/agent/localapi"
	"github.com/dhamani-iq/dhamani/agent/localapi/apitest"
	"github.com/dhamani-iq/dhamani/record"
)

const oneNote = `{"class":"ambulatory","notes":[{"text":"seen"}]}`

// post sends an entry to the socket's handler.
func post(tb testing.TB, h http.Handler, visit, name, body string) *httptest.ResponseRecorder {
	tb.Helper()
	r := httptest.NewRequestWithContext(tb.Context(), http.MethodPost, "/v1/visits/"+visit+"/entries", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	if name != "" {
		r.Header.Set("Idempotency-Key", name)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func oneVisit() (*apitest.Agent, http.Handler, string) {
	backend := apitest.New()
	patient := apitest.Patient(time.Now())
	backend.Tap(patient)
	return backend, localapi.New(localapi.Config{}, backend).SocketHandler(), patient.ID
}

func TestAppendOnceByName(t *testing.T) {
	backend, h, visit := oneVisit()
	first := post(t, h, visit, "a", oneNote)
	again := post(t, h, visit, "a", oneNote)
	if first.Code != http.StatusCreated || first.Body.String() != again.Body.String() || backend.Appends() != 1 {
		t.Errorf("same name: %d, %d writes, answers %s and %s", first.Code, backend.Appends(), first.Body, again.Body)
	}
	post(t, h, visit, "b", oneNote)
	post(t, h, visit, "", oneNote)
	post(t, h, visit, "", oneNote)
	if backend.Appends() != 4 {
		t.Errorf("%d writes after another name and two without, want 4", backend.Appends())
	}
	if w := post(t, h, visit, strings.Repeat("n", 65), oneNote); w.Code != http.StatusRequestEntityTooLarge {
		t.Errorf("long name: %d", w.Code)
	}
}

func TestAppendAtTheSameTimeByName(t *testing.T) {
	backend, h, visit := oneVisit()
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if w := post(t, h, visit, "same", oneNote); w.Code != http.StatusCreated {
				t.Errorf("status %d", w.Code)
			}
		})
	}
	all.Wait()
	if backend.Appends() != 1 {
		t.Errorf("%d writes, want 1", backend.Appends())
	}
}

func TestAppendAfterFailure(t *testing.T) {
	for _, c := range []struct {
		name            string
		refuse, partly  error
		status, appends int // appends counts the write and its repetition
	}{
		{"nothing written may be tried again", errors.New("broken"), nil, http.StatusInternalServerError, 2},
		{"an entry that is kept is not written again", nil, agent.ErrWriteUnknown, http.StatusAccepted, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			backend, h, visit := oneVisit()
			backend.Refuse(c.refuse, c.partly)
			if w := post(t, h, visit, "a", oneNote); w.Code != c.status {
				t.Errorf("status %d, want %d: %s", w.Code, c.status, w.Body)
			}
			backend.Refuse(nil, nil)
			if w := post(t, h, visit, "a", oneNote); w.Code >= 400 {
				t.Errorf("again: %d", w.Code)
			}
			if backend.Appends() != c.appends {
				t.Errorf("%d writes, want %d", backend.Appends(), c.appends)
			}
		})
	}
}

func TestNamedWritesAreBounded(t *testing.T) {
	backend, h, visit := oneVisit()
	for i := range 200 {
		post(t, h, visit, strings.Repeat("n", 1+i%64)+string(rune('a'+i/64)), oneNote)
	}
	before := backend.Appends()
	post(t, h, visit, "na", oneNote) // the first name, long forgotten
	if backend.Appends() != before+1 {
		t.Error("a forgotten name was still known")
	}
}

// FuzzEntry sends any body as an entry: the answer is never a failure of the
// server, and what is accepted is a valid entry that reads back as itself.
func FuzzEntry(f *testing.F) {
	for _, seed := range []string{
		oneNote, `{}`, `[]`, `null`, `{"class":"ambulatory","class":"home"}`, `{"start":"2026-02-28T08:15:00Z"}`,
		`{"class":"emergency","diagnoses":[{"code":{"system":"icd10","code":"E11"},"chronic":true}]}`,
		`{"class":"ambulatory","observations":[{"code":{"system":"loinc","code":"4548-4"},"category":"laboratory","value":{"quantity":{"value":7.0,"unit":"%"}}}]}`,
		`{"class":"ambulatory","prescriptions":[{"medicine":{"system":"text","code":"x"},"frequency":{"times":2,"period":1,"unit":"d"}}]}`,
		`{"class":"ambulatory","cost":{"total":1e3}}`, "{\"notes\":[{\"text\":\"\xff\"}]}", `{"amends":"00"}`, `{"a":`,
	} {
		f.Add([]byte(seed))
	}
	patient := apitest.Patient(time.Now())
	f.Fuzz(func(t *testing.T, body []byte) {
		backend := apitest.New()
		backend.Tap(patient)
		w := post(t, localapi.New(localapi.Config{}, backend).SocketHandler(), patient.ID, "", string(body))
		if w.Code >= 500 || !json.Valid(w.Body.Bytes()) {
			t.Fatalf("status %d, answer %q", w.Code, w.Body)
		}
		if w.Code != http.StatusCreated {
			return
		}
		kept := backend.Visits()[0].Entries[0].Entry
		if err := kept.Validate(); err != nil {
			t.Fatalf("accepted an invalid entry: %v", err)
		}
		text, err := json.Marshal(kept)
		if err != nil {
			t.Fatalf("accepted an entry that cannot be written: %v", err)
		}
		var again record.Entry
		if err := json.Unmarshal(text, &again); err != nil {
			t.Fatalf("accepted %s, which cannot be read again: %v", text, err)
		}
		if other, err := json.Marshal(&again); err != nil || string(other) != string(text) {
			t.Fatalf("entry %s reads back as %s, %v", text, other, err)
		}
	})
}

func BenchmarkVisit(b *testing.B) {
	_, h, visit := oneVisit()
	for b.Loop() {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequestWithContext(b.Context(), http.MethodGet, "/v1/visits/"+visit, nil))
		if w.Code != http.StatusOK {
			b.Fatal(w.Code)
		}
	}
}
