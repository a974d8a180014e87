package evidence

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/postburn/postburn/issue"
	"github.com/postburn/postburn/slo"
	"github.com/postburn/postburn/slo/humanize"
)

// maxSteps is in how many steps changes are looked for.
const maxSteps = 8_000

var errNoSeries = errors.New("the targets of the objective's series are not known")

// changes looks for what changed around an incident: in the jobs of the objective's series, and
// among alerts.
type changes struct {
	scope
	rows   *timeline
	series *seriesOf
}

// find looks from two hours before the onset until a little after the end.
func (c *changes) find(ctx context.Context, p Prometheus) error {
	end := c.end()
	from := c.incident.Onset().Add(-issue.Lookback)
	step := c.interval
	for end.Sub(from)/step > maxSteps {
		step += c.interval
	}
	l := &look{ctx: ctx, prometheus: p, ticks: slo.Ticks{First: from, Last: from.Add(end.Sub(from) / step * step), Interval: step}}
	var err error
	if jobs := c.series.of("job"); len(jobs) > 0 {
		err = c.targets(l, jobs)
	}
	if err == nil {
		err = c.deployments(l)
	}
	if err == nil {
		err = (&alerts{c.scope, c.rows, c.series}).find(l)
	}
	if err == nil && c.series == nil {
		return errNoSeries
	}
	return err
}

// targets looks at the targets of jobs: how many there are, and which were down, started, or ran
// another version.
func (c *changes) targets(l *look, jobs []string) error {
	where := "job=~" + anyOf(jobs)
	up, err := l.traces("count by (job) (up{%s})", where)
	if err != nil {
		return err
	}
	l.sees(up)
	for _, t := range up {
		c.tellNumbers(l.moves(t, far), func(from, to float64) string {
			return fmt.Sprintf("Job %s: from %s to %s", t.Labels["job"], number(from), humanize.Plural(int(to), "target"))
		}, "Prometheus, up")
	}
	down, err := l.traces("up{%s} == 0", where)
	if err != nil {
		return err
	}
	c.down(l, down)
	started, err := l.traces("process_start_time_seconds{%s} > %d", where, l.first().Unix())
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
func (c *changes) down(l *look, traces []slo.Trace) {
	var all []change
	for _, t := range traces {
		for _, i := range l.begins(t) {
			all = append(all, change{l.time(i), t.Labels["job"], t.Labels["instance"]})
		}
	}
	c.rows.tellWaves(all, "Prometheus, up", func(what []string, job string) string {
		return fmt.Sprintf("Job %s: %s could not be scraped: %s", job, humanize.Plural(len(what), "target"), some(what))
	})
}

// started tells of processes that started. The time is the one that a process reports.
func (c *changes) started(l *look, traces []slo.Trace) {
	seen := map[change]bool{}
	var all []change
	for _, t := range traces {
		for _, v := range t.Values {
			if math.IsNaN(v) {
				continue
			}
			at := time.Unix(int64(v), 0).UTC()
			ch := change{at, t.Labels["job"], t.Labels["instance"]}
			if !seen[ch] && !at.After(l.last()) {
				seen[ch] = true
				all = append(all, ch)
			}
		}
	}
	c.rows.tellWaves(all, "Prometheus, process_start_time_seconds", func(what []string, job string) string {
		if len(what) == 1 {
			return fmt.Sprintf("Job %s: target %s started", job, what[0])
		}
		return fmt.Sprintf("Job %s: %s started: %s", job, humanize.Plural(len(what), "target"), some(what))
	})
}

// versions tells of versions that appeared or were gone while another one was there.
func (c *changes) versions(l *look, traces []slo.Trace) {
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
			return humanize.List(slices.Compact(names))
		}
		source := "Prometheus, " + t.Labels["metric"]
		runs := l.runs(t)
		for _, r := range runs[:min(len(runs), maxRows)] {
			if name(t) == "" {
				break
			}
			if r.before >= 0 && others(r.before) != "" {
				c.rows.add(l.time(r.first), fmt.Sprintf("Job %s: version %s appeared; before, it was %s", t.Labels["job"], name(t), others(r.before)), source)
			}
			if r.after >= 0 && others(r.after) != "" {
				c.rows.add(l.time(r.after), fmt.Sprintf("Job %s: version %s was gone; %s was running", t.Labels["job"], name(t), others(r.after)), source)
			}
		}
	}
}

// deployments tells of new generations and numbers of replicas of the deployments in the series'
// namespaces. If the series have none, it looks for deployments with the job's or service's name.
func (c *changes) deployments(l *look) error {
	where := "namespace=~" + anyOf(c.series.of("namespace"))
	if len(c.series.of("namespace")) == 0 {
		names := append(slices.Clone(c.series.of("job")), c.worst.Objective.Service)
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
		c.tellNumbers(l.moves(t, c.rows.apart), func(from, to float64) string {
			if t.Labels["of"] == "generation" {
				return fmt.Sprintf("Deployment %s changed: generation %s to %s", name, number(from), number(to))
			}
			return fmt.Sprintf("Deployment %s scaled from %s to %s", name, number(from), humanize.Plural(int(to), "replica"))
		}, source)
	}
	return nil
}

// tellNumbers tells how a number changed.
func (c *changes) tellNumbers(moves []move, text func(from, to float64) string, source string) {
	for _, m := range moves {
		c.rows.add(m.at, text(m.from, m.to), source)
	}
}

func number(x float64) string { return strconv.FormatFloat(x, 'f', -1, 64) }
