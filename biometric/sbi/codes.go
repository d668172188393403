package sbi

import (
	"errors"

	"github.com/dhamani-iq/dhamani/biometric/scanner"
)

// errorJSON is how the interface tells of success and failure.
type errorJSON struct {
	Code string `json:"errorCode"`
	Info string `json:"errorInfo"`
}

// The codes of the interface that are used here: up to 202 its own (section
// "Error codes" of the specification), from 500 on each service's.
var (
	success       = errorJSON{"0", "Success"}
	codeNoFinger  = errorJSON{"101", "Unable to detect a biometric object"}
	codeTechnical = errorJSON{"102", "Technical error during extraction"}
	codeDevice    = errorJSON{"106", "Device not found"}
	codeDomainKey = errorJSON{"108", "Domain public key missing"}
	codeCount     = errorJSON{"109", "Requested number of biometric not supported"}
	codeNotReady  = errorJSON{"110", "Device is not ready"}
	codeBusy      = errorJSON{"111", "Device is busy"}
	codeTransact  = errorJSON{"112", "Invalid Transaction ID"}
	codeNone      = errorJSON{"202", "No device connected"}
	codeURL       = errorJSON{"500", "Invalid URL"}
	codeType      = errorJSON{"501", "Invalid Type Value in Device Discovery Request"}
	codePurpose   = errorJSON{"502", "The device is for another purpose"}
	codeRequest   = errorJSON{"504", "Invalid request"}
)

// table turns errors of scanners into codes.
var table = []struct {
	err  error
	code errorJSON
}{
	{scanner.ErrNoFinger, codeNoFinger},
	{scanner.ErrBusy, codeBusy},
	{scanner.ErrNoScanner, codeDevice},
	{scanner.ErrUnplugged, codeDevice},
	{scanner.ErrSlept, codeNotReady},
	{scanner.ErrDenied, codeNotReady},
	{scanner.ErrNoUSB, codeNotReady},
}

func codeOf(err error) errorJSON {
	for _, row := range table {
		if errors.Is(err, row.err) {
			return row.code
		}
	}
	return codeTechnical
}

// failure is an answer to a capture that failed.
func failure(code errorJSON) captureAnswer {
	return captureAnswer{Biometrics: []biometric{{Error: code}}}
}
