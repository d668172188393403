package main

import (
	"context"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/dhamani-iq/dhamani/card"
	"github.com/dhamani-iq/dhamani/internal/cli"
	"github.com/dhamani-iq/dhamani/internal/redact"
)

type auditOptions struct {
	cardOptions
	pin      bool
	operator string
}

func newCardAuditCommand(g *globals) *cobra.Command {
	var opts auditOptions
	cmd := &cobra.Command{
		Use:   "audit",
		Short: "Show who read and wrote the card in the reader",
		Long: `Show the lines that the card itself keeps, newest last: who read and wrote it,
under which role, whether in an emergency, and what was done to PIN and fingers.
A physician may read them (--operator), and so may a workstation with the role
issuer; any other once the holder has given the PIN (--pin). The time is what the workstation of that day
said; the day before it is the latest that the card knew for certain.

The operator's passphrase is asked for first, then the PIN; both are read from
the standard input when it is no terminal. It needs an enrolled workstation's
folder (--home).`,
		Example: "  dhamani card audit --operator zaynab\n  dhamani card audit --pin --json",
		Args:    cli.Args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			ask := newSecrets(cmd.InOrStdin(), cmd.ErrOrStderr())
			who, err := actorOf(cmd.Context(), g, opts.operator, ask)
			if err != nil {
				return err
			}
			var pin redact.String
			if opts.pin {
				if pin, err = ask.read("PIN of the holder"); err != nil {
					return err
				}
			}
			return runCardAudit(cmd.Context(), cmd.OutOrStdout(), g, who, opts, pin)
		},
	}
	opts.addFlags(cmd)
	cmd.Flags().BoolVar(&opts.pin, "pin", false, "have the holder give the PIN; it is asked for, or read from the standard input")
	cmd.Flags().StringVar(&opts.operator, "operator", "", "read with this operator's role (default: the workstation's)")
	return cmd
}

// cardAudit is the JSON answer of card audit.
type cardAudit struct {
	Card  card.ID          `json:"card"`
	Lines []card.AuditLine `json:"lines"` // oldest first
}

func runCardAudit(ctx context.Context, out io.Writer, g *globals, who cardActor, opts auditOptions, pin redact.String) error {
	c, err := openAuthentic(ctx, g, who, opts.cardOptions)
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }()
	if opts.pin {
		if err := c.VerifyPIN(ctx, []byte(pin.Reveal())); err != nil {
			return err
		}
	}
	lines, err := c.Audit(ctx)
	if err != nil {
		return err
	}
	if g.json {
		return cli.PrintJSON(out, cardAudit{c.Info().ID, append([]card.AuditLine{}, lines...)})
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, l := range lines {
		told := "not told"
		if !l.Told.IsZero() {
			told = l.Told.Local().Format("2006-01-02 15:04")
		}
		fmt.Fprintf(w, "%d\t%s\t%s\t%s\t%s\t%s\n", l.Number, l.Day.Format(time.DateOnly), told, l.Event, l.Role, l.Terminal)
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("write answer: %w", err)
	}
	return nil
}

// openAuthentic opens the card in the reader and authenticates to it as who
// does.
func openAuthentic(ctx context.Context, g *globals, who cardActor, opts cardOptions) (*openedCard, error) {
	c, err := openCard(ctx, g, opts)
	if err != nil {
		return nil, err
	}
	if err := authenticateAs(ctx, who, c.Session); err != nil {
		_ = c.Close() // the error of authenticating is the one to tell
		return nil, err
	}
	return c, nil
}

func authenticateAs(ctx context.Context, who cardActor, s *card.Session) error {
	h := who.home
	if h.Trust.Blocked(s.Info().ID) {
		return card.ErrBlocked
	}
	secure, err := recogniseIssued(ctx, s, h)
	if err != nil {
		return fmt.Errorf("recognise the card: %w", err)
	}
	return s.Authenticate(ctx, secure.Public, who.terminal)
}
