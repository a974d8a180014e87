package promql

import "testing"

func TestUnpackFalls(t *testing.T) {
	for _, tc := range []struct{ series, falls float64 }{{1, 0}, {1, 3}, {40, 0}, {40, 40}, {1<<26 - 1, 1<<26 - 1}} {
		series, falls := unpackFalls(tc.falls + tc.series*seriesUnit)
		if series != tc.series || falls != tc.falls {
			t.Errorf("%v series that fell %v times are unpacked as %v and %v", tc.series, tc.falls, series, falls)
		}
	}
}

func TestUnpack(t *testing.T) {
	for _, tc := range []struct{ series, sum float64 }{
		{1, 0}, {1, 1}, {40, 1202}, {40, 1.0 / 1024}, {127, 3 + 1.0/1024}, {1000, 1e9}, {100_000, 12_345_678}, {3, packUnit - 1},
	} {
		series, sum := unpack(tc.series*packUnit + tc.sum)
		if series != tc.series || sum != tc.sum {
			t.Errorf("%v series with %v events are unpacked as %v with %v", tc.series, tc.sum, series, sum)
		}
	}
}
