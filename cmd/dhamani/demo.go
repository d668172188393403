package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/dhamani-iq/dhamani/internal/cli"
)

// demoOptions are the flags of the demo.
type demoOptions struct {
	bundle  string // FHIR R4 Bundle of one patient, "-" on standard input; empty: one of our own
	keep    bool   // leave everything running
	offline bool   // the centre is off during the visit
	dir     string // where the demo's folders are made; empty: a temporary one
	bin     string // folder of the other two programs; empty: beside this one
}

func newDemoCommand(g *globals) *cobra.Command {
	var opts demoOptions
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Show the whole main job on a soft card and the real PC/SC stack",
		Long: `demo makes a centre with its trust anchor, three workstations, a physician for
each clinic and a soft card, and carries out the main job: the card is personalised from a FHIR Bundle,
tapped through the real PC/SC service at one agent, read, its holder's finger is
taken at a soft scanner and compared by the card and by the agent (a stranger's
is refused by both), shown on the page, given one new encounter, synchronised,
and tapped at a second agent that has never seen it. In the end it compares what card, agents and centre hold.

It needs a running PC/SC service with the virtual reader of vsmartcard
(Debian: vsmartcard-vpcd), and dhamanid and dhamani-central beside this program.

Exit codes: 0 all of them hold the same entries, 1 they do not or a step failed.`,
		Example: `  dhamani demo
  dhamani demo --keep
  dhamani demo --offline
  dhamani demo --bundle patient.json --json`,
		Args: cli.Args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runDemo(cmd.Context(), g, opts, cmd.InOrStdin(), cmd.OutOrStdout())
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&opts.bundle, "bundle", "", "FHIR R4 Bundle of one patient (.json or .json.gz, - for standard input)")
	flags.BoolVar(&opts.keep, "keep", false, "leave everything running and print the page's address")
	flags.BoolVar(&opts.offline, "offline", false, "switch the centre off during the visit, and on again afterwards")
	flags.StringVar(&opts.dir, "dir", "", "folder for the demo's files (default: a temporary one, removed at the end)")
	flags.StringVar(&opts.bin, "bin", "", "folder of dhamanid and dhamani-central (default: beside this program)")
	_ = cmd.MarkFlagDirname("dir")
	_ = cmd.MarkFlagDirname("bin")
	return cmd
}

// demoReport is the last line of the demo with --json. tools/with-pcscd.sh and
// the Makefile print its like for failures outside of this program.
type demoReport struct {
	OK        bool        `json:"ok"`
	Identical bool        `json:"identical"`
	APDUs     int         `json:"apdus"`           // of the first tap, the fingers and the append
	Bytes     int         `json:"bytes"`           // both ways, of the same
	Entries   int         `json:"entries"`         // that the centre holds of the patient
	OnCard    int         `json:"on_card"`         // that the card holds
	Verified  bool        `json:"finger_verified"` // the patient's finger, by card and host
	Fingers   []demoTrial `json:"fingers,omitempty"`
	Page      string      `json:"page,omitempty"`
	Error     string      `json:"error,omitempty"`
	Steps     []demoStep  `json:"steps"`
	Log       []string    `json:"log,omitempty"` // of a failed demo: how its programs' logs end
}

type demoStep struct {
	Name string  `json:"name"`
	MS   float64 `json:"ms"`
}

// demo is one run. All of it belongs to one goroutine.
type demo struct {
	g      *globals
	opts   demoOptions
	in     io.Reader
	out    io.Writer
	report demoReport
	world  *world
}

func runDemo(ctx context.Context, g *globals, opts demoOptions, in io.Reader, out io.Writer) error {
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGHUP) // the terminal was closed
	defer stop()
	d := &demo{g: g, opts: opts, in: in, out: out, report: demoReport{Steps: []demoStep{}}}
	err := d.run(ctx)
	if err == nil && !d.report.Identical {
		err = errNotIdentical
	}
	if err == nil && opts.keep {
		return nil // it was reported before the wait
	}
	return errors.Join(err, d.conclude(err))
}

var errNotIdentical = errors.New("card, agents and centre do not hold the same entries")

// conclude prints the report: with --json as the last line, else only what the
// programs said before the demo failed.
func (d *demo) conclude(err error) error {
	d.report.OK = err == nil
	if err != nil {
		d.report.Error = err.Error()
		if d.world != nil {
			d.report.Log = d.world.lastWords()
		}
	}
	if d.g.json {
		return cli.PrintJSON(d.out, d.report)
	}
	if err != nil && !errors.Is(err, context.Canceled) {
		for _, line := range d.report.Log {
			fmt.Fprintln(os.Stderr, line)
		}
	}
	return nil
}

func (d *demo) run(ctx context.Context) (err error) {
	d.world, err = newWorld(d.opts, d.g.log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.world.close()) }()
	steps := []struct {
		name string
		do   func(context.Context) (string, error)
	}{
		{"read the patient's bundle", d.importPatient},
		{"find the virtual readers", d.findReaders},
		{"start the centre", d.startCentre},
		{"plug a scanner in", d.startScanner},
		{"enrol three workstations", d.enrol},
		{"enrol two fingers", d.enrolFingers},
		{"personalise the card", d.personalise},
		{"start the first agent", d.startFirst},
		{"sign the physician in", func(ctx context.Context) (string, error) { return d.world.first.signIn(ctx) }},
		{"switch the centre off", d.centreOff},
		{"tap the card", d.tapFirst},
		{"verify the finger", d.verifyFinger},
		{"show it on the page", d.showPage},
		{"append an encounter", d.append},
		{"switch the centre on", d.centreOn},
		{"synchronise", d.synchronise},
		{"tap at a second agent", d.tapSecond},
		{"compare", d.compare},
	}
	for _, s := range steps {
		begin := time.Now()
		said, err := s.do(ctx)
		if errors.Is(err, errSkipped) {
			continue
		}
		took := time.Since(begin)
		d.report.Steps = append(d.report.Steps, demoStep{s.name, float64(took.Microseconds()) / 1000})
		if err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		d.say("%9s  %-26s %s", took.Round(time.Millisecond), s.name, said)
	}
	if d.opts.keep && d.report.Identical {
		return d.stay(ctx)
	}
	return nil
}

// errSkipped marks a step that this run of the demo does not have.
var errSkipped = errors.New("step left out")

// say prints a line for people; with --json only the last line is printed.
func (d *demo) say(format string, args ...any) {
	if !d.g.json {
		fmt.Fprintf(d.out, format+"\n", args...)
	}
}

// stay leaves everything running until the program is interrupted.
func (d *demo) stay(ctx context.Context) error {
	fmt.Fprintln(os.Stderr, "\nThe card lies on the second reader. The pages (each code works once):")
	for _, ws := range []*workstation{d.world.first, d.world.second} {
		code, err := ws.api.PageCode(ctx)
		if err != nil {
			return fmt.Errorf("page address: %w", err)
		}
		d.report.Page = code.URL // at last of the agent that has the card
		fmt.Fprintf(os.Stderr, "  %-6s agent: %s\n", ws.name, code.URL)
		fmt.Fprintf(os.Stderr, "                until %s; a fresh one: %s page --home %s\n",
			code.Expires.Local().Format(time.TimeOnly), os.Args[0], ws.dir)
	}
	if d.g.json {
		if err := d.conclude(nil); err != nil {
			return err
		}
	}
	fmt.Fprintf(os.Stderr, "%s is signed in at both; should the pages lock, the passphrases of %s are\n  %s (first) and %s (second).\n",
		demoName, demoOperator, d.world.first.secret.Reveal(), d.world.second.secret.Reveal())
	fmt.Fprintln(os.Stderr, "End with Ctrl-C.")
	<-ctx.Done()
	return nil
}
