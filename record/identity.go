package record

import "slices"

// Name is a person's name in one script. The Iraqi custom is kept: one's own
// name, then the father's and the grandfather's, then the family's.
type Name struct {
	Given  []string `json:"given"`
	Family string   `json:"family,omitempty"`
}

// String returns the whole name.
func (n *Name) String() string {
	if n == nil {
		return ""
	}
	s := ""
	for _, g := range append(slices.Clip(n.Given), n.Family) {
		if g != "" && s != "" {
			s += " "
		}
		s += g
	}
	return s
}

// Names holds a name in the scripts in which it is known; at least one is.
type Names struct {
	Arabic *Name `json:"ar,omitempty"`
	Sorani *Name `json:"ckb,omitempty"`
	Latin  *Name `json:"latin,omitempty"`
}

// In returns the name in the script of a language (ar, ckb, en), or in another
// one when it is not known in that.
func (n *Names) In(lang string) string {
	order := [...]*Name{n.Latin, n.Arabic, n.Sorani}
	switch lang {
	case "ar":
		order = [...]*Name{n.Arabic, n.Sorani, n.Latin}
	case "ckb":
		order = [...]*Name{n.Sorani, n.Arabic, n.Latin}
	}
	for _, p := range order {
		if p != nil {
			return p.String()
		}
	}
	return ""
}

// Identity says who the holder of a card is.
type Identity struct {
	Names          Names    `json:"names"`
	Sex            Sex      `json:"sex"`
	Born           Moment   `json:"born,omitzero"`
	Died           Moment   `json:"died,omitzero"`
	NationalNumber string   `json:"national_number,omitempty"`
	Language       string   `json:"language,omitempty"` // ar, ckb or en
	Phone          string   `json:"phone,omitempty"`
	Address        *Address `json:"address,omitempty"`
	Family         []Member `json:"family,omitempty"`
	Guards         Persons  `json:"guards,omitempty"` // persons for whom the holder may act
}

// DisplayName returns the holder's name for a reader of a language (ar, ckb, en).
func (id *Identity) DisplayName(lang string) string { return id.Names.In(lang) }

// Address is where a person lives.
type Address struct {
	Line        string `json:"line,omitempty"`
	District    string `json:"district,omitempty"`
	City        string `json:"city,omitempty"`
	Governorate string `json:"governorate,omitempty"`
	PostalCode  string `json:"postal_code,omitempty"`
	Country     string `json:"country,omitempty"` // ISO 3166, empty is IQ
}

// Member is one of the holder's family: somebody whose records the card
// carries too (Person from 1 on), a guardian, or both.
type Member struct {
	Person   uint8    `json:"person,omitempty"`
	Relation Relation `json:"relation"`
	Guards   Persons  `json:"guards,omitempty"` // persons for whom this one may act
	Names    Names    `json:"names"`
	Sex      Sex      `json:"sex"`
	Born     Moment   `json:"born,omitzero"`
	Phone    string   `json:"phone,omitempty"`
}

// Cover is the holder's cover by the programme.
type Cover struct {
	Payer    string    `json:"payer"`
	Plan     string    `json:"plan,omitempty"`
	Member   string    `json:"member,omitempty"` // number with the payer
	Relation Relation  `json:"relation"`         // of the holder to the subscriber
	From     Moment    `json:"from,omitzero"`
	Until    Moment    `json:"until,omitzero"`
	Inactive bool      `json:"inactive,omitempty"`
	Copay    uint8     `json:"copay,omitempty"`   // class, the programme's number
	Chronic  Persons   `json:"chronic,omitempty"` // who has a chronic illness, by the issuer's word
	Without  Persons   `json:"without,omitempty"` // persons on the card whom the cover leaves out
	Counters []Counter `json:"counters,omitempty"`
}

// Kinds of a Counter. Visits and operations are counted, dental care in dinars.
const (
	CounterVisits     = "visits"
	CounterOperations = "operations"
	CounterDental     = "dental"
)

// Counter is a person's yearly allowance and what was used of it when the
// cover was issued. It stands in the place of what the rules allow.
type Counter struct {
	Kind    string `json:"kind"` // CounterVisits and so on
	Person  uint8  `json:"person,omitempty"`
	Year    uint16 `json:"year"`
	Allowed uint32 `json:"allowed"`
	Used    uint32 `json:"used"`
}

// Contact is who to call.
type Contact struct {
	Name  string `json:"name,omitempty"`
	Phone string `json:"phone"`
}

// Summary is what everybody who treats the holder must see first. It never
// holds anything sensitive.
type Summary struct {
	AsOf       Moment     `json:"as_of,omitzero"`
	BloodGroup BloodGroup `json:"blood_group,omitempty"`
	Allergies  []Allergy  `json:"allergies,omitempty"`
	Problems   []Problem  `json:"problems,omitempty"`
	Medicines  []Medicine `json:"medicines,omitempty"`
	Contact    *Contact   `json:"contact,omitempty"`
	Left       uint16     `json:"left,omitempty"` // items left out for want of room
}

// Problem is a diagnosis that is not over.
type Problem struct {
	Code     Code     `json:"code"`
	Since    Moment   `json:"since,omitzero"`
	Chronic  bool     `json:"chronic,omitempty"`
	Severity Severity `json:"severity,omitempty"`
}

// Medicine is one that the patient takes now.
type Medicine struct {
	Code      Code      `json:"code"`
	Since     Moment    `json:"since,omitzero"`
	Until     Moment    `json:"until,omitzero"`
	Dose      *Quantity `json:"dose,omitempty"`
	Route     Route     `json:"route,omitempty"`
	Frequency Frequency `json:"frequency,omitzero"`
	AsNeeded  bool      `json:"as_needed,omitempty"`
	Ongoing   bool      `json:"ongoing,omitempty"`
}
