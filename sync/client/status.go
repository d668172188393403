package client

import (
	"time"

	"github.com/dhamani-iq/dhamani/internal/logkey"
)

// Status tells where the exchange with the centre stands.
type Status struct {
	// Online says that the last exchange with the centre succeeded.
	Online bool `json:"online"`
	// LastSuccess is when an exchange last succeeded; zero when none has.
	LastSuccess time.Time `json:"last_success,omitzero"`
	// LastError is the stable code of the last failed exchange, else empty.
	LastError string `json:"last_error,omitempty"`
	// NextTry is when the next attempt is due while the centre is out of reach.
	NextTry time.Time `json:"next_try,omitzero"`
	// Outbox counts the entries that wait to be sent.
	Outbox int `json:"outbox"`
	// Quarantined counts the entries that the centre has refused for good.
	Quarantined int `json:"quarantined"`
	// Malformed counts what the centre sent that is no sealed entry.
	Malformed uint64 `json:"malformed,omitempty"`
	// Pushed and Pulled count entries since the start of the process.
	Pushed uint64 `json:"pushed"`
	Pulled uint64 `json:"pulled"`
	// TrustVersion and BlockVersion are those of the lists in use.
	TrustVersion uint64 `json:"trust_version"`
	BlockVersion uint64 `json:"block_version"`
	// TermsEdition is the edition of the terminology table in use, 0 while it is
	// the first.
	TermsEdition uint64 `json:"terms_edition,omitempty"`
	// AlertsEdition and CoverEdition are the editions of the table of alerts and
	// of the rules of entitlement that the centre published last, 0 while they are
	// the first.
	AlertsEdition uint64 `json:"alerts_edition,omitempty"`
	CoverEdition  uint64 `json:"cover_edition,omitempty"`
	// Refused names a signed list that came, or was kept, and could not be used:
	// the one before it stays in use. Empty: there is none.
	Refused string `json:"refused,omitempty"`
}

// activity is one of the three things that the loops do. Each has a failure of
// its own, so that one's success does not hide the other's trouble.
type activity int

const (
	activityLists activity = iota
	activityPush
	activityPull
	numActivities
)

// Status returns where the exchange stands now.
func (c *Client) Status() Status {
	c.mu.Lock()
	s := c.status
	for a := range numActivities {
		if c.errs[a] != "" && s.LastError == "" {
			s.LastError = c.errs[a]
		}
		if at := c.next[a]; !at.IsZero() && (s.NextTry.IsZero() || at.Before(s.NextTry)) {
			s.NextTry = at
		}
	}
	c.mu.Unlock()
	s.Outbox, s.Quarantined = c.store.OutboxLen(), c.store.QuarantineLen()
	return s
}

// note keeps the outcome of an exchange and logs what is new about it.
func (c *Client) note(a activity, err error) {
	now, failure := time.Now().UTC(), code(err)
	c.mu.Lock()
	before, was := c.errs[a], c.status.Online
	c.errs[a] = failure
	if err == nil {
		c.status.LastSuccess = now
	}
	// A refusal or garbage is an answer, but no success.
	c.status.Online = err == nil
	c.mu.Unlock()
	switch {
	case failure != "" && failure != before:
		c.cfg.Log.Warn("exchange with the centre failed", logkey.Code, failure, logkey.Error, err)
	case err == nil && !was:
		c.cfg.Log.Info("exchange with the centre works")
	}
	c.show()
}

// show hands the status to OnStatus if there is something new in it.
func (c *Client) show() {
	if c.cfg.OnStatus == nil {
		return
	}
	now := c.Status()
	c.mu.Lock()
	was := c.shown
	c.shown = now
	c.mu.Unlock()
	was.LastSuccess, was.NextTry = now.LastSuccess, now.NextTry
	if was != now {
		c.cfg.OnStatus(now)
	}
}

// waiting notes until when an activity waits after a failure; zero ends it.
func (c *Client) waiting(a activity, d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.next[a] = time.Time{}
	if d > 0 {
		c.next[a] = time.Now().Add(d).UTC()
	}
}
