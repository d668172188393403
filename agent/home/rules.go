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
	parse := func(text []byte) (*alerts.Table, error) { return alerts.Parse(string(text)) }
	return rulesOf(h, "alert_rules", h.Config.AlertRules, alerts.MaxTable, alerts.Base, parse)
}

// CoverRules is the same for the rules of entitlement.
func (h *Home) CoverRules() (*entitle.Rules, error) {
	return rulesOf(h, "cover_rules", h.Config.CoverRules, entitle.MaxRules, entitle.Default, entitle.ParseRules)
}

// rulesOf parses the file that a key of the configuration names; without a name
// it is own.
func rulesOf[T any](h *Home, key, name string, most int64, own func() *T, parse func([]byte) (*T, error)) (*T, error) {
	if name == "" {
		return own(), nil
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
