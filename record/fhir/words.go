package fhir

// titles are the keys of the sections' titles in the table of words.
var titles = [numSections]string{
	sectionProblems: "problems", sectionAllergies: "allergies", sectionMedicines: "medicines", sectionVaccines: "vaccines",
	sectionResults: "results", sectionProcedures: "procedures", sectionDevices: "devices", sectionVitals: "vitals",
	sectionSocial: "social", sectionPlans: "plans", sectionPast: "past", sectionPayers: "payers",
}

// texts are the words of a summary in Arabic, Sorani and English.
var texts = map[string][3]string{
	"title":      {"ملخص المريض", "پوختەی نەخۆش", "Patient summary"},
	"as of":      {"بتاريخ", "لە بەرواری", "As of"},
	"problems":   {"المشاكل الصحية", "کێشە تەندروستییەکان", "Problems"},
	"allergies":  {"الحساسية", "هەستیاری", "Allergies and intolerances"},
	"medicines":  {"الأدوية", "دەرمانەکان", "Medicines"},
	"vaccines":   {"اللقاحات", "ڤاکسینەکان", "Immunisations"},
	"results":    {"نتائج الفحوصات", "ئەنجامی پشکنینەکان", "Results"},
	"procedures": {"الإجراءات السابقة", "کارە پزیشکییەکانی پێشوو", "Procedures"},
	"devices":    {"الأجهزة الطبية", "ئامێرە پزیشکییەکان", "Medical devices"},
	"vitals":     {"العلامات الحيوية", "نیشانە ژیانییەکان", "Vital signs"},
	"social":     {"التاريخ الاجتماعي", "مێژووی کۆمەڵایەتی", "Social history"},
	"plans":      {"خطة الرعاية", "پلانی چاودێری", "Plan of care"},
	"past":       {"مشاكل صحية سابقة", "کێشە تەندروستییەکانی پێشوو", "Past problems"},
	"payers":     {"الضمان الصحي", "بیمەی تەندروستی", "Cover"},
	"source": {
		"أُعدّ من القيود الموقّعة في بطاقة الضمان الصحي.", "لە تۆمارە واژۆکراوەکانی کارتی بیمەی تەندروستییەوە ئامادە کراوە.",
		"Made from the signed entries of the health card.",
	},
	"without sensitive": {
		"المعلومات الحساسة، إن وُجدت، غير مدرجة.", "زانیارییە هەستیارەکان، ئەگەر هەبن، لێرەدا نین.",
		"What is sensitive, if anything is, has been left out.",
	},
	"locked parts": {
		"أجزاء لا يجوز لمُعدّ هذا الملخص فتحها:", "ئەو بەشانەی ئامادەکاری ئەم پوختەیە ناتوانێت بیانکاتەوە:",
		"Parts that whoever made this summary may not open:",
	},
	"locked": {
		"هذا الجزء مقفل لمُعدّ الملخص؛ لا يعني ذلك عدم وجود شيء فيه.", "ئەم بەشە بۆ ئامادەکاری پوختەکە داخراوە؛ واتای ئەوە نییە کە هیچی تێدا نییە.",
		"Locked for whoever made this summary; it does not mean that there is nothing.",
	},
	"partly locked": {
		"بعض القيود مقفلة لمُعدّ الملخص.", "هەندێک تۆمار بۆ ئامادەکاری پوختەکە داخراون.",
		"Some entries are locked for whoever made this summary.",
	},
	"nothing": {
		"لا توجد معلومات مسجلة.", "هیچ زانیارییەک تۆمار نەکراوە.", "Nothing is recorded.",
	},
	"no devices": {
		"لا يتضمن السجل معلومات عن الأجهزة الطبية.", "تۆمارەکە زانیاری لەسەر ئامێری پزیشکی هەڵناگرێت.",
		"The record does not tell of medical devices.",
	},
	"coverage":   {"الضمان", "بیمە", "cover"},
	"summary":    {"الخلاصة", "پوختە", "summary"},
	"medication": {"الأدوية", "دەرمان", "medicines"},
	"laboratory": {"المختبر", "تاقیگە", "laboratory"},
	"clinical":   {"السريري", "کلینیکی", "clinical"},
	"mild":       {"خفيف", "سووک", "mild"},
	"moderate":   {"متوسط", "مامناوەند", "moderate"},
	"severe":     {"شديد", "توند", "severe"},
	"yes":        {"نعم", "بەڵێ", "yes"},
	"no":         {"لا", "نەخێر", "no"},
}

// say returns the words of a key in a language; there are none for none.
func say(lang, key string) string {
	words := texts[key]
	switch lang {
	case "ar":
		return words[0]
	case "ckb":
		return words[1]
	default:
		return words[2]
	}
}
