package main

import (
	"github.com/spf13/cobra"

	"github.com/dhamani-iq/dhamani/internal/cli"
)

func newRecordCommand(g *globals) *cobra.Command {
	return cli.Group(&cobra.Command{
		Use:   "record",
		Short: "Look at patients' records in files",
	}, newRecordCheckCommand(g), newRecordCheckIPSCommand(g), newRecordEligibilityCommand(g), newRecordExportCommand(g), newRecordFindCommand(g), newRecordHistoryCommand(g),
		newRecordImportCommand(g), newRecordShowCommand(g), newRecordStatsCommand(g))
}
