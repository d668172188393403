package main

import (
	"context"
	"encoding/hex"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/dhamani-iq/dhamani/agent/personalise"
	"github.com/dhamani-iq/dhamani/card"
	"github.com/dhamani-iq/dhamani/card/pcsc"
	"github.com/dhamani-iq/dhamani/internal/cli"
	"github.com/dhamani-iq/dhamani/record"
	"github.com/dhamani-iq/dhamani/sync/wire"
)

func newCardReissueCommand(g *globals) *cobra.Command {
	var opts cardOptions
	var patient, replaces string
	var fingers []string
	cmd := &cobra.Command{
		Use:   "reissue",
		Short: "Rebuild a lost or broken card on a blank one",
		Long: `Rebuild a lost or broken card on a blank one from all that the centre holds:
identity, cover, the entries, newest first, as many as fit, and the summary that
they give. The old card is put on the block list, for good: --replaces names it,
or --patient its holder, all of whose cards are then blocked. Fingers that are
given with --finger go onto the card and take the place of those at the centre.

After an interruption run it again with the same blank card. With another blank
name the holder with --patient. It needs the centre, and the folder of a
workstation with the role issuer (--home).`,
		Example: `  dhamani card reissue --home station --replaces 0123456789abcdef
  dhamani card reissue --home station --patient 0J4Y8QZP3M1TC --wait 30s --json`,
		Args: cli.Args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			order, err := reissueOrder(cmd, patient, replaces)
			if err != nil {
				return err
			}
			return runCardReissue(cmd.Context(), cmd.OutOrStdout(), cmd.ErrOrStderr(), g, opts, order, fingers)
		},
	}
	opts.addFlags(cmd)
	cmd.Flags().StringVar(&patient, "patient", "", "identifier of the holder; all their cards are replaced")
	cmd.Flags().StringVar(&replaces, "replaces", "", "number of the card that is replaced, 16 hexadecimal digits")
	cmd.Flags().StringArrayVar(&fingers, "finger", nil, "finger minutiae record of the holder (ISO/IEC 19794-2); may be repeated")
	return cmd
}

func reissueOrder(cmd *cobra.Command, patient, replaces string) (order personalise.Order, err error) {
	if patient == "" && replaces == "" {
		return order, cli.WrongUsage(cmd, "give --patient or --replaces")
	}
	if patient != "" {
		if order.Patient, err = record.ParsePatientID(patient); err != nil {
			return order, cli.WrongUsage(cmd, "--patient: %w", err)
		}
		order.Replaces = []card.ID{wire.ReplaceAll}
	}
	if replaces != "" {
		raw, err := hex.DecodeString(replaces)
		if err != nil || len(raw) != len(card.ID{}) || card.ID(raw) == wire.ReplaceAll || card.ID(raw) == (card.ID{}) {
			return order, cli.WrongUsage(cmd, "--replaces: a card's number has 16 hexadecimal digits")
		}
		order.Replaces = []card.ID{card.ID(raw)}
	}
	return order, nil
}

func runCardReissue(ctx context.Context, out, errOut io.Writer, g *globals, opts cardOptions, order personalise.Order, files []string) error {
	h, err := loadIssuer(g)
	if err != nil {
		return err
	}
	fingers, records, err := readFingers(files)
	if err != nil {
		return err
	}
	centre, err := h.Client(nil, g.log)
	if err != nil {
		return err
	}
	defer centre.Close()
	// The authors of the entries may have been enrolled after this station.
	if err := centre.Refresh(ctx); err != nil {
		return centreAdvice(err)
	}
	service := pcsc.New(g.log)
	reader, err := chooseReader(ctx, service, opts)
	if err != nil {
		return err
	}
	bar := newProgressBar(errOut, 1)
	station := personalise.Station{
		Readers: service, Centre: centre, Author: h.Author, Trust: h.Trust, Fingers: fingers, Records: records,
		Progress: func(step string, done, total int) {
			if total > 0 {
				step = fmt.Sprintf("%s %d/%d", step, done, total)
			}
			bar.show(step)
		},
	}
	res, err := station.Fill(ctx, reader, order)
	bar.clear()
	if err != nil {
		return centreAdvice(fmt.Errorf("reissue card: %w", err))
	}
	if g.json {
		return cli.PrintJSON(out, res)
	}
	fmt.Fprintf(out, "card %s, patient %s, %d of %d entries on it, %d bytes; the old card is blocked\n",
		res.Card, res.Patient, res.OnCard, len(res.Entries), res.Bytes)
	if left := len(res.Entries) - res.OnCard - res.Unverified; left > 0 {
		fmt.Fprintf(out, "%d older entries are at the centre: there is no room for them on a card\n", left)
	}
	if len(res.LeftOut) > 0 {
		fmt.Fprintln(out, leftOut(res.Fingers, res.LeftOut))
	}
	if res.Unverified > 0 {
		fmt.Fprintf(out, "%d entries at the centre are not on it: their author does not count\n", res.Unverified)
	}
	return nil
}
