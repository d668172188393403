package client

import (
	"bytes"
	"context"
	"fmt"
	"net/url"
	"slices"
	"strconv"

	"github.com/dhamani-iq/dhamani/record"
	"github.com/dhamani-iq/dhamani/sync/wire"
)

// maxPatientPages bounds the pages of one patient's records.
const maxPatientPages = 64

// maxPatientBytes bounds the sealed bytes of one patient's records.
const maxPatientBytes = 32 << 20

// Patient fetches a patient's records. It returns nil, and no error, when the
// centre's digest is the one given (see wire.Digest); a zero digest means that
// nothing is known yet. Items holds the entries of all pages, oldest first;
// what is no sealed entry is left out, and nothing else has been verified. It owes ErrOffline, ErrProtocol and
// *ServerError (wire.CodeNoPatient).
func (c *Client) Patient(ctx context.Context, id record.PatientID, digest [16]byte) (*wire.PatientResponse, error) {
	query := url.Values{}
	if digest != [16]byte{} {
		query.Set(wire.QueryDigest, wire.DigestText(digest))
	}
	var all *wire.PatientResponse
	size := 0
	for range maxPatientPages {
		got, err := c.ask(ctx, request{path: wire.PatientRecordsPath(id.String()), query: query, timeout: c.tuning.timeout})
		if err != nil {
			return nil, fmt.Errorf("fetch patient's records: %w", err)
		}
		if got.body == nil {
			if all != nil {
				return nil, fmt.Errorf("fetch patient's records: nothing behind a page: %w", ErrProtocol)
			}
			return nil, nil //nolint:nilnil // nothing has changed
		}
		page := new(wire.PatientResponse)
		if err := wire.Decode(got.body, page); err != nil {
			return nil, fmt.Errorf("fetch patient's records: %w: %w", ErrProtocol, err)
		}
		for _, sealed := range page.Items {
			size += len(sealed)
		}
		page.Items = slices.DeleteFunc(page.Items, c.malformed)
		switch {
		case size > maxPatientBytes:
			return nil, fmt.Errorf("fetch patient's records: more than %d bytes: %w", maxPatientBytes, ErrProtocol)
		case all == nil:
			all = page
		case !bytes.Equal(all.Subjects, page.Subjects) || page.Next != 0 && page.Next <= all.Next:
			return nil, fmt.Errorf("fetch patient's records: pages do not belong together: %w", ErrProtocol)
		default:
			page.Items = append(all.Items, page.Items...)
			all = page
		}
		if all.Next == 0 {
			return all, nil
		}
		query.Del(wire.QueryDigest)
		query.Set(wire.QueryAfter, strconv.FormatUint(all.Next, 10))
	}
	return nil, fmt.Errorf("fetch patient's records: more than %d pages: %w", maxPatientPages, ErrProtocol)
}
