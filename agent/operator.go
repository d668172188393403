package agent

import (
	"context"
	"strconv"
	"time"

	"github.com/dhamani-iq/dhamani/cache"
	"github.com/dhamani-iq/dhamani/card"
	"github.com/dhamani-iq/dhamani/crypto/envelope"
	"github.com/dhamani-iq/dhamani/crypto/operator"
	"github.com/dhamani-iq/dhamani/internal/logkey"
	"github.com/dhamani-iq/dhamani/internal/redact"
	"github.com/dhamani-iq/dhamani/record"
)

// Operator is a person who works at the workstation, as their credential
// proves them. While one is signed in, cards are read and entries signed with
// the operator's keys; without one, with those of the workstation.
type Operator struct {
	ID       string          // under which they sign in: letters, digits and hyphens
	Name     string          // for people
	Role     string          // in their terminal certificate
	Expires  time.Time       // end of that certificate
	Terminal card.Terminal   // proves them to cards
	Author   envelope.Author // signs what they write
	Vault    [32]byte        // seals the section keys that cards give them, in the cache
	Reader   string          // holds the credential: taking it out signs out; empty when it needs no reader
	Close    func()          // ends the use of the credential; may be nil
}

// OperatorRef is someone who may sign in. Without a role the centre's grant is
// not there yet.
type OperatorRef struct {
	ID      string    `json:"id"`
	Name    string    `json:"name"`
	Kind    string    `json:"kind"` // "passphrase" or "piv"
	Role    string    `json:"role,omitempty"`
	Expires time.Time `json:"expires,omitzero"`
}

// Operators knows who may sign in. Open proves one of them by a passphrase or
// a PIN; it owes operator.ErrUnknown, operator.ErrNotGranted,
// operator.ErrSecret, *operator.WaitError and ErrTerminalExpired.
type Operators interface {
	List() ([]OperatorRef, error)
	Open(ctx context.Context, id string, secret redact.String) (Operator, error)
}

// ListOperators lists who may sign in here.
func (a *Agent) ListOperators() ([]OperatorRef, error) {
	if a.cfg.Operators == nil {
		return nil, nil
	}
	return a.cfg.Operators.List()
}

// Prove signs an operator in by a passphrase or a PIN. It owes what
// Operators.Open owes. A try that fails leaves an audit line, and whoever is
// signed in stays so.
func (a *Agent) Prove(ctx context.Context, id string, secret redact.String) (OperatorInfo, error) {
	if a.cfg.Operators == nil {
		return OperatorInfo{}, operator.ErrUnknown
	}
	op, err := a.cfg.Operators.Open(ctx, id, secret)
	if err != nil {
		line := a.actor().audit(a.cfg.Facility, "sign_in_refused", Classify(err).Code)
		if operator.CheckID(id) == nil {
			line.Actor += "/" + id
		}
		a.note(line)
		return OperatorInfo{}, err
	}
	return a.SignIn(op), nil
}

// OperatorInfo is what may be shown of the operator who is signed in.
type OperatorInfo struct {
	ID      string    `json:"id"`
	Name    string    `json:"name"`
	Role    string    `json:"role"`
	Reader  string    `json:"reader,omitempty"`
	Since   time.Time `json:"since"`
	Expires time.Time `json:"expires"`
}

// Why an operator is signed out, as the audit line says it.
const (
	outAsked   = ""
	outIdle    = "idle"
	outCard    = "credential_removed"
	outExpired = "credential_expired"
	outOther   = "other_operator"
	outStopped = "stopped"
)

// actor is on whose behalf cards are read and entries written: the operator
// who is signed in, or the workstation alone. It never changes; a new one has
// the next generation.
type actor struct {
	gen      uint64
	signed   bool // an operator
	id       string
	role     string
	terminal card.Terminal
	author   envelope.Author
	expires  time.Time
	vault    [32]byte
	reader   string
	info     OperatorInfo
	close    func()
}

// holder is for whom section keys are kept in the cache.
func (w actor) holder() cache.Holder { return cache.Holder{Operator: w.id, Vault: w.vault} }

// device is the workstation alone.
func (a *Agent) device(gen uint64) actor {
	return actor{gen: gen, role: a.cfg.Role, terminal: a.cfg.Terminal, author: a.cfg.Author, expires: a.cfg.Expires}
}

// actor is on whose behalf the agent acts now.
func (a *Agent) actor() actor {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.who
}

// Operator returns the operator who is signed in, if there is one.
func (a *Agent) Operator() (OperatorInfo, bool) {
	who := a.actor()
	return who.info, who.signed
}

// SignIn lets an operator take the workstation over. Another one is signed out
// first; cards that lie in readers are read anew, with the operator's role.
func (a *Agent) SignIn(op Operator) OperatorInfo {
	a.mu.Lock()
	old := a.who
	a.who = actor{
		gen: old.gen + 1, signed: true, id: op.ID, role: op.Role, terminal: op.Terminal, author: op.Author,
		expires: op.Expires, vault: op.Vault, reader: op.Reader, close: op.Close,
		info: OperatorInfo{
			ID: op.ID, Name: op.Name, Role: op.Role, Reader: op.Reader, Since: time.Now().UTC(), Expires: op.Expires,
		},
	}
	who := a.who
	a.active = time.Now()
	a.mu.Unlock()
	a.changed(old, who, outOther)
	a.note(who.audit(a.cfg.Facility, "sign_in", ""))
	a.publish(Event{Kind: KindSignedIn})
	return who.info
}

// SignOut takes the workstation back from its operator: the visits that are
// open end and their keys are forgotten. Without an operator it does nothing.
func (a *Agent) SignOut() { a.signOut(0, outAsked) }

// signOut ends the operator of a generation, or of any when gen is 0.
func (a *Agent) signOut(gen uint64, why string) {
	a.mu.Lock()
	old := a.who
	if !old.signed || gen != 0 && gen != old.gen {
		a.mu.Unlock()
		return
	}
	a.who = a.device(old.gen + 1)
	who := a.who
	a.mu.Unlock()
	a.changed(old, who, why)
	a.publish(Event{Kind: KindSignedOut})
}

// changed ends what was open on behalf of old.
func (a *Agent) changed(old, who actor, why string) {
	a.visits.end(who.gen)
	a.mu.Lock()
	for _, r := range a.readers {
		r.nudge()
	}
	a.mu.Unlock()
	if !old.signed {
		return
	}
	if err := a.cfg.Cache.ForgetKeys(old.id); err != nil {
		a.cfg.Log.Error("section keys are not forgotten", logkey.Error, err)
	}
	a.note(old.audit(a.cfg.Facility, "sign_out", why))
	if old.close != nil {
		old.close()
	}
}

// note keeps an audit line that concerns no patient.
func (a *Agent) note(line cache.Audit) {
	if err := a.cfg.Cache.AppendAudit(line, record.PatientID{}); err != nil {
		a.cfg.Log.Error("audit line is not kept", logkey.Error, err)
	}
}

// credentialGone signs out the operator whose credential was in the reader.
func (a *Agent) credentialGone(reader string) {
	if who := a.actor(); who.signed && who.reader == reader {
		a.signOut(who.gen, outCard)
	}
}

// Active says that the operator is at work: the time of Config.Idle begins anew.
func (a *Agent) Active() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.active = time.Now()
}

// watchOperator signs out an operator who has left, or whose certificate ends.
func (a *Agent) watchOperator(now time.Time) {
	a.mu.Lock()
	who, active := a.who, a.active
	a.mu.Unlock()
	switch {
	case !who.signed:
	case !who.expires.IsZero() && now.After(who.expires):
		a.signOut(who.gen, outExpired)
	case a.cfg.Idle > 0 && now.Sub(active) >= a.cfg.Idle:
		a.signOut(who.gen, outIdle)
	}
}

// audit is an audit line by this actor.
func (w actor) audit(facility uint32, action, code string) cache.Audit {
	name := "facility:" + strconv.FormatUint(uint64(facility), 10) + "/" + w.role
	if w.signed {
		name += "/" + w.id
	}
	return cache.Audit{Actor: name, Action: action, Code: code}
}
