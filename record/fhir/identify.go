package fhir

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/url"

	"github.com/dhamani-iq/dhamani/record"
)

// named is the part of a resource that holds its business identifiers.
type named struct {
	Identifier []identifier `json:"identifier,omitempty"`
}

func (n *named) identify(id identifier) { n.Identifier = append(n.Identifier, id) }

// ownIdentifiers reports whether a list of identifiers has only such that an
// export makes anew.
func ownIdentifiers(list []byte) bool {
	w := walker{b: list}
	if w.next() != '[' {
		return false
	}
	own := true
	for w.i++; w.next() != ']' && w.i < len(w.b); {
		var system []byte
		members(w.skip(), func(name, value []byte) {
			if string(name) == "system" {
				system = bytes.Trim(value, `"`)
			}
		})
		own = own && ownSystem(string(system))
	}
	return own
}

// own reports whether an export made an identifier.
func (id *identifier) own() bool { return ownSystem(id.System) }

// ownSystem reports whether an export makes the identifiers of a system: they
// name a resource, and say nothing of the patient.
func ownSystem(uri string) bool { return uri == uriItem || uri == uriPatient || uri == uriEntry }

// seedOf names an entry: by its identifier, or by its content when it was
// never sealed. It owes record.ErrInvalid.
func seedOf(e *record.Entry) ([32]byte, error) {
	if e.ID != (record.EntryID{}) {
		return e.ID, nil
	}
	sections, err := e.Sections()
	if err != nil {
		return [32]byte{}, err
	}
	h := sha256.New()
	meta := e.Meta()
	var head [9]byte
	binary.BigEndian.PutUint64(head[:], uint64(meta.Start.Unix())) // #nosec G115 -- never before 2000
	head[8] = meta.Person
	h.Write(head[:])
	for _, s := range record.AllSections() {
		h.Write(sections[s])
	}
	return [32]byte(h.Sum(nil)), nil
}

// uuid names a resource by the entry it comes from, its type and the item that
// it tells, so that it has one name in every kind of Bundle, whichever sections
// of the entry were open. Of items that are alike, each has its own. It is a
// UUID of version 8 (RFC 9562, 5.8).
func (x *exporter) uuid(kind string, item any) string {
	raw, err := json.Marshal(item)
	if err != nil && x.err == nil {
		x.err = fmt.Errorf("%s: %w", kind, err)
	}
	h := sha256.New()
	h.Write([]byte("dhamani fhir id v2\x00" + kind + "\x00"))
	h.Write(x.seed[:])
	h.Write(raw)
	key := [32]byte(h.Sum(nil))
	again := x.alike[key]
	x.alike[key]++
	id := sha256.Sum256(binary.BigEndian.AppendUint32(key[:], again))
	id[6], id[8] = id[6]&0x0f|0x80, id[8]&0x3f|0x80
	s := hex.EncodeToString(id[:16])
	return s[:8] + "-" + s[8:12] + "-" + s[12:16] + "-" + s[16:20] + "-" + s[20:]
}

// add appends a resource that can be identified and returns a reference to it.
// item is what of the entry it tells, nil for the entry itself.
func (x *exporter) add(v interface{ identify(identifier) }, kind string, item any) *reference {
	id := x.uuid(kind, item)
	own := identifier{System: uriItem, Value: id}
	v.identify(own)
	return x.put(v, kind, id, own)
}

// put appends a resource. In a transaction it is created unless there is one
// of that identifier already, so that sending a Bundle again changes nothing;
// one that counts no more takes the place of what is there.
// A resource whose type has no identifier is put at an address of its own,
// which comes to the same.
func (x *exporter) put(v any, kind, id string, key identifier) *reference {
	raw, err := json.Marshal(v)
	if err != nil && x.err == nil {
		x.err = fmt.Errorf("%s: %w", kind, err)
	}
	void := x.void && voidElements[kind] != ""
	if void && err == nil {
		if raw, err = voided(kind, raw); err != nil && x.err == nil {
			x.err = fmt.Errorf("%s: %w", kind, err)
		}
	}
	e := bundleEntry{FullURL: "urn:uuid:" + id, Resource: raw}
	if x.Form == Transaction {
		query := "identifier=" + url.QueryEscape(key.System) + "%7C" + url.QueryEscape(key.Value)
		switch {
		case key == (identifier{}):
			e.Request = &request{Method: "PUT", URL: kind + "/" + id}
		case void: // the server may have it from before
			e.Request = &request{Method: "PUT", URL: kind + "?" + query}
		default:
			e.Request = &request{Method: "POST", URL: kind, IfNoneExist: query}
		}
	}
	x.out.Entry = append(x.out.Entry, e)
	return &reference{Reference: e.FullURL}
}
