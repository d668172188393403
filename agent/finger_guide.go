package agent

import (
	"github.com/dhamani-iq/dhamani/biometric/quality"
	"github.com/dhamani-iq/dhamani/biometric/scanner"
	"github.com/dhamani-iq/dhamani/card"
)

// Guide tells the person at the scanner what to do next, in the languages of
// Failure. It carries nothing of the finger but its quality.
type Guide struct {
	Code    string            `json:"code"`              // put_finger, hold, lift, longer, slower, one_way, over, or a code of quality.Advice
	Quality int               `json:"quality,omitempty"` // of the impression that was not good enough, 0 to 100
	Text    map[string]string `json:"text"`
	// Finger is the one to put on, of put_finger: the person's best, or the next
	// one after a refusal. Any other enrolled one is taken too.
	Finger card.Position `json:"finger,omitempty"`
}

func newGuide(code, ar, ckb, en string) Guide {
	return Guide{Code: code, Text: map[string]string{"ar": ar, "ckb": ckb, "en": en}}
}

// guides are what a scanner's states ask of a person.
var guides = map[scanner.State]Guide{
	scanner.Waiting:  newGuide("put_finger", quality.NoFinger.Text("ar"), quality.NoFinger.Text("ckb"), quality.NoFinger.Text("en")),
	scanner.Scanning: newGuide("hold", "أبقِ إصبعك ثابتاً", "پەنجەت مەجوڵێنە", "Hold still"),
	scanner.Lifting:  newGuide("lift", "ارفع إصبعك", "پەنجەت هەڵبگرە", "Take the finger off"),
}

var (
	guideLonger = newGuide("longer", "أبقِ إصبعك مدة أطول", "پەنجەت زیاتر بهێڵەوە", "Leave the finger on longer")
	guideSlower = newGuide("slower", "مرّر إصبعك ببطء أكثر", "پەنجەت هێواشتر بخشێنە", "Draw the finger more slowly")
	guideOneWay = newGuide("one_way", "مرّر إصبعك في اتجاه واحد", "پەنجەت بە یەک ئاراستە بخشێنە", "Draw the finger in one direction")
	guideOver   = newGuide("over", "انتهى أخذ البصمة", "وەرگرتنی پەنجەمۆر کۆتایی هات", "The capture is over")
)

// hints are what a scanner asks of a person besides.
var hints = map[scanner.Hint]Guide{
	scanner.HintTooShort: guideLonger,
	scanner.HintTooFast:  guideSlower,
	scanner.HintOneWay:   guideOneWay,
}

// guideOf is what is to be done better at the next impression.
func guideOf(advice quality.Advice, q uint8) Guide {
	g := newGuide(advice.Code(), advice.Text("ar"), advice.Text("ckb"), advice.Text("en"))
	g.Quality = int(q)
	return g
}

func (a *Agent) publishFinger(v Visit, g Guide) {
	a.publish(Event{Kind: KindFinger, Reader: v.Reader, Visit: v.ID, Finger: &g})
}
