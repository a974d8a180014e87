package publish_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/issue"
	"github.com/postburn/postburn/slo"
)

// tell renders nothing but what evidence says.
func tell(f issue.Facts, stage issue.Stage) (issue.Text, error) {
	said := []string{string(stage)}
	for _, e := range f.Timeline {
		said = append(said, e.Text)
	}
	return issue.Text{Title: "t", Body: strings.Join(append(said, f.Unresolved...), "|")}, nil
}

func finds(text string) issue.Collector {
	return func(context.Context, alert.Incident) issue.Evidence {
		return issue.Evidence{Timeline: []issue.Entry{{Text: text}}}
	}
}

func TestCollectorsNeitherDelayNorPreventTheIssue(t *testing.T) {
	slow := func(ctx context.Context, _ alert.Incident) issue.Evidence {
		<-ctx.Done()
		return issue.Evidence{Timeline: []issue.Entry{{Text: "half"}}, Unresolved: []string{"no more"}}
	}
	panics := func(context.Context, alert.Incident) issue.Evidence { panic("oh") }
	const late, wrong = "A part of the evidence was not collected in time.", "A part of the evidence was not collected: postburn made a mistake, its log has more."
	for _, test := range []struct {
		name       string
		collectors func(never context.Context) []issue.Collector
		want       string
		within     time.Duration
	}{
		{"none", func(context.Context) []issue.Collector { return nil }, "opening", 0},
		{"two", func(context.Context) []issue.Collector { return []issue.Collector{finds("a"), finds("b")} }, "opening|a|b", 0},
		{"one panics", func(context.Context) []issue.Collector { return []issue.Collector{panics, finds("b")} }, "opening|b|" + wrong, 0},
		{"one is slow", func(context.Context) []issue.Collector { return []issue.Collector{slow, finds("b")} }, "opening|half|b|no more", 9 * time.Second},
		{"two hang", func(never context.Context) []issue.Collector {
			hangs := func(context.Context, alert.Incident) issue.Evidence { <-never.Done(); return issue.Evidence{} }
			return []issue.Collector{hangs, hangs, finds("c")}
		}, "opening|c|" + late + "|" + late, 10 * time.Second},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				never, end := context.WithCancel(t.Context())
				defer end()
				r := newRun(short())
				r.options.Render, r.options.Collectors = tell, test.collectors(never)
				began, created := time.Now(), time.Time{}
				r.forge.fault = func(op string) fault {
					if strings.HasPrefix(op, "create ") && created.IsZero() {
						created = time.Now()
					}
					return none
				}
				r.until(t, 3*time.Minute, nil)
				if diff := cmp.Diff(test.want, r.forge.body(t, r.forge.keys()[0])); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
				opened, _ := r.stories[0].at(began.Add(time.Minute))
				if took := created.Sub(opened.Onset()); took > time.Minute+test.within+2*time.Second {
					t.Errorf("the issue was created %s after the onset", took)
				}
			})
		})
	}
}

func TestEvidenceIsCollectedAtTheOpeningAndAtTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRun(short())
		asked := 0
		r.options.Render = tell
		r.options.Collectors = []issue.Collector{func(_ context.Context, i alert.Incident) issue.Evidence {
			asked++
			return issue.Evidence{Timeline: []issue.Entry{{Text: fmt.Sprintf("found %d, open %t", asked, i.IsOpen())}}}
		}}
		failed := 0
		r.forge.fault = func(op string) fault {
			if strings.HasPrefix(op, "create ") && failed < 3 {
				failed++
				return refused
			}
			return none
		}
		var first string
		r.until(t, time.Hour, map[time.Duration]func(){10 * time.Minute: func() { first = r.forge.body(t, r.forge.keys()[0]) }})
		if diff := cmp.Diff("opening|found 1, open true", first); diff != "" {
			t.Errorf("the first body (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff("opening|found 2, open false", r.forge.body(t, r.forge.keys()[0])); diff != "" {
			t.Errorf("the last body (-want +got):\n%s", diff)
		}
		if failed != 3 || asked != 2 {
			t.Errorf("refused %d times, asked %d times", failed, asked)
		}
	})
}

// TestTheStoreIsAwayWhileEvidenceIsCollected has a collector that can't read the store some times:
// the text waits, and says nothing of it. What another one can't find out is told.
func TestTheStoreIsAwayWhileEvidenceIsCollected(t *testing.T) {
	for _, failures := range []int{0, 1, 3} {
		synctest.Test(t, func(t *testing.T) {
			r := newRun(short())
			asked, opened := 0, time.Time{}
			r.options.Render = tell
			r.options.Collectors = []issue.Collector{
				func(context.Context, alert.Incident) (e issue.Evidence) {
					if asked++; asked <= failures {
						return issue.Evidence{Unresolved: []string{"half"}, StoreError: errors.New("away")}
					}
					return issue.Evidence{Timeline: []issue.Entry{{Text: "found"}}}
				},
				func(context.Context, alert.Incident) issue.Evidence {
					return issue.Evidence{Unresolved: []string{"Prometheus is away"}}
				},
			}
			r.forge.fault = func(op string) fault {
				if op == "create checkout-1" {
					opened = time.Now()
				}
				return none
			}
			began := time.Now()
			r.until(t, 5*time.Minute, nil)
			if diff := cmp.Diff("opening|found|Prometheus is away", r.forge.body(t, "checkout-1")); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if latest := time.Minute + time.Duration(failures)*30*time.Second; opened.Sub(began) > latest {
				t.Errorf("it was opened after %s, want %s", opened.Sub(began), latest)
			}
			if waiting := metric(t, r.registry, "postburn_publications_waiting"); waiting != 0 {
				t.Errorf("%v publications wait", waiting)
			}
		})
	}
}

// TestEvidenceOfOneInAStorm has a collector that can't read the store for one incident of a storm:
// the others get their evidence, and the log says why one does not.
func TestEvidenceOfOneInAStorm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var stories []story
		for n := range 12 {
			s := short()
			s.group = fmt.Sprintf("s%02d", n)
			stories = append(stories, s)
		}
		r := newRun(stories...)
		var logged bytes.Buffer
		r.options.Logger = slog.New(slog.NewTextHandler(&logged, nil))
		away := true
		r.options.Collectors = []issue.Collector{func(_ context.Context, i alert.Incident) issue.Evidence {
			if i.ID == "s05-1" && away {
				return issue.Evidence{StoreError: errors.New("away")}
			}
			return issue.Evidence{Timeline: []issue.Entry{{Text: "found"}}}
		}}
		with := func() (n int) {
			for _, p := range r.store.Publications() {
				for _, part := range p.Parts {
					if len(part.Evidence) > 0 {
						n++
					}
				}
			}
			return n
		}
		r.until(t, 5*time.Minute, nil)
		if n := with(); n != 11 {
			t.Errorf("%d incidents have evidence, want 11", n)
		}
		if n := strings.Count(logged.String(), "collecting evidence: away"); n != 1 {
			t.Errorf("logged %d times, want once:\n%s", n, logged.String())
		}
		if waiting := metric(t, r.registry, "postburn_publications_waiting"); waiting != 0 {
			t.Errorf("%v publications wait", waiting)
		}
		away = false
		r.until(t, time.Minute, nil)
		if n := with(); n != 12 {
			t.Errorf("%d incidents have evidence, want 12", n)
		}
	})
}

// TestEvidenceIsKept checks that all kinds of evidence come out of the store as found.
func TestEvidenceIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		id := slo.ID{SLO: "checkout", Labels: slo.NewLabels(map[string]string{"a": "\u202e<b>\"", "z": "\x00"})}
		counts := slo.Counts{Total: 1e9 / 3, Bad: 0.1}
		now := time.Now().UTC().Truncate(time.Second)
		want := issue.Evidence{
			Chart:        &issue.Chart{Of: id, Step: time.Minute, Points: []issue.Point{{Time: now, Counts: counts, Blind: true}}},
			Contributors: []issue.Contributor{{Of: id, Where: []issue.Clause{{Label: "l", Values: []string{"v"}, Of: 3, Also: []issue.Label{{Name: "n", Value: "v"}}}}, Outcome: true, In: counts, All: counts}},
			Traffic:      []issue.Traffic{{Of: id, Window: counts, Length: time.Hour, Usual: []issue.Usual{{When: issue.WeekBefore, Length: time.Hour, Counts: counts}}}},
			Durations:    []issue.Durations{{Of: id, Window: []slo.Quantile{{Share: 0.5, Value: time.Second, Above: true}}}},
			Timeline:     []issue.Entry{{Time: now, Text: "t", Source: "s", URL: "u", Symptom: true, Person: true}},
			People:       []string{"p"}, Unfinished: []issue.Unfinished{{Incident: "i", FollowUp: issue.FollowUp{Text: "t"}}}, Unresolved: []string{"u"},
		}
		r := newRun(short())
		r.options.Collectors = []issue.Collector{func(context.Context, alert.Incident) issue.Evidence { return want }}
		r.until(t, 3*time.Minute, nil)
		pub, _ := r.store.Load("checkout-1")
		got, ok, err := pub.Parts.Evidence("checkout-1")
		if err != nil || !ok {
			t.Fatal(ok, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if n := len(pub.Parts[0].Evidence); n > 1024 {
			t.Errorf("it takes %d bytes", n)
		}
		if _, ok, err := pub.Parts.Evidence("another"); ok || err != nil {
			t.Error("there is evidence of an incident of another publication:", err)
		}
	})
}

// TestOneHangingCollectorHoldsUpAPassOnce has the most simultaneous incidents without a storm.
func TestOneHangingCollectorHoldsUpAPassOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		never, end := context.WithCancel(t.Context())
		defer end()
		var stories []story
		for n := range 5 {
			s := short()
			s.group = fmt.Sprintf("group-%d", n)
			stories = append(stories, s)
		}
		r := newRun(stories...)
		var begun sync.Once
		var first, last time.Time
		r.options.Collectors = []issue.Collector{func(context.Context, alert.Incident) issue.Evidence {
			begun.Do(func() { first = time.Now() })
			<-never.Done()
			return issue.Evidence{}
		}}
		r.forge.fault = func(op string) fault {
			if strings.HasPrefix(op, "create ") {
				last = time.Now()
			}
			return none
		}
		r.until(t, 4*time.Minute, nil)
		if n := len(r.forge.keys()); n != 5 || last.Sub(first) > 15*time.Second {
			t.Errorf("%d issues, the last %s after the first was begun", n, last.Sub(first))
		}
	})
}
