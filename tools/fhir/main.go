// Command fhircheck reads FHIR R4 resources from files as Google's library
// does, and says of each what is wrong with it: a second opinion for the tests
// of record/fhir. It has a module of its own because that library is large.
//
//	fhircheck FILE...   -> one line of JSON a file: {"file", "errors"}
package main

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/google/fhir/go/fhirversion"
	"github.com/google/fhir/go/jsonformat"
)

type verdict struct {
	File   string   `json:"file"`
	Errors []string `json:"errors"`
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "fhircheck:", err)
		os.Exit(1)
	}
}

func run(files []string) error {
	u, err := jsonformat.NewUnmarshaller("UTC", fhirversion.R4)
	if err != nil {
		return err
	}
	out := json.NewEncoder(os.Stdout)
	for _, name := range files {
		raw, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		v := verdict{File: name, Errors: []string{}}
		if _, err := u.Unmarshal(raw); err != nil {
			v.Errors = append(v.Errors, err.Error())
		}
		if err := out.Encode(v); err != nil {
			return err
		}
	}
	return nil
}
