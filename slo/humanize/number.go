package humanize

import (
	"math"
	"strconv"
	"strings"
)

// Number writes a whole number with separators: "15,337". It rounds what is not whole. A negative
// one begins with "-", as spreadsheets read it.
func Number(x float64) string {
	text := strconv.FormatFloat(math.Round(x)+0, 'f', 0, 64) // + 0 makes 0 of -0
	for i := len(text) - 3; i > 0 && text[i-1] != '-'; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

// Count writes a number of events: "15,337". Interpolation makes parts of events, so that there can
// be "less than 1".
func Count(events float64) string {
	if events > 0 && events < 1 {
		return "less than 1"
	}
	return Number(events)
}

// Plural writes a number of things: "1 tick", "2,000 ticks", "3 more queries". It knows regular
// plurals only.
func Plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	end := len(noun) - 1
	if end > 0 && noun[end] == 'y' && !strings.ContainsRune("aeiou", rune(noun[end-1])) {
		return Number(float64(n)) + " " + noun[:end] + "ies"
	}
	return Number(float64(n)) + " " + noun + "s"
}

// Decimal writes a number with at most so many decimals: "2.5", "3".
func Decimal(x float64, places int) string {
	text := strconv.FormatFloat(x, 'f', places, 64)
	if strings.Contains(text, ".") {
		text = strings.TrimRight(strings.TrimRight(text, "0"), ".")
	}
	if text == "-0" {
		return "0"
	}
	return text
}

// Percent writes a ratio in per cent: "30.1 %", "0.12 %", "<0.01 %". What is not nothing is never
// rounded to 0 %, and what is not all never to 100 %.
func Percent(ratio float64) string {
	p := ratio * 100
	switch {
	case math.IsNaN(p):
		return "not known"
	case p < 0 && p > -0.01:
		return ">-0.01 %"
	case p < 0:
		return "-" + Percent(-ratio)
	case p == 0:
		return "0 %"
	case p < 0.01:
		return "<0.01 %"
	case p < 0.995:
		return Decimal(p, 2) + " %"
	case p < 99.95:
		return Decimal(p, 1) + " %"
	case p < 100:
		return ">99.9 %"
	}
	return Number(p) + " %"
}

// PrecisePercent writes a ratio in per cent with three significant digits, for one beside the limit
// that it has just crossed: "0.104 %" of requests failed, and 0.1 % may.
func PrecisePercent(ratio float64) string {
	const digits = 3
	p := ratio * 100
	if p == 0 || math.IsNaN(p) || math.IsInf(p, 0) {
		return Percent(ratio)
	}
	places := digits - 1 - int(math.Floor(math.Log10(math.Abs(p))))
	return Decimal(p, max(0, places)) + " %"
}

// Share writes a part of a whole in per cent. It is "All" only if nothing is missing.
func Share(part, whole float64) string {
	if part >= whole {
		return "All"
	}
	return Percent(part / whole)
}

// Times writes a burn rate: "14.4×".
func Times(rate float64) string {
	switch {
	case rate < 9.995:
		return Decimal(rate, 2) + "×"
	case rate < 99.95:
		return Decimal(rate, 1) + "×"
	}
	return Number(rate) + "×"
}

// List writes a list: "a", "a and b", "a, b and c".
func List(items []string) string {
	if len(items) < 2 {
		return strings.Join(items, "")
	}
	last := len(items) - 1
	return strings.Join(items[:last], ", ") + " and " + items[last]
}
