package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"reflect"
	"strings"

	"github.com/dhamani-iq/dhamani/agent"
)

// showPage opens the reception page as a browser does: it loads the page,
// turns the one-time code into a session, and asks for the visits. What the
// page gets must be what the control socket says, and the code is used up.
func (d *demo) showPage(ctx context.Context) (string, error) {
	code, err := d.world.first.api.PageCode(ctx)
	if err != nil {
		return "", err
	}
	origin, secret, ok := strings.Cut(code.URL, "/#code=")
	if !ok {
		return "", errors.New("the page's address has no code")
	}
	page, err := newBrowser(origin)
	if err != nil {
		return "", err
	}
	defer page.http.CloseIdleConnections()
	if err := page.load(ctx); err != nil {
		return "", err
	}
	if err := page.open(ctx, secret); err != nil {
		return "", err
	}
	var shown []agent.Visit
	if err := page.call(ctx, http.MethodGet, "/v1/visits", nil, &shown); err != nil {
		return "", err
	}
	known, err := d.world.first.api.Visits(ctx)
	if err != nil {
		return "", err
	}
	if err := d.sameVisit(shown, known); err != nil {
		return "", err
	}
	var refused *pageRefusedError
	switch err := page.open(ctx, secret); {
	case err == nil:
		return "", errors.New("the one-time code works twice")
	case !errors.As(err, &refused) || refused.status != http.StatusUnauthorized:
		return "", fmt.Errorf("try the one-time code again: %w", err)
	}
	if err := page.call(ctx, http.MethodPost, "/v1/session/end", struct{}{}, nil); err != nil {
		return "", err
	}
	return fmt.Sprintf("%s shows %s", origin, summaryOf(shown[0])), nil
}

// sameVisit checks that the page shows the patient of the bundle, as the
// socket does.
func (d *demo) sameVisit(shown, known []agent.Visit) error {
	if len(shown) != 1 || len(known) != 1 {
		return fmt.Errorf("the page shows %d visits and the socket %d, want 1", len(shown), len(known))
	}
	p, s, want := shown[0], known[0], d.world.patient
	switch {
	case p.ID != s.ID || p.Patient != d.world.issued.Patient:
		return errors.New("the page shows another visit than the socket")
	case p.Identity == nil || p.Identity.Names.In("en") == "":
		return errors.New("the page shows no name")
	case !p.Verified || p.Finger == nil || !p.Finger.Soft:
		return errors.New("the page does not show the finger as verified, and as of no device")
	case p.Cover == nil && want.Cover != nil:
		return errors.New("the page shows no cover")
	case len(p.Alerts) == 0 && want.Summary != nil && len(want.Summary.Alerts()) > 0:
		return errors.New("the page shows no alerts")
	case !reflect.DeepEqual(p.Identity, s.Identity), !reflect.DeepEqual(p.Cover, s.Cover), !reflect.DeepEqual(p.Alerts, s.Alerts):
		return errors.New("the page and the socket show different names, covers or alerts")
	}
	return nil
}

// summaryOf says in a few words whom a visit shows.
func summaryOf(v agent.Visit) string {
	cover := "no cover"
	if v.Cover != nil {
		cover = "cover " + cmp.Or(v.Cover.Plan, v.Cover.Payer)
	}
	alerts := "no alerts"
	if len(v.Alerts) > 0 {
		alerts = "alerts: " + v.Alerts[0].Text
		if more := len(v.Alerts) - 1; more > 0 {
			alerts += fmt.Sprintf(" and %d more", more)
		}
	}
	return fmt.Sprintf("%s, finger verified, %s, %s", latinName(v.Identity), cover, alerts)
}

// browser sends what the reception page's scripts send.
type browser struct {
	http   *http.Client
	origin string // http://127.0.0.1:PORT
	token  string // of the session
}

func newBrowser(origin string) (*browser, error) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, fmt.Errorf("make cookie jar: %w", err)
	}
	return &browser{http: &http.Client{Jar: jar, Transport: &http.Transport{}}, origin: origin}, nil
}

// load gets the page itself, as when its address is opened.
func (b *browser) load(ctx context.Context) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, b.origin+"/", nil)
	if err != nil {
		return fmt.Errorf("make request: %w", err)
	}
	r.Header.Set("Sec-Fetch-Site", "none")
	r.Header.Set("Sec-Fetch-Mode", "navigate")
	r.Header.Set("Sec-Fetch-Dest", "document")
	body, err := b.do(r)
	if err == nil && !bytes.Contains(body, []byte("<script")) {
		err = errors.New("the page has no script")
	}
	return err
}

// open turns a one-time code into a session: a cookie and a token.
func (b *browser) open(ctx context.Context, code string) error {
	var answer struct {
		Token string `json:"token"`
	}
	ask := struct {
		Code string `json:"code"`
	}{code}
	if err := b.call(ctx, http.MethodPost, "/v1/session", ask, &answer); err != nil {
		return err
	}
	b.token = answer.Token
	return nil
}

// call is the page's fetch: of its own origin, with cookie and token.
func (b *browser) call(ctx context.Context, method, path string, ask, answer any) error {
	var body io.Reader
	if ask != nil {
		raw, err := json.Marshal(ask)
		if err != nil {
			return fmt.Errorf("encode request: %w", err)
		}
		body = bytes.NewReader(raw)
	}
	r, err := http.NewRequestWithContext(ctx, method, b.origin+path, body)
	if err != nil {
		return fmt.Errorf("make request: %w", err)
	}
	r.Header.Set("Accept", "application/json")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	r.Header.Set("Sec-Fetch-Mode", "cors")
	r.Header.Set("Sec-Fetch-Dest", "empty")
	if body != nil {
		r.Header.Set("Origin", b.origin)
		r.Header.Set("Content-Type", "application/json")
	}
	if b.token != "" {
		r.Header.Set("Dhamani-Token", b.token)
	}
	raw, err := b.do(r)
	if err != nil || answer == nil {
		return err
	}
	if err := json.Unmarshal(raw, answer); err != nil {
		return fmt.Errorf("read answer to the page: %w", err)
	}
	return nil
}

// maxPageAnswer bounds what is read of one answer.
const maxPageAnswer = 32 << 20

func (b *browser) do(r *http.Request) (body []byte, err error) {
	answer, err := b.http.Do(r)
	if err != nil {
		return nil, fmt.Errorf("open the page: %w", err)
	}
	body, err = io.ReadAll(io.LimitReader(answer.Body, maxPageAnswer))
	if err := errors.Join(err, answer.Body.Close()); err != nil {
		return nil, fmt.Errorf("read answer to the page: %w", err)
	}
	if answer.StatusCode != http.StatusOK {
		return nil, &pageRefusedError{r.Method + " " + r.URL.Path, answer.StatusCode}
	}
	return body, nil
}

// pageRefusedError is a request of the page that the agent refused.
type pageRefusedError struct {
	request string
	status  int
}

func (e *pageRefusedError) Error() string {
	return fmt.Sprintf("%s is answered with %d %s", e.request, e.status, http.StatusText(e.status))
}
