// Package eval measures extraction and matching as the Fingerprint Verification
// Competitions do: every impression of a finger with every other, and with
// those of all other fingers.
package eval

import (
	"math"
	"slices"
)

// Metrics are error rates in percent.
type Metrics struct {
	EER     float64 `json:"eer"`     // where as many are wrongly refused as accepted
	FMR100  float64 `json:"fmr100"`  // wrongly refused where 1 in 100 is wrongly accepted
	FMR1000 float64 `json:"fmr1000"` // the same of 1 in 1000
	ZeroFMR float64 `json:"zerofmr"` // the same of none
}

// Measure returns the error rates of scores: a score at or above the threshold
// is accepted, and the thresholds are the scores themselves. It returns zeros
// where one of the kinds is missing.
func Measure(genuine, impostor []float64) Metrics {
	if len(genuine) == 0 || len(impostor) == 0 {
		return Metrics{}
	}
	g, i := slices.Sorted(slices.Values(genuine)), slices.Sorted(slices.Values(impostor))
	all := slices.Concat(g, i, []float64{math.Inf(1)})
	slices.Sort(all)
	all = slices.Compact(all)
	m := Metrics{EER: -1, FMR100: -1, FMR1000: -1, ZeroFMR: -1}
	last := 2.0 // the sum of both rates at the threshold before
	for _, t := range all {
		below, _ := slices.BinarySearch(g, t)
		refused := float64(below) / float64(len(g))
		below, _ = slices.BinarySearch(i, t)
		accepted := 1 - float64(below)/float64(len(i))
		if m.EER < 0 && refused >= accepted {
			m.EER = 50 * min(last, refused+accepted)
		}
		last = refused + accepted
		for _, at := range []struct {
			rate float64
			to   *float64
		}{{1e-2, &m.FMR100}, {1e-3, &m.FMR1000}, {0, &m.ZeroFMR}} {
			if *at.to < 0 && accepted <= at.rate {
				*at.to = 100 * refused
			}
		}
	}
	return m
}

// Median returns the middle of x, 0 of nothing.
func Median(x []float64) float64 {
	if len(x) == 0 {
		return 0
	}
	return slices.Sorted(slices.Values(x))[len(x)/2]
}
