package main

import (
	"bytes"
	"fmt"
	"image"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/dhamani-iq/dhamani/biometric/extract"
	"github.com/dhamani-iq/dhamani/biometric/fmr"
	"github.com/dhamani-iq/dhamani/internal/cli"
	"github.com/dhamani-iq/dhamani/internal/durable"
)

func newFingerCommand(g *globals) *cobra.Command {
	return cli.Group(&cobra.Command{
		Use:   "finger",
		Short: "Work with fingerprints in files: templates, comparisons, error rates",
	}, newFingerExtractCommand(g), newFingerMatchCommand(g), newFingerShowCommand(g), newFingerExplainCommand(g),
		newFingerQualityCommand(g), newFingerEvalCommand(g), newFingerSynthCommand(g),
		newFingerIdentifyCommand(g))
}

// fingerOptions are the flags of the commands that read an image.
type fingerOptions struct {
	dpi int
	out string
}

func (o *fingerOptions) addDPI(cmd *cobra.Command) {
	cmd.Flags().IntVar(&o.dpi, "dpi", 500, "resolution of the image in pixels an inch")
}

// readFinger reads a template's record, or an image and its template.
func readFinger(file string, dpi int) (*fmr.Template, error) {
	raw, err := readFile(file, extract.MaxFile)
	if err != nil {
		return nil, err
	}
	if bytes.HasPrefix(raw, []byte("FMR\x00")) {
		t, err := fmr.Parse(raw)
		if err != nil {
			if t, other := fmr.ParseINCITS(raw); other == nil {
				return t, nil
			}
			return nil, fmt.Errorf("read template %s: %w", filepath.Base(file), err)
		}
		return t, nil
	}
	img, err := extract.ReadImage(bytes.NewReader(raw))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", filepath.Base(file), err)
	}
	t, err := extract.Extract(img, dpi)
	if err != nil {
		return nil, fmt.Errorf("extract from %s: %w", filepath.Base(file), err)
	}
	return t, nil
}

func readFingerImage(file string) (*image.Gray, error) {
	raw, err := readFile(file, extract.MaxFile)
	if err != nil {
		return nil, err
	}
	img, err := extract.ReadImage(bytes.NewReader(raw))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", filepath.Base(file), err)
	}
	return img, nil
}

// readFile reads a file of at most limit bytes.
func readFile(name string, limit int64) ([]byte, error) {
	f, err := os.Open(filepath.Clean(name))
	if err != nil {
		return nil, fmt.Errorf("open file: %w", err)
	}
	defer f.Close() //nolint:errcheck // only read
	raw, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, fmt.Errorf("read file: %w", err)
	}
	return raw, nil
}

func newFingerExtractCommand(g *globals) *cobra.Command {
	var opts fingerOptions
	cmd := &cobra.Command{
		Use:   "extract IMAGE",
		Short: "Make a template of an image of a finger",
		Long: `Find the minutiae in an image of a finger (PNG or JPEG, 250 to 1100 dpi) and
write them as a record of ISO/IEC 19794-2:2005.`,
		Example: "  dhamani finger extract thumb.png -o thumb.fmr\n  dhamani finger extract thumb.png --dpi 1000 --json -o thumb.fmr",
		Args:    cli.Args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			return runFingerExtract(cmd.OutOrStdout(), g, args[0], opts)
		},
	}
	opts.addDPI(cmd)
	cmd.Flags().StringVarP(&opts.out, "out", "o", "", "file for the template")
	_ = cmd.MarkFlagRequired("out")
	return cmd
}

// fingerTemplate is the JSON answer of finger extract.
type fingerTemplate struct {
	Minutiae int `json:"minutiae"`
	Quality  int `json:"quality"` // 0 to 100
	Bytes    int `json:"bytes"`
}

func runFingerExtract(out io.Writer, g *globals, file string, opts fingerOptions) error {
	t, err := readFinger(file, opts.dpi)
	if err != nil {
		return err
	}
	raw, err := fmr.Marshal(t)
	if err != nil {
		return fmt.Errorf("write template: %w", err)
	}
	if err := durable.WriteFile(opts.out, raw, 0o600); err != nil {
		return fmt.Errorf("write template: %w", err)
	}
	view := &t.Views[0]
	answer := fingerTemplate{Minutiae: len(view.Minutiae), Quality: int(view.Quality), Bytes: len(raw)}
	if g.json {
		return cli.PrintJSON(out, answer)
	}
	fmt.Fprintf(out, "%d minutiae, quality %d of 100, %d bytes\n", answer.Minutiae, answer.Quality, answer.Bytes)
	return nil
}
