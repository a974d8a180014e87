package promql

import "math"

// Half of what a sum costs Prometheus is to find the series, and how many series it is of is to be known as well. So both are asked for in one
// number: packUnit more is added for each series. A float64 has room for 2^53: whole events are exact up to 2^17 series, and
// multiples of 1/1024 of an event, which is what is counted, up to 2^7 series; beyond that the sum is rounded to as fine a
// multiple as there is room for. More events than packUnit in one tick can't be told from a series.
const packUnit = 1 << 36

// packed is an expression's values with the unit added, to be summed.
func packed(expr string) string { return expr + " + " + number(packUnit) }

// fallUnit is added for each fall of a series, and one for each series, to have the numbers of both in one.
const fallUnit = 1 << 26

// packedFalls is what is to be summed of the numbers of falls.
func packedFalls(falls string) string { return falls + " * " + number(fallUnit) + " + 1" }

// unpackFalls takes such a sum apart.
func unpackFalls(packed float64) (series, falls float64) {
	falls = math.Floor(packed / fallUnit)
	return packed - falls*fallUnit, falls
}

// unpack takes a sum apart: of how many series it is, and what they sum to.
func unpack(packed float64) (series, sum float64) {
	series = math.Floor(packed / packUnit)
	return series, packed - series*packUnit
}
