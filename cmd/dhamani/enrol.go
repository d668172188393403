package main

import (
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/dhamani-iq/dhamani/agent/home"
	"github.com/dhamani-iq/dhamani/internal/cli"
	"github.com/dhamani-iq/dhamani/internal/durable"
)

func newEnrolCommand(g *globals) *cobra.Command {
	return cli.Group(&cobra.Command{
		Use:   "enrol",
		Short: "Make this workstation known to the centre",
		Long: `enrol makes a workstation known to the centre in two steps. 'request' makes the
workstation's keys, which never leave its folder, and a file to carry to the
centre; 'accept' puts the centre's answer in place.`,
	}, newEnrolRequestCommand(g), newEnrolAcceptCommand(g))
}

type enrolRequestOptions struct{ facility, name, out string }

func newEnrolRequestCommand(g *globals) *cobra.Command {
	var opts enrolRequestOptions
	cmd := &cobra.Command{
		Use:     "request",
		Short:   "Make the keys and a request for the centre",
		Example: `  dhamani enrol request --home ./ws --facility "Karkh clinic" --name desk-1 -o request.cbor`,
		Args:    cli.Args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runEnrolRequest(g, opts, cmd.OutOrStdout())
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&opts.facility, "facility", "", "name of the facility")
	flags.StringVar(&opts.name, "name", "", "name of the workstation (default: the host's)")
	flags.StringVarP(&opts.out, "out", "o", "request.cbor", "file to write")
	_ = cmd.MarkFlagRequired("facility")
	return cmd
}

func runEnrolRequest(g *globals, opts enrolRequestOptions, out io.Writer) error {
	if opts.name == "" {
		host, err := os.Hostname()
		if err != nil {
			return fmt.Errorf("name of the host: %w", err)
		}
		opts.name = host
	}
	raw, err := home.Request(g.home, opts.facility, opts.name)
	if err != nil {
		return err
	}
	if err := durable.WriteFile(opts.out, raw, 0o600); err != nil {
		return err
	}
	if g.json {
		return cli.PrintJSON(out, map[string]any{"home": g.home, "request": opts.out, "bytes": len(raw)})
	}
	fmt.Fprintf(out, "The keys are in %s.\nCarry %s to the centre; bring back its grant for 'dhamani enrol accept'.\n", g.home, opts.out)
	return nil
}

func newEnrolAcceptCommand(g *globals) *cobra.Command {
	return &cobra.Command{
		Use:     "accept GRANT",
		Short:   "Put the centre's grant in place",
		Example: `  dhamani enrol accept --home ./ws grant.cbor`,
		Args:    cli.Args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			return runEnrolAccept(g, args[0], cmd.OutOrStdout())
		},
	}
}

// maxGrant bounds the file that is read: two lists of the largest size.
const maxGrant = 64 << 20

func runEnrolAccept(g *globals, path string, out io.Writer) error {
	f, err := os.Open(path) // #nosec G304 -- the caller names the file
	if err != nil {
		return fmt.Errorf("read grant: %w", err)
	}
	defer f.Close() //nolint:errcheck // only read
	raw, err := io.ReadAll(io.LimitReader(f, maxGrant))
	if err != nil {
		return fmt.Errorf("read grant: %w", err)
	}
	if err := home.Accept(g.home, raw); err != nil {
		return err
	}
	h, err := home.Load(g.home)
	if err != nil {
		return err
	}
	trusted, blocked := h.Trust.Versions()
	if g.json {
		return cli.PrintJSON(out, map[string]any{
			"home": g.home, "facility": h.Grant.Facility, "role": h.Role, "expires": h.Expires,
			"centre": h.Grant.CentreURL, "trust_version": trusted, "block_version": blocked,
		})
	}
	fmt.Fprintf(out, "Facility %d, role %s, until %s.\nCentre %s at %s.\nStart the agent: dhamanid run --home %s\n",
		h.Grant.Facility, h.Role, h.Expires.Format("2006-01-02"), h.Grant.CentreName, h.Grant.CentreURL, g.home)
	return nil
}
