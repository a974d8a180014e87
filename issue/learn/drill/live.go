package drill

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/postburn/postburn/issue"
	"github.com/postburn/postburn/slo/humanize"
)

// maxBlind is how many objectives that saw nothing are named.
const maxBlind = 50

// Exercise is a time in which a team breaks something on purpose, and what postburn saw of it.
type Exercise struct {
	Start, End time.Time
	Objectives []string // that were watched; Markdown in which nothing has an effect
	Seen       []Sighting
}

// Sighting is a breach that began meanwhile.
type Sighting struct {
	Objective       string // one of the exercise's
	What            string // like "a burn rate above 14.4"
	Onset, Detected time.Time
	Incident        string // Markdown: a link to its issue or page
}

// LiveKey returns the key of an exercise, by its start.
func LiveKey(start time.Time) string {
	return "drill-live-" + start.UTC().Format("20060102t1504z")
}

// Opening writes the issue of an exercise that begins.
func (e Exercise) Opening(form string) issue.Text {
	c := humanize.NewClock(e.Start, e.End)
	var b strings.Builder
	fmt.Fprintf(&b, "%s, a team breaks something on purpose. What opens meanwhile is an exercise.\n\n", e.when(c))
	b.WriteString("## Drill\n\n")
	b.WriteString("- Write down now what you are going to break, what you expect to see, and how you will take it back.\n")
	b.WriteString("- Say who may stop it, and stop it when users get hurt.\n")
	b.WriteString("- Don't tell those on call more than that it is today. What they notice, and when, is what you want to know.\n\n")
	fmt.Fprintf(&b, "postburn watches %s. In the end a comment says what it noticed, and how soon.\n\n", humanize.Plural(len(e.Objectives), "objective"))
	b.WriteString(form)
	return issue.Text{Title: "Drill: something is broken on purpose, " + c.Full(e.Start) + " UTC", Body: b.String()}
}

// Report says what was noticed, how soon, and which objectives saw nothing.
func (e Exercise) Report() issue.Text {
	c := humanize.NewClock(e.Start, e.End)
	var b strings.Builder
	fmt.Fprintf(&b, "%s, something was broken on purpose, while postburn watched %s.\n\n", e.when(c), humanize.Plural(len(e.Objectives), "objective"))
	seen := slices.SortedStableFunc(slices.Values(e.Seen), func(a, b Sighting) int {
		return cmp.Or(a.Detected.Compare(b.Detected), cmp.Compare(a.Objective, b.Objective))
	})
	if len(seen) == 0 {
		b.WriteString("postburn noticed **nothing**. Either nothing reached users, or no objective looks where it did. Which is it?\n")
		return issue.Text{Body: b.String()}
	}
	first := since(e.Start, seen[0].Detected)
	if first != atOnce {
		first += " after the start"
	}
	fmt.Fprintf(&b, "The first to notice was %s, %s.\n\n", seen[0].Objective, first)
	b.WriteString("| Objective | What was noticed | Onset (UTC) | Noticed (UTC) | After the start | After onset | Incident |\n|---|---|---|---|---|---|---|\n")
	saw := map[string]bool{}
	for _, s := range seen {
		saw[s.Objective] = true
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s | %s |\n", s.Objective, s.What, c.Of(s.Onset), c.Of(s.Detected), since(e.Start, s.Detected), since(s.Onset, s.Detected), s.Incident)
	}
	b.WriteString("\n" + e.blind(saw))
	b.WriteString("Did people know before postburn did, and from what? Write it into the timeline: it is worth as much as the numbers.\n")
	return issue.Text{Body: b.String()}
}

// blind names the objectives that saw nothing.
func (e Exercise) blind(saw map[string]bool) string {
	var names []string
	for _, o := range e.Objectives {
		if !saw[o] {
			names = append(names, o)
		}
	}
	if len(names) == 0 {
		return "All objectives noticed it.\n\n"
	}
	slices.Sort(names)
	left := len(names) - min(len(names), maxBlind)
	text := strings.Join(names[:len(names)-left], ", ")
	if left > 0 {
		text += " and " + humanize.Number(float64(left)) + " more"
	}
	return humanize.Plural(len(names), "objective") + " saw nothing: " + text + ". Was one of them meant to?\n\n"
}

// when says when it was.
func (e Exercise) when(c humanize.Clock) string {
	return "From " + c.Full(e.Start) + " to " + c.Since(e.End, e.Start) + " UTC"
}

const atOnce = "at once"

// since writes the time between two moments; a tick may begin before the exercise does.
func since(from, to time.Time) string {
	if !to.After(from) {
		return atOnce
	}
	return humanize.Duration(to.Sub(from))
}
