package main

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/dhamani-iq/dhamani/biometric/scanner"
	"github.com/dhamani-iq/dhamani/biometric/scanner/tape"
	"github.com/dhamani-iq/dhamani/biometric/usb"
	"github.com/dhamani-iq/dhamani/internal/cli"
)

func newScannerCommand(g *globals) *cobra.Command {
	return cli.Group(&cobra.Command{
		Use:   "scanner",
		Short: "Look after the fingerprint scanners",
		Long: `Look after the USB fingerprint scanners: what is plugged in, what is supported,
whether a scanner works, an image of a finger, a recording of what a scanner says.`,
		Example: "  dhamani scanner list\n  dhamani scanner test\n  dhamani scanner capture -o finger.png",
	}, newScannerListCommand(g), newScannerCaptureCommand(g), newScannerWatchCommand(g),
		newScannerTestCommand(g), newScannerRecordCommand(g), newScannerSupportedCommand(g), newScannerSoftCommand(g))
}

// scannerSource is where a command takes its scanners from.
type scannerSource struct {
	name   string // of the scanner; empty takes the first
	replay string // a recording in the place of USB
	pace   bool   // play the recording as slow as it was made
	seed   string // of image encryption, hexadecimal; empty as the source wants it
}

func (s *scannerSource) flags(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&s.name, "scanner", "", "name of the scanner, as 'dhamani scanner list' gives it; the first one without it")
	flags.StringVar(&s.replay, "replay", "", "play a recording, a folder or a pcapng file, in the place of a scanner")
	flags.BoolVar(&s.pace, "pace", false, "play the recording as slow as the scanner was")
	flags.StringVar(&s.seed, "seed", "", "seed of image encryption, hexadecimal; random for a scanner, that of recordings for a recording")
}

// bus opens the source.
func (s *scannerSource) bus(g *globals) (scanner.Bus, error) {
	if s.replay == "" {
		return usb.New(g.log), nil
	}
	recording, err := tape.Load(s.replay)
	if err != nil {
		return nil, err
	}
	return tape.Bus{Tape: recording, Paced: s.pace}, nil
}

// options are those of a session with the source. A recording can only be
// played with the seed that it was made with.
func (s *scannerSource) options(cmd *cobra.Command) (scanner.Options, error) {
	if s.pace && s.replay == "" {
		return scanner.Options{}, cli.WrongUsage(cmd, "--pace is for a recording: name it with --replay")
	}
	if s.seed != "" {
		seed, err := strconv.ParseUint(strings.TrimPrefix(s.seed, "0x"), 16, 32)
		if err != nil {
			return scanner.Options{}, cli.WrongUsage(cmd, "--seed %q is no hexadecimal number of 32 bits", s.seed)
		}
		return scanner.Options{Seed: scanner.FixedSeed(uint32(seed))}, nil
	}
	if s.replay != "" || usb.Mocked() {
		return scanner.Options{Seed: scanner.FixedSeed(scanner.RecordingSeed)}, nil
	}
	return scanner.Options{}, nil
}

// guide tells the person at the scanner what to do.
func guide(out io.Writer) func(scanner.Event) {
	return func(ev scanner.Event) {
		switch {
		case ev.Hint == scanner.HintPreview: // a terminal shows no images
		case ev.Hint == scanner.HintTooShort:
			fmt.Fprintln(out, "longer: leave the finger on, or draw it more slowly")
		case ev.Hint == scanner.HintTooFast:
			fmt.Fprintln(out, "slower: draw the finger over the sensor more slowly, once more")
		case ev.Hint == scanner.HintOneWay:
			fmt.Fprintln(out, "in one direction: draw the finger over the sensor without turning back, once more")
		case ev.Hint == scanner.HintAgain:
			fmt.Fprintf(out, "not good enough (%d of 100): once more\n", ev.Quality)
		case ev.State == scanner.Waiting:
			fmt.Fprintln(out, "put the finger on the scanner")
		case ev.State == scanner.Scanning:
			fmt.Fprintln(out, "hold still")
		case ev.State == scanner.Lifting:
			fmt.Fprintln(out, "take the finger off")
		}
	}
}

// deviceLine is a scanner in JSON answers.
type deviceLine struct {
	Name   string `json:"name"`
	ID     string `json:"id"` // vendor:product
	Model  string `json:"model"`
	Serial string `json:"serial,omitempty"`
	Proof  string `json:"proof"`
}

func newDeviceLine(d scanner.Device) deviceLine {
	return deviceLine{d.Name, d.Model.ID.String(), d.Model.Name, d.Serial, string(d.Model.Proof)}
}
