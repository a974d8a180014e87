package archive

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/postburn/postburn/issue"
	"github.com/postburn/postburn/issue/learn"
	"github.com/postburn/postburn/slo/humanize"
)

// PostMortem is a finished post-mortem, as a tracker has it.
type PostMortem struct {
	Title    string // empty: the text has it as its heading
	Text     string // Markdown, with the tracker's marker lines or without
	URL      string // of its issue; empty: it is a file
	Labels   []string
	Group    string // of its incident, from the marker; empty: not known
	Key      string // of its publication; empty: not known
	Final    string // postburn's comment with the final numbers, if the text has others
	Comments []issue.Comment
}

// Front is the front matter: what a site, a script or the index can sort by.
type Front struct {
	Key          string      `yaml:"key"`
	Title        string      `yaml:"title"`
	Date         time.Time   `yaml:"date,omitempty"`
	Ended        time.Time   `yaml:"ended,omitempty"`
	Duration     string      `yaml:"duration,omitempty"`
	Services     []string    `yaml:"services,omitempty"`
	Severity     int         `yaml:"severity,omitempty"`
	Objectives   []Objective `yaml:"objectives,omitempty"`
	CauseKinds   []string    `yaml:"cause_kinds,omitempty"`
	Causes       []string    `yaml:"causes,omitempty"`
	Contributors []string    `yaml:"contributors,omitempty"`
	FollowUps    []FollowUp  `yaml:"follow_ups,omitempty"`
	Links        []string    `yaml:"links,omitempty"`
	Issue        string      `yaml:"issue,omitempty"`

	// Liquid is false always: Jekyll is not to run what looks like a template in people's text.
	Liquid bool `yaml:"render_with_liquid"`
}

// Objective is what an incident did to an objective.
type Objective struct {
	Name        string    `yaml:"name"`
	Target      string    `yaml:"target,omitempty"`
	Onset       time.Time `yaml:"onset"`
	Ended       time.Time `yaml:"ended,omitempty"`
	Events      float64   `yaml:"events"`
	Bad         float64   `yaml:"bad_events"`
	ErrorRatio  float64   `yaml:"error_ratio_percent"`
	BudgetSpent float64   `yaml:"budget_spent_percent"`
}

// FollowUp is something that was promised.
type FollowUp struct {
	Text  string `yaml:"text"`
	Owner string `yaml:"owner,omitempty"`
	Term  string `yaml:"term,omitempty"` // short or long
	// Answers is what people say that it answers, such as a cause.
	Answers string `yaml:"answers,omitempty"`
	Done    bool   `yaml:"done"`
}

// Bounds of lists in the front matter; the text has all.
const (
	maxListed = 50
	maxText   = 500 // characters of a text
)

// newFile returns a post-mortem's file.
func newFile(p PostMortem) File {
	d := learn.Parse(p.Text, p.Final)
	f := File{Front: front(p, d), Body: body(p, d)}
	if f.Key == "" {
		f.Key = keyOf(f.Front)
	}
	return f
}

func front(p PostMortem, d learn.Document) Front {
	title := p.Title
	if title == "" {
		title = d.Title
	}
	f := Front{
		Key: p.Key, Title: strings.Join(strings.Fields(title), " "), Issue: p.URL, Date: d.Record.Onset(), Ended: d.Record.Ended(),
		Services: services(p, d), Severity: severity(p.Labels), CauseKinds: causeKinds(p, d), Links: links(p, d),
	}
	if !f.Ended.IsZero() {
		f.Duration = humanize.Duration(f.Ended.Sub(f.Date))
	}
	for _, w := range d.Record.Windows {
		f.Objectives = append(f.Objectives, Objective{w.Objective, w.Target, w.Onset, w.Ended, w.Events, w.Bad, w.ErrorRatio, w.BudgetSpent})
	}
	for _, b := range d.Of(learn.Causes, learn.Brief) {
		f.Causes = append(f.Causes, short(b.Text))
	}
	f.Contributors, f.FollowUps = contributors(d), followUps(d)
	f.Objectives, f.Causes = limited(f.Objectives), limited(f.Causes)
	return f
}

// keyOf makes a key for a post-mortem whose marker is gone, from its issue or its time.
func keyOf(f Front) string {
	if at := strings.LastIndex(f.Issue, "/"); at >= 0 {
		return "issue-" + f.Issue[at+1:]
	}
	return "incident-" + f.Date.UTC().Format("20060102t150405z")
}

// services returns the services that an incident was about.
func services(p PostMortem, d learn.Document) (all []string) {
	for _, l := range p.Labels {
		if name, ok := strings.CutPrefix(l, issue.ServiceLabel); ok {
			all = append(all, name)
		}
	}
	for _, w := range d.Record.Windows {
		if w.Service != "" {
			all = append(all, w.Service)
		}
	}
	if len(all) == 0 && p.Group != "" {
		all = []string{p.Group}
	}
	return distinct(all)
}

func severity(labels []string) int {
	for _, l := range labels {
		if text, ok := strings.CutPrefix(l, issue.SeverityLabel); ok {
			if n, err := strconv.Atoi(text); err == nil {
				return n
			}
		}
	}
	return 0
}

var causeLabel = regexp.MustCompile(`\bcause:([a-z0-9][a-z0-9-]*)`)

// causeKinds returns the kinds of causes that people gave it: as labels, or in their text where a
// tracker has no labels.
func causeKinds(p PostMortem, d learn.Document) (all []string) {
	for _, l := range p.Labels {
		if m := causeLabel.FindStringSubmatch(l); m != nil && m[0] == l {
			all = append(all, m[1])
		}
	}
	for _, b := range d.Of(learn.Causes, learn.Brief) {
		for _, m := range causeLabel.FindAllStringSubmatch(b.Text, -1) {
			all = append(all, m[1])
		}
	}
	return distinct(all)
}

// contributors returns what postburn says about where the bad events were.
func contributors(d learn.Document) (all []string) {
	for _, s := range d.Sections {
		for _, b := range s.Blocks {
			if s.Kind == learn.Facts && s.Title == "Where it happened" && b.Shape == learn.Item {
				all = append(all, short(b.Text))
			}
		}
	}
	return limited(all)
}

func followUps(d learn.Document) (all []FollowUp) {
	people := d.People()
	for _, k := range []learn.Kind{learn.FollowUps, learn.ShortTerm, learn.LongTerm} {
		for _, b := range d.Of(k) {
			if b.Shape != learn.Item && b.Shape != learn.Task && b.Shape != learn.Row {
				continue
			}
			owner, _ := b.Owner(people)
			text := b.Text
			if b.Shape == learn.Row {
				text = b.Cells[0]
			}
			term := b.Term()
			if k != learn.FollowUps {
				term = string(k)
			}
			all = append(all, FollowUp{short(text), owner, term, short(b.Answers()), b.Done})
		}
	}
	return limited(all)
}

// links returns where the text leads to.
func links(p PostMortem, d learn.Document) (all []string) {
	for _, s := range d.Sections {
		for _, b := range s.Blocks {
			for _, l := range b.Links {
				if strings.HasPrefix(l, "https://") || strings.HasPrefix(l, "http://") {
					all = append(all, l)
				}
			}
		}
	}
	return limited(distinct(slices.DeleteFunc(all, func(l string) bool { return l == p.URL })))
}

// body is people's text as it stands, and what they said about it.
func body(p PostMortem, d learn.Document) string {
	text := strings.Trim(withoutMarkers(p.Text), "\n") + "\n"
	if d.Title == "" && p.Title != "" {
		text = "# " + strings.Join(strings.Fields(p.Title), " ") + "\n\n" + text
	}
	if final := strings.TrimSpace(withoutMarkers(p.Final)); final != "" {
		text += "\n---\n\n" + final + "\n"
	}
	var said strings.Builder
	for _, c := range p.Comments {
		if c.Trusted && !c.Robot {
			said.WriteString("\n### " + escape(c.Author) + ", " + humanize.Minute(c.Time) + "\n\n" + strings.TrimSpace(normal(c.Body)) + "\n")
		}
	}
	if said.Len() > 0 {
		text += "\n---\n\n## Comments\n" + said.String()
	}
	return text
}

// withoutMarkers takes out the lines by which a tracker knows its texts, so that none takes the
// archive's file for one.
func withoutMarkers(text string) string {
	var b strings.Builder
	for line := range strings.Lines(normal(text)) {
		if _, ok := issue.ParseMarker(line); !ok && strings.TrimSpace(line) != "<!-- postburn end -->" {
			b.WriteString(line)
		}
	}
	return b.String()
}

func normal(s string) string {
	return strings.ReplaceAll(strings.ReplaceAll(strings.ToValidUTF8(s, "\ufffd"), "\r\n", "\n"), "\r", "\n")
}

func short(text string) string {
	if runes := []rune(text); len(runes) > maxText {
		return string(runes[:maxText]) + "…"
	}
	return text
}

func limited[T any](all []T) []T { return all[:min(len(all), maxListed)] }

// distinct sorts and leaves out what is there twice.
func distinct(all []string) []string {
	slices.Sort(all)
	return slices.Compact(all)
}
