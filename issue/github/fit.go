package github

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// GitHub's limits, in characters. Its documentation has none of them. Its refusals do, for example
// "body is too long (maximum is 65536 characters)".
const (
	maxBody  = 65_536
	maxTitle = 256
	maxLabel = 50
)

// leastRows is how many rows a table keeps while anything else can be cut.
const leastRows = 5

const leftOut = "_What stood here is left out: the text is longer than GitHub takes._"

// fitBody shortens a body to a number of characters, and says so in it. It cuts the ends of the
// longest tables first, then the text before the analysis that people write, then the end.
func fitBody(body string, limit int) string {
	if utf8.RuneCountInString(body) <= limit {
		return body
	}
	lines := strings.Split(body, "\n")
	whole := lines
	for least := leastRows; least >= 0; least-- {
		if lines = cutTables(whole, length(whole)-limit, least); length(lines) <= limit {
			return strings.Join(lines, "\n")
		}
	}
	analysis := slices.IndexFunc(lines, func(l string) bool { return strings.TrimSpace(l) == "## Analysis" })
	if analysis > 0 {
		form := lines[analysis:]
		if room := limit - length(form) - 1; room > len(leftOut) {
			return cutEnd(lines[:analysis], room) + "\n" + strings.Join(form, "\n")
		}
	}
	return cutEnd(lines, limit)
}

func length(lines []string) int {
	n := len(lines) - 1
	for _, l := range lines {
		n += utf8.RuneCountInString(l)
	}
	return n
}

// table is a run of lines, including its two header lines.
type table struct{ start, end int }

func tables(lines []string) (all []table) {
	for i := 0; i < len(lines); i++ {
		start := i
		for i < len(lines) && strings.HasPrefix(lines[i], "|") {
			i++
		}
		if i-start > 2 {
			all = append(all, table{start, i})
		}
	}
	return all
}

// cutTables drops rows at the end of the longest table, then the next, until `excess` characters
// are gone or each table is down to `least` rows.
func cutTables(lines []string, excess, least int) []string {
	all := tables(lines)
	size := func(t table) int { return length(lines[t.start:t.end]) }
	slices.SortStableFunc(all, func(a, b table) int { return size(b) - size(a) })
	cuts := map[int]int{} // rows to drop, by the table's end
	for _, t := range all {
		rows := t.end - t.start - 2
		for cut := 1; cut <= rows-least && excess > 0; cut++ {
			if cut == 1 {
				excess += utf8.RuneCountInString(rowsLeftOut(rows)) + 2
			}
			excess -= utf8.RuneCountInString(lines[t.end-cut]) + 1
			cuts[t.end] = cut
		}
	}
	var out []string
	for i, l := range lines {
		if cut, ok := cuts[i]; ok {
			out = append(out[:len(out)-cut], "", rowsLeftOut(cut))
		}
		out = append(out, l)
	}
	if cut, ok := cuts[len(lines)]; ok {
		out = append(out[:len(out)-cut], "", rowsLeftOut(cut))
	}
	return out
}

func rowsLeftOut(n int) string {
	return fmt.Sprintf("_%d more rows are left out: the text is longer than GitHub takes._", n)
}

// cutEnd cuts the end to fit the limit, at a line break if it can.
func cutEnd(lines []string, limit int) string {
	const fence = "```"
	note := "\n\n" + leftOut + "\n"
	room := limit - len(note) - len(fence) - 1
	if room < 0 {
		return string([]rune(strings.Join(lines, "\n"))[:limit])
	}
	fences := 0
	var b strings.Builder
	for _, l := range lines {
		size := utf8.RuneCountInString(l) + 1
		if size > room && b.Len() > 0 {
			break
		}
		if size > room {
			l = string([]rune(l)[:max(0, room-1)])
		}
		if strings.HasPrefix(strings.TrimSpace(l), fence) {
			fences++
		}
		b.WriteString(l + "\n")
		if room -= size; room <= 0 {
			break
		}
	}
	if fences%2 == 1 {
		b.WriteString(fence + "\n")
	}
	return strings.TrimRight(b.String(), "\n") + note
}

func fitTitle(title string) string {
	title = strings.Join(strings.Fields(title), " ")
	if runes := []rune(title); len(runes) > maxTitle {
		return strings.TrimRight(string(runes[:maxTitle-1]), " ") + "…"
	}
	return title
}

// fitLabel makes a name valid at GitHub. Different names stay different. Commas separate labels in
// filters, so they go.
func fitLabel(name string) string {
	plain := strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == ',' {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(name, "\ufffd"))
	runes := []rune(strings.Join(strings.Fields(plain), " "))
	if plain == name && len(runes) <= maxLabel {
		return string(runes)
	}
	sum := sha256.Sum256([]byte(name))
	tail := "-" + hex.EncodeToString(sum[:4])
	return strings.TrimRight(string(runes[:min(len(runes), maxLabel-len(tail))]), " ") + tail
}
