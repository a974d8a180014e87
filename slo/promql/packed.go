package promql

import "math"

// Half of what a sum costs Prometheus is to find the series, and how many series it is of is to be
// known as well. So both are asked for in one number: packUnit more is added for each series. A
// float64 has room for 2^53: whole events are exact up to 2^17 series, and multiples of 1/1024 of
// an event, which is what is counted, up to 2^7 series; beyond that the sum is rounded to as fine a
// multiple as there is room for. More events than packUnit in one tick can't be told from a series.
const packUnit = 1 << 36

// packed is an expression's values with the unit added, to be summed.
func packed(expr string) string { return expr + " + " + number(packUnit) }

// seriesUnit is added to the number of times that a series fell, so that a sum of them has the
// number of series as well: up to 2^26 of them, and as many falls.
const seriesUnit = 1.0 / (1 << 26)

// packedFalls is numbers of falls with the unit added, to be summed.
func packedFalls(falls string) string { return falls + " + " + number(seriesUnit) }

// unpackFalls takes such a sum apart.
func unpackFalls(packed float64) (series, falls float64) {
	falls = math.Floor(packed)
	return (packed - falls) / seriesUnit, falls
}

// unpack takes a sum apart: of how many series it is, and what they sum to.
func unpack(packed float64) (series, sum float64) {
	series = math.Floor(packed / packUnit)
	return series, packed - series*packUnit
}
