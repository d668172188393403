package record

import (
	"bytes"
	"encoding/json"
	"testing"
)

func FuzzDecode(f *testing.F) {
	for _, e := range append(vectorEntries(), full()) {
		all, err := e.Sections()
		if err != nil {
			f.Fatal(err)
		}
		for s, b := range all {
			f.Add(uint8(s), b)
		}
	}
	f.Add(uint8(SectionCoverage), []byte{0x01, 0x01})                                    // core fields alone, in the wrong section
	f.Add(uint8(SectionCoverage), append([]byte{0x06, 0x58, 0x20}, make([]byte, 32)...)) // but for an amendment
	f.Add(uint8(SectionClinical), []byte{0, 3, 0x0e, 0x19, 2, 0x58})                     // a row of a later edition
	f.Fuzz(func(t *testing.T, s uint8, b []byte) {
		section := Section(s % NumSections)
		e, err := Decode(Meta{Start: Epoch}, map[Section][]byte{section: b})
		if err != nil {
			return
		}
		again, err := e.Sections()
		if err != nil || len(again) != 1 || !bytes.Equal(again[section], b) {
			t.Fatalf("%x became %x, %v", b, again, err)
		}
		text, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		var back Entry
		if err := json.Unmarshal(text, &back); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if third, err := back.Sections(); err != nil || !bytes.Equal(third[section], b) {
			t.Fatalf("through JSON %x became %x, %v\n%s", b, third, err, text)
		}
	})
}

func vectorEntries() []*Entry {
	var out []*Entry
	for _, v := range vectors() {
		out = append(out, v.e)
	}
	return out
}

func FuzzDecodeIdentity(f *testing.F) {
	id := &Identity{
		Names: Names{Arabic: &Name{Given: []string{"آمنة"}, Family: "x"}, Latin: &Name{Family: "y"}}, Sex: SexFemale,
		Born: Day(1984, 3, 12), NationalNumber: "1", Language: "ckb", Address: &Address{City: "Kirkuk"},
		Family: []Member{{Person: 1, Relation: RelationChild, Names: Names{Sorani: &Name{Given: []string{"ک"}}}}},
	}
	raw, err := id.Encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(raw)
	f.Fuzz(func(t *testing.T, b []byte) {
		id, err := DecodeIdentity(b)
		if err != nil {
			return
		}
		if again, err := id.Encode(); err != nil || !bytes.Equal(again, b) {
			t.Fatalf("%x became %x, %v", b, again, err)
		}
	})
}

func FuzzDecodeCover(f *testing.F) {
	v := &Cover{
		Payer: "Dhamani", Plan: "Family", Member: "1", Relation: RelationSelf, From: Day(2026, 1, 1), Copay: 2,
		Counters: []Counter{{Kind: "visits", Year: 2026, Allowed: 12, Used: 3}, {Kind: "dental", Person: 2, Year: 2026, Allowed: 125000}},
		Chronic:  PersonsOf(0, 2), Without: PersonsOf(3),
	}
	raw, err := v.Encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(raw)
	f.Fuzz(func(t *testing.T, b []byte) {
		v, err := DecodeCover(b)
		if err != nil {
			return
		}
		if again, err := v.Encode(); err != nil || !bytes.Equal(again, b) {
			t.Fatalf("%x became %x, %v", b, again, err)
		}
	})
}

func FuzzDecodeSummary(f *testing.F) {
	raw, err := Summarise(&Summary{Contact: &Contact{Phone: "1"}}, append(vectorEntries(), full()), Epoch.AddDate(26, 3, 0)).Encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(raw)
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := DecodeSummary(b)
		if err != nil {
			return
		}
		if again, err := s.Encode(); err != nil || !bytes.Equal(again, b) {
			t.Fatalf("%x became %x, %v", b, again, err)
		}
		_ = s.Alerts()
	})
}

// visits are the ordinary visit of the document, of four sections, and the same
// without its prescription, of three.
func visits() map[string]*Entry {
	four := vectors()[1].e
	three := *four
	three.Prescriptions = nil
	return map[string]*Entry{"three-sections": &three, "four-sections": four}
}

func BenchmarkEncode(b *testing.B) {
	for name, e := range visits() {
		b.Run(name, func(b *testing.B) {
			var room []byte
			for b.Loop() {
				var err error
				if room, _, err = e.AppendTo(room[:0]); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkDecode(b *testing.B) {
	for name, e := range visits() {
		b.Run(name, func(b *testing.B) {
			sections, err := e.Sections()
			if err != nil {
				b.Fatal(err)
			}
			meta := e.Meta()
			for b.Loop() {
				if _, err := Decode(meta, sections); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
