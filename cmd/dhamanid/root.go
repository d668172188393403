package main

import (
	"fmt"
	"io"
	"log/slog"

	"github.com/spf13/cobra"

	"github.com/dhamani-iq/dhamani/internal/cli"
)

func newRootCommand() *cobra.Command {
	return cli.Root(&cobra.Command{
		Use:   "dhamanid",
		Short: "Serve health cards, the reception page and the way to the centre",
		Long: `dhamanid serves health cards, the reception page and the way to the centre.

Exit codes: 0 ended as it was asked to, 1 failed, 2 wrong usage, 130 interrupted
before it was ready.`,
	}, newRunCommand())
}

// newLogger makes the logger that the flags ask for.
func newLogger(w io.Writer, format, level string) (*slog.Logger, error) {
	var l slog.Level
	if err := l.UnmarshalText([]byte(level)); err != nil {
		return nil, fmt.Errorf("log level %q: debug, info, warn and error are known", level)
	}
	if format != "text" && format != "json" {
		return nil, fmt.Errorf("log format %q: text and json are known", format)
	}
	return cli.NewLogger(w, l, format == "json"), nil
}
