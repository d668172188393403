package cache

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/dhamani-iq/dhamani/crypto/envelope"
	"github.com/dhamani-iq/dhamani/record"
	"github.com/dhamani-iq/dhamani/sync/wire"
)

// childEnv names the file that a child process writes until it is killed.
const childEnv = "DHAMANI_CACHE_TEST_CHILD"

// childEntries is the number of entries that children write, one after another.
const childEntries = 60

// childMain takes every entry through its life, from wherever the child before
// was killed. It says on standard output what is durable by now.
func childMain(path string) {
	c, err := Open(path, testKey, discard())
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(3)
	}
	for i := range childEntries {
		sealed := childEntry(i)
		id := envelope.IDOf(sealed)
		steps := []func() error{
			func() error { return c.Begin(pendingOf(ahmed, cardA, sealed)) },
			func() error {
				if i%5 == 0 {
					return errors.Join(ignoreNotFound(c.CommitUnknown(id, audit("append"))))
				}
				return nil
			},
			func() error { return c.Commit(id, Placed{Head: bytes.Repeat([]byte{byte(i)}, 52)}, audit("append")) },
			func() error {
				if i%7 == 0 {
					return c.Acknowledge([]wire.Result{{ID: id, Status: wire.StatusRejected, Code: "signature"}}, nil)
				}
				return c.Acknowledge(accepted(id), []byte("receipt"))
			},
			func() error {
				return c.ApplyChanges([]wire.Envelope{{Patient: zahra, Sealed: childEntry(1000 + i)}}, fmt.Sprintf("1.%d", i))
			},
		}
		for n, step := range steps {
			if err := step(); err != nil {
				fmt.Fprintf(os.Stderr, "entry %d step %d: %v\n", i, n, err)
				os.Exit(4)
			}
			fmt.Printf("%d %d\n", i, n)
		}
	}
	fmt.Println("done")
	for {
		time.Sleep(time.Hour)
	}
}

func ignoreNotFound(err error) error {
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	return err
}

func childEntry(i int) []byte { return sealedEntry(&testing.B{}, i, i, 100+i) }

// TestKilled kills a writing process between and inside its steps, over and
// over, and checks after each time that the file is sound, that the invariants
// hold, and that everything it had said was durable is there.
func TestKilled(t *testing.T) {
	rounds := 40
	if testing.Short() {
		rounds = 8
	}
	path := filepath.Join(t.TempDir(), "cache.db")
	done := 0
	for round := range rounds {
		said := runChild(t, path, time.Duration(rand.IntN(60))*time.Millisecond)
		c := openAt(t, path)
		checkInvariants(t, c)
		checkSaid(t, c, said)
		if bytes.Contains(said, []byte("done")) {
			done++
		}
		must(t, c.Close())
		if t.Failed() {
			t.Fatalf("round %d", round)
		}
		if done > 0 { // begin a new file
			path = filepath.Join(t.TempDir(), "cache.db")
			done = 0
		}
	}
}

// runChild starts a writer, waits for its first word and then for d, and kills it.
func runChild(t *testing.T, path string, d time.Duration) []byte {
	t.Helper()
	exe, err := os.Executable()
	must(t, err)
	cmd := exec.CommandContext(t.Context(), exe)
	cmd.Env = append(os.Environ(), childEnv+"="+path)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	said := make([]byte, 0, 1<<16)
	buf := make([]byte, 1<<12)
	first := true
	for {
		n, err := out.Read(buf)
		said = append(said, buf[:n]...)
		if first && n > 0 {
			first = false
			time.AfterFunc(d, func() { _ = cmd.Process.Kill() })
		}
		if err != nil {
			break
		}
	}
	err = cmd.Wait()
	if stderr.Len() > 0 || err == nil {
		t.Fatalf("child: %v, %s", err, stderr.String())
	}
	return said
}

// checkSaid compares the cache with the last whole line that the child wrote.
func checkSaid(t *testing.T, c *Cache, said []byte) {
	t.Helper()
	lines := bytes.Split(said, []byte("\n"))
	var entry, step int
	for _, line := range lines[:len(lines)-1] {
		if _, err := fmt.Sscanf(string(line), "%d %d", &entry, &step); err != nil {
			continue
		}
	}
	history, err := c.History(ahmed)
	must(t, err)
	kept := make(map[record.EntryID]Entry)
	for _, e := range history {
		kept[e.ID] = e
	}
	pendings, err := c.AllPendings()
	must(t, err)
	begun := make(map[record.EntryID]bool)
	for _, p := range pendings {
		begun[p.ID] = !p.Unknown
	}
	for i := range entry + 1 {
		id := envelope.IDOf(childEntry(i))
		e, ok := kept[id]
		if !ok && !begun[id] {
			t.Errorf("entry %d was begun, and is neither pending nor committed", i)
		}
		if ok && begun[id] {
			t.Errorf("entry %d is pending and committed", i)
		}
		committed := i < entry || step >= 2
		answered := i < entry || step >= 3
		if committed && !ok {
			t.Errorf("entry %d was committed and is gone", i)
		}
		if answered && (e.Queued || e.Refused != (i%7 == 0)) {
			t.Errorf("entry %d was answered and is queued %v, refused %v", i, e.Queued, e.Refused)
		}
	}
	if step == 4 {
		var at int
		cursor, err := c.Cursor()
		must(t, err)
		if _, err := fmt.Sscanf(cursor, "1.%d", &at); err != nil || at < entry {
			t.Errorf("cursor %q after entry %d", cursor, entry)
		}
	}
}

func TestLockedByAnotherProcess(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cache.db")
	exe, err := os.Executable()
	must(t, err)
	cmd := exec.CommandContext(t.Context(), exe)
	cmd.Env = append(os.Environ(), childEnv+"="+path)
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	_, err = out.Read(make([]byte, 1))
	must(t, err)
	began := time.Now()
	if _, err := Open(path, testKey, discard()); !errors.Is(err, ErrLocked) {
		t.Errorf("got %v, want %v", err, ErrLocked)
	}
	if took := time.Since(began); took > time.Minute {
		t.Errorf("took %s to say so", took)
	}
	must(t, cmd.Process.Kill())
	_ = cmd.Wait()
	openAt(t, path)
}
