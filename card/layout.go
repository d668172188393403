package card

import "fmt"

// AID is the application identifier, in the proprietary range (ISO/IEC 7816-4 8.2.1.2).
const AID = "\xF0\x44\x48\x41\x4D\x41\x4E\x49\x01"

// FormatVersion is the version of the card format that this package speaks.
const FormatVersion = 1

// Limits of format version 1, in bytes.
const (
	MaxBlock    = 2048  // file or log content in one read
	MaxEntry    = 2000  // sealed entry
	MaxSummary  = 2044  // sealed summary
	LogSize     = 65536 // physical size of the log ring
	LenLength   = 2     // length trailer behind each sealed entry in the log
	MaxPersons  = 16    // holder 0 and family members 1..15
	MaxFingers  = 8     // templates
	MinMinutiae = 12    // in a template or in what is compared with it
	MaxMinutiae = 64    // likewise
	Segments    = 4     // parts of the log ring that are freed as a whole
	minBlock    = 64    // a card that offers less is refused
)

// Data object tags of GET DATA and PUT DATA (P1 P2).
const (
	DataSummary   = 0x0103 // sealed emergency summary
	DataKeys      = 0x0150 // section keys of one person
	DataHead      = 0x0151 // head of the log
	DataEcho      = 0x0152 // whatever the host sends, for a Prober
	DataMarks     = 0x0154 // marks of the log; the centre's receipt for a part of it
	DataPIN       = 0x0160 // PIN, and for whom it verifies
	DataFinger    = 0x0161 // one finger's template
	DataAssertion = 0x0162 // that a finger matched on the host
	DataFingers   = 0x0163 // which fingers are enrolled
	DataAnchor    = 0x0201 // trust anchor of Terminal Authentication
	DataDate      = 0x0203 // date of the card, YYMMDD
)

// OIDChipAuth is the value of id-CA-ECDH-AES-CBC-CMAC-128,
// 0.4.0.127.0.7.2.2.3.2.2 (BSI TR-03110-3 A.1.1.2).
const OIDChipAuth = "\x04\x00\x7F\x00\x07\x02\x02\x03\x02\x02"

// Instructions of the application under their names in ISO/IEC 7816-4 and -8.
const (
	insDeactivate      = 0x04
	insVerify          = 0x20
	insVerifyDO        = 0x21
	insMSE             = 0x22
	insChangeRef       = 0x24
	insPSO             = 0x2A
	insResetRetry      = 0x2C
	insActivate        = 0x44
	insGenerateKeyPair = 0x47
	insExternalAuth    = 0x82
	insGetChallenge    = 0x84
	insGeneralAuth     = 0x86
	insSelect          = 0xA4
	insReadBinary      = 0xB0
	insReadBinaryOdd   = 0xB1
	insGetData         = 0xCA
	insGetDataDO       = 0xCB
	insUpdateBinary    = 0xD6
	insPutData         = 0xDA
	insAppendRecord    = 0xE2
	insTerminate       = 0xE6
)

// File is an elementary file, named by its short file identifier.
type File uint8

// The elementary files.
const (
	FileID       File = 0x01 // identity, family, entitlement; signed by the issuer
	FilePhoto    File = 0x02 // portrait
	FileSummary  File = 0x03 // sealed emergency summary
	FileLog      File = 0x04 // sealed entries; read with Session.Entries
	FileBio      File = 0x05 // fingerprint templates; read with Session.Templates
	FileAudit    File = 0x06 // who read and wrote; read with Session.Audit
	FileSecurity File = 0x1D // card key and identifier, signed by the issuer
)

// FID returns the two-byte file identifier.
func (f File) FID() uint16 {
	if f == FileSecurity {
		return 0x011D
	}
	return 0x0100 | uint16(f)
}

// Size returns the largest content of the file in bytes; 0 for no such file.
func (f File) Size() int {
	switch f {
	case FileID:
		return 2048
	case FilePhoto:
		return 6144
	case FileSummary:
		return MaxSummary
	case FileLog:
		return LogSize
	case FileSecurity:
		return 512
	case FileBio:
		return 2048
	case FileAudit:
		return maxAudit * auditLen
	}
	return 0
}

// String returns the file's name.
func (f File) String() string {
	switch f {
	case FileID:
		return "EF.ID"
	case FilePhoto:
		return "EF.PHOTO"
	case FileSummary:
		return "EF.SUM"
	case FileLog:
		return "EF.LOG"
	case FileBio:
		return "EF.BIO"
	case FileAudit:
		return "EF.AUDIT"
	case FileSecurity:
		return "EF.CardSecurity"
	}
	return fmt.Sprintf("EF(%02X)", uint8(f))
}
