package main

import (
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

	roles cvc.Roles   // of role; 0 when it is not given
	given *cvc.Rights // of rights; nil when they are not given
}

func newEnrolCommand(g *globals) *cobra.Command {
	var opts enrolOptions
	cmd := &cobra.Command{
		Use:   "enrol",
		Short: "Enrol a workstation or an operator: a request in, its grant out",
		Long: `enrol checks the request that 'dhamani enrol request' made at a workstation, or
'dhamani operator request' for one of the people who work there, issues the
certificates of its keys, adds its author key to the trust list, and writes the
grant, which the workstation takes in. No private key travels.

A facility that is known gets one more workstation. Alone it sees what a
receptionist may see; the role issuer makes a personalisation station, which may
issue cards. An operator brings one of the roles that the facility may have, for
90 days unless --days says otherwise; an operator who is known is renewed.`,
		Example: `  dhamani-central enrol --dir ./centre --request request.cbor -o grant.cbor
  dhamani-central enrol --dir ./centre --request zaynab.cbor --role physician -o zaynab-grant.cbor
  dhamani-central enrol --dir ./centre --request print.cbor --facility 9001 --role issuer -o print-grant.cbor`,
		Args: cli.Args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := opts.parse(cmd); err != nil {
				return err
			}
			return runEnrol(cmd, g, opts)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&opts.request, "request", "", "file of the request (required)")
	flags.StringVarP(&opts.out, "out", "o", "", "file for the grant (required)")
	flags.Uint32Var(&opts.facility, "facility", 0, "number of the facility (default: a new one)")
	flags.StringVar(&opts.role, "role", "", "of an operator (required): receptionist, nurse, physician, pharmacist, laboratory, emergency or issuer; of a workstation: receptionist (default) or issuer")
	flags.StringSliceVar(&opts.rights, "rights", nil, "append, write-summary, host-match, unblock or none (default: those of the role)")
	flags.IntVar(&opts.days, "days", 0, "how many days the certificates are valid (default: 365, of an operator 90)")
	flags.StringVar(&opts.name, "name", "", "name of the workstation or operator (default: that of the request)")
	flags.StringVar(&opts.facilityName, "facility-name", "", "name of the facility (default: that of the request)")
	return cmd
}

// parse reads the flags that are no plain values.
func (o *enrolOptions) parse(cmd *cobra.Command) error {
	for flag, value := range map[string]string{"request": o.request, "out": o.out} {
		if value == "" {
			return cli.WrongUsage(cmd, "--%s is required", flag)
		}
	}
	if o.role != "" {
		var err error
		if o.roles, err = cvc.ParseRole(o.role); err != nil {
			return cli.WrongUsage(cmd, "--role: there is no role %q", o.role)
		}
	}
	if cmd.Flags().Changed("rights") {
		given, err := parseRights(o.rights)
		if err != nil {
			return cli.WrongUsage(cmd, "--rights: %w", err)
		}
		o.given = &given
	}
	return nil
}

// rightsOf are the rights of a role, unless others were named.
func (o *enrolOptions) rightsOf(role cvc.Roles) cvc.Rights {
	if o.given != nil {
		return *o.given
	}
	return authority.RightsOf(role)
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

// runEnrol answers either kind of request; strict decoding tells them apart.
func runEnrol(cmd *cobra.Command, g *globals, opts enrolOptions) error {
	raw, err := readSmall(opts.request, wire.MaxCardBody)
	if err != nil {
		return fmt.Errorf("read request: %w", err)
	}
	var operator wire.OperatorRequest
	if err := wire.Decode(raw, &operator); err == nil {
		return runEnrolOperator(cmd, g, opts, &operator)
	}
	var req wire.EnrolRequest
	if err := wire.Decode(raw, &req); err != nil {
		return fmt.Errorf("read request %s: %w", opts.request, err)
	}
	if opts.roles == 0 {
		opts.roles = cvc.RoleReceptionist
	}
	if opts.roles != cvc.RoleReceptionist && opts.roles != cvc.RoleIssuer {
		return cli.WrongUsage(cmd, "--role %s is an operator's: a workstation is enrolled as receptionist or issuer, and its operators bring their roles", opts.role)
	}
	options := authority.EnrolOptions{
		Facility: opts.facility, Role: opts.roles, Rights: opts.rightsOf(opts.roles),
		Validity: time.Duration(opts.days) * 24 * time.Hour, Name: opts.name, FacilityName: opts.facilityName,
	}
	return withCentre(cmd.Context(), g, func(c *centre) error {
		grant, err := c.auth.Enrol(cmd.Context(), &req, options)
		if err != nil {
			return err
		}
		if err := writeGrant(opts.out, grant); err != nil {
			return err
		}
		key := fmt.Sprintf("%x", grant.AuthorKID)
		return answer(cmd.OutOrStdout(), g.json, map[string]any{
			"facility": grant.Facility, "key": key, "role": options.Role.String(), "rights": options.Rights.String(), "grant": opts.out,
		}, func(p *printer) {
			p.printf("facility %d: workstation %s enrolled as %s (%s), author key %s\n",
				grant.Facility, display(options.Name, req.Name), options.Role, options.Rights, key)
			p.printf("  next: at the workstation, dhamani enrol accept %s\n", opts.out)
		})
	})
}

func runEnrolOperator(cmd *cobra.Command, g *globals, opts enrolOptions, req *wire.OperatorRequest) error {
	switch {
	case opts.roles == 0:
		return cli.WrongUsage(cmd, "--role is required for an operator")
	case opts.facility != 0 && opts.facility != req.Facility:
		return cli.WrongUsage(cmd, "--facility: the request is from facility %d", req.Facility)
	case opts.facilityName != "":
		return cli.WrongUsage(cmd, "--facility-name goes with a workstation")
	}
	options := authority.OperatorOptions{
		Role: opts.roles, Rights: opts.rightsOf(opts.roles), Validity: time.Duration(opts.days) * 24 * time.Hour, Name: opts.name,
	}
	return withCentre(cmd.Context(), g, func(c *centre) error {
		grant, err := c.auth.EnrolOperator(cmd.Context(), req, options)
		if err != nil {
			return err
		}
		if err := writeGrant(opts.out, grant); err != nil {
			return err
		}
		key := fmt.Sprintf("%x", grant.AuthorKID)
		return answer(cmd.OutOrStdout(), g.json, map[string]any{
			"facility": grant.Facility, "operator": grant.Name, "key": key, "role": options.Role.String(),
			"rights": options.Rights.String(), "grant": opts.out,
		}, func(p *printer) {
			p.printf("facility %d: operator %s enrolled as %s (%s), author key %s\n",
				grant.Facility, display(grant.Name), options.Role, options.Rights, key)
			p.printf("  next: at the workstation, dhamani operator accept %s\n", opts.out)
		})
	})
}

func writeGrant(path string, grant wire.Message) error {
	raw, err := wire.Encode(grant)
	if err != nil {
		return err
	}
	if err := durable.WriteFile(path, raw, 0o600); err != nil {
		return fmt.Errorf("write grant: %w", err)
	}
	return nil
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
