package localapi

import (
	"encoding/json"
	"net/http"

	"github.com/dhamani-iq/dhamani/agent"
)

// refusal is a failure of the local API itself, with its HTTP status.
type refusal struct {
	status int
	agent.Failure
}

func refuse(status int, code, action, ar, ckb, en string) refusal {
	return refusal{status, agent.Failure{
		Code: code, Action: action, Text: map[string]string{"ar": ar, "ckb": ckb, "en": en},
	}}
}

// What the local API itself refuses. Everything that goes wrong behind it has
// its words in package agent.
var (
	refuseHost = refuse(http.StatusMisdirectedRequest, "api_host", "open_page",
		"لم يُطلب هذا العنوان بصورة صحيحة. افتح الصفحة من اختصار ضماني.",
		"ئەم ناونیشانە بە دروستی داوا نەکراوە. پەڕەکە لە کورتەڕێی ضەمانییەوە بکەرەوە.",
		"This address was not asked for in the right way. Open the page from the Dhamani shortcut.")
	refuseOrigin = refuse(http.StatusForbidden, "api_origin", "open_page",
		"جاء الطلب من صفحة أخرى. افتح الصفحة من اختصار ضماني.",
		"داواکارییەکە لە پەڕەیەکی ترەوە هات. پەڕەکە لە کورتەڕێی ضەمانییەوە بکەرەوە.",
		"The request came from another page. Open the page from the Dhamani shortcut.")
	refuseMethod = refuse(http.StatusMethodNotAllowed, "api_method", "call_support",
		"طريقة الطلب غير مقبولة.",
		"شێوازی داواکارییەکە پەسەند نییە.",
		"The request's method is not accepted.")
	refuseType = refuse(http.StatusUnsupportedMediaType, "api_type", "call_support",
		"يُقبل JSON فقط.",
		"تەنها JSON وەردەگیرێت.",
		"Only JSON is accepted.")
	refuseSize = refuse(http.StatusRequestEntityTooLarge, "api_size", "correct_input",
		"الطلب أكبر من المسموح.",
		"داواکارییەکە لە ڕێگەپێدراو گەورەترە.",
		"The request is larger than what is accepted.")
	refuseJSON = refuse(http.StatusBadRequest, "api_json", "call_support",
		"لم تُفهم بيانات الطلب.",
		"داتای داواکارییەکە تێنەگەیشترا.",
		"The request's data could not be understood.")
	refuseSession = refuse(http.StatusUnauthorized, "api_session", "open_page",
		"انتهت الجلسة. افتح الصفحة من اختصار ضماني.",
		"دانیشتنەکە کۆتایی هات. پەڕەکە لە کورتەڕێی ضەمانییەوە بکەرەوە.",
		"The session has ended. Open the page from the Dhamani shortcut.")
	refuseCode = refuse(http.StatusUnauthorized, "api_code", "open_page",
		"استُعمل رمز الدخول أو انتهت مدته. افتح الصفحة من اختصار ضماني.",
		"کۆدی چوونەژوورەوە بەکارهێنراوە یان ماوەی بەسەرچووە. پەڕەکە لە کورتەڕێی ضەمانییەوە بکەرەوە.",
		"The page's code was used before or is too old. Open the page from the Dhamani shortcut.")
	refuseTries = refuse(http.StatusTooManyRequests, "api_tries", "wait",
		"محاولات كثيرة. انتظر قليلاً ثم أعد المحاولة.",
		"هەوڵی زۆر درا. کەمێک چاوەڕێ بکە و دووبارە هەوڵ بدەوە.",
		"Too many tries. Wait a little and try again.")
	refuseBusy = refuse(http.StatusServiceUnavailable, "api_busy", "wait",
		"صفحات كثيرة مفتوحة. أغلق بعضها.",
		"پەڕەی زۆر کراوەیە. هەندێکیان دابخە.",
		"Too many pages are open. Close some of them.")
	refuseUnknown = refuse(http.StatusNotFound, "api_unknown", "call_support",
		"لا يوجد شيء في هذا العنوان.",
		"هیچ شتێک لەم ناونیشانەدا نییە.",
		"There is nothing at this address.")
	refuseVisit = refuse(http.StatusNotFound, "visit_unknown", "tap_again",
		"انتهت هذه الزيارة. ضع البطاقة مجدداً.",
		"ئەم سەردانە کۆتایی هات. کارتەکە دووبارە دابنێ.",
		"This visit has ended. Tap the card again.")
)

// Failures lists the failures of the local API itself, for the document of
// all failure codes.
func Failures() []agent.Failure {
	all := []refusal{
		refuseHost, refuseOrigin, refuseMethod, refuseType, refuseSize, refuseJSON, refuseSession,
		refuseCode, refuseTries, refuseBusy, refuseUnknown,
	}
	out := make([]agent.Failure, len(all))
	for i, r := range all {
		out[i] = r.Failure
	}
	return out
}

// statuses gives the HTTP status of the agent's failures that are the
// caller's to mend; every other one is 503, because a later try may succeed.
var statuses = map[string]int{
	"visit_unknown":         http.StatusNotFound,
	"entry_invalid":         http.StatusUnprocessableEntity,
	"entry_too_large":       http.StatusUnprocessableEntity,
	"alerts_open":           http.StatusConflict,
	"section_locked":        http.StatusForbidden,
	"person_unknown":        http.StatusNotFound,
	"person_other":          http.StatusConflict,
	"verify_wrong":          http.StatusForbidden,
	"verify_blocked":        http.StatusForbidden,
	"verify_none":           http.StatusConflict,
	"finger_replayed":       http.StatusForbidden,
	"finger_poor":           http.StatusUnprocessableEntity,
	"finger_other":          http.StatusForbidden,
	"finger_right":          http.StatusForbidden,
	"finger_artefact":       http.StatusForbidden,
	"finger_unproven":       http.StatusForbidden,
	"finger_way":            http.StatusUnprocessableEntity,
	"attest_form":           http.StatusUnprocessableEntity,
	"finger_none":           http.StatusConflict,
	"cancelled":             http.StatusConflict,
	"pin_form":              http.StatusUnprocessableEntity,
	"operator_needed":       http.StatusForbidden,
	"cardless_reason":       http.StatusUnprocessableEntity,
	"cover_question":        http.StatusUnprocessableEntity,
	"cardless_refused":      http.StatusForbidden,
	"cardless_limit":        http.StatusTooManyRequests,
	"cardless_unknown":      http.StatusNotFound,
	"operator_secret":       http.StatusUnauthorized,
	"operator_card_absent":  http.StatusConflict,
	"operator_card_blocked": http.StatusForbidden,
	"operator_unknown":      http.StatusUnauthorized,
	"operator_not_granted":  http.StatusConflict,
	"operator_wait":         http.StatusTooManyRequests,
	"claim_bad":             http.StatusUnprocessableEntity,
	"claim_ended":           http.StatusUnprocessableEntity,
	"claim_author":          http.StatusUnprocessableEntity,
	"stripe_misread":        http.StatusUnprocessableEntity,
	"stripe_foreign":        http.StatusUnprocessableEntity,
	"card_removed":          http.StatusConflict,
	"card_changed":          http.StatusConflict,
	"card_reset":            http.StatusConflict,
	"card_write_unknown":    http.StatusConflict,
	"card_blocked":          http.StatusConflict,
	"card_terminated":       http.StatusConflict,
	"card_full":             http.StatusConflict,
	"card_refused":          http.StatusConflict,
	"entry_author_invalid":  http.StatusConflict,
	"internal":              http.StatusInternalServerError,
}

// refusalOf turns an error of the backend into an answer.
func refusalOf(err error) refusal {
	failure := agent.Classify(err)
	status, ok := statuses[failure.Code]
	if !ok {
		status = http.StatusServiceUnavailable
	}
	return refusal{status, failure}
}

// errorBody is the JSON of every answer that is not a success.
type errorBody struct {
	Error agent.Failure `json:"error"`
}

func writeRefusal(w http.ResponseWriter, r refusal) {
	if r.status == http.StatusTooManyRequests || r.status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "5")
	}
	writeJSON(w, r.status, errorBody{r.Failure})
}

// writeJSON answers with v. What it carries may be health data, so nothing of
// it may be kept by the browser.
func writeJSON(w http.ResponseWriter, status int, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		status, body = http.StatusInternalServerError, []byte(`{"error":{"code":"internal","action":"call_support","text":{}}}`)
	}
	writeBody(w, status, "application/json; charset=utf-8", append(body, '\n'))
}

func writeBody(w http.ResponseWriter, status int, kind string, body []byte) {
	h := w.Header()
	h.Set("Content-Type", kind)
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(body) // a client that has gone needs no answer
}
