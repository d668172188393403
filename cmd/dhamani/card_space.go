package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/dhamani-iq/dhamani/card"
	"github.com/dhamani-iq/dhamani/internal/cli"
)

func newCardSpaceCommand(g *globals) *cobra.Command {
	var opts cardOptions
	var operator string
	cmd := &cobra.Command{
		Use:   "space",
		Short: "Tell how full the card in the reader is",
		Long: `Tell how full the card in the reader is: the log's bytes in use and free, the
entries in it, and how many more fit that are as long as this patient's are in
the mean; how many entries the card has freed, all of which the centre holds,
and how much more it would free against the centre's receipts, which the agent
fetches and shows to the card when little is free; and the size of the summary,
where the workstation's role, or that of --operator, may read it.
Nothing is opened. It needs an enrolled workstation's folder (--home).`,
		Example: "  dhamani card space\n  dhamani card space --json --wait 30s",
		Args:    cli.Args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			who, err := actorOf(cmd.Context(), g, operator, newSecrets(cmd.InOrStdin(), cmd.ErrOrStderr()))
			if err != nil {
				return err
			}
			return runCardSpace(cmd.Context(), cmd.OutOrStdout(), g, who, opts)
		},
	}
	opts.addFlags(cmd)
	cmd.Flags().StringVar(&operator, "operator", "", "look with this operator's role (default: the workstation's)")
	return cmd
}

// cardSpace is the JSON answer of card space. All sizes are in bytes.
type cardSpace struct {
	Card    card.ID       `json:"card"`
	Log     logSpace      `json:"log"`
	Summary *summarySpace `json:"summary,omitempty"` // absent when the role may not read it
}

type logSpace struct {
	Size    int    `json:"size"`
	Used    int    `json:"used"`
	Free    int    `json:"free"`
	Entries uint32 `json:"entries"`         // on the card now
	Ever    uint32 `json:"ever"`            // ever appended
	Freed   uint32 `json:"freed"`           // of these, no longer on the card: the centre holds them
	Marked  int    `json:"freeable"`        // bytes that go when the centre has signed that it holds them
	Mean    int    `json:"mean"`            // of an entry with its trailer, rounded up; 0 without entries
	Visits  *int   `json:"visits_left"`     // entries of the mean size that fit; null without entries
	Largest int    `json:"largest_entries"` // entries of the largest size that fit
}

type summarySpace struct {
	Version uint32 `json:"version"`
	Used    int    `json:"used"`
	Size    int    `json:"size"`
}

func spaceOf(head card.Head, marks []card.Mark, maxEntry int) logSpace {
	_, marked := card.Freeable(head, marks)
	l := logSpace{
		Size: card.LogSize, Used: head.Size(), Free: head.Free(), Entries: head.Seq - head.StartSeq, Ever: head.Seq,
		Freed: head.StartSeq, Marked: marked,
		Largest: head.Free() / (maxEntry + card.LenLength),
	}
	if n := int(l.Entries); n > 0 {
		l.Mean = (l.Used + n - 1) / n
		left := l.Free / l.Mean
		l.Visits = &left
	}
	return l
}

func runCardSpace(ctx context.Context, out io.Writer, g *globals, who cardActor, opts cardOptions) error {
	h := who.home
	c, err := openCard(ctx, g, opts)
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }()
	info := c.Info()
	if err := info.State.Err(); err != nil {
		return err
	}
	if h.Trust.Blocked(info.ID) {
		return card.ErrBlocked
	}
	raw, err := c.Security(ctx)
	if err != nil {
		return err
	}
	secure, err := h.Trust.CardSecurity(raw, time.Now())
	if err != nil {
		return err
	}
	if secure.Card != info.ID {
		return fmt.Errorf("signed key names another card: %w", card.ErrMalformed)
	}
	if err := c.Authenticate(ctx, secure.Public, who.terminal); err != nil {
		return err
	}
	head, err := c.Head(ctx)
	if err != nil {
		return err
	}
	marks, err := c.Marks(ctx)
	if err != nil {
		return err
	}
	space := cardSpace{Card: info.ID, Log: spaceOf(head, marks, info.MaxEntry)}
	if space.Summary, err = measureSummary(ctx, c.Session, head); err != nil {
		return err
	}
	if g.json {
		return cli.PrintJSON(out, space)
	}
	return space.print(out)
}

// measureSummary measures the summary; nil when the role may not read it.
func measureSummary(ctx context.Context, s *card.Session, head card.Head) (*summarySpace, error) {
	sum := &summarySpace{Version: head.SummaryVersion, Size: card.MaxSummary}
	if head.SummaryVersion == 0 {
		return sum, nil
	}
	raw, err := s.ReadFile(ctx, card.FileSummary)
	if errors.Is(err, card.ErrSecurityStatus) {
		return nil, nil //nolint:nilnil // the role may not
	}
	if err != nil {
		return nil, err
	}
	sum.Used = len(raw)
	return sum, nil
}

func (s cardSpace) print(out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "card\t%s\n", s.Card)
	fmt.Fprintf(w, "log\t%d of %d bytes in use, %d free\n", s.Log.Used, s.Log.Size, s.Log.Free)
	fmt.Fprintf(w, "entries\t%d on the card, %d ever written\n", s.Log.Entries, s.Log.Ever)
	fmt.Fprintf(w, "freed\t%d entries, which the centre holds; %d bytes more against its receipts\n", s.Log.Freed, s.Log.Marked)
	if s.Log.Visits != nil {
		fmt.Fprintf(w, "room for\t%d more visits of %d bytes, this patient's mean\n", *s.Log.Visits, s.Log.Mean)
	} else {
		fmt.Fprintf(w, "room for\t%d visits of the largest size\n", s.Log.Largest)
	}
	if s.Summary != nil {
		fmt.Fprintf(w, "summary\t%d of %d bytes, version %d\n", s.Summary.Used, s.Summary.Size, s.Summary.Version)
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("write answer: %w", err)
	}
	return nil
}
