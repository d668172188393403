package home

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/dhamani-iq/dhamani/crypto/rules"
	"github.com/dhamani-iq/dhamani/record/alerts"
	"github.com/dhamani-iq/dhamani/record/entitle"
)

// inUse are the rules by which this workstation works.
type inUse struct {
	alerts    *rules.Line[*alerts.Table]
	cover     *rules.Line[*entitle.Schedule]
	ownAlerts *alerts.Table     // that the configuration names; nil: none
	ownCover  *entitle.Schedule // likewise
}

// readRules begins with the program's own rules, and reads those that the
// configuration names. It owes ErrConfig: a workstation whose rules cannot be
// read must not go on with others without anybody's knowing.
func (h *Home) readRules() (err error) {
	h.rules.alerts, h.rules.cover = rules.NewLine(rules.Alerts), rules.NewLine(rules.Cover)
	parse := func(text []byte) (*alerts.Table, error) { return alerts.Parse(string(text)) }
	if h.rules.ownAlerts, err = rulesOf(h, "alert_rules", h.Config.AlertRules, alerts.MaxTable, parse); err != nil {
		return err
	}
	own, err := rulesOf(h, "cover_rules", h.Config.CoverRules, entitle.MaxRules, entitle.ParseRules)
	if own != nil {
		h.rules.ownCover = entitle.Only(own)
	}
	return err
}

// AlertRules is the table of alerts in use: the one that the configuration
// names, else the last that the centre published, else the program's own.
func (h *Home) AlertRules() *alerts.Table {
	if h.rules.ownAlerts != nil {
		return h.rules.ownAlerts
	}
	return h.rules.alerts.Now().Rules
}

// CoverRules is the same for the rules of entitlement.
func (h *Home) CoverRules() *entitle.Schedule {
	if h.rules.ownCover != nil {
		return h.rules.ownCover
	}
	return h.rules.cover.Now().Rules
}

// rulesOf parses the file that a key of the configuration names, nil without a
// name.
func rulesOf[T any](h *Home, key, name string, most int64, parse func([]byte) (*T, error)) (*T, error) {
	if name == "" {
		return nil, nil //nolint:nilnil // nothing is named, which is no error
	}
	text, err := h.read(name, most)
	if err != nil {
		return nil, err
	}
	t, err := parse(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w: %w", key, ErrConfig, err)
	}
	return t, nil
}

// read reads a file of at most so many bytes; a relative name is of the
// workstation's folder.
func (h *Home) read(name string, most int64) ([]byte, error) {
	if !filepath.IsAbs(name) {
		name = filepath.Join(h.Dir, name)
	}
	f, err := os.Open(name) // #nosec G304 -- the technician's own file
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrConfig, err)
	}
	text, err := io.ReadAll(io.LimitReader(f, most+1))
	if err := errors.Join(err, f.Close()); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrConfig, err)
	}
	return text, nil
}
