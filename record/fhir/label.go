package fhir

// sensitive are HL7's codes for why information is sensitive (v3-ActCode,
// information sensitivity policy), of clinical information.
var sensitive = map[string]bool{
	"BH": true, "COGN": true, "DVD": true, "EMOTDIS": true, "ETH": true, "ETHUD": true, "GDIS": true, "HIV": true, "IDS": true,
	"MH": true, "MST": true, "OPIOIDUD": true, "PREGNANT": true, "PSY": true, "PSYTHPN": true, "SCA": true, "SDV": true,
	"SEX": true, "SICKLE": true, "SPI": true, "STD": true, "SUD": true, "TBOO": true, "VIO": true,
}

// labels says what security labels ask for: more than normal care, and whether
// there is one among them that is not known here.
func labels(list []coding) (secret, unknown bool) {
	for _, c := range list {
		switch {
		case c.Code == "R", c.Code == "V", c.System == uriActCode && sensitive[c.Code]:
			secret = true
		case c.System == uriConf && (c.Code == "U" || c.Code == "L" || c.Code == "M" || c.Code == "N"):
		default:
			unknown = true
		}
	}
	return secret, unknown
}

// open are the kinds whose labels a record has no place for: who the patient is
// and what a visit cost is sealed from others in its own way, and goals and
// medicines are as secret as what refers to them.
var open = map[string]bool{
	"Patient": true, "RelatedPerson": true, "Coverage": true, "Claim": true, "ExplanationOfBenefit": true, "Goal": true, "Medication": true,
}

// labelled is what is read of a resource's meta.
type labelled struct {
	Security []coding `json:"security"`
}

func label(secret bool) *meta {
	if !secret {
		return nil
	}
	return &meta{Security: []coding{{System: uriConf, Code: "R"}}}
}
