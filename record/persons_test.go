package record

import (
	"encoding/json"
	"errors"
	"reflect"
	"testing"
)

func aFamily() *Identity {
	name := Names{Latin: &Name{Given: []string{"Synthetic"}}}
	return &Identity{
		Names: name, Guards: PersonsOf(2, 9), // 9 is not on the card
		Family: []Member{
			{Person: 1, Relation: RelationSpouse, Guards: PersonsOf(0, 2), Names: name},
			{Person: 2, Relation: RelationChild, Names: name},
			{Relation: RelationGrandparent, Guards: PersonsOf(2), Names: name}, // has no records here
		},
	}
}

func TestVerifiesFor(t *testing.T) {
	id := aFamily()
	if id.Persons() != PersonsOf(0, 1, 2) {
		t.Errorf("persons %v", id.Persons().List())
	}
	for person, want := range map[uint8]Persons{
		0: PersonsOf(0, 2), 1: PersonsOf(0, 1, 2), 2: PersonsOf(2), 3: 0, 9: 0, 16: 0,
	} {
		if got := id.VerifiesFor(person); got != want {
			t.Errorf("person %d verifies for %v, want %v", person, got.List(), want.List())
		}
	}
	if id.Member(0) != nil || id.Member(3) != nil || id.Member(2) != &id.Family[1] {
		t.Error("member by number")
	}
}

func TestIdentityWithFamily(t *testing.T) {
	id := aFamily()
	b, err := id.Encode()
	if err != nil {
		t.Fatal(err)
	}
	back, err := DecodeIdentity(b)
	if err != nil || !reflect.DeepEqual(back, id) {
		t.Fatalf("%+v, %v", back, err)
	}
	text, err := json.Marshal(id)
	if err != nil {
		t.Fatal(err)
	}
	again := new(Identity)
	if err := json.Unmarshal(text, again); err != nil || !reflect.DeepEqual(again, id) {
		t.Fatalf("%s: %v", text, err)
	}
	for name, change := range map[string]func(*Identity){
		"a person twice":                func(id *Identity) { id.Family[1].Person = 1 },
		"holder as their own guardian":  func(id *Identity) { id.Guards |= PersonsOf(0) },
		"member as their own guardian":  func(id *Identity) { id.Family[0].Guards |= PersonsOf(1) },
		"person beyond those on a card": func(id *Identity) { id.Family[0].Person = 16 },
	} {
		bad := aFamily()
		change(bad)
		if err := bad.Validate(); !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, text := range []string{`[16]`, `[-1]`, `3`, `["1"]`} {
		var p Persons
		if err := json.Unmarshal([]byte(text), &p); !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: %v", text, err)
		}
	}
}
