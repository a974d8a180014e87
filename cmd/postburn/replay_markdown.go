package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/postburn/postburn/issue/postmortem"
	"github.com/postburn/postburn/slo/humanize"
)

// commentLimit is how long a Markdown text may get, in bytes. A comment on GitHub has at most
// 65,536 characters, and whoever posts it adds a few lines.
const commentLimit = 60_000

// markdown writes a text that fits into a comment: rows without room are only counted. Text that is
// not postburn's own goes through postmortem.Escape or postmortem.Code.
type markdown struct{ strings.Builder }

// linef writes a line.
func (m *markdown) linef(format string, args ...any) { fmt.Fprintf(m, format+"\n", args...) }

// rows writes n rows of a table or a list up to a share of the limit, then how many are missing.
func (m *markdown) rows(n int, share float64, row func(i int) string) {
	for i := range n {
		text := row(i)
		if m.Len()+len(text) > int(share*commentLimit) {
			m.linef("\n%d more are not shown here.", n-i)
			return
		}
		m.linef("%s", text)
	}
}

// cells writes a row of a table of texts that are Markdown already.
func cells(texts ...string) string { return "| " + strings.Join(texts, " | ") + " |" }

// printMarkdown prints a replay as a comment.
func printMarkdown(w io.Writer, o outcome) error {
	m := &markdown{}
	m.linef("**%s**\n\n%s.\n", headline(o), o.stretchText())
	rows := make([]row, len(o.Incidents))
	for i := range rows {
		rows[i] = o.rowOf(o.Incidents[i])
	}
	m.incidents(rows, false)
	m.linef("<details><summary>%s</summary>\n", humanize.Plural(len(o.Statuses), "objective"))
	m.linef("%s\n%s", cells("objective", "target", "window", "events", "bad", "budget left", "state"), cells("---", "---:", "---", "---:", "---:", "---:", "---"))
	m.rows(len(o.Statuses), 0.9, func(i int) string {
		s := o.Statuses[i]
		name := postmortem.Code(s.Objective.Name + string(s.Labels))
		return cells(name, s.Objective.Target.Percent(), postmortem.Escape(window(s.Objective.Window)), humanize.Count(s.Window.Total), humanize.Count(s.Window.Bad),
			humanize.Percent(s.BudgetRemaining), string(s.State))
	})
	m.linef("\n</details>")
	m.storms(o)
	_, err := io.WriteString(w, m.String())
	return err
}

// printMarkdown prints a comparison as a comment.
func (d *comparison) printMarkdown(w io.Writer) error {
	m := &markdown{}
	m.linef("**%s**\n", d.summary())
	if text := d.changes(); text != "" {
		m.linef("%s. %s.\n", text, d.now.stretchText())
	} else {
		m.linef("%s.\n", d.now.stretchText())
	}
	if len(d.redefined) > 0 {
		m.rows(len(d.redefined), 0.15, func(i int) string {
			return "- " + postmortem.Code(d.redefined[i].SLO) + ": " + postmortem.Escape(d.redefined[i].text())
		})
		m.linef("")
	}
	if len(d.told) > 0 {
		m.linef("%s\n%s", cells("objective", "", "when"), cells("---", "---", "---"))
		m.rows(len(d.told), 0.4, func(i int) string {
			id := d.told[i].ID
			return cells(postmortem.Code(id.String()), "old<br>new", "`"+d.old.strip(id)+"`<br>`"+d.now.strip(id)+"`")
		})
		m.linef("\n%s.\n", d.now.stripText())
	}
	rows := make([]row, len(d.pairs))
	for i := range rows {
		rows[i] = d.rowOf(d.pairs[i])
	}
	m.incidents(rows, true)
	if text := d.withoutText(postmortem.Code); text != "" {
		m.linef("%s.", text)
	}
	m.storms(d.now)
	_, err := io.WriteString(w, m.String())
	return err
}

// incidents writes a table of incidents, and their caveats.
func (m *markdown) incidents(rows []row, isChange bool) {
	if len(rows) == 0 {
		return
	}
	head := []string{"incident", "objective", "kind", "onset (UTC)", "lasted", "bad", "budget spent", "severity", "issue"}
	if isChange {
		head = append([]string{""}, head...)
	}
	m.linef("%s\n%s", cells(head...), cells(strings.Split(strings.Repeat("---,", len(head)-1)+"---", ",")...))
	m.rows(len(rows), 0.7, func(i int) string {
		r := rows[i]
		texts := []string{postmortem.Code(r.id), postmortem.Code(r.objective), r.kind, r.onset, r.lasted, r.bad, r.spent, r.severity, r.form}
		if isChange {
			texts = append([]string{r.change}, texts...)
		}
		return cells(texts...)
	})
	var caveats []string
	for _, r := range rows {
		for _, text := range r.caveats {
			caveats = append(caveats, "- "+postmortem.Code(r.id)+": "+postmortem.Escape(text))
		}
	}
	m.linef("")
	if len(caveats) > 0 {
		m.linef("<details><summary>%s</summary>\n", humanize.Plural(len(caveats), "caveat"))
		m.rows(len(caveats), 0.8, func(i int) string { return caveats[i] })
		m.linef("\n</details>\n")
	}
}

// storms says which incidents would have shared an issue.
func (m *markdown) storms(o outcome) {
	for _, s := range stormsOf(o.Incidents) {
		m.linef("\nA storm: %d incidents of kind %s from %s to %s UTC. Those not published before the sixth would have shared an issue.",
			len(s.Incidents), s.Kind, s.FirstDetected.UTC().Format("2006-01-02 15:04:05"), s.LastDetected.UTC().Format("15:04:05"))
	}
}
