package softcard

import (
	"github.com/dhamani-iq/dhamani/card"
)

// memoryMap says where everything lies in the non-volatile memory. Everything
// begins on a page of its own, so that a torn step never touches two things.
//
//	head slots 2 x 192 | cells | EF.CardSecurity | EF.ID | EF.PHOTO | EF.SUM 2 x 2048 | EF.LOG | EF.AUDIT
//
// An image carries these bytes; a change here is a new image version.
type memoryMap struct {
	heads [2]int                // head of the log and its marks
	id    cell                  // CardID, 8 bytes
	life  cell                  // life-cycle byte of ISO/IEC 7816-4
	key   cell                  // private Chip Authentication key, 32 bytes
	trust cell                  // trust anchors; see parseAnchors
	date  cell                  // latest date seen, six digits
	keys  [card.MaxPersons]cell // six section keys of 32 bytes, by person; no byte: forgotten
	sizes cell                  // lengths of EF.CardSecurity, EF.ID and EF.PHOTO, u16 each
	pin   cell                  // persons u16, PIN of eight bytes; no byte: none
	tries [2]cell               // by kind of reference: tries left, interruptions left, 1 while one is running
	bio   [card.MaxFingers]cell // persons u16, finger, minutiae; no byte: none
	files [numFiles]int         // EF.BIO has no place of its own, it is put together from bio
	size  int
}

var mem = mapMemory()

const (
	keySize     = 32
	keySetSize  = 6 * keySize
	summarySlot = summaryMax + 4 // length u16, its complement u16, data
	summaryMax  = card.MaxSummary
	logSize     = card.LogSize
	maxEntry    = card.MaxEntry
	maxBlock    = card.MaxBlock
)

// fileID numbers the files of the application.
type fileID uint8

const (
	fileNone fileID = iota
	fileSecurity
	fileIdentity
	filePhoto
	fileSummary
	fileLog
	fileBio
	fileAudit
	numFiles
)

// fileSpec describes an elementary file: its identifier, its short identifier
// and the longest content it takes.
type fileSpec struct {
	name string
	fid  uint16
	sfi  byte
	size int
}

var files = [numFiles]fileSpec{
	fileSecurity: {"EF.CardSecurity", 0x011D, 0x1D, 512},
	fileIdentity: {"EF.ID", 0x0101, 0x01, 2048},
	filePhoto:    {"EF.PHOTO", 0x0102, 0x02, 6144},
	fileSummary:  {"EF.SUM", 0x0103, 0x03, 2 * summarySlot},
	fileLog:      {"EF.LOG", 0x0104, 0x04, logSize},
	fileBio:      {"EF.BIO", 0x0105, 0x05, 0},
	fileAudit:    {"EF.AUDIT", 0x0106, 0x06, auditSlots * auditSlot},
}

// fileBySFI finds the file with a short identifier.
func fileBySFI(sfi byte) fileID {
	for f := fileSecurity; f < numFiles; f++ {
		if files[f].sfi == sfi {
			return f
		}
	}
	return fileNone
}

// fileByFID finds the file with a file identifier.
func fileByFID(fid uint16) fileID {
	for f := fileSecurity; f < numFiles; f++ {
		if files[f].fid == fid {
			return f
		}
	}
	return fileNone
}

// sizesIndex is the place of a file's length in mem.sizes.
func sizesIndex(f fileID) int { return 2 * int(f-fileSecurity) }

func mapMemory() memoryMap {
	var m memoryMap
	take := func(n int) int {
		off := m.size
		m.size += pages(n) * pageSize
		return off
	}
	newCell := func(name string, size int) cell {
		c := cell{name: name, size: size}
		c.off = take(2 * c.span())
		return c
	}
	m.heads = [2]int{take(slotLen), take(slotLen)}
	m.id = newCell("card identifier", 8)
	m.life = newCell("life cycle", 1)
	m.key = newCell("card key", keySize)
	m.trust = newCell("trust anchors", anchorsSize)
	m.date = newCell("date", 6)
	for p := range m.keys {
		m.keys[p] = newCell("section keys", keySetSize)
	}
	m.sizes = newCell("file lengths", 6)
	m.pin = newCell("PIN", pinCellSize)
	for k := range m.tries {
		m.tries[k] = newCell("tries", triesSize)
	}
	for i := range m.bio {
		m.bio[i] = newCell("finger", fingerCellSize)
	}
	for f := fileSecurity; f < numFiles; f++ {
		m.files[f] = take(files[f].size)
	}
	return m
}
