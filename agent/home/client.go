package home

import (
	"cmp"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/dhamani-iq/dhamani/crypto/rules"
	"github.com/dhamani-iq/dhamani/record"
	"github.com/dhamani-iq/dhamani/record/alerts"
	"github.com/dhamani-iq/dhamani/record/entitle"
	"github.com/dhamani-iq/dhamani/sync/client"
	"github.com/dhamani-iq/dhamani/sync/wire"
)

// CentreURL is where the centre is reached.
func (h *Home) CentreURL() string { return cmp.Or(h.Config.Centre, h.Grant.CentreURL) }

// Client makes the client of the workstation's centre. The store may be nil
// for one that only asks.
func (h *Home) Client(store client.Store, log *slog.Logger) (*client.Client, error) {
	return client.New(client.Config{
		BaseURL: h.CentreURL(), TLS: h.TLS, Log: log, Verify: h.verifyReceipt, Accept: h.AcceptList,
	}, store)
}

// verifyReceipt checks that a receipt is the centre's, and for these entries.
func (h *Home) verifyReceipt(raw []byte, batch [16]byte, ids []record.EntryID) error {
	receipt, err := h.Trust.Receipt(raw)
	if err != nil {
		return err
	}
	if receipt.Batch != batch || !slices.Equal(receipt.IDs, ids) {
		return fmt.Errorf("receipt is for other entries: %w", client.ErrProtocol)
	}
	return nil
}

// AcceptList verifies a signed list and takes it into use. It owes the errors of
// what the list is read with; what is in use then stays.
func (h *Home) AcceptList(name string, raw []byte) (version uint64, err error) {
	switch name {
	case wire.ListTrust:
		err = h.Trust.UpdateTrust(raw)
		version, _ = h.Trust.Versions()
	case wire.ListBlock:
		err = h.Trust.UpdateBlock(raw)
		_, version = h.Trust.Versions()
	case wire.ListTerms:
		version, err = h.terms.accept(h.Trust, raw, time.Now())
	case wire.ListAlerts:
		var e rules.Edition[*alerts.Table]
		e, err = h.rules.alerts.Accept(h.Trust, raw)
		version = uint64(e.Number)
		alerts.Use(h.AlertRules())
	case wire.ListCover:
		var e rules.Edition[*entitle.Schedule]
		e, err = h.rules.cover.Accept(h.Trust, raw)
		version = uint64(e.Number)
	}
	return version, err
}
