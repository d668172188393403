package fhir

import (
	"strconv"
	"strings"

	"github.com/dhamani-iq/dhamani/record"
)

type coverage struct {
	ResourceType string `json:"resourceType"`
	named
	ID           string       `json:"id,omitempty"`
	Extension    []extension  `json:"extension,omitempty"`
	Status       string       `json:"status"`
	Type         *concept     `json:"type,omitempty"`
	SubscriberID string       `json:"subscriberId,omitempty"`
	Beneficiary  *reference   `json:"beneficiary,omitempty"`
	Subscriber   *reference   `json:"subscriber,omitempty"`
	PolicyHolder *reference   `json:"policyHolder,omitempty"`
	Relationship *concept     `json:"relationship,omitempty"`
	Period       *period      `json:"period,omitempty"`
	Payor        []reference  `json:"payor"`
	Class        []coverClass `json:"class,omitempty"`
}

type coverClass struct {
	Type  *concept `json:"type"`
	Value string   `json:"value"`
	Name  string   `json:"name,omitempty"`
}

// subscriberRelations by code of the subscriber's relationship.
var subscriberRelations = map[string]record.Relation{
	"self": record.RelationSelf, "spouse": record.RelationSpouse, "child": record.RelationChild,
	"parent": record.RelationParent, "other": record.RelationOther,
}

func (im *importer) coverage(j *job) error {
	c, err := parse[coverage](j)
	if err != nil {
		return err
	}
	if im.out.Cover != nil {
		return errString("a record holds one cover")
	}
	if c.Status == inError {
		return errMistake
	}
	v := &record.Cover{Inactive: c.Status != "active", Member: j.exact(c.SubscriberID, codeLimit, "subscriberId")}
	if c.Status != "active" && c.Status != "cancelled" {
		j.lose("status")
	}
	for i, p := range c.Payor {
		if i == maxRefs {
			j.lose("payor")
			break
		}
		name := p.Display
		if x := im.resolve(&p, "Organization"); x != nil && name == "" {
			var o struct {
				Name string `json:"name"`
			}
			if read(x.raw, &o) == nil {
				name = o.Name
			}
		}
		if v.Payer != "" || name == "" {
			j.lose("payor")
			continue
		}
		v.Payer = j.words(name, shortLimit, "payor")
	}
	for _, k := range c.Class {
		if v.Plan != "" || (k.Type.token() != "plan" && k.Type.token() != "group") {
			j.lose("class")
			continue
		}
		v.Plan = j.words(k.Value, shortLimit, "class")
		j.loseIf(k.Name != "", "class.name")
	}
	for i := range c.Identifier {
		switch {
		case c.Identifier[i].own():
		case v.Member == "":
			v.Member = j.exact(c.Identifier[i].Value, codeLimit, "identifier")
		default:
			j.lose("identifier")
		}
	}
	j.loseIf(c.Type != nil, "type")
	j.loseIf(c.Subscriber != nil && im.resolve(c.Subscriber, "Patient") != im.holder, "subscriber")
	j.loseIf(c.PolicyHolder != nil && im.resolve(c.PolicyHolder, "Patient") != im.holder, "policyHolder")
	rel, ok := subscriberRelations[c.Relationship.token()]
	v.Relation = rel
	j.loseIf(!ok && c.Relationship != nil, "relationship")
	if c.Period != nil {
		v.From, v.Until = j.moment(c.Period.Start, "period"), j.moment(c.Period.End, "period")
	}
	for _, x := range c.Extension {
		j.coverExtension(v, &x)
	}
	if err := v.Validate(); err != nil {
		return err
	}
	im.out.Cover = v
	return nil
}

func (j *job) coverExtension(v *record.Cover, x *extension) {
	switch {
	case x.URL == extCopay && x.Unsigned != nil && *x.Unsigned < 256:
		v.Copay = uint8(*x.Unsigned) // #nosec G115 -- bounded
	case x.URL == extChronic && x.Unsigned != nil && *x.Unsigned < 1<<16:
		v.Chronic = record.Persons(*x.Unsigned) // #nosec G115 -- bounded
	case x.URL == extWithout && x.Unsigned != nil && *x.Unsigned < 1<<16:
		v.Without = record.Persons(*x.Unsigned) // #nosec G115 -- bounded
	case x.URL == extCounter && len(v.Counters) < 16:
		var n record.Counter
		for _, y := range x.Extension {
			switch {
			case y.URL == "kind":
				n.Kind = y.Code
			case y.URL == "person" && y.Unsigned != nil && *y.Unsigned < 16:
				n.Person = uint8(*y.Unsigned) // #nosec G115 -- bounded
			case y.URL == "year" && y.Unsigned != nil:
				n.Year = uint16(*y.Unsigned) // #nosec G115 -- a year; a greater one wraps and is told wrong by who wrote it
			case y.URL == "allowed" && y.Unsigned != nil:
				n.Allowed = *y.Unsigned
			case y.URL == "used" && y.Unsigned != nil:
				n.Used = *y.Unsigned
			default:
				j.lose("extension")
			}
		}
		v.Counters = append(v.Counters, n)
	default:
		j.lose("extension")
	}
}

func (x *exporter) cover(v *record.Cover) *reference {
	c := coverage{
		ResourceType: "Coverage", Status: "active", SubscriberID: v.Member, Beneficiary: x.patient,
		Payor: []reference{{Display: v.Payer}},
	}
	if v.Inactive {
		c.Status = "cancelled"
	}
	if v.Plan != "" {
		c.Class = []coverClass{{Type: single(uriCoverClass, "plan"), Value: v.Plan}}
	}
	for code, rel := range subscriberRelations {
		if rel == v.Relation {
			c.Relationship = single(uriSubscriber, code)
		}
	}
	if !v.From.IsZero() || !v.Until.IsZero() {
		c.Period = &period{Start: v.From.String(), End: v.Until.String()}
	}
	if v.Copay > 0 {
		n := uint32(v.Copay)
		c.Extension = append(c.Extension, extension{URL: extCopay, Unsigned: &n})
	}
	for _, set := range []struct {
		url     string
		persons record.Persons
	}{{extChronic, v.Chronic}, {extWithout, v.Without}} {
		if bits := uint32(set.persons); bits != 0 {
			c.Extension = append(c.Extension, extension{URL: set.url, Unsigned: &bits})
		}
	}
	for _, n := range v.Counters {
		year, person := uint32(n.Year), uint32(n.Person)
		c.Extension = append(c.Extension, extension{URL: extCounter, Extension: []extension{
			{URL: "kind", Code: n.Kind},
			{URL: "person", Unsigned: &person},
			{URL: "year", Unsigned: &year},
			{URL: "allowed", Unsigned: &n.Allowed},
			{URL: "used", Unsigned: &n.Used},
		}})
	}
	return x.add(&c, "Coverage", v)
}

type claim struct {
	ResourceType string `json:"resourceType"`
	named
	Status    string     `json:"status"`
	Use       string     `json:"use"`
	Type      *concept   `json:"type,omitempty"`
	Patient   *reference `json:"patient,omitempty"`
	Created   string     `json:"created,omitempty"`
	Provider  *reference `json:"provider,omitempty"`
	Priority  *concept   `json:"priority,omitempty"`
	Insurance []any      `json:"insurance,omitempty"`
	Item      []item     `json:"item,omitempty"`
	Total     *money     `json:"total,omitempty"`
}

type item struct {
	Sequence  int         `json:"sequence"`
	Product   *concept    `json:"productOrService,omitempty"`
	Encounter []reference `json:"encounter,omitempty"`
}

// claimRead is what is read of a claim, and explanationRead of what answers it.
type claimRead struct {
	Created string   `json:"created"`
	Status  string   `json:"status"`
	Use     string   `json:"use"`
	Item    []billed `json:"item"`
	Total   *money   `json:"total"`
}

type explanationRead struct {
	Status string   `json:"status"`
	Use    string   `json:"use"`
	Item   []billed `json:"item"`
	Total  []struct {
		Category *concept `json:"category"`
		Amount   *money   `json:"amount"`
	} `json:"total"`
}

type billed struct {
	Encounter []reference `json:"encounter"`
}

type money struct {
	Value     number      `json:"value"`
	Currency  string      `json:"currency,omitempty"`
	Extension []extension `json:"extension,omitempty"`
}

// claim adds a claim's total to the cost of its encounter.
func (im *importer) claim(j *job) error {
	c, err := parse[claimRead](j)
	if err != nil {
		return err
	}
	switch {
	case c.Total == nil:
		return errString("no total")
	case !charged(c.Status, c.Use):
		return errNoCost
	}
	e, err := im.visitOf(c.Item)
	if err != nil {
		return err
	}
	total, exact, err := record.ParseDecimal(c.Total.Value.String())
	if err != nil || !exact {
		return errString("total out of range")
	}
	cost := &record.Cost{Total: total, Currency: currency(c.Total.Currency)}
	for _, x := range c.Total.Extension {
		if x.URL == extService && cost.Service.UnmarshalText([]byte(x.Code)) == nil {
			continue
		}
		share, exact, err := record.ParseDecimal(x.Decimal.String())
		if x.URL != extCost || err != nil || !exact {
			j.lose("total.extension")
			continue
		}
		cost.Patient = &share
	}
	level(cost)
	j.loseIf(e.Cost != nil && e.Cost.Service != cost.Service, "total.extension.service")
	if err := charge(e, cost); err != nil {
		return err
	}
	created := j.moment(c.Created, "created")
	j.loseIf(at(created, e) != (record.Moment{}), "created")
	im.costs[e] = true
	return nil
}

// visitOf returns the entry of the one encounter that items are about.
func (im *importer) visitOf(items []billed) (*record.Entry, error) {
	var e *record.Entry
	for _, it := range items {
		for i := range it.Encounter {
			x := im.encounter[im.resolve(&it.Encounter[i], "Encounter")]
			if x != nil && e != nil && x != e {
				return nil, errString("of more than one encounter")
			}
			if x != nil {
				e = x
			}
		}
	}
	if e == nil {
		return nil, errString("of no encounter that is carried")
	}
	return e, nil
}

var errNoCost = errString("neither active nor a claim: nothing was charged by it")

// charged reports whether a claim, or what explains one, tells what was
// charged: one that was cancelled, or asks beforehand, does not.
func charged(status, use string) bool {
	return (status == "active" || status == "") && (use == "claim" || use == "")
}

func currency(code string) string {
	if code = strings.ToUpper(code); code == "IQD" {
		return ""
	}
	return code
}

// charge adds a cost to that of an entry. It owes record.ErrInvalid.
func charge(e *record.Entry, c *record.Cost) error {
	if e.Cost != nil {
		total := *e.Cost
		if err := sum(&total, c); err != nil {
			return err
		}
		c = &total
	}
	if err := (&record.Entry{Start: e.Start, Cost: c}).Validate(); err != nil {
		return err
	}
	e.Cost = c
	return nil
}

// level gives both amounts of a cost one scale; one that has no room for it is
// not valid then.
func level(c *record.Cost) {
	if c.Patient != nil {
		share := scaled(*c.Patient, c.Total.Scale)
		c.Total, c.Patient = scaled(c.Total, share.Scale), &share
	}
}

// scaled writes a number with as many decimals at least, as far as they have
// room.
func scaled(d record.Decimal, scale uint8) record.Decimal {
	for d.Scale < scale && d.Valid() {
		d = record.Decimal{Mantissa: d.Mantissa * 10, Scale: d.Scale + 1}
	}
	return d
}

func sum(to, c *record.Cost) error {
	if to.Currency != c.Currency || to.Patient != nil || c.Patient != nil {
		return errString("of another currency, or with a share, beside another claim")
	}
	a, b := scaled(to.Total, c.Total.Scale), scaled(c.Total, to.Total.Scale)
	if !a.Valid() || !b.Valid() || a.Scale != b.Scale {
		return errString("total out of range")
	}
	a.Mantissa += b.Mantissa
	to.Total = a
	return nil
}

// explanation is read only where no claim told the cost.
func (im *importer) explanation(j *job) error {
	x, err := parse[explanationRead](j)
	if err != nil {
		return err
	}
	e, err := im.visitOf(x.Item)
	if err != nil {
		return err
	}
	switch {
	case im.costs[e]:
		return errString("the claim has the cost")
	case !charged(x.Status, x.Use):
		return errNoCost
	}
	trial := record.Entry{Start: e.Start, Cost: e.Cost}
	for _, t := range x.Total {
		if t.Category.token() != "submitted" || t.Amount == nil {
			j.lose("total")
			continue
		}
		total, exact, err := record.ParseDecimal(t.Amount.Value.String())
		if err != nil || !exact {
			return errString("total out of range")
		}
		if err := charge(&trial, &record.Cost{Total: total, Currency: currency(t.Amount.Currency)}); err != nil {
			return err
		}
	}
	if trial.Cost == e.Cost {
		return errString("no total")
	}
	e.Cost = trial.Cost
	return nil
}

func (x *exporter) cost(c *record.Cost, e *record.Entry, visit *reference) {
	m := &money{Value: number(c.Total.String()), Currency: c.Currency}
	if m.Currency == "" {
		m.Currency = "IQD"
	}
	if c.Patient != nil {
		m.Extension = []extension{{URL: extCost, Decimal: number(c.Patient.String())}}
	}
	if c.Service != record.ServiceVisit {
		m.Extension = append(m.Extension, extension{URL: extService, Code: c.Service.String()})
	}
	product := exportOptCode(e.Type)
	if product == nil {
		product = unknownConcept()
	}
	x.add(&claim{
		ResourceType: "Claim", Status: "active", Use: "claim", Patient: x.patient, Created: stamp(e.Start),
		Type:     single("http://terminology.hl7.org/CodeSystem/claim-type", "institutional"),
		Priority: single("http://terminology.hl7.org/CodeSystem/processpriority", "normal"),
		Provider: &reference{Identifier: &identifier{System: uriFacility, Value: strconv.FormatUint(uint64(e.Facility), 10)}},
		Insurance: []any{map[string]any{
			"sequence": 1, "focal": true, "coverage": reference{Display: "Dhamani"},
		}},
		Item:  []item{{Sequence: 1, Product: product, Encounter: []reference{*visit}}},
		Total: m,
	}, "Claim", c)
}
