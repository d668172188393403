package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/dhamani-iq/dhamani/internal/cli"
	"github.com/dhamani-iq/dhamani/record/terms"
)

// editionStatus is one edition of the terminology table in an answer.
type editionStatus struct {
	Edition uint32         `json:"edition"`
	Issued  string         `json:"issued,omitempty"` // absent for the first
	Digest  string         `json:"digest"`
	Rows    map[string]int `json:"rows"`
}

func newTermsCommand(g *globals) *cobra.Command {
	return cli.Group(&cobra.Command{
		Use:   "terms",
		Short: "Publish words for codes and look at what was published",
		Long: `terms makes editions of the terminology table: codes with their words in Arabic,
Sorani and English. Each is signed and never taken back; clinics fetch those that
they lack. The first edition is part of every program.`,
	}, newTermsPublishCommand(g), newTermsListCommand(g))
}

func newTermsPublishCommand(g *globals) *cobra.Command {
	return &cobra.Command{
		Use:   "publish FILE.tsv...",
		Short: "Check and sign the next edition of the terminology table",
		Long: `publish makes one edition of the files, in their order. A line is

  SLOT SYSTEM CODE FLAGS ARABIC SORANI ENGLISH

with tabs between. The slot is finding, medicine, observation, vaccine or act; the
flags are c (long-lasting), s (sensitive), n (says that there is nothing) or -. A code
that is new becomes a row at the end of its slot; of one that is there, words and
flags are changed. No code may occur twice, and none changes its slot. Lines of
facts, as "map rxnorm 313782 atc N02BE01", are described in docs/formats/content.md.
An empty line or a comment is refused, as is a code without words in one of the
languages.`,
		Example: `  dhamani-central terms publish --dir ./centre medicines.tsv diagnoses.tsv`,
		Args:    cli.Args(cobra.MinimumNArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			return runTermsPublish(cmd.Context(), cmd.OutOrStdout(), g, args)
		},
	}
}

func runTermsPublish(ctx context.Context, out io.Writer, g *globals, files []string) error {
	text, err := readFiles(files, terms.MaxUpdate, terms.ErrTable)
	if err != nil {
		return err
	}
	return withCentre(ctx, g, func(c *centre) error {
		e, err := c.auth.PublishTerms(ctx, text)
		if err != nil {
			return err
		}
		s := statusOf(e.Number, e.Issued, e.After, e.Rows)
		return answer(out, g.json, s, func(p *printer) {
			p.printf("edition %d published: %d lines, digest %s\n", s.Edition, strings.Count(text, "\n"), s.Digest)
		})
	})
}

// readFiles joins files that together are at most so many bytes; malformed is
// what more of them are.
func readFiles(files []string, most int, malformed error) (string, error) {
	var b strings.Builder
	for _, name := range files {
		f, err := os.Open(name) // #nosec G304 -- the administrator names the file
		if err != nil {
			return "", fmt.Errorf("read file: %w", err)
		}
		_, err = io.Copy(&b, io.LimitReader(f, int64(most)+1))
		_ = f.Close()
		if err != nil {
			return "", fmt.Errorf("read %s: %w", name, err)
		}
		if b.Len() > most {
			return "", fmt.Errorf("read %s: more than %d bytes: %w", name, most, malformed)
		}
	}
	return b.String(), nil
}

// issuedAt writes when an edition was issued, nothing for the first.
func issuedAt(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// issuedOr says the same to people.
func issuedOr(issued string) string { return cmp.Or(issued, "part of every program") }

func newTermsListCommand(g *globals) *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Short:   "List the editions of the terminology table",
		Example: `  dhamani-central terms list --dir ./centre --json`,
		Args:    cli.Args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runTermsList(cmd.Context(), cmd.OutOrStdout(), g)
		},
	}
}

func runTermsList(ctx context.Context, out io.Writer, g *globals) error {
	return withCentre(ctx, g, func(c *centre) error {
		editions, _, err := c.auth.Terms(ctx)
		if err != nil {
			return err
		}
		base := terms.Base()
		first := base.Step(base, "")
		all := []editionStatus{statusOf(first.Edition, time.Time{}, first.After, first.Rows)}
		for _, e := range editions {
			all = append(all, statusOf(e.Number, e.Issued, e.After, e.Rows))
		}
		return answer(out, g.json, all, func(p *printer) {
			tw := p.table()
			for _, s := range all {
				tw.printf("%d\t%s\t%.16s", s.Edition, issuedOr(s.Issued), s.Digest)
				for slot := range terms.NumSlots {
					tw.printf("\t%s %d", slot, s.Rows[slot.String()])
				}
				tw.printf("\n")
			}
			tw.flush()
		})
	})
}

func statusOf(edition uint32, issued time.Time, digest [32]byte, rows []uint32) editionStatus {
	s := editionStatus{Edition: edition, Issued: issuedAt(issued), Digest: fmt.Sprintf("%x", digest), Rows: make(map[string]int)}
	for slot := range terms.NumSlots {
		if int(slot) < len(rows) {
			s.Rows[slot.String()] = int(rows[slot])
		}
	}
	return s
}
