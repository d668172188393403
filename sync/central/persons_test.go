package central_test

import (
	"bytes"
	"crypto/rand"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/dhamani-iq/dhamani/crypto/cvc"
	"github.com/dhamani-iq/dhamani/crypto/envelope"
	"github.com/dhamani-iq/dhamani/record"
	"github.com/dhamani-iq/dhamani/sync/wire"
)

func name(given string) record.Names {
	return record.Names{Latin: &record.Name{Given: []string{given}, Family: "Testpatient"}}
}

// householdOf is an identity with a family.
func householdOf(members ...record.Member) *record.Identity {
	return &record.Identity{Names: name("Zainab"), Family: members}
}

func encoded(tb testing.TB, id *record.Identity) []byte {
	tb.Helper()
	raw, err := id.Encode()
	if err != nil {
		tb.Fatal(err)
	}
	return raw
}

// entryOf seals an entry of one person of a grant.
func entryOf(tb testing.TB, grant *wire.CardGrant, person uint8, author envelope.Author) wire.Envelope {
	tb.Helper()
	subjects, err := envelope.ParseSubjects(grant.Subjects)
	if err != nil {
		tb.Fatal(err)
	}
	subject, err := subjects.Of(person)
	if err != nil {
		tb.Fatal(err)
	}
	i := slices.IndexFunc(grant.Persons, func(p wire.PersonKeys) bool { return p.Person == person })
	keys, err := envelope.KeysFromMap(grant.Persons[i].Keys.Map(), subject)
	if err != nil {
		tb.Fatal(err)
	}
	raw, err := envelope.Seal(subject, keys, author, envelope.Meta{Person: person, Time: time.Now()},
		map[record.Section][]byte{record.SectionClinical: []byte("text")}, rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	return wire.Envelope{Patient: grant.Patient, Sealed: raw}
}

// TestFamily follows a family over three cards: a person comes, a person goes.
func TestFamily(t *testing.T) {
	c := newCentre(t, unlimited)
	clinic, station := c.enrol(t, 12, cvc.RoleReceptionist), c.enrol(t, 9001, cvc.RoleIssuer)
	author := envelope.Author{KID: clinic.grant.AuthorKID, Signer: clinic.author}
	spouse := record.Member{Person: 1, Relation: record.RelationSpouse, Names: name("Ali"), Born: record.Day(1980, 5, 6)}
	child := record.Member{Person: 3, Relation: record.RelationChild, Names: name("Noor")}
	issue := func(req *wire.CardRequest) *wire.CardGrant {
		t.Helper()
		grant := new(wire.CardGrant)
		if _, err := station.do(t.Context(), http.MethodPost, wire.PathCards, req, grant); err != nil {
			t.Fatal(err)
		}
		return grant
	}
	persons := func(grant *wire.CardGrant) (keys, signed, ever []uint8) {
		t.Helper()
		file, err := c.auth.Trust().Identity(grant.IDFile)
		if err != nil {
			t.Fatal(err)
		}
		subjects, err := envelope.ParseSubjects(grant.Subjects)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range grant.Persons {
			keys = append(keys, p.Person)
		}
		return keys, file.Subjects.Persons(), subjects.Persons()
	}
	push := func(item wire.Envelope, status wire.Status, code string) {
		t.Helper()
		res, err := clinic.push(t.Context(), newBatch(t), item)
		if err != nil || res.Results[0].Status != status || res.Results[0].Code != code {
			t.Fatalf("%+v, %v", res, err)
		}
	}

	first := newCardRequest(t)
	first.Identity = encoded(t, householdOf(spouse))
	one := issue(first)
	if keys, signed, ever := persons(one); !slices.Equal(keys, []uint8{0, 1}) || !slices.Equal(signed, keys) || !slices.Equal(ever, keys) {
		t.Fatalf("keys of %v, signed %v, ever %v", keys, signed, ever)
	}
	push(entryOf(t, one, 1, author), wire.StatusNew, "")
	moved := entryOf(t, one, 1, author)
	moved.Sealed[1] = 0 // says that it is the holder's
	push(moved, wire.StatusRejected, wire.RejectSignature)
	moved = entryOf(t, one, 1, author)
	moved.Sealed[1] = 3
	push(moved, wire.StatusRejected, wire.RejectUnknownPerson)

	second := newCardRequest(t)
	second.Replaces, second.Identity = first.Card, encoded(t, householdOf(spouse, child))
	two := issue(second)
	if keys, signed, _ := persons(two); !slices.Equal(keys, []uint8{0, 1, 3}) || !slices.Equal(signed, keys) {
		t.Fatalf("keys of %v, signed %v", keys, signed)
	}
	push(entryOf(t, two, 3, author), wire.StatusNew, "") // the centre had the subjects without the child at hand

	third := newCardRequest(t)
	third.Replaces, third.Identity = second.Card, encoded(t, householdOf(child))
	three := issue(third)
	if keys, signed, ever := persons(three); !slices.Equal(keys, []uint8{0, 3}) || !slices.Equal(signed, keys) || !slices.Equal(ever, []uint8{0, 1, 3}) {
		t.Fatalf("keys of %v, signed %v, ever %v", keys, signed, ever)
	}
	for i, person := range map[int]int{0: 0, 1: 2} {
		if !bytes.Equal(three.Persons[i].Keys[4], two.Persons[person].Keys[4]) {
			t.Errorf("person %d has other keys than before", three.Persons[i].Person)
		}
	}
	push(entryOf(t, one, 1, author), wire.StatusNew, "") // from an old card that comes by late

	// A number is nobody else's, neither one in use nor one given up.
	stranger := record.Member{Person: 3, Relation: record.RelationChild, Names: name("Huda")}
	back := spouse
	corrected := child
	corrected.Born = record.Day(2019, 1, 2)
	for what, member := range map[string]record.Member{"a number in use": stranger, "a number given up": back} {
		req := newCardRequest(t)
		req.Replaces, req.Identity = third.Card, encoded(t, householdOf(member))
		status, err := station.do(t.Context(), http.MethodPost, wire.PathCards, req, &wire.CardGrant{})
		if t.Run(what, func(t *testing.T) { wantCode(t, status, err, http.StatusBadRequest, wire.CodeBadRequest) }) && c.auth.Trust().Blocked(third.Card) {
			t.Errorf("%s: the card was blocked all the same", what)
		}
	}
	// Twins have one day of birth: they keep their numbers all the same.
	twin := record.Member{Person: 4, Relation: record.RelationChild, Names: name("Sara"), Born: corrected.Born}
	fourth := newCardRequest(t)
	fourth.Replaces, fourth.Identity = third.Card, encoded(t, householdOf(corrected, twin))
	issue(fourth)
	swapped := newCardRequest(t)
	corrected.Person, twin.Person = twin.Person, corrected.Person
	swapped.Replaces, swapped.Identity = fourth.Card, encoded(t, householdOf(twin, corrected))
	status, err := station.do(t.Context(), http.MethodPost, wire.PathCards, swapped, &wire.CardGrant{})
	wantCode(t, status, err, http.StatusBadRequest, wire.CodeBadRequest)
}
