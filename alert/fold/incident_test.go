package fold_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/alert/fold"
	"github.com/postburn/postburn/slo"
)

// service is some objectives, with their incidents.
type service struct {
	watches   []*fold.Watch
	incidents []alert.Incident
}

func newService(names ...string) *service {
	s := &service{}
	for _, name := range names {
		def := definition(name)
		def.Policy.Blind = alert.BlindPolicy{After: time.Minute, Issue: true}
		s.watches = append(s.watches, fold.NewWatch(def, "", interval, epoch, epoch))
	}
	return s
}

// add steps each objective with its sample.
func (s *service) add(length time.Duration, samples ...slo.Sample) {
	for range length / interval {
		for i, w := range s.watches {
			for _, e := range w.Step(samples[i]) {
				s.incidents, _ = alert.Correlate(s.incidents, e)
			}
		}
	}
}

// kinds counts the windows of each kind in each incident.
func (s *service) kinds() []map[alert.Kind]int {
	var all []map[alert.Kind]int
	for _, i := range s.incidents {
		n := map[alert.Kind]int{}
		for _, w := range i.Windows {
			n[w.Kind]++
		}
		all = append(all, n)
	}
	return all
}

// TestOneFailureIsOneIncident kills a server of a service for 50 s: two objectives fail, which also
// spends a budget, and the third has no data. Then only the budget stays spent. A failure days
// later is another incident.
func TestOneFailureIsOneIncident(t *testing.T) {
	s := newService("availability", "freshness", "latency")
	well := []slo.Sample{good(1000), good(1000), good(1000)}
	s.add(day, well...)
	s.add(interval, bad(1000, 1000), good(1000), bad(1000, 300))
	s.add(time.Minute, bad(20_000, 20_000), blind, bad(10_000, 10_000)) // clients try again and again
	s.add(20*time.Minute, bad(20_000, 19_000), blind, bad(1000, 200))
	s.add(3*time.Hour, well...)
	want := []map[alert.Kind]int{{alert.Burn: 2, alert.Budget: 1, alert.Blindness: 1}}
	if diff := cmp.Diff(want, s.kinds()); diff != "" {
		t.Fatalf("windows by incident (-want +got):\n%s", diff)
	}
	i := s.incidents[0]
	first := epoch.Add(day)
	if i.IsOpen() || !i.Onset().Equal(first) || !i.Ended().Equal(first.Add(21*time.Minute+interval)) {
		t.Errorf("%s to %s, open: %v; want 21.5 minutes from %s on", i.Onset(), i.Ended(), i.IsOpen(), first)
	}
	if !slices.ContainsFunc(i.Windows, func(w alert.Window) bool { return w.Kind == alert.Budget && w.IsOpen() }) {
		t.Error("the budget is not spent any more, so this tests too little")
	}
	s.add(2*day, well...)
	s.add(10*time.Minute, well[0], well[0], bad(1000, 1000))
	s.add(3*time.Hour, well...)
	want = append(want, map[alert.Kind]int{alert.Burn: 1})
	if diff := cmp.Diff(want, s.kinds()); diff != "" {
		t.Errorf("windows by incident, after another failure (-want +got):\n%s", diff)
	}
}

// TestIncidentsOfAnObjectiveThatIsBehind reads an objective only after another one of its group has
// failed: it had failed two hours before that. Only if it went on until then is it one incident.
func TestIncidentsOfAnObjectiveThatIsBehind(t *testing.T) {
	const lasting = int(10 * time.Minute / interval)
	for name, tc := range map[string]struct {
		behind    int // how many ticks the objective behind failed for
		incidents int
	}{"over before": {lasting, 2}, "going on until then": {int(2 * time.Hour / interval), 1}} {
		t.Run(name, func(t *testing.T) {
			l := fold.NewLane(interval, epoch)
			l.Redefine([]alert.Definition{definition("api"), definition("cart")}, epoch)
			var cart []slo.Sample
			found := map[string]bool{}
			step := func(api slo.Sample, cart ...slo.Sample) {
				changed, _ := l.Step(fold.Row{Samples: [][]slo.Sample{{api}, cart}})
				for _, i := range changed {
					found[i.ID] = true
				}
			}
			for range day / interval {
				step(good(100), good(100))
			}
			for i := range int(5 * time.Hour / interval) {
				begin := int(2 * time.Hour / interval)
				api, behind := good(100), good(100)
				if i >= begin && i < begin+lasting {
					api = bad(100, 100)
				}
				if i < tc.behind {
					behind = bad(100, 100)
				}
				cart = append(cart, behind)
				step(api)
			}
			step(good(100), append(cart, good(100))...)
			if len(found) != tc.incidents {
				t.Errorf("%d incidents, want %d: %v", len(found), tc.incidents, found)
			}
		})
	}
}
