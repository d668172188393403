package main

import (
	"context"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/dhamani-iq/dhamani/biometric/scanner"
	"github.com/dhamani-iq/dhamani/internal/cli"
)

func newScannerListCommand(g *globals) *cobra.Command {
	var source scannerSource
	cmd := &cobra.Command{
		Use:     "list",
		Aliases: []string{"ls"},
		Short:   "List the fingerprint scanners that are plugged in",
		Example: "  dhamani scanner list\n  dhamani scanner list --json",
		Args:    cli.Args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runScannerList(cmd.Context(), cmd.OutOrStdout(), g, source)
		},
	}
	source.flags(cmd)
	return cmd
}

func runScannerList(ctx context.Context, out io.Writer, g *globals, source scannerSource) error {
	bus, err := source.bus(g)
	if err != nil {
		return err
	}
	devices, err := bus.List(ctx)
	if err != nil {
		return err
	}
	lines := make([]deviceLine, len(devices))
	for i, d := range devices {
		lines[i] = newDeviceLine(d)
	}
	if g.json {
		return cli.PrintJSON(out, map[string]any{"scanners": lines})
	}
	if len(lines) == 0 {
		return fmt.Errorf("list scanners: %w", scanner.ErrNoScanner)
	}
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "SCANNER\tID\tMODEL\tSERIAL\tPROOF")
	for _, l := range lines {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", l.Name, l.ID, l.Model, l.Serial, l.Proof)
	}
	return table.Flush()
}

type supportedOptions struct{ udev bool }

func newScannerSupportedCommand(g *globals) *cobra.Command {
	var opts supportedOptions
	cmd := &cobra.Command{
		Use:   "supported",
		Short: "Print the table of supported scanners",
		Long: `Print the table of supported scanners and what stands behind each row: the
recording of a real device, a device of the same family, or nothing yet
(unverified: look at its images before you trust them).

With --udev it prints the udev rules that let the agent open them.`,
		Example: "  dhamani scanner supported\n  dhamani scanner supported --udev > /etc/udev/rules.d/" + scanner.RuleFile,
		Args:    cli.Args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runScannerSupported(cmd.OutOrStdout(), g, opts)
		},
	}
	cmd.Flags().BoolVar(&opts.udev, "udev", false, "print udev rules")
	return cmd
}

// modelLine is a row of the device table in JSON.
type modelLine struct {
	ID     string `json:"id"`
	Model  string `json:"model"`
	Driver string `json:"driver"`
	Width  int    `json:"width"`
	Height int    `json:"height"`
	DPI    int    `json:"dpi"`
	Proof  string `json:"proof"`
}

func runScannerSupported(out io.Writer, g *globals, opts supportedOptions) error {
	if opts.udev {
		if g.json {
			return cli.PrintJSON(out, map[string]string{"file": scanner.RuleFile, "rules": scanner.UdevRules()})
		}
		_, err := io.WriteString(out, scanner.UdevRules())
		return err
	}
	models := scanner.Models()
	lines := make([]modelLine, len(models))
	for i, m := range models {
		lines[i] = modelLine{m.ID.String(), m.Name, m.Driver, m.Width, m.Height, m.DPI, string(m.Proof)}
	}
	if g.json {
		return cli.PrintJSON(out, map[string]any{"models": lines})
	}
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "ID\tMODEL\tDRIVER\tPIXELS\tDPI\tPROOF")
	for _, l := range lines {
		fmt.Fprintf(table, "%s\t%s\t%s\t%d x %d\t%d\t%s\n", l.ID, l.Model, l.Driver, l.Width, l.Height, l.DPI, l.Proof)
	}
	return table.Flush()
}
