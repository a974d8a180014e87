package evidence

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/postburn/postburn/issue"
	"github.com/postburn/postburn/slo"
)

const (
	// maxSteps is how many steps what changed is looked for in.
	maxSteps = 8_000
	// together is how close in time changes of one kind are told as one.
	together = 5 * time.Minute
	// maxRows is how many rows of one kind are told.
	maxRows = 8
)

var errNoSeries = errors.New("the targets of the objective's series are not known")

// changes finds what changed from two hours before the onset until the end: in the targets that the objective's series are of, by their
// job, and among alerts.
func (c *collector) changes(ctx context.Context, p Prometheus, series *seriesOf) error {
	onset, end := c.incident.Onset(), c.end()
	from := onset.Add(-issue.Lookback)
	step := c.Interval
	for end.Sub(from)/step > maxSteps {
		step += c.Interval
	}
	l := look{ctx: ctx, prometheus: p, ticks: slo.Ticks{First: from, Last: from.Add(end.Sub(from) / step * step), Interval: step}}
	var err error
	if jobs := series.of("job"); len(jobs) > 0 {
		err = c.targets(&l, jobs)
	}
	if err == nil {
		err = c.deployments(&l, series)
	}
	if err == nil {
		err = c.alerts(&l, series)
	}
	if err == nil && series == nil {
		return errNoSeries
	}
	return err
}

// end is until when changes are looked for: a little past the end.
func (c *collector) end() time.Time {
	var end time.Time
	for _, w := range c.incident.Windows {
		if u := until(w); u.After(end) {
			end = u
		}
	}
	if end = end.Add(issue.LookPast(c.Interval)); end.After(c.newest) {
		return c.newest
	}
	return end
}

// look asks for one thing after the other over the same ticks.
type look struct {
	ctx        context.Context
	prometheus Prometheus
	ticks      slo.Ticks
	known      []bool // by tick: whether there was any data; nil: not found out
}

func (l *look) traces(format string, args ...any) ([]slo.Trace, error) {
	return l.prometheus.Traces(l.ctx, fmt.Sprintf(format, args...), l.ticks)
}

// at reports whether there was any data at a tick.
func (l *look) at(i int) bool { return l.known == nil || l.known[i] }

// begins are the ticks at which a trace has a value and had none at the last tick with data before. What was there at the first tick
// with data has not begun.
func (l *look) begins(t slo.Trace) (ticks []int) {
	before, seen := true, false
	for i, v := range t.Values {
		if !l.at(i) {
			continue
		}
		there := !math.IsNaN(v)
		if there && !before && seen {
			ticks = append(ticks, i)
		}
		before, seen = there, true
	}
	return ticks
}

// gap is how many ticks with data a trace has to be without a value to be gone.
const gap = 5

// presence is a run of ticks at which a trace has values, short gaps aside.
type presence struct {
	first         int
	before, after int // the nearest ticks with data at which it is not there; -1 where there is none
}

// runs are the presences of a trace, in order.
func (l *look) runs(t slo.Trace) (all []presence) {
	before, missing, after := -1, gap, -1
	for i, v := range t.Values {
		switch {
		case !l.at(i):
		case math.IsNaN(v):
			if missing++; missing == 1 {
				after = i
			}
			if n := len(all); n > 0 && missing == gap {
				all[n-1].after = after
			}
			before = i
		default:
			if missing >= gap {
				all = append(all, presence{first: i, before: before, after: -1})
			}
			missing = 0
		}
	}
	return all
}

// targets looks at the targets of the jobs: their number, which were down, which started, and which versions run.
func (c *collector) targets(l *look, jobs []string) error {
	where := "job=~" + anyOf(jobs)
	up, err := l.traces("count by (job) (up{%s})", where)
	if err != nil {
		return err
	}
	if len(up) > 0 {
		l.known = make([]bool, l.ticks.Len())
		for i := range l.known {
			l.known[i] = slices.ContainsFunc(up, func(t slo.Trace) bool { return !math.IsNaN(t.Values[i]) })
		}
	}
	for _, t := range up {
		c.numbers(l, t, far, func(from, to float64) string {
			return fmt.Sprintf("Job %s: %s, before %s", t.Labels["job"], many(int(to), "target"), number(from))
		}, "Prometheus, up")
	}
	down, err := l.traces("up{%s} == 0", where)
	if err != nil {
		return err
	}
	c.down(l, down)
	started, err := l.traces("process_start_time_seconds{%s} > %d", where, l.ticks.First.Unix())
	if err != nil {
		return err
	}
	c.started(l, started)
	versions, err := l.traces(`count by (job, metric, version, revision) (label_replace({__name__=~".+_build_info",%s}, "metric", "$1", "__name__", "(.+)"))`, where)
	if err != nil {
		return err
	}
	c.versions(l, versions)
	return nil
}

// down tells of targets that could not be scraped.
func (c *collector) down(l *look, traces []slo.Trace) {
	var all []change
	for _, t := range traces {
		for _, i := range l.begins(t) {
			all = append(all, change{l.ticks.At(i), t.Labels["job"], t.Labels["instance"]})
		}
	}
	c.tell(all, "Prometheus, up", func(what []string, job string) string {
		return fmt.Sprintf("Job %s: %s could not be scraped: %s", job, many(len(what), "target"), some(what))
	})
}

// started tells of processes that started. The time is the process' own.
func (c *collector) started(l *look, traces []slo.Trace) {
	seen := map[change]bool{}
	var all []change
	for _, t := range traces {
		for _, v := range t.Values {
			if math.IsNaN(v) {
				continue
			}
			at := time.Unix(int64(v), 0).UTC()
			ch := change{at, t.Labels["job"], t.Labels["instance"]}
			if !seen[ch] && !at.After(l.ticks.Last) {
				seen[ch] = true
				all = append(all, ch)
			}
		}
	}
	c.tell(all, "Prometheus, process_start_time_seconds", func(what []string, job string) string {
		if len(what) == 1 {
			return fmt.Sprintf("Job %s: the process of %s started", job, what[0])
		}
		return fmt.Sprintf("Job %s: the processes of %s started: %s", job, many(len(what), "target"), some(what))
	})
}

// versions tells of versions that appeared while another one was reported, and of those that were no longer while another one was.
func (c *collector) versions(l *look, traces []slo.Trace) {
	name := func(t slo.Trace) string { return cmp.Or(t.Labels["version"], t.Labels["revision"]) }
	slices.SortFunc(traces, func(a, b slo.Trace) int { return cmp.Compare(name(a), name(b)) })
	for _, t := range traces {
		others := func(i int) string {
			var names []string
			for _, o := range traces {
				if o.Labels["job"] == t.Labels["job"] && o.Labels["metric"] == t.Labels["metric"] && name(o) != name(t) && !math.IsNaN(o.Values[i]) {
					names = append(names, name(o))
				}
			}
			return strings.Join(slices.Compact(names), " and ")
		}
		source := "Prometheus, " + t.Labels["metric"]
		runs := l.runs(t)
		for _, r := range runs[:min(len(runs), maxRows)] {
			if name(t) == "" {
				break
			}
			if r.before >= 0 && others(r.before) != "" {
				c.add(l.ticks.At(r.first), fmt.Sprintf("Job %s: version %s appeared; until then it was %s", t.Labels["job"], name(t), others(r.before)), source)
			}
			if r.after >= 0 && others(r.after) != "" {
				c.add(l.ticks.At(r.after), fmt.Sprintf("Job %s: version %s was gone; what ran on was %s", t.Labels["job"], name(t), others(r.after)), source)
			}
		}
	}
}

// deployments tells of new generations and replicas of the deployments in the series' namespaces, or of the service's or job's name.
func (c *collector) deployments(l *look, series *seriesOf) error {
	where := "namespace=~" + anyOf(series.of("namespace"))
	if len(series.of("namespace")) == 0 {
		names := append(slices.Clone(series.of("job")), c.worst.Objective.Service)
		where = "deployment=~" + anyOf(names)
	}
	found, err := l.traces(`label_replace(max by (namespace, deployment) (kube_deployment_metadata_generation{%s}), "of", "generation", "", "") or `+
		`label_replace(max by (namespace, deployment) (kube_deployment_spec_replicas{%s}), "of", "replicas", "", "")`, where, where)
	if err != nil {
		return err
	}
	for _, t := range found {
		name, source := t.Labels["deployment"], "Prometheus, kube_deployment_spec_replicas"
		if t.Labels["of"] == "generation" {
			source = "Prometheus, kube_deployment_metadata_generation"
		}
		c.numbers(l, t, c.apart, func(from, to float64) string {
			if t.Labels["of"] == "generation" {
				return fmt.Sprintf("Deployment %s was changed: generation %s, before %s", name, number(to), number(from))
			}
			return fmt.Sprintf("Deployment %s wanted %s, before %s", name, many(int(to), "replica"), number(from))
		}, source)
	}
	return nil
}

// numbers tells how a number changed; changes that are not apart as one, and nothing where they come
// to nothing, as of the targets that are there twice in a rollout.
func (c *collector) numbers(l *look, t slo.Trace, apart func(a, b time.Time) bool, text func(from, to float64) string, source string) {
	rows, before := 0, math.NaN()
	for i := 0; i < len(t.Values) && rows < maxRows; i++ {
		v := t.Values[i]
		if !l.at(i) || math.IsNaN(v) {
			continue
		}
		if math.IsNaN(before) || v == before {
			before = v
			continue
		}
		start := i
		for j := i + 1; j < len(t.Values) && !apart(l.ticks.At(i), l.ticks.At(j)); j++ {
			if l.at(j) && !math.IsNaN(t.Values[j]) && t.Values[j] != v {
				i, v = j, t.Values[j]
			}
		}
		if v != before {
			c.add(l.ticks.At(start), text(before, v), source)
			rows++
		}
		before = v
	}
}

// change is something that happened to a target.
type change struct {
	at        time.Time
	job, what string
}

// far reports whether two changes are more than five minutes apart.
func far(a, b time.Time) bool { return b.Sub(a) > together }

// apart reports whether two changes are told in different rows: those that are far from each
// other, and those of which one is before and the other after the onset, or the later half
// of the incident, if they are more than a tick apart. So the restarts that ended an incident have
// another row than those that began it, and a rollout that goes on over the onset has one.
func (c *collector) apart(a, b time.Time) bool {
	between := func(at time.Time) bool { return a.Before(at) && !b.Before(at) }
	onset, ended := c.incident.Onset(), c.incident.Ended()
	switch {
	case far(a, b):
		return true
	case b.Sub(a) <= c.Interval:
		return false
	}
	return between(onset) || !ended.IsZero() && between(issue.LaterHalf(onset, ended))
}

// tell makes rows of changes. Those of one job that follow each other closely share a row, at the
// time of the first, until something changes a second time. Of many rows the first and the last are
// told one by one.
func (c *collector) tell(all []change, source string, text func(what []string, job string) string) {
	slices.SortFunc(all, func(a, b change) int {
		return cmp.Or(cmp.Compare(a.job, b.job), a.at.Compare(b.at), cmp.Compare(a.what, b.what))
	})
	byJob := map[string][]wave{}
	for _, ch := range all {
		waves := byJob[ch.job]
		if n := len(waves); n == 0 || c.apart(waves[n-1].last, ch.at) || slices.Contains(waves[n-1].what, ch.what) {
			waves = append(waves, wave{first: ch.at, times: 1})
		}
		w := &waves[len(waves)-1]
		w.last, w.what = ch.at, append(w.what, ch.what)
		byJob[ch.job] = waves
	}
	for _, job := range slices.Sorted(maps.Keys(byJob)) {
		for _, w := range shortened(byJob[job]) {
			row := text(w.what, job)
			switch {
			case w.times > 1:
				row += fmt.Sprintf("; this happened %d times until %s", w.times, w.last.UTC().Format(time.TimeOnly))
			case w.last.Sub(w.first) > c.Interval:
				row += fmt.Sprintf("; the last one %s later", w.last.Sub(w.first).Round(time.Second))
			}
			c.add(w.first, row, source)
		}
	}
}

// wave is changes of several targets, one each, that are told in one row.
type wave struct {
	first, last time.Time
	what        []string
	times       int // how many waves it stands for
}

// shortened makes one of those waves in the middle that are too many to be told.
func shortened(waves []wave) []wave {
	if len(waves) <= maxRows {
		return waves
	}
	const first, last = maxRows / 2, maxRows - maxRows/2 - 1
	middle := waves[first : len(waves)-last]
	one := wave{first: middle[0].first, last: middle[len(middle)-1].last, times: len(middle)}
	for _, w := range middle {
		for _, what := range w.what {
			if !slices.Contains(one.what, what) {
				one.what = append(one.what, what)
			}
		}
	}
	return slices.Concat(waves[:first], []wave{one}, waves[len(waves)-last:])
}

// add makes a row of a change. What ended an incident is often seen a little after the end only.
func (c *collector) add(at time.Time, text, source string) {
	c.addUntil(issue.LookPast(c.Interval), issue.Entry{Time: at, Text: text, Source: source})
}

// addSymptom makes a row of something that nobody did.
func (c *collector) addSymptom(at time.Time, text, source string) {
	c.addUntil(0, issue.Entry{Time: at, Text: text, Source: source, Symptom: true})
}

// addUntil makes a row, unless that was longer after the end.
func (c *collector) addUntil(after time.Duration, e issue.Entry) {
	if ended := c.incident.Ended(); ended.IsZero() || !e.Time.After(ended.Add(after)) {
		c.found.Timeline = append(c.found.Timeline, e)
	}
}

// anyOf is the quoted regular expression of some values.
func anyOf(values []string) string {
	quoted := make([]string, len(values))
	for i, v := range values {
		quoted[i] = regexp.QuoteMeta(v)
	}
	return strconv.Quote(strings.Join(quoted, "|"))
}

// some are the first of several names.
func some(names []string) string {
	const most = 3
	if n := len(names) - most; n > 0 {
		return strings.Join(names[:most], ", ") + " and " + many(n, "other")
	}
	return strings.Join(names, ", ")
}

func number(x float64) string { return strconv.FormatFloat(x, 'f', -1, 64) }

func many(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return strconv.Itoa(n) + " " + noun + "s"
}
