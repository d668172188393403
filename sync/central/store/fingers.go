package store

import (
	"time"

	"github.com/dhamani-iq/dhamani/record"
)

// Fingers are the templates of a patient's fingers. Sealed is under a key of
// the authority's that seals nothing else; the store cannot read it.
type Fingers struct {
	Number   uint64 // rises with each change of anybody's, given by the store
	Patient  record.PatientID
	Sealed   []byte // empty: they were deleted
	Updated  time.Time
	Searched bool // others with the same fingers were looked for
}

// Review says that two patients may be one person. A zero Closed means that
// nobody has decided yet, and Decision, By and Note are empty then.
type Review struct {
	Number  uint64 // rises, given by the store
	Raised  time.Time
	Patient record.PatientID // whose fingers were looked for
	Other   record.PatientID // who was enrolled with the same ones
	Score   float64          // negative decimal logarithm of the false match rate, of all fingers together
	People  uint64           // among whom was looked
	Fingers []FingerScore

	Closed   time.Time
	Decision string
	By       string
	Note     []byte // sealed by the authority
}

// FingerScore is how alike one finger is.
type FingerScore struct {
	Finger uint8  // ISO/IEC 19794-2:2005, table 2
	Score  uint16 // negative decimal logarithm of the false match rate, in hundredths
}

// Look is a line of who looked at reviews, or decided one.
type Look struct {
	Number uint64 // rises, given by the store
	At     time.Time
	Who    string // account at the centre
	What   string
	Review uint64 // 0 for the list
}
