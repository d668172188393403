package fhir

import (
	"slices"
	"strconv"

	"github.com/dhamani-iq/dhamani/record"
)

type carePlan struct {
	ResourceType string `json:"resourceType"`
	named
	Meta        *meta       `json:"meta,omitempty"`
	Contained   []condition `json:"contained,omitempty"`
	Status      string      `json:"status"`
	Intent      string      `json:"intent"`
	Category    []concept   `json:"category,omitempty"`
	Title       string      `json:"title,omitempty"`
	Description string      `json:"description,omitempty"`
	Subject     *reference  `json:"subject,omitempty"`
	Encounter   *reference  `json:"encounter,omitempty"`
	Period      *period     `json:"period,omitempty"`
	Created     string      `json:"created,omitempty"`
	Addresses   []reference `json:"addresses,omitempty"`
	Goal        []reference `json:"goal,omitempty"`
	Activity    []activity  `json:"activity,omitempty"`
}

type activity struct {
	Detail *activityDetail `json:"detail,omitempty"`
}

type activityDetail struct {
	Code   *concept `json:"code,omitempty"`
	Status string   `json:"status,omitempty"`

	Extension []extension `json:"extension,omitempty"`
}

// notSaid marks an activity whose status was not said: FHIR demands one.
const notSaid = "not-said"

type goal struct {
	ResourceType string `json:"resourceType"`
	named
	Status      string     `json:"lifecycleStatus"`
	Description *concept   `json:"description,omitempty"`
	Subject     *reference `json:"subject,omitempty"`
}

func (im *importer) carePlan(j *job) error {
	v, err := parse[carePlan](j)
	if err != nil {
		return err
	}
	p := record.CarePlan{Sensitive: j.secret}
	ok := false
	for i := range v.Category {
		if ok {
			j.lose("category (further)")
			break
		}
		p.Code, ok = j.code(&v.Category[i], preferProcedure, "category")
	}
	for element, words := range map[string]string{"title": v.Title, "description": v.Description} {
		switch {
		case words == "":
		case !ok:
			p.Code, ok = j.code(&concept{Text: words}, preferProcedure, element)
		default:
			j.lose(element)
		}
	}
	if !ok {
		return errNoCode
	}
	p.Status, _ = enum(j, v.Status, "status", record.PlanActive)
	p.Intent, _ = enum(j, v.Intent, "intent", record.IntentPlan)
	for _, a := range v.Activity {
		j.planActivity(&p, a.Detail)
	}
	p.Reasons = j.reasons(nil, v.Addresses, "addresses")
	for i := range v.Goal {
		if i == maxRefs {
			j.lose("goal")
			break
		}
		j.planGoal(&p, &v.Goal[i])
	}
	begin := j.moment(v.Created, "created")
	if v.Period != nil {
		if s := j.moment(v.Period.Start, "period"); !s.IsZero() {
			j.loseIf(!begin.IsZero() && begin != s, "created")
			begin = s
		}
		p.End = j.moment(v.Period.End, "period")
	}
	e, err := j.entry(v.Encounter, begin)
	if err != nil {
		return err
	}
	p.At = at(begin, e)
	e.CarePlans = append(e.CarePlans, p)
	return nil
}

func (j *job) planActivity(p *record.CarePlan, d *activityDetail) {
	if d == nil || len(p.Activities) == 32 {
		j.lose("activity")
		return
	}
	c, ok := j.code(d.Code, preferProcedure, "activity.detail.code")
	if !ok {
		j.lose("activity.detail")
		return
	}
	a := record.Activity{Code: c}
	if len(d.Extension) != 1 || d.Extension[0].URL != extStatus || d.Extension[0].Code != notSaid {
		a.Status, _ = enum(j, d.Status, "activity.detail.status", record.ActivityNotSaid)
		j.loseIf(len(d.Extension) > 0, "activity.detail.extension")
	}
	p.Activities = append(p.Activities, a)
}

func (j *job) planGoal(p *record.CarePlan, ref *reference) {
	x := j.im.resolve(ref, "Goal")
	if x == nil || len(p.Goals) == 16 || j.im.admit(x) != nil {
		j.lose("goal")
		return
	}
	var g goal
	if read(x.raw, &g) != nil || g.Description == nil || slices.Contains([]string{inError, "rejected", "cancelled"}, g.Status) {
		j.lose("goal")
		return
	}
	words := g.Description.Text
	if words == "" && len(g.Description.Coding) > 0 {
		words = g.Description.Coding[0].Display
	}
	if words = j.words(words, shortLimit, "goal"); words == "" {
		j.lose("goal")
		return
	}
	j.im.planned[x] = true
	p.Goals = append(p.Goals, words)
}

// goal is carried as words in the plans that refer to it.
func (im *importer) goal(j *job) error {
	if !im.planned[j.res] {
		return errString("in no care plan that is carried")
	}
	j.lose("lifecycleStatus")
	return nil
}

func (x *exporter) carePlan(p *record.CarePlan, e *record.Entry, visit *reference) *reference {
	v := carePlan{
		ResourceType: "CarePlan", Meta: label(p.Sensitive), Status: p.Status.String(), Intent: p.Intent.String(),
		Category: []concept{*exportCode(p.Code)}, Subject: x.patient, Encounter: visit,
		Period: &period{Start: when(p.At, e), End: p.End.String()},
	}
	for _, a := range p.Activities {
		d := &activityDetail{Code: exportCode(a.Code), Status: a.Status.String()}
		if a.Status == record.ActivityNotSaid {
			d.Status, d.Extension = record.ActivityUnknown.String(), []extension{{URL: extStatus, Code: notSaid}}
		}
		v.Activity = append(v.Activity, activity{Detail: d})
	}
	for i, c := range p.Reasons {
		ref := x.problems[c]
		if ref == nil {
			// A plan can only refer to a condition, so one that stands nowhere
			// else is contained.
			id := "condition-" + strconv.Itoa(i+1)
			v.Contained = append(v.Contained, condition{ResourceType: "Condition", ID: id, Code: exportCode(c), Subject: x.patient})
			ref = &reference{Reference: "#" + id}
		}
		v.Addresses = append(v.Addresses, *ref)
	}
	for _, g := range p.Goals {
		v.Goal = append(v.Goal, *x.add(&goal{
			ResourceType: "Goal", Status: "accepted", Description: &concept{Text: g}, Subject: x.patient,
		}, "Goal", g))
	}
	return x.add(&v, "CarePlan", p)
}
