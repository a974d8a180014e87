package main

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
)

// What there is of each service: instances that answer some requests a scrape, a few of them with an
// error. They are scraped one after the other, as Prometheus spreads targets.
const (
	simulatedInstances = 4
	requestsAScrape    = 30
	scrapesAnError     = 7
	startMetric        = "process_start_time_seconds"
)

var simulatedCodes = [...]string{"200", "500"}

// counted returns what all instances of a service have counted at a time, in milliseconds, with one
// code.
func counted(service uint64, code int, at int64) float64 {
	sum := 0.0
	for i := range int64(simulatedInstances) {
		sum += countedBy(service, code, i, at)
	}
	return sum
}

// countedBy returns what an instance showed at its last scrape. A counter never falls: what is
// random in it is less than what it grows by.
func countedBy(service uint64, code int, instance, at int64) float64 {
	const every = int64(scrape / time.Millisecond)
	n := (at - instance*every/simulatedInstances) / every
	if code == 1 {
		return float64((n + int64(mixed(service, uint64(instance))%scrapesAnError)) / scrapesAnError)
	}
	return float64(n*requestsAScrape + int64(mixed(service, uint64(n)<<8|uint64(instance))%requestsAScrape))
}

// mixed returns a number that looks random: https://xoshiro.di.unimi.it/splitmix64.c
func mixed(a, b uint64) uint64 {
	x := a*0x9e3779b97f4a7c15 + b
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// evaluate answers a query: arms that are joined by `or`, each with a tag.
func (s *simulated) evaluate(query string, ticks []int64) ([]simulatedSeries, error) {
	e, err := s.parser.ParseExpr(query)
	if err != nil {
		return nil, err
	}
	return evaluateArms(e, ticks)
}

func evaluateArms(e parser.Expr, ticks []int64) ([]simulatedSeries, error) {
	e = bare(e)
	if or, is := e.(*parser.BinaryExpr); is && or.Op == parser.LOR {
		left, err := evaluateArms(or.LHS, ticks)
		if err != nil {
			return nil, err
		}
		right, err := evaluateArms(or.RHS, ticks)
		return append(left, right...), err
	}
	tagging, is := e.(*parser.Call)
	if !is || tagging.Func.Name != "label_replace" {
		return nil, fmt.Errorf("not a tagged arm: %s", e)
	}
	label, tag := text(tagging.Args[1]), text(tagging.Args[2])
	if text(tagging.Args[3]) != "" || text(tagging.Args[4]) != "" {
		return nil, fmt.Errorf("not a tag: %s", e)
	}
	return evaluateArm(bare(tagging.Args[0]), fmt.Sprintf("%q:%q", label, tag), ticks)
}

// evaluateArm answers one arm: the sums of differences, the number of series, or the processes that
// started, which are none.
func evaluateArm(e parser.Expr, tag string, ticks []int64) ([]simulatedSeries, error) {
	if call, of, err := rangeFunction(e); err == nil && call == "idelta" && of.metric == startMetric {
		return nil, nil
	}
	sum, is := e.(*parser.AggregateExpr)
	if !is || sum.Op != parser.SUM || sum.Without {
		return nil, fmt.Errorf("not a sum: %s", e)
	}
	plus, is := bare(sum.Expr).(*parser.BinaryExpr)
	if !is || plus.Op != parser.ADD {
		return nil, fmt.Errorf("nothing that is added for each series: %s", e)
	}
	unit, is := plus.RHS.(*parser.NumberLiteral)
	if !is {
		return nil, fmt.Errorf("no number that is added for each series: %s", e)
	}
	call, of, err := rangeFunction(plus.LHS)
	switch {
	case err != nil:
		return nil, err
	case of.metric != metric || len(of.services) > 1 && !slices.Contains(sum.Grouping, "service"):
		return nil, fmt.Errorf("sums of several services, or of another metric: %s", e)
	case call == "idelta" && slices.Contains(sum.Grouping, "code"):
		return differences(of, sum.Grouping, unit.Val, tag, ticks), nil
	case call == "resets" && !slices.Contains(sum.Grouping, "code"):
		return numbers(of, sum.Grouping, unit.Val, tag, ticks), nil
	}
	return nil, fmt.Errorf("by other labels: %s", e)
}

// differences returns what each code of each service counted in the last step that ends at a tick.
func differences(of simulatedRange, by []string, unit float64, tag string, ticks []int64) (all []simulatedSeries) {
	for _, service := range of.services {
		for code, name := range simulatedCodes {
			s := simulatedSeries{tag + written(by, service, name), make([]float64, len(ticks))}
			for i, at := range ticks {
				end := at - at%of.step
				s.values[i] = counted(numberOf(service), code, end) - counted(numberOf(service), code, end-of.step) + simulatedInstances*unit
			}
			all = append(all, s)
		}
	}
	return all
}

// numbers returns how many series each service has: none ever falls.
func numbers(of simulatedRange, by []string, unit float64, tag string, ticks []int64) (all []simulatedSeries) {
	for _, service := range of.services {
		s := simulatedSeries{tag + written(by, service, ""), make([]float64, len(ticks))}
		for i := range ticks {
			s.values[i] = float64(simulatedInstances*len(simulatedCodes)) * unit
		}
		all = append(all, s)
	}
	return all
}

// written writes the labels that a sum keeps. A job is named like its service.
func written(by []string, service, code string) string {
	var b strings.Builder
	for _, name := range slices.Sorted(slices.Values(by)) {
		value := service
		if name == "code" {
			value = code
		}
		fmt.Fprintf(&b, ",%q:%q", name, value)
	}
	return b.String()
}

// simulatedRange is what a function over a range is of.
type simulatedRange struct {
	metric   string
	services []string
	step     int64 // ms, of a subquery
}

// rangeFunction takes a call like idelta(x[30s1ms:30s]) or resets(x[1m16s]) apart. Conditions that
// all values meet are left out.
func rangeFunction(e parser.Expr) (name string, of simulatedRange, err error) {
	call, is := bare(e).(*parser.Call)
	if !is || len(call.Args) != 1 {
		return "", of, fmt.Errorf("not a function over a range: %s", e)
	}
	var selector *parser.VectorSelector
	switch arg := call.Args[0].(type) {
	case *parser.SubqueryExpr:
		selector, _ = bare(arg.Expr).(*parser.VectorSelector)
		of.step = arg.Step.Milliseconds()
		if arg.Range <= arg.Step || arg.Range >= 2*arg.Step || arg.OriginalOffset != 0 || arg.Timestamp != nil {
			selector = nil
		}
	case *parser.MatrixSelector:
		selector, _ = arg.VectorSelector.(*parser.VectorSelector)
	}
	if selector == nil || selector.OriginalOffset != 0 || selector.Timestamp != nil {
		return "", of, fmt.Errorf("not two ticks, or a range: %s", e)
	}
	of.metric = selector.Name
	for _, m := range selector.LabelMatchers {
		switch {
		case m.Name == model.MetricNameLabel:
		case m.Name != "service" && m.Name != "job":
			return "", of, fmt.Errorf("a label that nothing has: %s", m)
		case m.Type == labels.MatchEqual:
			of.services = []string{m.Value}
		case m.Type == labels.MatchRegexp && len(m.SetMatches()) > 0:
			of.services = m.SetMatches()
		default:
			return "", of, fmt.Errorf("services that are not named: %s", m)
		}
	}
	return call.Func.Name, of, nil
}

// bare takes parentheses and conditions away that all counters meet: `>= 0`, `< Inf`, and for
// processes that start `> 2`.
func bare(e parser.Expr) parser.Expr {
	for {
		switch inner := e.(type) {
		case *parser.ParenExpr:
			e = inner.Expr
			continue
		case *parser.BinaryExpr:
			limit, is := inner.RHS.(*parser.NumberLiteral)
			atLeast := inner.Op == parser.GTE && is && limit.Val == 0
			below := inner.Op == parser.LSS && is && math.IsInf(limit.Val, 1)
			if atLeast || below || inner.Op == parser.GTR && is && limit.Val == 2 && strings.Contains(inner.LHS.String(), startMetric) {
				e = inner.LHS
				continue
			}
		}
		return e
	}
}

func text(e parser.Expr) string {
	if s, is := e.(*parser.StringLiteral); is {
		return s.Val
	}
	return ""
}

// numberOf is the number in a service's name.
func numberOf(service string) uint64 {
	n, err := strconv.ParseUint(strings.TrimPrefix(service, "s"), 10, 64)
	if err != nil {
		return 0
	}
	return n
}
