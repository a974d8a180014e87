package main

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	modelvalue "github.com/prometheus/prometheus/model/value"
)

// What there is to catch up with: services as in the other measurements, in groups of ten that
// share incidents. The first groups have outages before and in the downtime, and until shortly
// before its end, each kind in other services.
const (
	downtime     = 6 * time.Hour
	wasUp        = 30 * time.Minute  // that the daemon had been up before
	beforeThat   = 110 * time.Minute // of data: as much as the rules need
	groupSize    = 10
	outagesBlock = 2 * time.Hour // as Prometheus cuts them
	afterwards   = 40 * time.Minute
)

// outage is a stretch in which a share of the requests fail, and what the instances do meanwhile.
type outage struct {
	from, length time.Duration // after the downtime's start
	share        float64
	restarts     bool // each instance, somewhen in the middle
	unseen       bool // every fourth instance is not scraped in the middle third
}

// kinds of services: what happens to them.
var kinds = [...][]outage{
	{},
	{{from: time.Hour, length: 10 * time.Minute, share: 1}},
	{{from: -5 * time.Minute, length: 25 * time.Minute, share: 0.4}},
	{{from: 2 * time.Hour, length: 3 * time.Minute, share: 1}, {from: 160 * time.Minute, length: 4*time.Minute + 10*time.Second, share: 1}},
	{{from: 3*time.Hour + 7*time.Second, length: 70 * time.Minute, share: 0.05}},
	{{from: 30 * time.Minute, length: 100 * time.Minute, share: 0.006}},
	{{from: 5*time.Hour + 11*time.Minute, length: 2 * time.Minute, share: 0.9}},
	{{from: 4 * time.Hour, length: 20 * time.Minute, share: 0.5, restarts: true}},
	{{from: 210 * time.Minute, length: 36 * time.Minute, share: 0.2, unseen: true}},
	{
		{from: -10 * time.Minute, length: 6 * time.Minute, share: 0.3}, {from: 90 * time.Minute, length: 30 * time.Second, share: 1},
		{from: 5 * time.Hour, length: 11 * time.Minute, share: 0.1, restarts: true},
	},
}

// kindOf returns what happens to the i-th of n services. The first twentieth, in whole groups, have
// outages.
func kindOf(i, n int) int {
	if i >= faulty(n) {
		return 0
	}
	return 1 + i%(len(kinds)-1)
}

// faulty is how many of n services have outages.
func faulty(n int) int { return (n/20 + groupSize - 1) / groupSize * groupSize }

// writeOutages writes the data of a Prometheus of n services, whose postburn went down at a time:
// blocks, and a log of what is newest. The log goes on for a while after now, since catching up
// takes time.
func writeOutages(ctx context.Context, dir string, n int, down, now time.Time) error {
	from, recent := down.Add(-wasUp-beforeThat), now.Add(-shortPast).Truncate(time.Minute)
	all := makeOutages(n, from, down, now.Add(afterwards))
	block := 0
	for start := from; start.Before(recent); start = start.Add(outagesBlock) {
		end := start.Add(outagesBlock)
		if end.After(recent) {
			end = recent
		}
		if err := writeBlock(ctx, dir, block, start, end, all); err != nil {
			return err
		}
		block++
	}
	return writeLog(ctx, dir, recent, now.Add(afterwards), all)
}

// makeOutages makes the counters of n services, in the order of their labels. Services of one kind
// share their values.
func makeOutages(n int, from, down, end time.Time) (all []series) {
	random := rand.New(rand.NewPCG(5, 6))
	var answered, failed [instances][len(kinds)][]value
	for i := range instances {
		for kind, outages := range kinds {
			answered[i][kind], failed[i][kind] = play(outages, i, from, down, end, random)
		}
	}
	for code, values := range map[string]*[instances][len(kinds)][]value{"200": &answered, "500": &failed} {
		for i := range instances {
			for s := range n {
				all = append(all, series{labels.FromStrings("__name__", metric, "code", code,
					"instance", fmt.Sprintf("i%02d", i), "job", "bench", "service", serviceName(s)), &values[i][kindOf(s, n)]})
			}
		}
	}
	for i := range instances {
		all = append(all, series{labels.FromStrings("__name__", "up", "instance", fmt.Sprintf("i%02d", i), "job", "bench"), up(i, from, end)})
	}
	slices.SortFunc(all, func(a, b series) int { return labels.Compare(a.labels, b.labels) })
	return all
}

// up says that an instance was scraped.
func up(instance int, from, end time.Time) *[]value {
	var values []value
	for at := from.Add(shift(instance)); at.Before(end); at = at.Add(scrape) {
		values = append(values, value{at.UnixMilli(), 1})
	}
	return &values
}

// play returns what an instance's two counters show at every scrape. The counter of failed requests
// begins with the first failure.
func play(outages []outage, instance int, from, down, end time.Time, random *rand.Rand) (answered, failed []value) {
	const requests, normally = 30, 0.0001 // a scrape, and the share of them that fail
	good, bad := 100_000.0, 0.0
	if len(outages) == 0 {
		bad = 10 // it has been up for longer
	}
	var restarts []time.Time
	for _, o := range outages {
		if o.restarts {
			restarts = append(restarts, down.Add(o.from+time.Duration(random.Float64()*float64(o.length))))
		}
	}
	for at := from.Add(shift(instance)); at.Before(end); at = at.Add(scrape) {
		share, unseen := normally, false
		for _, o := range outages {
			begin := down.Add(o.from)
			if in := at.Sub(begin); in > 0 && in <= o.length {
				share, unseen = o.share, o.unseen && instance%4 == 0 && in > o.length/3 && in <= 2*o.length/3
			}
		}
		if len(restarts) > 0 && at.After(restarts[0]) {
			good, bad, restarts = 0, 0, restarts[1:]
		}
		for range requests {
			if random.Float64() < share {
				bad++
			} else {
				good++
			}
		}
		answered = show(answered, at, good, !unseen)
		failed = show(failed, at, bad, !unseen && bad > 0)
	}
	return answered, failed
}

// show adds what a scrape at a time finds: a value, or that there is none any more.
func show(values []value, at time.Time, v float64, there bool) []value {
	switch n := len(values); {
	case there:
		return append(values, value{at.UnixMilli(), v})
	case n > 0 && !modelvalue.IsStaleNaN(values[n-1].v):
		return append(values, value{at.UnixMilli(), math.Float64frombits(modelvalue.StaleNaN)})
	}
	return values
}
