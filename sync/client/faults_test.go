package client

import (
	"crypto/ecdsa"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dhamani-iq/dhamani/record"
	"github.com/dhamani-iq/dhamani/sync/wire"
)

// witness is a store that checks every acknowledgement against the centre's
// books: what leaves the outbox has to be durable there.
type witness struct {
	Store
	t      *testing.T
	centre *centre
	acked  atomic.Int64
}

func (w *witness) Acknowledge(results []wire.Result, receipt []byte) error {
	for _, r := range results {
		if r.Status == wire.StatusRejected {
			w.t.Errorf("entry %s went to the quarantine with code %s", r.ID.Short(), r.Code)
		} else if !w.centre.holds(r.ID) {
			w.t.Errorf("entry %s was acknowledged and is not at the centre", r.ID.Short())
		}
		w.acked.Add(1)
	}
	return w.Store.Acknowledge(results, receipt)
}

// pushFaults are the ways in which a push can go wrong. Each exists before the
// batch is durable and after: refused, or done but reported as failed.
func pushFaults(c *centre, stranger *ecdsa.PrivateKey) map[string]func(http.ResponseWriter, *http.Request, *wire.PushRequest) {
	raw := func(w http.ResponseWriter, status int, media string, body []byte) {
		w.Header().Set("Content-Type", media)
		w.WriteHeader(status)
		_, _ = w.Write(body)
	}
	// answer gives a well-formed response with other content.
	answer := func(change func(req *wire.PushRequest, resp *wire.PushResponse)) func(http.ResponseWriter, *http.Request, *wire.PushRequest) {
		return func(w http.ResponseWriter, r *http.Request, req *wire.PushRequest) {
			resp := &wire.PushResponse{Receipt: sign(c.tb, c.key, req.Batch, idsOf(req.Items))}
			for _, id := range idsOf(req.Items) {
				resp.Results = append(resp.Results, wire.Result{ID: id})
			}
			change(req, resp)
			c.reply(w, r, resp)
		}
	}
	return map[string]func(http.ResponseWriter, *http.Request, *wire.PushRequest){
		"garbage": func(w http.ResponseWriter, _ *http.Request, _ *wire.PushRequest) {
			raw(w, 200, wire.ContentCBOR, []byte{0xff, 0x00, 0x13})
		},
		"html": func(w http.ResponseWriter, _ *http.Request, _ *wire.PushRequest) {
			raw(w, 200, "text/html", []byte("<html>"))
		},
		"empty": func(w http.ResponseWriter, _ *http.Request, _ *wire.PushRequest) { raw(w, 200, wire.ContentCBOR, nil) },
		"500": func(w http.ResponseWriter, _ *http.Request, _ *wire.PushRequest) {
			c.refuse(w, http.StatusInternalServerError, wire.CodeInternal)
		},
		"502": func(w http.ResponseWriter, _ *http.Request, _ *wire.PushRequest) {
			raw(w, 502, "text/html", []byte("bad gateway"))
		},
		"cut": func(http.ResponseWriter, *http.Request, *wire.PushRequest) { panic(http.ErrAbortHandler) },
		"cut in the body": func(w http.ResponseWriter, _ *http.Request, _ *wire.PushRequest) {
			w.Header().Set("Content-Type", wire.ContentCBOR)
			w.Header().Set("Content-Length", "5000")
			_, _ = w.Write(make([]byte, 100))
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		},
		"slow loris": func(w http.ResponseWriter, r *http.Request, _ *wire.PushRequest) {
			w.Header().Set("Content-Type", wire.ContentCBOR)
			for r.Context().Err() == nil {
				_, _ = io.WriteString(w, "x")
				_ = http.NewResponseController(w).Flush()
				time.Sleep(10 * time.Millisecond)
			}
		},
		"silence":            func(_ http.ResponseWriter, r *http.Request, _ *wire.PushRequest) { <-r.Context().Done() },
		"receipt missing":    answer(func(_ *wire.PushRequest, resp *wire.PushResponse) { resp.Receipt = nil }),
		"receipt of garbage": answer(func(_ *wire.PushRequest, resp *wire.PushResponse) { resp.Receipt = []byte("receipt") }),
		"receipt of a stranger": answer(func(req *wire.PushRequest, resp *wire.PushResponse) {
			resp.Receipt = sign(c.tb, stranger, req.Batch, idsOf(req.Items))
		}),
		"receipt for another batch": answer(func(req *wire.PushRequest, resp *wire.PushResponse) {
			resp.Receipt = sign(c.tb, c.key, [16]byte{1}, idsOf(req.Items))
		}),
		"receipt for fewer": answer(func(req *wire.PushRequest, resp *wire.PushResponse) {
			resp.Receipt = sign(c.tb, c.key, req.Batch, idsOf(req.Items)[1:])
		}),
		"receipt for others": answer(func(req *wire.PushRequest, resp *wire.PushResponse) {
			resp.Receipt = sign(c.tb, c.key, req.Batch, make([]record.EntryID, len(req.Items)))
		}),
		"another entry": answer(func(_ *wire.PushRequest, resp *wire.PushResponse) { resp.Results[0].ID[0] ^= 1 }),
		"another entry rejected": answer(func(req *wire.PushRequest, resp *wire.PushResponse) {
			resp.Results[0] = wire.Result{ID: record.EntryID{1, 2, 3}, Status: wire.StatusRejected, Code: wire.RejectSignature}
			resp.Receipt = sign(c.tb, c.key, req.Batch, idsOf(req.Items)[1:])
		}),
		"one result more": answer(func(_ *wire.PushRequest, resp *wire.PushResponse) {
			if len(resp.Results) < wire.MaxItems {
				resp.Results = append(resp.Results, resp.Results[0])
			} else {
				resp.Receipt = nil
			}
		}),
		"rejected in words": answer(func(_ *wire.PushRequest, resp *wire.PushResponse) {
			resp.Results[0].Status, resp.Results[0].Code = wire.StatusRejected, "Not good!"
		}),
		"replay of another batch's answer": func(w http.ResponseWriter, r *http.Request, req *wire.PushRequest) {
			c.reply(w, r, c.accept(&wire.PushRequest{Batch: [16]byte{byte(len(req.Items)), 9}, Items: items(500_000, 500_000+len(req.Items))}))
		},
	}
}

// TestFaults pushes a backlog through a line and a centre that fail in every
// way, before and after the batch is durable, on both stores. In the end every
// entry has to be at the centre, and none may have left the outbox before.
func TestFaults(t *testing.T) {
	for _, kind := range []string{"memory", "cache"} {
		centre := newCentre(t)
		faults := pushFaults(centre, newKey(t))
		n := 0
		for name, fault := range faults {
			for _, done := range []bool{false, true} {
				n += 1000
				from := n
				t.Run(fmt.Sprintf("%s/%s/done=%v", kind, name, done), func(t *testing.T) {
					var store Store = newMemStore(items(from, from+60)...)
					if kind == "cache" {
						store = newCache(t, items(from, from+60))
					}
					w := &witness{Store: store, t: t, centre: centre}
					times, patience := int32(4), 30*time.Second
					if name == "slow loris" || name == "silence" { // which the client sits out
						times, patience = 1, time.Second
					}
					left := atomic.Int32{}
					left.Store(times)
					centre.setFault(func(rw http.ResponseWriter, r *http.Request, req *wire.PushRequest) bool {
						if req == nil || left.Add(-1) < 0 {
							return false
						}
						if done {
							centre.accept(req)
						}
						fault(rw, r, req)
						return true
					})
					c := centre.dial(t, w)
					c.tuning.timeout = patience
					stop := run(t, c)
					eventually(t, "the outbox is empty", func() bool { return c.Status().Outbox == 0 })
					stop()
					if left.Load() > 0 {
						t.Errorf("the fault happened only %d of %d times", times-left.Load(), times)
					}
					for _, id := range idsOf(items(from, from+60)) {
						if !centre.holds(id) {
							t.Errorf("entry %s is lost", id.Short())
						}
					}
					if w.acked.Load() != 60 {
						t.Errorf("%d acknowledgements for 60 entries", w.acked.Load())
					}
				})
			}
		}
	}
}

// TestStorm mixes all faults at random, in both directions, with new entries
// coming in all the time.
func TestStorm(t *testing.T) {
	centre := newCentre(t)
	centre.feed = items(9000, 9300)
	faults := pushFaults(centre, newKey(t))
	var names []string
	for name := range faults {
		names = append(names, name)
	}
	store := newCache(t, items(0, 400))
	w := &witness{Store: store, t: t, centre: centre}
	var calm atomic.Bool
	centre.setFault(func(rw http.ResponseWriter, r *http.Request, req *wire.PushRequest) bool {
		if calm.Load() || rand.IntN(3) == 0 {
			return false
		}
		if req == nil {
			switch rand.IntN(5) {
			case 0:
				panic(http.ErrAbortHandler)
			case 1:
				centre.refuse(rw, http.StatusInternalServerError, wire.CodeInternal)
			case 2:
				rw.Header().Set("Content-Type", wire.ContentCBOR)
				_, _ = rw.Write([]byte("garbage"))
			case 3: // a page from long ago
				page, _ := centre.page("", 50)
				centre.reply(rw, r, page)
			case 4:
				rw.Header().Set("Content-Length", strconv.Itoa(1<<20))
				_, _ = rw.Write([]byte{0xa4})
			}
			return true
		}
		if rand.IntN(2) == 0 {
			centre.accept(req)
		}
		faults[names[rand.IntN(len(names))]](rw, r, req)
		return true
	})
	c := centre.dial(t, w)
	c.tuning.timeout = time.Second // silence ends by it, and what is sound has to fit
	run(t, c)
	for i := range 10 {
		fillCache(t, store, items(1000+20*i, 1020+20*i))
		c.Kick()
		time.Sleep(150 * time.Millisecond)
	}
	calm.Store(true)
	eventually(t, "the outbox is empty and the feed is read", func() bool {
		cursor, err := store.Cursor()
		return err == nil && c.Status().Outbox == 0 && cursor == centre.end()
	})
	for _, id := range idsOf(append(items(0, 400), items(1000, 1200)...)) {
		if !centre.holds(id) {
			t.Errorf("entry %s is lost", id.Short())
		}
	}
	if s := c.Status(); s.Quarantined != 0 {
		t.Errorf("status %+v", s)
	}
}
