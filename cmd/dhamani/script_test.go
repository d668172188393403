package main

import (
	"os"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
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
			env.Setenv("PCSCLITE_CSOCK_NAME", env.WorkDir+"/no-pcscd")
			env.Setenv(homeVariable, env.WorkDir+"/home")
			return os.Mkdir(env.WorkDir+"/home", 0o700)
		},
	})
}
