// Package logkey holds the keys of structured log lines, so that one thing has
// one name everywhere. None of them may carry health data or secrets.
package logkey

// Keys of log attributes.
const (
	Code     = "code"
	Error    = "error"
	Reader   = "reader"
	Card     = "card"
	Visit    = "visit"
	Entry    = "entry"
	Entries  = "entries"
	Step     = "step"
	Took     = "took"
	Facility = "facility"
	Version  = "version"
	Address  = "address"
	Path     = "path"
	Count    = "count"
	Bytes    = "bytes"
	Status   = "status"
	APDUs    = "apdus"
)
