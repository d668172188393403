package main

import (
	"os"

	"github.com/dhamani-iq/dhamani/crypto/keystore"
	"github.com/dhamani-iq/dhamani/internal/cli"
	"github.com/dhamani-iq/dhamani/record/alerts"
	"github.com/dhamani-iq/dhamani/record/entitle"
	"github.com/dhamani-iq/dhamani/record/terms"
	"github.com/dhamani-iq/dhamani/sync/central/authority"
	"github.com/dhamani-iq/dhamani/sync/central/store"
	"github.com/dhamani-iq/dhamani/sync/wire"
)

// The exit codes beside those of cli; the root command's help lists them.
const (
	exitRefused   = 4 // the request cannot be granted
	exitUntrusted = 5 // a proof or signature does not hold
)

// table says for the errors of the packages below what to do about them and
// how to exit.
var table = cli.Table{
	{authority.ErrNotInitialised, cli.ExitFailed, "make a centre with 'dhamani-central init', or give its folder with --dir"},
	{authority.ErrInitialised, exitRefused, "choose another folder with --dir"},
	{wire.ErrProof, exitUntrusted, "have the workstation make its request anew"},
	{wire.ErrMalformed, exitUntrusted, "check that the file is the one that 'dhamani enrol request' wrote"},
	{authority.ErrKIDCollision, exitRefused, "have the workstation make new keys and a new request"},
	{authority.ErrConflict, exitRefused, "see 'dhamani-central status' for what is enrolled"},
	{authority.ErrRevoked, exitRefused, "enrol under another facility number"},
	{authority.ErrDecided, exitRefused, "see 'dhamani-central review show' for what was decided"},
	{authority.ErrRequest, exitRefused, ""},
	{terms.ErrTable, exitRefused, "mend the line that is named; 'dhamani-central terms publish --help' has the columns"},
	{alerts.ErrTable, exitRefused, "mend the line that is named; docs/formats/alerts.md describes the table"},
	{entitle.ErrRules, exitRefused, "mend the rules; begin with what 'dhamani-central rules show cover' prints"},
	{authority.ErrEdition, exitRefused, "give the rules the next number; 'dhamani-central rules list' shows the last"},
	{authority.ErrPast, exitRefused, "name today or a later day with --from"},
	{authority.ErrArchive, exitUntrusted, "take a file that 'dhamani-central patient archive' of this centre wrote, and is whole"},
	{store.ErrNotFound, exitRefused, "see 'dhamani-central status', 'patient list' and 'review list' for what there is"},
	{store.ErrCorrupt, cli.ExitFailed, "restore the folder from a backup"},
	{keystore.ErrPermissions, cli.ExitFailed, "let only the centre's user read the folder keys: chmod -R go= keys"},
	{os.ErrPermission, cli.ExitFailed, "run it as the centre's user"},
}
