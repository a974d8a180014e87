package engine

import (
	"cmp"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/alert/fold"
	"github.com/postburn/postburn/slo"
)

const (
	// maxLabelSets is how many label sets of one objective are watched. What is beyond is left out, and said.
	maxLabelSets = 1000
	// retireAfter is how long a label set has no data before it is watched no more, or the longest rule's window where that is longer.
	retireAfter = 24 * time.Hour
)

// Member is a definition's label set.
type Member struct {
	Definition int        `json:"definition"` // index
	Labels     slo.Labels `json:"labels,omitzero"`
}

// watchesOf are the watches of a definition.
func (l *Lane) watchesOf(def alert.Definition) []*fold.Watch {
	var found []*fold.Watch
	for _, w := range l.watches {
		if w.Def.Objective.Name == def.Objective.Name {
			found = append(found, w)
		}
	}
	return found
}

// admit makes watches for the label sets of a reading that have none yet. Their first sample will be that of the tick after `start`. It
// returns those that it made, and how many it had no room for.
func (l *Lane) admit(def alert.Definition, r slo.Reading, start, armed time.Time) (joined []Member, refused int) {
	known := map[slo.Labels]bool{}
	for _, w := range l.watchesOf(def) {
		known[w.Labels] = true
	}
	index := slices.IndexFunc(l.defs, func(d alert.Definition) bool { return d.Objective.Name == def.Objective.Name })
	for _, s := range r.Series {
		switch {
		case known[s.Labels]:
		case len(known) >= maxLabelSets:
			refused++
		default:
			known[s.Labels] = true
			joined = append(joined, Member{index, s.Labels})
			l.watches = append(l.watches, fold.NewWatch(def, s.Labels, l.interval, start, armed))
		}
	}
	return joined, refused
}

// samplesOf makes of readings, one for each of the lane's definitions, the samples of its watches: [i][t] is the i-th watch's at the
// t-th tick. Label sets that are new get a watch. A watch that has no series is blind.
func (l *Lane) samplesOf(readings []slo.Reading, ticks slo.Ticks) (samples [][]slo.Sample, refused map[string]int) {
	found := map[slo.ID][]slo.Sample{}
	failed := map[string]bool{}
	refused = map[string]int{}
	known := make(map[slo.ID]bool, len(l.watches))
	for _, w := range l.watches {
		known[w.ID()] = true
	}
	for i, r := range readings {
		def := l.defs[i]
		name := def.Objective.Name
		failed[name] = r.Err != nil
		isNew := false
		for _, s := range r.Series {
			id := slo.ID{SLO: name, Labels: s.Labels}
			found[id] = s.Samples
			isNew = isNew || !known[id]
		}
		if isNew {
			var joined []Member
			joined, refused[name] = l.admit(def, r, l.cursor, l.cursor)
			l.joined = append(l.joined, joined...)
		}
	}
	for _, w := range l.watches {
		series := found[w.ID()]
		switch {
		case failed[w.Def.Objective.Name]:
			series = blindSamples(ticks, slo.Caveat{Kind: slo.QueryFailed, Count: 1})
		case series == nil:
			series = blindSamples(ticks)
		}
		samples = append(samples, series)
	}
	return samples, refused
}

func blindSamples(ticks slo.Ticks, caveats ...slo.Caveat) []slo.Sample {
	samples := make([]slo.Sample, ticks.Len())
	for i := range samples {
		samples[i] = slo.Sample{Tick: ticks.At(i), Blind: true, Caveats: caveats}
	}
	return samples
}

// dismiss retires label sets that have had no data for long.
func (l *Lane) dismiss() {
	l.watches = slices.DeleteFunc(l.watches, func(w *fold.Watch) bool {
		limit := max(retireAfter, w.Def.Warmup()) / l.interval
		if len(w.Def.Objective.GroupBy) == 0 || time.Duration(w.Silent) < limit {
			return false
		}
		l.retire(w)
		l.regrouped = true
		return true
	})
}

// retire ends the open windows of an objective that is not watched any more.
func (l *Lane) retire(w *fold.Watch) {
	end := func(v alert.Window, ended time.Time) {
		v.Ended = ended
		v.Caveats = slo.MergeCaveats(slices.Clone(v.Caveats), []slo.Caveat{{Kind: slo.Removed, Count: 1}})
		e := alert.Event{Tick: l.cursor, Closed: true, Window: v}
		l.correlate(e, w.Def.Policy)
		l.retired = append(l.retired, e)
	}
	for _, open := range []*fold.OpenWindow{w.Burn, w.Budget} {
		if open != nil {
			end(w.Snapshot(open), open.Run.End)
		}
	}
	if w.Blind != nil {
		end(*w.Blind, l.cursor)
	}
}

// appendRow encodes what a tick's row holds: the label sets that joined at it, and the samples of all watches in their order.
func appendRow(b []byte, joined []Member, samples []slo.Sample) []byte {
	var text []byte
	if len(joined) > 0 {
		text = mustJSON(joined)
	}
	b = binary.AppendUvarint(b, uint64(len(text)))
	b = append(b, text...)
	for _, s := range samples {
		b = slo.AppendSample(b, s)
	}
	return b
}

// readRow decodes a row, and makes watches for the label sets that joined at it. The samples are those of the lane's watches.
func (l *Lane) readRow(row alert.Row) ([]slo.Sample, error) {
	size, n := binary.Uvarint(row.Samples)
	if n <= 0 || size > uint64(len(row.Samples)-n) {
		return nil, fmt.Errorf("reading who joined: %w", slo.ErrCorrupt)
	}
	text, blob := row.Samples[n:n+int(size)], row.Samples[n+int(size):]
	var joined []Member
	if size > 0 {
		if err := json.Unmarshal(text, &joined); err != nil {
			return nil, fmt.Errorf("reading who joined: %w: %w", slo.ErrCorrupt, err)
		}
	}
	for _, m := range joined {
		if m.Definition < 0 || m.Definition >= len(l.defs) {
			return nil, fmt.Errorf("reading who joined: %w", slo.ErrCorrupt)
		}
		l.watches = append(l.watches, fold.NewWatch(l.defs[m.Definition], m.Labels, l.interval, l.cursor, l.cursor))
		l.regrouped = true
	}
	samples := make([]slo.Sample, len(l.watches))
	for i := range samples {
		var err error
		if samples[i], blob, err = slo.ReadSample(blob, row.Tick); err != nil {
			return nil, err
		}
	}
	return samples, nil
}

// byObjective orders events by objective, label set and kind.
func byObjective(a, b alert.Event) int {
	return cmp.Or(a.Window.ID().Compare(b.Window.ID()), -cmp.Compare(a.Window.Kind, b.Window.Kind))
}
