package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

var errKnown = errors.New("known")

var known = Table{{errKnown, 7, "do this"}, {errKnown, 8, "never reached"}}

func TestJudge(t *testing.T) {
	cmd := &cobra.Command{Use: "tool"}
	for _, tt := range []struct {
		name string
		err  error
		code int
		next string
	}{
		{"none", nil, ExitOK, ""},
		{"unknown", errors.New("unknown"), ExitFailed, ""},
		{"in the table", fmt.Errorf("open: %w", errKnown), 7, "do this"},
		{"wrong usage", WrongUsage(cmd, "bad flag: %w", errKnown), ExitUsage, "run 'tool --help'"},
		{"advised", fmt.Errorf("open: %w", Advise(errKnown, 3, "do that")), 3, "do that"},
		{"interrupted", fmt.Errorf("open: %w", errors.Join(context.Canceled, errKnown)), ExitInterrupted, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if code, next := known.Judge(tt.err); code != tt.code || next != tt.next {
				t.Fatalf("%d, %q; want %d, %q", code, next, tt.code, tt.next)
			}
		})
	}
	if !errors.Is(Advise(errKnown, 3, ""), errKnown) || !errors.Is(WrongUsage(cmd, "%w", errKnown), errKnown) {
		t.Fatal("the cause is lost")
	}
}

// tool is a program with one group and one command that fails with fail.
func tool(fail error, args ...string) (root *cobra.Command, out, errOut *bytes.Buffer) {
	leaf := &cobra.Command{Use: "leaf", Args: Args(cobra.NoArgs), RunE: func(*cobra.Command, []string) error { return fail }}
	root = Root(&cobra.Command{Use: "tool", Short: "Try the frame"}, Group(&cobra.Command{Use: "group", Short: "Hold a leaf"}, leaf))
	root.PersistentFlags().Bool("json", false, "answer in JSON")
	out, errOut = &bytes.Buffer{}, &bytes.Buffer{}
	root.SetOut(out)
	root.SetErr(errOut)
	root.SetArgs(args)
	return root, out, errOut
}

func TestRun(t *testing.T) {
	for _, tt := range []struct {
		line string
		fail error
		code int
		out  string // begins with
		err  string
	}{
		{"", nil, ExitOK, "Try the frame", ""},
		{"group", nil, ExitOK, "Hold a leaf", ""},
		{"--version", nil, ExitOK, "tool " + Version(), ""},
		{"group leaf", nil, ExitOK, "", ""},
		{"group leaf", errKnown, 7, "", "tool: known\n  next: do this\n"},
		{"group leaf", errors.New("unknown"), ExitFailed, "", "tool: unknown\n"},
		{"group leaf", context.Canceled, ExitInterrupted, "", "tool: interrupted\n"},
		{"--json group leaf", errKnown, 7, "", `{"error":"known","exit":7,"next":"do this"}` + "\n"},
		{"group leaf more", nil, ExitUsage, "", "tool: unknown command \"more\" for \"tool group leaf\"\n  next: run 'tool group leaf --help'\n"},
		{"group lead", nil, ExitUsage, "", "tool: there is no command \"lead\"; did you mean \"leaf\"?\n  next: run 'tool group --help'\n"},
		{"nothing", nil, ExitUsage, "", "tool: there is no command \"nothing\"\n  next: run 'tool --help'\n"},
		{"group --no", nil, ExitUsage, "", "tool: unknown flag: --no\n  next: run 'tool group --help'\n"},
		{"--json group --no", nil, ExitUsage, "", `{"error":"unknown flag: --no","exit":2,"next":"run 'tool group --help'"}` + "\n"},
	} {
		t.Run(tt.line, func(t *testing.T) {
			root, out, errOut := tool(tt.fail, strings.Fields(tt.line)...)
			if code := Run(root, known); code != tt.code {
				t.Errorf("exit code %d, want %d", code, tt.code)
			}
			if !strings.HasPrefix(out.String(), tt.out) || (tt.out == "") != (out.Len() == 0) {
				t.Errorf("printed %q, want %q", out, tt.out)
			}
			if errOut.String() != tt.err {
				t.Errorf("reported %q, want %q", errOut, tt.err)
			}
		})
	}
}

func TestNewLogger(t *testing.T) {
	for asJSON, want := range map[bool]string{false: "level=WARN msg=shown", true: `"level":"WARN","msg":"shown"`} {
		var out bytes.Buffer
		log := NewLogger(&out, slog.LevelWarn, asJSON)
		log.Info("hidden")
		log.Warn("shown")
		if !strings.Contains(out.String(), want) || strings.Contains(out.String(), "hidden") {
			t.Errorf("logged %q, want %q", &out, want)
		}
	}
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errKnown }

func TestPrintJSON(t *testing.T) {
	var out bytes.Buffer
	if err := PrintJSON(&out, map[string]string{"a": "<b>"}); err != nil || out.String() != "{\"a\":\"<b>\"}\n" {
		t.Fatalf("%q, %v", &out, err)
	}
	if err := PrintJSON(broken{}, 1); !errors.Is(err, errKnown) {
		t.Fatalf("%v", err)
	}
}
