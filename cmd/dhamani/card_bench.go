package main

import (
	"context"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/dhamani-iq/dhamani/card"
	"github.com/dhamani-iq/dhamani/card/softcard"
	"github.com/dhamani-iq/dhamani/internal/cli"
)

// benchOptions choose what card bench models.
type benchOptions struct {
	link  string // name of the link
	short bool   // short APDUs only
}

func newCardBenchCommand(g *globals) *cobra.Command {
	var opts benchOptions
	cmd := &cobra.Command{
		Use:   "bench",
		Short: "Tell how long a card takes over a visit, by the model of the card",
		Long: `Tell how long a card of the J3R180 class takes over a tap (authentication,
identity, summary and head of the log), over reading 16 KB of log and over an
append of 500 bytes. The host's own code talks to an emulated card whose model
adds up link, cryptography and memory; nothing sleeps and no reader is needed.
The floor is the time of the same content without any command around it, with
the computation that it asks for: docs/formats/card.md says what counts.`,
		Example: "  dhamani card bench\n  dhamani card bench --link 106k --short --json",
		Args:    cli.Args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runCardBench(cmd.Context(), cmd.OutOrStdout(), g, opts)
		},
	}
	cmd.Flags().StringVar(&opts.link, "link", "424k", "link of the card: 106k, 212k, 424k, 848k or t1")
	cmd.Flags().BoolVar(&opts.short, "short", false, "as on a reader that passes short commands only")
	return cmd
}

// benchFigures is the JSON answer of card bench.
type benchFigures struct {
	Tap       benchFigure `json:"tap"`
	Read16K   benchFigure `json:"read_16k"`
	Append500 benchFigure `json:"append_500"`
}

// benchFigure is the modelled time of one task.
type benchFigure struct {
	MS      float64 `json:"ms"`       // milliseconds on the card and on its link
	FloorMS float64 `json:"floor_ms"` // the least that the task takes
	Ratio   float64 `json:"ratio"`    // of the two
	APDUs   int     `json:"apdus"`
}

func runCardBench(ctx context.Context, out io.Writer, g *globals, opts benchOptions) error {
	link, err := softcard.ParseLink(opts.link)
	if err != nil {
		return cli.Advise(err, cli.ExitUsage, "choose one of them, as --link 424k")
	}
	b, err := newCardBench(ctx, softcard.Options{Link: link, Extended: !opts.short})
	if err != nil {
		return fmt.Errorf("prepare the card: %w", err)
	}
	defer b.close()
	figures, err := b.run(ctx)
	if err != nil {
		return err
	}
	if g.json {
		return cli.PrintJSON(out, figures)
	}
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(table, "%v\tms\tfloor\tratio\tcommands\t\n", link)
	for _, row := range []struct {
		name string
		benchFigure
	}{{"tap", figures.Tap}, {"read 16 KB", figures.Read16K}, {"append 500 bytes", figures.Append500}} {
		fmt.Fprintf(table, "%s\t%.1f\t%.1f\t%.3f\t%d\t\n", row.name, row.MS, row.FloorMS, row.Ratio, row.APDUs)
	}
	return table.Flush()
}

// run carries out the three tasks, each by itself.
func (b *cardBench) run(ctx context.Context) (f benchFigures, err error) {
	for _, task := range []struct {
		name string
		to   *benchFigure
		do   func(context.Context) (softcard.Work, error)
	}{
		{"tap", &f.Tap, b.tap},
		{"read the log", &f.Read16K, b.read},
		{"append", &f.Append500, b.append},
	} {
		b.soft.ResetModel()
		work, err := task.do(ctx)
		if err != nil {
			return f, fmt.Errorf("%s: %w", task.name, err)
		}
		took, floor := b.soft.Modelled(), b.link.Floor(work)
		*task.to = benchFigure{
			MS: milliseconds(took.Total()), FloorMS: milliseconds(floor),
			Ratio: rounded(float64(took.Total())/float64(floor), 1000), APDUs: took.APDUs,
		}
	}
	return f, nil
}

// tap is what a workstation does with a card that it knows, whose
// EF.CardSecurity it keeps.
func (b *cardBench) tap(ctx context.Context) (softcard.Work, error) {
	var err error
	if b.session, err = b.open(ctx); err != nil {
		return softcard.Work{}, err
	}
	if err := b.session.Authenticate(ctx, b.public, b.terminal); err != nil {
		return softcard.Work{}, err
	}
	id, err := b.session.ReadFile(ctx, card.FileID)
	if err != nil {
		return softcard.Work{}, err
	}
	summary, err := b.session.ReadFile(ctx, card.FileSummary)
	if err != nil {
		return softcard.Work{}, err
	}
	if b.head, err = b.session.Head(ctx); err != nil {
		return softcard.Work{}, err
	}
	const (
		point, challenge, signature = 65, 8, 64
		signed                      = len(card.ID{}) + challenge + 32
	)
	w := softcard.Work{
		Sent: len(card.AID) + point + signature, Received: benchInfo + challenge + len(id) + len(summary) + card.HeadLen,
		Agreements: 1, Verifications: len(b.terminal.Chain) + 1, Hashed: []int{signed},
	}
	secret := signature + challenge + len(id)
	for _, cert := range b.terminal.Chain {
		w.Sent += len(cert)
		secret += len(cert)
		w.Hashed = append(w.Hashed, len(cert))
	}
	w.Encrypted, w.Authenticated = secret, secret+len(summary)+card.HeadLen
	return w, nil
}

// read reads the whole log, 16 KB.
func (b *cardBench) read(ctx context.Context) (softcard.Work, error) {
	n := 0
	err := b.session.Entries(ctx, b.head, card.Head{}, func(_ uint32, sealed []byte) error {
		n += len(sealed) + card.LenLength
		return nil
	})
	return softcard.Work{Received: n, Authenticated: n}, err
}

// append appends one entry.
func (b *cardBench) append(ctx context.Context) (softcard.Work, error) {
	const seq, chain, slot = 4, 16 + 32, card.HeadLen + 4
	entry := make([]byte, benchAppend)
	_, err := b.session.Append(ctx, b.head.Seq, entry)
	return softcard.Work{
		Sent: seq + len(entry), Received: card.HeadLen, Authenticated: seq + len(entry) + card.HeadLen,
		Hashed: []int{len(entry), chain}, Written: []int{len(entry) + card.LenLength, slot},
	}, err
}

func milliseconds(d time.Duration) float64 { return rounded(float64(d)/float64(time.Millisecond), 10) }

// rounded keeps so many parts of one.
func rounded(v, parts float64) float64 { return float64(int64(v*parts+0.5)) / parts }
