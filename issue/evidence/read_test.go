package evidence

import (
	"context"
	"testing"
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/slo"
)

// asked notes what it was asked to read.
type asked struct {
	Prometheus
	ticks slo.Ticks
}

func (a *asked) Read(_ context.Context, _ []slo.Objective, ticks slo.Ticks) []slo.Reading {
	a.ticks = ticks
	return []slo.Reading{{Series: []slo.Series{{}}}}
}

// TestReadEachTick reads in steps of several ticks, of which all count where there are not too many.
func TestReadEachTick(t *testing.T) {
	c := &collector{Options: Options{Interval: 30 * time.Second}}
	start := time.Unix(0, 0)
	for days, want := range map[int]time.Duration{1: 30 * time.Second, 30: 0} {
		var p asked
		ticks := slo.Ticks{First: start, Last: start.AddDate(0, 0, days), Interval: time.Hour}
		if _, err := c.readBy(t.Context(), &p, alert.Window{}, nil, ticks); err != nil || p.ticks.Each != want {
			t.Errorf("of %d days each %s counts, want %s; %v", days, p.ticks.Each, want, err)
		}
	}
}
