package fold

import (
	"slices"
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/slo"
)

// terms is a definition in whole ticks.
type terms struct {
	Def     alert.Definition
	Labels  slo.Labels
	digest  string
	periods slo.Periods   // of the objective's window
	base    slo.Threshold // 1 - target
	rules   []armedRule
	windows []time.Duration // all windows of the rules, shortest first
	memory  time.Duration   // how long rules see a closed window: a prorated bucket longer than their windows

	quietPolicy alert.QuietPolicy // the one in force
	below       float64           // its share
	listenEvery int64             // nanoseconds between looks for too little traffic
}

// armedRule is a rule with its windows rounded up to ticks.
type armedRule struct {
	alert.Rule
	threshold slo.Threshold
}

func newTerms(def alert.Definition, labels slo.Labels, interval time.Duration) terms {
	t := terms{Def: def, Labels: labels, digest: def.Digest(), base: baseOf(def.Objective)}
	t.periods, _ = def.Objective.Window.Periods() // reading an SLO file has checked it
	for _, r := range def.Policy.Rules {
		r.Long, r.Short = roundUp(r.Long, interval), roundUp(r.Short, interval)
		t.rules = append(t.rules, armedRule{r, slo.NewThreshold(r.Rate, def.Objective.Target)})
		t.windows = append(t.windows, r.Long, r.Short)
	}
	slices.Sort(t.windows)
	t.windows = slices.Compact(t.windows)
	t.memory = def.Warmup() + def.Warmup()/100 + 2*interval
	t.quietPolicy = def.Policy.Quiet.OrDefault()
	t.quietPolicy.After = roundUp(t.quietPolicy.After, interval)
	t.below = t.quietPolicy.Below.Float()
	t.listenEvery = int64(max(interval, (t.quietPolicy.After / 10).Truncate(interval)))
	return t
}

// ID returns the objective and label set.
func (t *terms) ID() slo.ID { return slo.ID{SLO: t.Def.Objective.Name, Labels: t.Labels} }

// window makes a breach window of the present definition.
func (t *terms) window(kind alert.Kind, onset, detected time.Time) alert.Window {
	return alert.Window{
		Objective: t.Def.Objective, Labels: t.Labels, Kind: kind, Definition: t.digest, Onset: onset, Detected: detected,
	}
}

// periodsOf returns the periods of a window, of the present or an older definition.
func (t *terms) periodsOf(window slo.Window) slo.Periods {
	if window == t.Def.Objective.Window {
		return t.periods
	}
	p, _ := window.Periods()
	return p
}

// baseOf returns the threshold for missing an objective's target.
func baseOf(o slo.Objective) slo.Threshold {
	return slo.NewThreshold(slo.MustDecimal("1"), o.Target)
}

func roundUp(d, interval time.Duration) time.Duration {
	return (d + interval - 1) / interval * interval
}
