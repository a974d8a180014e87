package issue

import "slices"

// Writes are the texts of a publication: that of the issue, then its comments in order.
type Writes []Write

// Opening returns the write of the issue itself. It panics before the first Want.
func (all Writes) Opening() *Write { return &all[0] }

// Has reports whether there is a text of a stage, sent or not.
func (all Writes) Has(stage Stage) bool {
	return slices.ContainsFunc(all, func(w Write) bool { return w.Stage == stage })
}

// HasIssue reports whether the issue was created. A person may have removed it since; see IsGone.
func (all Writes) HasIssue() bool { return len(all) > 0 && all[0].Exists() }

// IsGone reports whether a person removed the issue.
func (all Writes) IsGone() bool { return len(all) > 0 && all[0].State == Gone }

// URL returns the issue's address for people; empty if there is no issue yet.
func (all Writes) URL() string {
	if len(all) == 0 {
		return ""
	}
	return all[0].Ref.URL
}

// Refused returns why the issue has the built-in text despite a template; empty if it does not.
func (all Writes) Refused() string {
	if len(all) == 0 {
		return ""
	}
	return all[0].Refusal
}

// Drop removes writes that are no longer wanted.
func (all *Writes) Drop(unwanted func(Write) bool) {
	*all = slices.DeleteFunc(*all, unwanted)
}
