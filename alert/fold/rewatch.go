package fold

import (
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/slo"
)

// redefine gives a watch another target or policy. The rules' onsets are found anew, at the resolution that the history has.
func (w *Watch) Redefine(def alert.Definition) {
	old := w.Def
	same := w.digest == def.Digest()
	if def.Warmup() > old.Warmup() || def.Objective.Window.Longest() > old.Objective.Window.Longest() {
		w.History = w.History.Resized(def.Warmup(), def.Objective.Window.Longest())
	}
	if def.Objective.Window != old.Objective.Window {
		w.Period = nil
	}
	w.Define(def)
	if same {
		return
	}
	w.Track = make([]tracker, len(w.Rules))
	from := w.History.Now().Add(-def.Warmup())
	for _, x := range w.Excused {
		if x.End.After(from) {
			from = x.End
		}
	}
	w.walk(from, func(tick slo.Sample, start time.Time, allBad float64, change *shifts) {
		for i, r := range w.Rules {
			w.Track[i].add(tick, tick.Counts, r.threshold, w.base, start, allBad, change)
		}
	})
}
