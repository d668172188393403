package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/dhamani-iq/dhamani/agent/home"
	"github.com/dhamani-iq/dhamani/agent/localapi"
	"github.com/dhamani-iq/dhamani/agent/operators"
	"github.com/dhamani-iq/dhamani/agent/personalise"
	"github.com/dhamani-iq/dhamani/card"
	"github.com/dhamani-iq/dhamani/card/pcsc"
	"github.com/dhamani-iq/dhamani/card/softcard"
	"github.com/dhamani-iq/dhamani/internal/cli"
	"github.com/dhamani-iq/dhamani/internal/redact"
	"github.com/dhamani-iq/dhamani/record/fhir"
)

// world is what the demo builds: folders, programs, readers and a card.
type world struct {
	dir, bin  string
	temporary *tempFolder // nil when the user named one
	log       *slog.Logger
	pcsc      *pcsc.Service
	readers   []virtualReader
	card      *softcard.Card
	slot      *softcard.Slot
	centreURL string
	centre    *process
	programs  []*process // all that were started, for their logs
	first     *workstation
	second    *workstation
	patient   *fhir.Bundle
	issued    personalise.Result
	plate     *softPlate // the scanner of station and first agent
	stopPlate func() error
	hands     demoHands
	fingers   []card.Template // enrolled, of the patient
	records   [][]byte        // the same, for the centre
}

// virtualReader is a slot of the virtual PC/SC reader: its name, and the
// address at which a card is plugged into it.
type virtualReader struct{ name, addr string }

// workstation is an enrolled agent and its program.
type workstation struct {
	name, dir string
	process   *process
	api       *localapi.Client
	secret    redact.String // passphrase of its operator
}

// demoOperator is the synthetic physician of each clinic.
const (
	demoOperator = "demo-doctor"
	demoName     = "Dr Demo (synthetic)"
)

// vpcdPorts are the ports of Debian's two virtual slots.
var vpcdPorts = []string{"35963", "35964"}

func newWorld(opts demoOptions, log *slog.Logger) (*world, error) {
	w := &world{dir: opts.dir, bin: opts.bin, log: log, pcsc: pcsc.New(log)}
	if w.bin == "" {
		self, err := os.Executable()
		if err != nil {
			return nil, fmt.Errorf("find the programs: %w", err)
		}
		w.bin = filepath.Dir(self)
	}
	for _, name := range []string{"dhamanid", "dhamani-central"} {
		if path := w.program(name); !exists(path) {
			return nil, cli.Advise(fmt.Errorf("%s is not there", path), cli.ExitFailed, "build it beside this program, or name its folder with --bin")
		}
	}
	if w.dir == "" {
		folder, err := newTempFolder()
		if err != nil {
			return nil, err
		}
		w.dir, w.temporary = folder.path, folder
	}
	w.first = &workstation{name: "first", dir: filepath.Join(w.dir, "first")}
	w.second = &workstation{name: "second", dir: filepath.Join(w.dir, "second")}
	return w, nil
}

func (w *world) program(name string) string {
	if runtime.GOOS == "windows" {
		name += ".exe"
	}
	return filepath.Join(w.bin, name)
}

func (w *world) centreDir() string  { return filepath.Join(w.dir, "centre") }
func (w *world) stationDir() string { return filepath.Join(w.dir, "station") }

// close takes the card out, stops every program and removes what is temporary.
func (w *world) close() error {
	var errs []error
	if w.slot != nil {
		w.slot.Remove()
	}
	for _, ws := range []*workstation{w.first, w.second} {
		if ws.api != nil {
			errs = append(errs, ws.api.Close())
		}
		if ws.process != nil {
			errs = append(errs, ws.process.stop())
		}
	}
	if w.centre != nil {
		errs = append(errs, w.centre.stop())
	}
	if w.stopPlate != nil {
		errs = append(errs, w.stopPlate())
	}
	if w.temporary != nil {
		errs = append(errs, w.temporary.remove())
	}
	return errors.Join(errs...)
}

// lastWords are the last lines that the programs have logged, for the report
// of a failed step.
func (w *world) lastWords() (lines []string) {
	for _, p := range w.programs {
		for _, line := range p.log.lines() {
			lines = append(lines, p.name+": "+line)
		}
	}
	return lines
}

// launch starts one of the programs beside this one.
func (w *world) launch(name, program string, args ...string) (*process, error) {
	p, err := startProcess(name, w.program(program), args...)
	if err == nil {
		w.programs = append(w.programs, p)
	}
	return p, err
}

// central runs a command of dhamani-central to its end.
func (w *world) central(ctx context.Context, args ...string) error {
	p, err := w.launch("dhamani-central "+args[0], "dhamani-central", args...)
	if err != nil {
		return err
	}
	return p.finish(ctx)
}

// findReaders looks for two virtual slots without a card.
func (d *demo) findReaders(ctx context.Context) (string, error) {
	list, err := d.world.pcsc.List(ctx)
	switch {
	case errors.Is(err, context.Canceled):
		return "", err
	case err != nil:
		return "", cli.Advise(err, exitNoCard, "start pcscd with the virtual reader: tools/with-pcscd.sh dhamani demo")
	}
	for _, r := range list {
		port := len(d.world.readers)
		if strings.HasPrefix(r.Name, "Virtual PCD") && port < len(vpcdPorts) {
			if r.Present {
				return "", cli.Advise(fmt.Errorf("reader %q already holds a card", r.Name), exitNoCard, "end the program that holds the virtual reader")
			}
			d.world.readers = append(d.world.readers, virtualReader{r.Name, net.JoinHostPort("127.0.0.1", vpcdPorts[port])})
		}
	}
	if len(d.world.readers) < 2 {
		return "", cli.Advise(errors.New("the two virtual readers are not there"), exitNoCard, "install vsmartcard-vpcd and start pcscd again")
	}
	return fmt.Sprintf("%s, %s", d.world.readers[0].name, d.world.readers[1].name), nil
}

// startCentre makes the trust anchor and starts the centre.
func (d *demo) startCentre(ctx context.Context) (string, error) {
	w := d.world
	addr, err := freeAddress(ctx)
	if err != nil {
		return "", err
	}
	w.centreURL = "https://" + addr
	if err := w.central(ctx, "init", "--dir", w.centreDir(), "--url", w.centreURL, "--name", "Dhamani demo centre"); err != nil {
		return "", err
	}
	if err := w.serveCentre(ctx, addr); err != nil {
		return "", err
	}
	return w.centreURL + ", SQLite, mutual TLS 1.3", nil
}

func (w *world) serveCentre(ctx context.Context, addr string) (err error) {
	w.centre, err = w.launch("dhamani-central", "dhamani-central", "serve", "--dir", w.centreDir(), "--listen", addr)
	if err != nil {
		return err
	}
	return w.centre.ready(ctx, func(ctx context.Context) error {
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
		if err != nil {
			return err
		}
		return conn.Close()
	})
}

// freeAddress returns a loopback address that nobody listens on.
func freeAddress(ctx context.Context) (string, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("find a free port: %w", err)
	}
	return l.Addr().String(), l.Close()
}

// enrol makes the keys of three workstations and has the centre certify them.
func (d *demo) enrol(ctx context.Context) (string, error) {
	w := d.world
	for _, e := range []struct{ dir, facility, number, role string }{
		{w.stationDir(), "Baghdad personalisation", "9001", "issuer"},
		{w.first.dir, "Karkh clinic", "101", "receptionist"},
		{w.second.dir, "Erbil clinic", "202", "receptionist"},
	} {
		request, grant := e.dir+"-request.cbor", e.dir+"-grant.cbor"
		raw, err := home.Request(e.dir, e.facility, filepath.Base(e.dir))
		if err != nil {
			return "", err
		}
		if err := os.WriteFile(request, raw, 0o600); err != nil {
			return "", fmt.Errorf("write request: %w", err)
		}
		if err := w.central(ctx, "enrol", "--dir", w.centreDir(),
			"--request", request, "--facility", e.number, "--role", e.role, "--out", grant); err != nil {
			return "", err
		}
		if raw, err = os.ReadFile(grant); err != nil { // #nosec G304 -- just written
			return "", fmt.Errorf("read grant: %w", err)
		}
		if err := home.Accept(e.dir, raw); err != nil {
			return "", err
		}
	}
	for i, ws := range []*workstation{w.first, w.second} {
		if err := home.Change(ws.dir, func(c *home.Config) {
			c.Readers = []string{w.readers[i].name}
			c.Listen = "127.0.0.1:0"
			c.SoftScanner = w.plate.bus.Path
		}); err != nil {
			return "", err
		}
		if err := w.enrolOperator(ctx, ws); err != nil {
			return "", err
		}
	}
	return "an issuer, two clinics with a physician each, who may compare fingers", nil
}

// enrolOperator makes the physician of a workstation and has the centre
// certify them.
func (w *world) enrolOperator(ctx context.Context, ws *workstation) error {
	h, err := home.Load(ws.dir)
	if err != nil {
		return err
	}
	ws.secret = redact.NewString(rand.Text())
	request, grant := ws.dir+"-operator.cbor", ws.dir+"-operator-grant.cbor"
	raw, err := operators.Of(h).Request(demoOperator, demoName, ws.secret)
	if err != nil {
		return err
	}
	if err := os.WriteFile(request, raw, 0o600); err != nil {
		return fmt.Errorf("write request: %w", err)
	}
	if err := w.central(ctx, "enrol", "--dir", w.centreDir(), "--request", request, "--role", "physician",
		"--rights", "append,write-summary,host-match", "--out", grant); err != nil {
		return err
	}
	if raw, err = os.ReadFile(grant); err != nil { // #nosec G304 -- just written
		return fmt.Errorf("read grant: %w", err)
	}
	_, err = operators.Of(h).Accept(raw)
	return err
}

// signIn lets the physician of a workstation take its agent over.
func (ws *workstation) signIn(ctx context.Context) (string, error) {
	who, err := ws.api.SignIn(ctx, demoOperator, ws.secret)
	return who.Name + " signed in as " + who.Role, err
}

// start runs the agent of a workstation and waits until it serves.
func (w *world) start(ctx context.Context, ws *workstation) (took time.Duration, err error) {
	begin := time.Now()
	ws.process, err = w.launch("dhamanid ("+ws.name+")", "dhamanid", "run", "--home", ws.dir)
	if err != nil {
		return 0, err
	}
	err = ws.process.ready(ctx, func(ctx context.Context) error {
		api, err := localapi.Dial(home.SocketPath(ws.dir))
		if err != nil {
			return err
		}
		if _, err := api.Health(ctx); err != nil {
			return errors.Join(err, api.Close())
		}
		ws.api = api
		return nil
	})
	return time.Since(begin), err
}
