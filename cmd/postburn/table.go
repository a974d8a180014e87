package main

import (
	"cmp"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/prometheus/common/model"

	"github.com/postburn/postburn/slo"
	"github.com/postburn/postburn/slo/humanize"
)

// printTable prints a replay for people: how the objectives stood at its end, and a line for each
// breach window.
func printTable(w io.Writer, o outcome) error {
	found := o.Replayed
	fmt.Fprintf(w, "%s to %s UTC, in ticks of %s\n\n", o.span.Start.Format(time.DateTime), o.span.End.Format(time.DateTime), model.Duration(o.interval))
	t := tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)
	fmt.Fprintln(t, "OBJECTIVE\tTARGET\tWINDOW\tEVENTS\tBAD\tBUDGET LEFT\tSTATE")
	measured := ""
	for _, s := range found.Statuses {
		mark := ""
		if s.Objective.Indicator.Sampled != nil {
			mark, measured = "*", "* "+slo.Caveat{Kind: slo.OnceATick}.String()
		}
		fmt.Fprintf(t, "%s%s%s\t%s\t%s\t%s\t%s\t%s\t%s\n", s.Objective.Name, s.Labels, mark, s.Objective.Target.Percent(),
			window(s.Objective.Window), humanize.Count(s.Window.Total), humanize.Count(s.Window.Bad), humanize.Percent(s.BudgetRemaining), s.State)
	}
	if measured != "" {
		fmt.Fprintln(t, measured)
	}
	fmt.Fprintln(t)
	if len(found.Incidents) == 0 {
		fmt.Fprintln(t, "No incidents.")
		return t.Flush()
	}
	fmt.Fprintln(t, "INCIDENT\tOBJECTIVE\tKIND\tONSET (UTC)\tLASTED\tBAD\tEVENTS\tERROR RATIO\tBUDGET SPENT\tPEAK BURN RATE")
	for _, i := range found.Incidents {
		id := i.ID
		for _, v := range i.Windows {
			lasted := "still open"
			if !v.IsOpen() {
				lasted = humanize.ShortDuration(v.Ended.Sub(v.Onset))
			}
			fmt.Fprintf(t, "%s\t%s%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", id, v.Objective.Name, v.Labels, v.Kind, v.Onset.UTC().Format(time.DateTime),
				lasted, humanize.Count(v.Bad), humanize.Count(v.Total), humanize.Percent(v.ErrorRatio()), humanize.Percent(v.BudgetSpent), humanize.Times(v.PeakBurnRate))
			id = "" // once is enough
		}
	}
	if err := t.Flush(); err != nil {
		return err
	}
	printExcluded(w, o)
	printStorms(w, found.Incidents)
	return nil
}

// printExcluded names the incidents that corrections are about.
func printExcluded(w io.Writer, o outcome) {
	excluded := excludedBy(o.corrections, o.Incidents)
	for _, i := range o.Incidents {
		if x := excluded[i.ID].Excluded; x != nil {
			by := ""
			if x.By != "" {
				by = " by " + x.By
			}
			fmt.Fprintf(w, "%s is excluded%s: %s\n", i.ID, by, x.Why())
		}
	}
}

// window writes an objective's window for a column: "30d", or "month".
func window(w slo.Window) string { return cmp.Or(w.Calendar, w.String()) }
