package evidence

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/postburn/postburn/issue"
	"github.com/postburn/postburn/slo/humanize"
)

const (
	// together is how close in time changes of one kind must be to share a row.
	together = 5 * time.Minute
	// maxRows is how many rows of one kind there are at most.
	maxRows = 8
)

// timeline collects the rows of what happened.
type timeline struct {
	scope
	entries []issue.Entry
}

// add makes a row of a change. What ended an incident often shows only a little after the end.
func (tl *timeline) add(at time.Time, text, source string) {
	tl.addUntil(issue.LookPast(tl.interval), issue.Entry{Time: at, Text: text, Source: source})
}

// addSymptom makes a row of something that nobody did, such as a target that was down.
func (tl *timeline) addSymptom(at time.Time, text, source string) {
	tl.addUntil(0, issue.Entry{Time: at, Text: text, Source: source, Symptom: true})
}

// addUntil makes a row, unless that was longer after the end.
func (tl *timeline) addUntil(after time.Duration, e issue.Entry) {
	if ended := tl.incident.Ended(); ended.IsZero() || !e.Time.After(ended.Add(after)) {
		tl.tell(e)
	}
}

// tell makes a row.
func (tl *timeline) tell(e issue.Entry) { tl.entries = append(tl.entries, e) }

// change is something that happened to a target.
type change struct {
	at        time.Time
	job, what string
}

// far reports whether two changes are more than five minutes apart.
func far(a, b time.Time) bool { return b.Sub(a) > together }

// apart reports whether two changes have different rows: those far from each other, and those more
// than a tick apart if the onset or the middle of the incident is between them. So restarts that
// ended an incident are not mixed with those that began it, and a rollout over the onset has one
// row.
func (tl *timeline) apart(a, b time.Time) bool {
	between := func(at time.Time) bool { return a.Before(at) && !b.Before(at) }
	onset, ended := tl.incident.Onset(), tl.incident.Ended()
	switch {
	case far(a, b):
		return true
	case b.Sub(a) <= tl.interval:
		return false
	}
	return between(onset) || !ended.IsZero() && between(issue.LaterHalf(onset, ended))
}

// tellWaves makes rows of changes. Those of one job that follow each other closely share a row, at
// the time of the first, until something changes a second time. If there are many rows, those in
// the middle share one.
func (tl *timeline) tellWaves(all []change, source string, text func(what []string, job string) string) {
	slices.SortFunc(all, func(a, b change) int {
		return cmp.Or(cmp.Compare(a.job, b.job), a.at.Compare(b.at), cmp.Compare(a.what, b.what))
	})
	byJob := map[string][]wave{}
	for _, ch := range all {
		waves := byJob[ch.job]
		if n := len(waves); n == 0 || tl.apart(waves[n-1].last, ch.at) || slices.Contains(waves[n-1].what, ch.what) {
			waves = append(waves, wave{first: ch.at, times: 1})
		}
		w := &waves[len(waves)-1]
		w.last, w.what = ch.at, append(w.what, ch.what)
		byJob[ch.job] = waves
	}
	for _, job := range slices.Sorted(maps.Keys(byJob)) {
		for _, w := range shortened(byJob[job]) {
			row := text(w.what, job)
			switch {
			case w.times > 1:
				row += fmt.Sprintf("; this happened %d times until %s", w.times, w.last.UTC().Format(time.TimeOnly))
			case w.last.Sub(w.first) > tl.interval:
				row += fmt.Sprintf("; the last %s later", humanize.Duration(w.last.Sub(w.first)))
			}
			tl.add(w.first, row, source)
		}
	}
}

// wave is a row for the changes of several targets, one each.
type wave struct {
	first, last time.Time
	what        []string
	times       int // how many waves were joined
}

// shortened joins waves in the middle into one, so that there are at most maxRows.
func shortened(waves []wave) []wave {
	if len(waves) <= maxRows {
		return waves
	}
	const first, last = maxRows / 2, maxRows - maxRows/2 - 1
	middle := waves[first : len(waves)-last]
	one := wave{first: middle[0].first, last: middle[len(middle)-1].last, times: len(middle)}
	for _, w := range middle {
		for _, what := range w.what {
			if !slices.Contains(one.what, what) {
				one.what = append(one.what, what)
			}
		}
	}
	return slices.Concat(waves[:first], []wave{one}, waves[len(waves)-last:])
}

// some writes several names: "a, b, c and 3 others".
func some(names []string) string {
	const most = 3
	if n := len(names) - most; n > 0 {
		return strings.Join(names[:most], ", ") + " and " + humanize.Plural(n, "other")
	}
	return strings.Join(names, ", ")
}
