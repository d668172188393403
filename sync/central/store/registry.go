package store

import (
	"context"
	"time"

	"github.com/dhamani-iq/dhamani/record"
)

// Registry holds what the authority has issued. All that it returns is a copy.
type Registry interface {
	// View runs fn on one snapshot.
	View(ctx context.Context, fn func(Reader) error) error
	// Update runs fn in a transaction that is durable when Update returns nil,
	// and has not happened when it returns an error. No other Update or Accept
	// of any process happens between fn's reads and its writes. fn must not
	// wait for anything. It owes *BusyError, ErrClosed and fn's own error.
	Update(ctx context.Context, fn func(Writer) error) error
}

// Reader reads the registry. Its methods owe ErrNotFound.
type Reader interface {
	Patient(id record.PatientID) (Patient, error)
	// Patients lists up to limit patients behind after, in order of their identifiers.
	Patients(after record.PatientID, limit int) ([]Patient, error)
	Card(id [8]byte) (Card, error)
	// CardsOf lists the cards of a patient, oldest first.
	CardsOf(patient record.PatientID) ([]Card, error)
	// Releases lists up to limit releases of section keys whose number is below
	// before, newest first; 0 begins with the newest.
	Releases(before uint64, limit int) ([]Release, error)
	// ReleasesTo counts the releases to an operator since a time.
	ReleasesTo(operator [4]byte, since time.Time) (int, error)
	Facility(number uint32) (Facility, error)
	Facilities() ([]Facility, error)
	// Workstation finds a workstation by the hash of its TLS key.
	Workstation(tlsKey [32]byte) (Workstation, error)
	// WorkstationByAuthor finds it by its author key.
	WorkstationByAuthor(kid [4]byte) (Workstation, error)
	Workstations() ([]Workstation, error)
	// Fingers returns the templates of a patient; of those that were deleted,
	// what is left.
	Fingers(patient record.PatientID) (Fingers, error)
	// FingersBehind lists up to limit patients' fingers whose number is above
	// after, in rising order: whoever follows it from 0 knows all that there are.
	FingersBehind(after uint64, limit int) ([]Fingers, error)
	// FingersPending is FingersBehind of those that were not looked for yet.
	FingersPending(after uint64, limit int) ([]Fingers, error)
	// Review finds a review by its number.
	Review(number uint64) (Review, error)
	// Reviews lists up to limit reviews whose number is below before, newest
	// first, of all or of the open ones; 0 begins with the newest.
	Reviews(before uint64, limit int, open bool) ([]Review, error)
	// ReviewsOf lists the reviews of two patients, in either order, newest first.
	ReviewsOf(a, b record.PatientID) ([]Review, error)
	// Looks lists up to limit lines of who looked at reviews, as Releases does.
	Looks(before uint64, limit int) ([]Look, error)
	// LogState returns what is known of a state of a card's log.
	LogState(card [8]byte, seq uint32, chain [16]byte) (LogState, error)
	// Operator finds an operator by their author key.
	Operator(kid [4]byte) (Operator, error)
	Operators() ([]Operator, error)
	// List returns a signed list as it was stored.
	List(name string) (List, error)
}

// Writer reads and writes the registry within a transaction. A Put replaces
// what had the same identifier; an Add owes ErrExists.
type Writer interface {
	Reader
	AddPatient(Patient) error
	PutPatient(Patient) error
	AddCard(Card) error
	PutCard(Card) error
	// AddRelease numbers a release behind all others. None is ever deleted. It owes
	// ErrExists for an order that has been answered.
	AddRelease(Release) error
	// PutFingers takes the place of a patient's fingers and numbers them behind
	// all others. Empty ones, which are deleted, keep their number only.
	PutFingers(Fingers) error
	// MarkSearched says that the fingers of a number were looked for; others that
	// took their place since stay as they are.
	MarkSearched(patient record.PatientID, number uint64) error
	// AddReview numbers a review behind all others.
	AddReview(Review) error
	// PutReview replaces a review; it owes ErrNotFound.
	PutReview(Review) error
	// AddLook numbers a line behind all others. None is ever deleted.
	AddLook(Look) error
	// AddLogState keeps a state of a card's log; one that is there stays as it
	// is. Of those that one facility has asked for, the oldest beyond
	// MaxLogStates of a card go.
	AddLogState(LogState) error
	PutFacility(Facility) error
	AddWorkstation(Workstation) error
	PutWorkstation(Workstation) error
	PutOperator(Operator) error
	PutList(List) error
}

// Patient is what the centre keeps of a patient besides the entries. Keys,
// Identity and Cover are sealed under the authority's wrap key; the store
// cannot read them.
type Patient struct {
	ID       record.PatientID
	Subjects []byte // envelope.Subjects
	Keys     []byte
	Identity []byte
	Cover    []byte
	Created  time.Time
	Updated  time.Time
}

// Card is a card that was issued. A zero Blocked means that it is not blocked.
type Card struct {
	ID       [8]byte
	Patient  record.PatientID
	Facility uint32 // that personalised it
	Key      [65]byte
	Issued   time.Time
	NotAfter time.Time
	Blocked  time.Time
}

// Release says that a workstation was given section keys of a patient: to put
// them onto a card, or for one visit without a card.
type Release struct {
	Number   uint64 // rises, given by the store
	At       time.Time
	Facility uint32
	Author   [4]byte // key identifier of the workstation's author key
	Card     [8]byte // that is filled; zero for a visit without a card
	Patient  record.PatientID

	// Of a visit without a card only.
	Operator [4]byte // key identifier of who asked for it
	Role     string  // that the keys were given for
	Proof    string  // how the patient was known
	Reason   string  // why the card is not there

	// Order is the SHA-256 of what the operator signed, so that it counts once;
	// zero for a card, and for releases before schema 5.
	Order [32]byte
}

// MaxLogStates is how many states of one card's log are kept for one facility:
// a log has four segments, so what is older has been overwritten many times.
const MaxLogStates = 64

// LogState is a state of a card's log up to which the centre has signed that it
// holds every entry.
type LogState struct {
	Card     [8]byte
	Seq      uint32
	Chain    [16]byte
	At       time.Time
	Facility uint32 // that asked first
}

// Facility is a clinic, a hospital or a personalisation station. A zero
// Revoked means that it is enrolled.
type Facility struct {
	Number  uint32
	Name    string
	Role    string // wire.RoleClinic or wire.RoleIssuer
	Created time.Time
	Revoked time.Time
}

// Workstation is one enrolled computer of a facility.
type Workstation struct {
	TLSKey   [32]byte // SHA-256 of the subject public key info
	Author   [4]byte  // key identifier of its author key
	Facility uint32
	Name     string
	Role     string // of its terminal certificate
	Created  time.Time
	Expires  time.Time
	Revoked  time.Time
}

// Operator is a person who works at a facility, by the author key that the
// trust list names.
type Operator struct {
	Author   [4]byte
	Facility uint32
	Name     string
	Role     string // of their terminal certificate
	Created  time.Time
	Expires  time.Time
	Revoked  time.Time
}

// List is a signed list with its version.
type List struct {
	Name    string // wire.ListTrust or wire.ListBlock
	Version uint64
	Raw     []byte
	Issued  time.Time
}
