package quality

// Advice is what a person should do before the next impression.
type Advice uint8

// The pieces of advice.
const (
	Good Advice = iota
	NoFinger
	PressHarder
	PressLess
	MoveLeft
	MoveRight
	MoveUp
	MoveDown
	TooDry
	Clean
)

// advice has for each its code and its words in English, Arabic and Sorani.
var advice = [...]struct{ code, en, ar, ckb string }{
	Good:        {"good", "Good", "جيد", "باشە"},
	NoFinger:    {"no_finger", "Put your finger on the sensor", "ضع إصبعك على المستشعر", "پەنجەت لەسەر هەستەوەرەکە دابنێ"},
	PressHarder: {"press_harder", "Press harder", "اضغط أكثر", "زیاتر پەستانی لێ بکە"},
	PressLess:   {"press_less", "Press less hard, and dry the finger", "اضغط برفق وجفف إصبعك", "کەمتر پەستانی لێ بکە و پەنجەت وشک بکەرەوە"},
	MoveLeft:    {"move_left", "Move the finger to the left", "حرك إصبعك إلى اليسار", "پەنجەت بۆ لای چەپ ببە"},
	MoveRight:   {"move_right", "Move the finger to the right", "حرك إصبعك إلى اليمين", "پەنجەت بۆ لای ڕاست ببە"},
	MoveUp:      {"move_up", "Move the finger up", "حرك إصبعك إلى الأعلى", "پەنجەت بۆ سەرەوە ببە"},
	MoveDown:    {"move_down", "Move the finger down", "حرك إصبعك إلى الأسفل", "پەنجەت بۆ خوارەوە ببە"},
	TooDry:      {"too_dry", "The finger is too dry: breathe on it and press harder", "الإصبع جاف: انفخ عليه واضغط أكثر", "پەنجەکە وشکە: هەناسەی لێ بدە و زیاتر پەستانی لێ بکە"},
	Clean:       {"clean", "Wipe the finger and the sensor, or take another finger", "امسح الإصبع والمستشعر أو استخدم إصبعًا آخر", "پەنجە و هەستەوەرەکە بسڕەوە یان پەنجەیەکی تر دابنێ"},
}

// Code returns the advice's stable name.
func (a Advice) Code() string {
	if int(a) < len(advice) {
		return advice[a].code
	}
	return "unknown"
}

// Text returns the advice in a language: ar, ckb, or English for any other.
func (a Advice) Text(lang string) string {
	if int(a) >= len(advice) {
		a = Clean
	}
	switch lang {
	case "ar":
		return advice[a].ar
	case "ckb":
		return advice[a].ckb
	default:
		return advice[a].en
	}
}
