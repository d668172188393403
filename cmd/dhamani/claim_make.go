package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/dhamani-iq/dhamani/agent/home"
	"github.com/dhamani-iq/dhamani/crypto/claim"
	"github.com/dhamani-iq/dhamani/internal/cli"
	"github.com/dhamani-iq/dhamani/internal/durable"
	"github.com/dhamani-iq/dhamani/internal/qr"
)

// claimOptions say what claim make makes.
type claimOptions struct {
	cardOptions
	days int
	png  string
	text bool
}

func newClaimMakeCommand(g *globals) *cobra.Command {
	var opts claimOptions
	cmd := &cobra.Command{
		Use:   "make",
		Short: "Make a claim from the card in the reader",
		Long: `Read identity and cover from the card in the reader, as card read does, and
sign what a reception needs of them with this workstation's author key, as a QR
code on the terminal or in a PNG file. It is good for a few days, wherever the
trust list names this workstation, and opens no record.`,
		Example: "  dhamani claim make\n  dhamani claim make --png claim.png --days 30",
		Args:    cli.Args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if most := int(claim.MaxLife / (24 * time.Hour)); opts.days < 1 || opts.days > most {
				return cli.WrongUsage(cmd, "--days is 1 to %d", most)
			}
			return runClaimMake(cmd.Context(), cmd.OutOrStdout(), g, opts)
		},
	}
	opts.addFlags(cmd)
	cmd.Flags().IntVar(&opts.days, "days", 7, "how many days it is good for")
	cmd.Flags().StringVar(&opts.png, "png", "", "write the code to this file instead of the terminal")
	cmd.Flags().BoolVar(&opts.text, "text", false, "print the text of the code instead of the code")
	return cmd
}

func runClaimMake(ctx context.Context, out io.Writer, g *globals, opts claimOptions) error {
	h, err := home.Load(g.home)
	if err != nil {
		return err
	}
	r, err := readHolder(ctx, g, h, opts.cardOptions)
	if err != nil {
		return err
	}
	now := time.Now().UTC().Truncate(time.Second)
	c := claim.Claim{
		Patient: r.Patient, Card: r.Card, Identity: r.Identity, Cover: r.Cover,
		Issued: now, Expires: now.AddDate(0, 0, opts.days),
	}
	text, err := claim.Sign(h.Author.Signer, c)
	if err != nil {
		return err
	}
	// A claim that this workstation's own lists refuse is good nowhere.
	if _, _, err := claim.Verify(h.Trust, text, now); err != nil {
		return err
	}
	code, err := qr.Encode(text)
	if err != nil {
		return fmt.Errorf("draw claim: %w", err)
	}
	if opts.png != "" {
		var picture bytes.Buffer
		if err := code.PNG(&picture, pixels); err != nil {
			return err
		}
		if err := durable.WriteFile(opts.png, picture.Bytes(), 0o600); err != nil {
			return fmt.Errorf("write claim: %w", err)
		}
	}
	return printClaim(out, g, opts, c, text, code)
}

const pixels = 6 // of a module's side in a PNG

func printClaim(out io.Writer, g *globals, opts claimOptions, c claim.Claim, text string, code qr.Code) error {
	c.Identity, c.Cover = claim.Brief(c.Identity, c.Cover)
	answer := newClaimAnswer(c)
	answer.Verified, answer.Text, answer.PNG = true, text, opts.png
	switch {
	case g.json:
		return cli.PrintJSON(out, answer)
	case opts.text:
		fmt.Fprintln(out, text)
	case opts.png != "":
		fmt.Fprintf(out, "%s: good until %s\n", opts.png, c.Expires.Local().Format(time.DateTime))
	default:
		fmt.Fprintf(out, "%sgood until %s\n", code.Text(), c.Expires.Local().Format(time.DateTime))
	}
	return nil
}

// readHolder reads of the card in the reader whose it is.
func readHolder(ctx context.Context, g *globals, h *home.Home, opts cardOptions) (*cardRecord, error) {
	opened, err := openCard(ctx, g, opts)
	if err != nil {
		return nil, err
	}
	defer func() { _ = opened.Close() }()
	r := &cardReader{openedCard: opened, cardActor: cardActor{h, h.Role, h.Terminal}}
	for _, step := range []struct {
		name string
		do   func(context.Context) error
	}{
		{"recognise the card", r.recognise},
		{"authenticate", r.authenticate},
		{"read the identity", r.readIdentity},
	} {
		if err := step.do(ctx); err != nil {
			return nil, fmt.Errorf("%s: %w", step.name, err)
		}
	}
	return &r.record, nil
}
