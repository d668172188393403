package record

// The keys of a section. A key means the same in every section.
const (
	keyEdition      = 0 // of the code table, when it is not the first
	keyMinutes      = 1 // core: length of the visit, defaultMinutes when absent
	keyClass        = 2
	keyFacility     = 3
	keyPractitioner = 4
	keyPart         = 5
	keyAmends       = 6
	keyInError      = 7
	keyEarlier      = 8 // core: minutes from Start to Epoch, when Start is before it
	keyCost         = 9
	keyAllergies    = 10
	keyMedicines    = 11
	keyObservations = 12
	keyPanels       = 13
	keyType         = 14
	keyReasons      = 15
	keyDiagnoses    = 16
	keyProcedures   = 17
	keyVaccines     = 18
	keyCarePlans    = 19
	keyNotes        = 20
	keyImaging      = 21
	keyVitals       = 22 // observations, by the members of a panel of vital signs
	keyExtensions   = 23
	keyReferrals    = 24
	keyOverrides    = 25
	keyService      = 26 // what the cost was for, when it was no visit
)

const defaultMinutes = 15

// MinAmending is the length of the shortest coverage section that says which
// entry is amended, in bytes: the key and the identifier. One with a cost that
// amends nothing is nearly always shorter.
const MinAmending = 1 + 2 + len(EntryID{})

// nothing is the content of an entry that has only defaults.
var nothing = []byte{majorSimple<<5 | simpleNull}

// sectionKeys has a bit for each key, besides the edition's, the core's and
// the extensions', that a section may hold.
var sectionKeys = [NumSections]uint32{
	SectionCoverage:   1<<keyCost | 1<<keyService,
	SectionSummary:    1 << keyAllergies,
	SectionMedication: 1<<keyMedicines | 1<<keyOverrides,
	SectionLaboratory: 1<<keyObservations | 1<<keyPanels | 1<<keyVitals,
	SectionClinical: 1<<keyType | 1<<keyReasons | 1<<keyDiagnoses | 1<<keyProcedures | 1<<keyVaccines | 1<<keyCarePlans |
		1<<keyNotes | 1<<keyImaging | 1<<keyReferrals,
	SectionSensitive: 1<<keyMedicines | 1<<keyObservations | 1<<keyPanels | 1<<keyType | 1<<keyReasons | 1<<keyDiagnoses |
		1<<keyProcedures | 1<<keyCarePlans | 1<<keyNotes | 1<<keyVitals | 1<<keyReferrals | 1<<keyOverrides,
}
