package fhir

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/dhamani-iq/dhamani/record"
)

type patient struct {
	ResourceType string `json:"resourceType"`
	named
	ID            string          `json:"id,omitempty"`
	Name          []humanName     `json:"name,omitempty"`
	Gender        string          `json:"gender,omitempty"`
	BirthDate     string          `json:"birthDate,omitempty"`
	BirthAbsent   *primitive      `json:"_birthDate,omitempty"`
	Deceased      string          `json:"deceasedDateTime,omitempty"`
	Telecom       []contactPoint  `json:"telecom,omitempty"`
	Address       []address       `json:"address,omitempty"`
	Communication []communication `json:"communication,omitempty"`
	Contact       []contact       `json:"contact,omitempty"`
	Active        *bool           `json:"active,omitempty"`
}

type communication struct {
	Language  *concept `json:"language"`
	Preferred bool     `json:"preferred,omitempty"`
}

type contact struct {
	Relationship []concept      `json:"relationship,omitempty"`
	Name         *humanName     `json:"name,omitempty"`
	Telecom      []contactPoint `json:"telecom,omitempty"`
}

type relatedPerson struct {
	ResourceType string `json:"resourceType"`
	named
	ID           string         `json:"id,omitempty"`
	Patient      *reference     `json:"patient,omitempty"`
	Relationship []concept      `json:"relationship,omitempty"`
	Name         []humanName    `json:"name,omitempty"`
	Gender       string         `json:"gender,omitempty"`
	BirthDate    string         `json:"birthDate,omitempty"`
	Telecom      []contactPoint `json:"telecom,omitempty"`
	Active       *bool          `json:"active,omitempty"`
}

func (im *importer) patient(j *job) error {
	p, err := parse[patient](j)
	if err != nil {
		return err
	}
	if im.out.Identity != nil {
		return errString("a record holds one patient")
	}
	id := &record.Identity{Names: j.names(p.Name)}
	id.Sex, _ = enum(j, p.Gender, "gender", record.SexUnknown)
	j.loseIf(p.Active != nil && !*p.Active, "active")
	id.Born = j.birth(p.BirthDate)
	id.Died = j.moment(p.Deceased, "deceasedDateTime")
	for _, x := range p.Identifier {
		if x.own() {
			continue
		}
		if x.System == uriGuards {
			id.Guards |= j.person(x.Value)
			continue
		}
		if x.System == uriNational && id.NationalNumber == "" {
			id.NationalNumber = j.exact(x.Value, codeLimit, "identifier")
			continue
		}
		j.lose("identifier (not the national number)")
	}
	id.Phone = j.phone(p.Telecom, "telecom")
	id.Language = j.language(p.Communication)
	if len(p.Address) > 0 {
		id.Address = j.address(&p.Address[0])
		j.loseIf(len(p.Address) > 1, "address (further)")
	}
	for i, c := range p.Contact {
		phone := j.phone(c.Telecom, "contact.telecom")
		if phone == "" || im.contact != nil {
			j.lose("contact (without a number, or further)")
			continue
		}
		im.contact = &record.Contact{Phone: phone}
		if c.Name != nil {
			n := j.name(c.Name)
			im.contact.Name = j.words(n.String(), shortLimit, "contact.name")
		}
		j.loseIf(len(p.Contact[i].Relationship) > 0, "contact.relationship")
	}
	if err := id.Validate(); err != nil {
		return err
	}
	im.out.Identity, im.holder = id, j.res
	return nil
}

type errString string

func (e errString) Error() string { return string(e) }

// birth reads a day of birth. FHIR has a date there: of one with a time the day
// is kept that was written, whatever the offset from UTC.
func (j *job) birth(s string) record.Moment {
	const day = len("2006-01-02")
	if len(s) > day {
		j.lose("birthDate (the time)")
		s = s[:day]
	}
	return j.moment(s, "birthDate")
}

// birthDate writes the day of a moment.
func birthDate(m record.Moment) string {
	s := m.String()
	return s[:min(len(s), len("2006-01-02"))]
}

// names sorts a person's names by script. What is said of the language goes
// before what the letters tell.
func (j *job) names(list []humanName) record.Names {
	var out record.Names
	// What somebody is called in fun, or for a time, does not take the place of
	// the name.
	list = slices.Clone(list)
	slices.SortStableFunc(list, func(a, b humanName) int { return cmp.Compare(secondary[a.Use], secondary[b.Use]) })
	for i := range list {
		h := &list[i]
		n := j.name(h)
		slot := &out.Latin
		switch lang := h.lang(n.String()); lang {
		case "ar":
			slot = &out.Arabic
		case "ckb":
			slot = &out.Sorani
		}
		if *slot != nil || h.Use == "old" || h.Use == "maiden" || (len(n.Given) == 0 && n.Family == "") {
			j.lose("name (further, or empty)")
			continue
		}
		*slot = n
	}
	return out
}

// secondary are the uses of a name that stand behind the others.
var secondary = map[string]int{"temp": 1, "nickname": 2, "anonymous": 3}

func (j *job) name(h *humanName) *record.Name {
	n := &record.Name{Family: j.words(h.Family, shortLimit, "name.family")}
	for _, g := range h.Given {
		if g = j.words(g, shortLimit, "name.given"); g != "" && len(n.Given) < 8 {
			n.Given = append(n.Given, g)
		}
	}
	j.loseIf(len(h.Given) > 8, "name.given (beyond eight)")
	j.loseIf(secondary[h.Use] > 0, "name.use")
	j.loseIf(slices.ContainsFunc(h.Extension, func(x extension) bool { return x.URL != extLanguage }), "name.extension")
	if len(n.Given) == 0 && n.Family == "" {
		n.Family = j.words(h.Text, shortLimit, "name.text")
	}
	if n.Family != "" || len(n.Given) > 0 {
		parts := strings.Join(slices.Concat(h.Prefix, h.Given, []string{h.Family, n.Family}, h.Suffix), " ")
		j.loseIf(slices.ContainsFunc(strings.Fields(h.Text), func(w string) bool { return !strings.Contains(parts, strings.Trim(w, ",")) }), "name.text")
	}
	j.loseIf(len(h.Prefix) > 0, "name.prefix")
	j.loseIf(len(h.Suffix) > 0, "name.suffix")
	return n
}

// soraniLetters are those of the Sorani alphabet that Arabic does not have.
const soraniLetters = "ێۆڕڵەڤپچژگک"

func (h *humanName) lang(s string) string {
	for _, x := range h.Extension {
		if x.URL == extLanguage {
			switch lang, _, _ := strings.Cut(x.Code, "-"); lang {
			case "ar":
				return "ar"
			case "ckb", "ku":
				return "ckb"
			default:
				return "latin"
			}
		}
	}
	switch {
	case !strings.ContainsFunc(s, func(r rune) bool { return unicode.Is(unicode.Arabic, r) }):
		return "latin"
	case strings.ContainsAny(s, soraniLetters):
		return "ckb"
	default:
		return "ar"
	}
}

func exportNames(n *record.Names) []humanName {
	var out []humanName
	for _, x := range []struct {
		lang string
		name *record.Name
	}{{"ar", n.Arabic}, {"ckb", n.Sorani}, {"en", n.Latin}} {
		if x.name != nil {
			out = append(out, humanName{
				Extension: []extension{{URL: extLanguage, Code: x.lang}},
				Family:    x.name.Family, Given: x.name.Given,
			})
		}
	}
	return out
}

// phone picks the first telephone number.
func (j *job) phone(list []contactPoint, element string) string {
	phone := ""
	for _, t := range list {
		v := j.exact(t.Value, codeLimit, element)
		if phone != "" || v == "" || (t.System != "phone" && t.System != "sms" && t.System != "other") {
			j.lose(element + " (not the first telephone)")
			continue
		}
		phone = v
	}
	return phone
}

func phones(s string) []contactPoint {
	if s == "" {
		return nil
	}
	return []contactPoint{{System: "phone", Value: s}}
}

var languages = map[string]string{"ar": "ar", "ckb": "ckb", "ku": "ckb", "en": "en"}

func (j *job) language(list []communication) string {
	if len(list) == 0 {
		return ""
	}
	i := max(0, slices.IndexFunc(list, func(c communication) bool { return c.Preferred }))
	tag, _, _ := strings.Cut(list[i].Language.token(), "-")
	lang := languages[tag]
	j.loseIf(lang == "" || len(list) > 1, "communication")
	return lang
}

func (j *job) address(a *address) *record.Address {
	out := record.Address{
		Line: j.words(strings.Join(a.Line, ", "), shortLimit, "address.line"), District: j.words(a.District, shortLimit, "address.district"),
		City: j.words(a.City, shortLimit, "address.city"), Governorate: j.words(a.State, shortLimit, "address.state"),
		PostalCode: j.exact(a.PostalCode, codeLimit, "address.postalCode"), Country: a.Country,
	}
	if len(out.Country) > 3 {
		out.Country = ""
		j.lose("address.country")
	}
	if out.Country == "IQ" {
		out.Country = ""
	}
	if out == (record.Address{}) {
		return nil
	}
	return &out
}

// person reads the number of one person on the card.
func (j *job) person(value string) record.Persons {
	n, err := strconv.ParseUint(value, 10, 4)
	if err != nil {
		j.lose("identifier")
		return 0
	}
	return record.PersonsOf(uint8(n)) // #nosec G115 -- four bits
}

// guards are the persons for whom somebody may act, but for the holder.
func guards(p record.Persons) []identifier {
	var out []identifier
	for _, n := range p.List() {
		if n > 0 {
			out = append(out, identifier{System: uriGuards, Value: strconv.Itoa(int(n))})
		}
	}
	return out
}

func (x *exporter) identity(id *record.Identity, c *record.Contact) {
	p := patient{
		ResourceType: "Patient", Name: exportNames(&id.Names), Gender: id.Sex.String(), BirthDate: birthDate(id.Born),
		Deceased: id.Died.String(), Telecom: phones(id.Phone),
	}
	if p.BirthDate == "" && x.doc != nil {
		p.BirthAbsent = unknownPrimitive() // the summary's profile demands it
	}
	if id.NationalNumber != "" {
		p.Identifier = []identifier{{Type: single(uriV20203, "NI"), System: uriNational, Value: id.NationalNumber}}
	}
	p.Identifier = append(p.Identifier, guards(id.Guards)...)
	if a := id.Address; a != nil {
		out := address{City: a.City, District: a.District, State: a.Governorate, PostalCode: a.PostalCode, Country: a.Country}
		if a.Line != "" {
			out.Line = []string{a.Line}
		}
		if out.Country == "" {
			out.Country = "IQ"
		}
		p.Address = []address{out}
	}
	if id.Language != "" {
		p.Communication = []communication{{Language: single("urn:ietf:bcp:47", id.Language), Preferred: true}}
	}
	if c != nil {
		out := contact{Telecom: phones(c.Phone)}
		if c.Name != "" {
			out.Name = &humanName{Text: c.Name}
		}
		p.Contact = []contact{out}
	}
	key := identifier{System: uriItem, Value: x.uuid("Patient", nil)}
	p.identify(key)
	own := key.Value
	switch {
	case x.Patient != (record.PatientID{}) && x.Person == 0:
		key = identifier{System: uriPatient, Value: x.Patient.String()}
		p.identify(key)
	case id.NationalNumber != "":
		key = identifier{System: uriNational, Value: id.NationalNumber}
	}
	x.patient = x.put(&p, "Patient", own, key)
	for i := range id.Family {
		x.member(&id.Family[i])
	}
}
