package config

import (
	"path/filepath"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/issue"
	"github.com/postburn/postburn/slo"
)

// maxLabel is how long a label's name may be at GitHub, in characters.
const maxLabel = 50

func issueSchema() schema {
	return schema{
		of: "issue", path: "issue.",
		keys: []string{"repository", "labels", "assign", "template", "post_mortem_at"},
	}
}

// issue reads how incidents are published.
func (d *document) issue(s settings) issue.Settings {
	to := issue.Settings{Assign: issue.AssignOwner}
	if f, ok := s.issue["repository"]; ok {
		to.Repository = d.repository(f)
	}
	if f, ok := s.issue["labels"]; ok {
		to.Labels = d.issueLabels(f)
	}
	if f, ok := s.issue["assign"]; ok {
		to.Assign = d.assign(f)
	}
	if f, ok := s.issue["template"]; ok {
		to.Template = d.template(f)
	}
	if f, ok := s.issue["post_mortem_at"]; ok {
		to.PostMortemAt = d.budgetShare(f).Float()
	}
	return to
}

func (d *document) repository(f field) string {
	text, ok := d.scalar(f, "owner/name")
	if ok && !repositoryName.MatchString(text) {
		d.errorf(f.value, "%s must be owner/name, not %s", f.path, quote(text))
	}
	return text
}

// template is the path of a file, which is given relative to the SLO file's folder. Whether it is any good is not known here.
func (d *document) template(f field) string {
	text, ok := d.scalar(f, "the name of a file like checkout.md.tmpl")
	switch {
	case !ok:
	case !isShortText(filepath.Base(text)) || strings.ContainsFunc(text, unicode.IsControl) || strings.HasSuffix(text, "/"):
		d.errorf(f.value, "%s must be the name of a file like checkout.md.tmpl, not %s", f.path, quote(text))
	case !filepath.IsAbs(text):
		return filepath.Join(filepath.Dir(d.name), text)
	}
	return text
}

// issueLabels reads the names of labels. Those that postburn keeps itself are not the user's to give.
func (d *document) issueLabels(f field) (names []string) {
	items, _ := d.list(f, "label names")
	seen := map[string]bool{}
	for _, item := range items {
		name, ok := d.scalar(field{path: f.path, key: item, value: item}, "a label's name")
		unprintable := strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) })
		n, lower := utf8.RuneCountInString(name), strings.ToLower(name)
		switch {
		case !ok:
		case n > maxLabel || unprintable || strings.TrimSpace(name) == "":
			d.errorf(item, "%s: a label's name must have 1 to %d printable characters, not %s", f.path, maxLabel, quote(name))
		case lower == "postburn" || hasPrefix(lower, "service:", "severity:", "status:"):
			d.errorf(item, "%s: postburn sets the label %s itself; give it another name", f.path, quote(name))
		case seen[lower]:
			d.errorf(item, "%s names %s twice", f.path, quote(name))
		default:
			seen[lower] = true
			names = append(names, name)
		}
	}
	return names
}

func hasPrefix(text string, prefixes ...string) bool {
	for _, prefix := range prefixes {
		if strings.HasPrefix(text, prefix) {
			return true
		}
	}
	return false
}

func (d *document) assign(f field) string {
	const like = "owner, mention or none"
	text, ok := d.scalar(f, like)
	switch {
	case !ok:
	case text != issue.AssignOwner && text != issue.AssignMention && text != issue.AssignNone:
		d.errorf(f.value, "%s must be %s, not %s", f.path, like, quote(text))
	}
	return text
}

// defaultSeverities are those of an slo that names none.
func defaultSeverities() []alert.Severity {
	return []alert.Severity{
		{Level: 1, Outage: defaultOutage},
		{Level: 2, BudgetSpent: slo.MustDecimal("10%")},
	}
}

// severities reads the thresholds of each level, worst first.
func (d *document) severities(f field) []alert.Severity {
	found, ok := d.mapping(f.value, schema{of: "severity", path: "incident.severity."})
	if !ok {
		return nil
	}
	for name, level := range found {
		if n, err := strconv.Atoi(name); err != nil || n < 1 || n > alert.MaxSeverity || name != strconv.Itoa(n) {
			d.errorf(level.key, "a severity is a number from 1, the worst, to %d, not %s", alert.MaxSeverity, quote(name))
		}
	}
	severities := []alert.Severity{}
	for n := 1; n <= alert.MaxSeverity; n++ {
		if level, ok := found[strconv.Itoa(n)]; ok {
			severities = append(severities, d.severity(level.value, n))
		}
	}
	return severities
}

func (d *document) severity(n *yaml.Node, level int) alert.Severity {
	severity := alert.Severity{Level: level}
	s := schema{
		of: "a severity", path: "incident.severity." + strconv.Itoa(level) + ".", keys: []string{"outage", "budget_spent"},
	}
	found, ok := d.mapping(n, s)
	if !ok {
		return severity
	}
	if len(found) == 0 {
		d.errorf(n, "a severity needs a threshold, like {outage: 5m} or {budget_spent: 10%%}")
	}
	if f, ok := found["outage"]; ok {
		length, ok := d.duration(f, "a duration like 5m")
		if ok && length == 0 {
			d.errorf(f.value, "%s must be longer than 0", f.path)
		}
		severity.Outage = length
	}
	if f, ok := found["budget_spent"]; ok {
		severity.BudgetSpent = d.budgetSpent(f)
	}
	return severity
}

// budgetSpent reads a share of an error budget that is more than none.
func (d *document) budgetSpent(f field) slo.Decimal {
	share := d.budgetShare(f)
	if n := len(d.problems); share.IsZero() && (n == 0 || d.problems[n-1].Position != d.at(f.value)) {
		d.errorf(f.value, "%s must be more than 0", f.path)
	}
	return share
}

// budgetShare reads a share of an error budget, which may be more than all of it.
func (d *document) budgetShare(f field) slo.Decimal {
	const like = "a percentage like 10%"
	text, ok := d.scalar(f, like)
	if !ok {
		return slo.Decimal{}
	}
	share, err := slo.ParseDecimal(text)
	switch {
	case err != nil:
		d.errorf(f.value, "%s must be %s, not %s", f.path, like, quote(text))
	case !strings.Contains(text, "%") && share.Cmp(slo.MustDecimal("1")) > 0:
		d.errorf(f.value, "%s must be %s, not %s: write %q", f.path, like, shorten(text), shorten(text)+"%")
	}
	return share
}
