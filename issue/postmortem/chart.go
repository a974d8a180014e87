package postmortem

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/issue"
	"github.com/postburn/postburn/slo/humanize"
)

// palette is the colours of the error ratio and of the target: they can be told apart on a light
// and on a dark ground, and by those who do not see red or green.
const palette = "#d9730d, #1f6feb"

// Chart is the course of the error ratio: as a picture, and the same in a table for readers whose
// Markdown has no pictures.
type Chart struct {
	Of      string // the objective, if there are several
	Source  string // of the Mermaid diagram
	Note    string // what a point is, and what the other line
	Noun    string // of an event, as a heading
	NoData  string // what the picture can't show: when there was no data; empty: never
	Numbers []ChartRow
}

// ChartRow is a point in numbers, or several that follow each other and are equal.
type ChartRow struct{ Time, Events, Bad, ErrorRatio string }

// chart puts a course into a picture. It is nil if there is none. The error ratio is a line:
// Mermaid draws a bar of some height for nothing, too, which looks like errors.
func chart(f issue.Facts) *Chart {
	if f.Chart == nil || len(f.Chart.Points) == 0 {
		return nil
	}
	w, ok := windowOf(f.Incident, *f.Chart)
	if !ok {
		return nil
	}
	say := wordsOf(w.Objective.Indicator)
	allowed := 100 * w.Objective.Target.Complement().Float()
	labels, ratios, top := timeLabels(*f.Chart), make([]string, len(f.Chart.Points)), 2*allowed
	target := make([]string, len(ratios))
	c := &Chart{Noun: strings.ToUpper(say.noun[:1]) + say.noun[1:] + "s" + say.measured}
	var blind []string
	for i, p := range f.Chart.Points {
		p.Counts = p.Cut()
		ratio := 100 * p.ErrorRatio()
		row := ChartRow{labels[i], humanize.Count(p.Total), humanize.Count(p.Bad), humanize.Percent(p.ErrorRatio())}
		switch {
		case p.Blind:
			ratio, row = 0, ChartRow{labels[i], "no data", "", ""}
			blind = append(blind, labels[i])
		case p.Total <= 0:
			row.ErrorRatio = ""
		}
		top = max(top, ratio)
		ratios[i], target[i] = height(ratio), humanize.Decimal(allowed, 6)
		c.Numbers = append(c.Numbers, row)
	}
	c.Numbers = joinRows(c.Numbers)
	for i, l := range labels {
		labels[i] = strconv.Quote(l)
	}
	c.Source = fmt.Sprintf(`%%%%{init: {"xyChart": {"width": 900, "height": 300, "xAxis": {"labelFontSize": 11}}, "themeVariables": {"xyChart": {"plotColorPalette": %q}}}}%%%%
xychart-beta
    title "Share of %ss that %s"
    x-axis "Time (UTC)" [%s]
    y-axis "%% of %ss" 0 --> %s
    line [%s]
    line [%s]`,
		palette, say.noun, say.bad, strings.Join(labels, ", "), say.noun, humanize.Decimal(niceTop(top), 6), strings.Join(ratios, ", "), strings.Join(target, ", "))
	c.Note = fmt.Sprintf("Each point is the share in the %s from its time; the level line is what the target allows, %s.",
		humanize.Period(f.Chart.Step), w.Objective.Target.Complement().Percent())
	if len(blind) > 0 {
		c.NoData = "There is no data at " + stretchesOf(blind, f.Chart.Points) + "; the line is at 0 there."
	}
	if len(f.Incident.Windows) > 1 {
		c.Of = Code(w.ID().String())
	}
	return c
}

// joinRows makes one row of those that follow each other and are equal.
func joinRows(rows []ChartRow) (joined []ChartRow) {
	for i := 0; i < len(rows); {
		row, last := rows[i], i
		for last+1 < len(rows) && row.equals(rows[last+1]) {
			last++
		}
		if last > i {
			row.Time += " to " + rows[last].Time
		}
		joined, i = append(joined, row), last+1
	}
	return joined
}

func (r ChartRow) equals(s ChartRow) bool {
	s.Time = r.Time
	return r == s
}

// windowOf returns the breach window that a chart shows.
func windowOf(i alert.Incident, c issue.Chart) (alert.Window, bool) {
	if w := issue.Headline(i); w.ID() == c.Of {
		return w, true
	}
	for _, w := range i.Windows {
		if w.ID() == c.Of {
			return w, true
		}
	}
	return alert.Window{}, false
}

// timeLabels are the times of the points, as short as they are unique.
func timeLabels(c issue.Chart) []string {
	times := make([]time.Time, len(c.Points))
	for i, p := range c.Points {
		times[i] = p.Time.UTC()
	}
	layout := humanize.NewClock(times...).Layout()
	if times[len(times)-1].Sub(times[0])+c.Step > day {
		layout = "01-02 15:04"
	}
	labels := make([]string, len(times))
	for i, t := range times {
		labels[i] = t.Format(layout)
	}
	return labels
}

// stretchesOf joins labels of points that follow each other: "10:44 to 10:50, 11:02".
func stretchesOf(labels []string, points []issue.Point) string {
	var parts []string
	n := 0
	for i := 0; i < len(points); i++ {
		if !points[i].Blind {
			continue
		}
		from := labels[n]
		for n++; i+1 < len(points) && points[i+1].Blind; i++ {
			n++
		}
		if labels[n-1] != from {
			from += " to " + labels[n-1]
		}
		parts = append(parts, from)
	}
	return strings.Join(parts, ", ")
}

// height writes an error ratio with as many decimals as can be seen.
func height(percent float64) string {
	if percent >= 1 {
		return humanize.Decimal(percent, 2)
	}
	return humanize.Decimal(percent, 5)
}

// niceTop is the next of 1, 2, 5, 10, 20 ... per cent, and at most 100.
func niceTop(x float64) float64 {
	unit := math.Pow(10, math.Floor(math.Log10(x)))
	for _, step := range []float64{1, 2, 5, 10} {
		if x <= step*unit {
			return min(100, step*unit)
		}
	}
	return 100
}
