package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/prometheus/common/model"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/alert/compare"
	"github.com/postburn/postburn/slo"
	"github.com/postburn/postburn/slo/humanize"
)

const (
	stripCells = 60 // of an objective's time, in a table
	manyNames  = 20 // of objectives are named in a line
)

// stripLegend says what the marks of a strip mean.
const stripLegend = "█ burn, ▄ budget overspent, ░ no data, ▒ little traffic"

func stripMark(kind alert.Kind) string {
	switch kind {
	case alert.Burn:
		return "█"
	case alert.Budget:
		return "▄"
	case alert.Blindness:
		return "░"
	case alert.Quietness:
		return "▒"
	}
	return "·"
}

// strip draws an objective's time.
func (o outcome) strip(of slo.ID) string {
	var b strings.Builder
	for _, kind := range compare.Strip(o.Incidents, of, o.span, stripCells) {
		b.WriteString(stripMark(kind))
	}
	return b.String()
}

// stretchText says which time was replayed.
func (o outcome) stretchText() string {
	return fmt.Sprintf("%s to %s UTC, in ticks of %s", o.span.Start.UTC().Format(time.DateTime), o.span.End.UTC().Format(time.DateTime), model.Duration(o.interval))
}

// stripText says what a mark of a strip stands for.
func (o outcome) stripText() string {
	return fmt.Sprintf("A mark is %s: %s", humanize.ShortDuration(o.span.End.Sub(o.span.Start)/stripCells), stripLegend)
}

// printTable prints a comparison for people: what changed, then objective by objective.
func (d *comparison) printTable(w io.Writer) error {
	fmt.Fprintln(w, d.summary())
	if text := d.changes(); text != "" {
		fmt.Fprintln(w, text)
	}
	fmt.Fprintln(w, d.now.stretchText())
	if len(d.redefined) > 0 {
		fmt.Fprintln(w, "\nChanged:")
		for _, r := range d.redefined {
			fmt.Fprintf(w, "  %s: %s\n", r.SLO, r.text())
		}
	}
	if len(d.told) > 0 {
		fmt.Fprintln(w, "\n"+d.now.stripText())
	}
	for _, o := range d.told {
		fmt.Fprintf(w, "\n%s\n  old  %s\n  new  %s\n", o.ID, d.old.strip(o.ID), d.now.strip(o.ID))
		t := tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)
		fmt.Fprintln(t, "  \tINCIDENT\tKIND\tONSET (UTC)\tLASTED\tBAD\tBUDGET SPENT\tSEVERITY\tISSUE")
		var caveats []string
		for _, p := range o.Pairs {
			r := d.rowOf(p)
			fmt.Fprintf(t, "  %s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", r.change, r.id, r.kind, r.onset, r.lasted, r.bad, r.spent, r.severity, r.form)
			for _, text := range r.caveats {
				caveats = append(caveats, r.id+": "+text)
			}
		}
		if err := t.Flush(); err != nil {
			return err
		}
		for _, text := range caveats {
			fmt.Fprintln(w, "  "+text)
		}
	}
	if text := d.withoutText(func(name string) string { return name }); text != "" {
		fmt.Fprintln(w, "\n"+text)
	}
	printStorms(w, d.now.Incidents)
	return nil
}

// withoutText names the objectives and label sets without incidents, each as `name` writes it;
// empty if there are none.
func (d *comparison) withoutText(name func(string) string) string {
	if len(d.without) == 0 {
		return ""
	}
	var names []string
	for i, text := range d.without {
		if i == manyNames {
			names = append(names, fmt.Sprintf("%d more", len(d.without)-i))
			break
		}
		names = append(names, name(text))
	}
	return "No incidents, old or new: " + humanize.List(names)
}
