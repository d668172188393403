//go:build unix

package fhir

import (
	"encoding/json"
	"syscall"
	"testing"
	"time"

	"github.com/fxamacker/cbor/v2"

	"github.com/dhamani-iq/dhamani/record"
)

// encoded is an encounter of the Synthea patients with its content.
type encoded struct {
	e        *record.Entry
	meta     record.Meta
	sections map[record.Section][]byte
	json     []byte
}

func encounters(tb testing.TB) []encoded {
	tb.Helper()
	var out []encoded
	for _, p := range synthea(tb) {
		for _, e := range p.Entries {
			sections, err := e.Sections()
			if err != nil {
				tb.Fatal(err)
			}
			text, err := json.Marshal(e)
			if err != nil {
				tb.Fatal(err)
			}
			out = append(out, encoded{e, e.Meta(), sections, text})
		}
	}
	return out
}

// userTime is the processor time that the process has used: a figure for a
// machine that does other things as well.
func userTime(tb testing.TB) time.Duration {
	tb.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		tb.Fatal(err)
	}
	return time.Duration(u.Utime.Nano())
}

// each runs f for every encounter and tells the processor time of one.
func each(b *testing.B, all []encoded, f func(*encoded)) {
	b.Helper()
	b.ReportAllocs()
	n, start := 0, userTime(b)
	for b.Loop() {
		f(&all[n%len(all)])
		n++
	}
	b.ReportMetric(float64(userTime(b)-start)/float64(n), "user-ns/op")
}

// BenchmarkSynthea encodes and decodes the encounters of the Synthea patients,
// one after the other, and lets others read the same bytes.
func BenchmarkSynthea(b *testing.B) {
	all := encounters(b)
	b.Run("encode", func(b *testing.B) {
		var room []byte
		each(b, all, func(x *encoded) {
			var err error
			if room, _, err = x.e.AppendTo(room[:0]); err != nil {
				b.Fatal(err)
			}
		})
	})
	b.Run("decode", func(b *testing.B) {
		each(b, all, func(x *encoded) {
			if _, err := record.Decode(x.meta, x.sections); err != nil {
				b.Fatal(err)
			}
		})
	})
	b.Run("decode by a general library", func(b *testing.B) {
		each(b, all, func(x *encoded) {
			for _, rest := range x.sections {
				for len(rest) > 0 {
					var v any
					var err error
					if rest, err = cbor.UnmarshalFirst(rest, &v); err != nil {
						b.Fatal(err)
					}
				}
			}
		})
	})
	b.Run("decode from JSON", func(b *testing.B) {
		each(b, all, func(x *encoded) {
			var e record.Entry
			if err := json.Unmarshal(x.json, &e); err != nil {
				b.Fatal(err)
			}
		})
	})
}
