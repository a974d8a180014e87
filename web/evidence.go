package web

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/issue"
	"github.com/postburn/postburn/slo"
	"github.com/postburn/postburn/slo/humanize"
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
	LeftOut    []string // of the timeline
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
	found, ok, err := p.Parts.Evidence(v.ID)
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
		v.Durations = append(v.Durations, durationsRow{nameOf(d.Of), "then", quantileTexts(d.Window)})
		if len(d.WeekBefore) > 0 {
			v.Durations = append(v.Durations, durationsRow{nameOf(d.Of), issue.WeekBefore, quantileTexts(d.WeekBefore)})
		}
	}
	v.Timeline = timeline(f)
	v.Hidden = max(0, len(v.Timeline)-maxTimeline)
	v.Timeline = v.Timeline[:len(v.Timeline)-v.Hidden]
	for _, sentence := range f.LeftOut {
		v.LeftOut = append(v.LeftOut, shown(sentence))
	}
	for _, u := range f.Unresolved {
		v.Unresolved = append(v.Unresolved, shown(u))
	}
	return v
}

// newChart is nil if there is none.
func newChart(f issue.Facts) *chartView {
	if f.Chart == nil || len(f.Chart.Points) == 0 {
		return nil
	}
	n := slices.IndexFunc(f.Incident.Windows, func(w alert.Window) bool { return w.ID() == f.Chart.Of })
	if n < 0 {
		return nil
	}
	v := newChartView(nameOf(f.Chart.Of), f.Incident.Windows[n].Objective.Target, f.Chart.Step, f.Chart.Points)
	return &v
}

func newWhere(found issue.Contributor) whereRow {
	row := whereRow{
		Name: nameOf(found.Of), Share: unbroken(humanize.Share(found.In.Bad, found.All.Bad)), Outcome: found.Outcome,
		In: percent(found.In.ErrorRatio()), Rest: percent(found.All.Sub(found.In).Cut().ErrorRatio()),
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
	return humanize.Decimal(c.Total/length.Minutes(), 1)
}

func quantileTexts(all []slo.Quantile) (took []string) {
	for _, q := range all[:min(len(all), len(evidenceView{}.Shares()))] {
		text := unbroken(humanize.AboutLatency(q.Value))
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
	case alert.Quietness:
		began, over = "had far less traffic than usual", "had its usual traffic again"
	default:
		began, over = "began a window of kind "+shown(string(w.Kind)), "ended it"
	}
	name := shown(w.ID().String())
	rows := []timelineRow{{w.Onset, "Onset: " + name + " " + began, "postburn", "", 0}, {w.Detected, "Detected: " + name, "postburn", "", 1}}
	if !w.IsOpen() {
		rows = append(rows, timelineRow{w.Ended, "End: " + name + " " + over, "postburn", "", 3})
	}
	return rows
}
