package localapi_test

import (
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/dhamani-iq/dhamani/agent"
	"github.com/dhamani-iq/dhamani/agent/localapi"
	"github.com/dhamani-iq/dhamani/agent/localapi/apitest"
	"github.com/dhamani-iq/dhamani/internal/redact"
)

func TestOperator(t *testing.T) {
	backend := apitest.New()
	backend.SetOperators("a good passphrase",
		agent.OperatorRef{ID: "amal", Name: "Dr Amal", Kind: "passphrase", Role: "physician", Expires: time.Now().Add(time.Hour)},
		agent.OperatorRef{ID: "new", Name: "New", Kind: "passphrase"})
	api := start(t, backend, localapi.Config{}).client
	got, err := api.Operator(t.Context())
	if err != nil || got.Operator != nil || len(got.Operators) != 2 {
		t.Fatalf("%+v, %v", got, err)
	}
	for _, c := range []struct {
		name, id, secret, code string
		status                 int
	}{
		{"nobody", "nobody", "a good passphrase", "operator_unknown", http.StatusUnauthorized},
		{"wrong passphrase", "amal", "a bad passphrase", "operator_secret", http.StatusUnauthorized},
		{"without a grant", "new", "a good passphrase", "operator_not_granted", http.StatusConflict},
		{"too often", "amal", "too often", "operator_wait", http.StatusTooManyRequests},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := api.SignIn(t.Context(), c.id, redact.NewString(c.secret))
			var refused *localapi.Error
			if !errors.As(err, &refused) || refused.Code != c.code || refused.Status != c.status {
				t.Fatalf("%v, want %s", err, c.code)
			}
		})
	}
	who, err := api.SignIn(t.Context(), "amal", redact.NewString("a good passphrase"))
	if err != nil || who.Role != "physician" {
		t.Fatalf("%+v, %v", who, err)
	}
	if got, err = api.Operator(t.Context()); err != nil || got.Operator == nil || got.Operator.ID != "amal" {
		t.Fatalf("%+v, %v", got, err)
	}
	if err := api.SignOut(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got, err = api.Operator(t.Context()); err != nil || got.Operator != nil {
		t.Fatalf("%+v, %v", got, err)
	}
}
