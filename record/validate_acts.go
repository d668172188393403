package record

import "strings"

func (c *checker) others(e *Entry) {
	c.count("care_plans", len(e.CarePlans), maxItems)
	for i := range e.CarePlans {
		x := &e.CarePlans[i]
		c.code("care_plans.code", &x.Code)
		choice(c, "care_plans.status", x.Status)
		choice(c, "care_plans.intent", x.Intent)
		c.moment("care_plans.at", &x.At)
		c.moment("care_plans.end", &x.End)
		c.codes("care_plans.reasons", x.Reasons, maxReasons)
		c.count("care_plans.activities", len(x.Activities), maxActivities)
		for _, a := range x.Activities {
			c.code("care_plans.activities.code", &a.Code)
			choice(c, "care_plans.activities.status", a.Status)
		}
		c.count("care_plans.goals", len(x.Goals), maxGoals)
		for _, g := range x.Goals {
			c.needText("care_plans.goals", g, maxShort)
		}
	}
	c.count("notes", len(e.Notes), maxItems)
	for i := range e.Notes {
		c.needText("notes.text", e.Notes[i].Text, maxNote)
		choice(c, "notes.kind", e.Notes[i].Kind)
		c.moment("notes.at", &e.Notes[i].At)
	}
	c.count("imaging", len(e.Imaging), maxItems)
	for i := range e.Imaging {
		x := &e.Imaging[i]
		c.study(x.Study)
		c.needText("imaging.modality", x.Modality, maxUnit)
		c.moment("imaging.at", &x.At)
		c.optCode("imaging.body_site", x.BodySite)
		c.text("imaging.title", x.Title, maxShort)
	}
	c.count("referrals", len(e.Referrals), maxItems)
	for i := range e.Referrals {
		c.referral(&e.Referrals[i])
	}
	c.count("overrides", len(e.Overrides), maxItems)
	for i := range e.Overrides {
		c.override(&e.Overrides[i])
	}
}

func (c *checker) study(id string) {
	if id == "" || len(id) > maxStudy || strings.Trim(id, "0123456789.") != "" {
		c.fail("imaging.study", "not a DICOM identifier")
	}
}

func (c *checker) referral(x *Referral) {
	c.code("referrals.to", &x.To)
	choice(c, "referrals.urgency", x.Urgency)
	choice(c, "referrals.status", x.Status)
	c.moment("referrals.at", &x.At)
	c.codes("referrals.reasons", x.Reasons, maxReasons)
	c.text("referrals.note", x.Note, maxNote)
}

func validRule(name string) bool {
	return name != "" && len(name) <= maxRule && strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == ""
}

func (c *checker) override(x *Override) {
	if !validRule(x.Rule) {
		c.fail("overrides.rule", "not 1 to 32 of a-z, 0-9 and hyphen")
	}
	choice(c, "overrides.kind", x.Kind)
	choice(c, "overrides.reason", x.Reason)
	if len(x.About) == 0 {
		c.fail("overrides.about", "empty")
	}
	c.codes("overrides.about", x.About, maxAbout)
	c.text("overrides.note", x.Note, maxNote)
}

func (c *checker) extensions(xs []Extension) {
	if len(xs) == 0 {
		return
	}
	var n [NumSections]int
	seen := make(map[[2]uint64]bool, len(xs))
	for _, x := range xs {
		id := [2]uint64{uint64(x.Section), uint64(x.Key)}
		if !x.Section.Valid() || x.Key > 1<<31-1 || len(x.Data) > maxExtension || seen[id] {
			c.fail("extensions", "unknown section, key twice, or too long")
			return
		}
		seen[id] = true
		if n[x.Section]++; n[x.Section] > maxExtensions {
			c.fail("extensions", "too many")
		}
	}
}
