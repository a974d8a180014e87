package evidence

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/postburn/postburn/issue"
	"github.com/postburn/postburn/slo"
)

const (
	// querySteps is how many steps a query of the SLO file is asked at, at most.
	querySteps = 500
	// settled is how long before the onset a query's usual range ends: what leads to a breach often
	// begins a while before it.
	settled = time.Hour
	// margin is how far a query has to leave its usual range, as a share of that range, and of its
	// level.
	margin = 0.1
	// maxSeriesTold is how many series of one query have a row: those that left their range most.
	maxSeriesTold = 3
)

// queries asks the SLO file's own queries.
type queries struct {
	scope
	run  *runner
	rows *timeline
}

// ask asks the queries that are set for the incident's objectives. Each has at least one row: that
// something stayed as it was is worth knowing, too.
func (q *queries) ask(ctx context.Context, settings func(objective string) issue.Settings) {
	if settings == nil {
		return
	}
	type query struct{ source, text string }
	all := map[string]query{}
	for _, w := range q.incident.Windows {
		for name, text := range settings(w.Objective.Name).Evidence.Queries {
			if _, asked := all[name]; !asked {
				all[name] = query{w.Objective.Source, text}
			}
		}
	}
	onset, end := q.incident.Onset(), q.end()
	step := q.interval
	for end.Sub(onset.Add(-issue.Lookback))/step > querySteps {
		step += q.interval
	}
	before := issue.Lookback / step // so that a step ends at the onset
	ticks := slo.Ticks{First: onset.Add(-before * step), Last: onset.Add(end.Sub(onset) / step * step), Interval: step}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		q.run.part(ctx, all[name].source, 1, name, func(ctx context.Context, p Prometheus) error {
			traces, err := p.Traces(ctx, all[name].text, ticks)
			if err == nil {
				q.tell(name, ticks, traces)
			}
			return err
		})
	}
}

// tell tells which series of a query left the range that they had before, when and how far, and
// their last values.
func (q *queries) tell(name string, ticks slo.Ticks, traces []slo.Trace) {
	var all []excursion
	for _, t := range traces {
		if e, ok := excursionOf(t, ticks, q.incident.Onset()); ok {
			e.name = name
			delete(t.Labels, "__name__")
			if labels := slo.NewLabels(t.Labels); labels != "" && len(traces) > 1 {
				e.name += " " + string(labels)
			}
			all = append(all, e)
		}
	}
	if len(all) == 0 {
		q.run.note(name + " could not be found out: it has no values in the hour before last, or none since the onset.")
		return
	}
	slices.SortFunc(all, func(a, b excursion) int { return cmp.Or(-cmp.Compare(a.by, b.by), cmp.Compare(a.name, b.name)) })
	told := 0
	for _, e := range all {
		if e.by > 0 && told < maxSeriesTold {
			q.rows.addSymptom(e.at, e.said(), "Prometheus, the SLO file's query")
			told++
		}
	}
	if told == 0 {
		text := fmt.Sprintf("%s stayed as it was before, %s", name, all[0].usual())
		if len(all) > 1 {
			text = fmt.Sprintf("%s stayed as it was before, in all %d series", name, len(all))
		}
		q.rows.addSymptom(q.incident.Onset(), text, "Prometheus, the SLO file's query")
	}
}

// excursion is how a series left its usual range.
type excursion struct {
	name        string
	low, high   float64 // the usual range
	by          float64 // how far it went, in margins; 0: it stayed
	worst, last float64

	at, worstAt, lastAt time.Time
}

// excursionOf finds when a series left its usual range on its way to the value farthest from it. ok
// is false if it lacks values before or after the onset.
func excursionOf(t slo.Trace, ticks slo.Ticks, onset time.Time) (e excursion, ok bool) {
	e.low, e.high, e.last = math.Inf(1), math.Inf(-1), math.NaN()
	for i, v := range t.Values {
		if at := ticks.At(i); !math.IsNaN(v) && !at.After(onset.Add(-settled)) {
			e.low, e.high = min(e.low, v), max(e.high, v)
		} else if !math.IsNaN(v) {
			e.last, e.lastAt = v, at
		}
	}
	if math.IsInf(e.low, 0) || math.IsInf(e.high, 0) || math.IsNaN(e.last) {
		return e, false
	}
	room := margin * max(e.high-e.low, math.Abs(e.high), math.Abs(e.low))
	farthest := 0.0
	var since time.Time // when it left the range, as long as it is out of it
	for i, v := range t.Values {
		at := ticks.At(i)
		far := max(v-e.high, e.low-v)
		switch {
		case math.IsNaN(v) || !at.After(onset.Add(-settled)):
			continue
		case far <= room:
			since = time.Time{}
			continue
		case since.IsZero():
			since = at
		}
		if far > farthest {
			farthest, e.at, e.worst, e.worstAt = far, since, v, at
		}
	}
	e.by = farthest / max(room, math.SmallestNonzeroFloat64)
	return e, true
}

// said puts the excursion into words: "Depth was 3 before: it rose to 900 by 14:03:00, and was 4 at
// 14:20:00".
func (e excursion) said() string {
	how := "rose to " + amount(e.worst)
	if e.worst < e.low {
		how = "fell to " + amount(e.worst)
	}
	if !e.worstAt.Equal(e.at) {
		how += " by " + e.worstAt.UTC().Format(time.TimeOnly)
	}
	return fmt.Sprintf("%s was %s before: it %s, and was %s at %s", e.name, e.usual(), how, amount(e.last), e.lastAt.UTC().Format(time.TimeOnly))
}

func (e excursion) usual() string {
	if amount(e.low) == amount(e.high) {
		return amount(e.low)
	}
	return amount(e.low) + " to " + amount(e.high)
}

// amount writes a number with three significant digits, or all before the point: 0.0312, 12.3,
// 4321.
func amount(x float64) string {
	if math.Abs(x) >= 1000 || x == math.Trunc(x) {
		return strconv.FormatFloat(math.Round(x), 'f', -1, 64)
	}
	digits := max(0, 2-int(math.Floor(math.Log10(math.Abs(x)))))
	return strings.TrimRight(strings.TrimRight(strconv.FormatFloat(x, 'f', min(digits, 9), 64), "0"), ".")
}
