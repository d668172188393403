// Package fhir maps FHIR R4 Bundles to records and back.
package fhir

import (
	"github.com/dhamani-iq/dhamani/record"
)

// Bundle is one patient's record: what a FHIR Bundle holds of it.
type Bundle struct {
	Identity *record.Identity `json:"identity"`
	Cover    *record.Cover    `json:"cover,omitempty"`
	Summary  *record.Summary  `json:"summary,omitempty"`
	Entries  []*record.Entry  `json:"entries"` // oldest first
}
