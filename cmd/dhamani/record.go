package main

import "github.com/spf13/cobra"

func newRecordCommand(g *globals) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "record",
		Short: "Look at patients' records in files",
	}
	asGroup(cmd)
	cmd.AddCommand(newRecordImportCommand(g), newRecordShowCommand(g))
	return cmd
}
