package client

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dhamani-iq/dhamani/crypto/envelope"
	"github.com/dhamani-iq/dhamani/record"
	"github.com/dhamani-iq/dhamani/sync/wire"
)

// line is a centre without a network, so that a test can run in fake time. Each
// request is noted; push, changes and list may answer instead of the books.
type line struct {
	books   *books
	tb      testing.TB
	push    func(ctx context.Context, req *wire.PushRequest) (*http.Response, error)
	changes func(ctx context.Context, r *http.Request) (*http.Response, error)
	list    func(name string) (*http.Response, error)

	dead atomic.Bool // nothing gets through

	mu    sync.Mutex
	calls []call
}

type call struct {
	at   time.Time
	path string
	size int // entries in a push
}

func (l *line) RoundTrip(r *http.Request) (*http.Response, error) {
	c := call{at: time.Now(), path: r.URL.Path}
	var req *wire.PushRequest
	if r.URL.Path == wire.PathRecords {
		raw, err := wire.ReadBody(r.Body, r.Header.Get("Content-Encoding"), wire.MaxBody)
		must(l.tb, err)
		req = new(wire.PushRequest)
		must(l.tb, wire.Decode(raw, req))
		c.size = len(req.Items)
	}
	l.mu.Lock()
	l.calls = append(l.calls, c)
	l.mu.Unlock()
	if l.dead.Load() {
		return nil, errors.New("no route to host")
	}
	name, isList := strings.CutPrefix(r.URL.Path, wire.PathLists)
	switch {
	case req != nil && l.push != nil:
		return l.push(r.Context(), req)
	case req != nil:
		return l.answer(l.books.accept(req)), nil
	case isList && l.list != nil:
		return l.list(name)
	case isList:
		raw := l.books.list(name)
		if name == wire.ListTerms {
			raw = l.books.edition(r.URL.Query().Get(wire.QueryAfter))
		}
		if r.Header.Get("If-None-Match") == tagOf(raw) || raw == nil {
			return response(http.StatusNotModified, "", nil), nil
		}
		resp := response(http.StatusOK, wire.ContentCOSE, raw)
		resp.Header.Set("ETag", tagOf(raw))
		return resp, nil
	case r.URL.Path == wire.PathChanges && l.changes != nil:
		return l.changes(r.Context(), r)
	case r.URL.Path == wire.PathChanges:
		return l.feed(r)
	}
	return response(http.StatusNotFound, wire.ContentCBOR, encode(l.tb, &wire.Error{Code: wire.CodeNotFound})), nil
}

// feed answers a request for changes, and waits for one as the centre does.
func (l *line) feed(r *http.Request) (*http.Response, error) {
	cursor := wire.Cursor(r.URL.Query().Get(wire.QueryCursor))
	page, gone := l.books.page(cursor, 100)
	if gone {
		return refused(l.tb, http.StatusGone, wire.CodeEpoch, 0), nil
	}
	if len(page.Items) == 0 {
		wait, err := time.ParseDuration(r.URL.Query().Get(wire.QueryWait) + "s")
		must(l.tb, err)
		select {
		case <-r.Context().Done():
			return nil, r.Context().Err()
		case <-time.After(wait):
		}
	}
	return l.answer(page), nil
}

func (l *line) answer(m wire.Message) *http.Response {
	return response(http.StatusOK, wire.ContentCBOR, encode(l.tb, m))
}

func (l *line) seen(path string) []call {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(l.calls), func(c call) bool { return !strings.HasPrefix(c.path, path) })
}

func response(status int, media string, body []byte) *http.Response {
	return &http.Response{
		StatusCode: status, Header: http.Header{"Content-Type": {media}}, Body: io.NopCloser(bytes.NewReader(body)),
		ProtoMajor: 2, ContentLength: int64(len(body)),
	}
}

func refused(tb testing.TB, status int, code string, after uint32) *http.Response {
	tb.Helper()
	return response(status, wire.ContentCBOR, encode(tb, &wire.Error{Code: code, RetryAfter: after}))
}

// world is a client, its store and the line to its centre, in fake time.
type world struct {
	*Client
	*line
	store *memStore
	stop  func()
}

// start runs a client inside the bubble of t; the test ends it with stop.
func start(t *testing.T, store *memStore, prepare func(*line)) *world {
	t.Helper()
	l := &line{books: newBooks(t), tb: t}
	if prepare != nil {
		prepare(l)
	}
	c, err := New(Config{
		BaseURL: "https://centre.example", TLS: &tls.Config{},
		Verify: verifier(&l.books.key.PublicKey), Accept: versions,
	}, store)
	must(t, err)
	c.http.Transport = l
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- c.Run(ctx) }()
	return &world{Client: c, line: l, store: store, stop: func() {
		t.Helper()
		cancel()
		if err := <-done; err != nil {
			t.Errorf("run ended with %v", err)
		}
	}}
}

// after lets fake time pass and waits until nothing moves.
func after(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func TestOrderListsFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t, newMemStore(items(0, 5)...), nil)
		defer w.stop()
		synctest.Wait()
		var paths []string
		for _, c := range w.seen("") {
			paths = append(paths, c.path)
		}
		before := slices.Index(paths, wire.PathRecords)
		for _, p := range []string{wire.PathLists + wire.ListTrust, wire.PathLists + wire.ListBlock} {
			if at := slices.Index(paths, p); at < 0 || at > before || at > slices.Index(paths, wire.PathChanges) {
				t.Errorf("order %v", paths)
			}
		}
		s := w.Status()
		if !s.Online || s.Outbox != 0 || s.Pushed != 5 || s.TrustVersion != 1 || s.BlockVersion != 1 || s.LastError != "" {
			t.Errorf("status %+v", s)
		}
	})
}

func TestKickSendsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t, newMemStore(), nil)
		defer w.stop()
		after(time.Minute)
		w.store.add(item(1))
		w.Kick()
		w.Kick()
		synctest.Wait()
		if w.books.size() != 1 || w.Status().Outbox != 0 {
			t.Errorf("%d entries arrived, %d wait", w.books.size(), w.Status().Outbox)
		}
	})
}

func TestIdleCostsLittle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t, newMemStore(), func(l *line) {
			l.changes = func(_ context.Context, r *http.Request) (*http.Response, error) { // a centre that never waits
				page, _ := l.books.page(wire.Cursor(r.URL.Query().Get(wire.QueryCursor)), 10)
				return l.answer(page), nil
			}
		})
		defer w.stop()
		after(time.Hour)
		if n := len(w.seen(wire.PathChanges)); n < 200 || n > 241 {
			t.Errorf("%d polls in an hour", n)
		}
		if n := len(w.seen(wire.PathLists)); n < 6*len(listNames) || n > 7*len(listNames) {
			t.Errorf("%d list requests in an hour", n)
		}
		if n := len(w.seen(wire.PathRecords)); n != 0 {
			t.Errorf("%d pushes of nothing", n)
		}
	})
}

func TestBackoffIsBoundedAndEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t, newMemStore(items(0, 3)...), func(l *line) { l.dead.Store(true) })
		defer w.stop()
		after(6 * time.Hour)
		calls := w.seen("")
		// With full jitter the mean wait at the bound is half of it: 150 s.
		if len(calls) < 80 || len(calls) > 330 {
			t.Errorf("%d attempts in six hours", len(calls))
		}
		for i := 1; i < len(calls); i++ {
			if gap := calls[i].at.Sub(calls[i-1].at); gap > 5*time.Minute {
				t.Errorf("gap of %s", gap)
			}
		}
		s := w.Status()
		if s.Online || s.LastError != CodeOffline || s.NextTry.IsZero() || s.Outbox != 3 {
			t.Errorf("status %+v", s)
		}
		w.dead.Store(false)
		after(5 * time.Minute)
		if s := w.Status(); !s.Online || s.Outbox != 0 || s.LastError != "" || !s.NextTry.IsZero() {
			t.Errorf("status afterwards %+v", s)
		}
	})
}

func TestRetryAfterIsObeyed(t *testing.T) {
	for name, busy := range map[string]func() *http.Response{
		"in the message": func() *http.Response { return refused(t, http.StatusServiceUnavailable, wire.CodeUnavailable, 120) },
		"in the header": func() *http.Response {
			resp := response(http.StatusTooManyRequests, "text/html", []byte("<html>"))
			resp.Header.Set("Retry-After", "120")
			return resp
		},
		"as a date": func() *http.Response {
			resp := refused(t, http.StatusServiceUnavailable, wire.CodeUnavailable, 0)
			resp.Header.Set("Retry-After", time.Now().Add(121*time.Second).UTC().Format(http.TimeFormat))
			return resp
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				first := true
				w := start(t, newMemStore(items(0, 3)...), func(l *line) {
					l.push = func(_ context.Context, req *wire.PushRequest) (*http.Response, error) {
						if first {
							first = false
							return busy(), nil
						}
						return l.answer(l.books.accept(req)), nil
					}
				})
				defer w.stop()
				for range 119 {
					w.Kick()
					after(time.Second)
				}
				if n := len(w.seen(wire.PathRecords)); n != 1 {
					t.Errorf("%d pushes before the time", n)
				}
				after(40 * time.Second)
				if n := len(w.seen(wire.PathRecords)); n != 2 || w.Status().Outbox != 0 {
					t.Errorf("%d pushes, %d wait", n, w.Status().Outbox)
				}
			})
		})
	}
}

func TestKickCutsAWaitShort(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t, newMemStore(items(0, 1)...), func(l *line) {
			l.push = func(context.Context, *wire.PushRequest) (*http.Response, error) { return nil, errors.New("down") }
		})
		defer w.stop()
		after(time.Hour)
		n := len(w.seen(wire.PathRecords))
		for range 1000 {
			w.Kick()
			after(10 * time.Millisecond)
		}
		if more := len(w.seen(wire.PathRecords)) - n; more < 2 || more > 12 {
			t.Errorf("1000 kicks in ten seconds made %d attempts", more)
		}
	})
}

func TestBatchHalvesAndGrows(t *testing.T) {
	for name, tt := range map[string]struct {
		most int
		fail func(context.Context) (*http.Response, error)
	}{
		"413": {100, func(context.Context) (*http.Response, error) {
			return refused(t, http.StatusRequestEntityTooLarge, wire.CodeTooLarge, 0), nil
		}},
		"413 of a proxy": {100, func(context.Context) (*http.Response, error) {
			return response(http.StatusRequestEntityTooLarge, "text/html", nil), nil
		}},
		"timeout": {50, func(ctx context.Context) (*http.Response, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}},
		"500": {25, func(context.Context) (*http.Response, error) {
			return refused(t, http.StatusInternalServerError, wire.CodeInternal, 0), nil
		}},
		"garbage": {60, func(context.Context) (*http.Response, error) {
			return response(http.StatusOK, wire.ContentCBOR, []byte{0xa0}), nil
		}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := start(t, newMemStore(items(0, 1200)...), func(l *line) {
					l.push = func(ctx context.Context, req *wire.PushRequest) (*http.Response, error) {
						if len(req.Items) > tt.most {
							return tt.fail(ctx)
						}
						return l.answer(l.books.accept(req)), nil
					}
				})
				defer w.stop()
				after(6 * time.Hour)
				if s := w.Status(); s.Outbox != 0 || s.Quarantined != 0 || s.Pushed != 1200 || w.books.size() != 1200 {
					t.Errorf("status %+v, %d arrived", s, w.books.size())
				}
				var sizes []int
				for _, c := range w.seen(wire.PathRecords) {
					sizes = append(sizes, c.size)
				}
				want := []int{500, 250, 125}
				if !slices.Equal(sizes[:3], want) {
					t.Errorf("sizes %v", sizes)
				}
			})
		})
	}
}

// TestPoison has one entry that spoils every batch it is in.
func TestPoison(t *testing.T) {
	poison := envelope.IDOf(item(37).Sealed)
	for name, tt := range map[string]struct {
		fail        func(context.Context) (*http.Response, error)
		quarantined int
	}{
		"bad request": {func(context.Context) (*http.Response, error) {
			return refused(t, http.StatusBadRequest, wire.CodeBadRequest, 0), nil
		}, 1},
		"too large": {func(context.Context) (*http.Response, error) {
			return refused(t, http.StatusRequestEntityTooLarge, wire.CodeTooLarge, 0), nil
		}, 1},
		"crash": {func(context.Context) (*http.Response, error) {
			return response(http.StatusInternalServerError, "text/plain", []byte("panic")), nil
		}, 0},
		"silence": {func(ctx context.Context) (*http.Response, error) { <-ctx.Done(); return nil, ctx.Err() }, 0},
		"garbage": {func(context.Context) (*http.Response, error) {
			return response(http.StatusOK, wire.ContentCBOR, []byte("garbage")), nil
		}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := start(t, newMemStore(items(0, 100)...), func(l *line) {
					l.push = func(ctx context.Context, req *wire.PushRequest) (*http.Response, error) {
						if slices.Contains(idsOf(req.Items), poison) {
							return tt.fail(ctx)
						}
						return l.answer(l.books.accept(req)), nil
					}
				})
				defer w.stop()
				after(12 * time.Hour)
				s := w.Status()
				if w.books.size() != 99 || s.Pushed != 99 || s.Quarantined != tt.quarantined || s.Outbox != 1-tt.quarantined {
					t.Errorf("%d arrived, status %+v", w.books.size(), s)
				}
				if s.Outbox == 1 && s.LastError == "" {
					t.Error("the entry that stays behind does not show")
				}
				// And new ones go past it.
				w.store.add(items(200, 210)...)
				w.Kick()
				after(time.Hour)
				if w.books.size() != 109 {
					t.Errorf("%d arrived", w.books.size())
				}
			})
		})
	}
}

func TestRejectedIsQuarantined(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t, newMemStore(items(0, 10)...), func(l *line) { l.books.reject[envelope.IDOf(item(4).Sealed)] = wire.RejectSignature })
		defer w.stop()
		synctest.Wait()
		if s := w.Status(); s.Outbox != 0 || s.Quarantined != 1 || s.Pushed != 9 || !s.Online {
			t.Errorf("status %+v", s)
		}
		if code := w.store.quarantine[envelope.IDOf(item(4).Sealed)]; code != wire.RejectSignature {
			t.Errorf("code %q", code)
		}
	})
}

// TestCentreThatRefusesEverything must not empty an outbox into the quarantine.
func TestCentreThatRefusesEverything(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t, newMemStore(items(0, 30)...), func(l *line) {
			l.push = func(context.Context, *wire.PushRequest) (*http.Response, error) {
				return refused(t, http.StatusBadRequest, wire.CodeBadRequest, 0), nil
			}
		})
		defer w.stop()
		after(48 * time.Hour)
		if s := w.Status(); s.Outbox != 30 || s.Quarantined != 0 || s.LastError != wire.CodeBadRequest {
			t.Errorf("status %+v", s)
		}
		if n := len(w.seen(wire.PathRecords)); n > 3000 {
			t.Errorf("%d attempts in two days", n)
		}
	})
}

func TestBatchNumber(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var numbers [][16]byte
		w := start(t, newMemStore(items(0, 3)...), func(l *line) {
			l.push = func(_ context.Context, req *wire.PushRequest) (*http.Response, error) {
				numbers = append(numbers, req.Batch)
				switch len(numbers) {
				case 1: // done, but reported as failed
					l.books.accept(req)
					return nil, errors.New("cut")
				case 2:
					return nil, errors.New("cut")
				case 3:
					return refused(t, http.StatusConflict, wire.CodeConflict, 0), nil
				}
				return l.answer(l.books.accept(req)), nil
			}
		})
		defer w.stop()
		after(time.Minute)
		if len(numbers) != 4 || numbers[0] != numbers[1] || numbers[1] != numbers[2] || numbers[2] == numbers[3] {
			t.Errorf("numbers %x", numbers)
		}
		if s := w.Status(); s.Outbox != 0 || s.Pushed != 3 {
			t.Errorf("status %+v", s)
		}
	})
}

func TestPull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t, newMemStore(), func(l *line) { l.books.feed = items(0, 950) })
		defer w.stop()
		after(time.Second)
		if s := w.Status(); s.Pulled != 950 || w.store.at() != "7.950" {
			t.Errorf("status %+v, cursor %s", s, w.store.at())
		}
		if n := len(w.seen(wire.PathChanges)); n != 11 { // ten pages and one that waits
			t.Errorf("%d requests", n)
		}
		// The centre was restored: another epoch, fewer entries.
		w.books.mu.Lock()
		w.books.epoch, w.books.feed = 9, items(0, 40)
		w.books.mu.Unlock()
		after(2 * time.Minute)
		if w.store.at() != "9.40" {
			t.Errorf("cursor %s after a new epoch", w.store.at())
		}
	})
}

func TestPullSkipsMalformed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t, newMemStore(), func(l *line) {
			l.books.feed = items(0, 10)
			l.books.feed[3].Sealed = []byte("garbage")
		})
		defer w.stop()
		after(time.Second)
		if s := w.Status(); s.Pulled != 9 || s.Malformed != 1 || w.store.at() != "7.10" || s.LastError != "" {
			t.Errorf("status %+v, cursor %s", s, w.store.at())
		}
	})
}

func TestPullRefusesBadPages(t *testing.T) {
	change := func(pos uint64) wire.Change {
		e := item(int(pos))
		return wire.Change{Pos: pos, Patient: e.Patient, Sealed: e.Sealed}
	}
	for name, page := range map[string]*wire.ChangesPage{
		"another epoch":      {Epoch: 8, Next: "8.20"},
		"epochs differ":      {Epoch: 7, Next: "8.20"},
		"backwards":          {Epoch: 7, Next: "7.4"},
		"replay":             {Epoch: 7, Next: "7.5", Items: []wire.Change{change(4), change(5)}},
		"out of order":       {Epoch: 7, Next: "7.9", Items: []wire.Change{change(7), change(6)}},
		"twice":              {Epoch: 7, Next: "7.9", Items: []wire.Change{change(7), change(7)}},
		"beyond next":        {Epoch: 7, Next: "7.9", Items: []wire.Change{change(10)}},
		"more of nothing":    {Epoch: 7, Next: "7.5", More: true},
		"no cursor":          {Epoch: 7, Next: ""},
		"malformed cursor":   {Epoch: 7, Next: "7"},
		"uncanonical cursor": {Epoch: 7, Next: "7.09"},
	} {
		t.Run(name, func(t *testing.T) {
			if err := checkPage("7.5", page); !errors.Is(err, ErrProtocol) {
				t.Errorf("got %v, want %v", err, ErrProtocol)
			}
			synctest.Test(t, func(t *testing.T) {
				store := newMemStore()
				store.cursor = "7.5"
				w := start(t, store, func(l *line) {
					l.changes = func(context.Context, *http.Request) (*http.Response, error) {
						raw, err := wire.Encode(page)
						if err != nil { // refused already by the codec
							raw = []byte{0xff}
						}
						return response(http.StatusOK, wire.ContentCBOR, raw), nil
					}
				})
				defer w.stop()
				after(time.Hour)
				if s := w.Status(); s.LastError != CodeProtocol || s.Pulled != 0 || w.store.at() != "7.5" {
					t.Errorf("status %+v, cursor %s", s, w.store.at())
				}
				if n := len(w.seen(wire.PathChanges)); n < 10 || n > 200 {
					t.Errorf("%d requests in an hour", n)
				}
			})
		})
	}
}

func TestEpochGoneForever(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t, newMemStore(), func(l *line) {
			l.changes = func(context.Context, *http.Request) (*http.Response, error) {
				return refused(t, http.StatusGone, wire.CodeEpoch, 0), nil
			}
		})
		defer w.stop()
		after(time.Hour)
		if n := len(w.seen(wire.PathChanges)); n > 200 {
			t.Errorf("%d requests in an hour", n)
		}
	})
}

func TestLists(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newMemStore()
		store.lists[wire.ListTrust] = []byte("v3")
		w := start(t, store, func(l *line) { l.books.lists[wire.ListTrust] = []byte("v4") })
		defer w.stop()
		synctest.Wait()
		if s := w.Status(); s.TrustVersion != 4 || s.BlockVersion != 1 || string(store.lists[wire.ListTrust]) != "v4" {
			t.Errorf("status %+v", s)
		}
		w.books.setList(wire.ListTrust, "forged")
		after(2 * time.Minute)
		w.store.add(item(1))
		w.Kick()
		after(time.Hour)
		// A list that does not verify is not kept, and entries go on.
		if s := w.Status(); s.TrustVersion != 4 || string(store.lists[wire.ListTrust]) != "v4" || s.LastError != CodeProtocol || s.Outbox != 0 {
			t.Errorf("status %+v, list %s", s, store.lists[wire.ListTrust])
		}
		w.books.setList(wire.ListTrust, "v5")
		after(20 * time.Minute)
		if s := w.Status(); s.TrustVersion != 5 || s.LastError != "" {
			t.Errorf("status %+v", s)
		}
	})
}

func TestStoredListsAreUsedOffline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newMemStore()
		store.lists[wire.ListTrust], store.lists[wire.ListBlock] = []byte("v8"), []byte("v9")
		w := start(t, store, func(l *line) {
			l.list = func(string) (*http.Response, error) { return nil, errors.New("down") }
		})
		defer w.stop()
		after(time.Minute)
		if s := w.Status(); s.TrustVersion != 8 || s.BlockVersion != 9 || s.Online {
			t.Errorf("status %+v", s)
		}
	})
}

func TestStoreFailureIsShown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newMemStore(item(1))
		store.fail = errors.New("disk full")
		w := start(t, store, nil)
		defer w.stop()
		after(time.Hour)
		if s := w.Status(); s.LastError != CodeStorage {
			t.Errorf("status %+v", s)
		}
		store.mu.Lock()
		store.fail = nil
		store.mu.Unlock()
		after(10 * time.Minute)
		if s := w.Status(); s.LastError != "" || w.books.size() != 1 {
			t.Errorf("status %+v", s)
		}
	})
}

func TestRunOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t, newMemStore(), nil)
		synctest.Wait()
		if err := w.Run(t.Context()); !errors.Is(err, ErrConfig) {
			t.Errorf("second run: %v", err)
		}
		w.stop()
	})
}

func TestOnStatus(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &line{books: newBooks(t), tb: t}
		var got []Status
		c, err := New(Config{
			BaseURL: "https://centre.example/", TLS: &tls.Config{},
			Verify: verifier(&l.books.key.PublicKey), Accept: versions, OnStatus: func(s Status) { got = append(got, s) },
		}, newMemStore(items(0, 2)...))
		must(t, err)
		c.http.Transport = l
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- c.Run(ctx) }()
		after(time.Hour)
		cancel()
		must(t, <-done)
		if n := len(got); n == 0 || n > 8 || got[n-1].Pushed != 2 || !got[n-1].Online {
			t.Errorf("%d statuses, last %+v", n, got[max(n-1, 0)])
		}
	})
}

func TestConfig(t *testing.T) {
	good := Config{
		BaseURL: "https://centre.example", TLS: &tls.Config{},
		Verify: func([]byte, [16]byte, []record.EntryID) error { return nil }, Accept: versions,
	}
	if _, err := New(good, newMemStore()); err != nil {
		t.Error(err)
	}
	for name, spoil := range map[string]func(*Config){
		"plain":     func(c *Config) { c.BaseURL = "http://centre.example" },
		"no host":   func(c *Config) { c.BaseURL = "https://" },
		"path":      func(c *Config) { c.BaseURL = "https://centre.example/v1" },
		"garbage":   func(c *Config) { c.BaseURL = "https://centre example\x00" },
		"no tls":    func(c *Config) { c.TLS = nil },
		"no verify": func(c *Config) { c.Verify = nil },
		"no accept": func(c *Config) { c.Accept = nil },
	} {
		bad := good
		spoil(&bad)
		if _, err := New(bad, newMemStore()); !errors.Is(err, ErrConfig) {
			t.Errorf("%s: %v", name, err)
		}
	}
	asks, err := New(good, nil)
	must(t, err)
	if err := asks.Run(t.Context()); !errors.Is(err, ErrConfig) {
		t.Errorf("run without a store: %v", err)
	}
}

func TestBackoffBounds(t *testing.T) {
	b := &backoff{base: time.Second, most: 5 * time.Minute, retryMost: time.Hour}
	for i := range 200 {
		wait, asked := b.after(ErrOffline)
		if most := min(time.Second<<min(i, 30), 5*time.Minute); asked || wait < 0 || wait >= most {
			t.Errorf("after %d failures: %s", i, wait)
		}
	}
	for _, tt := range []struct{ asked, least, most time.Duration }{
		{time.Second, time.Second, 1250 * time.Millisecond},
		{time.Minute, time.Minute, 75 * time.Second},
		{1000 * time.Hour, time.Hour, time.Hour + 5*time.Minute},
	} {
		wait, asked := b.after(fmt.Errorf("push: %w", &ServerError{Status: 503, RetryAfter: tt.asked}))
		if !asked || wait < tt.least || wait > tt.most {
			t.Errorf("asked for %s: %s", tt.asked, wait)
		}
	}
}
