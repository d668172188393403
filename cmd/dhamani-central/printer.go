package main

import (
	"fmt"
	"io"
	"text/tabwriter"
)

// printer prints lines for people and keeps the first error.
type printer struct {
	w   io.Writer
	err error
}

func (p *printer) printf(format string, args ...any) {
	if _, err := fmt.Fprintf(p.w, format, args...); err != nil && p.err == nil {
		p.err = fmt.Errorf("write answer: %w", err)
	}
}

// table returns a printer that aligns what stands between tabs, once flushed.
func (p *printer) table() *tablePrinter {
	tw := tabwriter.NewWriter(p.w, 0, 0, 2, ' ', 0)
	return &tablePrinter{printer: printer{w: tw}, tw: tw, over: p}
}

type tablePrinter struct {
	printer
	tw   *tabwriter.Writer
	over *printer
}

func (t *tablePrinter) flush() {
	if err := t.tw.Flush(); err != nil && t.over.err == nil {
		t.over.err = fmt.Errorf("write answer: %w", err)
	}
}
