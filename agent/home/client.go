package home

import (
	"cmp"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/dhamani-iq/dhamani/record"
	"github.com/dhamani-iq/dhamani/sync/client"
	"github.com/dhamani-iq/dhamani/sync/wire"
)

// CentreURL is where the centre is reached.
func (h *Home) CentreURL() string { return cmp.Or(h.Config.Centre, h.Grant.CentreURL) }

// Client makes the client of the workstation's centre. The store may be nil
// for one that only asks.
func (h *Home) Client(store client.Store, log *slog.Logger) (*client.Client, error) {
	return client.New(client.Config{
		BaseURL: h.CentreURL(), TLS: h.TLS, Log: log, Verify: h.verifyReceipt, Accept: h.acceptList,
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

// acceptList takes a signed list into use.
func (h *Home) acceptList(name string, raw []byte) (version uint64, err error) {
	switch name {
	case wire.ListTrust:
		err = h.Trust.UpdateTrust(raw)
		version, _ = h.Trust.Versions()
	case wire.ListBlock:
		err = h.Trust.UpdateBlock(raw)
		_, version = h.Trust.Versions()
	case wire.ListTerms:
		version, err = h.terms.accept(h.Trust, raw, time.Now())
	}
	return version, err
}
