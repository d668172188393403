package main

import (
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/dhamani-iq/dhamani/internal/cli"
	"github.com/dhamani-iq/dhamani/record/fhir"
)

// bundlesIn lists the Bundles in a folder, by their names.
func bundlesIn(dir string) ([]string, error) {
	var files []string
	for _, pattern := range []string{"*.json", "*.json.gz"} {
		found, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil {
			return nil, cli.Advise(fmt.Errorf("list %s: %w", dir, err), cli.ExitUsage, "give a folder's name without the characters *, ? and [")
		}
		files = append(files, found...)
	}
	if len(files) == 0 {
		return nil, cli.Advise(fmt.Errorf("no .json or .json.gz file in %s", dir), cli.ExitFailed, "give a folder of FHIR Bundles")
	}
	slices.Sort(files)
	return files, nil
}

// readBundle reads a patient's FHIR Bundle from a file, plain or gzip; "-"
// stands for standard input. What the importer bounds is the text unpacked.
func readBundle(path string, stdin io.Reader) (bundle *fhir.Bundle, report *fhir.Report, err error) {
	in := stdin
	if path != "-" {
		f, err := os.Open(path) // #nosec G304 -- the caller names the file
		if err != nil {
			return nil, nil, fmt.Errorf("read bundle: %w", err)
		}
		defer f.Close() //nolint:errcheck // only read
		in = f
	}
	if strings.HasSuffix(path, ".gz") {
		z, err := gzip.NewReader(in)
		if err != nil {
			return nil, nil, fmt.Errorf("unpack %s: %w", path, err)
		}
		in = z
	}
	bundle, report, err = fhir.Import(in)
	if err != nil {
		return nil, nil, fmt.Errorf("import %s: %w", path, err)
	}
	return bundle, report, nil
}
