package fhir

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"

	"github.com/dhamani-iq/dhamani/record"
)

type exporter struct {
	out      outBundle
	seed     [32]byte // of the entry that is being written
	n        uint32   // of the resource within it
	patient  *reference
	problems map[record.Code]*reference // the first condition of a code
	err      error
}

type outBundle struct {
	ResourceType string        `json:"resourceType"`
	Type         string        `json:"type"`
	Timestamp    string        `json:"timestamp,omitempty"`
	Entry        []bundleEntry `json:"entry"`
}

// Export writes b as a FHIR R4 Bundle of type collection. Import reads it back
// to the same entries, identity and cover. Addresses of resources come from
// the entry's identifier, or its content when it has none, so that exporting
// the same record again names them the same.
func Export(b *Bundle, w io.Writer) error {
	if b.Identity == nil {
		return fmt.Errorf("write bundle: %w", ErrNoPatient)
	}
	x := &exporter{
		out:      outBundle{ResourceType: "Bundle", Type: "collection"},
		problems: make(map[record.Code]*reference),
	}
	raw, err := b.Identity.Encode()
	if err != nil {
		return fmt.Errorf("write bundle: %w", err)
	}
	x.seed = sha256.Sum256(raw)
	var c *record.Contact
	if b.Summary != nil {
		c = b.Summary.Contact
		x.out.Timestamp = b.Summary.AsOf.String()
	}
	x.identity(b.Identity, c)
	if b.Cover != nil {
		x.cover(b.Cover)
	}
	for i, e := range b.Entries {
		if err := x.entry(e, uint32(i)); err != nil { // #nosec G115 -- entries are in memory
			return fmt.Errorf("write entry %d: %w", i, err)
		}
	}
	if x.err != nil {
		return fmt.Errorf("write bundle: %w", x.err)
	}
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(&x.out); err != nil {
		return fmt.Errorf("write bundle: %w", err)
	}
	return nil
}

func (x *exporter) entry(e *record.Entry, place uint32) error {
	sections, err := e.Sections()
	if err != nil {
		return err
	}
	if x.n = 0; e.ID != (record.EntryID{}) {
		x.seed = e.ID
	} else {
		h := sha256.New()
		meta := e.Meta()
		var head [13]byte
		binary.BigEndian.PutUint32(head[:], place)
		binary.BigEndian.PutUint64(head[4:], uint64(meta.Start.Unix())) // #nosec G115 -- never before 2000
		head[12] = meta.Person
		h.Write(head[:])
		for _, s := range record.AllSections() {
			h.Write(sections[s])
		}
		h.Sum(x.seed[:0])
	}
	visit := x.visit(e)
	for i := range e.Diagnoses {
		x.diagnosis(&e.Diagnoses[i], e, visit)
	}
	for i := range e.Allergies {
		x.allergy(&e.Allergies[i], e, visit)
	}
	for i := range e.Prescriptions {
		x.prescription(&e.Prescriptions[i], e, visit)
	}
	for i := range e.Observations {
		x.observation(&e.Observations[i], e, visit)
	}
	for i := range e.Panels {
		x.panel(&e.Panels[i], e, visit)
	}
	for i := range e.Procedures {
		x.procedure(&e.Procedures[i], e, visit)
	}
	for i := range e.Immunisations {
		x.immunisation(&e.Immunisations[i], e, visit)
	}
	for i := range e.CarePlans {
		x.carePlan(&e.CarePlans[i], e, visit)
	}
	for i := range e.Imaging {
		x.imaging(&e.Imaging[i], e, visit)
	}
	for i := range e.Notes {
		x.note(&e.Notes[i], e, visit)
	}
	if e.Cost != nil {
		x.cost(e.Cost, e, visit)
	}
	return nil
}

// add appends a resource and returns a reference to it. Its address is a UUID
// of version 8 (RFC 9562, 5.8) made of the entry's identifier.
func (x *exporter) add(v any, kind string) *reference {
	raw, err := json.Marshal(v)
	if err != nil && x.err == nil {
		x.err = fmt.Errorf("%s: %w", kind, err)
	}
	var num [4]byte
	binary.BigEndian.PutUint32(num[:], x.n)
	x.n++
	id := sha256.Sum256(append(append([]byte("dhamani fhir id v1"), x.seed[:]...), num[:]...))
	id[6], id[8] = id[6]&0x0f|0x80, id[8]&0x3f|0x80
	s := hex.EncodeToString(id[:16])
	url := "urn:uuid:" + s[:8] + "-" + s[8:12] + "-" + s[12:16] + "-" + s[16:20] + "-" + s[20:]
	x.out.Entry = append(x.out.Entry, bundleEntry{FullURL: url, Resource: raw})
	return &reference{Reference: url}
}
