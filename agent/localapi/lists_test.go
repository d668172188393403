package localapi_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/dhamani-iq/dhamani/agent/localapi"
	"github.com/dhamani-iq/dhamani/agent/localapi/apitest"
)

// TestLists asks for signed lists over the unix socket.
func TestLists(t *testing.T) {
	door := localapi.New(localapi.Config{}, apitest.New()).SocketHandler()
	for name, want := range map[string]struct {
		status int
		body   string
	}{
		"alerts": {http.StatusOK, `{"raw":"YWxlcnRz"}`}, "trust": {http.StatusOK, `{"raw":"dHJ1c3Q="}`}, "cover": {http.StatusOK, `{}`},
		"trust.tag": {http.StatusNotFound, ""}, "block": {http.StatusNotFound, ""},
	} {
		w := httptest.NewRecorder()
		door.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/v1/lists/"+name, nil))
		if w.Code != want.status || want.body != "" && strings.TrimSpace(w.Body.String()) != want.body {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
	}
}
