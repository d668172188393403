package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/dhamani-iq/dhamani/biometric/scanner"
	"github.com/dhamani-iq/dhamani/biometric/scanner/tape"
	"github.com/dhamani-iq/dhamani/internal/cli"
	"github.com/dhamani-iq/dhamani/internal/durable"
)

func newScannerRecordCommand(g *globals) *cobra.Command {
	var opts scannerCaptureOptions
	cmd := &cobra.Command{
		Use:   "record",
		Short: "Record what a scanner says during a capture",
		Long: `Record what a scanner says while a finger is captured, into a folder: the
device's description, the traffic as pcapng and the image as PNG. 'dhamani
scanner capture --replay' plays it, Wireshark shows it, umockdev-run puts it in
the place of the device. The recording holds the finger: record your own, and
keep it as you keep the finger. A capture that fails is kept too.`,
		Example: "  dhamani scanner record -o recording/\n  dhamani scanner capture --replay recording/",
		Args:    cli.Args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if opts.output == "" {
				return cli.WrongUsage(cmd, "--output is missing: a folder for the recording")
			}
			if err := opts.check(cmd); err != nil {
				return err
			}
			session, err := opts.source.options(cmd)
			if err != nil {
				return err
			}
			if opts.source.seed == "" {
				session.Seed = scanner.FixedSeed(scanner.RecordingSeed)
			}
			if !g.json {
				session.Watch = guide(cmd.ErrOrStderr())
			}
			return runScannerRecord(cmd.Context(), cmd.OutOrStdout(), g, opts, session)
		},
	}
	opts.source.flags(cmd)
	captureFlags(cmd, &opts)
	cmd.Flags().Lookup("output").Usage = "folder for the recording"
	return cmd
}

func runScannerRecord(ctx context.Context, out io.Writer, g *globals, opts scannerCaptureOptions, session scanner.Options) error {
	bus, err := opts.source.bus(g)
	if err != nil {
		return err
	}
	d, err := scanner.NewHub(bus).Find(ctx, opts.source.name)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(opts.output, 0o700); err != nil {
		return fmt.Errorf("make folder: %w", err)
	}
	var template time.Duration
	img, packets, err := recordCapture(ctx, bus, d, session, opts.request(d.Model.DPI, &template))
	if len(packets) > 0 {
		kept := durable.WriteFile(filepath.Join(opts.output, tape.PacketFile), packets, 0o600)
		described := durable.WriteFile(filepath.Join(opts.output, tape.DeviceFile), tape.Describe(d), 0o600)
		err = errors.Join(err, kept, described)
	}
	if err != nil {
		return fmt.Errorf("record: %w", err)
	}
	if err := writePNG(filepath.Join(opts.output, "capture.png"), img.Gray); err != nil {
		return err
	}
	return printCapture(out, g, newCaptureLine(d, img, template, opts.output))
}

// recordCapture takes an image, and gives what was said whatever came of it.
func recordCapture(ctx context.Context, bus scanner.Bus, d scanner.Device, session scanner.Options, req scanner.Request) (scanner.Image, []byte, error) {
	t, err := bus.Open(ctx, d.Name)
	if err != nil {
		return scanner.Image{}, nil, err
	}
	var packets bytes.Buffer
	rec, err := tape.NewRecorder(&packets, t, d.Descriptors)
	if err != nil {
		return scanner.Image{}, nil, errors.Join(err, t.Close())
	}
	s, err := scanner.Open(ctx, rec, d.Model, session)
	if err != nil {
		return scanner.Image{}, packets.Bytes(), err
	}
	img, err := s.Capture(ctx, req)
	closed := s.Close() //nolint:contextcheck // closing has its own time
	return img, packets.Bytes(), errors.Join(err, closed)
}
