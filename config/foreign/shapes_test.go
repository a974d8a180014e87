package foreign_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v4"

	"github.com/postburn/postburn/config"
	"github.com/postburn/postburn/config/foreign"
	"github.com/postburn/postburn/slo"
)

// queries is a format that has nothing but queries.
func queries(o foreign.Options) config.Format {
	return config.Format{
		Name: "Queries", Has: func(h config.Header) bool { return h.Kind == "queries" },
		Translate: func(objects []config.Node) (all [][]*config.SLO) {
			for _, n := range objects {
				m := n.Mapping()
				s := config.NewSLO(n)
				s.Set("name", "a", n)
				s.Set("service", "a", n)
				s.Set("target", "50%", n)
				s.Set("incident.burn", []config.Rule{}, n)
				part, total := m.Get("bad"), m.Get("total")
				var i *foreign.Indicator
				switch {
				case m.Get("ratio").Exists():
					part, total = m.Get("ratio"), m.Get("ratio")
					i = foreign.FromRatio(foreign.Parse(part, o), m.Get("success").Truth())
				case m.Get("good").Exists():
					part = m.Get("good")
					i = foreign.FromEvents(nil, foreign.Parse(part, o), foreign.Parse(total, o))
				default:
					i = foreign.FromEvents(foreign.Parse(part, o), nil, foreign.Parse(total, o))
				}
				if i == nil {
					all = append(all, nil)
					continue
				}
				i.Write(s, part, total)
				all = append(all, []*config.SLO{s})
			}
			return all
		},
	}
}

// document is a file of that format.
type document struct {
	Kind    string `yaml:"kind"`
	Bad     string `yaml:"bad,omitempty"`
	Good    string `yaml:"good,omitempty"`
	Total   string `yaml:"total,omitempty"`
	Ratio   string `yaml:"ratio,omitempty"`
	Success bool   `yaml:"success,omitempty"`
}

// load reads a document, and returns its objective and the texts of all problems.
func load(t *testing.T, d document, o foreign.Options) (slo.Objective, string) {
	t.Helper()
	d.Kind = "queries"
	text, err := yaml.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "a.yaml")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	definitions, problems := config.Load([]string{file}, queries(o))
	var texts []string
	for _, p := range problems {
		texts = append(texts, p.Text)
	}
	if len(definitions) == 0 {
		return slo.Objective{}, strings.Join(texts, "\n")
	}
	return definitions[0].Objective, strings.Join(texts, "\n")
}

func TestRatioShapes(t *testing.T) {
	const total = "sum(rate(t_total[{{.window}}]))"
	counters := func(bad, good, total string) slo.Indicator {
		return slo.Indicator{Ratio: &slo.Ratio{Bad: bad, Good: good, Total: total}}
	}
	tests := []struct {
		name     string
		document document
		want     slo.Indicator
		problem  string // a part of the warning or the error; empty: there is none
	}{
		{"rates", document{Bad: `sum(rate(b_total[{{.window}}]))`, Total: total}, counters("b_total", "", "t_total"), ""},
		{"increases, without sum", document{Bad: `increase(b_total[{{ .window }}])`, Total: `irate(t_total[{{- .window -}}])`}, counters("b_total", "", "t_total"), ""},
		{"no series is zero", document{Bad: `((sum(rate(b_total[{{.window}}]))) OR on() vector(0))`, Total: total + " > 0"}, counters("b_total", "", "t_total"), ""},
		{"zero for each group", document{Bad: `sum(rate(b_total[{{.window}}])) or 0 * sum(rate(t_total[{{.window}}]))`, Total: total}, counters("b_total", "", "t_total"), ""},
		{"clamp_min", document{Bad: `clamp_min(sum(rate(b_total[{{.window}}])), 0)`, Total: total}, counters("b_total", "", "t_total"), ""},
		{"the difference is the good", document{Bad: total + " - sum(rate(g_total[{{.window}}]))", Total: total}, counters("", "g_total", "t_total"), ""},
		{"the difference is the bad", document{Good: total + " - sum(rate(b_total[{{.window}}]))", Total: total}, counters("b_total", "", "t_total"), ""},
		{"another difference", document{Bad: `sum(rate(x_total[{{.window}}])) - sum(rate(g_total[{{.window}}]))`, Total: total}, counters("x_total - g_total", "", "t_total"), ""},
		{"a minus first", document{Bad: `-sum(rate(g_total[{{.window}}])) + sum(rate(x_total[{{.window}}]))`, Total: total}, counters("x_total - g_total", "", "t_total"), ""},
		{"a minus alone", document{Bad: `-sum(rate(g_total[{{.window}}]))`, Total: total}, slo.Indicator{Sampled: &slo.Sampled{Bad: "-sum(rate(g_total[5m]))", Total: "sum(rate(t_total[5m]))"}}, "a counter that is not subtracted"},
		{"other metrics", document{Bad: `sum(rate(a_total[{{.window}}])) + sum(rate(b_total[{{.window}}]))`, Total: total}, counters("a_total or b_total", "", "t_total"), ""},
		{"other values", document{Bad: `sum(rate(a_total{x="1"}[{{.window}}])) + sum(rate(a_total{x=~"[23]"}[{{.window}}]))`, Total: total},
			counters(`a_total{x="1"} or a_total{x=~"[23]"}`, "", "t_total"), ""},
		{"what overlaps counts twice", document{Bad: `sum(rate(a_total{x="1"}[{{.window}}])) + sum(rate(a_total{x=~"1|2"}[{{.window}}]))`, Total: total},
			counters(`a_total{x="1"} + a_total{x=~"1|2"}`, "", "t_total"), ""},
		{"or inside of a sum", document{Bad: `sum(rate(a_total{x="1"}[{{.window}}]) or rate(a_total{x="2"}[{{.window}}]))`, Total: total}, counters(`a_total{x="1"} or a_total{x="2"}`, "", "t_total"), ""},
		{"partners by some labels", document{Bad: `sum(rate(a_total[{{.window}}]) + ignoring(x) rate(b_total[{{.window}}]))`, Total: total}, counters("a_total or b_total", "", "t_total"), "+ leaves out series that have no partner on the other side"},
		{"partners by all labels", document{Bad: `sum(rate(a_total[{{.window}}]) - rate(b_total[{{.window}}]))`, Total: total}, counters("a_total - b_total", "", "t_total"), "- leaves out series that have no partner on the other side"},
		{"or of sums is a choice", document{Bad: `sum(rate(a_total[{{.window}}])) or sum(rate(b_total[{{.window}}]))`, Total: total},
			slo.Indicator{Sampled: &slo.Sampled{Bad: "sum(rate(a_total[5m])) or sum(rate(b_total[5m]))", Total: "sum(rate(t_total[5m]))"}}, "a choice, not a sum"},
		{"a factor", document{Bad: `2 * sum(rate(b_total[{{.window}}]))`, Total: total}, slo.Indicator{Sampled: &slo.Sampled{Bad: "2 * sum(rate(b_total[5m]))", Total: "sum(rate(t_total[5m]))"}}, "over 5m"},
		{"a gauge by its name", document{Bad: `sum(rate(b_bytes[{{.window}}]))`, Total: total}, slo.Indicator{Sampled: &slo.Sampled{Bad: "sum(rate(b_bytes[5m]))", Total: "sum(rate(t_total[5m]))"}}, "is a gauge by its name"},
		{"an offset", document{Bad: `sum(rate(b_total[{{.window}}] offset 5m))`, Total: total}, slo.Indicator{Sampled: &slo.Sampled{Bad: "sum(rate(b_total[5m] offset 5m))", Total: "sum(rate(t_total[5m]))"}}, "offset"},
		{"a delta", document{Bad: `sum(delta(b[{{.window}}]))`, Total: total}, slo.Indicator{Sampled: &slo.Sampled{Bad: "sum(delta(b[5m]))", Total: "sum(rate(t_total[5m]))"}}, "delta()"},
		{"a mean", document{Bad: `sum(avg_over_time(b[{{.window}}]))`, Total: total}, slo.Indicator{}, "avg_over_time()"},
		{"a constant", document{Bad: `vector(1)`, Total: total}, slo.Indicator{}, "a constant measures nothing"},
		{"other groups", document{Bad: `sum by (a) (rate(b_total[{{.window}}]))`, Total: "sum by (b) (rate(t_total[{{.window}}]))"},
			slo.Indicator{}, "other labels: [a] and [b]"},
		{"a latency", document{Good: `sum(rate(h_seconds_bucket{le="0.30",x="y"}[{{.window}}]))`, Total: `sum(rate(h_seconds_count{x="y"}[{{.window}}]))`},
			slo.Indicator{Latency: &slo.Latency{Histogram: `h_seconds{x="y"}`, Threshold: 300e6}}, ""},
		{"a latency by its last bucket", document{Ratio: `1 - sum by (le) (rate(h_seconds_bucket{le="1"}[{{.window}}])) / ignoring(le) sum by (le) (rate(h_seconds_bucket{le="+Inf"}[{{.window}}]))`},
			slo.Indicator{Latency: &slo.Latency{Histogram: `h_seconds`, Threshold: 1e9}}, ""},
		{"what is below a millisecond", document{Good: `sum(rate(h_seconds_bucket{le="0.0002"}[{{.window}}]))`, Total: `sum(rate(h_seconds_count[{{.window}}]))`},
			counters("", `h_seconds_bucket{le="0.0002"}`, "h_seconds_count"), ""},
		{"another histogram's count", document{Good: `sum(rate(h_seconds_bucket{le="1"}[{{.window}}]))`, Total: `sum(rate(i_seconds_count[{{.window}}]))`},
			counters("", `h_seconds_bucket{le="1"}`, "i_seconds_count"), ""},
		{"several buckets", document{Good: `sum(rate(h_seconds_bucket{le=~"1|2"}[{{.window}}]))`, Total: `sum(rate(h_seconds_count[{{.window}}]))`},
			counters("", `h_seconds_bucket{le=~"1|2"}`, "h_seconds_count"), ""},
		{"a share of good", document{Success: true, Ratio: `clamp(sum(rate(g_total[{{.window}}])) / sum(rate(t_total[{{.window}}])), 0, 1) or on() vector(1)`}, counters("", "g_total", "t_total"), ""},
		{"one minus one minus", document{Ratio: `1 - (1 - sum(rate(b_total[{{.window}}])) / sum(rate(t_total[{{.window}}])))`}, counters("b_total", "", "t_total"), ""},
		{"a difference of all", document{Ratio: `(sum(rate(t_total[{{.window}}])) - sum(rate(g_total[{{.window}}]))) / sum(rate(t_total[{{.window}}]))`}, counters("", "g_total", "t_total"), ""},
		{"a condition", document{Success: true, Ratio: `avg_over_time((max(q) < bool 5)[{{.window}}:30s])`}, slo.Indicator{Bool: "max(q) < bool 5"}, "not once in 30s"},
		{"the opposite condition", document{Ratio: `avg_over_time((max(q) == bool 5)[{{.window}}:30s])`}, slo.Indicator{Bool: "max(q) != bool 5"}, "once a tick"},
		{"a native histogram", document{Success: true, Ratio: `histogram_fraction(0, 2, sum(rate(h_milliseconds[{{.window}}])))`},
			slo.Indicator{Latency: &slo.Latency{Histogram: `h_milliseconds`, Threshold: 2e6, Unit: 1e6}}, ""},
		{"a gauge", document{Ratio: `avg(broken)`}, slo.Indicator{Sampled: &slo.Sampled{ErrorRatio: "avg(broken)"}}, "it is measured once a tick, not counted"},
		{"a good gauge", document{Success: true, Ratio: `avg(fine) or avg(well)`}, slo.Indicator{Sampled: &slo.Sampled{ErrorRatio: "1 - (avg(fine) or avg(well))"}}, "once a tick"},
		{"a fixed range", document{Bad: `sum(rate(b_total[10m]))`, Total: total}, counters("b_total", "", "t_total"), "the range of 10m is fixed"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, problem := load(t, test.document, foreign.Options{Template: true})
			if d := cmp.Diff(test.want, got.Indicator); d != "" {
				t.Errorf("-want +got:\n%s\n%s", d, problem)
			}
			if !strings.Contains(problem, test.problem) || test.problem == "" && problem != "" {
				t.Errorf("problems %q, want %q", problem, test.problem)
			}
		})
	}
}

// TestHostileQuery has as many counters as fit into a query, each with a value and a range
// that is not the template's. Few of these are told, and counters that are too many to compare are
// added.
func TestHostileQuery(t *testing.T) {
	terms := make([]string, 300)
	for i := range terms {
		terms[i] = fmt.Sprintf(`sum(rate(a{x="%03d"}[5m]))`, i)
	}
	for count, operator := range map[int]string{20: " or ", len(terms): " + "} {
		got, problem := load(t, document{Bad: strings.Join(terms[:count], "+"), Total: "sum(rate(t_total[{{.window}}]))"}, foreign.Options{Template: true})
		if n := strings.Count(problem, "the range of 5m is fixed"); n != 8 {
			t.Errorf("%d warnings:\n%.500s", n, problem)
		}
		if r := got.Indicator.Ratio; r == nil || strings.Count(r.Bad, operator) != count-1 {
			t.Errorf("%d terms: got %.200v, want them joined by %q", count, r, operator)
		}
	}
}
