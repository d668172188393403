package home

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/dhamani-iq/dhamani/record/alerts"
	"github.com/dhamani-iq/dhamani/record/entitle"
)

// AlertRules is the table of alerts that the configuration names, else the
// program's own. It owes ErrConfig: a workstation whose rules cannot be read
// must not go on with others without anybody's knowing.
func (h *Home) AlertRules() (*alerts.Table, error) {
	if h.Config.AlertRules == "" {
		return alerts.Base(), nil
	}
	text, err := h.read(h.Config.AlertRules, alerts.MaxTable)
	if err != nil {
		return nil, err
	}
	t, err := alerts.Parse(string(text))
	if err != nil {
		return nil, fmt.Errorf("alert_rules: %w: %w", ErrConfig, err)
	}
	return t, nil
}

// CoverRules is the same for the rules of entitlement.
func (h *Home) CoverRules() (*entitle.Rules, error) {
	if h.Config.CoverRules == "" {
		return entitle.Default(), nil
	}
	text, err := h.read(h.Config.CoverRules, entitle.MaxRules)
	if err != nil {
		return nil, err
	}
	r, err := entitle.ParseRules(text)
	if err != nil {
		return nil, fmt.Errorf("cover_rules: %w: %w", ErrConfig, err)
	}
	return r, nil
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
