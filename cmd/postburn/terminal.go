package main

import (
	"io"
	"unicode"

	"golang.org/x/text/runes"
	"golang.org/x/text/transform"
)

// printable writes text of others, such as a server's error or a label's value, to a terminal. It
// replaces what a terminal would obey, and what would change the order of a line.
func printable(w io.Writer) io.Writer {
	return transform.NewWriter(w, runes.Map(func(r rune) rune {
		const joiner, nonJoiner = '\u200d', '\u200c' // part of words and signs
		if unicode.IsGraphic(r) || r == '\n' || r == '\t' || r == joiner || r == nonJoiner {
			return r
		}
		return unicode.ReplacementChar
	}))
}
