package main

import (
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/prometheus/common/model"

	"github.com/postburn/postburn/alert/engine"
	"github.com/postburn/postburn/slo"
)

// printTable prints a replay for people: how the objectives stood at its end, and a line for each breach window.
func printTable(w io.Writer, found engine.Replayed, start, end time.Time, interval time.Duration) error {
	const minute = "2006-01-02 15:04:05"
	fmt.Fprintf(w, "%s to %s UTC, in ticks of %s\n\n", start.Format(minute), end.Format(minute), model.Duration(interval))
	t := tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)
	fmt.Fprintln(t, "OBJECTIVE\tTARGET\tWINDOW\tEVENTS\tBAD\tBUDGET LEFT\tSTATE")
	measured := ""
	for _, s := range found.Statuses {
		mark := ""
		if s.Objective.Indicator.Sampled != nil {
			mark, measured = "*", "* "+slo.Caveat{Kind: slo.OnceATick}.String()
		}
		fmt.Fprintf(t, "%s%s%s\t%s\t%s\t%s\t%s\t%s\t%s\n", s.Objective.Name, s.Labels, mark, s.Objective.Target.Percent(),
			window(s.Objective.Window), events(s.Window.Total), events(s.Window.Bad), percent(s.BudgetRemaining), s.State)
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
			lasted := "goes on"
			if !v.IsOpen() {
				lasted = model.Duration(v.Ended.Sub(v.Onset)).String()
			}
			fmt.Fprintf(t, "%s\t%s%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", id, v.Objective.Name, v.Labels, v.Kind, v.Onset.UTC().Format(minute),
				lasted, events(v.Bad), events(v.Total), percent(v.ErrorRatio()), percent(v.BudgetSpent), strconv.FormatFloat(v.PeakBurnRate, 'f', 1, 64))
			id = "" // once is enough
		}
	}
	if err := t.Flush(); err != nil {
		return err
	}
	printStorms(w, found.Incidents)
	return nil
}

// window is an objective's window as an SLO file has it: 30d, or month.
func window(w slo.Window) string {
	if w.Calendar != "" {
		return w.Calendar
	}
	return model.Duration(w.Rolling).String()
}

// events is a whole number with its thousands apart.
func events(n float64) string {
	digits := strconv.FormatFloat(math.Round(n), 'f', 0, 64)
	var b strings.Builder
	for i, d := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(d)
	}
	return b.String()
}

func percent(ratio float64) string { return strconv.FormatFloat(100*ratio, 'f', 2, 64) + " %" }
