package client

import "time"

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
	// Pushed and Pulled count entries since the start of the process.
	Pushed uint64 `json:"pushed"`
	Pulled uint64 `json:"pulled"`
	// TrustVersion and BlockVersion are those of the lists in use.
	TrustVersion uint64 `json:"trust_version"`
	BlockVersion uint64 `json:"block_version"`
}
