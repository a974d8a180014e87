package promcheck

import (
	"context"
	"fmt"
	"time"

	"github.com/postburn/postburn/slo"
	"github.com/postburn/postburn/slo/promql"
)

// When the last day's events say that good and bad events were exchanged: nearly all were bad, for
// hours.
const (
	nearlyAll  = 0.95
	longEnough = 3 * time.Hour
	fewEvents  = 100
	aboveTotal = 1.02 // two metrics of one service differ by what is on its way
)

// day returns the events of the last day, in how much time there were any; ok is false if there
// were too few to say something.
func (s *subject) day() (sum slo.Counts, long time.Duration, ok bool) {
	if s.Day.Err != nil {
		return sum, 0, false
	}
	busy := map[time.Time]bool{}
	step := time.Duration(0)
	for _, series := range s.Day.Series {
		for i, sample := range series.Samples {
			if i > 0 && step == 0 {
				step = sample.Tick.Sub(series.Samples[0].Tick)
			}
			if sample.Blind || sample.Has(slo.Baseline) {
				continue
			}
			sum = sum.Add(sample.Counts)
			if sample.Total > 0 {
				busy[sample.Tick] = true
			}
		}
	}
	return sum, time.Duration(len(busy)) * step, sum.Total >= fewEvents
}

// exchanged finds good events that were given as bad ones, or the other way round.
func exchanged(_ context.Context, s *subject) []Finding {
	part, all, ok := s.counted()
	sum, long, enough := s.day()
	share := sum.Cut().ErrorRatio()
	tolerated := s.Objective.Target.Complement().Float()
	switch {
	case !ok || !enough || long < longEnough || share < nearlyAll || tolerated > 0.5 || sum.Bad > aboveTotal*sum.Total:
		return nil
	case s.found[part.key] || s.found[all.key] || len(promql.Doubts(s.Objective.Indicator)) > 0:
		return nil // it is said why
	}
	if part.role == bad {
		return []Finding{{Key: part.key, Text: fmt.Sprintf("%s of all events were bad in the last day: are these the good ones? Then give them as good", percent(share))}}
	}
	return []Finding{{Key: part.key, Text: fmt.Sprintf("only %s of all events were good in the last day: are these the bad ones? Then give them as bad", percent(1-share))}}
}

// badAboveTotal finds bad or good events that are more than all.
func badAboveTotal(_ context.Context, s *subject) []Finding {
	part, _, ok := s.counted()
	sum, long, enough := s.day()
	events := sum.Bad
	if part.role == good {
		events = sum.Total - sum.Bad
	}
	if !ok || !enough || long < time.Hour || events <= aboveTotal*sum.Total {
		return nil
	}
	return []Finding{{Key: part.key, Text: fmt.Sprintf("there were %.4g times as many as the total has in the last day: select events that the total counts, too",
		events/sum.Total)}}
}

// alternating finds counters that were counted as nothing, because they fall again and again.
func alternating(_ context.Context, s *subject) []Finding {
	if s.Day.Err != nil || len(s.fields) == 0 || !s.fields[0].isCounted() {
		return nil
	}
	ticks, falling := 0, 0
	for _, series := range s.Day.Series {
		for _, sample := range series.Samples {
			if sample.Blind {
				continue
			}
			ticks++
			if sample.Has(slo.Uncountable) {
				falling++
			}
		}
	}
	if falling < 3 || falling*10 < ticks {
		return nil
	}
	key := s.fields[len(s.fields)-1].key
	for _, f := range s.fields {
		if f.role == total || f.role == histogram {
			key = f.key
		}
	}
	return []Finding{{Key: key, Text: "its counters fall again and again, as a sum does, or the counters of several processes behind one address: " +
		"scrape each process by itself, and give the counters as they are scraped"}}
}

// percent writes a share with as many digits as say something.
func percent(share float64) string {
	if share < 0.1 {
		return fmt.Sprintf("%.2g %%", 100*share)
	}
	return fmt.Sprintf("%.3g %%", 100*share)
}
