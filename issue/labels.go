package issue

import "slices"

// The labels that postburn gives its issues, besides those of the SLO file. A tracker may cut what
// comes after a prefix.
const (
	OwnLabel      = "postburn"
	ServiceLabel  = "service:"
	SeverityLabel = "severity:"
	StatusLabel   = "status:"
)

// SkipLabel is given by people to an issue that is not to be linted.
const SkipLabel = "post-mortem:skip"

// FollowUpLabel is given by people to a post-mortem whose follow-ups are to be issues, and by
// postburn to these.
const FollowUpLabel = "follow-up"

// ExcludeLabel is given by people to an issue whose incidents are not to count in budgets, reports
// and trends, for example because of planned work or a wrong measurement.
const ExcludeLabel = "postburn:exclude"

// CauseLabel begins the labels by which people say what kind of cause an incident had, such as
// cause:deploy. DrillLabel is that of a practice incident, which counts in no statistics.
const (
	CauseLabel = "cause:"
	DrillLabel = "drill"
)

// LabelsStage is the stage that Failure reports for an exchange of labels.
const LabelsStage = "labels"

// NestStage is the stage that Failure reports for making an issue a sub-issue.
const NestStage = "sub-issues"

// Labels are the labels of an issue, and the state of their exchange for others. Asking for an
// exchange twice does no harm, so the state is only Wanted, Posted, or empty if there was none.
type Labels struct {
	Delivery
	Given   []string
	Dropped []string // what the tracker left out, and assignees with an @
}

// Want notes which labels the issue is to have.
func (l *Labels) Want(labels []string) {
	switch stale := !slices.Equal(l.Given, labels); {
	case stale && l.IsSettled():
		l.State = Wanted
	case !stale && l.State != "":
		l.done()
	}
}

// Exchange notes which labels the issue has now.
func (l *Labels) Exchange(labels []string) {
	l.Given = labels
	l.done()
}

func (l *Labels) done() { l.Delivery = Delivery{State: Posted} }

// without returns the labels asked for, minus the dropped ones.
func without(labels, dropped []string) (given []string) {
	for _, l := range labels {
		if !slices.Contains(dropped, l) {
			given = append(given, l)
		}
	}
	return given
}
