package prom

import (
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// spellings returns a pattern for all ways to write a bucket's bound in its `le`: 0.5, .5, 0.50,
// 5e-1, 500e-3. It is anchored like all patterns in selectors. Found ways go in as they are.
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

// exponents returns the exponents for writing a number: with one digit before the point, with none
// behind it, and in steps of three.
func exponents(digits string, point int) []int {
	steps := int(math.Floor(float64(point-1)/3)) * 3
	all := []int{point - 1, point - len(digits), steps}
	slices.Sort(all)
	return slices.DeleteFunc(slices.Compact(all), func(e int) bool { return e == 0 })
}

// positional returns a pattern of 0.digits times ten to the power of point, without an exponent.
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
