package terms

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestFold(t *testing.T) {
	for in, want := range map[string]string{
		"أإآا":              "اااا",
		"مستشفى":            "مستشفي",
		"حساسيّة":           "حساسيه",
		"کورد":              "كورد",
		"بەرزی پەستان":      "بهرزي پهستان",
		"  HbA1c, (٪)  ":    "hba1c",
		"٣٤ ۵۶ 78":          "34 56 78",
		"ســـكر":            "سكر",
		"Crème":             "creme",
		"می\u200cخواهم":     "ميخواهم",
		"نۆرەی خەمۆکی":      "نورهي خهموكي",
		"E11.9":             "e11 9",
		"":                  "",
		"...":               "",
		"ڕێگرەکانی ACE":     "ريگرهكاني ace",
		"Type 2 diabetes":   "type 2 diabetes",
		"لۆسارتان/ڵۆسارتان": "لوسارتان لوسارتان",
	} {
		if got := Fold(in); got != want {
			t.Errorf("%q folds to %q, want %q", in, got, want)
		}
	}
}

func TestSearch(t *testing.T) {
	for _, c := range []struct {
		query string
		slot  Slot
		want  string // the code that must be among the first three
	}{
		{"diabetes type", Findings, "E11"},
		{"diabtes", Findings, "E14"},           // a letter left out
		{"hihg blood", Findings, "I10"},        // two swapped
		{"hypertention pulm", Findings, "I27"}, // a letter changed
		{"e119", Findings, ""},                 // a subdivision that the table lacks
		{"E11", Findings, "E11"},               // a code
		{"j18", Findings, "J18"},               //
		{"ارتفاع ضغط", Findings, "I10"},        //
		{"إرتفاع ضغط الدم", Findings, "I10"},   // another alef
		{"السكرى من النوع", Findings, "E11"},   // alef maqsura for ya
		{"ابو صفار", Findings, "R17"},          // what people say
		{"htn", Findings, "I10"},               // what doctors write
		{"CBC", Observations, "58410-2"},       //
		{"ادرار", Observations, "24357-6"},     //
		{"panadol", Medicines, "N02BE01"},      //
		{"التهاب رئه", Findings, "J18"},        //
		{"سكري", Findings, "E11"},              // without the article
		{"السكر", Findings, "E11"},             // with it, and only begun
		{"ضغط دم", Findings, "I10"},            //
		{"الته", Findings, "J06"},              // no article, though it begins like one
		{"بالسكرى", Findings, "E11"},           // behind a preposition
		{"بەرزي پەستاني", Findings, "I10"},     // Arabic ya in Sorani
		{"شەکرەی جۆری دوو", Findings, "E11"},   //
		{"شەكرەي جوري دوو", Findings, "E11"},   // as an Arabic keyboard has it
		{"metformin", Medicines, "A10BA02"},    //
		{"metfromin", Medicines, "A10BA02"},    //
		{"ميتفورمين", Medicines, "A10BA02"},    //
		{"amoxi clav", Medicines, "J01CR02"},   // beginnings of two words
		{"بارسيتامول", Medicines, "N02BE01"},   // an alef left out
		{"4548-4", Observations, "4548-4"},     //
		{"hba1c", Observations, "4548-4"},      //
		{"٤٥٤٨-٤", Observations, "4548-4"},     // Arabic digits
		{"۴۵۴۸-۴", Observations, "4548-4"},     // Persian digits
		{"کۆڤید", Vaccines, "208"},             //
		{"تلقيح", Acts, "vaccination"},         //
		{"کەم خوێنی", Findings, "D64"},         // written apart
		{"كەم خوێني", Findings, "D64"},         //
		{"urea", Observations, "3091-6"},       // what a laboratory reports, not its nitrogen
		{"يوريا الدم", Observations, "3091-6"}, //
		{"bun", Observations, "3094-0"},        //
		{"xyzzy", Findings, ""},                //
		{"   ", Findings, ""},                  //
		{strings.Repeat("a", MaxQuery+1), Findings, ""},
	} {
		got := Current().Search(c.query, 3, c.slot)
		if c.want == "" {
			if len(got) != 0 {
				t.Errorf("%.30q finds %v", c.query, got[0].Code)
			}
			continue
		}
		found := false
		for _, term := range got {
			found = found || term.Code.Value == c.want
		}
		if !found {
			t.Errorf("%q does not find %s but %v", c.query, c.want, got)
		}
	}
	if all := Current().Search("a", 7); len(all) != 7 {
		t.Errorf("%d hits, 7 asked for", len(all))
	}
}

func FuzzFold(f *testing.F) {
	f.Add("حساسيّة E11.9 ٣٤")
	f.Fuzz(func(t *testing.T, s string) {
		once := Fold(s)
		if twice := Fold(once); twice != once {
			t.Fatalf("%q folds to %q and that to %q", s, once, twice)
		}
		Current().Search(s, 3)
	})
}

// TestSearchFindsAsAScanDoes holds the index to a look at every row.
func TestSearchFindsAsAScanDoes(t *testing.T) {
	table := Base()
	index := table.lexicon()
	for _, query := range []string{"ارتفاع ضغ", "metfromin", "blood press", "e11", "E 11.9", "شەکرە", "a", "of the", "penicilin alergy", "xyzzy", "2093-3", "hypr", "فحص دم", "xmetformin", "etformin", "emtformin", "cetformin", "تفاع", "راتفاع", "سكري", "السكرى", "بالدم", "للحم", "الم"} {
		words := strings.Fields(Fold(query))
		code := strings.Join(words, "")
		var want []Code
		for _, slips := range []bool{false, true} {
			type hit struct{ row, cost int }
			var hits []hit
			for i := range index.rows {
				x := &index.rows[i]
				if cost := x.cost(words, code, slips); cost >= 0 && (!slips || x.cost(words, code, false) < 0) {
					hits = append(hits, hit{i, cost})
				}
			}
			slices.SortStableFunc(hits, func(a, b hit) int { return a.cost - b.cost })
			for _, h := range hits {
				want = append(want, table.Row(index.rows[h.row].slot, index.rows[h.row].number).Code)
			}
		}
		var got []Code
		for _, h := range table.Query(Query{Text: query, Limit: 1 << 20}) {
			got = append(got, h.Code)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%q: %d found, %d by a scan", query, len(got), len(want))
		}
	}
	for _, h := range table.Query(Query{Text: "a", Limit: 50, Slots: []Slot{Medicines}, Systems: []System{ATC}}) {
		if h.Slot != Medicines || h.Code.System != ATC {
			t.Errorf("%s of %s was not asked for", h.Code, h.Slot)
		}
	}
	if got := table.Query(Query{Text: "a", Limit: -1}); len(got) != 0 {
		t.Error("a limit below nothing")
	}
}

func benchmarkSearch(b *testing.B, table *Table) {
	b.Helper()
	table.Search("x", 1) // gathers the words
	for name, query := range map[string]string{"begun": "ارتفاع ضغ", "letter": "a", "slip": "metfromin", "none": "xyzzy"} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				table.Search(query, 10)
			}
		})
	}
}

func BenchmarkSearch(b *testing.B) { benchmarkSearch(b, Base()) }

// BenchmarkSearchLarge searches an edition of 20,000 rows, whose words are made
// of those of the first.
func BenchmarkSearchLarge(b *testing.B) {
	base := Base()
	var text strings.Builder
	for n := base.Len(Findings); n < 20000; n++ {
		one, other := base.Row(Findings, uint32(n%base.Len(Findings))), base.Row(Medicines, uint32(n%base.Len(Medicines)))
		fmt.Fprintf(&text, "finding\tdhamani\tx%d\t-", n)
		for i := range one.Display {
			fmt.Fprintf(&text, "\t%s%d %s", one.Display[i], n%97, other.Display[i])
		}
		text.WriteByte('\n')
	}
	large, err := base.Extend(text.String())
	if err != nil {
		b.Fatal(err)
	}
	b.Run("gather", func(b *testing.B) {
		for b.Loop() {
			new(lexicon).gather(large)
		}
	})
	benchmarkSearch(b, large)
}
