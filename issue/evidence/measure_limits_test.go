package evidence

import (
	"fmt"
	"math"
	"testing"
)

// clearly is a leaf of a value of label r with so many bad events, and none before.
func clearly(value int, bad, total float64) leaf {
	return of(bad, total, 0, 1e9, "r", fmt.Sprintf("v%02d", value))
}

// pair is the leaves of two values: so many bad of so many events each.
func pair(badA, totalA, badB, totalB float64) []leaf {
	return []leaf{clearly(0, badA, totalA), clearly(1, badB, totalB)}
}

// failing is the leaves of 20 values. So many of them fail.
func failing(n int) (all []leaf) {
	for i := range 20 {
		bad := 0.0
		if i < n {
			bad = 300
		}
		all = append(all, clearly(i, bad, 1000))
	}
	return all
}

// asBefore is a leaf whose bad events are all usual.
func asBefore(bad float64) leaf { return of(bad, 1000, bad*1e6, 1e9, "r", "usual") }

// rarely is a leaf that always fails, and had only so many events before.
func rarely(before float64) leaf { return of(1000, 1000, before, before, "r", "rare") }

// TestMeasureLimits has each limit of the measure just met, and just missed.
func TestMeasureLimits(t *testing.T) {
	for _, tc := range []struct {
		name      string
		met, miss []leaf
	}{
		{"20 bad events", pair(0, 1000, 20, 1000), pair(0, 1000, 19, 1000)},
		{"half of the bad events are unusual", []leaf{asBefore(50), clearly(1, 50, 1000)}, []leaf{asBefore(51), clearly(1, 49, 1000)}},
		{"three quarters of them are in the part", pair(25, 10_000, 75, 1000), pair(26, 10_000, 74, 1000)},
		{"its error ratio is five times that of the rest", pair(100, 5000, 500, 5000), pair(101, 5000, 500, 5000)},
		{"it has nine tenths of the traffic at most", pair(0, 1000, 3000, 9000), pair(0, 990, 3000, 9010)},
		{"five values of a label", failing(5), failing(7)},
		{"20 usual events before", []leaf{rarely(19.9), clearly(1, 0, 1000)}, []leaf{rarely(20.1), clearly(1, 0, 1000)}},
	} {
		if len(standsOut(tc.met, []string{"r"})) != 1 {
			t.Errorf("%s: what meets the limit does not stand out", tc.name)
		}
		if len(standsOut(tc.miss, []string{"r"})) != 0 {
			t.Errorf("%s: what misses the limit stands out", tc.name)
		}
	}
}

// TestMaterialValues names a value with 3 % of the bad events, and none with less.
func TestMaterialValues(t *testing.T) {
	for bad, want := range map[float64]int{30: 2, 29: 1} {
		found := standsOut([]leaf{clearly(0, 1000-bad, 2000), clearly(1, bad, bad), clearly(2, 0, 3000), clearly(3, 0, 3000)}, []string{"r"})
		if len(found) != 1 || len(found[0].where[0].Values) != want {
			t.Errorf("%v of 1,000 bad events: %+v", bad, found)
		}
	}
}

// TestMostClauses has bad events that have four labels in common; three are named.
func TestMostClauses(t *testing.T) {
	names := []string{"p", "q", "r", "s"}
	var leaves []leaf
	for n := range 16 {
		var labels []string
		for i, name := range names {
			labels = append(labels, name, fmt.Sprint(n>>i&1))
		}
		bad := 0.0
		if n == 15 {
			bad = 900
		}
		leaves = append(leaves, of(bad, 1000, 0, 1e9, labels...))
	}
	if found := standsOut(leaves, names); len(found) != 1 || len(found[0].where) != 3 {
		t.Errorf("got %+v", found)
	}
}

// gainOf is what is gained by telling a part from the rest.
func gainOf(in, out tally) float64 {
	all := tally{in.bad + out.bad, in.total + out.total}
	return 2 * (in.likelihood() + out.likelihood() - all.likelihood())
}

// TestSurprise needs a gain of 20 beside what choosing one of two values costs.
func TestSurprise(t *testing.T) {
	least, most := math.Inf(1), 0.0 // gains that stand out, and that don't
	for rest := 4.0; rest <= 12; rest++ {
		for bad := 5 * rest; bad <= 8*rest; bad++ {
			gain := gainOf(tally{bad, 1000}, tally{rest, 1000}) - 2*logChoose(2, 1)
			if len(standsOut(pair(rest, 1000, bad, 1000), []string{"r"})) > 0 {
				least = min(least, gain)
			} else if bad+rest >= minBad {
				most = max(most, gain)
			}
		}
	}
	if least < 20 || least > 21 || most > 20 || most < 19 {
		t.Errorf("a gain of %v stands out, and one of %v does not", least, most)
	}
}

// TestAlike takes the label with fewer values if its gain is less by up to 3 %.
func TestAlike(t *testing.T) {
	for less, want := range map[float64]string{0.029: "q", 0.031: "p"} {
		gain := gainOf(tally{300, 1000}, tally{0, 2000})
		other := 0.0 // good events that have y, too
		for gainOf(tally{300, 1000 + other}, tally{0, 2000 - other}) > gain*(1-less) {
			other += 0.01
		}
		found := standsOut([]leaf{
			of(0, 1000-other, 0, 1e9, "p", "a", "q", "x"), of(0, other, 0, 1e9, "p", "a", "q", "y"),
			of(300, 1000, 0, 1e9, "p", "b", "q", "y"), of(0, 1000, 0, 1e9, "p", "c", "q", "x"),
		}, []string{"p", "q"})
		if len(found) != 1 || found[0].where[0].Label != want {
			t.Errorf("a gain that is %v less: %+v, want %s", less, found, want)
		}
	}
}
