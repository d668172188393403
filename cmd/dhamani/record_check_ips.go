package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/dhamani-iq/dhamani/internal/cli"
	"github.com/dhamani-iq/dhamani/record/fhir/ipscheck"
)

func newRecordCheckIPSCommand(g *globals) *cobra.Command {
	return &cobra.Command{
		Use:   "check-ips FILE",
		Short: "Check a document against the International Patient Summary",
		Long: `Check a FHIR R4 Bundle (.json or .json.gz, - for standard input) against the profiles
of the International Patient Summary 2.0.0: required sections, what may stand in each,
references, addresses, texts. Each finding is told with its rule and its place, never
with what stands there. The command fails when there is an error; warnings alone do not
fail it.`,
		Example: "  dhamani record check-ips summary.json\n  dhamani record check-ips summary.json --json",
		Args:    cli.Args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			return runRecordCheckIPS(cmd.OutOrStdout(), cmd.InOrStdin(), g, args[0])
		},
	}
}

// errFindings is returned when a document is not as it should be; the findings
// are told already.
var errFindings = errors.New("not an International Patient Summary")

// recordCheckIPS is the JSON answer of record check-ips.
type recordCheckIPS struct {
	OK       bool               `json:"ok"` // no errors
	Findings []ipscheck.Finding `json:"findings"`
}

func runRecordCheckIPS(out io.Writer, stdin io.Reader, g *globals, file string) error {
	in, closeFile, err := openBundle(file, stdin)
	if err != nil {
		return err
	}
	found, err := ipscheck.Check(in)
	if err := errors.Join(err, closeFile()); err != nil {
		return cli.Advise(fmt.Errorf("check %s: %w", file, err), cli.ExitFailed, "give a FHIR R4 Bundle in JSON")
	}
	answer := recordCheckIPS{OK: true, Findings: []ipscheck.Finding{}}
	for _, f := range found {
		answer.OK = answer.OK && f.Severity != ipscheck.SeverityError
		answer.Findings = append(answer.Findings, f)
	}
	if g.json {
		err = cli.PrintJSON(out, answer)
	} else {
		err = answer.print(out)
	}
	if err == nil && !answer.OK {
		err = errFindings
	}
	return err
}

func (a *recordCheckIPS) print(out io.Writer) error {
	for _, f := range a.Findings {
		fmt.Fprintf(out, "%s  %s  %s: %s\n", f.Severity, f.Rule, f.Path, f.Text)
	}
	_, err := fmt.Fprintf(out, "%d findings\n", len(a.Findings))
	if err != nil {
		return fmt.Errorf("write answer: %w", err)
	}
	return nil
}
