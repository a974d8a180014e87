package promql

import (
	"fmt"
	"iter"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
)

// ratioDoubts compares good or bad events with the total.
func ratioDoubts(events, total part) (doubts []Problem) {
	field, part, all := events.field, events.terms, total.terms
	add := func(field string, at int, format string, args ...any) {
		doubts = append(doubts, Problem{field, at, fmt.Sprintf(format, args...)})
	}
	quick, slow := bucketsOf(part)
	same := !hasOwnMatcher(part, all) && canonical(part) == canonical(all)
	switch {
	case same && field == "bad":
		add(field, 0, "this is the total, so every event is bad: select the bad ones alone")
	case same:
		add(field, 0, "this is the total, so no event is ever bad: select the good ones alone")
	case quick != nil && field == "bad":
		add(field, int(quick.PosRange.Start), "%s has the events of up to %s, which are the quick ones: give it as good", Name(quick), boundaryOf(quick))
	case slow != nil && field == "good":
		add(field, int(slow.PosRange.Start), "without the events of up to %s these are the slow ones: give them as bad", boundaryOf(slow))
	}
	for _, f := range []struct {
		name  string
		terms []Term
	}{{field, part}, {"total", all}} {
		for s := range selectorsIn(f.terms) {
			if strings.HasSuffix(Name(s), "_bucket") && !slices.ContainsFunc(s.LabelMatchers, func(m *labels.Matcher) bool { return m.Name == model.BucketLabel }) {
				add(f.name, int(s.PosRange.Start), "without le, %s counts an event once for each boundary that it is below: name one boundary, or give %s",
					Name(s), strings.TrimSuffix(Name(s), "_bucket")+"_count")
			}
		}
	}
	for _, s := range added(part) {
		if label, other := otherService(s, added(all)); other != nil {
			add(field, int(s.PosRange.Start), "%s is not the %s of the total, which has %s: its events are not among the total's", matcherOf(s, label), label, matcherOf(other, label))
		}
	}
	for _, s := range sumsAmong(part, all) {
		add(field, int(s.PosRange.Start), "%s adds up what the events measure, and the total counts events: give %s", Name(s), strings.TrimSuffix(Name(s), "_sum")+"_count")
	}
	for _, s := range sumsAmong(all, part) {
		add("total", int(s.PosRange.Start), "%s adds up what the events measure, and %s counts events: give %s", Name(s), field, strings.TrimSuffix(Name(s), "_sum")+"_count")
	}
	return doubts
}

// selectorsIn goes through the selectors of all terms, subtracted ones too.
func selectorsIn(terms []Term) iter.Seq[*parser.VectorSelector] {
	return func(yield func(*parser.VectorSelector) bool) {
		for _, t := range terms {
			for _, s := range t.Selectors {
				if !yield(s) {
					return
				}
			}
		}
	}
}

// hasOwnMatcher reports whether terms have a matcher that is not among others', as most bad events
// do. Then canonical writes both differently.
func hasOwnMatcher(terms, others []Term) bool {
	for s := range selectorsIn(terms) {
		for _, m := range s.LabelMatchers {
			if m.Name != model.MetricNameLabel && m.Name != model.BucketLabel && !hasMatcher(others, m) {
				return true
			}
		}
	}
	return false
}

func hasMatcher(terms []Term, wanted *labels.Matcher) bool {
	for s := range selectorsIn(terms) {
		if slices.ContainsFunc(s.LabelMatchers, func(m *labels.Matcher) bool {
			return m.Name == wanted.Name && m.Type == wanted.Type && m.Value == wanted.Value
		}) {
			return true
		}
	}
	return false
}

// canonical writes terms so that those which select the same events are equal: whatever the order
// of their matchers and selectors. A histogram's last bucket is its count.
func canonical(terms []Term) string {
	texts := make([]string, len(terms))
	for i, t := range terms {
		parts := make([]string, len(t.Selectors))
		for n, s := range t.Selectors {
			if le, is := equalTo(s, model.BucketLabel); is && isInfinite(le) && strings.HasSuffix(Name(s), "_bucket") {
				s = Renamed(s, strings.TrimSuffix(Name(s), "_bucket")+"_count")
				s.LabelMatchers = slices.DeleteFunc(s.LabelMatchers, func(m *labels.Matcher) bool { return m.Name == model.BucketLabel })
			}
			matchers := make([]string, len(s.LabelMatchers))
			for j, m := range s.LabelMatchers {
				matchers[j] = m.String()
			}
			slices.Sort(matchers)
			parts[n] = strings.Join(slices.Compact(matchers), ",")
		}
		slices.Sort(parts)
		texts[i] = fmt.Sprintf("%t:%s", t.Minus, strings.Join(slices.Compact(parts), " or "))
	}
	slices.Sort(texts)
	return strings.Join(texts, " + ")
}

// bucketsOf returns a selector of a bucket with a finite boundary: as quick if all events are those
// of such buckets, and as slow if the bucket is subtracted from its histogram's count.
func bucketsOf(terms []Term) (quick, slow *parser.VectorSelector) {
	counted, all := map[string]bool{}, true
	for _, t := range terms {
		for _, s := range t.Selectors {
			counted[metricOf(s)] = counted[metricOf(s)] || !t.Minus && !isBucket(s)
			all = all && !t.Minus && isBucket(s)
			if t.Minus && isBucket(s) && counted[metricOf(s)] {
				slow = s
			}
		}
	}
	if all {
		quick = terms[0].Selectors[0]
	}
	return quick, slow
}

// isBucket reports whether a selector takes a histogram's events up to one finite boundary.
func isBucket(s *parser.VectorSelector) bool {
	le, is := equalTo(s, model.BucketLabel)
	return is && !isInfinite(le) && strings.HasSuffix(Name(s), "_bucket")
}

func boundaryOf(s *parser.VectorSelector) string {
	le, _ := equalTo(s, model.BucketLabel)
	return le
}

func isInfinite(le string) bool {
	v, err := strconv.ParseFloat(le, 64)
	return err == nil && math.IsInf(v, 1)
}

// equalTo returns the value that a selector demands of a label by equality.
func equalTo(s *parser.VectorSelector, label string) (value string, ok bool) {
	m := matcherOf(s, label)
	if m == nil {
		return "", false
	}
	return m.Value, true
}

// matcherOf returns the equality of a label; nil if there is none.
func matcherOf(s *parser.VectorSelector, label string) *labels.Matcher {
	i := slices.IndexFunc(s.LabelMatchers, func(m *labels.Matcher) bool { return m.Name == label && m.Type == labels.MatchEqual })
	if i < 0 {
		return nil
	}
	return s.LabelMatchers[i]
}

// identityLabels say whose series they are: good and bad events have those of the
// total.
var identityLabels = [...]string{model.JobLabel, "service", "service_name", "service.name", "app", "application", "namespace", "deployment"}

// IdentityLabels returns the labels that say whose series they are, such as job and service.
func IdentityLabels() []string { return slices.Clone(identityLabels[:]) }

// otherService returns a label by which a selector's series are of another service than all of the
// total's of the same metric, and one of these; nil if there is none.
func otherService(s *parser.VectorSelector, total []*parser.VectorSelector) (label string, other *parser.VectorSelector) {
	for _, label := range identityLabels {
		own, is := equalTo(s, label)
		var found *parser.VectorSelector
		for _, t := range total {
			if metricOf(t) != metricOf(s) {
				continue
			}
			value, fixed := equalTo(t, label)
			if !is || !fixed || value == own {
				found = nil
				break
			}
			found = t
		}
		if found != nil {
			return label, found
		}
	}
	return "", nil
}

// metricOf returns a selector's metric; all parts of a histogram are one.
func metricOf(s *parser.VectorSelector) string {
	name := Name(s)
	for _, part := range []string{"_bucket", "_count", "_sum"} {
		name = strings.TrimSuffix(name, part)
	}
	return name
}

// sumsAmong returns selectors of a histogram's or summary's sum, if none of the others is one and
// they count events.
func sumsAmong(terms, others []Term) (sums []*parser.VectorSelector) {
	for s := range selectorsIn(others) {
		counts := slices.ContainsFunc([]string{"_count", "_bucket", "_total"}, func(end string) bool { return strings.HasSuffix(Name(s), end) })
		if !counts {
			return nil
		}
	}
	for s := range selectorsIn(terms) {
		if strings.HasSuffix(Name(s), "_sum") {
			sums = append(sums, s)
		}
	}
	return sums
}
