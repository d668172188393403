package main

import (
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"io"
	"math"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/dhamani-iq/dhamani/biometric/extract"
	"github.com/dhamani-iq/dhamani/biometric/fmr"
	"github.com/dhamani-iq/dhamani/internal/cli"
)

func newFingerShowCommand(g *globals) *cobra.Command {
	var opts fingerOptions
	cmd := &cobra.Command{
		Use:   "show IMAGE",
		Short: "Draw the minutiae on the image of a finger",
		Long: `Find the minutiae in an image of a finger and draw them on it: endings red,
bifurcations green, each with its direction.`,
		Example: "  dhamani finger show thumb.png -o marked.png",
		Args:    cli.Args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			return runFingerShow(cmd.OutOrStdout(), g, args[0], opts)
		},
	}
	opts.addDPI(cmd)
	cmd.Flags().StringVarP(&opts.out, "out", "o", "", "file for the picture, a PNG")
	_ = cmd.MarkFlagRequired("out")
	return cmd
}

func runFingerShow(out io.Writer, g *globals, file string, opts fingerOptions) error {
	img, err := readFingerImage(file)
	if err != nil {
		return err
	}
	t, err := extract.Extract(img, opts.dpi)
	if err != nil {
		return fmt.Errorf("extract from %s: %w", filepath.Base(file), err)
	}
	b := img.Bounds()
	picture := image.NewRGBA(image.Rect(0, 0, b.Dx(), b.Dy()))
	draw.Draw(picture, picture.Bounds(), img, b.Min, draw.Src)
	for _, m := range t.Views[0].Minutiae {
		sin, cos := math.Sincos(float64(m.Angle) * math.Pi / 128)
		c := color.RGBA{230, 0, 0, 255}
		if m.Type == fmr.Bifurcation {
			c = color.RGBA{0, 170, 0, 255}
		}
		extract.Mark(picture, float64(m.X), float64(m.Y), cos, -sin, c)
	}
	if err := writePNG(opts.out, picture); err != nil {
		return err
	}
	if g.json {
		return cli.PrintJSON(out, struct {
			Minutiae int `json:"minutiae"`
		}{len(t.Views[0].Minutiae)})
	}
	fmt.Fprintf(out, "%d minutiae drawn\n", len(t.Views[0].Minutiae))
	return nil
}

func newFingerExplainCommand(g *globals) *cobra.Command {
	var opts fingerOptions
	cmd := &cobra.Command{
		Use:   "explain IMAGE",
		Short: "Write a picture of every step of the extraction",
		Long: `Find the minutiae in an image of a finger and write a picture of every step on
the way: the flattened image, the orientation of the ridges, their distance, the
filtered ridges, the foreground, the skeleton, the minutiae with those dropped.`,
		Example: "  dhamani finger explain thumb.png -o steps",
		Args:    cli.Args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			return runFingerExplain(cmd.OutOrStdout(), g, args[0], opts)
		},
	}
	opts.addDPI(cmd)
	cmd.Flags().StringVarP(&opts.out, "out", "o", "", "folder for the pictures")
	_ = cmd.MarkFlagRequired("out")
	return cmd
}

func runFingerExplain(out io.Writer, g *globals, file string, opts fingerOptions) error {
	img, err := readFingerImage(file)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(opts.out, 0o700); err != nil {
		return fmt.Errorf("make folder: %w", err)
	}
	var names []string
	var failed error
	e := extract.Extractor{Sink: func(step string, picture image.Image) {
		name := filepath.Join(opts.out, step+".png")
		if err := writePNG(name, picture); err != nil && failed == nil {
			failed = err
		}
		names = append(names, name)
	}}
	if _, err := e.Extract(img, opts.dpi); err != nil {
		return fmt.Errorf("extract from %s: %w", filepath.Base(file), err)
	}
	if failed != nil {
		return failed
	}
	if g.json {
		return cli.PrintJSON(out, struct {
			Pictures []string `json:"pictures"`
		}{names})
	}
	for _, name := range names {
		fmt.Fprintln(out, name)
	}
	return nil
}
