package report

import (
	"fmt"
	"math"
	"time"

	"github.com/postburn/postburn/slo/humanize"
)

// Bin counts the incidents that began in a stretch of days, for a chart over both periods.
type Bin struct {
	Start  time.Time `json:"start"`       // midnight of its first day
	Days   int       `json:"days"`        // number of days
	Count  int       `json:"count"`       // number of incidents
	Little int       `json:"little_harm"` // number of those without a severity
}

// The most days over both periods that a chart has as days, and as weeks.
const mostDays, mostWeeks = 31, 60 * 7

// bins counts incidents over both periods, by days, weeks or four weeks, so that the chart has
// room. The last bin of a period may be shorter.
func (m *maker) bins() []Bin {
	length := 28
	switch n := int(m.now.End.Sub(m.before.Start) / day); {
	case n <= mostDays:
		length = 1
	case n <= mostWeeks:
		length = 7
	}
	all := []Bin{}
	for _, p := range []Period{m.before, m.now} {
		for at := p.Start; at.Before(p.End); at = at.AddDate(0, 0, length) {
			all = append(all, Bin{Start: at, Days: min(length, int(p.End.Sub(at)/day))})
		}
	}
	for _, i := range m.counted {
		for n := range all {
			b := &all[n]
			if onset := i.onset; !onset.Before(b.Start) && onset.Before(b.Start.AddDate(0, 0, b.Days)) {
				b.Count++
				if i.Severity() == 0 {
					b.Little++
				}
			}
		}
	}
	return all
}

// The sizes of charts, in their own units.
const (
	chartWidth, chartHeight = 720, 150
	chartTop, chartBottom   = 14, 22
	labelRoom               = 20
	leastScale              = 4 // incidents: one alone does not fill the chart
	stripHeight             = 24
	stripDay                = 6
)

// bar is a bar of a chart.
type bar struct {
	X, Y, Width, Height float64
	Class, Title        string
}

// label is a text of a chart.
type label struct {
	X, Y float64
	Text string
}

// chart is the incidents of both periods.
type chart struct {
	Width, Height float64
	Bars          []bar
	Labels        []label
	Split         float64 // where the period begins; 0: nowhere
	Base          float64
	Text          string // for who can't see it
}

// chart draws the bins.
func (r Report) chart() chart {
	c := chart{Width: chartWidth, Height: chartHeight, Base: chartHeight - chartBottom, Text: r.chartText()}
	most := leastScale
	for _, b := range r.Bins {
		most = max(most, b.Count)
	}
	width := float64(chartWidth) / float64(max(1, len(r.Bins)))
	unit := (c.Base - chartTop) / float64(most)
	for n, b := range r.Bins {
		x, gap := float64(n)*width, min(width*0.15, 4)
		now := ""
		if b.Start.Before(r.Period.Start) {
			now = " before"
		} else if c.Split == 0 && n > 0 {
			c.Split = x
		}
		title := fmt.Sprintf("%s: %s, %d with little harm", binName(b), humanize.Plural(b.Count, "incident"), b.Little)
		harm := float64(b.Count-b.Little) * unit
		little := float64(b.Little) * unit
		if b.Count > b.Little {
			c.Bars = append(c.Bars, bar{x + gap, c.Base - harm, width - 2*gap, harm, "harm" + now, title})
		}
		if b.Little > 0 {
			c.Bars = append(c.Bars, bar{x + gap, c.Base - harm - little, width - 2*gap, little, "little" + now, title})
		}
		if b.Count > 0 {
			c.Labels = append(c.Labels, label{x + width/2, c.Base - harm - little - 3, humanize.Number(float64(b.Count))})
		}
	}
	every := int(math.Ceil(float64(len(r.Bins)) / 9))
	for n := 0; n < len(r.Bins); n += max(1, every) {
		// Room for half of the text on both sides.
		x := min(max(float64(n)*width+width/2, labelRoom), chartWidth-labelRoom)
		c.Labels = append(c.Labels, label{x, chartHeight - 7, r.Bins[n].Start.Format("2 Jan")})
	}
	return c
}

func binName(b Bin) string {
	if b.Days == 1 {
		return humanize.Date(b.Start)
	}
	return humanize.Plural(b.Days, "day") + " from " + humanize.Date(b.Start)
}

func (r Report) chartText() string {
	return fmt.Sprintf("Incidents over time: %d in %s, %d in %s.", r.Incidents.Before.Count, r.Before.Name, r.Incidents.Now.Count, r.Period.Name)
}

// strip is an objective's days.
type strip struct {
	Width, Height, Pace float64
	Bars                []bar
	Text                string
}

// mostPace is how many times the pace of the budget fills a strip's height.
const mostPace = 20

// strip draws how fast each day spent the budget: up to the line is as fast as it may.
func (o Objective) strip(p Period) strip {
	s := strip{Width: float64(p.Days() * stripDay), Height: stripHeight, Pace: stripHeight - paceHeight(1)}
	over, blind := 0, 0
	for _, d := range o.Days {
		b := bar{X: d.at.Sub(p.Start).Hours() / 24 * stripDay, Width: stripDay - 1}
		pace := 0.0
		if d.Total > 0 && o.target < 1 {
			pace = d.Bad / d.Total / (1 - o.target)
		}
		switch {
		case d.Blind >= day.Seconds()/2:
			blind++
			b.Class, b.Height = "blind", stripHeight
			b.Title = fmt.Sprintf("%s: no data for %s", d.Date, lengthText(d.Blind))
		case pace > 1:
			over++
			b.Class, b.Height = "over", paceHeight(pace)
			b.Title = fmt.Sprintf("%s: %s as fast as the budget allows", d.Date, humanize.Times(pace))
		default:
			b.Class, b.Height = "within", max(1, paceHeight(pace))
			b.Title = fmt.Sprintf("%s: %s bad of %s events", d.Date, humanize.Count(d.Bad), humanize.Count(d.Total))
		}
		b.Y = stripHeight - b.Height
		s.Bars = append(s.Bars, b)
	}
	s.Text = fmt.Sprintf("%s faster than the budget allows, %s mostly without data, of %d known.", humanize.Plural(over, "day"), humanize.Plural(blind, "day"), len(o.Days))
	return s
}

// paceHeight is logarithmic: a day that spends a month's budget is 30 times as fast as it may.
func paceHeight(pace float64) float64 {
	return math.Round(10*stripHeight*math.Log1p(min(max(pace, 0), mostPace))/math.Log1p(mostPace)) / 10
}
