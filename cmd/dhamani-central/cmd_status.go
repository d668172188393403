package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/dhamani-iq/dhamani/internal/cli"
	"github.com/dhamani-iq/dhamani/sync/central/store"
)

// status is the answer of the status command.
type status struct {
	Name         string              `json:"name"`
	URL          string              `json:"url"`
	Store        store.Status        `json:"store"`
	TrustVersion uint64              `json:"trust_version"`
	BlockVersion uint64              `json:"block_version"`
	ListsExpired bool                `json:"lists_expired"`
	ServerCert   time.Time           `json:"server_certificate_ends"`
	Workstations []workstationStatus `json:"workstations"`
	Operators    []workstationStatus `json:"operators"`
	Rejected     []rejectedStatus    `json:"rejected"` // the newest
}

// workstationStatus is an enrolled workstation or operator.
type workstationStatus struct {
	Facility     uint32    `json:"facility"`
	FacilityName string    `json:"facility_name"`
	Name         string    `json:"name"`
	Role         string    `json:"role"`
	Key          string    `json:"key"`
	Expires      time.Time `json:"expires"`
	Revoked      bool      `json:"revoked"`
}

type rejectedStatus struct {
	At       time.Time `json:"at"`
	Facility uint32    `json:"facility"`
	Patient  string    `json:"patient"`
	Entry    string    `json:"entry"`
	Code     string    `json:"code"`
}

const rejectedShown = 10

func newStatusCommand(g *globals) *cobra.Command {
	return &cobra.Command{
		Use:   "status",
		Short: "Show what the centre holds: lists, workstations, records, rejected entries",
		Example: `  dhamani-central status --dir ./centre
  dhamani-central status --dir ./centre --json`,
		Args: cli.Args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runStatus(cmd.Context(), cmd.OutOrStdout(), g)
		},
	}
}

func runStatus(ctx context.Context, out io.Writer, g *globals) error {
	return withCentre(ctx, g, func(c *centre) error {
		st, err := readStatus(ctx, c)
		if err != nil {
			return err
		}
		return answer(out, g.json, st, st.print)
	})
}

func readStatus(ctx context.Context, c *centre) (*status, error) {
	config := c.auth.Config()
	st := &status{
		Name: config.Name, URL: config.URL, ServerCert: c.auth.ServerCertificateEnds(),
		ListsExpired: c.auth.Trust().Age(time.Now()).Expired, Workstations: []workstationStatus{}, Operators: []workstationStatus{}, Rejected: []rejectedStatus{},
	}
	st.TrustVersion, st.BlockVersion = c.auth.Trust().Versions()
	var err error
	if st.Store, err = c.store.Status(ctx); err != nil {
		return nil, err
	}
	err = c.store.View(ctx, func(r store.Reader) error {
		facilities, err := r.Facilities()
		if err != nil {
			return err
		}
		names := make(map[uint32]string)
		for _, f := range facilities {
			names[f.Number] = f.Name
		}
		all, err := r.Workstations()
		if err != nil {
			return err
		}
		for _, ws := range all {
			st.Workstations = append(st.Workstations, workstationStatus{
				Facility: ws.Facility, FacilityName: names[ws.Facility], Name: ws.Name, Role: ws.Role,
				Key: fmt.Sprintf("%x", ws.Author), Expires: ws.Expires, Revoked: !ws.Revoked.IsZero(),
			})
		}
		operators, err := r.Operators()
		for _, op := range operators {
			st.Operators = append(st.Operators, workstationStatus{
				Facility: op.Facility, FacilityName: names[op.Facility], Name: op.Name, Role: op.Role,
				Key: fmt.Sprintf("%x", op.Author), Expires: op.Expires, Revoked: !op.Revoked.IsZero(),
			})
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	rejected, err := c.store.Quarantine(ctx, rejectedShown)
	if err != nil {
		return nil, err
	}
	for _, q := range rejected {
		st.Rejected = append(st.Rejected, rejectedStatus{q.At, q.Facility, q.Patient.String(), q.ID.Short(), q.Code})
	}
	return st, nil
}

func (st *status) print(p *printer) {
	tw := p.table()
	lists := ""
	if st.ListsExpired {
		lists = " (past its date: let 'serve' run)"
	}
	tw.printf("centre\t%s, %s\n", st.Name, st.URL)
	tw.printf("records\t%d of %d patients, %d cards, %d batches, %d MB\n",
		st.Store.Records, st.Store.Patients, st.Store.Cards, st.Store.Batches, st.Store.Bytes>>20)
	tw.printf("lists\ttrust %d%s, block %d\n", st.TrustVersion, lists, st.BlockVersion)
	tw.printf("server\tcertificate until %s\n", st.ServerCert.UTC().Format(time.DateOnly))
	tw.printf("fingers\tof %d patients, %d not looked for yet, %d reviews open\n", st.Store.Fingers, st.Store.Unsearched, st.Store.Reviews)
	tw.printf("rejected\t%d entries\n", st.Store.Quarantined)
	tw.flush()
	for _, q := range st.Rejected {
		p.printf("  %s  facility %d  entry %s  %s\n", q.At.UTC().Format(time.DateTime), q.Facility, q.Entry, q.Code)
	}
	p.printf("%d workstations\n", len(st.Workstations))
	printEnrolled(p, st.Workstations)
	p.printf("%d operators\n", len(st.Operators))
	printEnrolled(p, st.Operators)
}

func printEnrolled(p *printer, list []workstationStatus) {
	tw := p.table()
	for _, ws := range list {
		state := "until " + ws.Expires.UTC().Format(time.DateOnly)
		if ws.Revoked {
			state = "revoked"
		}
		tw.printf("  %d\t%s\t%s\t%s\tkey %s\t%s\n", ws.Facility, display(ws.FacilityName), display(ws.Name), ws.Role, ws.Key, state)
	}
	tw.flush()
}
