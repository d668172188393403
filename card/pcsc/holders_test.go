//go:build cgo

package pcsc_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/ebfe/scard"

	"github.com/dhamani-iq/dhamani/agent"
	"github.com/dhamani-iq/dhamani/card"
	"github.com/dhamani-iq/dhamani/card/pcsc"
)

// holdVariable names the reader that this test program, started again, holds
// until its standard input ends: alone, or with a transaction each line.
const holdVariable = "DHAMANI_TEST_HOLD"

func init() {
	second = func() (int, bool) {
		reader := os.Getenv(holdVariable)
		if reader == "" {
			return 0, false
		}
		return hold(reader), true
	}
}

func hold(reader string) int {
	ctx, err := scard.EstablishContext()
	if err != nil {
		return 1
	}
	defer func() { _ = ctx.Release() }()
	reader, shared := strings.CutPrefix(reader, "shared ")
	mode := scard.ShareExclusive
	if shared {
		mode = scard.ShareShared
	}
	h, err := ctx.Connect(reader, mode, scard.ProtocolAny)
	if err != nil {
		return 2
	}
	defer func() { _ = h.Disconnect(scard.LeaveCard) }()
	_, _ = fmt.Fprintln(os.Stdout, "held")
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		begun := time.Now()
		if err := h.BeginTransaction(); err != nil {
			return 3
		}
		answer, err := h.Transmit([]byte{0x00, 0xCA, 0x01, 0x51, 0x00}) // a word to the card, outside its session
		if err != nil || h.EndTransaction(scard.LeaveCard) != nil {
			return 4
		}
		_, _ = fmt.Fprintln(os.Stdout, len(answer), time.Since(begun).Microseconds())
	}
	return 0
}

// program starts the second program; say sends it a line and returns its answer.
func program(t *testing.T, reader string) (pid int, say func(string) string) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cmd := exec.CommandContext(ctx, self)
	cmd.Env = append(os.Environ(), holdVariable+"="+reader)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = in.Close()
		cancel()
		_ = cmd.Wait()
	})
	lines := bufio.NewReader(out)
	say = func(word string) string {
		t.Helper()
		if word != "" {
			if _, err := io.WriteString(in, word+"\n"); err != nil {
				t.Fatal(err)
			}
		}
		line, err := lines.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		return strings.TrimSpace(line)
	}
	if said := say(""); said != "held" {
		t.Fatalf("the second program says %q", said)
	}
	return cmd.Process.Pid, say
}

// TestBusyReaderNamesTheProgram: another program holds the card alone, and the
// error, the failure's words and the list of holders say which.
func TestBusyReaderNamesTheProgram(t *testing.T) {
	_, slot := service(t)
	insert(t, slot.Addr, atrA, echo)
	s := newService(t)
	_ = connect(t, s, slot.Reader).Close() // the card is seen
	pid, _ := program(t, slot.Reader)
	_, err := s.Connect(t.Context(), slot.Reader)
	var busy *pcsc.BusyError
	if !errors.Is(err, card.ErrBusy) || !errors.As(err, &busy) || busy.Reader != slot.Reader {
		t.Fatalf("connect: %v", err)
	}
	if runtime.GOOS != "linux" {
		return
	}
	found := false
	for _, p := range busy.Holders.Programs {
		found = found || p.PID == pid && p.Name != ""
		if p.PID == os.Getpid() {
			t.Error("this program is named")
		}
	}
	if !found || !busy.Holders.Told {
		t.Fatalf("holders %+v do not name process %d", busy.Holders, pid)
	}
	if want := fmt.Sprint(pid); !strings.Contains(err.Error(), want) || !strings.Contains(agent.Classify(err).Text["en"], want) {
		t.Errorf("%v; %v", err, agent.Classify(err).Text["en"])
	}
}

// TestSecondProgramHasItsTurn: while our connection is open and at rest, another
// program has the card at once, and ours goes on behind it.
func TestSecondProgramHasItsTurn(t *testing.T) {
	_, slot := service(t)
	insert(t, slot.Addr, atrA, echo)
	s := newService(t)
	mine := connect(t, s, slot.Reader)
	rest, ok := mine.(interface{ Rest() })
	if !ok {
		t.Fatal("no rest")
	}
	_, say := program(t, "shared "+slot.Reader)
	soonest := eventLimit
	for range 5 {
		if _, err := mine.Transmit(t.Context(), selectCommand); err != nil {
			t.Fatal(err)
		}
		rest.Rest()
		var n, took int
		if _, err := fmt.Sscan(say("turn"), &n, &took); err != nil || n < 2 {
			t.Fatalf("%d bytes, %v", n, err)
		}
		soonest = min(soonest, time.Duration(took)*time.Microsecond)
	}
	// Without the rest it would wait for 500 ms each time.
	if soonest > 400*time.Millisecond {
		t.Errorf("the second program waited at least %v although ours rested", soonest)
	}
}
