package web_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"maps"
	"net/http"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/issue"
	"github.com/postburn/postburn/issue/learn/report"
	"github.com/postburn/postburn/slo"
	"github.com/postburn/postburn/web"
)

// TestOpenAPI makes the description of the API from the answers' types and their comments, the
// table of operations, and what the handler answers now. openapi.json must be the same.
func TestOpenAPI(t *testing.T) {
	got := describe(t)
	const file = "openapi.json"
	if *update {
		if err := os.WriteFile(file, got, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s is not up to date, run the test with -update (-want +got):\n%s", file, diff)
	}
	synctest.Test(t, func(t *testing.T) {
		paths := described().handler().Paths()
		if diff := cmp.Diff(paths, slices.Sorted(maps.Keys(operations))); diff != "" {
			t.Errorf("what is served is not what is described (-served +described):\n%s", diff)
		}
	})
}

// describe returns the description of the API.
func describe(t *testing.T) []byte {
	made := newSchemas(t)
	paths := object{}
	for path, o := range operations {
		operation := object{
			"operationId": o.id, "tags": []string{o.tag}, "summary": o.summary, "description": o.description, "responses": o.responses(t, made),
		}
		if len(o.parameters) > 0 {
			operation["parameters"] = o.parameters
		}
		paths[path] = object{"get": operation}
	}
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetIndent("", " ")
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(object{
		"openapi": "3.1.0",
		"info": object{
			"title": "postburn", "version": "1", "summary": "Objectives, incidents and their evidence",
			"description": "Reads what postburn knows, and changes nothing. Times are RFC 3339. Durations are texts like \"6h\" or \"30d\". " +
				"Ratios are from 0 to 1. Events are those that the objective counts, such as requests. " +
				"New fields and values may come with any minor version: ignore what you don't know.",
			"contact": object{"name": "postburn", "url": "https://github.com/postburn/postburn"},
			"license": object{"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
		},
		"servers": []object{{"url": "../..", "description": "Where this description is from, also behind a proxy."}},
		"tags": []object{
			{"name": "incidents", "description": "Incidents and their evidence."}, {"name": "objectives", "description": "How objectives stand."},
			{"name": "reports", "description": "How a period went."}, {"name": "status", "description": "How postburn itself does."},
		},
		"paths": paths, "components": object{"schemas": made.made},
	})
	if err != nil {
		t.Fatal(err)
	}
	return text.Bytes()
}

// responses describes what an endpoint answers, with what it answers now as examples.
func (o operation) responses(t *testing.T, made *schemas) object {
	t.Helper()
	all := object{}
	for code, e := range o.examples {
		got, body := e.ask(t)
		if got != code {
			t.Errorf("%s: %d %s, want %d", e.path, got, body, code)
		}
		schema := object{"type": "object"}
		switch {
		case code != http.StatusOK:
			schema = made.of(reflect.TypeFor[web.ErrorAnswer]())
		case o.answer != nil:
			schema = made.of(o.answer)
		}
		content := object{"schema": schema}
		if o.answer != nil {
			content["example"] = shortened(t, body)
		}
		answer := object{"description": meaning[code], "content": object{"application/json": content}}
		if code == http.StatusServiceUnavailable {
			answer["headers"] = object{"Retry-After": object{"description": "Seconds to wait, where that is known.", "schema": object{"type": "integer"}}}
			answer["content"].(object)["text/plain"] = object{"schema": object{"type": "string"}, "example": "Too many requests are under way. Try again in some seconds.\n"}
		}
		all[strconv.Itoa(code)] = answer
	}
	return all
}

// ask has the API answer, always at the same time.
func (e example) ask(t *testing.T) (code int, body string) {
	synctest.Test(t, func(t *testing.T) {
		s := described()
		if e.change != nil {
			e.change(s)
		}
		code, body = get(t, s.handler(), e.path)
	})
	return code, body
}

var meaning = map[int]string{
	200: "What was asked for.",
	400: "A parameter is wrong; the error says what would be right.",
	404: "There is no such thing.",
	500: "The store can't be read.",
	503: "postburn is starting, or too much is asked of it at a time.",
}

// shortened returns an answer with one element of each list.
func shortened(t *testing.T, body string) any {
	t.Helper()
	decoder := json.NewDecoder(strings.NewReader(body))
	decoder.UseNumber() // targets as they are written
	var answer any
	if err := decoder.Decode(&answer); err != nil {
		t.Fatal(err)
	}
	var shorten func(any) any
	shorten = func(v any) any {
		switch v := v.(type) {
		case object:
			for key := range v {
				v[key] = shorten(v[key])
			}
		case []any:
			v = v[:min(len(v), 1)]
			for n := range v {
				v[n] = shorten(v[n])
			}
			return v
		}
		return v
	}
	return shorten(answer)
}

// scene is a world for the API.
type scene struct {
	*world
	starting bool
}

func starting(s *scene)   { s.starting = true }
func unreadable(s *scene) { s.failing = errors.New("disk I/O error at /secret/path") }
func reading(s *scene)    { s.busy = true }

func (s *scene) handler() *web.Handler {
	h := web.NewHandler(slog.New(slog.NewTextHandler(&s.log, nil)), prometheus.NewRegistry())
	if s.starting {
		return h
	}
	h.Ready(web.Data{
		Statuses: func(time.Time) []alert.Status { return s.statuses }, Store: &s.memory, StoreProblem: func() error { return s.problem },
		SLOFiles: func() web.SLOFiles { return s.files }, About: func() web.About { return s.about }, Details: s.details,
		ReadReport: func(_ context.Context, p report.Period, now time.Time) (report.Input, error) {
			return readReport("checkout", p, now), s.failing
		},
	})
	return h
}

// described is a shop with an incident that is open and one that is over.
func described() *scene {
	now := time.Now()
	burning, well := status("checkout", "checkout-availability", alert.Burning, 0.375), status("cart", "cart-availability", alert.OK, 0.75)
	burning.Labels = slo.NewLabels(map[string]string{"region": "eu"})
	burning.BurnRates = []alert.BurnRate{{Window: 5 * time.Minute, Rate: 512}, {Window: time.Hour, Rate: 48.5}}
	well.Redefined, well.Changes = now.Add(-26*time.Hour), []string{"target 95 % → 99.9 %"}
	open := alert.Window{
		Objective: burning.Objective, Labels: burning.Labels, Kind: alert.Burn, Rule: &alert.DefaultRules(30 * 24 * time.Hour)[0],
		Onset: now.Add(-47 * time.Minute), Detected: now.Add(-45 * time.Minute), PeakBurnRate: 512.3, Counts: slo.Counts{Total: 15337, Bad: 7700.5},
		BudgetSpent: 0.301, BudgetLeft: 0.375, Severity: 2, UsualEvents: 16000, Caveats: []slo.Caveat{{Kind: slo.NoData, Count: 4}},
		Phases: []alert.Phase{{Kind: alert.Outage, Span: slo.Span{Start: now.Add(-47 * time.Minute), End: now.Add(-37 * time.Minute)}}},
	}
	over := open
	over.Objective, over.Labels, over.Onset, over.Detected, over.Ended = well.Objective, "", now.Add(-50*time.Hour), now.Add(-49*time.Hour), now.Add(-48*time.Hour)
	w := &world{statuses: []alert.Status{burning, well}}
	w.incidents = []alert.Incident{
		{ID: "checkout-1", Group: "checkout", Windows: []alert.Window{open}}, {ID: "cart-1", Group: "cart", Windows: []alert.Window{over}},
	}
	checkout, cart := published("https://github.com/acme/checkout/issues/17", ""), published("https://github.com/acme/cart/issues/9", issue.Noise)
	checkout.FollowUps = []issue.FollowUp{{Text: "Set a timeout", Owner: "alice", Term: issue.ShortTerm, Opened: now.Add(-time.Hour), Issue: "https://github.com/acme/checkout/issues/18"}}
	checkout.Parts = issue.Parts{{Incident: "checkout-1"}}
	if err := checkout.Parts[0].Keep(foundAround(slo.ID{SLO: burning.Objective.Name, Labels: burning.Labels}, checkout.FollowUps[0]), time.Time{}); err != nil {
		panic(err)
	}
	cart.Excluded = &issue.Exclusion{By: "bob", At: now.Add(-time.Hour), Reason: "a load test"}
	w.publications = map[string]issue.Publication{"checkout-1": checkout, "cart-1": cart}
	w.files = web.SLOFiles{Changed: now.Add(-26 * time.Hour), Changes: []string{"cart-availability: target 95 % → 99.9 %"}, Refused: "slos.yaml:4:13: target must be between 0 and 100 %, not 999"}
	w.about = web.About{
		Build: "postburn 1.2.3", Started: now.Add(-48 * time.Hour), Loaded: now.Add(-26 * time.Hour), Revision: "4f2a", Answered: now.Add(-10 * time.Second),
		Settings: []web.Setting{{Name: "POSTBURN_INTERVAL", Value: "30s"}}, Failing: map[string]error{"cart-latency": errors.New("Prometheus says 422: parse error")},
		Waiting: map[string]time.Time{"checkout-1": now.Add(-time.Minute)},
	}
	return &scene{world: w}
}

// foundAround is evidence with some of all there may be.
func foundAround(of slo.ID, undone issue.FollowUp) issue.Evidence {
	now, counts := time.Now(), slo.Counts{Total: 1000, Bad: 900}
	return issue.Evidence{
		Chart: &issue.Chart{Of: of, Step: time.Minute, Points: []issue.Point{{Time: now.Add(-47 * time.Minute), Counts: counts}, {Time: now.Add(-46 * time.Minute), Blind: true}}},
		Contributors: []issue.Contributor{{
			Of: of, Where: []issue.Clause{{Label: "pod", Values: []string{"checkout-7"}, Of: 20, Also: []issue.Label{{Name: "instance", Value: "10.0.0.7:80"}}}}, In: counts, All: slo.Counts{Total: 9000, Bad: 910},
		}},
		Traffic:   []issue.Traffic{{Of: of, Window: counts, Length: 47 * time.Minute, Usual: []issue.Usual{{When: issue.HourBefore, Length: time.Hour, Counts: slo.Counts{Total: 1300}}}}},
		Durations: []issue.Durations{{Of: of, Window: []slo.Quantile{{Share: 0.99, Value: 2500 * time.Millisecond, Above: true}}}},
		Timeline:  []issue.Entry{{Time: now.Add(-48 * time.Minute), Text: "Deployment checkout changed", Source: "Prometheus", URL: "https://github.com/acme/checkout/releases"}},
		LeftOut:   []string{"12 restarts of other services are left out."}, Unresolved: []string{"What merged before could not be read."},
		Unfinished: []issue.Unfinished{{Incident: "checkout-0", FollowUp: undone}},
	}
}
