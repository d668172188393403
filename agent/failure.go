package agent

import (
	"context"
	"errors"

	"github.com/dhamani-iq/dhamani/biometric/replay"
	"github.com/dhamani-iq/dhamani/biometric/scanner"
	"github.com/dhamani-iq/dhamani/cache"
	"github.com/dhamani-iq/dhamani/card"
	"github.com/dhamani-iq/dhamani/card/piv"
	"github.com/dhamani-iq/dhamani/card/stripe"
	"github.com/dhamani-iq/dhamani/crypto/claim"
	"github.com/dhamani-iq/dhamani/crypto/envelope"
	"github.com/dhamani-iq/dhamani/crypto/operator"
	"github.com/dhamani-iq/dhamani/crypto/trust"
	"github.com/dhamani-iq/dhamani/record"
	"github.com/dhamani-iq/dhamani/record/entitle"
	"github.com/dhamani-iq/dhamani/sync/client"
)

// Errors of the agent itself.
var (
	// ErrNoVisit is returned for a visit that has ended or never was.
	ErrNoVisit = errors.New("no such visit")
	// ErrWriteUnknown says that the card left before it confirmed a write. The
	// entry is kept and sent on; the card's next tap settles the rest.
	ErrWriteUnknown = errors.New("card left before it confirmed the write")
	// ErrSectionLocked is returned for a draft with a part that the role has
	// no key for.
	ErrSectionLocked = errors.New("section is locked for this role")
	// ErrPerson is returned for a draft that is about another person on the
	// card than the visit shows.
	ErrPerson = errors.New("entry is about another person than the one shown")
	// ErrSummary says that the emergency summary on the card could not be
	// brought up to date with an entry.
	ErrSummary = errors.New("summary on the card is not up to date")
	// ErrTime is returned for an encounter at a time at which the author's key
	// is not valid, or that lies ahead.
	ErrTime = errors.New("encounter's time is not acceptable")
	// ErrClock says that this machine's clock is wrong: the trust list was
	// signed after what it shows.
	ErrClock = errors.New("clock of this machine is wrong")
	// ErrClaimAuthor is returned for a claim whose author does not count: not
	// known here, revoked or ended.
	ErrClaimAuthor = errors.New("author of the claim does not count")
	// ErrListRefused says that a signed list of the centre, or one that is kept,
	// cannot be used, and the one before it stays in use.
	ErrListRefused = errors.New("list of the centre cannot be used")
	// ErrTerminalExpired says that the workstation's certificate has ended.
	ErrTerminalExpired = errors.New("terminal certificate has expired")
)

// classes turns errors into codes. The first row that matches decides, so an
// error that wraps another stands before it.
var classes = []struct {
	is   error
	code string
}{
	{ErrWriteUnknown, "card_write_unknown"},
	{ErrSummary, "summary_not_updated"},
	{ErrClock, "clock_wrong"},
	{ErrStandingAhead, "standing_ahead"},
	{ErrTime, "entry_time_invalid"},
	{cache.ErrFull, "disk_full"},
	{ErrNoVisit, "visit_unknown"},
	{ErrAlerts, "alerts_open"},
	{ErrSectionLocked, "section_locked"},
	{ErrAmends, "entry_amend_unknown"},
	{ErrAmended, "entry_amended"},
	{ErrAmendAuthor, "entry_amend_author"},
	{card.ErrVerify, "verify_wrong"},
	{replay.ErrReplay, "finger_replayed"},
	{ErrFingerPoor, "finger_poor"},
	{ErrFingerOther, "finger_other"},
	{ErrHostMatch, "finger_right"},
	{ErrWay, "finger_way"},
	{scanner.ErrNoFinger, "finger_none"},
	{scanner.ErrSlept, "finger_slept"},
	{scanner.ErrNoScanner, "scanner_absent"},
	{scanner.ErrUnplugged, "scanner_absent"},
	{scanner.ErrBusy, "scanner_busy"},
	{scanner.ErrDenied, "scanner_denied"},
	{scanner.ErrTimeout, "scanner_failed"},
	{scanner.ErrProtocol, "scanner_failed"},
	{scanner.ErrStalled, "scanner_failed"},
	{scanner.ErrTransfer, "scanner_failed"},
	{scanner.ErrClosed, "scanner_failed"},
	{scanner.ErrNoUSB, "scanner_failed"},
	{ErrSoftScanner, "scanner_soft"},
	{ErrArtefact, "finger_artefact"},
	{ErrAliveUnsaid, "finger_unproven"},
	{ErrFingerElsewhere, "finger_elsewhere"},
	{ErrAttested, "attest_form"},
	{card.ErrVerifyBlocked, "verify_blocked"},
	{card.ErrNoReference, "verify_none"},
	{card.ErrPINForm, "pin_form"},
	{ErrPerson, "person_other"},
	{envelope.ErrPerson, "person_unknown"},
	{ErrTerminalExpired, "terminal_expired"},
	{ErrListRefused, "list_refused"},
	{ErrTwoCards, "card_two"},
	{ErrClaimAuthor, "claim_author"},
	{operator.ErrSecret, "operator_secret"},
	{operator.ErrNoCard, "operator_card_absent"},
	{piv.ErrPIN, "operator_secret"}, // changed since the sign-in
	{piv.ErrPINBlocked, "operator_card_blocked"},
	{piv.ErrOtherCard, "operator_card_absent"},
	{piv.ErrNotPIV, "operator_card_absent"},
	{piv.ErrClosed, "operator_needed"},
	{operator.ErrUnknown, "operator_unknown"},
	{operator.ErrID, "operator_unknown"},
	{operator.ErrNotGranted, "operator_not_granted"},
	{ErrNoOperator, "operator_needed"},
	{ErrReason, "cardless_reason"},
	{entitle.ErrQuestion, "cover_question"},
	{ErrReleaseRefused, "cardless_refused"},
	{ErrReleaseLimit, "cardless_limit"},
	{ErrReleaseUnknown, "cardless_unknown"},
	{cache.ErrCorrupt, "cache_corrupt"},
	{cache.ErrLocked, "cache_locked"},
	{cache.ErrWrongKey, "cache_wrong_key"},
	{card.ErrTooSlow, "card_slow"},
	{card.ErrRemoved, "card_removed"},
	{card.ErrNoCard, "card_removed"},
	{card.ErrSessionEnded, "card_removed"},
	{card.ErrReset, "card_reset"},
	{card.ErrServiceDown, "reader_service_down"},
	{card.ErrBusy, "reader_busy"},
	{card.ErrNoReader, "reader_absent"},
	{card.ErrUnpowered, "card_mute"},
	{card.ErrTransport, "reader_failed"},
	{card.ErrNotDhamani, "card_foreign"},
	{card.ErrNotActivated, "card_blank"},
	{card.ErrBlocked, "card_blocked"},
	{card.ErrTerminated, "card_terminated"},
	{card.ErrChain, "card_log_altered"},
	{card.ErrEntryTooLarge, "entry_too_large"},
	{card.ErrFull, "card_full"},
	{card.ErrMalformed, "card_answer_bad"},
	{card.ErrChanged, "card_answer_bad"},
	{trust.ErrUnknownIssuer, "card_issuer_unknown"},
	{trust.ErrUnknownKey, "entry_author_unknown"},
	{trust.ErrKeyRevoked, "entry_author_invalid"},
	{trust.ErrKeyExpired, "entry_author_invalid"},
	{trust.ErrExpired, "card_expired"},
	{trust.ErrRollback, "list_rollback"},
	{trust.ErrSignature, "card_issuer_unknown"},
	{envelope.ErrSignature, "entry_signature"},
	{envelope.ErrDecrypt, "entry_altered"},
	{envelope.ErrKeyMismatch, "card_answer_bad"},
	{envelope.ErrFormat, "entry_malformed"},
	{record.ErrInvalid, "entry_invalid"},
	{record.ErrFormat, "entry_malformed"},
	{claim.ErrPrefix, "claim_bad"},
	{claim.ErrFormat, "claim_bad"},
	{claim.ErrSignature, "claim_bad"},
	{claim.ErrExpired, "claim_ended"},
	{claim.ErrNotYet, "claim_ended"},
	{claim.ErrBlocked, "card_blocked"},
	{stripe.ErrForeign, "stripe_foreign"},
	{stripe.ErrEmpty, "stripe_misread"},
	{stripe.ErrTooLong, "stripe_misread"},
	{stripe.ErrMisread, "stripe_misread"},
	{stripe.ErrTrack, "stripe_misread"},
	{stripe.ErrFormat, "stripe_misread"},
	{stripe.ErrLRC, "stripe_misread"},
	{stripe.ErrCheckDigit, "stripe_misread"},
	{stripe.ErrAmbiguous, "stripe_misread"},
	{client.ErrOffline, "centre_offline"},
	{client.ErrProtocol, "centre_garbled"},
	{context.Canceled, "cancelled"},
	{context.DeadlineExceeded, "cancelled"},
}

// Classify is the only place where an error becomes a stable code with words
// for people; docs/failure-codes.md lists them all. Where the system tells
// which programs may hold a busy reader, their names stand behind the words.
func Classify(err error) Failure {
	f := wordingOf(codeOf(err)).failure()
	var holders interface{ Programs() string }
	if errors.Is(err, card.ErrBusy) && errors.As(err, &holders) && holders.Programs() != "" {
		for language, text := range f.Text {
			f.Text[language] = text + " (" + holders.Programs() + ")"
		}
	}
	return f
}

// Failures lists every failure that Classify knows.
func Failures() []Failure {
	out := make([]Failure, 0, len(wordings))
	for _, w := range wordings {
		out = append(out, w.failure())
	}
	return out
}

func codeOf(err error) string {
	// What a card answers to the steps of authentication means more than its
	// status word alone.
	if auth, ok := errors.AsType[*card.AuthError](err); ok {
		switch auth.Step {
		case card.StepReference, card.StepCertificate, card.StepSetTerminal, card.StepChallenge, card.StepTerminal:
			return "terminal_refused"
		case card.StepSetChip, card.StepChip:
			return "card_not_genuine"
		}
	}
	if _, ok := errors.AsType[*operator.WaitError](err); ok {
		return "operator_wait"
	}
	if errors.Is(err, errChipUnproven) {
		return "card_not_genuine"
	}
	if errors.Is(err, card.ErrSecureMessaging) {
		return "card_changed"
	}
	for _, row := range classes {
		if errors.Is(err, row.is) {
			return row.code
		}
	}
	if _, ok := errors.AsType[*card.StatusError](err); ok {
		return "card_refused"
	}
	if _, ok := errors.AsType[*client.ServerError](err); ok {
		return "centre_refused"
	}
	return "internal"
}

// centreFailure tells what is wrong with the exchange, nil when nothing is.
func centreFailure(s client.Status) *Failure {
	if s.Refused != "" && (s.LastError == "" || s.LastError == client.CodeProtocol) {
		f := Classify(ErrListRefused)
		return &f
	}
	if s.LastError == "" {
		return nil
	}
	code := "centre_refused"
	switch s.LastError {
	case client.CodeOffline, client.CodeTimeout, client.CodeCertificate:
		code = "centre_offline"
	case client.CodeProtocol:
		code = "centre_garbled"
	case client.CodeStorage:
		code = "internal"
	}
	f := wordingOf(code).failure()
	return &f
}

func wordingOf(code string) wording {
	for _, w := range wordings {
		if w.code == code {
			return w
		}
	}
	return wordingOf("internal")
}

func (w wording) failure() Failure {
	return Failure{Code: w.code, Action: w.action, Text: map[string]string{"ar": w.ar, "ckb": w.ckb, "en": w.en}}
}
