package promcheck_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/postburn/postburn/slo"
	"github.com/postburn/postburn/slo/promcheck"
)

// large is a server with a metric of very many series, of which a question returns no more than it
// asks for. cmd/postburn has the table of what is found.
type large struct {
	series []labels.Labels
	err    error
	asked  atomic.Int64
}

func newLarge(t *testing.T) *large {
	t.Helper()
	s := &large{}
	for n := range 9000 {
		s.series = append(s.series, labels.FromStrings("__name__", "requests_total", "job", "shop", "instance", fmt.Sprint(n), "code", "200"))
	}
	s.series = append(s.series, labels.FromStrings("__name__", "requests_total", "job", "shop", "instance", "last", "code", "500", "zone", "b"))
	return s
}

func (s *large) Series(_ context.Context, selector string, _, _ time.Time, most int) (found []map[string]string, whole bool, err error) {
	s.asked.Add(1)
	if s.err != nil {
		return nil, false, s.err
	}
	matchers, err := parser.NewParser(parser.Options{}).ParseMetricSelector(selector)
	if err != nil {
		return nil, false, err
	}
next:
	for _, set := range s.series {
		for _, m := range matchers {
			if !m.Matches(set.Get(m.Name)) {
				continue next
			}
		}
		if len(found) == most {
			return found, false, nil
		}
		found = append(found, set.Map())
	}
	return found, true, nil
}

func (s *large) Metadata(context.Context) (map[string][]string, error) {
	return nil, errors.New("not known here")
}

func ratio(bad, total string, groupBy ...string) promcheck.Subject {
	return promcheck.Subject{Objective: slo.Objective{
		Name: "a", Target: slo.MustDecimal("0.999"), Indicator: slo.Indicator{Ratio: &slo.Ratio{Bad: bad, Total: total}}, GroupBy: groupBy,
	}}
}

// TestManySeries: what is on series that were not read is not missed, and what is on none is.
func TestManySeries(t *testing.T) {
	server := newLarge(t)
	for _, tc := range []struct {
		name    string
		subject promcheck.Subject
		want    []promcheck.Finding
	}{
		{"a code that few have", ratio(`requests_total{code="500"}`, `requests_total`), nil},
		{"a label that few have", ratio(`requests_total{zone="b",code="500"}`, `requests_total{zone="b"}`, "zone"), nil},
		{"a label that none has", ratio(`requests_total{status="500"}`, `requests_total`), []promcheck.Finding{
			{Key: "indicator.ratio.bad", Text: "`status` is on no series of requests_total; `code` is"},
		}},
		{"a group that none has", ratio(`requests_total{code="500"}`, `requests_total`, "region"), []promcheck.Finding{
			{Key: "group_by", Text: "`region` is on no series of requests_total, which has code, instance and job"},
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			findings, err := promcheck.New(t.Context(), server, time.Unix(0, 0)).Check(t.Context(), []promcheck.Subject{tc.subject})
			if diff := cmp.Diff([][]promcheck.Finding{tc.want}, findings); diff != "" || err != nil {
				t.Errorf("error %v, findings (-want +got):\n%s", err, diff)
			}
		})
	}
}

// TestQuestions bounds what is asked: one question for a metric, whoever names it, and few for each
// objective.
func TestQuestions(t *testing.T) {
	server := newLarge(t)
	many := make([]string, 100)
	for n := range many {
		many[n] = fmt.Sprintf(`requests_total{code=~"5..",label%d="x"}`, n)
	}
	subjects := []promcheck.Subject{ratio(strings.Join(many, " or "), `requests_total`)}
	for range 50 {
		subjects = append(subjects, ratio(`requests_total{code="200",instance="1"}`, `requests_total{instance="1"}`))
	}
	if _, err := promcheck.New(t.Context(), server, time.Unix(0, 0)).Check(t.Context(), subjects); err != nil {
		t.Error(err)
	}
	if asked := server.asked.Load(); asked > 1+20 {
		t.Errorf("%d questions about one metric", asked)
	}
}

func TestServerFails(t *testing.T) {
	server := &large{err: slo.ErrUnreachable}
	findings, err := promcheck.New(t.Context(), server, time.Unix(0, 0)).Check(t.Context(), []promcheck.Subject{ratio(`a_total`, `b_total`, "c")})
	if !errors.Is(err, slo.ErrUnreachable) || len(findings[0]) > 0 {
		t.Errorf("error %v, findings %v: what could not be looked at is not said to be wrong", err, findings)
	}
}

// TestTextsOfTheServer: what labels are called elsewhere reaches a terminal as text.
func TestTextsOfTheServer(t *testing.T) {
	server := &large{series: []labels.Labels{
		labels.FromStrings("__name__", "a_total", "job", "x", "\x1b[31mred", "1", strings.Repeat("long", 50), "2"),
		labels.FromStrings("__name__", "b_total", "job", "\u202etxt", "kind", "1"),
	}}
	findings, err := promcheck.New(t.Context(), server, time.Unix(0, 0)).Check(t.Context(), []promcheck.Subject{
		ratio(`a_total{tenant="1"}`, `a_total`), ratio(`b_total`, `b_total{job="shop"}`),
	})
	want := [][]promcheck.Finding{
		{{Key: "indicator.ratio.bad", Text: `` + "`tenant`" + ` is on no series of a_total, which has "\x1b[31mred", job and ` + strings.Repeat("long", 15) + `...`}},
		{{Key: "indicator.ratio.total", Text: `job="shop" fits no series of b_total: its values are "\u202etxt"`}},
	}
	if diff := cmp.Diff(want, findings); diff != "" || err != nil {
		t.Errorf("error %v, findings (-want +got):\n%s", err, diff)
	}
}
