package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/dhamani-iq/dhamani/agent/home"
	"github.com/dhamani-iq/dhamani/agent/localapi"
	"github.com/dhamani-iq/dhamani/cache"
	"github.com/dhamani-iq/dhamani/crypto/trust"
	"github.com/dhamani-iq/dhamani/internal/cli"
	"github.com/dhamani-iq/dhamani/record/alerts"
	"github.com/dhamani-iq/dhamani/record/entitle"
	"github.com/dhamani-iq/dhamani/sync/wire"
)

// workplace loads the home folder with the rules that are in use there; nil
// when nobody has enrolled it, and then the program's own rules count.
func workplace(ctx context.Context, g *globals, errOut io.Writer) (*home.Home, error) {
	h, err := home.Load(g.home)
	if errors.Is(err, home.ErrNotEnrolled) {
		return nil, nil //nolint:nilnil // there is none, which is no error
	}
	if err != nil {
		return nil, err
	}
	return h, useRules(ctx, g, h, errOut)
}

// useRules has a workstation use the rules that its agent has fetched, when they
// verify; what does not is told, and the program's own count, as they do for the
// agent.
func useRules(ctx context.Context, g *globals, h *home.Home, errOut io.Writer) error {
	api, err := localapi.Dial(home.SocketPath(h.Dir))
	if errors.Is(err, localapi.ErrNotRunning) {
		return useKept(g, h)
	}
	if err != nil {
		return err
	}
	for _, name := range []string{wire.ListTrust, wire.ListAlerts, wire.ListCover} {
		raw, err := api.List(ctx, name)
		if err != nil {
			return errors.Join(fmt.Errorf("ask the agent for a list: %w", err), api.Close())
		}
		if len(raw) == 0 {
			continue
		}
		if _, err := h.AcceptList(name, raw); err != nil && (name != wire.ListTrust || !errors.Is(err, trust.ErrRollback)) {
			fmt.Fprintf(errOut, "list %s of the agent is not used: %v\n", name, err)
		}
	}
	return api.Close()
}

// useKept has a workstation use the lists that its agent kept, as the agent does
// when it starts; none when it has not run yet.
func useKept(g *globals, h *home.Home) error {
	path := home.CachePath(h.Dir)
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	store, err := cache.Open(path, h.CacheKey, g.log)
	if err != nil {
		return err
	}
	c, err := h.Client(store, g.log)
	if err == nil {
		c.UseStoredLists()
		c.Close()
	}
	return errors.Join(err, store.Close())
}

// alertRulesOf reads a table of alerts; no name is the one in use here.
func alertRulesOf(ctx context.Context, g *globals, path string, errOut io.Writer) (*alerts.Table, error) {
	if path == "" {
		h, err := workplace(ctx, g, errOut)
		if err != nil || h == nil {
			return alerts.Base(), err
		}
		return h.AlertRules(), nil
	}
	text, err := readRules(path, alerts.MaxTable)
	if err != nil {
		return nil, err
	}
	table, err := alerts.Parse(string(text))
	if err != nil {
		return nil, cli.Advise(fmt.Errorf("read %s: %w", path, err), cli.ExitFailed, "mend the line that is named; docs/formats/alerts.md describes the table")
	}
	return table, nil
}

// coverRulesOf reads rules of entitlement; no name is those in use here.
func coverRulesOf(ctx context.Context, g *globals, path string, errOut io.Writer) (*entitle.Schedule, error) {
	if path == "" {
		h, err := workplace(ctx, g, errOut)
		if err != nil || h == nil {
			return entitle.Builtin(), err
		}
		return h.CoverRules(), nil
	}
	text, err := readRules(path, entitle.MaxRules)
	if err != nil {
		return nil, err
	}
	r, err := entitle.ParseRules(text)
	if err != nil {
		return nil, cli.Advise(fmt.Errorf("read %s: %w", path, err), cli.ExitFailed, "begin with what 'dhamani-central rules show cover' prints")
	}
	return entitle.Only(r), nil
}

// readRules reads a file of at most so many bytes, and one more of a longer one.
func readRules(path string, most int64) ([]byte, error) {
	f, err := os.Open(path) // #nosec G304 -- the caller names the file
	if err != nil {
		return nil, fmt.Errorf("read rules: %w", err)
	}
	text, err := io.ReadAll(io.LimitReader(f, most+1))
	if err := errors.Join(err, f.Close()); err != nil {
		return nil, fmt.Errorf("read rules: %w", err)
	}
	return text, nil
}
