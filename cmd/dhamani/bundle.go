package main

import (
	"compress/gzip"
	"errors"
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
	in, done, err := openBundle(path, stdin)
	if err != nil {
		return nil, nil, err
	}
	defer done() //nolint:errcheck // only read
	bundle, report, err = fhir.Import(in)
	if err != nil {
		return nil, nil, fmt.Errorf("import %s: %w", path, err)
	}
	return bundle, report, nil
}

// openBundle opens a file, plain or gzip; "-" stands for standard input.
func openBundle(path string, stdin io.Reader) (in io.Reader, done func() error, err error) {
	in, done = stdin, func() error { return nil }
	if path != "-" {
		f, err := os.Open(path) // #nosec G304 -- the caller names the file
		if err != nil {
			return nil, nil, fmt.Errorf("read bundle: %w", err)
		}
		in, done = f, f.Close
	}
	if strings.HasSuffix(path, ".gz") {
		z, err := gzip.NewReader(in)
		if err != nil {
			return nil, nil, errors.Join(fmt.Errorf("unpack %s: %w", path, err), done())
		}
		in = z
	}
	return in, done, nil
}
