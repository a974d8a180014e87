package alert_test

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/slo"
)

func TestChanges(t *testing.T) {
	before := alert.Definition{
		Objective: slo.Objective{Name: "a", Target: slo.MustDecimal("95%"), Window: slo.Window{Rolling: 30 * 24 * time.Hour}},
		Policy: alert.Policy{
			Rules: alert.DefaultRules(30 * 24 * time.Hour), Budget: true, MinBadEvents: 10, MergeGap: 30 * time.Minute, Group: "checkout",
			Severities: []alert.Severity{{Level: 1, Outage: 5 * time.Minute}},
		},
	}
	for name, tc := range map[string]struct {
		change func(*alert.Definition)
		want   []string
		judges bool // as before
	}{
		"nothing":       {func(*alert.Definition) {}, nil, true},
		"a description": {func(d *alert.Definition) { d.Objective.Description = "other" }, nil, true},
		"target":        {func(d *alert.Definition) { d.Objective.Target = slo.MustDecimal("99.9%") }, []string{"target 95 % → 99.9 %"}, false},
		"window": {func(d *alert.Definition) {
			d.Objective.Window = slo.Window{Calendar: "month", Timezone: "Europe/Berlin"}
		},
			[]string{"window 30d → calendar month (Europe/Berlin)"}, false},
		"rules": {func(d *alert.Definition) {
			d.Policy.Rules = append([]alert.Rule{{Rate: slo.MustDecimal("10"), Long: 90 * time.Minute, Short: 90 * time.Second}}, d.Policy.Rules[1:]...)
		}, []string{"without the rule 14.4 over 1h and 5m", "with the rule 10 over 1h30m and 1m30s"}, false},
		"budget and min_bad_events": {func(d *alert.Definition) { d.Policy.Budget, d.Policy.MinBadEvents = false, 2.5 },
			[]string{"budget true → false", "min_bad_events 10 → 2.5"}, false},
		"what finds the same": {func(d *alert.Definition) {
			d.Policy.Hold, d.Policy.MergeGap, d.Policy.Group, d.Policy.Repository = time.Minute, time.Hour, "a", "acme/checkout"
			d.Objective.Delay = 2 * time.Minute
			d.Policy.Severities = []alert.Severity{{Level: 2, Outage: time.Minute, BudgetSpent: slo.MustDecimal("10%")}}
			d.Policy.Blind = alert.BlindPolicy{After: 15 * time.Minute, Issue: true}
			d.Policy.Quiet = alert.QuietPolicy{Below: slo.MustDecimal("20%"), After: 15 * time.Minute, Issue: true}
		}, []string{
			"delay default → 2m", "hold default → 1m", "merge_gap 30m → 1h", "group checkout → a", "repository default → acme/checkout",
			"severity 1 from an outage of 5m → 2 from an outage of 1m or 10 % of the budget", "blind no issue → an issue after 15m",
			"quiet below 10 % for 15m → below 20 % for 15m, an issue",
		}, true},
		"never quiet": {func(d *alert.Definition) { d.Policy.Quiet.After = time.Minute }, []string{"quiet below 10 % for 15m → never"}, true},
		"planned work": {func(d *alert.Definition) { d.Objective.Exclude = "x == 1" },
			[]string{"other events are counted: its history begins anew", "exclude none → x == 1"}, true},
		"another source": {func(d *alert.Definition) { d.Objective.Source = "payments" },
			[]string{"other events are counted: its history begins anew", "source default → payments"}, true},
		"what is counted": {func(d *alert.Definition) {
			d.Objective.Indicator.Latency = &slo.Latency{Histogram: "d_seconds", Threshold: 1500 * time.Microsecond}
			d.Objective.GroupBy = []string{"region", "zone"}
			d.Objective.Exclude = strings.Repeat("x +\n ", 100) + "x"
		}, []string{
			"other events are counted: its history begins anew", "indicator.latency.histogram none → d_seconds",
			"indicator.latency.threshold none → 1.5ms", "group_by none → region, zone", "exclude none → " + strings.Repeat("x + ", 40) + "...",
		}, true},
	} {
		t.Run(name, func(t *testing.T) {
			after := before
			tc.change(&after)
			if diff := cmp.Diff(tc.want, alert.Changes(before, after)); diff != "" {
				t.Errorf("changes (-want +got):\n%s", diff)
			}
			if got := before.JudgesAs(after); got != tc.judges {
				t.Errorf("finds the same breaches: %v, want %v", got, tc.judges)
			}
		})
	}
}

// TestChangesTellOfEverything changes each part of a policy, so that none is forgotten.
func TestChangesTellOfEverything(t *testing.T) {
	for i := range reflect.TypeFor[alert.Policy]().NumField() {
		var before, after alert.Definition
		field := reflect.ValueOf(&after.Policy).Elem().Field(i)
		switch field.Kind() {
		case reflect.Bool:
			field.SetBool(true)
		case reflect.String:
			field.SetString("other")
		case reflect.Int64:
			field.SetInt(int64(time.Hour))
		case reflect.Float64:
			field.SetFloat(7)
		case reflect.Slice:
			field.Set(reflect.MakeSlice(field.Type(), 1, 1))
		case reflect.Struct:
			field.FieldByName("After").SetInt(int64(time.Hour))
			field.FieldByName("Issue").SetBool(true)
		}
		if before.Digest() == after.Digest() || len(alert.Changes(before, after)) == 0 {
			t.Errorf("nothing tells that %s changes", reflect.TypeFor[alert.Policy]().Field(i).Name)
		}
	}
}

// TestChangesTellOfEveryIndicator changes each part of what is counted, so that none is forgotten.
func TestChangesTellOfEveryIndicator(t *testing.T) {
	whole := slo.Objective{
		Indicator: slo.Indicator{Ratio: &slo.Ratio{}, Latency: &slo.Latency{}, Bool: "", Sampled: &slo.Sampled{}},
	}
	text := func(i slo.Indicator) []reflect.Value {
		return []reflect.Value{reflect.ValueOf(i.Ratio).Elem(), reflect.ValueOf(i.Latency).Elem(), reflect.ValueOf(i.Sampled).Elem()}
	}
	for n, part := range text(whole.Indicator) {
		for i := range part.NumField() {
			after := whole
			after.Indicator = slo.Indicator{Ratio: &slo.Ratio{}, Latency: &slo.Latency{}, Sampled: &slo.Sampled{}}
			field := text(after.Indicator)[n].Field(i)
			if field.Kind() == reflect.String {
				field.SetString("x")
			} else {
				field.SetInt(int64(time.Second))
			}
			if got := alert.Changes(alert.Definition{Objective: whole}, alert.Definition{Objective: after}); len(got) != 2 {
				t.Errorf("%s.%s changes, and it is told: %q", part.Type(), part.Type().Field(i).Name, got)
			}
		}
	}
}
