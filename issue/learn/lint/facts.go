package lint

import (
	"fmt"
	"strings"
	"time"

	"github.com/postburn/postburn/internal/lazyregexp"
	"github.com/postburn/postburn/issue/learn"
	"github.com/postburn/postburn/slo/humanize"
)

// clock writes a time of the record.
func (r *reading) clock(t time.Time) string {
	var times []time.Time
	for _, w := range r.Record.Windows {
		times = append(times, w.Onset, w.Ended)
	}
	return humanize.NewClock(times...).Of(t)
}

// change returns the last change before the onset that the timeline has, as words; empty if there
// is none.
func (r *reading) change() string {
	text := ""
	for _, e := range r.Record.Rows {
		if isChange(e) && !e.Time.After(r.Record.Onset()) {
			text = fmt.Sprintf("%s at %s", quote(e.Text), r.clock(e.Time))
		}
	}
	return text
}

// isChange reports whether a row is about what changed, and not about how things went.
func isChange(e learn.Event) bool { return !strings.EqualFold(e.Source, "postburn") }

// impact says what happened to users, as words; empty if it is not known.
func (r *reading) impact() string {
	w := r.Record.Worst()
	if w.Bad <= 0 {
		return ""
	}
	return fmt.Sprintf("%s of %s events of %s went bad", humanize.Count(w.Bad), humanize.Count(w.Events), w.Objective)
}

// lasted says how long it was from onset to end, as words; empty if it is not known.
func (r *reading) lasted() string {
	if r.Record.IsOpen() || r.Record.Onset().IsZero() {
		return ""
	}
	return humanize.Duration(r.Record.Ended().Sub(r.Record.Onset()))
}

var detection = lazyregexp.New(`(?i)\bdetected, (.+?) after onset`)

// detected returns how long after the onset it was detected, and how long it went on then; empty if
// that is not known.
func (r *reading) detected() (after, rest string) {
	for _, e := range r.Record.Rows {
		if m := detection.FindStringSubmatch(e.Text); m != nil {
			if ended := r.Record.Ended(); ended.After(e.Time) {
				rest = humanize.Duration(ended.Sub(e.Time))
			}
			return m[1], rest
		}
	}
	return "", ""
}

func quote(s string) string { return "“" + short(s) + "”" }

// ask returns the first question whose facts are all known. Each is a format and its facts.
func ask(questions ...[]string) string {
	for _, q := range questions {
		known := true
		args := make([]any, 0, len(q))
		for _, fact := range q[1:] {
			known = known && fact != ""
			args = append(args, fact)
		}
		if known {
			return fmt.Sprintf(q[0], args...)
		}
	}
	return ""
}
