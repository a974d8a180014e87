package archive

import (
	"cmp"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/postburn/postburn/slo/humanize"
)

const (
	indexName = "index.md"
	indexKey  = "index"
)

// newIndex lists all files by year, by service, and by kind of cause.
func newIndex(all map[string]Front) File {
	var b strings.Builder
	fmt.Fprintf(&b, "# Post-mortems\n\n%s, newest first.\n", humanize.Plural(len(all), "post-mortem"))
	list := func(title string, groups map[string][]string, newestFirst bool) {
		names := slices.Sorted(maps.Keys(groups))
		if newestFirst {
			slices.Reverse(names)
		}
		fmt.Fprintf(&b, "\n## %s\n", title)
		for _, name := range names {
			fmt.Fprintf(&b, "\n### %s\n\n", escape(name))
			for _, file := range groups[name] {
				b.WriteString(line(file, all[file]))
			}
		}
	}
	years, services, causes := map[string][]string{}, map[string][]string{}, map[string][]string{}
	for _, name := range byDate(all) {
		f := all[name]
		year := "undated"
		if !f.Date.IsZero() {
			year = f.Date.UTC().Format("2006")
		}
		years[year] = append(years[year], name)
		group(services, f.Services, "no service", name)
		group(causes, f.CauseKinds, "no kind of cause given", name)
	}
	list("By year", years, true)
	list("By service", services, false)
	list("By cause", causes, false)
	return File{Front: Front{Key: indexKey, Title: "Post-mortems"}, Body: b.String()}
}

func group(groups map[string][]string, names []string, none, file string) {
	if len(names) == 0 {
		names = []string{none}
	}
	for _, name := range names {
		groups[name] = append(groups[name], file)
	}
}

// line is a post-mortem's line in a list of the index.
func line(file string, f Front) string {
	var parts []string
	if f.Severity > 0 {
		parts = append(parts, fmt.Sprintf("severity %d", f.Severity))
	}
	if worst := slices.MaxFunc(append(f.Objectives, Objective{}), func(a, b Objective) int { return cmp.Compare(a.BudgetSpent, b.BudgetSpent) }); worst.Bad > 0 {
		parts = append(parts, humanize.Count(worst.Bad)+" bad events")
	}
	open := 0
	for _, u := range f.FollowUps {
		if !u.Done {
			open++
		}
	}
	if open > 0 {
		parts = append(parts, humanize.Plural(open, "follow-up")+" not done")
	}
	text := "- "
	if !f.Date.IsZero() {
		text += humanize.Date(f.Date) + ": "
	}
	title := f.Title
	if title == "" {
		title = f.Key
	}
	text += "[" + escape(title) + "](" + strings.NewReplacer("(", "%28", ")", "%29").Replace((&url.URL{Path: file}).EscapedPath()) + ")"
	if len(parts) > 0 {
		text += " (" + strings.Join(parts, ", ") + ")"
	}
	return text + "\n"
}

// escape makes a text of others one line without markup.
func escape(text string) string {
	var b strings.Builder
	for _, r := range strings.Join(strings.Fields(text), " ") {
		switch {
		case r == '&':
			b.WriteString("&amp;")
		case r == '<':
			b.WriteString("&lt;")
		case strings.ContainsRune("\\`*_[]>|~#{}!", r):
			b.WriteString("\\" + string(r))
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}
