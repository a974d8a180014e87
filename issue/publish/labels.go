package publish

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/postburn/postburn/issue"
)

const (
	burningLabel   = issue.StatusLabel + "burning"
	recoveredLabel = issue.StatusLabel + "recovered"
	// maxServices bounds the service labels of an issue: those of the worst incidents.
	maxServices = 10
)

// labels returns the labels for a new issue.
func (d draft) labels() []string {
	if d.pub.Kind == issue.Report {
		return []string{issue.OwnLabel, issue.ReportLabel}
	}
	labels := append([]string{issue.OwnLabel}, d.changing(0)...)
	for _, i := range d.incidents {
		for _, w := range i.Windows {
			labels = appendNew(labels, d.settings(w.Objective.Name).Labels...)
		}
	}
	return labels
}

// changing returns the labels that change with the incidents, such as status:burning: the status,
// the severity, which never gets better, and the services.
func (all incidents) changing(severity int) []string {
	labels := []string{recoveredLabel}
	if all.open() {
		labels = []string{burningLabel}
	}
	services := 0
	for _, i := range issue.WorstFirst(all) {
		if s := i.Severity(); s > 0 && (severity == 0 || s < severity) {
			severity = s
		}
		for _, w := range i.Windows {
			if name := issue.ServiceLabel + w.Objective.Service; w.Objective.Service != "" && services < maxServices && !slices.Contains(labels, name) {
				labels = append(labels, name)
				services++
			}
		}
	}
	if severity > 0 {
		labels = append(labels, issue.SeverityLabel+strconv.Itoa(severity))
	}
	return labels
}

// madeWith returns the labels that postburn gave an issue that is found, and the issue without what
// it can't have been asked for. A new one would get other labels if its incidents have changed since:
// what an issue with postburn's own label lacks of these, the tracker did not leave out.
func (d draft) madeWith(found issue.Found) ([]string, issue.Found) {
	labels := d.labels()
	if !slices.Contains(found.Labels, issue.OwnLabel) {
		return labels, found
	}
	changes := func(l string) bool {
		return strings.HasPrefix(l, issue.StatusLabel) || strings.HasPrefix(l, issue.SeverityLabel) || strings.HasPrefix(l, issue.ServiceLabel)
	}
	found.Dropped = slices.DeleteFunc(slices.Clone(found.Dropped), changes)
	labels = slices.DeleteFunc(labels, changes)
	for _, l := range found.Labels {
		if changes(l) {
			labels = append(labels, l)
		}
	}
	return labels, found
}

// relabelled returns the labels that the issue was given, updated: status:burning becomes
// status:recovered, for example. A service once named stays. If the tracker did not take postburn's
// own label, it takes no others.
func (j *job) relabelled() []string {
	given := j.pub.Labels.Given
	if !slices.Contains(given, issue.OwnLabel) || j.pub.Kind == issue.Report {
		return given
	}
	severity := 0
	for _, l := range given {
		if text, ok := strings.CutPrefix(l, issue.SeverityLabel); ok {
			severity, _ = strconv.Atoi(text)
		}
	}
	now := slices.DeleteFunc(slices.Clone(given), func(l string) bool {
		return strings.HasPrefix(l, issue.StatusLabel) || strings.HasPrefix(l, issue.SeverityLabel)
	})
	named := 0
	for _, l := range given {
		if strings.HasPrefix(l, issue.ServiceLabel) {
			named++
		}
	}
	for _, l := range j.changing(severity) {
		isService := strings.HasPrefix(l, issue.ServiceLabel)
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

// exchange returns the labels to remove and to add.
func exchange(given, now []string) issue.Change {
	var c issue.Change
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

// login matches a name that can be mentioned or assigned: a user, or a team with its organisation.
var login = regexp.MustCompile(`^@?([A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)(/[A-Za-z0-9._-]+)?$`)

// owners returns the logins to assign, and the owners to mention, with an @. A team can't be
// assigned. An issue for many incidents calls nobody.
func (d draft) owners() (assigned, mentioned []string) {
	if d.pub.Kind != issue.Single {
		return nil, nil
	}
	for _, w := range d.incidents[0].Windows {
		assign := d.settings(w.Objective.Name).Assign
		parts := login.FindStringSubmatch(w.Objective.Owner)
		switch {
		case parts == nil:
		case assign == issue.AssignOwner && parts[2] == "":
			assigned = appendNew(assigned, parts[1])
		case assign == issue.AssignOwner, assign == issue.AssignMention:
			mentioned = appendNew(mentioned, "@"+parts[1]+parts[2])
		}
	}
	return assigned, mentioned
}

// appendNew appends what is not in the list yet.
func appendNew(list []string, more ...string) []string {
	for _, s := range more {
		if !slices.Contains(list, s) {
			list = append(list, s)
		}
	}
	return list
}
