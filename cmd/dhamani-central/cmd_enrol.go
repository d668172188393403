package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/dhamani-iq/dhamani/crypto/cvc"
	"github.com/dhamani-iq/dhamani/internal/cli"
	"github.com/dhamani-iq/dhamani/internal/durable"
	"github.com/dhamani-iq/dhamani/sync/central/authority"
	"github.com/dhamani-iq/dhamani/sync/wire"
)

type enrolOptions struct {
	request, out       string
	facility           uint32
	role               string
	rights             []string
	days               int
	name, facilityName string
}

func newEnrolCommand(g *globals) *cobra.Command {
	var opts enrolOptions
	cmd := &cobra.Command{
		Use:   "enrol",
		Short: "Enrol a workstation: its request in, its grant out",
		Long: `enrol checks the request that 'dhamani enrol request' made at a workstation, issues
the certificates of its keys, adds its author key to the trust list, and writes the
grant, which the workstation takes in. No private key travels.

A facility that is known gets one more workstation. The role issuer makes a
personalisation station, which may issue cards.`,
		Example: `  dhamani-central enrol --dir ./centre --request request.cbor --role physician -o grant.cbor
  dhamani-central enrol --dir ./centre --request desk.cbor --facility 12 --role receptionist -o desk-grant.cbor
  dhamani-central enrol --dir ./centre --request print.cbor --facility 9001 --role issuer -o print-grant.cbor`,
		Args: cli.Args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			options, err := opts.parse(cmd)
			if err != nil {
				return err
			}
			return runEnrol(cmd.Context(), cmd.OutOrStdout(), g, opts, options)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&opts.request, "request", "", "file of the request (required)")
	flags.StringVarP(&opts.out, "out", "o", "", "file for the grant (required)")
	flags.Uint32Var(&opts.facility, "facility", 0, "number of the facility (default: a new one)")
	flags.StringVar(&opts.role, "role", "", "receptionist, nurse, physician, pharmacist, laboratory, emergency or issuer (required)")
	flags.StringSliceVar(&opts.rights, "rights", nil, "append, write-summary, host-match, unblock or none (default: those of the role)")
	flags.IntVar(&opts.days, "days", 365, "how many days the certificates are valid")
	flags.StringVar(&opts.name, "name", "", "name of the workstation (default: that of the request)")
	flags.StringVar(&opts.facilityName, "facility-name", "", "name of the facility (default: that of the request)")
	return cmd
}

func (o *enrolOptions) parse(cmd *cobra.Command) (authority.EnrolOptions, error) {
	options := authority.EnrolOptions{
		Facility: o.facility, Validity: time.Duration(o.days) * 24 * time.Hour, Name: o.name, FacilityName: o.facilityName,
	}
	for flag, value := range map[string]string{"request": o.request, "out": o.out, "role": o.role} {
		if value == "" {
			return options, cli.WrongUsage(cmd, "--%s is required", flag)
		}
	}
	role, err := cvc.ParseRole(o.role)
	if err != nil {
		return options, cli.WrongUsage(cmd, "--role: there is no role %q", o.role)
	}
	options.Role, options.Rights = role, authority.RightsOf(role)
	if cmd.Flags().Changed("rights") {
		if options.Rights, err = parseRights(o.rights); err != nil {
			return options, cli.WrongUsage(cmd, "--rights: %w", err)
		}
	}
	return options, nil
}

func parseRights(names []string) (cvc.Rights, error) {
	var rights cvc.Rights
	for _, name := range names {
		if name == "none" {
			continue
		}
		found := false
		for right := cvc.Rights(1); right <= cvc.AllRights; right <<= 1 {
			if right.String() == name {
				rights, found = rights|right, true
			}
		}
		if !found {
			return 0, fmt.Errorf("there is no right %q", name)
		}
	}
	return rights, nil
}

func runEnrol(ctx context.Context, out io.Writer, g *globals, opts enrolOptions, options authority.EnrolOptions) error {
	raw, err := readSmall(opts.request, wire.MaxCardBody)
	if err != nil {
		return fmt.Errorf("read request: %w", err)
	}
	var req wire.EnrolRequest
	if err := wire.Decode(raw, &req); err != nil {
		return fmt.Errorf("read request %s: %w", opts.request, err)
	}
	return withCentre(ctx, g, func(c *centre) error {
		grant, err := c.auth.Enrol(ctx, &req, options)
		if err != nil {
			return err
		}
		raw, err := wire.Encode(grant)
		if err != nil {
			return err
		}
		if err := durable.WriteFile(opts.out, raw, 0o600); err != nil {
			return fmt.Errorf("write grant: %w", err)
		}
		key := fmt.Sprintf("%x", grant.AuthorKID)
		return answer(out, g.json, map[string]any{
			"facility": grant.Facility, "key": key, "role": options.Role.String(), "rights": options.Rights.String(), "grant": opts.out,
		}, func(p *printer) {
			p.printf("facility %d: workstation %s enrolled as %s (%s), author key %s\n",
				grant.Facility, display(options.Name, req.Name), options.Role, options.Rights, key)
			p.printf("  next: at the workstation, dhamani enrol accept %s\n", opts.out)
		})
	})
}

// display returns the first that is not empty.
func display(names ...string) string {
	for _, name := range names {
		if name != "" {
			return strings.ToValidUTF8(name, "?")
		}
	}
	return ""
}

// readSmall reads a file of at most limit bytes.
func readSmall(path string, limit int64) ([]byte, error) {
	f, err := os.Open(path) // #nosec G304 -- named on the command line
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	raw, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(raw)) > limit {
		err = fmt.Errorf("%s is larger than %d bytes: %w", path, limit, wire.ErrMalformed)
	}
	return raw, err
}
