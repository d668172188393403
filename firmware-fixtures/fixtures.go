// Package fixtures is one embedded file system of test and demonstration data;
// it has no logic. README.md says what each file is and who made it.
package fixtures

import "embed"

// FS holds the fixtures: patients/*.json are FHIR R4 Bundles.
//
//go:embed patients
var FS embed.FS
