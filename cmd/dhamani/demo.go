package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/dhamani-iq/dhamani/internal/cli"
)

// demoOptions are the flags of the demo.
type demoOptions struct {
	bundle  string // FHIR R4 Bundle of one patient; empty: one of our own
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
		Long: `demo makes a centre with its trust anchor, three workstations and a soft card,
and carries out the main job: the card is personalised from a FHIR Bundle,
tapped through the real PC/SC service at one agent, read, shown on the page,
given one new encounter, synchronised, and tapped at a second agent that has
never seen it. In the end it compares what card, agents and centre hold.

It needs a running PC/SC service with the virtual reader of vsmartcard
(Debian: vsmartcard-vpcd), and dhamanid and dhamani-central beside this program.

Exit codes: 0 all of them hold the same entries, 1 they do not or a step failed.`,
		Example: `  dhamani demo
  dhamani demo --keep
  dhamani demo --offline
  dhamani demo --bundle patient.json --json`,
		Args: cli.Args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runDemo(cmd.Context(), g, opts, cmd.OutOrStdout())
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&opts.bundle, "bundle", "", "FHIR R4 Bundle of one patient (.json or .json.gz)")
	flags.BoolVar(&opts.keep, "keep", false, "leave everything running and print the page's address")
	flags.BoolVar(&opts.offline, "offline", false, "switch the centre off during the visit, and on again afterwards")
	flags.StringVar(&opts.dir, "dir", "", "folder for the demo's files (default: a temporary one, removed at the end)")
	flags.StringVar(&opts.bin, "bin", "", "folder of dhamanid and dhamani-central (default: beside this program)")
	_ = cmd.MarkFlagDirname("dir")
	_ = cmd.MarkFlagDirname("bin")
	return cmd
}

// demoReport is the last line of the demo with --json.
type demoReport struct {
	OK        bool       `json:"ok"`
	Identical bool       `json:"identical"`
	APDUs     int        `json:"apdus"`   // of the first tap and the append
	Bytes     int        `json:"bytes"`   // both ways, of the same
	Entries   int        `json:"entries"` // that the centre holds of the patient
	OnCard    int        `json:"on_card"` // that the card holds
	Page      string     `json:"page,omitempty"`
	Error     string     `json:"error,omitempty"`
	Steps     []demoStep `json:"steps"`
}

type demoStep struct {
	Name string  `json:"name"`
	MS   float64 `json:"ms"`
}

// demo is one run. All of it belongs to one goroutine.
type demo struct {
	g      *globals
	opts   demoOptions
	out    io.Writer
	report demoReport
	world  *world
}

func runDemo(ctx context.Context, g *globals, opts demoOptions, out io.Writer) error {
	d := &demo{g: g, opts: opts, out: out}
	err := d.run(ctx)
	d.report.OK = err == nil && d.report.Identical
	if err == nil && !d.report.Identical {
		err = errors.New("card, agents and centre do not hold the same entries")
	}
	if err != nil {
		d.report.Error = err.Error()
	}
	if g.json {
		if perr := cli.PrintJSON(out, d.report); perr != nil {
			err = errors.Join(err, perr)
		}
	}
	return err
}

func (d *demo) run(ctx context.Context) (err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	d.world, err = newWorld(d.opts, d.g.log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.world.close()) }()
	steps := []struct {
		name string
		do   func(context.Context) (string, error)
	}{
		{"find the virtual readers", d.findReaders},
		{"start the centre", d.startCentre},
		{"enrol three workstations", d.enrol},
		{"read the patient's bundle", d.importPatient},
		{"personalise the card", d.personalise},
		{"start the first agent", d.startFirst},
		{"switch the centre off", d.centreOff},
		{"tap the card", d.tapFirst},
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
			return fmt.Errorf("%s: %w%s", s.name, err, d.world.lastWords())
		}
		d.say("%9s  %-26s %s", took.Round(time.Millisecond), s.name, said)
	}
	if d.opts.keep {
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
	code, err := d.world.first.api.PageCode(ctx)
	if err != nil {
		return fmt.Errorf("page address: %w", err)
	}
	d.report.Page = code.URL
	fmt.Fprintf(os.Stderr, "\nThe card lies on the second reader. The first agent's page (the code works once):\n  %s\nEnd with Ctrl-C.\n", code.URL)
	<-ctx.Done()
	return nil
}
