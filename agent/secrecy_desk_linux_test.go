//go:build !race

// The race detector keeps a shadow of the memory, which is too large to search.

package agent

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/tls"
	"encoding/binary"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"testing"
	"time"

	"github.com/dhamani-iq/dhamani/cache"
	"github.com/dhamani-iq/dhamani/card"
	"github.com/dhamani-iq/dhamani/crypto/envelope"
	"github.com/dhamani-iq/dhamani/crypto/trust"
	"github.com/dhamani-iq/dhamani/internal/redact"
	"github.com/dhamani-iq/dhamani/record"
	"github.com/dhamani-iq/dhamani/sync/client"
)

// secrecyDir names the folder with deskFile in the environment of a process
// that is to be a workstation.
const secrecyDir = "DHAMANI_SECRECY_DESK"

// deskFile is all that a workstation with one operator holds: no more of the
// patient than that goes to the process.
type deskFile struct {
	Role          string
	Chain         [][]byte
	Terminal      []byte // private key
	Author        []byte // private key
	Root          []byte // public key
	Trust, Block  []byte
	CacheKey      [32]byte
	Vault         [32]byte
	PIN           string // of the patient, who verifies when it is not empty
	Socket, Cache string
}

// TestSecrecyDesk is no test: it is the workstation of TestSecrecyByRole, in a
// process of its own that has never seen what the card holds. It taps, shows
// the holder and the child, says "open" and waits; signs out, says "out" and
// waits again.
func TestSecrecyDesk(t *testing.T) {
	dir := os.Getenv(secrecyDir)
	if dir == "" {
		t.Skip("only as a process of TestSecrecyByRole")
	}
	debug.SetGCPercent(20)
	raw, err := os.ReadFile(filepath.Join(dir, "desk.json"))
	if err != nil {
		t.Fatal(err)
	}
	var f deskFile
	if err := json.Unmarshal(raw, &f); err != nil {
		t.Fatal(err)
	}
	root := must[*ecdsa.PublicKey](t)(ecdsa.ParseUncompressedPublicKey(elliptic.P256(), f.Root))
	terminal := must[*ecdsa.PrivateKey](t)(ecdsa.ParseRawPrivateKey(elliptic.P256(), f.Terminal))
	author := must[*ecdsa.PrivateKey](t)(ecdsa.ParseRawPrivateKey(elliptic.P256(), f.Author))
	lists := trust.NewStore(root)
	if err := lists.UpdateTrust(f.Trust); err != nil {
		t.Fatal(err)
	}
	if err := lists.UpdateBlock(f.Block); err != nil {
		t.Fatal(err)
	}
	store := must[*cache.Cache](t)(cache.Open(f.Cache, f.CacheKey, slog.New(slog.DiscardHandler)))
	op := Operator{
		ID: "operator", Role: f.Role, Terminal: card.Terminal{Chain: f.Chain, Signer: terminal},
		Author: envelope.Author{KID: trust.KIDOf(&author.PublicKey), Signer: author}, Vault: f.Vault,
	}
	readers := &socketReaders{path: f.Socket, insert: make(chan struct{})}
	a := must[*Agent](t)(New(Config{
		Version: "test", Facility: 101, Role: "none", Author: op.Author, Readers: readers, Cache: store, Trust: lists,
		Log: slog.New(slog.DiscardHandler),
		Centre: func(s client.Store) (*client.Client, error) {
			return client.New(client.Config{
				BaseURL: "https://127.0.0.1:1", TLS: &tls.Config{MinVersion: tls.VersionTLS13},
				Verify: func([]byte, [16]byte, []record.EntryID) error { return client.ErrProtocol },
				Accept: func(string, []byte) (uint64, error) { return 0, client.ErrProtocol },
			}, s)
		},
	}))
	events, cancel := a.Subscribe(0)
	defer cancel()
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- a.Run(ctx) }()
	a.SignIn(op)
	close(readers.insert)
	visit := ""
	for ev := range events {
		if ev.Kind == KindFailure {
			t.Fatalf("failure %s", ev.Failure.Code)
		}
		if ev.Kind == KindRecordsReady {
			visit = ev.Visit
			break
		}
	}
	if f.PIN != "" {
		if err := a.Verify(ctx, visit, Proof{PIN: redact.NewString(f.PIN)}); err != nil {
			t.Fatal(err)
		}
	}
	child, err := a.ShowPerson(ctx, visit, 2) // still on somebody's screen when the search begins
	if err != nil || len(child.Entries) != 1 {
		t.Fatalf("show the child: %d entries, %v", len(child.Entries), err)
	}
	holder, err := a.ShowPerson(ctx, visit, 0)
	if err != nil || len(holder.Entries) != 1 {
		t.Fatalf("show the holder: %d entries, %v", len(holder.Entries), err)
	}
	input := bufio.NewReader(os.Stdin)
	say := func(word string) {
		if _, err := os.Stdout.WriteString(word + "\n"); err != nil {
			t.Fatal(err)
		}
		if _, err := input.ReadString('\n'); err != nil {
			t.Fatal(err)
		}
	}
	say("open")
	a.SignOut()
	// The reader's goroutine lets its session go on its own; a call of it waits
	// for that.
	if err := a.atReader(ctx, readerName, func(*reader) error { return nil }); err != nil {
		t.Fatal(err)
	}
	if err := store.Close(); err != nil { // so that another may look into the file
		t.Fatal(err)
	}
	runtime.KeepAlive(child)
	runtime.KeepAlive(holder)
	for range 3 {
		runtime.GC()
	}
	debug.FreeOSMemory()
	say("out")
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// socketReaders is one reader whose card answers through a unix socket.
type socketReaders struct {
	path   string
	insert chan struct{}
}

func (s *socketReaders) Watch(ctx context.Context, emit func(card.Event)) error {
	emit(card.Event{Kind: card.ReaderAdded, Reader: readerName, At: time.Now()})
	select {
	case <-s.insert:
		emit(card.Event{Kind: card.CardInserted, Reader: readerName, At: time.Now()})
		<-ctx.Done()
	case <-ctx.Done():
	}
	return ctx.Err()
}

func (s *socketReaders) Connect(ctx context.Context, _ string) (card.Transport, error) {
	conn, err := new(net.Dialer).DialContext(ctx, "unix", s.path)
	if err != nil {
		return nil, err
	}
	atr, err := readFrame(conn)
	return &socketCard{conn, atr}, err
}

// socketCard carries commands as length u32 || bytes, and answers likewise.
type socketCard struct {
	net.Conn
	atr []byte
}

func (c *socketCard) ATR() []byte { return c.atr }

func (c *socketCard) Transmit(_ context.Context, cmd []byte) ([]byte, error) {
	if err := writeFrame(c.Conn, cmd); err != nil {
		return nil, card.ErrRemoved
	}
	answer, err := readFrame(c.Conn)
	if err != nil {
		return nil, card.ErrRemoved
	}
	return answer, nil
}

func writeFrame(w io.Writer, b []byte) error {
	_, err := w.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(b))), b...))
	return err
}

func readFrame(r io.Reader) ([]byte, error) {
	var n [4]byte
	if _, err := io.ReadFull(r, n[:]); err != nil {
		return nil, err
	}
	b := make([]byte, binary.BigEndian.Uint32(n[:]))
	_, err := io.ReadFull(r, b)
	return b, err
}

// serveCard answers at a socket with a card, until the test ends.
func serveCard(tb testing.TB, path string, connect func() card.Transport) {
	tb.Helper()
	listener, err := new(net.ListenConfig).Listen(tb.Context(), "unix", path)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			transport := connect()
			if err := writeFrame(conn, transport.ATR()); err != nil {
				continue
			}
			for {
				cmd, err := readFrame(conn)
				if err != nil {
					break
				}
				answer, err := transport.Transmit(context.Background(), cmd)
				if err != nil || writeFrame(conn, answer) != nil {
					break
				}
			}
			_, _ = transport.Close(), conn.Close()
		}
	}()
}
