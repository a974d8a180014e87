package web

import (
	"slices"
	"strings"
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/slo"
	"github.com/postburn/postburn/slo/humanize"
)

// addTerms lists the definition as it was read from the SLO file.
func (v *objectiveView) addTerms(s alert.Status, d alert.Detail, detailed bool) {
	o := s.Objective
	if o.Source != "" {
		v.say("source", o.Source)
	}
	switch i := o.Indicator; {
	case i.Ratio != nil:
		v.code("bad", i.Ratio.Bad)
		v.code("good", i.Ratio.Good)
		v.code("total", i.Ratio.Total)
	case i.Latency != nil:
		v.code("histogram", i.Latency.Histogram)
		v.say("threshold", humanize.Latency(i.Latency.Threshold))
	case i.Sampled != nil:
		v.code("bad", i.Sampled.Bad)
		v.code("total", i.Sampled.Total)
		v.code("error_ratio", i.Sampled.ErrorRatio)
	default:
		v.code("bool", i.Bool)
	}
	v.say("target", o.Target.Percent()+" over "+o.Window.String())
	if len(o.GroupBy) > 0 {
		v.say("group_by", strings.Join(o.GroupBy, ", "))
	}
	v.code("exclude", o.Exclude)
	if o.Delay > 0 {
		v.say("delay", slo.FormatDuration(o.Delay))
	}
	if detailed {
		v.addPolicy(d.Policy)
	}
}

// addPolicy lists what makes an incident of the objective.
func (v *objectiveView) addPolicy(p alert.Policy) {
	if p.MinBadEvents > 0 {
		v.say("a rule takes", humanize.Count(p.MinBadEvents)+" bad events")
	}
	if p.Budget {
		v.say("budget", "a breach, too, if the target is missed over the whole window")
	}
	if p.Hold > 0 {
		v.say("over when met for", slo.FormatDuration(p.Hold))
	}
	v.say("same incident within", slo.FormatDuration(p.MergeGap))
	if p.Blind.After > 0 {
		v.say("blind after", slo.FormatDuration(p.Blind.After)+withIssue(p.Blind.Issue))
	}
	if q := p.Quiet.OrDefault(); !q.Below.IsZero() {
		v.say("quiet below", q.Below.Percent()+" of usual for "+slo.FormatDuration(q.After)+withIssue(q.Issue))
	}
	if p.Repository != "" {
		v.say("repository", p.Repository)
	}
}

func withIssue(issue bool) string {
	if issue {
		return ", with an issue"
	}
	return ""
}

func (v *objectiveView) say(name, text string) {
	v.Terms = append(v.Terms, term{Name: name, Text: shown(text)})
}

func (v *objectiveView) code(name, text string) {
	if text != "" {
		v.Terms = append(v.Terms, term{Name: name, Text: printable(text), Code: true})
	}
}

// maxChanges is how many changes of its definition an objective's page lists.
const maxChanges = 20

// changeRow is a change of an objective's definition.
type changeRow struct {
	At   time.Time
	Text string
}

// addHistory lists the changes since the start, newest first, and the last one if that was before.
func (v *objectiveView) addHistory(d *Data, s alert.Status) {
	if d.Changes != nil {
		all := d.Changes(s.Objective.Name)
		for _, c := range slices.Backward(all[max(0, len(all)-maxChanges):]) {
			v.History = append(v.History, changeRow{c.At, shown(c.Text)})
		}
	}
	if len(v.History) == 0 && !s.Redefined.IsZero() {
		v.History = append(v.History, changeRow{s.Redefined, shown(strings.Join(s.Changes, "; "))})
	}
}
