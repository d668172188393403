package central_test

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dhamani-iq/dhamani/crypto/cvc"
	"github.com/dhamani-iq/dhamani/internal/wait"
	"github.com/dhamani-iq/dhamani/record"
	"github.com/dhamani-iq/dhamani/sync/central"
	"github.com/dhamani-iq/dhamani/sync/central/authority"
	"github.com/dhamani-iq/dhamani/sync/central/sqlite"
	"github.com/dhamani-iq/dhamani/sync/wire"
)

const (
	crashDir  = "DHAMANI_TEST_CRASH_DIR"
	crashAddr = "DHAMANI_TEST_CRASH_ADDR"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(crashDir); dir != "" {
		if err := serveUntilKilled(dir, os.Getenv(crashAddr)); err != nil {
			_, _ = fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// serveUntilKilled is the child process of TestCrash.
func serveUntilKilled(dir, addr string) error {
	ctx := context.Background()
	st, err := sqlite.Open(ctx, filepath.Join(dir, "centre.db"), sqlite.Options{})
	if err != nil {
		return err
	}
	auth, err := authority.Open(ctx, dir, st)
	if err != nil {
		return err
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", addr)
	if err != nil {
		return err
	}
	return central.New(auth, st, unlimited, slog.New(slog.DiscardHandler)).Serve(ctx, listener)
}

// startChild runs the centre in a process of its own.
func startChild(t *testing.T, dir, addr string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self)
	cmd.Env = append(os.Environ(), crashDir+"="+dir, crashAddr+"="+addr)
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd
}

// TestCrash kills the centre's process again and again while clients push,
// as a client does: the same batch until it is answered. Nothing that was ever
// acknowledged may be missing afterwards, and no acknowledged batch may be
// answered differently.
func TestCrash(t *testing.T) {
	rounds := 6
	if testing.Short() {
		rounds = 2
	}
	c := newCentre(t, unlimited)
	const clients = 3
	stations := make([]*workstation, clients)
	for i := range stations {
		stations[i] = c.enrol(t, uint32(10+i), cvc.RoleReceptionist)
	}
	p := c.newPatient(t, 9001)
	addr := strings.TrimPrefix(c.url, "https://")
	if err := c.stop(); err != nil {
		t.Fatal(err)
	}
	c.stop = nil
	child := startChild(t, c.dir, addr)

	ctx, cancel := context.WithCancel(t.Context())
	var mu sync.Mutex
	acknowledged := make(map[record.EntryID]bool)
	receipts := make(map[[16]byte]string)
	var answered, failed atomic.Int64
	var wg sync.WaitGroup
	for _, w := range stations {
		wg.Go(func() {
			for ctx.Err() == nil {
				batch, items := newBatch(t), make([]wire.Envelope, 1+rand.IntN(30))
				for i := range items {
					items[i] = w.seal(t, p, time.Now())
				}
				for ctx.Err() == nil {
					res, err := w.push(ctx, batch, items...)
					if err != nil {
						failed.Add(1)
						w.http.CloseIdleConnections()
						_ = wait.For(ctx, 10*time.Millisecond)
						continue
					}
					answered.Add(1)
					mu.Lock()
					receipts[batch] = string(res.Receipt)
					for _, r := range res.Results {
						if r.Status == wire.StatusRejected {
							t.Errorf("rejected: %s", r.Code)
						}
						acknowledged[r.ID] = true
					}
					mu.Unlock()
					if rand.IntN(4) == 0 { // as if the answer had been lost
						again, err := w.push(ctx, batch, items...)
						if err == nil && string(again.Receipt) != string(res.Receipt) {
							t.Error("the same batch got another receipt")
						}
					}
					break
				}
			}
		})
	}
	for range rounds {
		was := answered.Load()
		waitFor(t, func() bool { return answered.Load() > was+3 })
		_ = wait.For(ctx, time.Duration(rand.IntN(60))*time.Millisecond)
		if err := child.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = child.Wait()
		child = startChild(t, c.dir, addr)
	}
	was := answered.Load()
	waitFor(t, func() bool { return answered.Load() > was })
	cancel()
	wg.Wait()
	_ = child.Process.Kill()
	_ = child.Wait()

	ids, err := c.store.IDs(t.Context(), p.id)
	if err != nil {
		t.Fatal(err)
	}
	held := make(map[record.EntryID]bool, len(ids))
	for _, id := range ids {
		held[id] = true
	}
	for id := range acknowledged {
		if !held[id] {
			t.Errorf("%s was acknowledged and is lost", id.Short())
		}
	}
	for batch, raw := range receipts {
		receipt, err := c.auth.Trust().Receipt([]byte(raw))
		if err != nil || receipt.Batch != batch {
			t.Errorf("receipt of batch %x: %v", batch, err)
		}
	}
	if failed.Load() == 0 || len(acknowledged) == 0 {
		t.Errorf("%d pushes failed and %d entries were acknowledged: the test shows nothing", failed.Load(), len(acknowledged))
	}
	t.Logf("%d kills: %d batches and %d entries acknowledged, %d held, %d pushes failed",
		rounds, answered.Load(), len(acknowledged), len(held), failed.Load())
}
