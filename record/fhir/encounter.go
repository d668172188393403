package fhir

import (
	"encoding/hex"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/dhamani-iq/dhamani/record"
)

type encounter struct {
	ResourceType string `json:"resourceType"`
	named
	ID          string        `json:"id,omitempty"`
	Meta        *meta         `json:"meta,omitempty"`
	Extension   []extension   `json:"extension,omitempty"`
	Status      string        `json:"status"`
	Class       coding        `json:"class"`
	Type        []concept     `json:"type,omitempty"`
	Subject     *reference    `json:"subject,omitempty"`
	Participant []participant `json:"participant,omitempty"`
	Period      *period       `json:"period,omitempty"`
	ReasonCode  []concept     `json:"reasonCode,omitempty"`
	ReasonRef   []reference   `json:"reasonReference,omitempty"`
	Provider    *reference    `json:"serviceProvider,omitempty"`
}

type participant struct {
	Individual *reference `json:"individual,omitempty"`
}

// classes by HL7 v3 act code; the first of each class is the one exported.
var classes = []struct {
	code  string
	class record.Class
}{
	{"AMB", record.ClassAmbulatory},
	{"EMER", record.ClassEmergency},
	{"IMP", record.ClassInpatient},
	{"ACUTE", record.ClassInpatient},
	{"NONAC", record.ClassInpatient},
	{"PRENC", record.ClassInpatient},
	{"HH", record.ClassHome},
	{"VR", record.ClassVirtual},
	{"FLD", record.ClassField},
	{"SS", record.ClassShortStay},
	{"OBSENC", record.ClassObservation},
}

func (im *importer) readEncounter(j *job) error {
	v, err := parse[encounter](j)
	if err != nil {
		return err
	}
	e := &record.Entry{Sensitive: j.secret}
	switch v.Status {
	case "finished", "":
	case "planned", "cancelled":
		return errString("planned or cancelled: no visit")
	case "entered-in-error":
		e.EnteredInError = true
	default:
		j.lose("status")
	}
	if v.Period == nil || v.Period.Start == "" {
		return errString("no start")
	}
	start := j.moment(v.Period.Start, "period.start")
	if start.IsZero() {
		return errString("no start")
	}
	j.loseIf(start.Precision != record.ToMinute, "period.start (no time of day)")
	e.Start = start.Time
	if v.Period.End != "" {
		end := j.moment(v.Period.End, "period.end")
		if d := end.Time.Sub(e.Start) / time.Minute; !end.IsZero() && d >= 0 && d <= math.MaxUint32 {
			e.Minutes = uint32(d) // #nosec G115 -- bounded
		} else {
			j.lose("period.end")
		}
	}
	j.class(e, &v.Class)
	if len(v.Type) > 0 {
		e.Type = j.optCode(&v.Type[0], preferProcedure, "type")
		j.loseIf(len(v.Type) > 1, "type (further)")
	}
	e.Reasons = j.reasons(v.ReasonCode, v.ReasonRef, "reason")
	if v.Provider != nil && v.Provider.Identifier != nil {
		e.Facility = j.number(v.Provider.Identifier, uriFacility, "serviceProvider.identifier")
	}
	for _, p := range v.Participant {
		if p.Individual != nil && p.Individual.Identifier != nil {
			e.Practitioner = j.number(p.Individual.Identifier, uriAuthor, "participant.individual.identifier")
		}
	}
	for i := range v.Extension {
		j.entryExtension(e, &v.Extension[i])
	}
	for _, x := range v.Identifier {
		var id record.EntryID
		switch {
		case x.System == uriEntry && id.UnmarshalText([]byte(x.Value)) == nil:
			e.ID = id
		case x.System == uriEntry || !x.own():
			j.lose("identifier")
		}
	}
	if err := e.Validate(); err != nil {
		return err
	}
	im.encounter[j.res] = e
	im.out.Entries = append(im.out.Entries, e)
	return nil
}

func (j *job) class(e *record.Entry, c *coding) {
	if c.System == uriOwnClass {
		if v, ok := enum(j, c.Code, "class", record.ClassAmbulatory); ok {
			e.Class = v
		}
		return
	}
	for _, x := range classes {
		if x.code == c.Code {
			e.Class = x.class
			return
		}
	}
	j.lose("class")
}

func (j *job) number(id *identifier, system, element string) uint32 {
	n, err := strconv.ParseUint(id.Value, 10, 32)
	if id.System != system || err != nil {
		j.lose(element)
		return 0
	}
	return uint32(n) // #nosec G115 -- 32 bits
}

func (j *job) entryExtension(e *record.Entry, x *extension) {
	switch x.URL {
	case extPart:
		if x.Unsigned != nil && *x.Unsigned < 64 {
			e.Part = uint8(*x.Unsigned) // #nosec G115 -- bounded
			return
		}
	case extAmends:
		id := new(record.EntryID)
		if id.UnmarshalText([]byte(x.String)) == nil {
			e.Amends = id
			return
		}
	case extUnknown:
		if v, ok := unknownItem(x); ok && len(x.Extension) > 0 {
			e.Extensions = append(e.Extensions, v)
			j.kept++
			return
		}
	}
	j.lose("extension")
}

// coreLocked reports whether the class and length of a visit, which lie in the
// entry's first section, were locked for who opened it.
func coreLocked(e *record.Entry) bool {
	if len(e.Missing) == 0 {
		return false
	}
	sections, err := e.Sections()
	if err != nil || empty(e) && e.Type == nil && len(e.Reasons)+len(e.Extensions) == 0 {
		return true
	}
	for s := range e.Missing[0] {
		if sections[s] != nil {
			return false
		}
	}
	return true
}

func unknownItem(x *extension) (record.Extension, bool) {
	var out record.Extension
	for _, y := range x.Extension {
		switch {
		case y.URL == "section" && y.Unsigned != nil && *y.Unsigned < record.NumSections:
			out.Section = record.Section(*y.Unsigned) // #nosec G115 -- bounded
		case y.URL == "key" && y.Unsigned != nil:
			out.Key = *y.Unsigned
		case y.URL == "data" && y.Base64 != nil:
			out.Data = append(out.Data, *y.Base64...)
		default:
			return out, false
		}
	}
	return out, true
}

func (x *exporter) visit(e *record.Entry) *reference {
	v := encounter{
		ResourceType: "Encounter", Meta: label(e.Sensitive), Status: "finished", Subject: x.patient,
		Period: &period{Start: stamp(e.Start)}, ReasonCode: exportCodes(e.Reasons),
		Class: coding{System: uriOwnClass, Code: e.Class.String()},
	}
	if e.ID != (record.EntryID{}) && x.doc == nil { // by which another entry may replace it
		v.Identifier = []identifier{{System: uriEntry, Value: e.ID.String()}}
	}
	if e.EnteredInError {
		v.Status = "entered-in-error"
	}
	for _, c := range classes {
		if c.class == e.Class {
			v.Class = coding{System: uriActCode, Code: c.code}
			break
		}
	}
	if coreLocked(e) {
		v.Status, v.Class = "unknown", coding{System: uriNull, Code: "UNK"}
	}
	if e.Minutes > 0 {
		v.Period.End = stamp(e.Start.Add(time.Duration(e.Minutes) * time.Minute))
	}
	if e.Type != nil {
		v.Type = []concept{*exportCode(*e.Type)}
	}
	if e.Facility > 0 {
		v.Provider = &reference{Identifier: &identifier{System: uriFacility, Value: strconv.FormatUint(uint64(e.Facility), 10)}}
	}
	if e.Practitioner > 0 {
		v.Participant = []participant{{Individual: &reference{
			Identifier: &identifier{System: uriAuthor, Value: strconv.FormatUint(uint64(e.Practitioner), 10)},
		}}}
	}
	if x.signer != nil && x.signer.where != nil {
		if v.Provider == nil {
			v.Provider = new(reference)
		}
		v.Provider.Reference = x.signer.where.Reference
	}
	if x.signer != nil && x.signer.person {
		v.Participant = append(v.Participant, participant{Individual: x.signer.who})
	}
	if e.Part > 0 {
		n := uint32(e.Part)
		v.Extension = append(v.Extension, extension{URL: extPart, Unsigned: &n})
	}
	if e.Amends != nil {
		v.Extension = append(v.Extension, extension{URL: extAmends, String: hex.EncodeToString(e.Amends[:])})
	}
	for _, u := range e.Extensions {
		section := uint32(u.Section)
		v.Extension = append(v.Extension, extension{URL: extUnknown, Extension: []extension{
			{URL: "section", Unsigned: &section},
			{URL: "key", Unsigned: &u.Key},
		}})
		if last := &v.Extension[len(v.Extension)-1]; len(u.Data) > 0 { // FHIR has no empty values
			last.Extension = append(last.Extension, extension{URL: "data", Base64: &u.Data})
		}
	}
	return x.add(&v, "Encounter", nil)
}

// state reads a concept that is one of the record's lists: of its codings the
// first that is in it, or its words. What is in neither is lost by name.
func state[S interface{ ~uint8 }](j *job, c *concept, element string, zero S) (S, bool) {
	if c == nil {
		return zero, true
	}
	var all []string
	for i := range c.Coding {
		all = append(all, c.Coding[i].Code)
	}
	for _, name := range append(all, strings.ToLower(strings.TrimSpace(c.Text))) {
		v := zero
		if u, ok := any(&v).(interface{ UnmarshalText([]byte) error }); ok && spelt(u, name) {
			return v, true
		}
	}
	j.loseIf(len(c.Coding) > 0 || c.Text != "", element)
	return zero, len(c.Coding) == 0 && c.Text == ""
}

// certainty reads how certain something is. What is said and not understood is
// not confirmed.
func (j *job) certainty(c *concept) record.Certainty {
	v, ok := state(j, c, "verificationStatus", record.Confirmed)
	if !ok {
		return record.Unconfirmed
	}
	return v
}

// spelt sets v to the choice of a name, if it is one.
func spelt(v interface{ UnmarshalText([]byte) error }, name string) bool {
	return name != "" && v.UnmarshalText([]byte(name)) == nil
}

// enum reads a FHIR code that is a name in one of the record's lists.
func enum[S interface{ ~uint8 }](j *job, name, element string, zero S) (S, bool) {
	if name == "" {
		return zero, false
	}
	v := zero
	if u, ok := any(&v).(interface{ UnmarshalText([]byte) error }); ok && u.UnmarshalText([]byte(name)) == nil {
		return v, true
	}
	j.lose(element)
	return zero, false
}
