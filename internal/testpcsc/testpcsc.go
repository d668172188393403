// Package testpcsc lends the machine's PC/SC service and its two virtual
// readers to one test at a time, across all packages' test processes. It is
// test support: nothing in the product imports it.
//
// The service is Debian's pcscd with vsmartcard-vpcd. With DHAMANI_PCSC=1 a
// machine without them fails the test, else the test is skipped. A pcscd that
// tests may kill is one that a test started, or that DHAMANI_PCSCD_PID names
// (tools/with-pcscd.sh sets it).
package testpcsc

import (
	"os"
	"testing"
)

// Slot is one virtual reader: dialling Addr (TCP) puts a card into Reader,
// closing the connection takes it out.
type Slot struct{ Reader, Addr string }

// Slots are the virtual readers of an untouched vsmartcard-vpcd.
func Slots() [2]Slot {
	return [2]Slot{
		{Reader: "Virtual PCD 00 00", Addr: "127.0.0.1:35963"},
		{Reader: "Virtual PCD 00 01", Addr: "127.0.0.1:35964"},
	}
}

const (
	requiredVariable = "DHAMANI_PCSC"
	pidVariable      = "DHAMANI_PCSCD_PID"
)

// missing ends the test for want of a PC/SC service: skipped, or failed when
// this run must have one.
func missing(tb testing.TB, format string, args ...any) {
	tb.Helper()
	if os.Getenv(requiredVariable) == "1" {
		tb.Fatalf("real PC/SC is demanded by "+requiredVariable+"=1, but "+format, args...)
	}
	tb.Skipf("no real PC/SC: "+format+" (tools/with-pcscd.sh starts it)", args...)
}
