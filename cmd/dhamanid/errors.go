package main

import (
	"os"

	"github.com/dhamani-iq/dhamani/agent/home"
	"github.com/dhamani-iq/dhamani/agent/localapi"
	"github.com/dhamani-iq/dhamani/cache"
	"github.com/dhamani-iq/dhamani/crypto/keystore"
	"github.com/dhamani-iq/dhamani/internal/cli"
)

// table says for the errors of a start what to do about them.
var table = cli.Table{
	{home.ErrNotEnrolled, cli.ExitFailed, "enrol the workstation with 'dhamani enrol request' and 'dhamani enrol accept', or give its folder with --home"},
	{home.ErrConfig, cli.ExitFailed, "correct agent.json in the folder given with --home"},
	{home.ErrGrant, cli.ExitFailed, "accept the grant that the centre made for this folder's own request: 'dhamani enrol accept'"},
	{keystore.ErrNotFound, cli.ExitFailed, "restore the folder keys from a backup, or enrol the workstation anew in an empty folder"},
	{keystore.ErrPermissions, cli.ExitFailed, "let only the agent's user read the folder keys: chmod -R go= keys"},
	{cache.ErrLocked, cli.ExitFailed, "end the other agent or program that uses this folder, or give another with --home"},
	{cache.ErrWrongKey, cli.ExitFailed, "put back the folder keys that belongs to cache.db; the two are of one enrolment"},
	{cache.ErrSchema, cli.ExitFailed, "install the newer dhamanid that wrote cache.db"},
	{localapi.ErrSocketInUse, cli.ExitFailed, "end the other agent that serves this folder, or give another with --home"},
	{localapi.ErrNotLoopback, cli.ExitFailed, "give a loopback address as listen in agent.json, such as " + localapi.DefaultAddr},
	{os.ErrPermission, cli.ExitFailed, "run it as the agent's user, who owns the folder given with --home"},
}
