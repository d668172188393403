package main

import (
	"fmt"
	"io"
	"os"
	"strings"
)

// progressBar is one line that is drawn over itself on a terminal, and nothing
// where standard error is none: a file is not filled with bars.
type progressBar struct {
	out   io.Writer // nil: quiet
	done  int
	total int
	drawn int // length of the line that stands there
}

func newProgressBar(w io.Writer, total int) *progressBar {
	bar := &progressBar{total: total}
	if f, ok := w.(*os.File); ok {
		if info, err := f.Stat(); err == nil && info.Mode()&os.ModeCharDevice != 0 {
			bar.out = w
		}
	}
	return bar
}

const barWidth = 24

// show draws how many are done and what is being done.
func (b *progressBar) show(what string) {
	if b.out == nil {
		return
	}
	full := barWidth
	if b.total > 0 {
		full = b.done * barWidth / b.total
	}
	line := fmt.Sprintf("[%s%s] %d/%d  %.40s", strings.Repeat("#", full), strings.Repeat(".", barWidth-full), b.done, b.total, what)
	pad := max(b.drawn-len(line), 0)
	fmt.Fprintf(b.out, "\r%s%s", line, strings.Repeat(" ", pad))
	b.drawn = len(line)
}

// say prints a line of its own on a terminal and elsewhere, above the bar.
func (b *progressBar) say(w io.Writer, format string, args ...any) {
	b.clear()
	fmt.Fprintf(w, format+"\n", args...)
}

// clear takes the bar away.
func (b *progressBar) clear() {
	if b.out != nil && b.drawn > 0 {
		fmt.Fprintf(b.out, "\r%s\r", strings.Repeat(" ", b.drawn))
		b.drawn = 0
	}
}
