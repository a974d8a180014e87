package web

import (
	"cmp"
	"net/url"
	"slices"
	"strings"
)

// column is a column of the table of objectives, which can be sorted by it.
type column struct {
	Key, Text string
	Address   string // of the page sorted by it: once more the other way round
	Value     string // of the parameter, as it is or would be
	Order     string // "ascending" or "descending" if the page is sorted by it, else empty

	most    bool // sorting puts the largest first, unless asked otherwise
	compare func(a, b sortable) int
}

// sortable is an objective to be sorted, by its worst label set.
type sortable struct {
	labelSets
	incidents int // in the days that strips show
}

func columns() []column {
	return []column{
		{Key: "name", Text: "Objective", compare: func(a, b sortable) int {
			return cmp.Compare(a.labelSets[0].Objective.Name, b.labelSets[0].Objective.Name)
		}},
		{Key: "state", Text: "State", compare: func(a, b sortable) int { return cmp.Compare(sectionOf(a.labelSets[0]), sectionOf(b.labelSets[0])) }},
		{Key: "target", Text: "Target", most: true, compare: func(a, b sortable) int {
			return cmp.Compare(a.labelSets[0].Objective.Target.Float(), b.labelSets[0].Objective.Target.Float())
		}},
		{Key: "budget", Text: "Error budget", compare: func(a, b sortable) int {
			return cmp.Compare(a.labelSets[0].BudgetRemaining, b.labelSets[0].BudgetRemaining)
		}},
		{Key: "bad", Text: "Bad events in the window", most: true, compare: func(a, b sortable) int {
			return cmp.Compare(a.labelSets[0].Window.Bad, b.labelSets[0].Window.Bad)
		}},
		{Key: "incidents", Text: "Last 30 days", most: true, compare: func(a, b sortable) int { return cmp.Compare(a.incidents, b.incidents) }},
	}
}

// headedSection is a section with the columns of its table.
type headedSection struct {
	Columns []column
	Section section
}

func headed(columns []column, s section) headedSection { return headedSection{columns, s} }

// sorting is the column that a reader wants the objectives sorted by.
type sorting struct {
	Key  string // empty: by what needs attention, and by service
	Desc bool
}

// sortingOf reads it from an address: "budget", or "-budget" for the largest first.
func sortingOf(query url.Values) sorting {
	key, desc := strings.CutPrefix(query.Get("sort"), "-")
	for _, c := range columns() {
		if c.Key == key {
			return sorting{key, desc}
		}
	}
	return sorting{}
}

func (s sorting) String() string {
	if s.Desc {
		return "-" + s.Key
	}
	return s.Key
}

// columns returns the table's columns, with the addresses that sort by them.
func (f filter) columns() []column {
	all := columns()
	for i, c := range all {
		next := sorting{c.Key, c.most}
		all[i].Value = next.String()
		if f.Sort.Key == c.Key {
			all[i].Value = f.Sort.String()
			next.Desc = !f.Sort.Desc
			all[i].Order = "ascending"
			if f.Sort.Desc {
				all[i].Order = "descending"
			}
		}
		all[i].Address = f.address(next)
	}
	return all
}

// address is that of the first page with the same filter.
func (f filter) address(by sorting) string {
	query := url.Values{}
	for name, value := range map[string]string{"q": f.Query, "state": string(f.State), "sort": by.String()} {
		if value != "" {
			query.Set(name, value)
		}
	}
	if len(query) == 0 {
		return "./"
	}
	return "./?" + query.Encode()
}

// sorted sorts objectives by a column, and those that are equal there by name.
func (s sorting) sorted(objectives []sortable) {
	all := columns()
	by := all[slices.IndexFunc(all, func(c column) bool { return c.Key == s.Key })]
	slices.SortFunc(objectives, func(a, b sortable) int {
		order := by.compare(a, b)
		if s.Desc {
			order = -order
		}
		return cmp.Or(order, cmp.Compare(a.labelSets[0].Objective.Name, b.labelSets[0].Objective.Name))
	})
}

// sorted makes one section of objectives, sorted as the filter says.
func (f filter) sorted(found [][]labelSets, by shownBy) section {
	var all []sortable
	for _, some := range found {
		for _, sets := range some {
			incidents := map[string]bool{}
			for _, b := range by.past.breaches[sets[0].Objective.Name] {
				incidents[b.incident] = true
			}
			all = append(all, sortable{sets, len(incidents)})
		}
	}
	f.Sort.sorted(all)
	s := section{ID: "sorted", Heading: "Objectives", All: len(all), Shown: min(len(all), maxRows)}
	rows := service{All: true}
	for _, o := range all[:s.Shown] {
		rows.Rows = append(rows.Rows, by.row(o.labelSets))
	}
	s.Services = []service{rows}
	return s
}
