package main

import (
	"context"
	"crypto/x509"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/dhamani-iq/dhamani/agent/home"
	"github.com/dhamani-iq/dhamani/internal/cli"
)

func newCentralCommand(g *globals) *cobra.Command {
	return cli.Group(&cobra.Command{Use: "central", Short: "Look at the way to the centre"}, &cobra.Command{
		Use:   "ping",
		Short: "Ask the centre how it is, with this workstation's certificate",
		Long: `ping asks the centre how it is over the same line and with the same certificate
as the agent, which may be running or not. It tells what most often stands in
the way: the address, the two certificates, the clock and the lists.`,
		Example: `  dhamani central ping
  dhamani central ping --home ./ws --json`,
		Args: cli.Args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runCentralPing(cmd.Context(), g, cmd.OutOrStdout())
		},
	})
}

// centralAnswer is the JSON of central ping.
type centralAnswer struct {
	URL          string    `json:"url"`
	Name         string    `json:"name"`
	MS           float64   `json:"ms"`            // connection included
	ClockSeconds int64     `json:"clock_ahead_s"` // of this machine against the centre's
	Trust        uint64    `json:"trust_version"` // at the centre
	Block        uint64    `json:"block_version"` // at the centre
	TrustGranted uint64    `json:"trust_granted"` // in this workstation's grant
	TLSEnds      time.Time `json:"tls_ends"`      // of this workstation's TLS certificate
	TerminalEnds time.Time `json:"terminal_ends"` // of its terminal certificate
	Facility     uint32    `json:"facility"`      // that the certificates name
	Role         string    `json:"role"`          // likewise
}

// askTime bounds one question to the centre.
const askTime = 20 * time.Second

func runCentralPing(ctx context.Context, g *globals, out io.Writer) error {
	h, err := home.Load(g.home)
	if err != nil {
		return err
	}
	centre, err := h.Client(nil, g.log)
	if err != nil {
		return err
	}
	own, err := x509.ParseCertificate(h.Grant.TLSCert)
	if err != nil {
		return fmt.Errorf("certificate of the workstation: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	begin := time.Now()
	health, err := centre.Health(ctx)
	if err != nil {
		return err
	}
	took := time.Since(begin)
	a := centralAnswer{
		URL: h.CentreURL(), Name: health.Name, MS: float64(took.Microseconds()) / 1000,
		ClockSeconds: begin.Add(took/2).Unix() - int64(health.Time), // #nosec G115 -- a time of this century
		Trust:        health.Trust, Block: health.Block, TLSEnds: own.NotAfter, TerminalEnds: h.Expires,
		Facility: h.Grant.Facility, Role: h.Role,
	}
	a.TrustGranted, _ = h.Trust.Versions()
	if g.json {
		return cli.PrintJSON(out, a)
	}
	fmt.Fprintf(out, "centre:       %s at %s, %.0f ms\n", a.Name, a.URL, a.MS)
	fmt.Fprintf(out, "workstation:  facility %d, %s\n", a.Facility, a.Role)
	fmt.Fprintf(out, "certificates: terminal to %s, TLS to %s\n", a.TerminalEnds.Format(time.DateOnly), a.TLSEnds.Format(time.DateOnly))
	fmt.Fprintf(out, "lists:        trust %d (granted with %d), block %d\n", a.Trust, a.TrustGranted, a.Block)
	if a.ClockSeconds < -60 || a.ClockSeconds > 60 {
		fmt.Fprintf(out, "clock:        this machine is %d s ahead of the centre; correct it\n", a.ClockSeconds)
	}
	return nil
}
