package web

import (
	"math"
	"strings"
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/issue"
	"github.com/postburn/postburn/slo"
	"github.com/postburn/postburn/slo/humanize"
)

// Pictures are chartWidth wide and chartHeight high, in units of their own. A browser stretches
// them to the page, so what is written beside them is no part of them.
const chartWidth, chartHeight = 480.0, 100.0

// chartView is the course of an objective's error ratio.
type chartView struct {
	Name    objectiveName
	Step    time.Duration
	Allowed string
	Top     string  // the error ratio at the upper edge
	Line    float64 // how far below it the target's line is
	Bars    []bar

	Marks      []mark      // breach windows
	Thresholds []threshold // of rules, as far as they are in the picture

	top float64
}

// bar is a point of a chart.
type bar struct {
	X, Y, Width, Height float64
	Time                time.Time
	slo.Counts
	Ratio string
	Blind bool
}

func newChartView(name objectiveName, target slo.Decimal, step time.Duration, points []issue.Point) chartView {
	allowed := target.Complement()
	top := 2 * allowed.Float()
	for _, p := range points {
		if !p.Blind {
			top = max(top, p.Cut().ErrorRatio())
		}
	}
	top = min(1, top)
	if !(top > 0) {
		top = 1
	}
	v := chartView{Name: name, Step: step, Allowed: unbroken(allowed.Percent()), Top: percent(top), top: top}
	v.Line = height(allowed.Float() / top)
	each := chartWidth / float64(len(points))
	for i, p := range points {
		p.Counts = p.Cut()
		b := bar{X: tenths(float64(i) * each), Y: chartHeight, Width: tenths(each * 0.8), Time: p.Time, Counts: p.Counts, Ratio: percent(p.ErrorRatio()), Blind: p.Blind}
		if !p.Blind {
			b.Y = height(p.ErrorRatio() / top)
			b.Height = tenths(chartHeight - b.Y)
		}
		v.Bars = append(v.Bars, b)
	}
	return v
}

// height returns how far below a picture's upper edge a share of its height is.
func height(share float64) float64 { return tenths(chartHeight * (1 - min(1, max(0, share)))) }

func tenths(x float64) float64 { return math.Round(x*10) / 10 }

// courseView is the course of an objective over the time that a page shows.
type courseView struct {
	chartView
	Period  slo.Span
	Busiest string // the number of events of the tallest bar of traffic
	Traffic []bar
	Planned bool // some of the time was planned work, which is left out
}

// mark is a stretch of a picture in which a breach window was open.
type mark struct {
	X, Width float64
	Text     string // when it was
}

// threshold is the error ratio above which a rule may fire: 1.44 % for a rate of 14.4 and a target
// of 99.9 %, for example.
type threshold struct {
	Y    float64
	Text string
}

// newCourse is nil if there is nothing to show.
func newCourse(d alert.Detail, breaches []breach) *courseView {
	if len(d.Course) == 0 {
		return nil
	}
	first, last := d.Course[0], d.Course[len(d.Course)-1]
	points, most := make([]issue.Point, 0, len(d.Course)), 0.0
	v := &courseView{Period: slo.Span{Start: first.Start, End: last.End}}
	for _, s := range d.Course {
		points = append(points, issue.Point{Time: s.Start, Counts: s.Counts, Blind: s.Blind})
		most = max(most, s.Total)
		v.Planned = v.Planned || s.Planned
	}
	step := d.Course[len(d.Course)/2]
	v.chartView = newChartView(nameOf(slo.ID{SLO: d.Objective.Name, Labels: d.Labels}), d.Objective.Target, step.End.Sub(step.Start), points)
	v.addMarks(breaches)
	v.addThresholds(d)
	v.addTraffic(d.Course, most)
	return v
}

// addMarks marks when breach windows were open. A budget stays spent for weeks after what spent it
// is over, so that is not marked.
func (v *courseView) addMarks(breaches []breach) {
	length := v.Period.End.Sub(v.Period.Start)
	at := func(t time.Time) float64 {
		return tenths(chartWidth * min(1, max(0, float64(t.Sub(v.Period.Start))/float64(length))))
	}
	for _, b := range breaches {
		start, end := at(b.onset), at(until(v.Period.End, b.ended))
		if b.kind != alert.Budget && b.onset.Before(v.Period.End) && end > 0 {
			v.Marks = append(v.Marks, mark{start, max(1, tenths(end-start)), markText(b)})
		}
	}
}

func markText(b breach) string {
	if b.ended.IsZero() {
		return "since " + humanize.Minute(b.onset)
	}
	return humanize.Minute(b.onset) + ", for " + humanize.ShortDuration(b.ended.Sub(b.onset))
}

func (v *courseView) addThresholds(d alert.Detail) {
	for _, r := range d.Rules {
		ratio := r.Rate.Float() * d.Objective.Target.Complement().Float()
		if ratio < v.top && r.Rate.Float() != 1 { // at 1 it is the target's own line
			text := percent(ratio) + ", where the rule over " + slo.FormatDuration(r.Long) + " may fire"
			v.Thresholds = append(v.Thresholds, threshold{height(ratio / v.top), text})
		}
	}
}

func (v *courseView) addTraffic(course []alert.Stretch, most float64) {
	v.Busiest = humanize.Count(most)
	for i, s := range course {
		b := v.Bars[i]
		if b.Y, b.Height = chartHeight, 0; most > 0 && !s.Blind {
			b.Y = height(s.Total / most)
			b.Height = tenths(chartHeight - b.Y)
		}
		v.Traffic = append(v.Traffic, b)
	}
}

// leftView is how an objective's window spent its error budget.
type leftView struct {
	Points      string // of the line, as SVG writes them
	Top, Bottom string // the shares of the budget at the edges
	Zero        float64
	Spent       bool // the line goes below 0
}

// newLeft is nil if nothing is known of the budget.
func newLeft(d alert.Detail) *leftView {
	budget := d.Objective.Target.Complement().Float() * (d.Window.Total + d.Estimated)
	if len(d.Course) == 0 || !(budget > 0) {
		return nil
	}
	left, least := make([]float64, 0, len(d.Course)+1), 0.0
	spent := 0.0
	left = append(left, 1)
	for _, s := range d.Course {
		spent += s.Bad / budget
		left = append(left, 1-spent)
		least = min(least, 1-spent)
	}
	v := &leftView{Top: percent(1), Bottom: percent(least), Zero: height(-least / (1 - least)), Spent: least < 0}
	var b strings.Builder
	for i, share := range left {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(humanize.Decimal(chartWidth*float64(i)/float64(len(left)-1), 1) + "," + humanize.Decimal(height((share-least)/(1-least)), 1))
	}
	v.Points = b.String()
	return v
}
