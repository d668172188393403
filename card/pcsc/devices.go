package pcsc

import (
	"regexp"
	"slices"
	"strings"
)

// A reader with contacts and an antenna shows as two readers in PC/SC, whose
// names differ in a word and in their numbers:
//
//	ACS ACR1281 1S Dual Reader [ACR1281 1S Dual Reader ICC] 00 00
//	ACS ACR1281 1S Dual Reader [ACR1281 1S Dual Reader PICC] 00 01
//	Identiv uTrust 4701 F Dual Interface Reader [uTrust 4701 F Contact Reader] (21221702) 00 00
//	Identiv uTrust 4701 F Dual Interface Reader [uTrust 4701 F CL Reader] (21221702) 01 00
//	HID Global OMNIKEY 5422 Smartcard Reader [OMNIKEY 5422CL Smartcard Reader] (KCH01) 01 00
//	OMNIKEY CardMan 5x21-CL 0
//
// Some names say nothing of contacts where the other half's says "CL".

// face is the side of a reader that a name speaks of.
type face uint8

const (
	faceUnknown face = iota
	faceContact
	faceContactless
)

var (
	// numbers at the end: reader and slot of pcsc-lite, or the number of Windows.
	numbers = regexp.MustCompile(` (?:[0-9A-F]{2} [0-9A-F]{2}|[0-9]+)$`)
	// the words for either side, by themselves or behind a model's number.
	contactless = regexp.MustCompile(`(?i)(?:\b|[0-9])(?:contactless|picc|cl|nfc|rfid)(?:\b|_)`)
	contact     = regexp.MustCompile(`(?i)\b(?:contact|icc)(?:\b|_)`)
	// what stands around the word.
	filler = regexp.MustCompile(`[-_ ]+`)
)

// split takes a name apart: the side, and the rest, which is the same for both
// sides of one reader.
func split(name string) (device string, side face) {
	device = numbers.ReplaceAllString(name, "")
	inner, outer := device, ""
	if from, to := strings.IndexByte(device, '['), strings.IndexByte(device, ']'); from >= 0 && to > from {
		inner, outer = device[from+1:to], device[:from]+device[to+1:]
	}
	switch {
	case contactless.MatchString(inner):
		side = faceContactless
		inner = contactless.ReplaceAllStringFunc(inner, keepDigit)
	case contact.MatchString(inner):
		side = faceContact
		inner = contact.ReplaceAllString(inner, "")
	}
	if outer != "" {
		inner = outer // the reader's name and serial number, without that of the side
	}
	return strings.TrimSpace(filler.ReplaceAllString(inner, " ")), side
}

// keepDigit keeps the digit that a word was found behind.
func keepDigit(found string) string {
	if found[0] >= '0' && found[0] <= '9' {
		return found[:1]
	}
	return ""
}

// Devices groups the names of readers by the device that they are part of, each
// named by its first reader. Readers belong together when their names differ
// in nothing but the word for their side and in numbers, and one of them is the
// contactless side: the slots of a reader with several alike stay apart. Of two
// devices of one kind and without serial numbers, the sides are taken in their
// order.
func Devices(names []string) map[string]string {
	device := make(map[string]string, len(names))
	type waiting struct{ with, without []string }
	kinds := make(map[string]*waiting)
	sorted := slices.Clone(names)
	slices.SortFunc(sorted, func(a, b string) int { return strings.Compare(numbers.FindString(a)+a, numbers.FindString(b)+b) })
	for _, name := range sorted {
		device[name] = name
		kind, side := split(name)
		if kinds[kind] == nil {
			kinds[kind] = &waiting{}
		}
		w := kinds[kind]
		if side == faceContactless {
			w.without = append(w.without, name)
		} else {
			w.with = append(w.with, name)
		}
	}
	for _, w := range kinds {
		for i := range min(len(w.with), len(w.without)) {
			first := min(w.with[i], w.without[i])
			device[w.with[i]], device[w.without[i]] = first, first
		}
	}
	return device
}
