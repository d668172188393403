package agent

import (
	"time"

	"github.com/dhamani-iq/dhamani/card"
	"github.com/dhamani-iq/dhamani/record"
	"github.com/dhamani-iq/dhamani/record/alerts"
	"github.com/dhamani-iq/dhamani/record/entitle"
)

// Kinds of events, in the order of a visit.
const (
	KindReaderAdded    = "reader_added"
	KindReaderRemoved  = "reader_removed"
	KindCardInserted   = "card_inserted"
	KindCardRemoved    = "card_removed"
	KindIdentityReady  = "identity_ready"
	KindRecordsReady   = "records_ready"
	KindRecordsChanged = "records_changed" // the centre, or a write, has added to an open visit
	KindPersonShown    = "person_shown"    // an open visit shows another person on its card
	KindFinger         = "finger"          // what the person at the scanner should do; see Event.Finger
	KindEntryWritten   = "entry_written"
	KindSyncStatus     = "sync_status"
	KindFailure        = "failure"
	KindServiceDown    = "service_down"
	KindServiceUp      = "service_up"
	KindSignedIn       = "signed_in"
	KindSignedOut      = "signed_out" // the visits that were open have ended
)

// Event is one thing that happened, numbered from 1 without gaps.
type Event struct {
	Seq     uint64    `json:"seq"`
	At      time.Time `json:"at"`
	Kind    string    `json:"kind"`
	Reader  string    `json:"reader,omitempty"`
	Visit   string    `json:"visit,omitempty"`
	Entry   string    `json:"entry,omitempty"`
	Failure *Failure  `json:"failure,omitempty"`
	Finger  *Guide    `json:"finger,omitempty"`
}

// Failure is an error as people and programs see it: a stable code, an action
// that helps, and words in Arabic ("ar"), Sorani ("ckb") and English ("en").
type Failure struct {
	Code   string            `json:"code"`
	Action string            `json:"action"`
	Text   map[string]string `json:"text"`
}

// Places where an entry is known to be.
const (
	AtCard    = "card"
	AtCache   = "cache"
	AtOutbox  = "outbox"
	AtCentre  = "centre"
	AtUnknown = "card_unknown" // written while the card was taken away; settled at its next tap
	AtOwed    = "card_owed"    // the card has no room for it; written at a later tap, when there is
)

// Whose key has signed an entry.
const (
	SignerOperator = "operator"
	SignerDevice   = "workstation"
)

// Visit is one card's stay at one reader, with everything that the terminal's
// role may see. It stays readable after the card has gone, until the reader's
// next card or the end of its time.
type Visit struct {
	ID       string           `json:"id"`
	Reader   string           `json:"reader"`
	Card     card.ID          `json:"card"`
	Patient  record.PatientID `json:"patient"`
	Opened   time.Time        `json:"opened"`
	Present  bool             `json:"present"`
	Cardless bool             `json:"cardless,omitempty"` // the card is not there: the centre gave the keys
	Until    time.Time        `json:"until,omitzero"`     // of a visit without a card: when it ends
	Ready    bool             `json:"ready"`              // the whole record is read, not only the identity
	Role     string           `json:"role"`
	Identity *record.Identity `json:"identity,omitempty"`
	Cover    *record.Cover    `json:"cover,omitempty"`
	Persons  record.Persons   `json:"persons"` // on the card: the holder (0) and the family by their numbers
	Person   uint8            `json:"person"`  // of them, the one whose summary, alerts and entries these are
	Summary  *record.Summary  `json:"summary,omitempty"`
	Locked   bool             `json:"summary_locked,omitempty"` // there is a summary that this role may not open
	Alerts   []record.Alert   `json:"alerts"`
	Checks   *alerts.Report   `json:"checks,omitempty"` // what collides in the record as it stands, once it is read
	Entries  []VisitEntry     `json:"entries"`          // newest first
	Problems []Failure        `json:"problems,omitempty"`
	Space    *Space           `json:"space,omitempty"` // of the card's log, once it is read
	Steps    []Step           `json:"steps"`
	Stats    card.Stats       `json:"stats"`
	Verified bool             `json:"verified"`         // PIN or finger, for at least one of the persons
	Finger   *Fingered        `json:"finger,omitempty"` // that was accepted last
	// FingerRefusals is how many fingers were another's than those of the
	// person who is shown.
	FingerRefusals int `json:"finger_refusals,omitempty"`
	// Elsewhere says that the finger was accepted for another patient as well.
	Elsewhere bool `json:"finger_elsewhere,omitempty"`
	// Attested is what was said of the person who is shown in the place of PIN
	// and finger. It opens nothing.
	Attested *Attested `json:"attested,omitempty"`
	// Eligibility says whether a visit here and now is covered; it comes with
	// the record.
	Eligibility *entitle.Answer `json:"eligibility,omitempty"`
}

// turn shows the summary of a book's person.
func (v *Visit) turn(b *book) {
	v.Person, v.Summary, v.Locked, v.Alerts = b.person(), b.summary, b.closed, []record.Alert{}
	if b.summary != nil {
		v.Alerts = alertsOf(b.summary)
	}
	v.recheck()
}

// VisitEntry is one entry of the record and what is known of it.
type VisitEntry struct {
	ID       record.EntryID `json:"id"`
	Author   string         `json:"author"`
	Signer   string         `json:"signer"` // whose key signed: SignerOperator or SignerDevice
	Facility uint32         `json:"facility"`
	Where    []string       `json:"where"`
	Kept     time.Time      `json:"kept,omitzero"`    // when this workstation first had it
	Locked   []string       `json:"locked,omitempty"` // sections that this role may not open
	Entry    *record.Entry  `json:"entry"`
	// AmendedBy are the entries that amend this one: it stays as it was
	// written, and does not count any more.
	AmendedBy []record.EntryID `json:"amended_by,omitempty"`
	// Correctable says that a desk should offer to correct it: the actor may
	// amend it, and it is this facility's own.
	Correctable bool `json:"correctable,omitempty"`

	kid [4]byte // of the key that has signed
}

// Step is one named step of the read path and the time that it took.
type Step struct {
	Name string        `json:"name"`
	Took time.Duration `json:"took_ns"`
}

// Written is the answer to an append.
type Written struct {
	ID    record.EntryID `json:"id"`
	Seq   uint32         `json:"seq"`
	Where []string       `json:"where"`
}

// ReaderState is one reader as it is now.
type ReaderState struct {
	Name    string `json:"name"`
	Device  string `json:"device"` // its own name, or that of the first of several slots of one device
	Present bool   `json:"card_present"`
	ATR     string `json:"atr,omitempty"`
}

// Health is the agent's own state.
type Health struct {
	Version  string    `json:"version"`
	Started  time.Time `json:"started"`
	PCSC     string    `json:"pcsc"` // "up" or "down"
	Facility uint32    `json:"facility"`
	Role     string    `json:"role"` // of the workstation alone
	// Operator is who is signed in; nil when the workstation is alone.
	Operator *OperatorInfo `json:"operator,omitempty"`
	Problems []Failure     `json:"problems,omitempty"`
}
