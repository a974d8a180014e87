package web

import (
	"context"
	"net/url"
	"slices"
	"strings"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/slo"
)

// filter is what a reader wants to see.
type filter struct {
	Query string
	State alert.State // empty: any
	Sort  sorting

	words []string
}

// On reports whether anything is left out.
func (f filter) On() bool { return len(f.words) > 0 || f.State != "" }

func filterOf(query url.Values) filter {
	f := filter{Query: strings.TrimSpace(query.Get("q"))}
	if runes := []rune(f.Query); len(runes) > maxQuery {
		f.Query = string(runes[:maxQuery])
	}
	f.words = strings.Fields(strings.ToLower(f.Query))
	if s := alert.State(query.Get("state")); s == alert.Burning || s == alert.Blind || s == alert.Quiet || s == alert.OK {
		f.State = s
	}
	f.Sort = sortingOf(query)
	return f
}

// matches reports whether all words are somewhere in the texts.
func (f filter) matches(texts ...string) bool {
	if len(f.words) == 0 {
		return true
	}
	all := strings.ToLower(strings.Join(texts, "\n"))
	return !slices.ContainsFunc(f.words, func(word string) bool { return !strings.Contains(all, word) })
}

func (f filter) matchesObjective(o slo.Objective, labels slo.Labels) bool {
	return f.matches(o.Name, o.Service, o.Owner, o.Description, o.Source, string(labels))
}

func (f filter) matchesIncident(i alert.Incident) bool {
	return f.matches(i.Group, i.ID) || slices.ContainsFunc(i.Windows, func(w alert.Window) bool { return f.matchesObjective(w.Objective, w.Labels) })
}

// keeper narrows another keeper to incidents with the words.
func (f filter) keeper(other keeper) keeper {
	if len(f.words) == 0 {
		return other
	}
	return func(ctx context.Context, all []alert.Incident) ([]alert.Incident, error) {
		return other.of(ctx, slices.DeleteFunc(all, func(i alert.Incident) bool { return !f.matchesIncident(i) }))
	}
}
