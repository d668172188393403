// Package wire holds the messages that a clinic and the centre exchange: their
// one canonical CBOR form, their bounds, their error codes and the cursor of
// the change feed, as docs/formats/wire.md defines them.
//
// Transport is HTTP/2 over mutual TLS 1.3. A body is application/cbor; above
// CompressAbove bytes it may travel as a single zstd frame.
package wire

import (
	"crypto/sha256"
	"fmt"
	"strconv"
	"time"
)

// Version is the number of the protocol, the first element of every path.
const Version = 1

// The paths of protocol version 1. A method stands before each, as
// net/http.ServeMux wants it; the client uses the path alone.
const (
	// PathRecords takes a PushRequest (POST) and answers a PushResponse.
	PathRecords = "/v1/records"
	// PathChanges answers a ChangesPage (GET; QueryCursor, QueryMax, QueryWait).
	PathChanges = "/v1/changes"
	// PathPatients begins PathPatients + PatientID + "/records" (GET;
	// QueryDigest, QueryAfter), which answers a PatientResponse or 304.
	PathPatients = "/v1/patients/"
	// PathLists begins PathLists + ListTrust, ListBlock, ListTerms, ListAlerts or
	// ListCover (GET; ETag), which answers the signed list as it is, in
	// ContentCOSE; of ListTerms the edition behind the one that QueryAfter names.
	PathLists = "/v1/lists/"
	// PathCards takes a CardRequest (POST) and answers a CardGrant; only
	// facilities of role issuer may call it.
	PathCards = "/v1/cards"
	// PathLogReceipts takes a LogReceiptRequest (POST) and answers a LogReceipt.
	PathLogReceipts = "/v1/log-receipts"
	// PathReleases takes a ReleaseRequest (POST) and answers a ReleaseAnswer; only
	// facilities of role clinic may call it.
	PathReleases = "/v1/releases"
	// PathHealth answers a Health (GET).
	PathHealth = "/v1/health"
)

// PatientRecordsPath returns the path of a patient's records.
func PatientRecordsPath(patient string) string { return PathPatients + patient + "/records" }

// PatientStandingPath returns the path of the standing of a person on a
// patient's card: the centre's sealed word on what was charged this year.
func PatientStandingPath(patient string, person uint8) string {
	return PathPatients + patient + "/standing/" + strconv.Itoa(int(person))
}

// Query parameters.
const (
	QueryCursor = "c"      // Cursor; empty or absent = from the beginning
	QueryMax    = "max"    // items wanted, 1..MaxItems, decimal
	QueryWait   = "wait"   // seconds to wait for a change, 0..MaxWait, decimal
	QueryDigest = "digest" // 32 hexadecimal digits, see Digest
	QueryAfter  = "after"  // PatientResponse.Next of the page before, or an edition, decimal
)

// Names of the signed lists.
const (
	ListTrust  = "trust"
	ListBlock  = "block"
	ListTerms  = "terms"
	ListAlerts = "alerts" // the table of alerts
	ListCover  = "cover"  // the rules of entitlement
)

// EditionName is the name under which an edition of a list that comes in
// editions, from the second on, is kept.
func EditionName(list string, edition uint32) string {
	return list + "-" + strconv.FormatUint(uint64(edition), 10)
}

// EditionTag is the ETag of a signed edition; of the first, which is part of
// every program and not signed, the bytes are its digest.
func EditionTag(list string, edition uint32, raw []byte) string {
	sum := sha256.Sum256(raw)
	return fmt.Sprintf("\"%s-%x\"", EditionName(list, edition), sum[:8])
}

// Media types and the one content encoding.
const (
	ContentCBOR  = "application/cbor"
	ContentCOSE  = "application/cose; cose-type=\"cose-sign1\""
	EncodingZstd = "zstd"
)

// Bounds. A message outside them is refused by Encode and by Decode alike; the
// bound of a whole body is ReadBody's.
const (
	MaxBody        = 4 << 20  // bytes of any body, before and after compression
	MaxItems       = 500      // entries in a push, a page of changes or of a patient
	MaxSealed      = 16 << 10 // bytes of one sealed entry (a card takes 2,000)
	MaxList        = 16 << 20 // bytes of a signed list: 270,000 keys, or 2 million cards
	MaxReceipt     = 32 << 10
	MaxIdentity    = 4096 // bytes of an identity or of a cover
	MaxCOSE        = 8192 // bytes of EF.CardSecurity or EF.ID
	MaxCertificate = 4096 // bytes of a CV or X.509 certificate
	MaxChain       = 8    // certificates of a terminal chain, links to newer anchors among them
	MaxAnchors     = 2    // anchors of a card
	MaxName        = 128  // bytes of a name
	MaxText        = 512  // bytes of an error's message or a URL
	MaxCode        = 32   // bytes of an error code
	MaxSubjects    = 1616 // bytes of the subjects of one card
	MaxPersons     = 16   // persons on one card
	MaxFingers     = 10   // templates of a patient
	MaxFinger      = 1560 // bytes of a template: one view of 255 minutiae, nothing behind it

	// MaxCardBody bounds the body of a CardRequest, a LogReceiptRequest and an
	// EnrolRequest.
	MaxCardBody = 64 << 10
	// MaxWait is the longest that a request for changes may wait.
	MaxWait = 55 * time.Second
	// CompressAbove is the body size from which a sender compresses.
	CompressAbove = 1 << 10
)

// The organisational unit of a facility's TLS certificate: what it may do.
// The common name is the facility's number in decimal.
const (
	RoleClinic = "clinic"
	RoleIssuer = "issuer"
)
