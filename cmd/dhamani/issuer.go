package main

import (
	"errors"
	"fmt"

	"github.com/dhamani-iq/dhamani/agent/home"
	"github.com/dhamani-iq/dhamani/crypto/cvc"
	"github.com/dhamani-iq/dhamani/internal/cli"
	"github.com/dhamani-iq/dhamani/sync/client"
	"github.com/dhamani-iq/dhamani/sync/wire"
)

// loadIssuer reads the folder of a workstation that may issue cards.
func loadIssuer(g *globals) (*home.Home, error) {
	h, err := home.Load(g.home)
	if err != nil {
		return nil, err
	}
	if want := cvc.RoleIssuer.String(); h.Role != want {
		return nil, cli.Advise(fmt.Errorf("workstation of %s has the role %s, not %s", g.home, h.Role, want), exitRefused,
			"run it at a personalisation station, or name its folder with --home")
	}
	return h, nil
}

// centreAdvice says what to do about a refusal by the centre.
func centreAdvice(err error) error {
	server, ok := errors.AsType[*client.ServerError](err)
	if !ok {
		return err
	}
	switch server.Code {
	case wire.CodeConflict:
		return cli.Advise(err, exitRefused, "take another blank card if this one was begun for someone else; a holder's other cards are replaced with 'dhamani card reissue --patient ID'")
	case wire.CodeNoPatient:
		return cli.Advise(err, exitRefused, "check the number: the centre issued no such patient or card; 'dhamani-central patient list' shows them")
	case wire.CodeForbidden, wire.CodeRevoked:
		return cli.Advise(err, exitRefused, "have the centre enrol this workstation with the role issuer")
	case wire.CodeBadRequest:
		return cli.Advise(err, cli.ExitFailed, "look at what the Bundle carries with 'dhamani record import': identity or cover do not fit on a card")
	}
	return cli.Advise(err, exitUnreachable, "run the command again later: what was done is not done twice")
}
