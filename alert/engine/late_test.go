package engine_test

import (
	"testing"

	"github.com/postburn/postburn/alert/engine"
	"github.com/postburn/postburn/slo"
)

func TestMissed(t *testing.T) {
	for name, tc := range map[string]struct {
		had, has slo.Counts
		long     bool
		want     float64
	}{
		"more of both":                   {slo.Counts{Total: 10, Bad: 1}, slo.Counts{Total: 15, Bad: 3}, false, 5},
		"good ones later than the total": {slo.Counts{Total: 10, Bad: 10}, slo.Counts{Total: 10}, false, 10},
		"data that is gone":              {slo.Counts{Total: 10, Bad: 5}, slo.Counts{Total: 2, Bad: 1}, false, 0},
		"signed":                         {slo.Counts{Total: 10, Bad: -5}, slo.Counts{Total: 10, Bad: -2}, false, 3},
		"counted in one step":            {slo.Counts{Total: 9995}, slo.Counts{Total: 10_000}, true, 0},
		"late by the hour":               {slo.Counts{Total: 9900}, slo.Counts{Total: 10_000}, true, 100},
	} {
		if got := engine.Missed(tc.had, tc.has, tc.long); got != tc.want {
			t.Errorf("%s: %v, want %v", name, got, tc.want)
		}
	}
}
