package report

import (
	"fmt"
	"strings"

	"github.com/postburn/postburn/issue/postmortem"
	"github.com/postburn/postburn/slo/humanize"
)

// limit is how long the Markdown may get, in bytes: an issue at GitHub has at most 65,536
// characters.
const limit = 60_000

// Title is the report's heading.
func (r Report) Title() string { return "Incidents and objectives, " + r.Period.Name }

// Markdown writes the report for a wiki or a mail.
func (r Report) Markdown() string { return "# " + r.Title() + "\n\n" + r.Issue() }

// Issue writes the report for an issue, without the heading. It fits into one: what has no room is
// counted instead.
func (r Report) Issue() string {
	m := &markdown{}
	s := r.sentences(postmortem.Code)
	m.linef("- %s\n- %s\n- %s\n", s.Better, s.Worse, s.CameBack)
	m.linef("%s\n%s", cells("", r.Period.Name, "before: "+r.Before.Name), cells("---", "---", "---"))
	for _, f := range r.Incidents.facts() {
		m.linef("%s", cells(f.What, f.Now, f.Before))
	}
	m.cameBack(r)
	m.services(r)
	if len(r.Excluded) > 0 {
		m.linef("\n## Excluded\n")
		m.rows(len(r.Excluded), 0.98, func(i int) string {
			e := r.Excluded[i]
			text := "- " + refText(e.Ref)
			if e.Reason != "" {
				text += ": " + postmortem.Escape(e.Reason)
			}
			return text
		})
	}
	m.linef("\n<sub>%s As of %s.</sub>", strings.Join(r.notes(), " "), humanize.Minute(r.AsOf))
	return m.String()
}

// markdown is a text with a limit.
type markdown struct{ strings.Builder }

func (m *markdown) linef(format string, args ...any) { fmt.Fprintf(m, format+"\n", args...) }

// rows writes n rows up to a share of the limit, then how many are missing.
func (m *markdown) rows(n int, share float64, row func(i int) string) {
	for i := range n {
		text := row(i)
		if m.Len()+len(text) > int(share*limit) {
			m.linef("\n%s not shown here.", humanize.Plural(n-i, "more row"))
			return
		}
		m.linef("%s", text)
	}
}

func cells(texts ...string) string { return "| " + strings.Join(texts, " | ") + " |" }

func refText(r Ref) string { return linked(humanize.Minute(r.Onset), r) }

func dayText(r Ref) string { return linked(humanize.Date(r.Onset), r) }

func linked(text string, r Ref) string {
	if address := httpAddress(r.IssueURL); address != "" {
		return fmt.Sprintf("[%s](%s)", text, address)
	}
	return text
}

// httpAddress returns an address that may be linked to; empty if it is none.
func httpAddress(address string) string {
	if !strings.HasPrefix(address, "https://") && !strings.HasPrefix(address, "http://") || strings.ContainsAny(address, " <>()[]\"'\\`") {
		return ""
	}
	return address
}

func (m *markdown) cameBack(r Report) {
	if len(r.CameBack) > 0 {
		m.linef("\n## What came back\n\n%s\n%s", cells("what", "", "times", "before", "last"), cells("---", "---", "---:", "---:", "---"))
		m.rows(len(r.CameBack), 0.3, func(i int) string {
			c := r.CameBack[i]
			var last []string
			for _, ref := range c.Last {
				last = append(last, dayText(ref))
			}
			return cells(c.Kind, c.markdown(), humanize.Number(float64(c.Count)), humanize.Number(float64(c.Before)), strings.Join(last, ", "))
		})
	}
	if len(r.Repeats) > 0 {
		m.linef("\n## Began while follow-ups of an earlier one were not done\n")
		m.rows(len(r.Repeats), 0.4, func(i int) string {
			var undone []string
			for _, text := range r.Repeats[i].Undone {
				undone = append(undone, postmortem.Escape(text))
			}
			return fmt.Sprintf("- %s, %s: %s", refText(r.Repeats[i].Ref), postmortem.Escape(humanize.List(r.Repeats[i].Services)), strings.Join(undone, "; "))
		})
	}
}

func (c CameBack) markdown() string {
	text := postmortem.Code(c.What)
	if c.Service != "" {
		text += " of " + postmortem.Code(c.Service)
	}
	return text
}

func (m *markdown) services(r Report) {
	services, leftOut := r.shown()
	for _, s := range services {
		m.linef("\n## %s\n\n%s\n", postmortem.Escape(s.Name), s.Incidents.Line())
		m.linef("%s\n%s", cells("objective", "target", "attained", "before", "budget spent", "bad events", "in incidents", "without data"),
			cells("---", "---:", "---:", "---:", "---:", "---:", "---:", "---:"))
		m.rows(len(s.Objectives), 0.95, func(i int) string {
			o := s.Objectives[i]
			attained := attainedText(o, o.Now)
			if o.Now.Spent != nil && !o.Now.isMet() {
				attained = "**" + attained + "**, missed"
			}
			if since := sinceText(o.Now, r.Period); since != "" {
				attained += " (" + since + ")"
			}
			return cells(postmortem.Code(o.name), targetText(o), attained, attainedText(o, o.Before), spentText(o.Now), badText(o.Now),
				humanize.Count(o.Now.InIncidents), blindCell(o.Now))
		})
	}
	if leftOut > 0 {
		m.linef("\n%s not shown here; the JSON has them.", humanize.Plural(leftOut, "more objective"))
	}
}
