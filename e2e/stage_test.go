//go:build e2e

package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/prometheus/common/model"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/web"
)

// slos is an SLO file whose windows are seconds, with the keys of `incident` that a test adds.
func slos(window, incident string) string {
	return fmt.Sprintf(`
slos:
  - name: checkout
    service: shop
    target: 99%%
    window: %s
    indicator:
      ratio:
        bad: http_requests_total{job="shop",code=~"5.."}
        total: http_requests_total{job="shop"}
    incident:
      burn: [{rate: 5, long: 20s, short: 4s}, {rate: 2, long: 60s, short: 10s}]
      min_bad_events: 5
      hold: 5s
      merge_gap: 10s
      %s
`, window, incident)
}

// onlyBurns is the file of most tests: one fault makes one incident.
func onlyBurns() string { return slos("10m", "budget: false") }

// rate is how many requests a second the shop gets.
const rate = 60

// stage is a shop with traffic, a Prometheus that scrapes it, and a postburn that watches it.
type stage struct {
	t          *testing.T
	shop       *service
	prometheus *prometheus
	postburn   *postburn
	began      time.Time // before the first data
}

// newStage sets all up and starts the shop alone.
func newStage(t *testing.T, slos string) *stage {
	t.Helper()
	s := startService(t)
	p := newPrometheus(t, s.address)
	return &stage{t: t, shop: s, prometheus: p, postburn: newPostburn(t, p.url(), slos), began: time.Now().Add(-tick)}
}

// start starts all, and waits until postburn knows what is usual.
func (s *stage) start() {
	s.t.Helper()
	s.shop.traffic()
	s.prometheus.start()
	s.postburn.start()
	s.settle()
}

// settle waits until postburn has seen some seconds of good traffic.
func (s *stage) settle() {
	s.t.Helper()
	await(s.t, patience, "good traffic", func() error {
		o, err := s.postburn.objective()
		if err == nil && (o.State != alert.OK || o.TotalEvents < 5*rate) {
			err = fmt.Errorf("the objective is %s with %v events", o.State, o.TotalEvents)
		}
		return err
	})
}

// fault is when the shop was broken, and when it was well again.
type fault struct{ on, off time.Time }

// breakDown makes all of the shop's requests fail.
func (s *stage) breakDown() *fault {
	s.t.Helper()
	return &fault{on: s.shop.fail("1")}
}

// until lets the fault last for a while since it began.
func (f *fault) until(d time.Duration) { pass(time.Until(f.on.Add(d))) }

func (s *stage) repair(f *fault) {
	s.t.Helper()
	f.off = s.shop.fail("0")
}

// awaitOpened waits for the post-mortem of a fault that goes on.
func (s *stage) awaitOpened() (path string) {
	s.t.Helper()
	await(s.t, patience, "the post-mortem to be opened", func() error {
		for name, text := range s.postburn.postMortems() {
			path = name
			if !strings.Contains(text, " so far: ") {
				s.t.Fatalf("the post-mortem is not of something that goes on:\n%s", text)
			}
			return nil
		}
		return errors.Join(errNotYet, s.postburn.alive())
	})
	return path
}

// awaitRecovered waits until the only incident is over, and returns it.
func (s *stage) awaitRecovered() (i web.Incident) {
	s.t.Helper()
	await(s.t, patience, "the incident to be over", func() error {
		all, err := s.postburn.incidents()
		if err != nil {
			return err
		}
		if len(all) > 1 {
			s.t.Fatalf("%d incidents for one fault: %+v", len(all), all)
		}
		if len(all) == 0 || all[0].State != "recovered" {
			return fmt.Errorf("incidents are %+v", all)
		}
		i = all[0]
		return nil
	})
	return i
}

// verify waits for the end of the only incident, and compares it with what the shop knows of its
// only fault, with its post-mortem, and with a replay.
func (s *stage) verify(f *fault) {
	s.t.Helper()
	i := s.awaitRecovered()
	s.verifyNumbers(i, f)
	s.verifyPostMortem(i)
	s.verifyReplay()
}

// verifyNumbers compares an incident with the switches and the counts of the shop.
func (s *stage) verifyNumbers(i web.Incident, f *fault) {
	s.t.Helper()
	if len(i.Windows) != 1 || i.Windows[0].Kind != alert.Burn || i.Windows[0].Ended == nil {
		s.t.Fatalf("not one burn: %+v", i.Windows)
	}
	w := i.Windows[0]
	if d := w.Onset.Sub(f.on).Abs(); d > 2*tick {
		s.t.Errorf("onset is %s, %s from when the shop broke", w.Onset, d)
	}
	if d := w.Ended.Sub(f.off).Abs(); d > 2*tick {
		s.t.Errorf("the end is %s, %s from when the shop was repaired", w.Ended, d)
	}
	// A tick has the last scrape before it, so the stretch that is counted begins and ends up to a
	// scrape earlier than its ticks. A late scrape, as after a restart, makes it shorter or longer.
	least := s.shop.count(s.scraped(w.Onset), s.scraped(*w.Ended)).Total
	most := least
	for lag := time.Duration(0); lag <= tick; lag += tick / 20 {
		total := s.shop.count(w.Onset.Add(-lag), w.Ended.Add(-lag)).Total
		least, most = min(least, total), max(most, total)
	}
	if w.TotalEvents < 0.99*least || w.TotalEvents > 1.01*most {
		s.t.Errorf("%v events; the shop served %v to %v", w.TotalEvents, least, most)
	}
	// All failures since then are of this fault, so they need no stretch.
	failed := s.shop.count(f.on.Add(-tick), time.Now()).Failed
	if w.BadEvents < 0.99*failed || w.BadEvents > 1.01*failed {
		s.t.Errorf("%v bad events; the shop failed %v times", w.BadEvents, failed)
	}
	s.t.Logf("%v of %v bad over %s; the shop counted %v of %v to %v, broken for %s",
		w.BadEvents, w.TotalEvents, w.Ended.Sub(w.Onset), failed, least, most, f.off.Sub(f.on))
}

// scraped is when the shop had last been scraped at a tick.
func (s *stage) scraped(tick time.Time) time.Time {
	s.t.Helper()
	return s.askTime(`max(timestamp(http_requests_total{job="shop"}))`, tick)
}

// firstScraped is when the shop had first been scraped at a tick, in the ten minutes before.
func (s *stage) firstScraped(tick time.Time) time.Time {
	s.t.Helper()
	return s.askTime(`min(min_over_time(timestamp(http_requests_total{job="shop"})[10m:1s]))`, tick)
}

// askTime asks Prometheus for a time, as of a tick.
func (s *stage) askTime(query string, tick time.Time) time.Time {
	s.t.Helper()
	ask := url.Values{"query": {query}, "time": {tick.Format(time.RFC3339Nano)}}
	body, err := get(s.prometheus.url() + "/api/v1/query?" + ask.Encode())
	if err != nil {
		s.t.Fatal(err)
	}
	var answer struct {
		Data struct {
			Result []struct{ Value model.SamplePair }
		}
	}
	if err := json.Unmarshal(body, &answer); err != nil || len(answer.Data.Result) != 1 {
		s.t.Fatalf("when the shop was scraped: %v in %s", err, body)
	}
	return model.Time(answer.Data.Result[0].Value.Value * 1000).Time()
}

// verifyPostMortem waits until the only post-mortem has an incident's final numbers.
func (s *stage) verifyPostMortem(i web.Incident) (text string) {
	s.t.Helper()
	want := finalNumbers(i)
	await(s.t, patience, "the post-mortem to be completed", func() error {
		all := s.postburn.postMortems()
		if len(all) != 1 {
			return fmt.Errorf("%d post-mortems", len(all))
		}
		for _, text = range all {
		}
		if !strings.Contains(text, want) || strings.Contains(text, " so far: ") {
			return fmt.Errorf("%q and nothing that goes on should be in\n%s", want, text)
		}
		return nil
	})
	return text
}

// finalNumbers are an incident's numbers as its post-mortem writes them.
func finalNumbers(i web.Incident) string {
	w := i.Windows[0]
	return fmt.Sprintf("%s of %s requests failed", thousands(w.BadEvents), thousands(w.TotalEvents))
}

// thousands is a whole number with separators: "15,337".
func thousands(x float64) string {
	digits := strconv.FormatFloat(x, 'f', 0, 64)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

// verifyReplay compares the API's incidents with those that a replay finds, from before the first
// data up to the same tick. The options are cmp.Diff's.
func (s *stage) verifyReplay(options ...cmp.Option) {
	s.t.Helper()
	var recorded []web.Incident
	end := s.asOfTick("the incidents", func() (err error) {
		recorded, err = s.postburn.incidents()
		return err
	})
	replayed := s.postburn.replay(s.began, end)
	if diff := cmp.Diff(replayed, recorded, append(options, cmpopts.IgnoreFields(web.Incident{}, "IssueURL"))...); diff != "" {
		s.t.Errorf("incidents as of %s (-replayed +recorded):\n%s", end, diff)
	}
}

// objectiveAsOf returns how the objective of most tests stands, and as of what tick.
func (s *stage) objectiveAsOf() (o web.Objective, tick time.Time) {
	s.t.Helper()
	tick = s.asOfTick("the objective", func() (err error) {
		o, err = s.postburn.objective()
		return err
	})
	return o, tick
}

// asOfTick asks postburn for something until no tick is committed meanwhile, and returns the last
// that was committed before.
func (s *stage) asOfTick(what string, ask func() error) (tick time.Time) {
	s.t.Helper()
	before, err := s.postburn.lastTick()
	if err != nil {
		s.t.Fatal(err)
	}
	await(s.t, patience, what+" as of one tick", func() (err error) {
		// Just after a tick was committed there is most of an interval until the next one is.
		if tick, err = s.postburn.lastTick(); err != nil || !tick.After(before) {
			return errors.Join(err, errNotYet)
		}
		if err := ask(); err != nil {
			return err
		}
		before, err = s.postburn.lastTick()
		if err == nil && !before.Equal(tick) {
			err = errNotYet
		}
		return err
	})
	return tick
}
