package storetest

import (
	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/issue"
)

var excludedCases = map[string]func(*fixture){
	"none": func(f *fixture) {
		f.commitIncidents(incident("a", 1, 1, 9))
		f.save(publication("a", 1, issue.Posted))
		f.excluded()
	},
	"all of a publication, oldest first": func(f *fixture) {
		f.commitIncidents(incident("a", 1, 3, 9), incident("b", 1, 2, 0), incident("c", 1, 1, 4), incident("d", 1, 4, 0))
		p := publication("a", 1, issue.Posted)
		p.Parts, p.Excluded = parts(1, "a", "b", "c"), &issue.Exclusion{By: "größe", At: tick(7), Reason: "'; -- \x01"}
		f.save(p)
		f.save(publication("d", 1, issue.Posted))
		f.excluded(incident("c", 1, 1, 4), incident("b", 1, 2, 0), incident("a", 1, 3, 9))
		f.published("b", &p)
		summaries, err := f.Summaries(f.Context(), []string{"b", "d"})
		f.same("error", error(nil), err)
		f.same("summary", p.Excluded, summaries["b"].Excluded)
		f.same("summary of another", (*issue.Exclusion)(nil), summaries["d"].Excluded)
	},
	"they count again": func(f *fixture) {
		f.commitIncidents(incident("a", 1, 1, 9))
		p := publication("a", 1, issue.Posted)
		p.Excluded = &issue.Exclusion{}
		f.save(p)
		f.excluded(incident("a", 1, 1, 9))
		p.Excluded = nil
		f.save(p)
		f.excluded()
	},
	"their newest revision": func(f *fixture) {
		f.commitIncidents(incident("a", 1, 1, 0))
		p := publication("a", 1, issue.Posted)
		p.Excluded = &issue.Exclusion{By: "alice"}
		f.save(p)
		f.commitIncidents(incident("a", 2, 1, 9))
		f.excluded(incident("a", 2, 1, 9))
	},
}

// excluded checks which incidents are excluded.
func (f *fixture) excluded(want ...alert.Incident) {
	f.Helper()
	got, err := f.ExcludedIncidents(f.Context())
	f.same("error", error(nil), err)
	f.same("excluded", want, got)
}
