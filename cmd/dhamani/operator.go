package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/dhamani-iq/dhamani/agent"
	"github.com/dhamani-iq/dhamani/agent/home"
	"github.com/dhamani-iq/dhamani/agent/operators"
	"github.com/dhamani-iq/dhamani/card/pcsc"
	"github.com/dhamani-iq/dhamani/internal/cli"
	"github.com/dhamani-iq/dhamani/internal/durable"
)

func newOperatorCommand(g *globals) *cobra.Command {
	return cli.Group(&cobra.Command{
		Use:   "operator",
		Short: "Look after the people who work at this workstation",
		Long: `operator looks after the people who work at this workstation. The workstation
alone sees what a receptionist may see; whoever signs in brings their own role,
and their own key signs what they write.

An operator is made in two steps, as a workstation is: 'request' makes the keys,
sealed under a passphrase, and a file to carry to the centre; 'accept' puts the
centre's answer in place. 'sign-in', 'sign-out' and 'status' speak to the agent.`,
	}, newOperatorRequestCommand(g), newOperatorAcceptCommand(g), newOperatorListCommand(g), newOperatorRemoveCommand(g),
		newOperatorPassphraseCommand(g), newOperatorSignInCommand(g), newOperatorSignOutCommand(g), newOperatorStatusCommand(g))
}

// operatorsOf are a folder's operators, with this computer's readers.
func operatorsOf(h *home.Home) *operators.Operators {
	return operators.Of(h).In(pcsc.New(slog.New(slog.DiscardHandler)))
}

// withOperators loads the folder and calls fn with its operators.
func withOperators(g *globals, fn func(*operators.Operators) error) error {
	h, err := home.Load(g.home)
	if err != nil {
		return err
	}
	return fn(operatorsOf(h))
}

type operatorRequestOptions struct {
	name, out, reader string
	renew, piv        bool
}

func newOperatorRequestCommand(g *globals) *cobra.Command {
	var opts operatorRequestOptions
	cmd := &cobra.Command{
		Use:   "request ID",
		Short: "Make an operator's keys and a request for the centre",
		Long: `request makes the keys of an operator, sealed under a passphrase of at least ten
characters, and a request that the centre answers with a grant. ID is the short
name to sign in with: letters a to z, digits and hyphens. The passphrase is asked
for, or read from the first line of standard input.

With --piv the keys are those of the operator's own PIV card, which lies in a
reader: slot 9A proves the operator to patients' cards, slot 9C signs entries,
both on P-256 and with certificates. The PIN of the card takes the passphrase's
place, here and whenever the operator signs in.`,
		Example: `  dhamani operator request zaynab --name "Dr Zaynab" -o zaynab.cbor
  dhamani operator request huda --name "Dr Huda" --piv -o huda.cbor
  dhamani operator request zaynab --renew -o zaynab.cbor < passphrase`,
		Args: cli.Args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			if opts.renew == (opts.name != "") {
				return cli.WrongUsage(cmd, "give --name for a new operator, or --renew for one who is here")
			}
			if opts.renew && opts.piv {
				return cli.WrongUsage(cmd, "--piv is for a new operator; --renew knows where the keys are")
			}
			return runOperatorRequest(cmd.Context(), g, args[0], opts, newSecrets(cmd.InOrStdin(), cmd.ErrOrStderr()), cmd.OutOrStdout())
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&opts.name, "name", "", "name for people")
	flags.StringVarP(&opts.out, "out", "o", "operator.cbor", "file to write")
	flags.BoolVar(&opts.piv, "piv", false, "use the keys in the operator's PIV card")
	flags.StringVar(&opts.reader, "reader", "", "reader with the PIV card (default: the one that has one)")
	flags.BoolVar(&opts.renew, "renew", false, "ask again for the keys that the operator has")
	return cmd
}

func runOperatorRequest(ctx context.Context, g *globals, id string, opts operatorRequestOptions, in *secrets, out io.Writer) error {
	return withOperators(g, func(o *operators.Operators) error {
		if opts.reader != "" {
			o = o.In(operators.Only(pcsc.New(slog.New(slog.DiscardHandler)), opts.reader))
		}
		raw, err := requestOperator(ctx, o, id, opts, in)
		if err != nil {
			return err
		}
		if err := durable.WriteFile(opts.out, raw, 0o600); err != nil {
			return err
		}
		if g.json {
			return cli.PrintJSON(out, map[string]any{"id": id, "request": opts.out, "bytes": len(raw)})
		}
		fmt.Fprintf(out, "Carry %s to the centre; bring back its grant for 'dhamani operator accept'.\n", opts.out)
		return nil
	})
}

// requestOperator asks for the secret and makes the request of each kind.
func requestOperator(ctx context.Context, o *operators.Operators, id string, opts operatorRequestOptions, in *secrets) ([]byte, error) {
	if !opts.renew && !opts.piv {
		secret, err := in.fresh("New passphrase of " + id)
		if err != nil {
			return nil, err
		}
		return o.Request(id, opts.name, secret)
	}
	secret, err := in.read(secretPrompt(id))
	if err != nil {
		return nil, err
	}
	if opts.renew {
		return o.Renew(ctx, id, secret)
	}
	return o.RequestPIV(ctx, id, opts.name, secret)
}

// secretPrompt asks for what an operator signs in with.
func secretPrompt(id string) string { return "Passphrase, or PIN of the card, of " + id }

func newOperatorAcceptCommand(g *globals) *cobra.Command {
	return &cobra.Command{
		Use:     "accept GRANT",
		Short:   "Put the centre's grant for an operator in place",
		Example: `  dhamani operator accept zaynab-grant.cbor`,
		Args:    cli.Args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			return withOperators(g, func(o *operators.Operators) error {
				f, err := os.Open(args[0])
				if err != nil {
					return fmt.Errorf("read grant: %w", err)
				}
				defer f.Close() //nolint:errcheck // only read
				raw, err := io.ReadAll(io.LimitReader(f, maxGrant))
				if err != nil {
					return fmt.Errorf("read grant: %w", err)
				}
				ref, err := o.Accept(raw)
				if err != nil {
					return err
				}
				if g.json {
					return cli.PrintJSON(cmd.OutOrStdout(), ref)
				}
				fmt.Fprintf(cmd.OutOrStdout(), "%s (%s) may sign in as %s until %s.\n", ref.ID, ref.Name, ref.Role, ref.Expires.Format(time.DateOnly))
				return nil
			})
		},
	}
}

func newOperatorListCommand(g *globals) *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Short:   "List who may sign in",
		Example: `  dhamani operator list --json`,
		Args:    cli.Args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withOperators(g, func(o *operators.Operators) error {
				list, err := o.List()
				if err != nil {
					return err
				}
				if g.json {
					return cli.PrintJSON(cmd.OutOrStdout(), list)
				}
				return printOperators(cmd.OutOrStdout(), list)
			})
		},
	}
}

func printOperators(out io.Writer, list []agent.OperatorRef) error {
	tw := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, r := range list {
		until := "no grant yet"
		if r.Role != "" {
			until = "until " + r.Expires.Format(time.DateOnly)
		}
		fmt.Fprintf(tw, "%s\t%s\t%s\t%s\t%s\n", r.ID, r.Name, cmp.Or(r.Role, "-"), r.Kind, until)
	}
	return tw.Flush()
}

func newOperatorRemoveCommand(g *globals) *cobra.Command {
	return &cobra.Command{
		Use:   "remove ID",
		Short: "Delete an operator's credential from this workstation",
		Long: `remove deletes an operator's credential from this workstation, keys and all. The
centre does not learn of it: have it revoke the operator's key as well when they
leave the facility ('dhamani-central revoke').`,
		Example: `  dhamani operator remove zaynab`,
		Args:    cli.Args(cobra.ExactArgs(1)),
		RunE: func(_ *cobra.Command, args []string) error {
			return withOperators(g, func(o *operators.Operators) error { return o.Remove(args[0]) })
		},
	}
}

func newOperatorPassphraseCommand(g *globals) *cobra.Command {
	return &cobra.Command{
		Use:   "passphrase ID",
		Short: "Change an operator's passphrase",
		Long: `passphrase seals an operator's keys under a new passphrase. Both are asked for, or
read from the first two lines of standard input.`,
		Example: `  dhamani operator passphrase zaynab`,
		Args:    cli.Args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			return withOperators(g, func(o *operators.Operators) error {
				in := newSecrets(cmd.InOrStdin(), cmd.ErrOrStderr())
				old, err := in.read("Passphrase of " + args[0])
				if err != nil {
					return err
				}
				fresh, err := in.fresh("New passphrase")
				if err != nil {
					return err
				}
				return o.ChangePassphrase(args[0], old, fresh)
			})
		},
	}
}

// openOperator asks for the secret of one of a folder's operators.
func openOperator(ctx context.Context, h *home.Home, id string, in *secrets) (agent.Operator, error) {
	secret, err := in.read(secretPrompt(id))
	if err != nil {
		return agent.Operator{}, err
	}
	return operatorsOf(h).Open(ctx, id, secret)
}
