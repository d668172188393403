package cache

import (
	"fmt"
	"time"

	"github.com/dhamani-iq/dhamani/internal/strictcbor"
	"github.com/dhamani-iq/dhamani/record"
	"github.com/dhamani-iq/dhamani/sync/wire"
)

// bucket is the name of a top-level bucket.
type bucket string

const (
	bucketMeta       bucket = "meta"
	bucketCards      bucket = "cards"
	bucketPatients   bucket = "patients"
	bucketEntries    bucket = "entries"
	bucketKeys       bucket = "keys"
	bucketPending    bucket = "pending"
	bucketUnknown    bucket = "unknown"
	bucketOwn        bucket = "own"
	bucketOutbox     bucket = "outbox"
	bucketQuarantine bucket = "quarantine"
	bucketReceipts   bucket = "receipts"
	bucketState      bucket = "state"
	bucketLists      bucket = "lists"
	bucketAudit      bucket = "audit"
	bucketLogs       bucket = "logs"
	bucketFreeing    bucket = "freeing"
	bucketStandings  bucket = "standings"
	bucketFingers    bucket = "fingers"
)

// keyLengths are the buckets of sealed values with the length of their keys;
// 0 stands for a short name.
var keyLengths = map[bucket]int{
	bucketCards: indexSize, bucketPatients: indexSize, bucketKeys: indexSize, bucketFingers: indexSize,
	bucketEntries: indexSize + 32,
	bucketPending: 32, bucketUnknown: 32, bucketOwn: 32, bucketQuarantine: 32,
	bucketOutbox: 8, bucketReceipts: 8, bucketAudit: 8,
	bucketState: 0, bucketLists: 0,
	bucketLogs: indexSize + 4, bucketFreeing: indexSize + 4,
	bucketStandings: indexSize + 1,
}

// Bounds of the fields.
const (
	maxSealed   = wire.MaxSealed // a sealed entry or summary
	maxFile     = wire.MaxCOSE   // EF.CardSecurity, EF.ID
	maxHead     = 256
	maxSubjects = wire.MaxSubjects
	maxList     = wire.MaxList
	maxReceipt  = wire.MaxReceipt
	maxCode     = 64
	maxName     = 32
	keySize     = 32
)

// A row is the content of one value: a CBOR array of the struct's fields.
type row interface{ check() error }

type cardRow struct {
	_        struct{} `cbor:",toarray"`
	Patient  record.PatientID
	Head     []byte
	Security []byte
	IDFile   []byte
	Summary  []byte
	Read     int64 // POSIX seconds
}

type patientRow struct {
	_        struct{} `cbor:",toarray"`
	Patient  record.PatientID
	Subjects []byte
}

type entryRow struct {
	_      struct{} `cbor:",toarray"`
	Flags  Flags
	Time   int64 // POSIX seconds
	Sealed []byte
	Kept   int64 // POSIX seconds, when it came first
}

type keysRow struct {
	_        struct{}        `cbor:",toarray"`
	Operator [indexSize]byte // index of the holder's name
	Expiry   int64           // POSIX seconds
	Sealed   []byte          // Holder.seal
}

type pendingRow struct {
	_         struct{} `cbor:",toarray"`
	Card      [8]byte
	Patient   record.PatientID
	ExpectSeq uint32
	Sealed    []byte
	Number    uint64 // the generation of Begin; it gives the order
	Since     int64  // POSIX seconds
}

// ownState tells what became of an entry that was put into the outbox.
type ownState uint8

const (
	ownQueued ownState = iota
	ownAcknowledged
	ownRefused
)

type ownRow struct {
	_       struct{} `cbor:",toarray"`
	Patient record.PatientID
	State   ownState
	Number  uint64 // in the outbox while queued, of the receipt when acknowledged
	Code    string // of the refusal
	Since   int64  // POSIX seconds, of the state
}

type outboxRow struct {
	_  struct{} `cbor:",toarray"`
	ID record.EntryID
}

type quarantineRow struct {
	_       struct{} `cbor:",toarray"`
	Patient record.PatientID
	Code    string
	Since   int64 // POSIX seconds
}

type receiptRow struct {
	_   struct{} `cbor:",toarray"`
	Raw []byte
	At  int64 // POSIX seconds
}

// logRow is the place of an entry in a card's log; its number is in the key.
type logRow struct {
	_  struct{} `cbor:",toarray"`
	ID record.EntryID
}

// freeingRow is a receipt for a card's log; its number is in the key.
type freeingRow struct {
	_            struct{} `cbor:",toarray"`
	Offset       uint32
	Chain        [16]byte
	Signature    [64]byte
	Certificates [][]byte
}

// standingRow is the centre's word on a person's charges, sealed for who has
// the person's key; the person is in the key.
type standingRow struct {
	_   struct{} `cbor:",toarray"`
	Raw []byte
}

type cursorRow struct {
	_      struct{} `cbor:",toarray"`
	Cursor string
}

type clockRow struct {
	_      struct{} `cbor:",toarray"`
	Latest int64    // POSIX seconds
}

type listRow struct {
	_   struct{} `cbor:",toarray"`
	Raw []byte
}

type auditRow struct {
	_       struct{} `cbor:",toarray"`
	Prev    [32]byte // SHA-256 of the row before; zero in the first
	At      int64    // POSIX seconds
	Actor   string
	Action  string
	Patient [indexSize]byte // zero when the action concerns no patient
	Code    string
}

type auditHeadRow struct {
	_    struct{} `cbor:",toarray"`
	Seq  uint64
	Hash [32]byte // SHA-256 of the last row
}

func (r *cardRow) check() error {
	return within("card", bound{len(r.Head), maxHead}, bound{len(r.Security), maxFile}, bound{len(r.IDFile), maxFile}, bound{len(r.Summary), maxSealed})
}
func (r *patientRow) check() error { return within("patient", bound{len(r.Subjects), maxSubjects}) }
func (r *entryRow) check() error   { return within("entry", bound{len(r.Sealed), maxSealed}) }
func (r *keysRow) check() error {
	return within("section keys", bound{len(r.Sealed), 12 + 1 + record.NumSections*keySize + 16})
}

func (r *pendingRow) check() error {
	if r.Number >= maxGen {
		return invalid("pending write of number %d", r.Number)
	}
	return within("pending write", bound{len(r.Sealed), maxSealed})
}

func (r *ownRow) check() error {
	if r.State > ownRefused {
		return invalid("state %d", r.State)
	}
	return within("own entry", bound{len(r.Code), maxCode})
}
func (r *outboxRow) check() error     { return nil }
func (r *quarantineRow) check() error { return within("quarantine", bound{len(r.Code), maxCode}) }
func (r *receiptRow) check() error    { return within("receipt", bound{len(r.Raw), maxReceipt}) }
func (r *cursorRow) check() error     { return within("cursor", bound{len(r.Cursor), maxCode}) }
func (r *clockRow) check() error      { return nil }
func (r *listRow) check() error       { return within("list", bound{len(r.Raw), maxList}) }
func (r *logRow) check() error        { return nil }
func (r *standingRow) check() error   { return within("standing", bound{len(r.Raw), maxSealed}) }
func (r *freeingRow) check() error {
	bounds := []bound{{len(r.Certificates), wire.MaxChain}}
	for _, cert := range r.Certificates {
		bounds = append(bounds, bound{len(cert), wire.MaxCertificate})
	}
	return within("log receipt", bounds...)
}

func (r *auditRow) check() error {
	return within("audit record", bound{len(r.Actor), maxCode}, bound{len(r.Action), maxCode}, bound{len(r.Code), maxCode})
}
func (r *auditHeadRow) check() error { return nil }

type bound struct{ n, most int }

func within(what string, bounds ...bound) error {
	for _, b := range bounds {
		if b.n > b.most {
			return invalid("%s with a field of %d bytes, at most %d", what, b.n, b.most)
		}
	}
	return nil
}

// codec is core deterministic CBOR within the bounds of any row.
var codec = strictcbor.New(strictcbor.Limits{Depth: 4, Items: 16, Pairs: 16})

func encodeRow(r row) ([]byte, error) {
	if err := r.check(); err != nil {
		return nil, err
	}
	raw, err := codec.Marshal(r)
	if err != nil {
		return nil, fmt.Errorf("encode row: %w: %w", ErrInvalid, err)
	}
	return raw, nil
}

// decodeRow reads raw, which must be exactly what encodeRow would write. It
// owes ErrCorrupt. Slices in r do not alias raw.
func decodeRow(raw []byte, r row) error {
	if err := codec.Unmarshal(raw, r); err != nil {
		return corrupt("decode row: %v", err)
	}
	if err := r.check(); err != nil {
		return corrupt("decode row: %v", err)
	}
	return nil
}

// newRow returns an empty row of the bucket's kind, or nil if it has none;
// state holds three kinds, told apart by their names.
func newRow(b bucket, key []byte) row {
	switch b {
	case bucketCards:
		return new(cardRow)
	case bucketPatients:
		return new(patientRow)
	case bucketEntries:
		return new(entryRow)
	case bucketKeys:
		return new(keysRow)
	case bucketPending, bucketUnknown:
		return new(pendingRow)
	case bucketOwn:
		return new(ownRow)
	case bucketOutbox:
		return new(outboxRow)
	case bucketQuarantine:
		return new(quarantineRow)
	case bucketReceipts:
		return new(receiptRow)
	case bucketLists:
		return new(listRow)
	case bucketAudit:
		return new(auditRow)
	case bucketLogs:
		return new(logRow)
	case bucketFreeing:
		return new(freeingRow)
	case bucketStandings:
		return new(standingRow)
	case bucketFingers:
		return new(fingerRow)
	case bucketMeta: // not a row
	case bucketState:
		switch string(key) {
		case keyCursor:
			return new(cursorRow)
		case keyClock:
			return new(clockRow)
		case keyAuditHead:
			return new(auditHeadRow)
		}
	}
	return nil
}

func fromPOSIX(s int64) time.Time { return time.Unix(s, 0).UTC() }
