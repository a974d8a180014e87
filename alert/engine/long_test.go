package engine_test

import "flag"

// long is for the form of the tests that takes minutes: `make oracle`.
var long = flag.Bool("long", false, "test all combinations, and at full size")

// atLength returns the size of a test: full with -long.
func atLength(short, full int) int {
	if *long {
		return full
	}
	return short
}
