package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"

	"github.com/dhamani-iq/dhamani/internal/redact"
)

// secrets reads passphrases and PINs: from a terminal without showing them,
// else one from each line of what is piped in. They never stand in an argument,
// which every user of the machine could read.
type secrets struct {
	in    io.Reader
	ask   io.Writer
	lines *bufio.Reader
}

const maxSecret = 1024 // bytes of a line

var errNoSecret = errors.New("no passphrase was given")

func newSecrets(in io.Reader, ask io.Writer) *secrets {
	return &secrets{in: in, ask: ask, lines: bufio.NewReaderSize(in, maxSecret)}
}

// read asks for one secret.
func (s *secrets) read(prompt string) (redact.String, error) {
	if f, ok := s.in.(*os.File); ok && term.IsTerminal(int(f.Fd())) { // #nosec G115 -- a file descriptor
		fmt.Fprintf(s.ask, "%s: ", prompt)
		raw, err := term.ReadPassword(int(f.Fd())) // #nosec G115 -- a file descriptor
		fmt.Fprintln(s.ask)
		if err != nil {
			return redact.String{}, fmt.Errorf("read passphrase: %w", err)
		}
		defer clear(raw)
		return redact.NewString(string(raw)), nil
	}
	line, err := s.lines.ReadSlice('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return redact.String{}, fmt.Errorf("read passphrase: %w", err)
	}
	defer clear(line)
	text := strings.TrimRight(string(line), "\r\n")
	if text == "" {
		return redact.String{}, errNoSecret
	}
	return redact.NewString(text), nil
}

// fresh asks for a new secret, twice at a terminal.
func (s *secrets) fresh(prompt string) (redact.String, error) {
	first, err := s.read(prompt)
	if err != nil {
		return first, err
	}
	if f, ok := s.in.(*os.File); !ok || !term.IsTerminal(int(f.Fd())) { // #nosec G115 -- a file descriptor
		return first, nil
	}
	again, err := s.read("The same again")
	if err == nil && again.Reveal() != first.Reveal() {
		err = errors.New("the two are not the same")
	}
	return first, err
}
