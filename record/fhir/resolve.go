package fhir

import (
	"errors"
	"net/url"
	"slices"
	"strings"
)

// Reasons for not taking a resource, whatever its kind.
var (
	errOther    = errors.New("about another person")
	errModified = errors.New("changed in its meaning by an extension that is not known")
)

// index notes the names by which a resource may be referred to: its address,
// and its type and identifier. One with an identifier alone, or with a
// urn:uuid: address alone, has the other name too.
func (im *importer) index(x *res) {
	add := func(ref string) {
		if _, ok := im.byRef[ref]; !ok && ref != "" {
			im.byRef[ref] = x
		}
	}
	add(x.url)
	id := x.id
	if uuid, ok := strings.CutPrefix(x.url, "urn:uuid:"); ok && id == "" {
		id = uuid
	}
	if id == "" {
		return
	}
	add(x.kind + "/" + id)
	if x.url == "" {
		add("urn:uuid:" + id)
	}
}

// resolve finds what a reference names in the Bundle, by its full address, or
// by type and id at the end of one. What has an address of another server is
// another resource, though it has the same type and id.
func (im *importer) resolve(ref *reference, kind string) *res {
	if ref == nil || ref.Reference == "" {
		return nil
	}
	x, ok := im.byRef[ref.Reference]
	if !ok {
		parts := strings.Split(strings.TrimSuffix(ref.Reference, "/"), "/")
		if i := slices.Index(parts, "_history"); i > 0 {
			parts = parts[:i]
		}
		if n := len(parts); n >= 2 {
			x = im.byRef[parts[n-2]+"/"+parts[n-1]]
		}
		address := strings.Join(parts, "/")
		if x != nil && strings.Contains(address, "://") && strings.Contains(x.url, "://") && x.url != address {
			return nil
		}
	}
	if x == nil || (kind != "" && x.kind != kind) {
		return nil
	}
	return x
}

// modifier is the name of what may turn the meaning of an element round. Who
// does not know such an extension must not read the resource (FHIR R4, 2.4.0).
const modifier = "modifierExtension"

// admit says whether a resource may be read at all: it is about the holder,
// and nothing changes what it means. It owes errOther, errModified and
// errMalformed.
func (im *importer) admit(x *res) error {
	if x.modified {
		return errModified
	}
	return im.mine(x)
}

// mine says whether a resource is about the holder, or does not say about whom
// it is. It owes errOther and errMalformed.
func (im *importer) mine(x *res) error {
	if x.whose == "" || im.holder == nil || x == im.holder {
		return nil
	}
	err, known := im.about[x.whose]
	if !known {
		var ref reference
		switch {
		case read([]byte(x.whose), &ref) != nil:
			err = errMalformed
		case !im.names(&ref):
			err = errOther
		}
		im.about[x.whose] = err
	}
	return err
}

// names reports whether a reference names the holder: by what is in the
// Bundle, or by an identifier. One that names nobody in a Bundle is another's,
// unless the holder has no name there by which to tell.
func (im *importer) names(ref *reference) bool {
	if ref.Reference == "" {
		return ref.Identifier == nil || im.identifies(*ref.Identifier)
	}
	if x := im.resolve(ref, ""); x != nil {
		return x == im.holder
	}
	if query, ok := strings.CutPrefix(ref.Reference, "Patient?"); ok {
		return im.answers(query)
	}
	return im.holder.id == "" && im.holder.url == ""
}

// answers reports whether the holder is who a conditional reference asks for.
func (im *importer) answers(query string) bool {
	ask, err := url.ParseQuery(query)
	if err != nil || len(ask) != 1 || len(ask["identifier"]) != 1 {
		return false
	}
	system, value, ok := strings.Cut(ask["identifier"][0], "|")
	if !ok {
		system, value = "", system
	}
	return im.identifies(identifier{System: system, Value: value})
}

// identifies reports whether an identifier is one of the holder's.
func (im *importer) identifies(id identifier) bool {
	if im.numbers == nil {
		im.numbers = make(map[identifier]bool)
		var n named
		if read(im.holder.raw, &n) == nil {
			for _, own := range n.Identifier {
				im.numbers[identifier{Value: own.Value}] = true // of whatever system
				im.numbers[identifier{System: own.System, Value: own.Value}] = true
			}
		}
	}
	return id.Value != "" && im.numbers[identifier{System: id.System, Value: id.Value}]
}
