package issue

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/postburn/postburn/alert"
)

// The labels that postburn gives its issues, besides those of the SLO file. A tracker may cut what comes after a prefix.
const (
	OwnLabel      = "postburn"
	ServiceLabel  = "service:"
	SeverityLabel = "severity:"
	StatusLabel   = "status:"
)

const (
	burningLabel   = StatusLabel + "burning"
	recoveredLabel = StatusLabel + "recovered"
	// maxServices is how many services have a label at an issue: those of the incidents that are worst.
	maxServices = 10
)

// labels are what the issue is to be given when it is created.
func (j *job) labels(settings func(slo string) Settings) []string {
	labels := append([]string{OwnLabel}, j.changing(0)...)
	for _, i := range j.incidents {
		for _, w := range i.Windows {
			labels = appendNew(labels, settings(w.Objective.Name).Labels...)
		}
	}
	return labels
}

// changing are the labels that change with the incidents: the status, the severity, which is never less than it was, and the services.
func (j *job) changing(severity int) []string {
	labels := []string{recoveredLabel}
	if j.open() {
		labels = []string{burningLabel}
	}
	services := 0
	for _, i := range WorstFirst(j.incidents) {
		if s := i.Severity(); s > 0 && (severity == 0 || s < severity) {
			severity = s
		}
		for _, w := range i.Windows {
			if name := ServiceLabel + w.Objective.Service; w.Objective.Service != "" && services < maxServices && !slices.Contains(labels, name) {
				labels = append(labels, name)
				services++
			}
		}
	}
	if severity > 0 {
		labels = append(labels, SeverityLabel+strconv.Itoa(severity))
	}
	return labels
}

// relabelled are the labels that the issue has been given, with what has changed since. Where the tracker did not take postburn's own
// label it takes none. A service that was named stays.
func (j *job) relabelled() []string {
	given := j.opening().Labels
	if !slices.Contains(given, OwnLabel) {
		return given
	}
	severity := 0
	for _, l := range given {
		if text, ok := strings.CutPrefix(l, SeverityLabel); ok {
			severity, _ = strconv.Atoi(text)
		}
	}
	now := slices.DeleteFunc(slices.Clone(given), func(l string) bool {
		return strings.HasPrefix(l, StatusLabel) || strings.HasPrefix(l, SeverityLabel)
	})
	named := 0
	for _, l := range given {
		if strings.HasPrefix(l, ServiceLabel) {
			named++
		}
	}
	for _, l := range j.changing(severity) {
		isService := strings.HasPrefix(l, ServiceLabel)
		if isService && named >= maxServices && !slices.Contains(now, l) {
			continue
		}
		if isService && !slices.Contains(now, l) {
			named++
		}
		now = appendNew(now, l)
	}
	if sameLabels(given, now) {
		return given
	}
	return now
}

func sameLabels(a, b []string) bool {
	return slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b)))
}

// exchange is the change that makes labels of others.
func exchange(given, now []string) Change {
	var c Change
	for _, l := range given {
		if !slices.Contains(now, l) {
			c.Remove = append(c.Remove, l)
		}
	}
	for _, l := range now {
		if !slices.Contains(given, l) {
			c.Add = append(c.Add, l)
		}
	}
	return c
}

// withoutDropped are the labels that are left of those asked for.
func withoutDropped(labels, dropped []string) (given []string) {
	for _, l := range labels {
		if !slices.Contains(dropped, l) {
			given = append(given, l)
		}
	}
	return given
}

// login is a name that a mention or an assignment takes: of a user, or of a team with its organisation.
var login = regexp.MustCompile(`^@?([A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)(/[A-Za-z0-9._-]+)?$`)

// owners are whom the issue is assigned to, by their logins, and who is mentioned, with an @. A team can't be assigned. Nobody is
// called by an issue that is for many incidents.
func (j *job) owners(settings func(slo string) Settings) (assigned, mentioned []string) {
	if j.pub.Kind != Single {
		return nil, nil
	}
	for _, w := range j.incidents[0].Windows {
		assign := settings(w.Objective.Name).Assign
		parts := login.FindStringSubmatch(w.Objective.Owner)
		switch {
		case parts == nil:
		case assign == AssignOwner && parts[2] == "":
			assigned = appendNew(assigned, parts[1])
		case assign == AssignOwner, assign == AssignMention:
			mentioned = appendNew(mentioned, "@"+parts[1]+parts[2])
		}
	}
	return assigned, mentioned
}

// WorstFirst sorts a copy of incidents by their impact: by severity, then by the share of the budget that was spent.
func WorstFirst(incidents []alert.Incident) []alert.Incident {
	level := func(i alert.Incident) int {
		if s := i.Severity(); s > 0 {
			return s
		}
		return alert.MaxSeverity + 1
	}
	return slices.SortedStableFunc(slices.Values(incidents), func(a, b alert.Incident) int {
		if n := level(a) - level(b); n != 0 {
			return n
		}
		switch x, y := Headline(a).BudgetSpent, Headline(b).BudgetSpent; {
		case x > y:
			return -1
		case x < y:
			return 1
		}
		return 0
	})
}
