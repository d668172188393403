package terms

import "strings"

// What is sensitive: a code that tells, by itself, of something for which a
// person may be shunned, punished or harmed when family, neighbours or an
// employer learn of it. docs/terminology.md has the rule and where it ends.

// sensitiveICD10 are the beginnings of codes of ICD-10.
var sensitiveICD10 = []string{
	"F",                                             // mental and behavioural disorders
	"A50", "A51", "A52", "A53", "A54", "A55", "A56", // sexually transmitted diseases
	"A57", "A58", "A59", "A60", "A63", "A64",
	"B16", "B17", "B18", "B19", "Z22.5", // hepatitis by blood, and carriers
	"B20", "B21", "B22", "B23", "B24", "Z21", "Z20.6", "Z11.4", "R75", "O98.7", // HIV
	"O00", "O01", "O02", "O03", "O04", "O05", "O06", "O07", "O08", // pregnancies that ended early
	"Z30", "Z31", "N46", "N48.4", "N97", // contraception, infertility, impotence
	"T40", "X6", "X7", "X80", "X81", "X82", "X83", "X84", "Z91.5", "R45.8", // overdose and self-harm
	"T74", "Y05", "Y06", "Y07", "Z04.4", "Z61.4", "Z61.5", "Z61.6", // abuse
	"K70", "Z50.2", "Z50.3", "Z71.4", "Z71.5", "Z72.1", "Z72.2", "Z72.5", "Z70", // alcohol, drugs, sexual life
}

// sensitiveATC are the beginnings of codes of ATC.
var sensitiveATC = []string{
	"N05A", "N05B", "N05C", "N06A", "N06B", "N06C", "N06D", // medicines of psychiatry
	"N03AE01",                // clonazepam
	"N02A", "N07BB", "N07BC", // opioids, medicines of dependence
	"J05AE", "J05AF", "J05AG", "J05AJ", "J05AP", "J05AR", "J05AX", // HIV and hepatitis
	"G02AD", "G02B", "G03A", "G03G", "G03XB", "G04BE", // contraception, infertility, the end of a pregnancy, impotence
}

// Sensitive reports whether the code alone makes an item sensitive: a code of a
// class above, one that the table marks, or one that stands for such a code.
func Sensitive(c Code) bool {
	t := Current()
	if found, _ := t.Lookup(c); found.Sensitive || sensitiveClass(c) {
		return true
	}
	if c.System != SNOMED && c.System != RxNorm {
		return false
	}
	for _, target := range [...]System{ICD10, ATC} {
		for _, m := range t.facts.maps[mapped{c, target}] {
			if found, _ := t.Lookup(m); found.Sensitive || sensitiveClass(m) {
				return true
			}
		}
	}
	return false
}

func sensitiveClass(c Code) bool {
	var classes []string
	switch c.System { //nolint:exhaustive // the others have no classes
	case ICD10:
		classes = sensitiveICD10
	case ATC:
		classes = sensitiveATC
	}
	for _, class := range classes {
		if strings.HasPrefix(c.Value, class) {
			return true
		}
	}
	return false
}
