package pcsc

import (
	"fmt"
	"testing"
)

func TestDevices(t *testing.T) {
	for name, c := range map[string]struct {
		readers []string
		want    []int // the device of each, by number
	}{
		"none":    {nil, nil},
		"one":     {[]string{"Gemalto PC Twin Reader 00 00"}, []int{0}},
		"virtual": {[]string{"Virtual PCD 00 00", "Virtual PCD 00 01"}, []int{0, 1}},
		"two alike of contacts": {
			[]string{"Gemalto PC Twin Reader (A1) 00 00", "Gemalto PC Twin Reader (B2) 01 00"}, []int{0, 1},
		},
		"slots of one interface": {
			[]string{"ACS ACR1281 1S Dual Reader [ACR1281 1S Dual Reader ICC] 00 00", "ACS ACR1281 1S Dual Reader [ACR1281 1S Dual Reader PICC] 00 01"},
			[]int{0, 0},
		},
		"two interfaces with a serial number": {
			[]string{
				"Identiv uTrust 4701 F Dual Interface Reader [uTrust 4701 F Contact Reader] (21221702203915) 00 00",
				"Identiv uTrust 4701 F Dual Interface Reader [uTrust 4701 F CL Reader] (21221702203915) 01 00",
			},
			[]int{0, 0},
		},
		"contactless side first, word behind a number": {
			[]string{
				"HID Global OMNIKEY 5422 Smartcard Reader [OMNIKEY 5422CL Smartcard Reader] (KC1) 00 00",
				"HID Global OMNIKEY 5422 Smartcard Reader [OMNIKEY 5422 Smartcard Reader] (KC1) 01 00",
			},
			[]int{0, 0},
		},
		"windows": {[]string{"OMNIKEY CardMan 5x21 0", "OMNIKEY CardMan 5x21-CL 0", "ACS ACR1252 1S CL Reader PICC 0"}, []int{0, 0, 2}},
		"windows, numbers of their own": {
			[]string{"Gemalto Prox-DU Contact_11100100 0", "Gemalto Prox-DU Contactless_11100100 0"}, []int{0, 0},
		},
		"two devices with serial numbers": {
			[]string{
				"X Dual [X ICC] (1) 00 00", "X Dual [X PICC] (1) 01 00", "X Dual [X ICC] (2) 02 00", "X Dual [X PICC] (2) 03 00",
			},
			[]int{0, 0, 2, 2},
		},
		"two devices without": {
			[]string{"X Dual [X ICC] 00 00", "X Dual [X PICC] 00 01", "X Dual [X ICC] 01 00", "X Dual [X PICC] 01 01"},
			[]int{0, 0, 2, 2},
		},
		"different devices":  {[]string{"Maker A Reader Contact 00 00", "Maker B Reader CL 01 00"}, []int{0, 1}},
		"words within words": {[]string{"Clinic Reader 00 00", "Contactor Reader 00 01"}, []int{0, 1}},
		"a contactless alone": {
			[]string{"ACS ACR122U PICC Interface 00 00", "ACS ACR122U PICC Interface 01 00"}, []int{0, 1},
		},
	} {
		t.Run(name, func(t *testing.T) {
			got := Devices(c.readers)
			if len(got) != len(c.readers) {
				t.Fatalf("%d devices of %d readers", len(got), len(c.readers))
			}
			for i, r := range c.readers {
				for j, other := range c.readers {
					if same, want := got[r] == got[other], c.want[i] == c.want[j]; same != want {
						t.Errorf("%q and %q: one device %v, want %v", r, other, same, want)
					}
				}
			}
		})
	}
}

func FuzzDevices(f *testing.F) {
	f.Add("X Dual [X ICC] 00 00", "X Dual [X PICC] 00 01", "CL 0")
	f.Fuzz(func(t *testing.T, a, b, c string) {
		names := []string{a, b, c}
		got := Devices(names)
		for _, n := range names {
			if d, ok := got[n]; !ok || got[d] != d {
				t.Fatalf("device of %q is %q", n, fmt.Sprint(got))
			}
		}
	})
}
