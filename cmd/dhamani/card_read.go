package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/dhamani-iq/dhamani/agent"
	"github.com/dhamani-iq/dhamani/agent/home"
	"github.com/dhamani-iq/dhamani/card"
	"github.com/dhamani-iq/dhamani/crypto/envelope"
	"github.com/dhamani-iq/dhamani/crypto/trust"
	"github.com/dhamani-iq/dhamani/internal/cli"
	"github.com/dhamani-iq/dhamani/record"
)

func newCardReadCommand(g *globals) *cobra.Command {
	var opts cardOptions
	var person uint8
	var operator string
	cmd := &cobra.Command{
		Use:   "read",
		Short: "Read the card in the reader with this workstation's or an operator's certificate",
		Long: `Read the card in the reader: authenticate with the workstation's terminal
certificate, or with that of one of its operators, check every signature and show
what the role may see. Nothing is kept. It needs an enrolled workstation's folder
(--home). The operator's passphrase is asked for, or read from standard input.

A card may carry a family. --person shows one of them by the number that the
identity gives: 0 is the holder.`,
		Example: "  dhamani card read\n  dhamani card read --operator zaynab --person 2\n  dhamani card read --json --wait 30s",
		Args:    cli.Args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			who, err := actorOf(cmd.Context(), g, operator, newSecrets(cmd.InOrStdin(), cmd.ErrOrStderr()))
			if err != nil {
				return err
			}
			return runCardRead(cmd.Context(), cmd.OutOrStdout(), g, who, opts, person)
		},
	}
	opts.addFlags(cmd)
	cmd.Flags().Uint8Var(&person, "person", 0, "number of the person on the card")
	cmd.Flags().StringVar(&operator, "operator", "", "read with this operator's role (default: the workstation's)")
	return cmd
}

// cardActor is on whose behalf a card is read.
type cardActor struct {
	home     *home.Home
	role     string
	terminal card.Terminal
}

// actorOf is the workstation itself, or one of its operators.
func actorOf(ctx context.Context, g *globals, operator string, ask *secrets) (cardActor, error) {
	h, err := home.Load(g.home)
	if err != nil {
		return cardActor{}, err
	}
	if operator == "" {
		return cardActor{h, h.Role, h.Terminal}, nil
	}
	op, err := openOperator(ctx, h, operator, ask)
	return cardActor{h, op.Role, op.Terminal}, err
}

// cardRecord is the JSON answer of card read.
type cardRecord struct {
	Card     card.ID          `json:"card"`
	Patient  record.PatientID `json:"patient"`
	Role     string           `json:"role"`
	Identity *record.Identity `json:"identity"`
	Cover    *record.Cover    `json:"cover,omitempty"`
	Person   uint8            `json:"person"` // whose summary and entries these are
	Summary  *record.Summary  `json:"summary,omitempty"`
	Locked   bool             `json:"summary_locked,omitempty"` // there is a summary that this role may not open
	Entries  []readEntry      `json:"entries"`                  // newest first
	APDUs    int              `json:"apdus"`
	Bytes    int              `json:"bytes"` // both ways

	issued time.Time // when identity and cover were signed
}

// readEntry is one entry of the card's log. An entry that failed a check has
// Problem and no content.
type readEntry struct {
	Seq      uint32         `json:"seq"`
	ID       record.EntryID `json:"id"`
	Author   string         `json:"author,omitempty"`
	Signer   string         `json:"signer,omitempty"` // whose key signed: an operator's or the workstation's
	Facility uint32         `json:"facility,omitempty"`
	Problem  string         `json:"problem,omitempty"`
	Entry    *record.Entry  `json:"entry,omitempty"`
	// AmendedBy are the entries of the log that replace this one.
	AmendedBy []record.EntryID `json:"amended_by,omitempty"`
}

// cardReader is one card read. Its steps fill it in their order.
type cardReader struct {
	*openedCard
	cardActor
	secure trust.CardSecurity
	id     trust.IDFile
	keys   *envelope.Keys
	head   card.Head
	record cardRecord
}

func runCardRead(ctx context.Context, out io.Writer, g *globals, who cardActor, opts cardOptions, person uint8) error {
	r, err := readCard(ctx, g, who, opts, person)
	if err != nil {
		return err
	}
	if g.json {
		return cli.PrintJSON(out, r)
	}
	return r.print(out)
}

// readCard reads a card and ends the session.
func readCard(ctx context.Context, g *globals, who cardActor, opts cardOptions, person uint8) (*cardRecord, error) {
	opened, err := openCard(ctx, g, opts)
	if err != nil {
		return nil, err
	}
	defer func() { _ = opened.Close() }()
	r := &cardReader{openedCard: opened, cardActor: who, record: cardRecord{Person: person}}
	for _, step := range []struct {
		name string
		do   func(context.Context) error
	}{
		{"recognise the card", r.recognise},
		{"authenticate", r.authenticate},
		{"read the identity", r.readIdentity},
		{"read the keys", r.readKeys},
		{"read the summary", r.readSummary},
		{"read the entries", r.readEntries},
	} {
		if err := step.do(ctx); err != nil {
			return nil, fmt.Errorf("%s: %w", step.name, err)
		}
	}
	stats := r.Stats()
	r.record.APDUs, r.record.Bytes = stats.APDUs, stats.Sent+stats.Received
	return &r.record, nil
}

// recognise checks the card's signed key, number and state.
func (r *cardReader) recognise(ctx context.Context) error {
	info := r.Info()
	if err := info.State.Err(); err != nil {
		return err
	}
	if r.home.Trust.Blocked(info.ID) {
		return card.ErrBlocked
	}
	raw, err := r.Security(ctx)
	if err != nil {
		return err
	}
	if r.secure, err = r.home.Trust.CardSecurity(raw, time.Now()); err != nil {
		return err
	}
	if r.secure.Card != info.ID {
		return fmt.Errorf("its signed key names another card: %w", card.ErrMalformed)
	}
	r.record.Card, r.record.Role = info.ID, r.role
	return nil
}

func (r *cardReader) authenticate(ctx context.Context) error {
	return r.Authenticate(ctx, r.secure.Public, r.terminal)
}

func (r *cardReader) readIdentity(ctx context.Context) error {
	raw, err := r.ReadFile(ctx, card.FileID)
	if err != nil {
		return err
	}
	if r.id, err = r.home.Trust.Identity(raw); err != nil {
		return err
	}
	if r.id.Card != r.record.Card {
		return fmt.Errorf("it names another card: %w", card.ErrMalformed)
	}
	r.record.Patient, r.record.issued = r.id.Subjects.Patient, r.id.Issued
	if r.record.Identity, err = record.DecodeIdentity(r.id.Identity); err != nil {
		return err
	}
	if len(r.id.Cover) > 0 {
		r.record.Cover, err = record.DecodeCover(r.id.Cover)
	}
	return err
}

func (r *cardReader) readKeys(ctx context.Context) error {
	subject, err := r.id.Subjects.Of(r.record.Person)
	if err != nil {
		return err
	}
	keys, err := r.Keys(ctx, subject.Person)
	if err != nil {
		return err
	}
	if r.keys, err = envelope.KeysFromMap(keys, subject); err != nil {
		return err
	}
	r.head, err = r.Head(ctx)
	return err
}

// readSummary reads the emergency summary, if there is one and the role has
// its key.
func (r *cardReader) readSummary(ctx context.Context) error {
	if r.head.SummaryVersion == 0 {
		return nil
	}
	if !r.keys.Has(record.SectionSummary) {
		r.record.Locked = true
		return nil
	}
	raw, err := r.ReadFile(ctx, card.FileSummary)
	if err != nil {
		return err
	}
	sums, err := envelope.ParseSummaries(raw)
	if err != nil {
		return err
	}
	sealed := sums.Of(r.record.Person)
	if sealed == nil {
		return nil
	}
	r.record.Summary, err = agent.OpenSummary(r.home.Trust, sealed, &r.id.Subjects, r.keys)
	return err
}

// readEntries reads the whole log and keeps what is the person's. An entry that fails a check is listed with
// its problem; the others are shown.
func (r *cardReader) readEntries(ctx context.Context) error {
	r.record.Entries = []readEntry{}
	err := r.Entries(ctx, r.head, card.Head{}, func(seq uint32, raw []byte) error {
		if person, ok := envelope.PersonOf(raw); ok && person != r.record.Person {
			return nil
		}
		e := readEntry{Seq: seq, ID: envelope.IDOf(raw)}
		opened, err := agent.OpenEntry(r.home.Trust, raw, &r.id.Subjects, r.keys)
		if err != nil {
			e.Problem = err.Error()
		} else {
			e.Author, e.Signer, e.Facility, e.Entry = opened.Author, opened.Signer, opened.Facility, opened.Entry
		}
		r.record.Entries = append(r.record.Entries, e)
		return nil
	})
	var said []*record.Entry
	for _, e := range r.record.Entries {
		if e.Entry != nil {
			said = append(said, e.Entry)
		}
	}
	by := record.Amended(said)
	for i := range r.record.Entries {
		r.record.Entries[i].AmendedBy = by[r.record.Entries[i].ID]
	}
	return err
}
