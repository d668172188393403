package wire

import (
	"fmt"
	"time"
)

// Codes of an Error. The HTTP status in brackets is the one it comes with; a
// client may act on either.
const (
	CodeBadRequest   = "bad_request"      // 400: the body or a parameter is malformed
	CodeForbidden    = "forbidden"        // 403: the facility's role does not allow it
	CodeRevoked      = "facility_revoked" // 403: the facility is no longer enrolled
	CodeNotFound     = "not_found"        // 404: no such path or list
	CodeNoPatient    = "unknown_patient"  // 404: the centre does not know the patient
	CodeMethod       = "method"           // 405
	CodeConflict     = "conflict"         // 409: the request contradicts what is stored
	CodeNotHeld      = "not_held"         // 409: the centre does not hold one of the entries
	CodeEpoch        = "epoch_gone"       // 410: the cursor is of another epoch, start anew
	CodeTooLarge     = "too_large"        // 413: split the batch
	CodeMediaType    = "media_type"       // 415: not application/cbor, or another encoding than zstd
	CodeRateLimited  = "rate_limited"     // 429, with Retry-After
	CodeInternal     = "internal"         // 500
	CodeUnavailable  = "unavailable"      // 503, with Retry-After: the commit queue is full
	CodeShuttingDown = "shutting_down"    // 503, with Retry-After
)

// Codes of a Result with StatusRejected. A rejected entry will never be
// accepted as it is; the centre keeps it in its quarantine for people to see.
const (
	RejectFormat         = "format"          // not a sealed entry
	RejectUnknownPatient = "unknown_patient" // the centre issued no such patient
	RejectUnknownPerson  = "unknown_person"  // the patient's card carries no such person
	RejectEpoch          = "key_epoch"       // sealed under another key epoch than the patient's
	RejectUnknownAuthor  = "unknown_author"  // the key is in no trust list, or not an author's
	RejectRevoked        = "author_revoked"  // the key was revoked when the entry was made
	RejectExpired        = "author_expired"  // the key was not valid when the entry was made
	RejectSignature      = "signature"       // the signature does not hold for this person
	RejectFuture         = "future_time"     // the entry's time lies more than MaxClockSkew ahead
	RejectBackdated      = "backdated"       // older than its author's enrolment, and no history of a new card
)

// MaxClockSkew is how far ahead of the centre's clock an entry's time may be.
const MaxClockSkew = 24 * time.Hour

// Error is the body of every answer with a status of 400 and above.
//
//	{1: code tstr, 2: message tstr, 3: retry after uint (seconds)}
type Error struct {
	Code       string `cbor:"1,keyasint"`
	Message    string `cbor:"2,keyasint"` // English, for logs; holds nothing of the request
	RetryAfter uint32 `cbor:"3,keyasint"` // seconds; 0 = as the client likes
}

func (m *Error) check() error {
	if err := bound("code", len(m.Code), 1, MaxCode); err != nil {
		return err
	}
	return bound("message", len(m.Message), 0, MaxText)
}

// Error implements error.
func (m *Error) Error() string { return fmt.Sprintf("centre answered %s: %s", m.Code, m.Message) }

// Wait returns RetryAfter as a duration.
func (m *Error) Wait() time.Duration { return time.Duration(m.RetryAfter) * time.Second }

// Health is the centre's word on itself.
//
//	{1: name tstr, 2: version uint, 3: epoch uint, 4: time uint (POSIX seconds),
//	 5: trust list version uint, 6: block list version uint}
type Health struct {
	Name    string `cbor:"1,keyasint"`
	Version uint64 `cbor:"2,keyasint"`
	Epoch   uint64 `cbor:"3,keyasint"`
	Time    uint64 `cbor:"4,keyasint"`
	Trust   uint64 `cbor:"5,keyasint"`
	Block   uint64 `cbor:"6,keyasint"`
}

func (m *Health) check() error { return bound("name", len(m.Name), 0, MaxName) }
