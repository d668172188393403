package agent

import "slices"

// wording is what people read about one failure: what happened and what to
// do, in Arabic, Sorani and English. Action is the short name by which a
// program may offer the remedy.
type wording struct {
	code, action string
	ar, ckb, en  string
}

// Actions that a page or program may offer.
const (
	actionTapAgain    = "tap_again"
	actionOtherCard   = "other_card"
	actionAskIssuer   = "ask_issuer"
	actionCheckReader = "check_reader"
	actionWait        = "wait"
	actionCorrect     = "correct_input"
	actionRenew       = "renew_certificate"
	actionCallSupport = "call_support"
	actionFreeReader  = "free_reader"
	actionCheckClock  = "check_clock"
	actionFreeDisk    = "free_disk"
)

// wordings is the one table of failure codes, by topic; docs/failure-codes.md
// lists the same ones, and a test holds the two together.
var wordings = slices.Concat(cardWordings, fingerWordings, visitWordings, operatorWordings, systemWordings)
