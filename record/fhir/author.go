package fhir

import (
	"strconv"

	"github.com/dhamani-iq/dhamani/record"
)

// Signer is whose signature an entry carries.
type Signer struct {
	Name     string // in the trust list
	Operator bool   // a person; else a workstation
	Facility uint32
}

// agents are the resources that stand for a signer.
type agents struct {
	who    *reference // a practitioner, or a device
	where  *reference // the facility, nil when there is none
	person bool
}

// performer is who is said to have found what an entry tells: the person who
// signed it, or the facility whose workstation did; nil when neither is known.
func (a *agents) performer() *reference {
	switch {
	case a == nil:
		return nil
	case a.person:
		return a.who
	default:
		return a.where
	}
}

type practitioner struct {
	ResourceType string `json:"resourceType"`
	named
	Name []humanName `json:"name"`
}

type organization struct {
	ResourceType string `json:"resourceType"`
	named
	Name string `json:"name"`
}

type device struct {
	ResourceType string `json:"resourceType"`
	named
	Name []deviceName `json:"deviceName"`
}

type deviceName struct {
	Name string `json:"name"`
	Type string `json:"type"`
}

// agentsOf writes the resources that stand for a signer, once.
func (x *exporter) agentsOf(s Signer) *agents {
	if a := x.agents[s]; a != nil {
		return a
	}
	a := &agents{where: x.facility(s.Facility), person: s.Operator}
	x.agents[s] = a
	name := s.Name
	if name == "" { // a trust list may lack it, FHIR may not
		name = "unknown"
	}
	if s.Operator {
		p := &practitioner{ResourceType: "Practitioner", Name: []humanName{{Text: name}}}
		a.who = x.apart(func() *reference { return x.add(p, "Practitioner", s) })
	} else {
		a.who = x.device(name, s)
	}
	return a
}

// apart adds a resource that belongs to no entry.
func (x *exporter) apart(add func() *reference) *reference {
	seed := x.seed
	x.seed = [32]byte{}
	ref := add()
	x.seed = seed
	return ref
}

func (x *exporter) device(name string, item any) *reference {
	d := &device{ResourceType: "Device", Name: []deviceName{{Name: name, Type: "user-friendly-name"}}}
	return x.apart(func() *reference { return x.add(d, "Device", item) })
}

// facility writes the organisation of this number, once; nil for number zero.
func (x *exporter) facility(number uint32) *reference {
	if number == 0 || x.places[number] != nil {
		return x.places[number]
	}
	key := identifier{System: uriFacility, Value: strconv.FormatUint(uint64(number), 10)}
	o := &organization{ResourceType: "Organization", named: named{[]identifier{key}}, Name: "Facility " + key.Value}
	ref := x.apart(func() *reference { return x.put(o, "Organization", x.uuid("Organization", number), key) })
	x.places[number] = ref
	return ref
}

type provenance struct {
	ResourceType string            `json:"resourceType"`
	ID           string            `json:"id"` // that of the address at which a transaction puts it
	Target       []reference       `json:"target"`
	Recorded     string            `json:"recorded"`
	Agent        []provenanceAgent `json:"agent"`
	Entity       []provenanceWhat  `json:"entity"`
}

type provenanceAgent struct {
	Type   *concept   `json:"type"`
	Who    *reference `json:"who"`
	Behalf *reference `json:"onBehalfOf,omitempty"`
}

type provenanceWhat struct {
	Role string    `json:"role"`
	What reference `json:"what"`
}

// provenance says who signed the entry that resources come from, and which one
// it is. The signature covers the sealed entry, not the resources.
func (x *exporter) provenance(e *record.Entry, from []bundleEntry) {
	id := x.uuid("Provenance", nil)
	p := provenance{
		ResourceType: "Provenance", ID: id, Recorded: stamp(e.Start),
		Agent: []provenanceAgent{{
			Type: single("http://terminology.hl7.org/CodeSystem/provenance-participant-type", "author"),
			Who:  x.signer.who, Behalf: x.signer.where,
		}},
		Entity: []provenanceWhat{{Role: "source", What: reference{Identifier: &identifier{System: uriEntry, Value: e.ID.String()}}}},
	}
	for i := range from {
		p.Target = append(p.Target, reference{Reference: from[i].FullURL})
	}
	x.put(&p, "Provenance", id, identifier{})
}
