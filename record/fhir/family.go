package fhir

import (
	"slices"
	"strconv"

	"github.com/dhamani-iq/dhamani/record"
)

// relations by HL7 v3 role code; the first of each is the one exported.
var relations = []struct {
	code     string
	relation record.Relation
}{
	{"SPS", record.RelationSpouse},
	{"WIFE", record.RelationSpouse},
	{"HUSB", record.RelationSpouse},
	{"CHILD", record.RelationChild},
	{"SON", record.RelationChild},
	{"SONC", record.RelationChild},
	{"NCHILD", record.RelationChild},
	{"DAU", record.RelationChild},
	{"DAUC", record.RelationChild},
	{"PRN", record.RelationParent},
	{"MTH", record.RelationParent},
	{"FTH", record.RelationParent},
	{"SIB", record.RelationSibling},
	{"BRO", record.RelationSibling},
	{"SIS", record.RelationSibling},
	{"GRPRN", record.RelationGrandparent},
	{"GRMTH", record.RelationGrandparent},
	{"GRFTH", record.RelationGrandparent},
	{"GRNDCHILD", record.RelationGrandchild},
	{"GRNDSON", record.RelationGrandchild},
	{"GRNDDAU", record.RelationGrandchild},
	{"ONESELF", record.RelationSelf},
	{"FAMMEMB", record.RelationOther},
}

func (im *importer) relatedPerson(j *job) error {
	p, err := parse[relatedPerson](j)
	if err != nil {
		return err
	}
	id := im.out.Identity
	if id == nil || len(id.Family) == 15 {
		return errString("no patient, or too many of the family")
	}
	m := record.Member{Names: j.names(p.Name), Phone: j.phone(p.Telecom, "telecom")}
	m.Sex, _ = enum(j, p.Gender, "gender", record.SexUnknown)
	m.Born = j.birth(p.BirthDate)
	j.loseIf(p.Active != nil && !*p.Active, "active")
	related := false
	for _, c := range p.Relationship {
		i := slices.IndexFunc(relations, func(x struct {
			code     string
			relation record.Relation
		},
		) bool {
			return x.code == c.token()
		})
		switch {
		case c.token() == "GUARD":
			m.Guards |= record.PersonsOf(0)
		case i >= 0 && !related:
			m.Relation, related = relations[i].relation, true
		default:
			j.lose("relationship")
		}
	}
	for _, x := range p.Identifier {
		if x.own() {
			continue
		}
		if x.System == uriGuards {
			m.Guards |= j.person(x.Value)
			continue
		}
		n, err := strconv.ParseUint(x.Value, 10, 4)
		if x.System != uriPerson || err != nil {
			j.lose("identifier")
			continue
		}
		m.Person = uint8(n) // #nosec G115 -- four bits
	}
	trial := *id
	trial.Family = append(slices.Clone(id.Family), m)
	if err := trial.Validate(); err != nil {
		return err
	}
	*id = trial
	return nil
}

func (x *exporter) member(m *record.Member) {
	p := relatedPerson{
		ResourceType: "RelatedPerson", Patient: x.patient, Name: exportNames(&m.Names), Gender: m.Sex.String(),
		BirthDate: birthDate(m.Born), Telecom: phones(m.Phone),
	}
	for _, r := range relations {
		if r.relation == m.Relation {
			p.Relationship = append(p.Relationship, *single(uriRole, r.code))
			break
		}
	}
	if m.Relation == record.RelationOther {
		p.Relationship = []concept{*single(uriRole, "FAMMEMB")}
	}
	if m.Guards.Has(0) {
		p.Relationship = append(p.Relationship, *single(uriRole, "GUARD"))
	}
	if m.Person > 0 {
		p.Identifier = []identifier{{System: uriPerson, Value: strconv.Itoa(int(m.Person))}}
	}
	p.Identifier = append(p.Identifier, guards(m.Guards)...)
	x.add(&p, "RelatedPerson", m)
}
