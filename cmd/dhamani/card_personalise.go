package main

import (
	"bufio"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/dhamani-iq/dhamani/agent/personalise"
	"github.com/dhamani-iq/dhamani/card"
	"github.com/dhamani-iq/dhamani/card/pcsc"
	"github.com/dhamani-iq/dhamani/internal/cli"
	"github.com/dhamani-iq/dhamani/record/fhir"
)

type personaliseOptions struct {
	cardOptions
	bundle  string
	batch   string
	journal string
	hold    bool
	pinOut  string
	fingers []string
}

func newCardPersonaliseCommand(g *globals) *cobra.Command {
	var opts personaliseOptions
	cmd := &cobra.Command{
		Use:   "personalise",
		Short: "Make blank cards into patients' cards",
		Long: `Make a blank card into a patient's card: the chip makes its key, the centre
issues the card, the history of the patient's FHIR Bundle is sealed and sent to
the centre, and the card gets identity, cover, summary and the newest entries.

With --batch many are made, one after the other: from a folder of Bundles
(*.json, *.json.gz), or from a file that names one Bundle on each line. Put the
next blank card in when the last one is done; --wait says how long to wait for
it. A journal notes which patient got which card. After an interruption or a
card that failed run the same command again: what is done is passed over, a card
that was begun is finished, and a card that is lost is blocked when another
takes its place. --hold leaves the cards complete but not activated.

A card has no PIN and no fingers unless --pin-out and --finger say so. The centre
keeps the fingers too, and looks afterwards whether somebody else has the same;
that holds no card up and is told to nobody here ('dhamani-central review'). The file
of PINs is for the letters to the holders: only its owner may read it, a line is
in it before the card has the PIN, and of two lines of one card the later counts.
Put it where letters are printed, and delete it afterwards.

It needs the folder of a workstation with the role issuer (--home).`,
		Example: `  dhamani card personalise --home station --bundle amina.json
  dhamani card personalise --home station --batch patients/ --wait 2m
  dhamani card personalise --home station --batch today.txt --hold --json`,
		Args: cli.Args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if (opts.bundle == "") == (opts.batch == "") {
				return cli.WrongUsage(cmd, "give either --bundle or --batch")
			}
			if opts.batch != "" && len(opts.fingers) > 0 {
				return cli.WrongUsage(cmd, "fingers are one patient's: give --finger with --bundle")
			}
			if opts.batch != "" && !cmd.Flags().Changed("wait") {
				opts.wait = time.Minute
			}
			return runCardPersonalise(cmd.Context(), cmd.OutOrStdout(), cmd.ErrOrStderr(), g, opts)
		},
	}
	opts.addFlags(cmd)
	flags := cmd.Flags()
	flags.StringVar(&opts.bundle, "bundle", "", "FHIR Bundle of one patient")
	flags.StringVar(&opts.batch, "batch", "", "folder of Bundles, or a file that names one on each line")
	flags.StringVar(&opts.journal, "journal", "", "journal of cards (default: personalise.jsonl in the folder given with --home)")
	flags.StringVar(&opts.pinOut, "pin-out", "", "give each card a PIN and write it to this file, one card a line")
	flags.StringArrayVar(&opts.fingers, "finger", nil, "finger minutiae record of the holder (ISO/IEC 19794-2); may be repeated")
	flags.BoolVar(&opts.hold, "hold", false, "do not activate the cards; 'dhamani card activate' does")
	return cmd
}

// batchTries is how many cards one patient may use up in a batch.
const batchTries = 3

func runCardPersonalise(ctx context.Context, out, errOut io.Writer, g *globals, opts personaliseOptions) error {
	h, err := loadIssuer(g)
	if err != nil {
		return err
	}
	items, err := opts.items()
	if err != nil {
		return err
	}
	fingers, records, err := readFingers(opts.fingers)
	if err != nil {
		return err
	}
	journal, err := personalise.OpenJournal(journalPath(g, opts.journal))
	if err != nil {
		return err
	}
	defer journal.Close() //nolint:errcheck // every line is on disk already
	centre, err := h.Client(nil, g.log)
	if err != nil {
		return err
	}
	defer centre.Close()
	service := pcsc.New(g.log)
	bar := newProgressBar(errOut, len(items))
	feed := &feeder{service: service, opts: opts.cardOptions, ask: bar.show}
	b := &personalise.Batch{
		Station: personalise.Station{
			Readers: service, Centre: centre, Author: h.Author, Trust: h.Trust, Fingers: fingers, Records: records, PIN: opts.pins(),
			Progress: func(step string, done, total int) {
				if total > 0 {
					step = fmt.Sprintf("%s %d/%d", step, done, total)
				}
				bar.show(step)
			},
		},
		Journal: journal, Next: feed.next, Hold: opts.hold, Tries: 1,
	}
	if opts.batch != "" {
		b.Tries = batchTries
	}
	b.Tell = func(o personalise.Outcome, done, _ int) {
		bar.done = done
		switch {
		case o.State == personalise.StateBegun:
			bar.say(errOut, "%s: card %s: %s", o.Source, o.Card, o.Problem)
		case !g.json && !o.Already:
			bar.clear()
			fmt.Fprintln(out, outcomeLine(o))
		}
	}
	report, err := b.Run(ctx, items)
	bar.clear()
	if printed := printReport(out, g, opts, report); err != nil || printed != nil {
		return errors.Join(centreAdvice(err), printed)
	}
	if report.Failed > 0 {
		return cli.Advise(fmt.Errorf("%d of %d patients got no card", report.Failed, report.Total), cli.ExitFailed,
			"correct what the report names, then run the same command again: what is done is passed over")
	}
	return nil
}

// outcomeLine tells what became of one patient.
func outcomeLine(o personalise.Outcome) string {
	if !o.State.Done() {
		return fmt.Sprintf("%s: FAILED: %s", o.Source, o.Problem)
	}
	line := fmt.Sprintf("%s: card %s, patient %s, %d of %d entries on it", o.Source, o.Card, o.Patient, o.OnCard, o.Entries)
	if o.State == personalise.StateHeld {
		line += ", not activated"
	}
	if len(o.LeftOut) > 0 {
		line += "; " + leftOut(o.Fingers, o.LeftOut)
	}
	return line
}

// leftOut tells of the fingers that the centre has not taken, and why.
func leftOut(taken int, why []string) string {
	return fmt.Sprintf("the centre could not use %d of %d fingers: %s", len(why), taken+len(why), strings.Join(why, ", "))
}

// printReport prints the end of the report, also of a batch that ended early.
func printReport(out io.Writer, g *globals, opts personaliseOptions, r personalise.Report) error {
	switch {
	case g.json:
		return cli.PrintJSON(out, r)
	case opts.batch != "":
		fmt.Fprintf(out, "%d of %d cards made, %d made before, %d failed, %d left\n", r.Made, r.Total, r.Already, r.Failed, r.Left)
	case r.Already > 0:
		fmt.Fprintf(out, "made before: %s\n", outcomeLine(r.Items[0]))
	}
	return nil
}

func journalPath(g *globals, named string) string {
	if named != "" {
		return named
	}
	return filepath.Join(g.home, "personalise.jsonl")
}

// items lists the Bundles and takes their digests.
func (o *personaliseOptions) items() ([]personalise.Item, error) {
	paths := []string{o.bundle}
	if o.batch != "" {
		var err error
		if paths, err = batchPaths(o.batch); err != nil {
			return nil, cli.Advise(err, cli.ExitUsage, "name a folder with Bundles (*.json, *.json.gz), or a file that names one on each line")
		}
	}
	items := make([]personalise.Item, 0, len(paths))
	for _, path := range paths {
		digest, err := digestFile(path)
		if err != nil {
			return nil, fmt.Errorf("read bundle: %w", err)
		}
		items = append(items, personalise.Item{Source: path, Digest: digest, Load: func() (*fhir.Bundle, error) {
			bundle, _, err := readBundle(path, nil)
			return bundle, err
		}})
	}
	return items, nil
}

func digestFile(path string) (d personalise.Digest, err error) {
	f, err := os.Open(path) // #nosec G304 -- the caller names the file
	if err != nil {
		return d, err
	}
	defer f.Close() //nolint:errcheck // only read
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return d, err
	}
	return personalise.Digest(h.Sum(nil)), nil
}

// maxBatch bounds the Bundles of one batch.
const maxBatch = 100_000

// batchPaths lists the files of a folder, in order, or those that a file names;
// empty lines and those that begin with # do not count, and a name is relative
// to the file's folder.
func batchPaths(path string) ([]string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("read batch: %w", err)
	}
	var paths []string
	if info.IsDir() {
		for _, pattern := range []string{"*.json", "*.json.gz"} {
			found, err := filepath.Glob(filepath.Join(path, pattern))
			if err != nil {
				return nil, fmt.Errorf("read batch: %w", err)
			}
			paths = append(paths, found...)
		}
		slices.Sort(paths)
	} else if paths, err = linesOf(path); err != nil {
		return nil, fmt.Errorf("read batch: %w", err)
	}
	if n := len(paths); n == 0 || n > maxBatch {
		return nil, fmt.Errorf("read batch: %s names %d bundles, want 1 to %d", path, n, maxBatch)
	}
	return paths, nil
}

func linesOf(path string) ([]string, error) {
	f, err := os.Open(path) // #nosec G304 -- the caller names the file
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // only read
	var paths []string
	for lines := bufio.NewScanner(f); ; {
		if !lines.Scan() || len(paths) > maxBatch {
			return paths, lines.Err()
		}
		name := strings.TrimSpace(lines.Text())
		if name == "" || strings.HasPrefix(name, "#") {
			continue
		}
		if !filepath.IsAbs(name) {
			name = filepath.Join(filepath.Dir(path), name)
		}
		paths = append(paths, name)
	}
}

// errNotComplete is returned for a card that this desk did not finish.
var errNotComplete = errors.New("card was not completed at this desk")

func newCardActivateCommand(g *globals) *cobra.Command {
	var opts cardOptions
	var journal string
	cmd := &cobra.Command{
		Use:   "activate",
		Short: "Activate a card that was personalised with --hold",
		Long: `Activate a card that was personalised with --hold: from then on it can be used,
and its content can be changed by entries only. A card whose personalisation was
interrupted is not activated; run 'dhamani card personalise' again.`,
		Example: "  dhamani card activate --home station",
		Args:    cli.Args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runCardActivate(cmd.Context(), cmd.OutOrStdout(), g, opts, journal)
		},
	}
	opts.addFlags(cmd)
	cmd.Flags().StringVar(&journal, "journal", "", "journal of cards (default: personalise.jsonl in the folder given with --home)")
	return cmd
}

func runCardActivate(ctx context.Context, out io.Writer, g *globals, opts cardOptions, path string) error {
	if _, err := loadIssuer(g); err != nil {
		return err
	}
	journal, err := personalise.OpenJournal(journalPath(g, path))
	if err != nil {
		return err
	}
	defer journal.Close() //nolint:errcheck // every line is on disk already
	service := pcsc.New(g.log)
	reader, err := chooseReader(ctx, service, opts)
	if err != nil {
		return err
	}
	transport, err := service.Connect(ctx, reader)
	if err != nil {
		return err
	}
	blank, err := card.OpenBlank(ctx, transport)
	if err != nil {
		return errors.Join(err, transport.Close())
	}
	defer func() { _ = blank.Close() }()
	id := blank.Info().ID
	bundle, made, found := journal.Holder(id)
	if !found || !made.State.Done() {
		return cli.Advise(fmt.Errorf("activate card %s: %w", id, errNotComplete), exitRefused,
			"run 'dhamani card personalise' for its patient again")
	}
	if err := blank.Activate(ctx); err != nil {
		return err
	}
	err = journal.Note(personalise.Line{
		Bundle: bundle, State: personalise.StateWhole, Card: id, Patient: made.Patient, Entries: made.Entries, OnCard: made.OnCard,
	})
	return errors.Join(err, printLife(out, g, lifeAnswer{Card: id, State: card.StateOperational.String()}))
}
