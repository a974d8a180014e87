package report

import (
	"cmp"
	"slices"
)

const (
	mostCameBack = 10 // of each kind
	mostRefs     = 5  // of each thing that came back
	mostRepeats  = 20
)

// thing is what incidents can have in common, such as the cause deploy.
type thing struct{ kind, service, what string }

// things returns what an incident may share with others. A place in one service is another one in
// the next.
func (i incident) things() (all []thing) {
	for _, c := range i.Causes {
		all = append(all, thing{Cause, "", c})
	}
	for _, service := range i.services {
		for _, c := range i.Contributors {
			all = append(all, thing{Contributor, service, c})
		}
	}
	for _, c := range i.Changes {
		all = append(all, thing{Change, "", c})
	}
	return all
}

// cameBack returns what two incidents had in common, at least one of them in this period; causes
// first, most frequent first.
func (m *maker) cameBack() []CameBack {
	found := map[thing]*CameBack{}
	for _, i := range m.counted {
		for _, t := range i.things() {
			c := found[t]
			if c == nil {
				c = &CameBack{Kind: t.kind, Service: t.service, What: t.what, Last: []Ref{}}
				found[t] = c
			}
			switch {
			case m.now.has(i.onset):
				c.Count++
				c.Last = append([]Ref{i.ref()}, c.Last...)
				c.Last = c.Last[:min(len(c.Last), mostRefs)]
			case m.before.has(i.onset):
				c.Before++
			}
		}
	}
	byKind := map[string][]CameBack{}
	for _, c := range found {
		if c.Count >= 2 || c.Count == 1 && c.Before >= 1 {
			byKind[c.Kind] = append(byKind[c.Kind], *c)
		}
	}
	all := []CameBack{}
	for _, kind := range []string{Cause, Contributor, Change} {
		of := byKind[kind]
		slices.SortFunc(of, func(a, b CameBack) int {
			return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(b.Before, a.Before), cmp.Compare(a.Service, b.Service), cmp.Compare(a.What, b.What))
		})
		all = append(all, of[:min(len(of), mostCameBack)]...)
	}
	return all
}

// repeats returns the incidents that began while follow-ups of earlier ones were not done, newest
// first.
func (m *maker) repeats() []Repeat {
	all := []Repeat{}
	for _, i := range slices.Backward(m.counted) {
		if m.now.has(i.onset) && len(i.Undone) > 0 && len(all) < mostRepeats {
			all = append(all, Repeat{i.ref(), i.services, i.Undone})
		}
	}
	return all
}
