package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"math/big"
	"os"

	"github.com/dhamani-iq/dhamani/agent/personalise"
	"github.com/dhamani-iq/dhamani/card"
	"github.com/dhamani-iq/dhamani/internal/cli"
	"github.com/dhamani-iq/dhamani/internal/redact"
)

// maxTemplateFile bounds a finger minutiae record, bytes.
const maxTemplateFile = 64 << 10

// readFingers reads the holder's fingers, as the card and as the centre take
// them.
func readFingers(paths []string) (templates []card.Template, enrolled [][]byte, err error) {
	var records [][]byte
	for _, path := range paths {
		raw, err := readBounded(path, maxTemplateFile)
		if err != nil {
			return nil, nil, cli.Advise(fmt.Errorf("read finger: %w", err), cli.ExitUsage, "name a finger minutiae record of ISO/IEC 19794-2")
		}
		records = append(records, raw)
	}
	if templates, err = personalise.Fingers(records...); err == nil {
		enrolled, err = personalise.Records(records...)
	}
	if err != nil {
		return nil, nil, cli.Advise(err, cli.ExitUsage, "name finger minutiae records of ISO/IEC 19794-2, each of a named finger")
	}
	return templates, enrolled, nil
}

func readBounded(path string, most int64) ([]byte, error) {
	f, err := os.Open(path) // #nosec G304 -- the user names the file
	if err != nil {
		return nil, err
	}
	raw, err := io.ReadAll(io.LimitReader(f, most+1))
	if err := errors.Join(err, f.Close()); err != nil {
		return nil, err
	}
	if int64(len(raw)) > most {
		return nil, fmt.Errorf("%s: more than %d bytes", path, most)
	}
	return raw, nil
}

// pins returns what makes the PINs of cards, nil when they are to have none.
func (o *personaliseOptions) pins() func(card.ID) (redact.String, error) {
	if o.pinOut == "" {
		return nil
	}
	return func(id card.ID) (redact.String, error) {
		n, err := rand.Int(rand.Reader, big.NewInt(1_000_000))
		if err != nil {
			return redact.String{}, fmt.Errorf("make a pin: %w", err)
		}
		pin := fmt.Sprintf("%06d", n)
		f, err := os.OpenFile(o.pinOut, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			return redact.String{}, fmt.Errorf("write pin: %w", err)
		}
		_, err = fmt.Fprintf(f, "%s %s\n", id, pin)
		if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
			return redact.String{}, fmt.Errorf("write pin: %w", err)
		}
		return redact.NewString(pin), nil
	}
}
