package fhir

import (
	"math"
	"strings"

	"github.com/dhamani-iq/dhamani/record"
)

// medicationX is what requests and statements have in common.
type medicationX struct {
	Extension  []extension `json:"extension,omitempty"`
	Concept    *concept    `json:"medicationCodeableConcept,omitempty"`
	Reference  *reference  `json:"medicationReference,omitempty"`
	ReasonCode []concept   `json:"reasonCode,omitempty"`
	ReasonRef  []reference `json:"reasonReference,omitempty"`
}

type medicationRequest struct {
	ResourceType string `json:"resourceType"`
	named
	Meta      *meta      `json:"meta,omitempty"`
	Status    string     `json:"status"`
	Intent    string     `json:"intent"`
	DoNot     bool       `json:"doNotPerform,omitempty"`
	Subject   *reference `json:"subject,omitempty"`
	Encounter *reference `json:"encounter,omitempty"`
	Authored  string     `json:"authoredOn,omitempty"`
	medicationX
	Course   *concept  `json:"courseOfTherapyType,omitempty"`
	Dosage   []dosage  `json:"dosageInstruction,omitempty"`
	Dispense *dispense `json:"dispenseRequest,omitempty"`
}

type dispense struct {
	Refills  int       `json:"numberOfRepeatsAllowed,omitempty"`
	Quantity *quantity `json:"quantity,omitempty"`
	Supply   *quantity `json:"expectedSupplyDuration,omitempty"`
}

type medicationStatement struct {
	ResourceType string `json:"resourceType"`
	named
	Meta      *meta      `json:"meta,omitempty"`
	Status    string     `json:"status"`
	Subject   *reference `json:"subject,omitempty"`
	Context   *reference `json:"context,omitempty"`
	Effective string     `json:"effectiveDateTime,omitempty"`
	Period    *period    `json:"effectivePeriod,omitempty"`
	Asserted  string     `json:"dateAsserted,omitempty"`
	medicationX
	Dosage []dosage `json:"dosage,omitempty"`
}

// prescription reads requests and statements in the order in which they stand.
func (im *importer) prescription(j *job) error {
	if j.kind == "MedicationStatement" {
		return im.medicationStatement(j)
	}
	return im.medicationRequest(j)
}

func (im *importer) medicationRequest(j *job) error {
	v, err := parse[medicationRequest](j)
	if err != nil {
		return err
	}
	if v.DoNot {
		return errDoNot
	}
	p := record.Prescription{Sensitive: j.secret}
	if err := j.medicine(&p, &v.medicationX); err != nil {
		return err
	}
	j.medicationStatus(&p, v.Status, v.Extension)
	j.loseIf(v.Intent != "order", "intent")
	j.dosage(&p, v.Dosage, "dosageInstruction")
	if v.Course != nil {
		p.Ongoing = v.Course.token() == "continuous"
		j.loseIf(!p.Ongoing, "courseOfTherapyType")
	}
	if d := v.Dispense; d != nil {
		p.Quantity = j.quantity(d.Quantity, "dispenseRequest.quantity")
		if d.Refills >= 0 && d.Refills <= math.MaxUint8 {
			p.Refills = uint8(d.Refills) // #nosec G115 -- bounded
		} else {
			j.lose("dispenseRequest.numberOfRepeatsAllowed")
		}
		if d.Supply != nil {
			if p.Days == 0 {
				p.Days = j.days(d.Supply, "dispenseRequest.expectedSupplyDuration")
			} else {
				j.lose("dispenseRequest.expectedSupplyDuration")
			}
		}
	}
	authored := j.moment(v.Authored, "authoredOn")
	e, err := j.entry(v.Encounter, authored)
	if err != nil {
		return err
	}
	p.At = at(authored, e)
	e.Prescriptions = append(e.Prescriptions, p)
	return nil
}

func (im *importer) medicationStatement(j *job) error {
	v, err := parse[medicationStatement](j)
	if err != nil {
		return err
	}
	p := record.Prescription{Statement: true, Sensitive: j.secret}
	if err := j.medicine(&p, &v.medicationX); err != nil {
		return err
	}
	j.medicationStatus(&p, v.Status, v.Extension)
	j.dosage(&p, v.Dosage, "dosage")
	since := j.moment(v.Effective, "effectiveDateTime")
	asserted := j.moment(v.Asserted, "dateAsserted")
	if v.Period != nil {
		since = j.moment(v.Period.Start, "effectivePeriod")
		j.loseIf(v.Period.End != "", "effectivePeriod.end")
	}
	j.loseIf(!since.IsZero() && !asserted.IsZero() && since != asserted, "dateAsserted")
	since = first(since, asserted)
	e, err := j.entry(v.Context, since)
	if err != nil {
		return err
	}
	p.At = at(since, e)
	e.Prescriptions = append(e.Prescriptions, p)
	return nil
}

// medicationStatus reads a status, which stands in an extension where the
// resource has none of that name.
func (j *job) medicationStatus(p *record.Prescription, status string, more []extension) {
	for i := range more {
		switch x := &more[i]; {
		case x.URL == extStatus:
			status = x.Code
		case x.URL == extCourse && x.Code == "continuous" && p.Statement:
			p.Ongoing = true
		case x.URL == extDispense && p.Statement:
			j.statedDispense(p, x.Extension)
		default:
			j.lose("extension")
		}
	}
	p.Status, _ = enum(j, status, "status", record.MedicationActive)
}

// exportStatus is the reverse.
func exportStatus(p *record.Prescription) (status string, more []extension) {
	var lacks bool
	switch p.Status {
	case record.MedicationIntended, record.MedicationNotTaken:
		lacks = !p.Statement
	case record.MedicationCancelled, record.MedicationDraft:
		lacks = p.Statement
	default:
	}
	if status = p.Status.String(); lacks {
		return record.MedicationUnknown.String(), []extension{{URL: extStatus, Code: status}}
	}
	return status, nil
}

// medicine reads the medicine and the reasons.
func (j *job) medicine(p *record.Prescription, m *medicationX) error {
	c := m.Concept
	if c == nil && m.Reference != nil {
		c = j.codeOf(m.Reference, "Medication")
		if x := j.im.resolve(m.Reference, "Medication"); x != nil {
			j.im.planned[x] = true
		}
		if c == nil && m.Reference.Display != "" {
			c = &concept{Text: m.Reference.Display}
			j.lose("medicationReference")
		}
	}
	if c.absent() {
		return errAbsent
	}
	var ok bool
	if p.Medicine, ok = j.code(c, preferMedicine, "medication"); !ok {
		return errNoCode
	}
	p.Reasons = j.reasons(m.ReasonCode, m.ReasonRef, "reason")
	return nil
}

// medication is carried by the prescriptions that refer to it.
func (im *importer) medication(j *job) error {
	if !im.planned[j.res] {
		return errString("in no prescription that is carried")
	}
	var m struct {
		Status string `json:"status"`
	}
	if read(j.raw, &m) != nil {
		return errMalformed
	}
	j.loseIf(m.Status != "" && m.Status != "active", "status")
	return nil
}

// dosage reads the first instruction. Further ones are lost by name: a
// medicine with two regimens is two prescriptions.
func (j *job) dosage(p *record.Prescription, list []dosage, element string) {
	if len(list) == 0 {
		return
	}
	j.loseIf(len(list) > 1, element+" (further)")
	d := &list[0]
	p.AsNeeded = d.AsNeeded
	p.Route = j.route(d.Route)
	for i, r := range d.Rates {
		if i > 0 {
			j.lose(element + ".doseAndRate (further)")
			break
		}
		j.loseIf(r.Type != nil && r.Type.token() != "ordered", element+".doseAndRate.type")
		if r.Dose != nil {
			p.Dose = j.quantity(r.Dose, element+".doseAndRate")
		}
	}
	words := []string{}
	for _, s := range []string{d.Text, d.Instruction} {
		if s != "" {
			words = append(words, s)
		}
	}
	for _, a := range d.Additional {
		s := a.Text
		if s == "" && len(a.Coding) > 0 {
			s = a.Coding[0].Display
		}
		if s != "" {
			words = append(words, s)
		} else {
			j.lose(element + ".additionalInstruction")
		}
	}
	p.Directions = j.words(strings.Join(words, "\n"), noteLimit, element)
	if d.Timing == nil || d.Timing.Repeat == nil {
		return
	}
	r := d.Timing.Repeat
	if r.Bounds != nil {
		p.Days = j.days(r.Bounds, element+".timing.repeat.boundsDuration")
	}
	per, exact, err := record.ParseDecimal(r.Period.String())
	whole := per.Round(0)
	unit, ok := enum(j, r.PeriodUnit, element+".timing.repeat.periodUnit", record.PeriodDay)
	times := r.Frequency
	if times == 0 {
		times = 1 // the standard's default
	}
	if r.Period == "" && r.Frequency == 0 && r.PeriodUnit == "" {
		return
	}
	if err != nil || !exact || !integral(per) || !ok || times < 0 || times > 255 ||
		whole.Mantissa < 1 || whole.Mantissa > math.MaxUint16 {
		j.lose(element + ".timing.repeat")
		return
	}
	p.Frequency = record.Frequency{Times: uint8(times), Period: uint16(whole.Mantissa), Unit: unit} // #nosec G115 -- bounded
}

// integral reports whether a number is a whole one, as 2.00 is.
func integral(d record.Decimal) bool {
	for ; d.Scale > 0; d.Scale-- {
		if d.Mantissa%10 != 0 {
			return false
		}
		d.Mantissa /= 10
	}
	return true
}

// days reads a duration in whole days, weeks, months or years.
func (j *job) days(q *quantity, element string) uint16 {
	d, exact, err := record.ParseDecimal(q.Value.String())
	unit := q.Code
	if unit == "" {
		unit = q.Unit
	}
	each := map[string]int64{"d": 1, "day": 1, "days": 1, "wk": 7, "week": 7, "weeks": 7, "mo": 30, "a": 365}[unit]
	if err != nil || !exact || d.Scale > 0 || q.Comparator != "" || each == 0 || d.Mantissa < 1 || d.Mantissa*each > math.MaxUint16 {
		j.lose(element)
		return 0
	}
	j.loseIf(each >= 30, element+" (taken as days)")
	return uint16(d.Mantissa * each) // #nosec G115 -- bounded
}

// routes by HL7 v3 code, and by SNOMED CT code; the first of each route is the
// one exported.
var routes = []struct {
	code  string
	route record.Route
}{
	{"PO", record.RouteOral},
	{"26643006", record.RouteOral},
	{"SL", record.RouteSublingual},
	{"37839007", record.RouteSublingual},
	{"IV", record.RouteIntravenous},
	{"47625008", record.RouteIntravenous},
	{"IM", record.RouteIntramuscular},
	{"78421000", record.RouteIntramuscular},
	{"SQ", record.RouteSubcutaneous},
	{"34206005", record.RouteSubcutaneous},
	{"IPINHL", record.RouteInhaled},
	{"447694001", record.RouteInhaled},
	{"TOPICAL", record.RouteTopical},
	{"6064005", record.RouteTopical},
	{"PR", record.RouteRectal},
	{"37161004", record.RouteRectal},
	{"NASINHL", record.RouteNasal},
	{"46713006", record.RouteNasal},
	{"OPTHALTA", record.RouteOphthalmic},
	{"54485002", record.RouteOphthalmic},
	{"OTIC", record.RouteOtic},
	{"10547007", record.RouteOtic},
	{"VAGINSI", record.RouteVaginal},
	{"16857009", record.RouteVaginal},
	{"TRNSDERM", record.RouteTransdermal},
	{"45890007", record.RouteTransdermal},
	{"IDINJ", record.RouteIntradermal},
	{"372464004", record.RouteIntradermal},
}

func (j *job) route(c *concept) record.Route {
	if c == nil {
		return record.RouteNotSaid
	}
	for _, x := range c.Coding {
		for _, r := range routes {
			if r.code == x.Code {
				return r.route
			}
		}
	}
	j.lose("route")
	return record.RouteNotSaid
}

func exportRoute(v record.Route) *concept {
	for _, r := range routes {
		if r.route == v {
			return single(uriRoute, r.code)
		}
	}
	return nil
}

func (x *exporter) prescription(p *record.Prescription, e *record.Entry, visit *reference) *reference {
	status, more := exportStatus(p)
	common := medicationX{Extension: more, Concept: exportCode(p.Medicine), ReasonCode: exportCodes(p.Reasons)}
	if p.Statement {
		common.Extension = append(more, exportStated(p)...)
		return x.add(&medicationStatement{
			ResourceType: "MedicationStatement", Meta: label(p.Sensitive), Status: status, Subject: x.patient,
			Context: visit, Effective: when(p.At, e), medicationX: common, Dosage: exportDosage(p),
		}, "MedicationStatement", p)
	}
	v := medicationRequest{
		ResourceType: "MedicationRequest", Meta: label(p.Sensitive), Status: status, Intent: "order",
		Subject: x.patient, Encounter: visit, Authored: when(p.At, e), medicationX: common, Dosage: exportDosage(p),
	}
	if p.Ongoing {
		v.Course = single(uriCourse, "continuous")
	}
	if p.Quantity != nil || p.Refills > 0 {
		v.Dispense = &dispense{Refills: int(p.Refills), Quantity: exportQuantity(p.Quantity)}
	}
	return x.add(&v, "MedicationRequest", p)
}

// statedDispense reads what a statement has no element for.
func (j *job) statedDispense(p *record.Prescription, parts []extension) {
	var q quantity
	for i := range parts {
		switch y := &parts[i]; {
		case y.URL == "refills" && y.Unsigned != nil && *y.Unsigned <= math.MaxUint8:
			p.Refills = uint8(*y.Unsigned) // #nosec G115 -- bounded
		case y.URL == "quantity":
			q.Value = y.Decimal
		case y.URL == "unit":
			q.Unit = y.String
		default:
			j.lose("extension")
		}
	}
	if q.Value != "" {
		p.Quantity = j.quantity(&q, "extension.quantity")
	}
}

// exportStated is the reverse, and tells that a stated medicine is taken until
// it is stopped.
func exportStated(p *record.Prescription) []extension {
	var out []extension
	if p.Ongoing {
		out = append(out, extension{URL: extCourse, Code: "continuous"})
	}
	var d []extension
	if p.Refills > 0 {
		n := uint32(p.Refills)
		d = append(d, extension{URL: "refills", Unsigned: &n})
	}
	if q := p.Quantity; q != nil {
		if d = append(d, extension{URL: "quantity", Decimal: number(q.Value.String())}); q.Unit != "" {
			d = append(d, extension{URL: "unit", String: q.Unit})
		}
	}
	if d != nil {
		out = append(out, extension{URL: extDispense, Extension: d})
	}
	return out
}

func exportDosage(p *record.Prescription) []dosage {
	d := dosage{Text: p.Directions, AsNeeded: p.AsNeeded, Route: exportRoute(p.Route)}
	if p.Dose != nil {
		d.Rates = []rate{{Dose: exportQuantity(p.Dose)}}
	}
	var r repeat
	if p.Days > 0 {
		r.Bounds = &quantity{Value: numberOf(int64(p.Days)), Unit: "d", System: uriUCUM, Code: "d"}
	}
	if f := p.Frequency; f != (record.Frequency{}) {
		r.Frequency, r.Period, r.PeriodUnit = int(f.Times), numberOf(int64(f.Period)), f.Unit.String()
	}
	if r != (repeat{}) {
		d.Timing = &timing{Repeat: &r}
	}
	if d.Text == "" && !d.AsNeeded && d.Route == nil && d.Rates == nil && d.Timing == nil {
		return nil
	}
	return []dosage{d}
}

func numberOf(n int64) number { return number(record.Int(n).String()) }
