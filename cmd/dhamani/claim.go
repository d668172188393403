package main

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/dhamani-iq/dhamani/agent"
	"github.com/dhamani-iq/dhamani/agent/home"
	"github.com/dhamani-iq/dhamani/agent/localapi"
	"github.com/dhamani-iq/dhamani/crypto/claim"
	"github.com/dhamani-iq/dhamani/crypto/trust"
	"github.com/dhamani-iq/dhamani/internal/cli"
	"github.com/dhamani-iq/dhamani/internal/qr"
	"github.com/dhamani-iq/dhamani/record"
)

func newClaimCommand(g *globals) *cobra.Command {
	return cli.Group(&cobra.Command{
		Use:   "claim",
		Short: "Make and check QR codes for the day on which a card is forgotten",
		Example: `  dhamani claim make --png claim.png
  dhamani claim verify claim.png`,
	}, newClaimMakeCommand(g), newClaimShowCommand(g), newClaimVerifyCommand(g))
}

const claimArgument = `FILE is a picture (PNG or JPEG) of the code or a text file with what is in it;
- stands for standard input, as a scanner types it.`

func newClaimShowCommand(g *globals) *cobra.Command {
	return &cobra.Command{
		Use:   "show FILE",
		Short: "Tell what a claim says, without asking who says so",
		Long: `Tell what a claim says. Nothing is checked: anybody can have made it.
` + claimArgument,
		Example: "  dhamani claim show claim.png",
		Args:    cli.Args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			text, err := readClaim(args[0], cmd.InOrStdin())
			if err != nil {
				return err
			}
			c, err := claim.Read(text)
			if err != nil {
				return err
			}
			return newClaimAnswer(c).write(cmd.OutOrStdout(), g)
		},
	}
}

func newClaimVerifyCommand(g *globals) *cobra.Command {
	return &cobra.Command{
		Use:   "verify FILE",
		Short: "Check a claim against this workstation's lists, without a network",
		Long: `Check a claim: the signature, that its author is in the trust list and not
revoked, that it has not ended, that its card is not blocked. The lists are
those of the workstation's folder (--home) and, when its agent runs, the newest
ones that it has. Compare the name with the person: whoever holds a copy of a
claim can show it.
` + claimArgument,
		Example: "  dhamani claim verify claim.png\n  dhamani claim verify - --json",
		Args:    cli.Args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			h, err := home.Load(g.home)
			if err != nil {
				return err
			}
			text, err := readClaim(args[0], cmd.InOrStdin())
			if err != nil {
				return err
			}
			answer, err := verifyClaim(cmd.Context(), g, h.Trust, text)
			if err != nil {
				return err
			}
			return answer.write(cmd.OutOrStdout(), g)
		},
	}
}

// verifyClaim checks a claim against the lists in the folder and then, because
// a running agent holds newer ones, against the agent's.
func verifyClaim(ctx context.Context, g *globals, lists *trust.Store, text string) (*claimAnswer, error) {
	c, author, err := claim.Verify(lists, text, time.Now())
	if err != nil && !errors.Is(err, trust.ErrUnknownKey) {
		return nil, err
	}
	api, offline := localapi.Dial(home.SocketPath(g.home))
	if offline == nil {
		var said agent.Claimed
		said, offline = api.Claim(ctx, text)
		offline = errors.Join(offline, api.Close())
		if offline == nil {
			c, err = claim.Read(text)
			author.Name, author.Facility = said.Author, said.Facility
		}
	}
	if refused, ok := errors.AsType[*localapi.Error](offline); ok {
		return nil, cli.Advise(fmt.Errorf("newest lists: %w", refused), exitUntrusted, refused.Text["en"])
	}
	if offline != nil && !errors.Is(offline, localapi.ErrNotRunning) {
		return nil, offline
	}
	if err != nil {
		return nil, err
	}
	answer := newClaimAnswer(c)
	answer.Verified, answer.Author, answer.Facility = true, author.Name, author.Facility
	return answer, nil
}

// readClaim returns the text of a claim from a picture or a text.
func readClaim(path string, stdin io.Reader) (string, error) {
	in := stdin
	if path != "-" {
		f, err := os.Open(path) // #nosec G304 -- the caller names the file
		if err != nil {
			return "", fmt.Errorf("read claim: %w", err)
		}
		defer f.Close() //nolint:errcheck // only read
		in = f
	}
	raw, err := io.ReadAll(io.LimitReader(in, qr.MaxFile+1))
	if err != nil {
		return "", fmt.Errorf("read claim: %w", err)
	}
	if !qr.IsImage(raw) {
		return strings.TrimRight(string(raw), "\r\n"), nil
	}
	text, err := qr.Decode(raw)
	if err != nil {
		return "", fmt.Errorf("read claim: %w", err)
	}
	return text, nil
}

// claimAnswer is the JSON answer of the claim commands.
type claimAnswer struct {
	Verified bool             `json:"verified"`
	Author   string           `json:"author,omitempty"`   // who stands for it; verified only
	Facility uint32           `json:"facility,omitempty"` // the author's
	Patient  record.PatientID `json:"patient"`
	Card     string           `json:"card"`
	Issued   time.Time        `json:"issued"`
	Expires  time.Time        `json:"expires"`
	Identity *record.Identity `json:"identity"`
	Cover    *record.Cover    `json:"cover,omitempty"`
	Text     string           `json:"text,omitempty"` // of a claim just made
	PNG      string           `json:"png,omitempty"`  // file written
}

func newClaimAnswer(c claim.Claim) *claimAnswer {
	return &claimAnswer{
		Patient: c.Patient, Card: hex.EncodeToString(c.Card[:]), Issued: c.Issued, Expires: c.Expires,
		Identity: c.Identity, Cover: c.Cover,
	}
}

func (a *claimAnswer) write(out io.Writer, g *globals) error {
	if g.json {
		return cli.PrintJSON(out, a)
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	if a.Verified {
		fmt.Fprintf(w, "claim\tgood, by %s (facility %d)\n", a.Author, a.Facility)
	} else {
		fmt.Fprintf(w, "claim\tNOT CHECKED\n")
	}
	fmt.Fprintf(w, "patient\t%s\ncard\t%s\n", a.Patient, a.Card)
	for _, name := range []*record.Name{a.Identity.Names.Latin, a.Identity.Names.Arabic, a.Identity.Names.Sorani} {
		if name != nil {
			fmt.Fprintf(w, "name\t%s\n", name)
		}
	}
	if !a.Identity.Born.IsZero() {
		fmt.Fprintf(w, "born\t%s\n", a.Identity.Born)
	}
	if a.Cover != nil {
		fmt.Fprintf(w, "cover\t%s %s %s\n", a.Cover.Payer, a.Cover.Plan, a.Cover.Member)
	}
	fmt.Fprintf(w, "issued\t%s\nends\t%s\n", a.Issued.Local().Format(time.DateTime), a.Expires.Local().Format(time.DateTime))
	if err := w.Flush(); err != nil {
		return fmt.Errorf("write answer: %w", err)
	}
	return nil
}
