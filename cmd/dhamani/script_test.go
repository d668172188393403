package main

import (
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/dhamani-iq/dhamani/card/pcsc"
	"github.com/dhamani-iq/dhamani/card/softcard"
	"github.com/dhamani-iq/dhamani/internal/testpcsc"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"dhamani": main})
}

// TestScript plays every testdata/*.txtar against the real command line. No
// script needs a card service: PCSCLITE_CSOCK_NAME points to a socket that is
// not there.
func TestScript(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata",
		Setup: func(env *testscript.Env) error {
			env.Setenv("PCSCLITE_CSOCK_NAME", filepath.Join(env.WorkDir, "no-pcscd"))
			recordings, err := filepath.Abs("../../firmware-fixtures/usb")
			if err != nil {
				return err
			}
			env.Setenv("RECORDINGS", recordings)
			return setupHome(env)
		},
	})
}

// TestCardScript plays testdata/pcsc/*.txtar with a new soft card in the first
// virtual reader of the real card service.
func TestCardScript(t *testing.T) {
	testpcsc.Use(t)
	plug(t, softcard.New(softcard.Options{}))
	testscript.Run(t, testscript.Params{Dir: "testdata/pcsc", Setup: setupHome})
}

// plug puts a card into the first virtual reader until the test ends, and
// waits until the card service has seen it.
func plug(t *testing.T, soft *softcard.Card) {
	t.Helper()
	slot := testpcsc.Slots()[0]
	plugged, err := soft.Plug(t.Context(), slot.Addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(plugged.Remove)
	service := pcsc.New(slog.New(slog.DiscardHandler))
	if _, err := chooseReader(t.Context(), service, cardOptions{reader: slot.Reader, wait: waitForCard}); err != nil {
		t.Fatal(err)
	}
}

// waitForCard is generous: the service sees a card after 0.4 s, on a machine
// that has time.
const waitForCard = time.Minute

func setupHome(env *testscript.Env) error {
	dir := filepath.Join(env.WorkDir, "home")
	env.Setenv(homeVariable, dir)
	return os.Mkdir(dir, 0o700)
}
