package record

import (
	"errors"
	"time"

	"github.com/dhamani-iq/dhamani/record/terms"
)

// ErrInvalid is the cause of every refusal by a Validate method.
var ErrInvalid = errors.New("invalid record")

// Epoch is the start of the clock of envelopes: an envelope's time is whole
// minutes after it.
var Epoch = time.Date(2000, time.January, 1, 0, 0, 0, 0, time.UTC)

// Code names a concept in a code system.
type Code = terms.Code

// Meta is what the envelope carries of an entry in the clear.
type Meta struct {
	Person uint8     // 0 the holder, else a member of the family
	Start  time.Time // whole minutes, UTC, never before Epoch
}

// Entry is one encounter with all that was done in it, written by one
// professional in one facility. Times are whole minutes in UTC. An item whose
// time is not given happened at Start.
type Entry struct {
	// ID is the identifier of the sealed entry, set by who opened it: it is no
	// part of the content.
	ID EntryID `json:"id,omitzero"`

	Person         uint8     `json:"person,omitempty"`
	Start          time.Time `json:"start"`
	Minutes        uint32    `json:"minutes,omitempty"` // length of the visit
	Class          Class     `json:"class"`
	Facility       uint32    `json:"facility,omitempty"`     // 0: the one that signed
	Practitioner   uint32    `json:"practitioner,omitempty"` // 0: the one who signed
	Part           uint8     `json:"part,omitempty"`         // continuation number, see Split
	Amends         *EntryID  `json:"amends,omitempty"`       // the entry that this one replaces
	EnteredInError bool      `json:"entered_in_error,omitempty"`

	// Sensitive moves Type and Reasons to the sensitive section.
	Sensitive bool   `json:"sensitive,omitempty"`
	Type      *Code  `json:"type,omitempty"`
	Reasons   []Code `json:"reasons,omitempty"`

	Cost          *Cost          `json:"cost,omitempty"`
	Allergies     []Allergy      `json:"allergies,omitempty"`
	Prescriptions []Prescription `json:"prescriptions,omitempty"`
	Observations  []Observation  `json:"observations,omitempty"`
	Panels        []Panel        `json:"panels,omitempty"`
	Diagnoses     []Diagnosis    `json:"diagnoses,omitempty"`
	Procedures    []Procedure    `json:"procedures,omitempty"`
	Immunisations []Immunisation `json:"immunisations,omitempty"`
	CarePlans     []CarePlan     `json:"care_plans,omitempty"`
	Notes         []Note         `json:"notes,omitempty"`
	Imaging       []Imaging      `json:"imaging,omitempty"`
	Referrals     []Referral     `json:"referrals,omitempty"`
	Overrides     []Override     `json:"overrides,omitempty"`
	Extensions    []Extension    `json:"extensions,omitempty"`

	// Missing lists the sections that were there but locked for the reader.
	Missing []Section `json:"missing,omitempty"`
}

// Meta returns what the envelope must carry for e. The start of an encounter
// before Epoch is kept in the content instead.
func (e *Entry) Meta() Meta {
	start := minute(e.Start)
	if start.Before(Epoch) {
		start = Epoch
	}
	return Meta{Person: e.Person, Start: start}
}
