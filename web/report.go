package web

import (
	"context"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/common/model"

	"github.com/postburn/postburn/issue/learn/report"
)

const (
	// reportLasts is how long a report is shown again before it is made anew: it may take a second.
	reportLasts = time.Minute
	mostReports = 16
	mostWaiting = 3
	// longestReport bounds how far back a report looks, mostServices of how many services it is.
	longestReport = 2 * 366 * 24 * time.Hour
	mostServices  = 50
)

// reportRequest is which report a reader asks for.
type reportRequest struct {
	period   report.Period
	services []string
	output   string // "html" or "markdown"; empty: the page
}

func reportRequestOf(query url.Values, now time.Time) (ask reportRequest, err error) {
	var given []string
	for _, name := range []string{"since", "month", "quarter"} {
		if query.Get(name) != "" {
			given = append(given, name)
		}
	}
	if len(given) > 1 {
		return ask, fmt.Errorf("%s can't be given together", strings.Join(given, " and "))
	}
	switch {
	case query.Get("month") != "":
		ask.period, err = report.ParseMonth(query.Get("month"))
	case query.Get("quarter") != "":
		ask.period, err = report.ParseQuarter(query.Get("quarter"))
	default:
		ask.period, err = lastDays(query.Get("since"), now)
	}
	if err != nil {
		return ask, err
	}
	ask.services = slices.DeleteFunc(slices.Clone(query["service"]), func(s string) bool { return s == "" })
	if len(ask.services) > mostServices {
		return ask, fmt.Errorf("a report is about %d services at most, not %d; leave service out for all", mostServices, len(ask.services))
	}
	slices.Sort(ask.services)
	switch ask.output = query.Get("output"); ask.output {
	case "", "html", "markdown":
		return ask, nil
	}
	return ask, fmt.Errorf("output must be html or markdown, not %.50q", ask.output)
}

func lastDays(text string, now time.Time) (report.Period, error) {
	if text == "" {
		text = "90d"
	}
	length, err := model.ParseDuration(text)
	if err != nil || time.Duration(length) < 24*time.Hour || time.Duration(length) > longestReport {
		return report.Period{}, fmt.Errorf("since must be a duration from 1d to 732d like 90d, not %.50q", text)
	}
	return report.Last(time.Duration(length), now), nil
}

// errBusy is the error if others wait for reports already. A report on thousands of objectives
// takes more than a second, and pages about what burns now must not wait for it.
var errBusy = errors.New("other reports are being made: try again in a few seconds")

// reports remembers the newest reports, and makes one at a time.
type reports struct {
	mu      sync.Mutex
	made    map[string]madeReport
	making  chan struct{} // holds one while a report is made
	waiting atomic.Int32
}

type madeReport struct {
	report.Report
	at time.Time
}

func (all *reports) get(ctx context.Context, d *Data, ask reportRequest, now time.Time) (report.Report, error) {
	key := fmt.Sprint(ask.period, ask.services)
	if have, ok := all.remembered(key, now); ok {
		return have, nil
	}
	defer all.waiting.Add(-1)
	if all.waiting.Add(1) > mostWaiting {
		return report.Report{}, errBusy
	}
	select {
	case all.making <- struct{}{}:
		defer func() { <-all.making }()
	case <-ctx.Done():
		return report.Report{}, ctx.Err()
	}
	if have, ok := all.remembered(key, now); ok {
		return have, nil // somebody else has asked for it, too
	}
	in, err := d.ReadReport(ctx, ask.period, now)
	if err != nil {
		return report.Report{}, err
	}
	if len(ask.services) > 0 {
		in = in.Of(ask.services...)
	}
	made := madeReport{report.Make(in), now}
	all.mu.Lock()
	defer all.mu.Unlock()
	if all.made == nil || len(all.made) >= mostReports {
		all.made = map[string]madeReport{}
	}
	all.made[key] = made
	return made.Report, nil
}

func (all *reports) remembered(key string, now time.Time) (r report.Report, ok bool) {
	all.mu.Lock()
	defer all.mu.Unlock()
	have, ok := all.made[key]
	return have.Report, ok && now.Sub(have.at) < reportLasts
}

// reportView is the page of a report.
type reportView struct {
	page
	Body             template.HTML
	Months, Quarters []choice
	Spans            []choice
	Query            string // to ask for the same in another form
}

// choice is another period to show.
type choice struct {
	Name, Query string
	Now         bool
}

func (h pageHandler) report(w http.ResponseWriter, r *http.Request) {
	d := h.data.Load()
	if d == nil {
		h.starting(w, "./")
		return
	}
	now, query := time.Now(), r.URL.Query()
	ask, err := reportRequestOf(query, now)
	if err != nil {
		h.show(w, http.StatusBadRequest, "message", message{page{Title: "No such report · postburn", Root: "./", Now: now}, "No such report", shown(err.Error()) + "."})
		return
	}
	made, err := h.reports.get(r.Context(), d, ask, now)
	if errors.Is(err, errBusy) {
		h.show(w, http.StatusServiceUnavailable, "message", message{page{Title: "Busy · postburn", Root: "./", Now: now}, "Busy", "Other reports are being made. Try again in a few seconds."})
		return
	}
	if err != nil {
		h.unreadable(w, "./", fmt.Errorf("reading for a report: %w", err))
		return
	}
	if ask.output != "" {
		h.download(w, made, ask.output)
		return
	}
	v := newReportView(now, query)
	if v.Body, err = made.Body(); err != nil {
		h.logger.Error("making a report", "err", err)
		http.Error(w, "the report can't be made", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Security-Policy", policyFor(style, report.Style()))
	h.show(w, http.StatusOK, "report-page", v)
}

// download writes a report as a file of its own.
func (h pageHandler) download(w http.ResponseWriter, r report.Report, output string) {
	text, kind := []byte(r.Markdown()), "text/markdown; charset=utf-8"
	if output == "html" {
		var err error
		if text, err = r.HTML(); err != nil {
			h.logger.Error("making a report", "err", err)
			http.Error(w, "the report can't be made", http.StatusInternalServerError)
			return
		}
		kind = "text/html; charset=utf-8"
		w.Header().Set("Content-Security-Policy", policyFor(report.FileStyle()))
	}
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write(text) // the client may have gone
}

func newReportView(now time.Time, query url.Values) reportView {
	kept := url.Values{}
	for _, name := range []string{"since", "month", "quarter", "service"} {
		for _, value := range query[name] {
			kept.Add(name, value)
		}
	}
	v := reportView{page: page{Title: "Report · postburn", Root: "./", Now: now, More: template.CSS(report.Style())}, Query: kept.Encode()}
	link := func(name, parameter, value string) choice {
		other := url.Values{parameter: {value}}
		if services := query["service"]; len(services) > 0 {
			other["service"] = services
		}
		isNow := query.Get(parameter) == value || parameter == "since" && value == "90d" && query.Get("since")+query.Get("month")+query.Get("quarter") == ""
		return choice{name, other.Encode(), isNow}
	}
	for _, span := range []string{"30d", "90d", "365d"} {
		v.Spans = append(v.Spans, link(strings.TrimSuffix(span, "d")+" days", "since", span))
	}
	for n := range 4 {
		at := report.Month(now).Start.AddDate(0, -n, 0)
		v.Months = append(v.Months, link(at.Format("January 2006"), "month", at.Format("2006-01")))
		at = report.Month(now).Start.AddDate(0, -3*n, 0)
		quarter := fmt.Sprintf("%d-Q%d", at.Year(), (int(at.Month())+2)/3)
		v.Quarters = append(v.Quarters, link(quarter, "quarter", quarter))
	}
	return v
}

// report answers with a report.
func (h apiHandler) report(w http.ResponseWriter, r *http.Request) {
	d := h.data.Load()
	if d == nil {
		h.fail(w, http.StatusServiceUnavailable, "postburn is starting")
		return
	}
	now := time.Now()
	ask, err := reportRequestOf(r.URL.Query(), now)
	if err != nil {
		h.fail(w, http.StatusBadRequest, err.Error())
		return
	}
	switch made, err := h.reports.get(r.Context(), d, ask, now); {
	case errors.Is(err, errBusy):
		h.fail(w, http.StatusServiceUnavailable, err.Error())
	case err != nil:
		h.storeFails(w, err)
	default:
		h.json(w, http.StatusOK, made)
	}
}
