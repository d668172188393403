package agent

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/dhamani-iq/dhamani/card"
	"github.com/dhamani-iq/dhamani/card/apdu"
	"github.com/dhamani-iq/dhamani/crypto/operator"
	"github.com/dhamani-iq/dhamani/sync/client"
)

func TestClassify(t *testing.T) {
	tests := []struct {
		name string
		err  error
		want string
	}{
		{"unknown error", errors.New("something"), "internal"},
		{"wrapped sentinel", fmt.Errorf("entries: %w", card.ErrChain), "card_log_altered"},
		{"status word alone", &card.StatusError{Cmd: 0xCA, SW: 0x6F00}, "card_refused"},
		{"status word with a meaning", &card.StatusError{Cmd: 0xE2, SW: apdu.SWNoSpace}, "card_full"},
		{"certificate refused", &card.AuthError{Step: card.StepCertificate, SW: apdu.SWSecurityStatus}, "terminal_refused"},
		{"chip refuses the agreement", &card.AuthError{Step: card.StepChip, SW: apdu.SWWrongData}, "card_not_genuine"},
		{"clone", fmt.Errorf("authenticate: %w: %w", errChipUnproven, card.ErrSecureMessaging), "card_not_genuine"},
		{"swap in mid-session", fmt.Errorf("summary: %w", card.ErrSecureMessaging), "card_changed"},
		{"unknown write wins over its cause", fmt.Errorf("%w: %w", ErrWriteUnknown, card.ErrRemoved), "card_write_unknown"},
		{"too many passphrases", fmt.Errorf("operator: %w", &operator.WaitError{Wait: time.Minute}), "operator_wait"},
		{"order that the centre does not take", releaseError(&client.ServerError{Status: 403, Code: "forbidden"}), "cardless_refused"},
		{"orders too often", releaseError(&client.ServerError{Status: 429, Code: "rate_limited"}), "cardless_limit"},
		{"order for nobody", releaseError(&client.ServerError{Status: 404, Code: "unknown_patient"}), "cardless_unknown"},
		{"order at another time", releaseError(&client.ServerError{Status: 503, Code: "unavailable"}), "centre_refused"},
		{"order without a centre", releaseError(client.ErrOffline), "centre_offline"},
		{"refusal of the centre", &client.ServerError{Status: 403, Code: "forbidden"}, "centre_refused"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := Classify(tt.err).Code; got != tt.want {
				t.Fatalf("code %q, want %q", got, tt.want)
			}
		})
	}
}

// TestWordings holds the table whole: every code that an error can become has
// words in three languages, and no words stand there for nothing.
func TestWordings(t *testing.T) {
	used := map[string]bool{"internal": true, "terminal_refused": true, "card_not_genuine": true, "card_changed": true, "card_refused": true, "centre_refused": true, "operator_wait": true}
	for _, c := range classes {
		used[c.code] = true
	}
	seen := make(map[string]bool)
	for _, w := range wordings {
		if seen[w.code] {
			t.Errorf("code %s stands twice", w.code)
		}
		seen[w.code] = true
		if !used[w.code] {
			t.Errorf("no error becomes code %s", w.code)
		}
		if w.action == "" || w.ar == "" || w.ckb == "" || w.en == "" {
			t.Errorf("code %s lacks an action or words", w.code)
		}
	}
	for code := range used {
		if !seen[code] {
			t.Errorf("code %s has no words", code)
		}
	}
}

func TestCentreFailure(t *testing.T) {
	for last, want := range map[string]string{
		client.CodeOffline: "centre_offline", client.CodeTimeout: "centre_offline", client.CodeCertificate: "centre_offline",
		client.CodeProtocol: "centre_garbled", client.CodeStorage: "internal", "forbidden": "centre_refused",
	} {
		if f := centreFailure(client.Status{LastError: last}); f == nil || f.Code != want {
			t.Errorf("last error %q becomes %+v, want %s", last, f, want)
		}
	}
	for _, s := range []client.Status{{Refused: "alerts"}, {Refused: "alerts", LastError: client.CodeProtocol}} {
		if f := centreFailure(s); f == nil || f.Code != "list_refused" {
			t.Errorf("a refused list becomes %+v", f)
		}
	}
	if f := centreFailure(client.Status{Refused: "alerts", LastError: client.CodeOffline}); f == nil || f.Code != "centre_offline" {
		t.Errorf("a centre out of reach becomes %+v", f)
	}
	if f := centreFailure(client.Status{Online: true}); f != nil {
		t.Errorf("no error becomes %+v", f)
	}
}
