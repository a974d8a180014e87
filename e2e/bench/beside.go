package main

import (
	"fmt"
	"io"
)

// version is which postburn is measured.
type version int

const (
	present version = iota
	older           // the one that a flag names
)

// dearer is how much more than before is worth a closer look.
const dearer = 1.1

// suffix is what the names of an older postburn's rows end with.
func (v version) suffix() string {
	if v == older {
		return ", before"
	}
	return ""
}

// directory is where a version keeps what is its own.
func (v version) directory(name string) string {
	if v == older {
		return name + "-before"
	}
	return name
}

// binary is the program of a version.
func (b *bench) binary(v version) string {
	if v == older {
		return b.beside
	}
	return b.postburn
}

// versions are those that the next row measures, in that order. Each goes first in every other row,
// as Prometheus may answer the second one from warmer memory.
func (b *bench) versions() []version {
	switch {
	case b.beside == "":
		return []version{present}
	case b.rows%2 == 0:
		return []version{older, present}
	}
	return []version{present, older}
}

// printComparison prints what the rows cost compared to the same rows of an older postburn. It
// prints nothing if none was measured. What is dearer by more than a tenth is bold.
func printComparison(w io.Writer, results []result) {
	begun := false
	for _, r := range results {
		for _, old := range results {
			if r.version != present || old.version != older || r.kind != old.kind || r.n != old.n || r.rules || r.nothing {
				continue
			}
			if !begun {
				fmt.Fprintln(w, "\n| now, compared to before | objectives | samples read | Prometheus' CPU | postburn's CPU | its memory | at most | written | takes |")
				fmt.Fprintln(w, "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
				begun = true
			}
			fmt.Fprintf(w, "| %s | %s | %s | %s | %s | %s | %s | %s | %s |\n", r.name(), whole(float64(r.n)), times(r.samples, old.samples),
				times(r.prometheus, old.prometheus), times(r.postburn, old.postburn), times(r.memory, old.memory), times(r.peak, old.peak),
				times(r.written, old.written), times(r.took.Seconds(), old.took.Seconds()))
		}
	}
}

// times is how many times as much as before something is.
func times(now, before float64) string {
	switch ratio := now / before; {
	case before <= 0:
		return "?"
	case ratio > dearer:
		return fmt.Sprintf("**%.2f**", ratio)
	default:
		return fmt.Sprintf("%.2f", ratio)
	}
}
