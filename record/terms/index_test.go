package terms

import (
	"strconv"
	"testing"
)

// TestIndex holds the index against a map, with codes that differ little.
func TestIndex(t *testing.T) {
	var x index
	want := make(map[Code]place)
	for i := range 5000 {
		c := Code{System(i % int(NumSystems)), strconv.Itoa(i / 3)}
		if i%7 == 0 {
			c.Value = "LA" + c.Value + "0000000" + c.Value
		}
		if _, ok := want[c]; ok {
			continue
		}
		p := place{Slot(i % 5), uint32(i), 1}
		if _, ok := x.get(c); ok {
			t.Fatalf("%s is there already", c)
		}
		want[c] = p
		x.put(c, p)
	}
	y := x.clone()
	y.put(Code{Text, "more"}, place{})
	for c, p := range want {
		if got, ok := x.get(c); !ok || got != p {
			t.Errorf("%s: %v, %v", c, got, ok)
		}
	}
	if _, ok := x.get(Code{Text, "more"}); ok {
		t.Error("what was added to the copy is in the first one")
	}
	if _, ok := (&index{}).get(Code{}); ok {
		t.Error("something in an empty index")
	}
}

func BenchmarkFind(b *testing.B) {
	t := Current()
	codes := []Code{{LOINC, "8480-6"}, {SNOMED, "38341003"}, {RxNorm, "314231"}, {ICD10, "E11.9"}, {Text, "words"}}
	for b.Loop() {
		for _, c := range codes {
			t.Find(c)
		}
	}
}
