package fhir

import (
	"slices"

	"github.com/dhamani-iq/dhamani/record"
	"github.com/dhamani-iq/dhamani/record/terms"
)

// knownNone gives for the guide's codes of "none known" the SNOMED CT code that
// a record keeps as a fact. Its codes of "no information" say nothing that a
// record could keep, nor do those of kinds that have no such fact.
var knownNone = map[string]string{
	"no-known-allergies": "716186003", "no-known-medication-allergies": "409137002", "no-known-food-allergies": "429625007",
	"no-known-problems": "160245001", "no-known-medications": "787481004",
}

// fact returns the code that a record keeps for one of the guide's codes of
// "none known".
func (c *coding) fact() (coding, bool) {
	code, ok := knownNone[c.Code]
	return coding{System: terms.SNOMED.URI(), Code: code}, ok && c.System == uriAbsent
}

// absent reports whether a concept says that nothing is known or present, and
// no more than that.
func (c *concept) absent() bool {
	return c != nil && slices.ContainsFunc(c.Coding, func(x coding) bool {
		_, fact := x.fact()
		return !fact && (x.System == uriAbsent || x.System == uriDataAbsent)
	})
}

// outlineRead is what is read of a document's outline.
type outlineRead struct {
	Status  string `json:"status"`
	Date    string `json:"date"`
	Section []struct {
		Code  *concept    `json:"code"`
		Entry []reference `json:"entry"`
		Empty *concept    `json:"emptyReason"`
		Text  *struct {
			Div string `json:"div"`
		} `json:"text"`
		Section []struct{} `json:"section"`
	} `json:"section"`
}

// composition takes from a document's outline the sections of which somebody
// says that there is nothing to tell (nilknown), where there is nothing to tell.
// That items are withheld, unavailable or were not asked for is no fact.
func (im *importer) composition(j *job) error {
	v, err := parse[outlineRead](j)
	if err != nil {
		return err
	}
	if v.Status == inError {
		return errMistake
	}
	taken := false
	for i := range v.Section {
		s := &v.Section[i]
		// What only a text tells is in no resource: the account names it.
		taken = taken || len(s.Section) > 0 || s.Text != nil && s.Text.Div != "" && len(s.Entry) == 0 && s.Empty == nil
		if s.Empty.token() != "nilknown" || len(s.Entry) > 0 {
			continue
		}
		for kind, none := range map[section]string{
			sectionProblems: "no-known-problems", sectionAllergies: "no-known-allergies", sectionMedicines: "no-known-medications",
		} {
			if s.Code.token() != outline[kind].code || im.holds(kind) {
				continue
			}
			e, err := j.entry(nil, j.moment(v.Date, "date"))
			if err != nil {
				return err
			}
			code := record.Code{System: terms.SNOMED, Value: knownNone[none]}
			switch kind { //nolint:exhaustive // only these have such a fact
			case sectionProblems:
				e.Diagnoses = append(e.Diagnoses, record.Diagnosis{Code: code})
			case sectionAllergies:
				e.Allergies = append(e.Allergies, record.Allergy{Code: code, Kind: record.KindNotSaid})
			default:
				e.Prescriptions = append(e.Prescriptions, record.Prescription{Medicine: code, Statement: true})
			}
			taken = true
		}
	}
	if !taken {
		return errString(others["Composition"])
	}
	return nil
}

// holds reports whether anything of a section has been read.
func (im *importer) holds(s section) bool {
	return slices.ContainsFunc(im.out.Entries, func(e *record.Entry) bool {
		switch s { //nolint:exhaustive // only these are asked for
		case sectionProblems:
			return len(e.Diagnoses) > 0
		case sectionAllergies:
			return len(e.Allergies) > 0
		default:
			return len(e.Prescriptions) > 0
		}
	})
}
