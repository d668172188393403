package main

import (
	"context"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"flag"
	"fmt"
	"net"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/dhamani-iq/dhamani/crypto/cvc"
	"github.com/dhamani-iq/dhamani/record"
	"github.com/dhamani-iq/dhamani/sync/central/authority"
	"github.com/dhamani-iq/dhamani/sync/central/store"
	"github.com/dhamani-iq/dhamani/sync/wire"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"dhamani-central": main,
		"make-request":    makeRequest,
		"make-operator":   makeOperator,
		"issue-card":      issueCard,
		"release-keys":    releaseKeys,
		"wait-listening":  waitListening,
		"issue-fingers":   issueFingers,
		"wait-searched":   waitSearched,
		"forget-first":    forgetFirst,
	})
}

// TestScript plays every testdata/*.txtar against the real command line.
func TestScript(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata",
		Setup: func(env *testscript.Env) error {
			l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
			if err != nil {
				return err
			}
			env.Setenv("ADDR", l.Addr().String())
			return l.Close()
		},
	})
}

// makeRequest writes a workstation's request for enrolment: make-request FILE NAME.
func makeRequest() {
	flag.Parse()
	if err := writeRequest(flag.Arg(0), flag.Arg(1)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func writeRequest(path, name string) error {
	var keys [3]*ecdsa.PrivateKey
	for i := range keys {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			return err
		}
		keys[i] = key
	}
	req := &wire.EnrolRequest{FacilityName: "Karkh clinic", Name: name}
	if err := req.Sign(keys[0], keys[1], keys[2]); err != nil {
		return err
	}
	raw, err := wire.Encode(req)
	if err != nil {
		return err
	}
	return os.WriteFile(path, raw, 0o600)
}

// makeOperator writes an operator's request: make-operator FILE FACILITY NAME.
func makeOperator() {
	flag.Parse()
	if err := writeOperator(flag.Arg(0), flag.Arg(1), flag.Arg(2)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func writeOperator(path, facility, name string) error {
	number, err := strconv.ParseUint(facility, 10, 32)
	if err != nil {
		return err
	}
	var keys [2]*ecdsa.PrivateKey
	for i := range keys {
		if keys[i], err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
			return err
		}
	}
	req := &wire.OperatorRequest{Facility: uint32(number), Name: name}
	if err := req.Sign(keys[0], keys[1]); err != nil {
		return err
	}
	raw, err := wire.Encode(req)
	if err != nil {
		return err
	}
	return os.WriteFile(path, raw, 0o600)
}

// issueCard issues a card to a new patient: issue-card DIR FACILITY.
func issueCard() {
	flag.Parse()
	if err := issueIn(flag.Arg(0), flag.Arg(1)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func issueIn(dir, facility string) error {
	number, err := strconv.ParseUint(facility, 10, 32)
	if err != nil {
		return err
	}
	key, err := ecdh.P256().GenerateKey(rand.Reader)
	if err != nil {
		return err
	}
	identity, err := (&record.Identity{Names: record.Names{Latin: &record.Name{Family: "Testpatient"}}}).Encode()
	if err != nil {
		return err
	}
	req := &wire.CardRequest{Card: [8]byte{1}, CardKey: [65]byte(key.PublicKey().Bytes()), Identity: identity}
	ctx := context.Background()
	return withCentre(ctx, &globals{dir: dir}, func(c *centre) error {
		_, err := c.auth.IssueCard(ctx, authority.Station{Facility: uint32(number), Author: [4]byte{1, 2, 3, 4}}, req)
		return err
	})
}

// releaseKeys has a new nurse of a facility ask for keys without the card, of
// the patient whose card was issued last: release-keys DIR FACILITY.
func releaseKeys() {
	flag.Parse()
	if err := releaseIn(flag.Arg(0), flag.Arg(1)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func releaseIn(dir, facility string) error {
	number, err := strconv.ParseUint(facility, 10, 32)
	if err != nil {
		return err
	}
	var keys [2]*ecdsa.PrivateKey
	for i := range keys {
		if keys[i], err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
			return err
		}
	}
	enrol := &wire.OperatorRequest{Facility: uint32(number), Name: "Nurse"}
	if err := enrol.Sign(keys[0], keys[1]); err != nil {
		return err
	}
	ctx := context.Background()
	return withCentre(ctx, &globals{dir: dir}, func(c *centre) error {
		grant, err := c.auth.EnrolOperator(ctx, enrol, authority.OperatorOptions{Role: cvc.RoleNurse})
		if err != nil {
			return err
		}
		order := wire.ReleaseOrder{
			Proof: wire.ProofPhoto, Reason: wire.ReasonLost, At: uint64(time.Now().Unix()), Facility: uint32(number),
		}
		err = c.store.View(ctx, func(r store.Reader) error {
			lines, err := r.Releases(0, 1)
			if err == nil && len(lines) == 1 {
				order.Patient = lines[0].Patient
			}
			return err
		})
		if err != nil {
			return err
		}
		req, _, err := wire.SignRelease(keys[0], grant.AuthorKID, order)
		if err != nil {
			return err
		}
		_, err = c.auth.Release(ctx, authority.Station{Facility: uint32(number), Author: [4]byte{5, 6, 7, 8}}, req)
		return err
	})
}

// waitListening returns when somebody listens: wait-listening ADDR.
func waitListening() {
	flag.Parse()
	for range 6000 {
		conn, err := new(net.Dialer).DialContext(context.Background(), "tcp", flag.Arg(0))
		if err == nil {
			_ = conn.Close()
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	fmt.Fprintln(os.Stderr, "nobody listens")
	os.Exit(1)
}
