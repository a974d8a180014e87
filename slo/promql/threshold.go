package promql

import (
	"cmp"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/postburn/postburn/slo/count"
)

// spellings is a pattern that all ways match in which a bucket's bound is written in its `le`: 0.5, .5, 0.50, 5e-1, 500e-3. It is
// anchored as all patterns in selectors are. Ways that were found go in as they are.
func spellings(bound float64, found ...string) string {
	mantissa, exponent, _ := strings.Cut(strconv.FormatFloat(bound, 'e', -1, 64), "e")
	digits := strings.TrimRight(strings.Replace(mantissa, ".", "", 1), "0")
	point, _ := strconv.Atoi(exponent)
	point++ // bound is 0.digits times ten to the power of point
	ways := []string{positional(digits, point)}
	for _, e := range exponents(digits, point) {
		power := `\+?0*` + strconv.Itoa(e)
		if e < 0 {
			power = `-0*` + strconv.Itoa(-e)
		}
		ways = append(ways, positional(digits, point-e)+"[eE]"+power)
	}
	pattern := regexp.MustCompile("^(?:" + strings.Join(ways, "|") + ")$")
	for _, way := range slices.Sorted(slices.Values(found)) {
		if !pattern.MatchString(way) {
			ways = append(ways, regexp.QuoteMeta(way))
		}
	}
	return strings.Join(ways, "|")
}

// exponents are those with which a number is written: with one digit before the point, with none behind it, and in steps of three.
func exponents(digits string, point int) []int {
	steps := int(math.Floor(float64(point-1)/3)) * 3
	all := []int{point - 1, point - len(digits), steps}
	slices.Sort(all)
	return slices.DeleteFunc(slices.Compact(all), func(e int) bool { return e == 0 })
}

// positional is a pattern of 0.digits times ten to the power of point, written without an exponent.
func positional(digits string, point int) string {
	switch {
	case digits == "":
		return `0*\.?0+`
	case point <= 0:
		return `\+?0*\.` + strings.Repeat("0", -point) + digits + "0*"
	case point >= len(digits):
		return `\+?0*` + digits + strings.Repeat("0", point-len(digits)) + `(?:\.0*)?`
	}
	return `\+?0*` + digits[:point] + `\.` + digits[point:] + "0*"
}

// compareBounds puts the narrowest first.
func compareBounds(a, b count.Bounds) int {
	return cmp.Or(cmp.Compare(a.High-a.Low, b.High-b.Low), cmp.Compare(a.Low, b.Low),
		strings.Compare(strconv.FormatBool(a.First), strconv.FormatBool(b.First)))
}

func number(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }
