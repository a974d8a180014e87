package main

import (
	"encoding/json"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/prometheus/common/model"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/alert/compare"
	"github.com/postburn/postburn/slo"
	"github.com/postburn/postburn/slo/humanize"
)

// printTable prints a row for each setting, with a strip of when its incidents were.
func (s *suggestion) printTable(w io.Writer) error {
	fmt.Fprintf(w, "%s in %s: %s\n\n", s.of.Objective.Name, humanize.Duration(s.span.End.Sub(s.span.Start)), s.stretchText())
	if err := s.printTrials(w, "TARGET", s.targets, func(t trial) string { return t.target.Percent() }); err != nil {
		return err
	}
	if len(s.latencies) > 0 {
		fmt.Fprintf(w, "\nThresholds at the target of %s: the histogram's boundaries near %s\n\n",
			s.of.Objective.Target.Percent(), humanize.Latency(s.of.Objective.Indicator.Latency.Threshold))
		if err := s.printTrials(w, "THRESHOLD", s.latencies, func(t trial) string { return humanize.Latency(t.threshold) }); err != nil {
			return err
		}
	}
	if s.past.decides() {
		fmt.Fprintf(w, "\n%s\n", s.past.legend())
	}
	_, err := fmt.Fprintf(w, "\n%s\n", s.stripText())
	return err
}

func (s *suggestion) printTrials(w io.Writer, what string, trials []trial, name func(trial) string) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	judging := ""
	if s.past.decides() {
		judging = "REAL KEPT\tNOISE DROPPED\t"
	}
	fmt.Fprintf(t, "%s\t\tINCIDENTS\tSEVERITY 1\t%sIN INCIDENT\tBUDGET LEFT\tWHEN\n", what, judging)
	var best *trial
	for i, r := range trials {
		mark, in, left := "", "none", "unknown"
		switch {
		case r.isBest && r.isNow:
			mark = "<= now"
		case r.isBest:
			mark = "<="
		case r.isNow:
			mark = "now"
		}
		if r.isBest {
			best = &trials[i]
		}
		if d := r.inIncident(); d > 0 {
			in = humanize.ShortDuration(d)
		}
		if share, ok := r.budgetLeft(); ok {
			left = humanize.Percent(share)
		}
		if s.past.decides() {
			judging = fmt.Sprintf("%d of %d\t%d of %d\t", s.past.kept(r), len(s.past.genuine), s.past.dropped(r), len(s.past.noise))
		}
		fmt.Fprintf(t, "%s\t%s\t%d\t%d\t%s%s\t%s\t%s\n", name(r), mark, len(r.Incidents), r.severe(), judging, in, left, r.when())
	}
	if err := t.Flush(); err != nil {
		return err
	}
	_, err := io.WriteString(w, s.verdict(best, name))
	return err
}

// verdict says why a setting is marked; best is nil if none is.
func (s *suggestion) verdict(best *trial, name func(trial) string) string {
	switch {
	case s.wanted != nil && best == nil:
		return fmt.Sprintf("\nNone of these has at most %s.\n", humanize.Plural(*s.wanted, "incident"))
	case s.wanted != nil:
		return fmt.Sprintf("\n<= The tightest with at most %s: %s\n", humanize.Plural(*s.wanted, "incident"), name(*best))
	case best != nil:
		return fmt.Sprintf("\n<= %s %s.\n", name(*best), s.past.verdict(*best))
	}
	return ""
}

// severe returns how many incidents would have been severity 1.
func (t trial) severe() (n int) {
	for _, i := range t.Incidents {
		if i.Severity() == 1 {
			n++
		}
	}
	return n
}

// when draws the incidents of all label sets in one strip.
func (t trial) when() (text string) {
	strip := make([]alert.Kind, stripCells)
	for _, s := range t.Statuses {
		for cell, kind := range compare.Strip(t.Incidents, slo.ID{SLO: s.Objective.Name, Labels: s.Labels}, t.span, stripCells) {
			if kind != "" && (strip[cell] == "" || kind.Compare(strip[cell]) < 0) {
				strip[cell] = kind
			}
		}
	}
	for _, kind := range strip {
		text += stripMark(kind)
	}
	return text
}

// suggested is the JSON form of a suggestion.
type suggested struct {
	SLO        string      `json:"slo"`
	Start      time.Time   `json:"start"`
	End        time.Time   `json:"end"`
	Step       string      `json:"step"`
	Wanted     *int        `json:"wanted_incidents"` // null: nobody said
	Past       *pastView   `json:"past,omitempty"`   // not there without a store
	Targets    []trialView `json:"targets"`          // loosest first
	Thresholds []trialView `json:"thresholds"`       // of a latency, longest first
}

// pastView is the JSON form of what people made of past incidents.
type pastView struct {
	Real      int `json:"real"`      // closed as completed
	Noise     int `json:"noise"`     // closed as not planned
	Undecided int `json:"undecided"` // neither
}

// trialView is the JSON form of a trial. Threshold is null if it is the file's own.
type trialView struct {
	Target               json.Number `json:"target"`
	Threshold            *string     `json:"threshold"`
	Incidents            int         `json:"incidents"`
	SeverityOne          int         `json:"severity_1"`
	InIncidentSeconds    float64     `json:"in_incident_seconds"`
	BudgetRemainingRatio *float64    `json:"budget_remaining_ratio"` // the least; null: not known
	RealKept             *int        `json:"real_kept,omitempty"`    // how many of the past's real incidents it has, too
	NoiseDropped         *int        `json:"noise_dropped,omitempty"`
	Current              bool        `json:"current"`   // it is the file's
	Suggested            bool        `json:"suggested"` // see suggestion.mark
}

func (s *suggestion) printJSON(w io.Writer) error {
	v := suggested{
		SLO: s.of.Objective.Name, Start: s.span.Start, End: s.span.End, Step: model.Duration(s.interval).String(), Wanted: s.wanted,
		Targets: s.view(s.targets), Thresholds: s.view(s.latencies),
	}
	if s.past != nil {
		v.Past = &pastView{len(s.past.genuine), len(s.past.noise), s.past.undecided}
	}
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	return encoder.Encode(v)
}

func (s *suggestion) view(trials []trial) []trialView {
	all := []trialView{}
	for _, t := range trials {
		v := trialView{
			Target: json.Number(t.target.String()), Incidents: len(t.Incidents), SeverityOne: t.severe(),
			InIncidentSeconds: t.inIncident().Seconds(), Current: t.isNow, Suggested: t.isBest,
		}
		if t.threshold > 0 {
			text := exactly(t.threshold)
			v.Threshold = &text
		}
		if left, ok := t.budgetLeft(); ok {
			v.BudgetRemainingRatio = &left
		}
		if s.past != nil {
			kept, dropped := s.past.kept(t), s.past.dropped(t)
			v.RealKept, v.NoiseDropped = &kept, &dropped
		}
		all = append(all, v)
	}
	return all
}
