package main

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/dhamani-iq/dhamani/internal/cli"
	"github.com/dhamani-iq/dhamani/internal/durable"
	"github.com/dhamani-iq/dhamani/record"
	"github.com/dhamani-iq/dhamani/sync/central/authority"
)

// archiveStatus says what an archive holds; it names nobody.
type archiveStatus struct {
	File     string           `json:"file"`
	Patient  record.PatientID `json:"patient"`
	Made     time.Time        `json:"made"`
	Bytes    int              `json:"bytes"`
	Sealed   int              `json:"sealed_bytes"` // of the entries as they are stored
	Entries  int              `json:"entries"`
	Unsound  int              `json:"unsound"`            // of them, without an author who counts
	Restored *int             `json:"restored,omitempty"` // put back now
}

func newArchiveStatus(file string, size int, a *authority.Archived) archiveStatus {
	s := archiveStatus{File: file, Patient: a.Patient, Made: a.At, Bytes: size, Entries: len(a.Entries), Unsound: len(a.Entries) - a.Sound}
	for _, e := range a.Entries {
		s.Sealed += len(e)
	}
	return s
}

func (s archiveStatus) print(p *printer) {
	p.printf("%s: %d entries of patient %s as of %s, %d bytes instead of %d\n",
		s.File, s.Entries, s.Patient, s.Made.Format(time.DateTime), s.Bytes, s.Sealed)
	if s.Unsound > 0 {
		p.printf("%d of them have no author who counts; they are kept as they are\n", s.Unsound)
	}
	if s.Restored != nil {
		p.printf("%d entries were missing and are put back\n", *s.Restored)
	}
}

func newPatientArchiveCommand(g *globals) *cobra.Command {
	var output string
	cmd := &cobra.Command{
		Use:   "archive PATIENT",
		Short: "Pack all entries of a patient into one small file",
		Long: `archive packs every entry that the centre holds of a patient into one file, with
every author's signature, in about half the bytes. It is sealed under the patient's
keys, so only this centre, or one with its keys and its list of patients, reads it.
Before the file is written it is read again and compared with the entries.`,
		Example: "  dhamani-central patient archive 3WQ6NP2DF1W8G -o 3WQ6NP2DF1W8G.archive --dir ./centre",
		Args:    cli.Args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := record.ParsePatientID(args[0])
			switch {
			case err != nil:
				return cli.WrongUsage(cmd, "%w", err)
			case output == "":
				return cli.WrongUsage(cmd, "name the file to write with --output")
			}
			return withCentre(cmd.Context(), g, func(c *centre) error {
				raw, made, err := c.auth.Archive(cmd.Context(), id, time.Now())
				if err != nil {
					return err
				}
				if err := durable.WriteFile(output, raw, 0o600); err != nil {
					return fmt.Errorf("write archive: %w", err)
				}
				status := newArchiveStatus(output, len(raw), made)
				return answer(cmd.OutOrStdout(), g.json, status, status.print)
			})
		},
	}
	cmd.Flags().StringVarP(&output, "output", "o", "", "file to write")
	return cmd
}

func newPatientUnarchiveCommand(g *globals) *cobra.Command {
	var restore bool
	cmd := &cobra.Command{
		Use:   "unarchive FILE",
		Short: "Check a patient's archive, and put back what is missing",
		Long: `unarchive reads a file that 'patient archive' wrote: every entry becomes again what
it was, byte for byte, and its author's signature is checked. With --restore the
entries that the centre does not hold any more are put back; those that it holds stay
as they are, so doing it twice changes nothing.`,
		Example: "  dhamani-central patient unarchive 3WQ6NP2DF1W8G.archive --restore --dir ./centre",
		Args:    cli.Args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			raw, err := readArchiveFile(args[0])
			if err != nil {
				return err
			}
			return withCentre(cmd.Context(), g, func(c *centre) error {
				var status archiveStatus
				if restore {
					back, n, err := c.auth.RestoreArchive(cmd.Context(), raw, time.Now())
					if err != nil {
						return err
					}
					status = newArchiveStatus(args[0], len(raw), back)
					status.Restored = &n
				} else {
					back, err := c.auth.ReadArchive(cmd.Context(), raw)
					if err != nil {
						return err
					}
					status = newArchiveStatus(args[0], len(raw), back)
				}
				return answer(cmd.OutOrStdout(), g.json, status, status.print)
			})
		},
	}
	cmd.Flags().BoolVar(&restore, "restore", false, "put back the entries that the centre does not hold any more")
	return cmd
}

// readArchiveFile reads a file that may be an archive, as far as one may go.
func readArchiveFile(path string) ([]byte, error) {
	f, err := os.Open(path) // #nosec G304 -- the caller names the file
	if err != nil {
		return nil, fmt.Errorf("read archive: %w", err)
	}
	defer f.Close() //nolint:errcheck // only read
	raw, err := io.ReadAll(io.LimitReader(f, authority.MaxArchiveFile+1))
	if err != nil {
		return nil, fmt.Errorf("read archive: %w", err)
	}
	return raw, nil
}
