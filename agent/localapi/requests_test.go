package localapi_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dhamani-iq/dhamani/agent/localapi"
	"github.com/dhamani-iq/dhamani/agent/localapi/apitest"
)

// TestRequests plays testdata/requests.txt against a running server.
func TestRequests(t *testing.T) {
	backend := apitest.New()
	patient := apitest.Patient(time.Now())
	backend.Tap(patient)
	for _, b := range readBlocks(t) {
		t.Run(b.name, func(t *testing.T) {
			s := start(t, backend, localapi.Config{}) // fresh: no block uses up another's tries
			cookie, token := s.session(t)
			_, port, _ := strings.Cut(s.host(), ":")
			fill := strings.NewReplacer(
				"$HOST", s.host(), "$PORT", port, "$COOKIE", cookie, "$TOKEN", token, "$VISIT", patient.ID,
				"$CODE", s.code(t), "$LONG", `{"code":"`+strings.Repeat("x", 2000)+`"}`,
				"$HUGE", `{"notes":[{"text":"`+strings.Repeat("x", 70000)+`"}]}`,
			)
			status, header, body := b.send(t, s.host(), fill)
			var refused struct {
				Error struct {
					Code string            `json:"code"`
					Text map[string]string `json:"text"`
				} `json:"error"`
			}
			if status >= 400 {
				if err := json.Unmarshal(body, &refused); err != nil {
					t.Errorf("answer %q: %v", body, err)
				}
				for _, language := range []string{"ar", "ckb", "en"} {
					if refused.Error.Text[language] == "" {
						t.Errorf("no words in %s", language)
					}
				}
			}
			if got := strings.TrimSpace(fmt.Sprint(status, " ", refused.Error.Code)); got != b.want {
				t.Errorf("got %s, want %s; answer %s", got, b.want, body)
			}
			for name, want := range b.headers {
				if got := header.Get(name); got != want {
					t.Errorf("%s: %q, want %q", name, got, want)
				}
			}
			if got := header.Get("Content-Security-Policy"); !strings.HasPrefix(got, "default-src 'none'") {
				t.Errorf("answer without the policy: %q", got)
			}
		})
	}
}

type block struct {
	name, request, body string
	lines               []string // header lines
	want                string   // status and code
	headers             map[string]string
}

// send writes the request as it stands, so that no client mends it.
func (b block) send(t *testing.T, host string, fill *strings.Replacer) (int, http.Header, []byte) {
	t.Helper()
	var d net.Dialer
	conn, err := d.DialContext(t.Context(), "tcp", host)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	body := fill.Replace(b.body)
	text := fill.Replace(b.request) + " HTTP/1.1\r\n"
	for _, h := range b.lines {
		text += fill.Replace(h) + "\r\n"
	}
	if body != "" {
		text += fmt.Sprintf("Content-Length: %d\r\n", len(body))
	}
	if _, err := io.WriteString(conn, text+"Connection: close\r\n\r\n"+body); err != nil {
		t.Fatal(err)
	}
	method, _, _ := strings.Cut(b.request, " ")
	answer, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: method})
	if err != nil {
		t.Fatalf("read answer: %v", err)
	}
	t.Cleanup(func() { _ = answer.Body.Close() })
	got, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatalf("read answer: %v", err)
	}
	return answer.StatusCode, answer.Header, got
}

func readBlocks(t *testing.T) []block {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("testdata", "requests.txt"))
	if err != nil {
		t.Fatal(err)
	}
	var blocks []block
	for text := range strings.SplitSeq(string(raw), "\n\n") {
		b := block{headers: make(map[string]string)}
		for line := range strings.Lines(text) {
			line = strings.TrimRight(line, "\n")
			switch {
			case line == "" || line[0] == '#':
			case b.request == "":
				b.request = line
			case strings.HasPrefix(line, "> "):
				b.body = line[2:]
			case strings.HasPrefix(line, "= ") && b.want == "":
				b.want = line[2:]
			case strings.HasPrefix(line, "= "):
				name, value, _ := strings.Cut(line[2:], ":")
				b.headers[name] = strings.TrimSpace(value)
			default:
				b.lines = append(b.lines, line)
			}
		}
		if b.request == "" {
			continue
		}
		b.name = fmt.Sprintf("%d %s %s", len(blocks), b.request, b.want)
		blocks = append(blocks, b)
	}
	if len(blocks) < 40 {
		t.Fatalf("only %d blocks", len(blocks))
	}
	return blocks
}

// server is a running server of a test.
type server struct {
	url    string
	client *localapi.Client
	stop   func() error // ends it and returns what Run returned
}

func start(t *testing.T, backend localapi.Backend, cfg localapi.Config) *server {
	t.Helper()
	ready := make(chan string, 1)
	cfg.Addr, cfg.Socket = "127.0.0.1:0", filepath.Join(t.TempDir(), "s")
	cfg.Ready = func(url string) { ready <- url }
	if cfg.Page == nil {
		cfg.Page = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "page") })
	}
	stop := runServer(t, localapi.New(cfg, backend))
	s := &server{stop: stop, url: <-ready}
	var err error
	if s.client, err = localapi.Dial(cfg.Socket); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.client.Close() })
	return s
}

func (s *server) host() string { return strings.TrimPrefix(s.url, "http://") }

func (s *server) code(t *testing.T) string {
	t.Helper()
	page, err := s.client.PageCode(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(page.URL)
	if err != nil || u.Host != s.host() || page.Expires.Before(time.Now()) {
		t.Fatalf("page code %q until %v: %v", page.URL, page.Expires, err)
	}
	return strings.TrimPrefix(u.Fragment, "code=")
}

// session opens a session and returns its halves, as header values.
func (s *server) session(t *testing.T) (cookie, token string) {
	t.Helper()
	body := strings.NewReader(`{"code":"` + s.code(t) + `"}`)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url+"/v1/session", body)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	var transport http.Transport
	defer transport.CloseIdleConnections()
	answer, err := transport.RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = answer.Body.Close() })
	var given struct{ Token string }
	if err := json.NewDecoder(answer.Body).Decode(&given); err != nil {
		t.Fatal(err)
	}
	c := answer.Cookies()
	if len(c) != 1 || !c[0].HttpOnly || c[0].SameSite != http.SameSiteStrictMode || c[0].Path != "/v1/" || given.Token == "" {
		t.Fatalf("session with cookies %v", c)
	}
	return c[0].Name + "=" + c[0].Value, given.Token
}
