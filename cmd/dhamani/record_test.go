package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	fixtures "github.com/dhamani-iq/dhamani/firmware-fixtures"
)

// TestRecordScript plays testdata/record/*.txtar with the fixtures' mother in
// amina.json.
func TestRecordScript(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: filepath.Join("testdata", "record"),
		Setup: func(env *testscript.Env) error {
			raw, err := fixtures.FS.ReadFile("patients/amina.json")
			if err != nil {
				return err
			}
			return os.WriteFile(filepath.Join(env.WorkDir, "amina.json"), raw, 0o600)
		},
	})
}
