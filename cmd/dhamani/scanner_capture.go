package main

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/png"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/dhamani-iq/dhamani/biometric/extract"
	"github.com/dhamani-iq/dhamani/biometric/scanner"
	"github.com/dhamani-iq/dhamani/internal/cli"
	"github.com/dhamani-iq/dhamani/internal/durable"
)

type scannerCaptureOptions struct {
	source scannerSource
	output string        // PNG file; empty keeps nothing
	wait   time.Duration // for the finger
	least  int           // quality, 0 to 100, under which the image is taken again
}

// request is what a capture asks the scanner for. It notes in took how long
// the last image's template took.
func (o scannerCaptureOptions) request(dpi int, took *time.Duration) scanner.Request {
	return scanner.Request{Wait: o.wait, Judge: func(img *image.Gray) (int, bool) {
		begin := time.Now()
		t, err := extract.Extract(img, dpi)
		*took = time.Since(begin)
		if err != nil {
			return 0, o.least == 0
		}
		q := int(t.Views[0].Quality)
		return q, q >= o.least
	}}
}

func newScannerCaptureCommand(g *globals) *cobra.Command {
	var opts scannerCaptureOptions
	cmd := &cobra.Command{
		Use:   "capture",
		Short: "Capture the image of a finger",
		Long: `Capture the image of a finger with a scanner, or from a recording, and write it
to a PNG file that only its owner may read.`,
		Example: `  dhamani scanner capture -o finger.png
  dhamani scanner capture --replay recording/ --pace -o finger.png`,
		Args: cli.Args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := opts.check(cmd); err != nil {
				return err
			}
			session, err := opts.source.options(cmd)
			if err != nil {
				return err
			}
			if !g.json {
				session.Watch = guide(cmd.ErrOrStderr())
			}
			return runScannerCapture(cmd.Context(), cmd.OutOrStdout(), g, opts, session)
		},
	}
	opts.source.flags(cmd)
	captureFlags(cmd, &opts)
	return cmd
}

// check refuses values that no capture can be made with.
func (o scannerCaptureOptions) check(cmd *cobra.Command) error {
	if o.least < 0 || o.least > 100 {
		return cli.WrongUsage(cmd, "--quality %d is not between 0 and 100", o.least)
	}
	return checkWait(cmd, o.wait)
}

func checkWait(cmd *cobra.Command, wait time.Duration) error {
	if wait <= 0 {
		return cli.WrongUsage(cmd, "--wait %v is no time to put a finger on", wait)
	}
	return nil
}

func captureFlags(cmd *cobra.Command, opts *scannerCaptureOptions) {
	cmd.Flags().StringVarP(&opts.output, "output", "o", "", "PNG file for the image; without it the image is dropped")
	cmd.Flags().IntVar(&opts.least, "quality", 0, "take an image of less than this quality (0 to 100) again, three in all, and keep the best")
	cmd.Flags().DurationVar(&opts.wait, "wait", scanner.DefaultWait, "how long to wait for the finger")
}

// captureLine is the answer of scanner capture.
type captureLine struct {
	Scanner  deviceLine `json:"scanner"`
	Width    int        `json:"width"`
	Height   int        `json:"height"`
	DPI      int        `json:"dpi"`
	Proof    string     `json:"proof"`     // what stands behind the driver
	Quality  int        `json:"quality"`   // of the template that comes of it, 0 to 100
	Lifted   bool       `json:"lifted"`    // the scanner saw the finger leave
	TookMS   float64    `json:"took_ms"`   // from the finger to the image
	DeviceMS float64    `json:"device_ms"` // of these, spent waiting for the scanner
	// TemplateMS is from an image on to its template, the last one's if there were several.
	TemplateMS float64 `json:"template_ms"`
	File       string  `json:"file,omitempty"`
}

func runScannerCapture(ctx context.Context, out io.Writer, g *globals, opts scannerCaptureOptions, session scanner.Options) error {
	bus, err := opts.source.bus(g)
	if err != nil {
		return err
	}
	hub := scanner.NewHub(bus)
	d, err := hub.Find(ctx, opts.source.name)
	if err != nil {
		return err
	}
	var template time.Duration
	img, err := hub.Capture(ctx, d.Name, opts.request(d.Model.DPI, &template), session)
	if err != nil {
		return fmt.Errorf("capture: %w", err)
	}
	if opts.output != "" {
		if err := writePNG(opts.output, img.Gray); err != nil {
			return err
		}
	}
	return printCapture(out, g, newCaptureLine(d, img, template, opts.output))
}

func newCaptureLine(d scanner.Device, img scanner.Image, template time.Duration, file string) captureLine {
	return captureLine{
		Scanner: newDeviceLine(d), Width: img.Rect.Dx(), Height: img.Rect.Dy(), DPI: img.DPI, Proof: string(img.Proof), Quality: img.Quality, Lifted: img.Lifted,
		TookMS: milliseconds(img.Took), DeviceMS: milliseconds(img.Device), TemplateMS: milliseconds(template), File: file,
	}
}

func printCapture(out io.Writer, g *globals, line captureLine) error {
	if g.json {
		return cli.PrintJSON(out, line)
	}
	fmt.Fprintf(out, "%s: %d x %d pixels at %d dpi, quality %d of 100, %.1f ms after the finger, %.1f of them by the scanner; template in %.1f ms more\n",
		line.Scanner.Model, line.Width, line.Height, line.DPI, line.Quality, line.TookMS, line.DeviceMS, line.TemplateMS)
	if line.Proof == string(scanner.Unverified) {
		fmt.Fprintln(out, "unverified: nobody has shown a recording of this scanner; look at the image before you trust it")
	}
	if line.File != "" {
		fmt.Fprintf(out, "written to %s\n", line.File)
	}
	return nil
}

// writePNG writes a picture of a finger: for its owner only.
func writePNG(name string, img image.Image) error {
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		return fmt.Errorf("write image: %w", err)
	}
	if err := durable.WriteFile(name, b.Bytes(), 0o600); err != nil {
		return fmt.Errorf("write image: %w", err)
	}
	return nil
}
