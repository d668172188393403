package main

import (
	"bytes"
	"encoding/json"
	"testing"
)

func runBench(t *testing.T, args ...string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	root := newRootCommand(&globals{})
	root.SetOut(&out)
	root.SetErr(&out)
	root.SetArgs(append([]string{"card", "bench"}, args...))
	err := root.ExecuteContext(t.Context())
	return out.String(), err
}

// TestCardBench holds the times that a visit is promised to take on the card,
// and those of the links.
func TestCardBench(t *testing.T) {
	bench := func(args ...string) (f benchFigures) {
		t.Helper()
		out, err := runBench(t, append(args, "--json")...)
		if err != nil {
			t.Fatal(err)
		}
		d := json.NewDecoder(bytes.NewReader([]byte(out)))
		d.DisallowUnknownFields()
		if err := d.Decode(&f); err != nil {
			t.Fatal(err)
		}
		return f
	}
	got := bench("--link", "424k")
	for _, tt := range []struct {
		name  string
		got   benchFigure
		most  float64 // ms
		apdus int
	}{
		{"tap", got.Tap, 450, 13},
		{"read of 16 KB", got.Read16K, 600, 8},
		{"append of 500 bytes", got.Append500, 120, 1},
	} {
		if tt.got.MS > tt.most || tt.got.Ratio > 1.15 || tt.got.Ratio < 1 || tt.got.MS < tt.got.FloorMS || tt.got.APDUs != tt.apdus {
			t.Errorf("%s: %+v, want at most %.0f ms, %d commands", tt.name, tt.got, tt.most, tt.apdus)
		}
	}
	for _, link := range []string{"106k", "212k", "848k", "t1"} {
		other := bench("--link", link)
		if slower := other.Read16K.MS > got.Read16K.MS; slower != (link != "848k") {
			t.Errorf("%s: %+v", link, other.Read16K)
		}
	}
	if short := bench("--short"); short.Read16K.APDUs <= 8 || short.Read16K.MS > 600 || short.Tap.MS > 450 {
		t.Errorf("short commands: %+v", short)
	}
}

func TestCardBenchLink(t *testing.T) {
	if _, err := runBench(t, "--link", "9600"); err == nil {
		t.Error("unknown link taken")
	}
	out, err := runBench(t)
	if err != nil || !bytes.Contains([]byte(out), []byte("append 500 bytes")) {
		t.Errorf("%q, %v", out, err)
	}
}
