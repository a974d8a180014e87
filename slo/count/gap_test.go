package count

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postburn/postburn/slo"
)

// TestFresh finds counters that have a usable value in the tick and were not there before.
func TestFresh(t *testing.T) {
	w := World{Tick: noon.Add(30 * time.Second), Interval: 30 * time.Second}
	for _, values := range []string{"1 2 3", ". . 3", ". 2 .", "NaN NaN 3", ". . NaN", "1 . ."} {
		w.Counters = append(w.Counters, row{series: "all", values: values}.parse(t))
	}
	if diff := cmp.Diff([]int{1, 2, 3}, w.Fresh()); diff != "" {
		t.Error(diff)
	}
}

// TestGap has a target that was not scraped for a while: what it counted meanwhile is late. If it
// was last seen more than an hour ago, a grid tells when, and shows it for 5 minutes more.
func TestGap(t *testing.T) {
	tests := []struct {
		name    string
		gap     time.Duration
		restart time.Duration // how long before noon the process started, if it restarted
		now     float64       // what its counter has then, which had 1000
		want    string
	}{
		{"the process went on", 70 * time.Minute, 0, 9000, "30, 8000 since 10:55:00, late 8000"},
		{"the process went on, all is known", 50 * time.Minute, 0, 7000, "30, 6000 since 11:10:10, late 6000"},
		{"it restarted", 70 * time.Minute, 20 * time.Minute, 600, "30, 600 since 11:40:00, late 600, reset"},
		{"it restarted, and nothing else says so", 70 * time.Minute, 60 * time.Minute, 2400, "30, 2400 since 11:00:00, late 2400, reset"},
		{"a reset, start not known", 70 * time.Minute, -1, 600, "30, 600 since 10:55:00, late 600, reset"},
		{"an exporter restarted", 70 * time.Minute, 5 * time.Minute, 9000, "30, 8000 since 10:55:00, late 8000, restart"},
		{"hours, of which a grid is known", 7 * time.Hour, 0, 9000, "30, 8000 since 05:05:00, late 8000"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := newOutage(tt.gap, tt.restart, tt.now)
			w := r.world(noon.Add(30*time.Second), 30*time.Second)
			counted := w.Count()
			if first := counted[1]; tt.restart > 0 && !first.Since.Equal(counted[0].Since) && tt.now != 9000 {
				t.Errorf("first errors are since %v", first.Since)
			}
			c := counted[0]
			got := fmt.Sprintf("%v, %v since %s", c.Events, c.Late, c.Since.Format("15:04:05"))
			for _, note := range c.Caveats {
				got += ", " + string(note.Kind)
				if note.Kind == slo.LongGap {
					got += fmt.Sprintf(" %v", note.Events)
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// newOutage returns a recording of a target with 30 events in 15 s. It was last scraped so long
// before 12:00:10, when it is there again, with its first errors.
func newOutage(gap, restart time.Duration, now float64) *recording {
	labels := map[string]string{"job": "a", "instance": "1"}
	series := func(name string) *recorded {
		return &recorded{Series: Series{Name: name, Labels: labels}, stale: map[int64]bool{}}
	}
	all, bad, up, start := series("all"), series("bad"), series("up"), series("start")
	end := noon.Add(10*time.Second - gap)
	scrape := func(at time.Time, v float64, started time.Time) {
		all.Samples = append(all.Samples, Sample{at.UnixMilli(), v})
		up.Samples = append(up.Samples, Sample{at.UnixMilli(), 1})
		start.Samples = append(start.Samples, Sample{at.UnixMilli(), float64(started.Unix())})
	}
	began := end.Add(-time.Hour)
	for i := 30; i >= 0; i-- {
		scrape(end.Add(-15*time.Second*time.Duration(i)), 1000-30*float64(i), began)
	}
	if restart > 0 {
		began = noon.Add(-restart)
	}
	scrape(noon.Add(10*time.Second), now, began)
	scrape(noon.Add(25*time.Second), now+30, began)
	bad.Samples = []Sample{{noon.Add(10 * time.Second).UnixMilli(), 7}, {noon.Add(25 * time.Second).UnixMilli(), 9}}
	r := &recording{counters: []*recorded{all, bad}, up: []*recorded{up}, starts: []*recorded{start}}
	if restart < 0 {
		r.starts = nil
	}
	return r
}
