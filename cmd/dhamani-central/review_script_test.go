package main

import (
	"context"
	"crypto/ecdh"
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/dhamani-iq/dhamani/biometric/fmr"
	"github.com/dhamani-iq/dhamani/biometric/synth"
	"github.com/dhamani-iq/dhamani/record"
	"github.com/dhamani-iq/dhamani/sync/central/authority"
	"github.com/dhamani-iq/dhamani/sync/wire"
)

// scripted ends a script's command with what do returns.
func scripted(do func() error) {
	flag.Parse()
	if err := do(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// issueFingers issues a card to a new patient with an impression of both index
// fingers of nobody: issue-fingers DIR PERSON IMPRESSION.
func issueFingers() {
	scripted(func() error {
		person, err := strconv.ParseUint(flag.Arg(1), 10, 32)
		if err != nil {
			return err
		}
		impression, err := strconv.Atoi(flag.Arg(2))
		if err != nil {
			return err
		}
		key, err := ecdh.P256().GenerateKey(rand.Reader)
		if err != nil {
			return err
		}
		req := &wire.CardRequest{CardKey: [65]byte(key.PublicKey().Bytes())}
		if _, err := rand.Read(req.Card[:]); err != nil {
			return err
		}
		name := &record.Name{Given: []string{"Zainab"}, Family: "Testpatient"}
		req.Identity, err = (&record.Identity{Names: record.Names{Latin: name}, Sex: record.SexFemale, Born: record.Day(1980, 5, 6)}).Encode()
		if err != nil {
			return err
		}
		for _, at := range []fmr.Position{fmr.RightIndex, fmr.LeftIndex} {
			raw, err := fmr.Marshal(synth.Person(person, at, impression))
			if err != nil {
				return err
			}
			req.Fingers = append(req.Fingers, raw)
		}
		ctx := context.Background()
		return withCentre(ctx, &globals{dir: flag.Arg(0)}, func(c *centre) error {
			_, err := c.auth.IssueCard(ctx, authority.Station{Facility: 9001}, req)
			return err
		})
	})
}

// waitSearched returns when no fingers wait to be looked for: wait-searched DIR.
func waitSearched() {
	scripted(func() error {
		ctx := context.Background()
		return withCentre(ctx, &globals{dir: flag.Arg(0)}, func(c *centre) error {
			for range 6000 {
				st, err := c.store.Status(ctx)
				if err != nil || st.Unsearched == 0 {
					return err
				}
				time.Sleep(10 * time.Millisecond)
			}
			return errors.New("fingers are not looked for")
		})
	})
}

// forgetFirst deletes the fingers of the patient of the first review:
// forget-first DIR.
func forgetFirst() {
	scripted(func() error {
		ctx := context.Background()
		return withCentre(ctx, &globals{dir: flag.Arg(0)}, func(c *centre) error {
			v, err := c.auth.Review(ctx, "script", 1, false)
			if err != nil {
				return err
			}
			return c.auth.ForgetFingers(ctx, v.Patient)
		})
	})
}
