package main

import (
	"context"
	"errors"
	"fmt"
	"image"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/dhamani-iq/dhamani/biometric/scanner"
	"github.com/dhamani-iq/dhamani/internal/cli"
)

type scannerTestOptions struct {
	source scannerSource
	touch  bool // a finger is wanted as well
	wait   time.Duration
}

func newScannerTestCommand(g *globals) *cobra.Command {
	var opts scannerTestOptions
	cmd := &cobra.Command{
		Use:   "test",
		Short: "Test a scanner step by step",
		Long: `Test a scanner step by step: whether USB works, a scanner is plugged in, it may
be opened, it powers up, it gives an image, and the image shows something. The
last two steps want a finger; --no-finger leaves them out.`,
		Example: "  dhamani scanner test\n  dhamani scanner test --no-finger --json",
		Args:    cli.Args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := checkWait(cmd, opts.wait); err != nil {
				return err
			}
			session, err := opts.source.options(cmd)
			if err != nil {
				return err
			}
			if !g.json {
				session.Watch = guide(cmd.ErrOrStderr())
			}
			without, _ := cmd.Flags().GetBool("no-finger")
			opts.touch = !without
			return runScannerTest(cmd.Context(), cmd.OutOrStdout(), g, opts, session)
		},
	}
	opts.source.flags(cmd)
	cmd.Flags().Bool("no-finger", false, "leave out what needs a finger")
	cmd.Flags().DurationVar(&opts.wait, "wait", scanner.DefaultWait, "how long to wait for the finger")
	return cmd
}

var errFlatImage = errors.New("the image shows hardly anything")

// testStep is one step of scanner test.
type testStep struct {
	Step string  `json:"step"`
	OK   bool    `json:"ok"`
	MS   float64 `json:"ms"`
	Note string  `json:"note,omitempty"`
}

// runScannerTest goes on until a step fails, and returns its error.
func runScannerTest(ctx context.Context, out io.Writer, g *globals, opts scannerTestOptions, session scanner.Options) error {
	bus, err := opts.source.bus(g)
	if err != nil {
		return err
	}
	trial := scannerTrial{hub: scanner.NewHub(bus), opts: opts, session: session}
	steps := []struct {
		name string
		do   func(context.Context) (string, error)
	}{
		{"usb", trial.list}, {"scanner", trial.find}, {"open", trial.open}, {"image", trial.image}, {"contrast", trial.contrast}, {"close", trial.close},
	}
	var done []testStep
	for _, step := range steps {
		begin := time.Now()
		note, failed := step.do(ctx)
		if failed == nil && note == "" {
			continue // left out
		}
		line := testStep{Step: step.name, OK: failed == nil, MS: milliseconds(time.Since(begin)), Note: note}
		if failed != nil {
			line.Note = failed.Error()
		}
		done = append(done, line)
		if !g.json {
			fmt.Fprintf(out, "%-9s %-6s %8.1f ms  %s\n", line.Step, map[bool]string{true: "ok", false: "FAILED"}[line.OK], line.MS, line.Note)
		}
		if err = failed; err != nil {
			break
		}
	}
	if trial.running != nil {
		_ = trial.running.Close() //nolint:contextcheck // closing has its own time; the failure is told already
	}
	if g.json {
		if printed := cli.PrintJSON(out, map[string]any{"ok": err == nil, "steps": done}); printed != nil {
			return printed
		}
	}
	if err != nil {
		return fmt.Errorf("test scanner: %w", err)
	}
	return nil
}

// scannerTrial is what the steps of a test hand on.
type scannerTrial struct {
	hub     *scanner.Hub
	opts    scannerTestOptions
	session scanner.Options
	device  scanner.Device
	running *scanner.Session
	got     *image.Gray
}

func (t *scannerTrial) list(ctx context.Context) (string, error) {
	devices, err := t.hub.List(ctx)
	return fmt.Sprintf("%d scanners", len(devices)), err
}

func (t *scannerTrial) find(ctx context.Context) (note string, err error) {
	t.device, err = t.hub.Find(ctx, t.opts.source.name)
	return t.device.Name + " " + t.device.Model.Name, err
}

func (t *scannerTrial) open(ctx context.Context) (note string, err error) {
	t.running, err = t.hub.Take(ctx, t.device.Name, t.session)
	return "powered up", err
}

func (t *scannerTrial) image(ctx context.Context) (string, error) {
	if !t.opts.touch {
		return "", nil
	}
	img, err := t.running.Capture(ctx, scanner.Request{Wait: t.opts.wait})
	if err != nil {
		return "", err
	}
	t.got = img.Gray
	return fmt.Sprintf("%d x %d pixels, %.1f ms after the finger", img.Rect.Dx(), img.Rect.Dy(), milliseconds(img.Took)), nil
}

// minContrast is the least distance between the dark and the bright tenth of
// an image that shows a finger.
const minContrast = 30

func (t *scannerTrial) contrast(context.Context) (string, error) {
	if t.got == nil {
		return "", nil
	}
	var counts [256]int
	for _, p := range t.got.Pix {
		counts[p]++
	}
	dark, bright := percentile(counts, len(t.got.Pix)/10), percentile(counts, len(t.got.Pix)*9/10)
	if bright-dark < minContrast {
		return "", fmt.Errorf("contrast %d of 255: %w", bright-dark, errFlatImage)
	}
	return fmt.Sprintf("%d of 255", bright-dark), nil
}

func (t *scannerTrial) close(context.Context) (string, error) {
	s := t.running
	t.running = nil
	return "at rest", s.Close() //nolint:contextcheck // closing has its own time
}

// percentile is the grey below which n pixels lie.
func percentile(counts [256]int, n int) int {
	for grey, c := range counts {
		if n -= c; n < 0 {
			return grey
		}
	}
	return len(counts) - 1
}
