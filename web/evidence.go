package web

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/issue"
	"github.com/postburn/postburn/slo"
)

// maxTimeline is how many rows of a timeline a page shows.
const maxTimeline = 200

// evidenceView is what was found around an incident. It is for incidents that have an issue of
// their own as well, but most of all for those that share one: a storm's issue has no room for it.
type evidenceView struct {
	Fetched    bool
	Chart      *chartView
	Where      []whereRow
	Traffic    []trafficRow
	Durations  []durationsRow
	Timeline   []timelineRow
	Hidden     int // rows that are not shown
	Unresolved []string
}

// chartView is the course of an objective's error ratio, in units of a picture that is chartWidth
// wide and chartHeight high.
type chartView struct {
	Name    objectiveName
	Step    time.Duration
	Allowed string
	Top     string  // the error ratio at the upper edge
	Line    float64 // how far below it the target's line is
	Bars    []bar
}

const chartWidth, chartHeight = 480.0, 100.0

// bar is a point of a chart.
type bar struct {
	X, Y, Width, Height float64
	Time                time.Time
	slo.Counts
	Ratio string
	Blind bool
}

// whereRow says which part of the bad events has something in common.
type whereRow struct {
	Name     objectiveName
	Share    string
	Labels   []string // like `route="/cart" (1 of 4)`
	Outcome  bool     // of the bad events alone: the ratios mean nothing
	In, Rest string   // the error ratio of the part, and of all others
}

type trafficRow struct {
	Name  objectiveName
	Now   string // events a minute, like the others
	Usual []string
}

type durationsRow struct {
	Name objectiveName
	When string
	Took []string // p50, p95 and p99
}

// timelineRow is a row of the timeline.
type timelineRow struct {
	Time              time.Time
	Text, Source, URL string
	rank              int // among those of one time
}

// Shares are the quantiles that are told.
func (evidenceView) Shares() []string { return []string{"p50", "p95", "p99"} }

// addEvidence adds what its publication keeps of an incident.
func (v *incidentView) addEvidence(p issue.Publication) error {
	found, ok, err := p.Evidence(v.ID)
	if err != nil {
		return fmt.Errorf("reading the evidence of incident %s: %w", v.ID, err)
	}
	v.Evidence = newEvidenceView(issue.Facts{Incident: v.incident, Evidence: found}, ok)
	return nil
}

func newEvidenceView(f issue.Facts, fetched bool) evidenceView {
	v := evidenceView{Fetched: fetched, Chart: newChart(f)}
	for _, found := range f.Contributors {
		v.Where = append(v.Where, newWhere(found))
	}
	for _, t := range f.Traffic {
		row := trafficRow{Name: nameOf(t.Of), Now: perMinute(t.Window, t.Length)}
		for _, u := range t.Usual {
			row.Usual = append(row.Usual, fmt.Sprintf("%s in %s, %s of them bad", perMinute(u.Counts, u.Length), u.When, percent(u.ErrorRatio())))
		}
		v.Traffic = append(v.Traffic, row)
	}
	for _, d := range f.Durations {
		v.Durations = append(v.Durations, durationsRow{nameOf(d.Of), "then", quantiles(d.Window)})
		if len(d.WeekBefore) > 0 {
			v.Durations = append(v.Durations, durationsRow{nameOf(d.Of), issue.WeekBefore, quantiles(d.WeekBefore)})
		}
	}
	v.Timeline = timeline(f)
	v.Hidden = max(0, len(v.Timeline)-maxTimeline)
	v.Timeline = v.Timeline[:len(v.Timeline)-v.Hidden]
	for _, u := range f.Unresolved {
		v.Unresolved = append(v.Unresolved, shown(u))
	}
	return v
}

// newChart is nil where there is none.
func newChart(f issue.Facts) *chartView {
	if f.Chart == nil || len(f.Chart.Points) == 0 {
		return nil
	}
	n := slices.IndexFunc(f.Incident.Windows, func(w alert.Window) bool { return w.ID() == f.Chart.Of })
	if n < 0 {
		return nil
	}
	allowed := f.Incident.Windows[n].Objective.Target.Complement()
	top := 2 * allowed.Float()
	for _, p := range f.Chart.Points {
		if !p.Blind {
			top = max(top, p.ErrorRatio())
		}
	}
	top = min(1, top)
	if !(top > 0) {
		top = 1
	}
	v := &chartView{Name: nameOf(f.Chart.Of), Step: f.Chart.Step, Allowed: allowed.Percent(), Top: percent(top)}
	v.Line = tenths(chartHeight * (1 - min(1, allowed.Float()/top)))
	each := chartWidth / float64(len(f.Chart.Points))
	for i, p := range f.Chart.Points {
		b := bar{X: tenths(float64(i) * each), Width: tenths(each * 0.8), Time: p.Time, Counts: p.Counts, Ratio: percent(p.ErrorRatio()), Blind: p.Blind}
		if !p.Blind {
			b.Height = tenths(chartHeight * min(1, max(0, p.ErrorRatio()/top)))
		}
		b.Y = chartHeight - b.Height
		v.Bars = append(v.Bars, b)
	}
	return v
}

func tenths(x float64) float64 { return math.Round(x*10) / 10 }

func newWhere(found issue.Contributor) whereRow {
	rest := found.All.Sub(found.In)
	row := whereRow{
		Name: nameOf(found.Of), Share: "All", Outcome: found.Outcome, In: percent(found.In.ErrorRatio()), Rest: percent(rest.ErrorRatio()),
	}
	if found.In.Bad < found.All.Bad {
		row.Share = percent(found.In.Bad / found.All.Bad)
	}
	for _, c := range found.Where {
		text := c.Label + `="` + strings.Join(c.Values, "|") + `"`
		for _, also := range c.Also {
			text += fmt.Sprintf(`, the same as %s="%s"`, also.Name, also.Value)
		}
		text = shown(text)
		if !found.Outcome {
			text += fmt.Sprintf(" (%d of %d)", len(c.Values), c.Of)
		}
		row.Labels = append(row.Labels, text)
	}
	return row
}

func perMinute(c slo.Counts, length time.Duration) string {
	if length <= 0 {
		return "0"
	}
	return trimmed(c.Total/length.Minutes(), 1)
}

func quantiles(all []slo.Quantile) (took []string) {
	for _, q := range all[:min(len(all), len(evidenceView{}.Shares()))] {
		unit := time.Duration(1)
		for unit*1000 <= q.Value {
			unit *= 10
		}
		text := q.Value.Round(unit).String() // with three digits: a histogram is no more exact
		if q.Above {
			text = "over " + text
		}
		took = append(took, text)
	}
	return took
}

// timeline is when what happened: to the breach windows, and what was found around them.
func timeline(f issue.Facts) (rows []timelineRow) {
	for _, w := range f.Incident.Windows {
		rows = append(rows, windowRows(w)...)
	}
	for _, e := range f.Timeline {
		rows = append(rows, timelineRow{e.Time, shown(e.Text), shown(e.Source), link(e.URL), 2})
	}
	slices.SortStableFunc(rows, func(a, b timelineRow) int { return cmp.Or(a.Time.Compare(b.Time), cmp.Compare(a.rank, b.rank)) })
	return rows
}

// windowRows tell of a breach window's onset, detection and end. Its phases have a table.
func windowRows(w alert.Window) []timelineRow {
	began, over := "began to miss its target", "was within its target again"
	switch w.Kind {
	case alert.Burn:
	case alert.Budget:
		began, over = "had spent more than its error budget", "had error budget again"
	case alert.Blindness:
		began, over = "had no data", "had data again"
	default:
		began, over = "began a stretch of kind "+shown(string(w.Kind)), "ended it"
	}
	name := shown(w.ID().String())
	rows := []timelineRow{{w.Onset, "Onset: " + name + " " + began, "postburn", "", 0}, {w.Detected, "Detected: " + name, "postburn", "", 1}}
	if !w.IsOpen() {
		rows = append(rows, timelineRow{w.Ended, "End: " + name + " " + over, "postburn", "", 3})
	}
	return rows
}
