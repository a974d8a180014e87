package learn

import (
	"strconv"
	"strings"
	"time"

	"github.com/postburn/postburn/internal/lazyregexp"
)

// Patterns of quantities, for expressions of others. They have no capturing groups.
const (
	// NumberPattern matches "15,337", "0.1", "15 000", "15k", "1.2 million".
	NumberPattern = `\d+(?:[ ,\x{a0}\x{202f}]\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?(?:\s?(?:k|million)\b)?`
	// DurationPattern matches "41 minutes", "2 hours 5 minutes", "2 h", "an hour and a half".
	DurationPattern = `(?:` + lengthPattern + `)(?:(?:,? and |,? )(?:` + lengthPattern + `))*(?: and a half)?`

	lengthPattern = `(?:(?:\d+(?:\.\d+)?[ -]?|\b(?:` + wordPattern + `)[ -])(?:` + unitPattern + `)\b|half an hour|(?:three )?quarters? of an hour)`
	wordPattern   = `an|a|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|fifteen|twenty|thirty|forty|fifty`
	unitPattern   = `hours?|hrs?|h|minutes?|mins?|m|seconds?|secs?|s|days?|d`
)

var (
	lengths   = lazyregexp.New(`(?i)(?:(\d+(?:\.\d+)?)[ -]?|\b(` + wordPattern + `)[ -])(` + unitPattern + `)\b`)
	durations = lazyregexp.New(`(?i)\b` + DurationPattern)
	percents  = lazyregexp.New(`(\d+(?:[.,]\d+)*) ?%`)
)

// ParseNumber reads what NumberPattern matches.
func ParseNumber(s string) float64 {
	s = strings.ToLower(strings.TrimSpace(s))
	factor := 1.0
	if rest, ok := strings.CutSuffix(s, "million"); ok {
		s, factor = rest, 1e6
	} else if rest, ok := strings.CutSuffix(s, "k"); ok {
		s, factor = rest, 1e3
	}
	s = strings.NewReplacer(",", "", " ", "", "\u00a0", "", "\u202f", "").Replace(s)
	n, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return 0
	}
	return n * factor
}

// ParseDuration reads what DurationPattern matches.
func ParseDuration(s string) (d time.Duration) {
	s = strings.ToLower(s)
	if strings.Contains(s, "half an hour") {
		d += 30 * time.Minute
		s = strings.ReplaceAll(s, "half an hour", "")
	}
	if strings.Contains(s, "of an hour") {
		if strings.Contains(s, "three quarters") {
			return d + 45*time.Minute
		}
		return d + 15*time.Minute
	}
	unit := time.Duration(0)
	for _, m := range lengths.FindAllStringSubmatch(s, -1) {
		unit = unitOf(m[3])
		d += time.Duration(count(m[1]+m[2]) * float64(unit))
	}
	if strings.HasSuffix(s, "and a half") {
		d += unit / 2
	}
	return d
}

func unitOf(name string) time.Duration {
	switch name[0] {
	case 'h':
		return time.Hour
	case 'm':
		return time.Minute
	case 'd':
		return 24 * time.Hour
	}
	return time.Second
}

// count reads a number in figures or words.
func count(s string) float64 {
	if n, err := strconv.ParseFloat(s, 64); err == nil {
		return n
	}
	switch s {
	case "a", "an":
		return 1
	}
	words := []string{"zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"}
	for n, w := range words {
		if w == s {
			return float64(n)
		}
	}
	for n, w := range map[float64]string{15: "fifteen", 20: "twenty", 30: "thirty", 40: "forty", 50: "fifty"} {
		if w == s {
			return n
		}
	}
	return 0
}
