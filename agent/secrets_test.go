package agent

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/dhamani-iq/dhamani/card"
	"github.com/dhamani-iq/dhamani/crypto/cvc"
	"github.com/dhamani-iq/dhamani/record"
	"github.com/dhamani-iq/dhamani/record/terms"
)

// syncBuffer is a log that several goroutines write.
type syncBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *syncBuffer) Bytes() []byte {
	b.mu.Lock()
	defer b.mu.Unlock()
	return bytes.Clone(b.buf.Bytes())
}

// TestNoSecretReachesLogOrCache runs both paths, their failures included, at
// debug level, with everything that errors say, and searches the log and the
// cache file for every secret that took part, in every usual form.
func TestNoSecretReachesLogOrCache(t *testing.T) {
	n := newNation(t)
	log := &syncBuffer{}
	path := filepath.Join(t.TempDir(), "cache.db")
	at := never()
	p := n.issueWith(5, func(p *patient) []byte { // and one entry that is set aside
		raw := n.seal(p, visit(9).Start, must[map[record.Section][]byte](t)(visit(9).Sections()))
		raw[len(raw)-1] ^= 1
		return raw
	})
	draft := visit(50)
	draft.Notes = []record.Note{{Text: "tells of a hidden sorrow"}}
	draft.Diagnoses = append(draft.Diagnoses, record.Diagnosis{Code: record.Code{System: terms.ICD10, Value: "B20"}})
	t.Run("both paths", func(t *testing.T) {
		m := *n
		m.tb = t
		d := m.desk(deskOptions{
			path: path, log: slog.New(slog.NewJSONHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug})),
			wrap: func(tr card.Transport) card.Transport { return &cutter{Transport: tr, at: at} },
		})
		v, failure := d.tap(t, p)
		if failure != nil || len(v.Problems) != 1 {
			t.Fatalf("%v, problems %v", failure, v.Problems)
		}
		if _, err := d.agent.Append(t.Context(), v.ID, draft); err != nil {
			t.Fatal(err)
		}
		bad := *draft
		bad.Prescriptions = []record.Prescription{{Directions: "whisper it"}}
		if _, err := d.agent.Append(t.Context(), v.ID, &bad); err == nil {
			t.Fatal("a prescription without a medicine was taken")
		}
		*at = 0
		if _, err := d.agent.Append(t.Context(), v.ID, draft); err == nil {
			t.Fatal("the card was not cut off")
		}
		d.take(t)
		pharmacist := m.desk(deskOptions{role: cvc.RolePharmacist, log: slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
		v, _ = pharmacist.tap(t, p)
		if _, err := pharmacist.agent.Append(t.Context(), v.ID, draft); err == nil {
			t.Fatal("a pharmacist wrote a diagnosis")
		}
		pharmacist.take(t)
	})
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	places := map[string][]byte{"log": log.Bytes(), "cache file": file}
	if len(places["log"]) < 1000 || len(places["cache file"]) < 1000 {
		t.Fatal("nothing was written: the test would find nothing")
	}
	for name, secret := range secretsOf(t, n, p, draft) {
		for form, text := range forms(secret) {
			for place, content := range places {
				if bytes.Contains(content, text) {
					t.Errorf("%s (%s) stands in the %s", name, form, place)
				}
			}
		}
	}
	if bytes.Contains(places["cache file"], p.subject.Patient[:]) {
		t.Error("the patient's number stands in the cache file")
	}
}

// secretsOf lists what may stand nowhere in the clear.
func secretsOf(t *testing.T, n *nation, p *patient, draft *record.Entry) map[string][]byte {
	t.Helper()
	out := map[string][]byte{
		"name": []byte("Synthetic"), "family name": []byte("Person"), "note": []byte(draft.Notes[0].Text),
		"diagnosis": []byte("B20"), "medicine": []byte("N02BE01"), "directions": []byte("whisper it"),
		"author's key": must[[]byte](t)(n.author.Bytes()),
	}
	for s, key := range p.keys.Map() {
		out["section key "+s.String()] = key
	}
	for s, text := range must[map[record.Section][]byte](t)(draft.Sections()) {
		out["content of section "+s.String()] = text
	}
	return out
}

func forms(secret []byte) map[string][]byte {
	return map[string][]byte{
		"as it is": secret,
		"hex":      []byte(hex.EncodeToString(secret)),
		"base64":   []byte(base64.StdEncoding.EncodeToString(secret)),
	}
}
