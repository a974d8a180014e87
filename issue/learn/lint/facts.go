package lint

import (
	"fmt"
	"strings"
	"time"

	"github.com/postburn/postburn/internal/lazyregexp"
	"github.com/postburn/postburn/issue/learn"
	"github.com/postburn/postburn/slo/humanize"
)

// facts are what postburn recorded of the incident, in the words of questions: "412 of 9,031 events
// of checkout went bad".
type facts struct{ record learn.Record }

// clock writes a time of the record.
func (f facts) clock(t time.Time) string {
	var times []time.Time
	for _, w := range f.record.Windows {
		times = append(times, w.Onset, w.Ended)
	}
	return humanize.NewClock(times...).Of(t)
}

// change returns the last change before the onset that the timeline has, as words; empty if there
// is none.
func (f facts) change() string {
	text := ""
	for _, e := range f.record.Rows {
		if isChange(e) && !e.Time.After(f.record.Onset()) {
			text = fmt.Sprintf("%s at %s", quote(e.Text), f.clock(e.Time))
		}
	}
	return text
}

// isChange reports whether a row is about what changed, and not about how things went.
func isChange(e learn.Event) bool { return !strings.EqualFold(e.Source, "postburn") }

// impact says what happened to users, as words; empty if it is not known.
func (f facts) impact() string {
	w := f.record.Worst()
	if w.Bad <= 0 {
		return ""
	}
	return fmt.Sprintf("%s of %s events of %s went bad", humanize.Count(w.Bad), humanize.Count(w.Events), w.Objective)
}

// lasted says how long it was from onset to end, as words; empty if it is not known.
func (f facts) lasted() string {
	if f.record.IsOpen() || f.record.Onset().IsZero() {
		return ""
	}
	return humanize.Duration(f.record.Ended().Sub(f.record.Onset()))
}

var detection = lazyregexp.New(`(?i)\bdetected, (.+?) after onset`)

// detected returns how long after the onset it was detected, and how long it went on then; empty if
// that is not known.
func (f facts) detected() (after, rest string) {
	for _, e := range f.record.Rows {
		if m := detection.FindStringSubmatch(e.Text); m != nil {
			if ended := f.record.Ended(); ended.After(e.Time) {
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
