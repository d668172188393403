// Package store says what the central API asks of its storage engine: records
// that are accepted in batches and followed as a feed, and a registry of
// patients, cards, facilities, workstations and signed lists.
//
// Every engine runs the one suite in store/storetest. All methods may be
// called at the same time from any number of goroutines.
package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/dhamani-iq/dhamani/record"
	"github.com/dhamani-iq/dhamani/sync/wire"
)

// Errors that every engine owes.
var (
	// ErrNotFound is returned when the thing asked for is not stored.
	ErrNotFound = errors.New("not found")
	// ErrExists is returned for a new thing whose identifier is taken.
	ErrExists = errors.New("exists already")
	// ErrConflict is returned for a batch number that the facility has used
	// for other entries.
	ErrConflict = errors.New("batch number used for other entries")
	// ErrClosed is returned after Close.
	ErrClosed = errors.New("store closed")
	// ErrCorrupt is returned when stored bytes cannot be what was written.
	ErrCorrupt = errors.New("store corrupt")
)

// BusyError is returned instead of queueing without bound: the commit queue is
// full and will have drained after about After.
type BusyError struct{ After time.Duration }

func (e *BusyError) Error() string { return fmt.Sprintf("commit queue full, drains in %v", e.After) }

// Store is a storage engine.
type Store interface {
	Records
	Registry
	// Epoch is a random number, not zero, drawn when the database was made; a
	// database restored from a backup must be given another one.
	Epoch() uint64
	// Status counts what is stored.
	Status(ctx context.Context) (Status, error)
	// Close waits for the commits under way. What is queued behind them gets
	// ErrClosed.
	Close() error
}

// Records holds the sealed entries. An entry that any method has shown is
// durable: it survives the loss of power.
type Records interface {
	// Accept makes the entries of a batch, its receipt, its quarantine and the
	// facility's interest in its patients durable in one transaction, and
	// returns when they are. A batch seen before is answered as it was then.
	// It owes *BusyError, ErrConflict and ErrClosed.
	Accept(ctx context.Context, b *Batch) (*Outcome, error)
	// Replay returns the outcome of a batch that was accepted before, else
	// ErrNotFound; ErrConflict when content differs.
	Replay(ctx context.Context, facility uint32, batch [16]byte, content [32]byte) (*Outcome, error)
	// Changes returns the entries behind position after, in rising order, of
	// the patients in whom the facility has an interest. The work of one call
	// is bounded: an empty page may have More set.
	Changes(ctx context.Context, facility uint32, after uint64, maxItems, maxBytes int) (*Feed, error)
	// Wake returns a channel that is closed when there may be changes for the
	// facility that were not there when Wake was called. cancel must be called.
	Wake(facility uint32) (woken <-chan struct{}, cancel func())
	// Patient returns entries of a patient behind position after, oldest first.
	Patient(ctx context.Context, patient record.PatientID, after uint64, maxItems, maxBytes int) (*Page, error)
	// IDs returns the identifiers of all entries of a patient.
	IDs(ctx context.Context, patient record.PatientID) ([]record.EntryID, error)
	// Holds reports whether the entry is durable.
	Holds(ctx context.Context, patient record.PatientID, id record.EntryID) (bool, error)
	// Interest notes that a facility follows a patient from now on.
	Interest(ctx context.Context, facility uint32, patient record.PatientID) error
	// Quarantine returns the rejected entries that came last, newest first. What
	// a store keeps of one facility's rejected entries is bounded.
	Quarantine(ctx context.Context, limit int) ([]Quarantined, error)
}

// Batch is a push whose entries have been checked.
type Batch struct {
	Facility uint32
	Batch    [16]byte
	Content  [32]byte // SHA-256 over what the facility sent, so that a repetition is known
	Received time.Time
	Items    []Item
	Receipt  []byte // signed over the items without a code; empty when there is none
}

// Item is one entry of a batch. One with a code goes to the quarantine.
type Item struct {
	ID      record.EntryID
	Patient record.PatientID
	Time    time.Time // when the entry was made, minute precision
	Author  [4]byte   // key identifier
	Sealed  []byte
	Code    string // one of the wire.Reject codes, empty when the entry is good
}

// Outcome says what became of each item of a batch, in order.
type Outcome struct {
	Receipt  []byte
	Statuses []wire.Status
	Codes    []string // of the same length; empty where the status is not rejected
	Replayed bool     // the batch had been accepted before
}

// Feed is one page of the change feed. Next is the position up to which the
// facility has now seen everything; Head is that of the newest entry.
type Feed struct {
	Items []wire.Change
	Next  uint64
	Head  uint64
	More  bool
}

// Page is one page of a patient's entries. Next is zero on the last page.
type Page struct {
	Items [][]byte
	Next  uint64
}

// Quarantined is an entry that was refused, with the facility that sent it.
type Quarantined struct {
	At       time.Time
	Facility uint32
	Patient  record.PatientID
	ID       record.EntryID
	Code     string
	Size     int // of the sealed entry as it came, whether or not it is kept
}

// Status counts what is stored.
type Status struct {
	Epoch        uint64 `json:"epoch"`
	Head         uint64 `json:"head"` // position of the newest entry
	Records      uint64 `json:"records"`
	Patients     uint64 `json:"patients"`
	Cards        uint64 `json:"cards"`
	Facilities   uint64 `json:"facilities"`
	Workstations uint64 `json:"workstations"`
	Fingers      uint64 `json:"fingers"` // patients with templates
	Unsearched   uint64 `json:"fingers_unsearched"`
	Reviews      uint64 `json:"reviews_open"`
	Quarantined  uint64 `json:"quarantined"`
	Batches      uint64 `json:"batches"`
	Bytes        uint64 `json:"bytes"` // of the database on disk
}
