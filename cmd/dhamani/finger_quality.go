package main

import (
	"fmt"
	"io"
	"math"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/dhamani-iq/dhamani/biometric/extract"
	"github.com/dhamani-iq/dhamani/biometric/quality"
	"github.com/dhamani-iq/dhamani/internal/cli"
)

func newFingerQualityCommand(g *globals) *cobra.Command {
	var opts fingerOptions
	lang := "en"
	cmd := &cobra.Command{
		Use:   "quality IMAGE",
		Short: "Judge an impression, and say what would make it better",
		Long: `Judge an impression of a finger as it is done at capture: its class from 1 (best)
to 5, which foretells whether it will be known again, and the one piece of advice
to the person that would help most.`,
		Example: "  dhamani finger quality thumb.png\n  dhamani finger quality thumb.png --lang ar --json",
		Args:    cli.Args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			if lang != "ar" && lang != "ckb" && lang != "en" {
				return cli.WrongUsage(cmd, "there is no language %q; ar, ckb and en are known", lang)
			}
			return runFingerQuality(cmd.OutOrStdout(), g, args[0], lang, opts)
		},
	}
	opts.addDPI(cmd)
	cmd.Flags().StringVar(&lang, "lang", lang, "language of the advice: ar, ckb or en")
	return cmd
}

// fingerQuality is the JSON answer of finger quality.
type fingerQuality struct {
	Class    quality.Class `json:"class"`
	Quality  uint8         `json:"quality"`
	Advice   string        `json:"advice"` // code
	Text     string        `json:"text"`
	Area     float64       `json:"area_mm2"`
	Minutiae int           `json:"minutiae"`
}

func runFingerQuality(out io.Writer, g *globals, file, lang string, opts fingerOptions) error {
	img, err := readFingerImage(file)
	if err != nil {
		return err
	}
	var e extract.Extractor
	if _, err := e.Extract(img, opts.dpi); err != nil {
		return fmt.Errorf("extract from %s: %w", filepath.Base(file), err)
	}
	m := e.Measures()
	class, advice := quality.Judge(m)
	answer := fingerQuality{
		Class: class, Quality: m.Quality(), Advice: advice.Code(), Text: advice.Text(lang),
		Area: math.Round(m.Area), Minutiae: m.Minutiae,
	}
	if g.json {
		return cli.PrintJSON(out, answer)
	}
	fmt.Fprintf(out, "class %d of 5, quality %d of 100: %.0f mm², %d minutiae\n%s\n",
		answer.Class, answer.Quality, answer.Area, answer.Minutiae, answer.Text)
	return nil
}
