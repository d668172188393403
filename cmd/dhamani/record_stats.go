package main

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/klauspost/compress/zstd"
	"github.com/spf13/cobra"

	"github.com/dhamani-iq/dhamani/crypto/envelope"
	"github.com/dhamani-iq/dhamani/internal/cli"
	"github.com/dhamani-iq/dhamani/record"
	"github.com/dhamani-iq/dhamani/record/fhir"
)

func newRecordStatsCommand(g *globals) *cobra.Command {
	return &cobra.Command{
		Use:   "stats DIR",
		Short: "Measure how short the encounters of many patients are",
		Long: `Read every FHIR R4 Bundle in a folder (*.json and *.json.gz, one patient each),
write each encounter but the last of each patient in every form, and tell the
bytes it takes: its content; sealed, with the author's signature and all its
sections; sealed in one section; in an archive of all the patient's encounters
that keeps every author's signature; as a FHIR Bundle of its own, compressed.
And how many years of a patient's visits 64 KB hold. Keys are made for the
measurement and forgotten. A Bundle that cannot be read ends the command.`,
		Example: "  dhamani record stats bundles --json",
		Args:    cli.Args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			return runRecordStats(cmd.Context(), cmd.OutOrStdout(), g, args[0])
		},
	}
}

// spread describes numbers by their mean, median and 95th of 100.
type spread struct {
	Mean float64 `json:"mean"`
	P50  float64 `json:"p50"`
	P95  float64 `json:"p95"`
}

// recordStats is the JSON answer of record stats.
type recordStats struct {
	Patients   int    `json:"patients"`
	Encounters int    `json:"encounters"`
	Content    spread `json:"content_bytes"`
	Sealed     spread `json:"sealed_bytes"`
	OneSection spread `json:"sealed_one_section_bytes"`
	Archive    spread `json:"archive_bytes"` // a patient's archive, divided by its encounters
	FHIR       spread `json:"fhir_zstd_bytes"`
	Years      struct {
		P50 float64 `json:"p50"`
		P5  float64 `json:"p5"`
	} `json:"years_in_64k"` // of patients seen over a year at least
}

func runRecordStats(ctx context.Context, out io.Writer, g *globals, dir string) error {
	files, err := bundlesIn(dir)
	if err != nil {
		return err
	}
	m, err := newMeter()
	if err != nil {
		return err
	}
	for _, file := range files {
		if err := ctx.Err(); err != nil {
			return err
		}
		bundle, _, err := readBundle(file, nil)
		if err != nil {
			return bundleAdvice(err)
		}
		if err := m.patient(bundle); err != nil {
			return fmt.Errorf("measure %s: %w", file, err)
		}
	}
	answer := m.answer()
	answer.Patients = len(files)
	if g.json {
		return cli.PrintJSON(out, answer)
	}
	return answer.print(out)
}

// meter seals entries of many patients under keys of its own.
type meter struct {
	keys    *envelope.Keys
	subject envelope.Subject
	author  envelope.Author
	public  *ecdsa.PublicKey
	zstd    *zstd.Encoder

	content, sealed, oneSection, archive, fhir, years []float64
}

func newMeter() (*meter, error) {
	roots, err := envelope.NewRoots(rand.Reader)
	if err != nil {
		return nil, err
	}
	defer roots.Wipe()
	m := &meter{}
	if m.keys, err = roots.Person(0); err != nil {
		return nil, err
	}
	if m.subject, err = envelope.NewSubject(record.PatientID{1}, 0, 0, m.keys); err != nil {
		return nil, err
	}
	signer, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make author's key: %w", err)
	}
	m.author, m.public = envelope.Author{Signer: signer}, &signer.PublicKey
	m.zstd, err = zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedBestCompression), zstd.WithEncoderCRC(false))
	if err != nil {
		return nil, fmt.Errorf("set up zstd: %w", err)
	}
	return m, nil
}

// patient measures all encounters but the last, which in an export may gather
// what was not done in one visit.
func (m *meter) patient(b *fhir.Bundle) error {
	if len(b.Entries) < 2 {
		return nil
	}
	var archived []*envelope.Sealed
	var all float64
	entries := b.Entries[:len(b.Entries)-1]
	for _, e := range entries {
		n, sealed, err := m.encounter(e)
		if err != nil {
			return err
		}
		archived, all = append(archived, sealed...), all+n
	}
	raw, err := envelope.Archive(m.subject, m.keys, archived, rand.Reader)
	if err != nil {
		return err
	}
	for range entries {
		m.archive = append(m.archive, float64(len(raw))/float64(len(entries)))
	}
	const year = 365.25 * 24 * time.Hour
	if span := entries[len(entries)-1].Start.Sub(entries[0].Start); span >= year {
		m.years = append(m.years, float64(span)/float64(year)*(64<<10)/all)
	}
	return nil
}

// encounter measures one encounter, in as many entries as a card needs.
func (m *meter) encounter(e *record.Entry) (total float64, sealed []*envelope.Sealed, err error) {
	var content, single float64
	for _, part := range record.Split(e, record.MaxContent) {
		part.Person = m.subject.Person
		sections, err := part.Sections()
		if err != nil {
			return 0, nil, err
		}
		joined := bytes.Join(slices.Collect(func(yield func([]byte) bool) {
			for _, s := range slices.Sorted(maps.Keys(sections)) {
				if !yield(sections[s]) {
					return
				}
			}
		}), nil)
		content += float64(len(joined))
		one, err := m.seal(part, map[record.Section][]byte{record.SectionClinical: joined})
		if err != nil {
			return 0, nil, err
		}
		single += float64(len(one))
		raw, err := m.seal(part, sections)
		if err != nil {
			return 0, nil, err
		}
		total += float64(len(raw))
		s, err := envelope.Parse(raw)
		if err == nil {
			err = s.Verify(m.subject, m.public)
		}
		if err != nil {
			return 0, nil, err
		}
		sealed = append(sealed, s)
	}
	var text bytes.Buffer
	alone := &fhir.Bundle{Identity: &record.Identity{Names: record.Names{Latin: &record.Name{Family: "-"}}}, Entries: []*record.Entry{e}}
	if err := fhir.Export(alone, &text); err != nil {
		return 0, nil, err
	}
	m.content, m.oneSection, m.sealed = append(m.content, content), append(m.oneSection, single), append(m.sealed, total)
	m.fhir = append(m.fhir, float64(len(m.zstd.EncodeAll(text.Bytes(), nil))))
	return total, sealed, nil
}

func (m *meter) seal(e *record.Entry, sections map[record.Section][]byte) ([]byte, error) {
	meta := e.Meta()
	return envelope.Seal(m.subject, m.keys, m.author, envelope.Meta{Person: meta.Person, Time: meta.Start}, sections, rand.Reader)
}

func (m *meter) answer() recordStats {
	a := recordStats{
		Encounters: len(m.content), Content: spreadOf(m.content), Sealed: spreadOf(m.sealed),
		OneSection: spreadOf(m.oneSection), Archive: spreadOf(m.archive), FHIR: spreadOf(m.fhir),
	}
	slices.Sort(m.years)
	a.Years.P50, a.Years.P5 = rankOf(m.years, 0.5), rankOf(m.years, 0.05)
	return a
}

func spreadOf(values []float64) spread {
	slices.Sort(values)
	sum := 0.0
	for _, v := range values {
		sum += v
	}
	return spread{tenth(sum / max(1, float64(len(values)))), rankOf(values, 0.5), rankOf(values, 0.95)}
}

// rankOf is the value below which a share of the sorted values lies.
func rankOf(sorted []float64, share float64) float64 {
	if len(sorted) == 0 {
		return 0
	}
	return tenth(sorted[min(len(sorted)-1, int(share*float64(len(sorted))))])
}

func tenth(v float64) float64 { return float64(int64(v*10+0.5)) / 10 }

func (a *recordStats) print(out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "bytes an encounter\tmean\tmedian\t95 of 100\t")
	for _, row := range []struct {
		name string
		spread
	}{
		{"content", a.Content},
		{"sealed", a.Sealed},
		{"sealed in one section", a.OneSection},
		{"in an archive", a.Archive},
		{"FHIR, compressed", a.FHIR},
	} {
		fmt.Fprintf(w, "%s\t%.1f\t%.1f\t%.1f\t\n", row.name, row.Mean, row.P50, row.P95)
	}
	if err := w.Flush(); err != nil {
		return errors.Join(errors.New("write answer"), err)
	}
	_, err := fmt.Fprintf(out, "%d encounters of %d patients; 64 KB hold %.0f years of visits at the median, %.0f for one in twenty\n",
		a.Encounters, a.Patients, a.Years.P50, a.Years.P5)
	if err != nil {
		return fmt.Errorf("write answer: %w", err)
	}
	return nil
}
