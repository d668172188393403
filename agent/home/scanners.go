package home

import "path/filepath"

// ScannerService is what a technician may change about the service for other
// programs, the MOSIP Secure Biometric Interface on loopback.
type ScannerService struct {
	// On is the switch.
	On bool `json:"on"`
	// Origins are the web pages that may ask, such as
	// https://registration.example; programs that are no browsers always may.
	Origins []string `json:"origins,omitempty"`
	// Environment is Staging, Developer, Pre-Production or Production;
	// Developer when empty.
	Environment string `json:"environment,omitempty"`
	// Recipient is a file with the PEM certificate of the authority that
	// captures for authentication are encrypted for; without it they are
	// refused.
	Recipient string `json:"recipient,omitempty"`
}

// ScannerServicePath is where that service keeps its key and certificate.
func ScannerServicePath(dir string) string { return filepath.Join(dir, "scanner-service") }
