package promql

import (
	"cmp"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
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

// bounds are the two boundaries between which a histogram has the threshold. Where both are the same, that is the threshold.
type bounds struct {
	low, high float64 // low is 0 where the threshold is in the first bucket
	first     bool    // there is no bucket at low
}

// share is the part of the events between the bounds that counts as good.
func (b bounds) share(threshold float64) float64 {
	if b.low == b.high {
		return 1
	}
	return (threshold - b.low) / (b.high - b.low)
}

func (b bounds) compare(c bounds) int {
	return cmp.Or(cmp.Compare(b.high-b.low, c.high-c.low), cmp.Compare(b.low, c.low), strings.Compare(strconv.FormatBool(b.first), strconv.FormatBool(c.first)))
}

// nearEnough is how far a boundary may be off the threshold to be it: boundaries are often computed, as 0.1 + 0.2.
const nearEnough = 1e-9

func same(boundary, threshold float64) bool {
	return math.Abs(boundary-threshold) <= nearEnough*threshold
}

// surrounding is the narrowest pair of boundaries that the threshold is between; ok is false where it is above all of them.
func surrounding(threshold float64, boundaries []float64) (found bounds, ok bool) {
	low, high := math.Inf(-1), math.Inf(1)
	for _, b := range boundaries {
		switch {
		case same(b, threshold):
			return bounds{low: b, high: b}, true
		case b < threshold:
			low = max(low, b)
		case b > threshold:
			high = min(high, b)
		}
	}
	if math.IsInf(low, -1) {
		return bounds{high: high, first: true}, !math.IsInf(high, 1)
	}
	return bounds{low: low, high: high}, !math.IsInf(high, 1)
}

func number(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }
