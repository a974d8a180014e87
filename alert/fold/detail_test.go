package fold_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/alert/fold"
	"github.com/postburn/postburn/slo"
)

// TestDetail looks back at two hours: errors, a time without data, planned work.
func TestDetail(t *testing.T) {
	const interval = time.Minute
	o := objective("0.99")
	o.Window.Rolling = 2 * day
	w := fold.NewWatch(alert.Definition{Objective: o, Policy: policy(alert.DefaultRules(2 * day)...)}, "", interval, epoch, epoch)
	for minute := range 120 {
		s := slo.Sample{Counts: slo.Counts{Total: 100}}
		switch {
		case minute < 60:
		case minute < 70:
			s.Bad = 50
		case minute < 80:
			s = slo.Sample{Blind: true}
		case minute < 90:
			s.Bad, s.Excluded = 100, true
		}
		w.Step(s)
	}
	d := w.Detail(time.Hour, 7)
	span := func(from, to int) slo.Span {
		return slo.Span{Start: epoch.Add(time.Duration(from) * time.Minute), End: epoch.Add(time.Duration(to) * time.Minute)}
	}
	all := slo.Counts{Total: 1000}
	want := []alert.Stretch{
		{Span: span(60, 70), Counts: slo.Counts{Total: 1000, Bad: 500}}, {Span: span(70, 80), Blind: true}, {Span: span(80, 90), Planned: true},
		{Span: span(90, 100), Counts: all}, {Span: span(100, 110), Counts: all}, {Span: span(110, 120), Counts: all},
	}
	if diff := cmp.Diff(want, d.Course); diff != "" {
		t.Errorf("the course of the last hour (-want +got):\n%s", diff)
	}
	wantAttained := []alert.Attained{
		{Length: time.Hour, Counts: slo.Counts{Total: 4000, Bad: 500}, Unseen: 20 * time.Minute},
		{Length: 6 * time.Hour, Counts: slo.Counts{Total: 10_000, Bad: 500}, Unseen: 4*time.Hour + 20*time.Minute},
		{Length: day, Counts: slo.Counts{Total: 10_000, Bad: 500}, Unseen: 22*time.Hour + 20*time.Minute},
		{Length: 2 * day, Counts: slo.Counts{Total: 10_000, Bad: 500}, Unseen: 46*time.Hour + 20*time.Minute},
	}
	if diff := cmp.Diff(wantAttained, d.Attained); diff != "" {
		t.Errorf("attained (-want +got):\n%s", diff)
	}
	if got := w.Detail(0, 49).Course; len(got) > 49 || !got[0].Start.Equal(epoch.Add(2*time.Hour-2*day)) || !got[0].Blind {
		t.Errorf("the window's course has %d stretches, the first is %+v", len(got), got[0])
	}
}

// TestDetailOfRules tells how near a rule is to firing.
func TestDetailOfRules(t *testing.T) {
	rule := alert.Rule{Rate: slo.MustDecimal("10"), Long: time.Hour, Short: 5 * time.Minute}
	w := fold.NewWatch(alert.Definition{Objective: objective("0.99"), Policy: policy(rule)}, "", time.Minute, epoch, epoch)
	for range 60 {
		w.Step(slo.Sample{Counts: slo.Counts{Total: 100, Bad: 4}})
	}
	for range 5 {
		w.Step(slo.Sample{Counts: slo.Counts{Total: 100, Bad: 50}})
	}
	got := w.Detail(time.Hour, 60).Rules[0]
	want := alert.RuleStatus{Rule: rule, LongBurnRate: (55*4 + 5*50) / 60., ShortBurnRate: 50, Bad: 55*4 + 5*50}
	if diff := cmp.Diff(want, got, cmpopts.EquateApprox(1e-9, 0), cmpopts.EquateComparable(slo.Decimal{})); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if near := got.Nearness(); near < 0.78 || near > 0.79 {
		t.Errorf("the rule has come %.3f of its way", near)
	}
}

// TestDetailOfExcluded leaves out of what was attained what the budget leaves out.
func TestDetailOfExcluded(t *testing.T) {
	s := newShop(t, definitionOf("0.99"), time.Minute)
	s.add(2*time.Hour, good(1000))
	s.add(20*time.Minute, bad(1000, 500))
	s.add(4*time.Hour, good(1000))
	before := s.lane.Watches()[0].Detail(0, 60).Attained
	s.lane.Exclude(s.all())
	after := s.lane.Watches()[0].Detail(0, 60).Attained
	was, is := before[len(before)-1], after[len(after)-1]
	if was.Bad != 10_000 || is.Bad != 0 || is.Counts != s.status().Window || is.Unseen != was.Unseen+20*time.Minute {
		t.Errorf("the window has %+v, and with its incident excluded %+v", was, is)
	}
	if before[0] != after[0] {
		t.Errorf("the last hour, without an incident, has %+v and then %+v", before[0], after[0])
	}
}
