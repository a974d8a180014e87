package prom

import (
	"math"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/model"
)

// sumAnswer is the answer to a counter's sumQuery at one tick.
type sumAnswer struct {
	*counter
	points []point
	tally  *tally // of the sums
	err    error  // the points do not fit the query
}

func newSumAnswer(c *counter, tick time.Time, points []point) sumAnswer {
	t := &tally{counter: c, tick: tick}
	return sumAnswer{c, points, t, t.addSums(points)}
}

// suffices reports whether the answer tells all that sumQuery can tell; else ask all.
func (a sumAnswer) suffices() bool {
	switch {
	case a.tally.isRare && !a.rare:
		return false
	case !a.asksLittle():
		return true
	case slices.ContainsFunc(a.points, func(p point) bool { return math.IsInf(p.Value, 1) }):
		return false
	}
	return !a.ofHistograms() || a.isPlain()
}

// next returns the counter to begin the next tick with: it counts the same, and asks no more than
// it must if that tick is like this one. plain reports whether nothing happened in this one.
func (a sumAnswer) next() (next *counter, plain bool) {
	how := a.asking
	how.apart, how.large = a.apart || a.scattered(), a.isLarge()
	switch plain = a.isPlain(); {
	case plain:
		how.extent = steady
	case a.extent == steady:
		how.extent = little
	}
	return a.with(how), plain
}

// isLarge reports whether the sums are better not packed: from long before they are too large until
// they are much smaller.
func (a sumAnswer) isLarge() bool {
	most := 0.0
	for _, p := range a.points {
		switch _, arm, _ := a.arm(p); arm {
		case packedArm:
			_, sum := unpack(p.Value)
			if most = max(most, sum); p.Value > packUnit*packUnit {
				most = packUnit
			}
		case wholeArm:
			most = max(most, p.Value)
		}
	}
	return most > packUnit/16 || a.large && most > packUnit/64
}

// isPlain reports whether all series have a plain difference, and no histogram is native.
func (a sumAnswer) isPlain() bool {
	if a.err != nil {
		return a.asksLittle() // which is told when it is counted
	}
	for _, s := range a.tally.sets {
		if s.natives > 0 {
			return false
		}
	}
	return !a.tally.isOdd && !a.lacks()
}

// scattered reports whether the labels that tell good or bad events have so many values that the
// counter had better ask for these events separately.
func (a sumAnswer) scattered() bool {
	sums, sets := 0, 0
	for _, p := range a.points {
		g, arm, err := a.arm(p)
		switch {
		case err != nil || len(g.outcome) == 0 || a.apart:
		case arm == packedArm || arm == wholeArm:
			sums++
		case arm == seenArm:
			sets++
		}
	}
	return sums > maxOutcomes*sets
}

// lacks reports whether some targets' histograms have no bucket for the threshold. Then resolve the
// counter, and ask sumQuery again.
func (a sumAnswer) lacks() bool {
	numbers := map[string]float64{}
	for _, p := range a.points {
		g, arm, err := a.arm(p)
		if err != nil || g.histogram == nil || g.histogram.resolved || (arm != nowArm && arm != beforeArm) {
			continue
		}
		_, number, _ := strings.Cut(g.tag, "/")
		key := number + arm + string(a.labelSet(p.Labels))
		if g.role == total {
			numbers[key] += p.Value
		} else {
			numbers[key] -= p.Value
		}
	}
	for _, n := range numbers {
		if n > 0 {
			return true
		}
	}
	return false
}

// jobs returns the jobs of the answer's series.
func (a sumAnswer) jobs() (jobs []string) {
	for _, p := range a.points {
		if _, arm, err := a.arm(p); err == nil && arm == seenArm {
			jobs = append(jobs, p.Labels[model.JobLabel])
		}
	}
	return jobs
}
