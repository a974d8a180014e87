package issue_test

import (
	"context"
	"fmt"
	"strings"
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

// TestEvidenceIsKept has all that there may be of evidence come out of the store as it was found.
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
			People:       []string{"p"}, FollowUps: []issue.FollowUp{{Incident: "i", Text: "t"}}, Unresolved: []string{"u"},
		}
		r := newRun(short())
		r.options.Collectors = []issue.Collector{func(context.Context, alert.Incident) issue.Evidence { return want }}
		r.until(t, 3*time.Minute, nil)
		pub, _ := r.store.load("checkout-1")
		got, ok, err := pub.Evidence("checkout-1")
		if err != nil || !ok {
			t.Fatal(ok, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if n := len(pub.Parts[0].Evidence); n > 1024 {
			t.Errorf("it takes %d bytes", n)
		}
		if _, ok, err := pub.Evidence("another"); ok || err != nil {
			t.Error("there is evidence of an incident of another publication:", err)
		}
	})
}

// TestOneHangingCollectorHoldsUpAPassOnce has as many incidents at a time as there may be without a storm.
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
		var first, last time.Time
		r.options.Collectors = []issue.Collector{func(context.Context, alert.Incident) issue.Evidence {
			if first.IsZero() {
				first = time.Now()
			}
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

func TestOtherIncidentsAreToldOf(t *testing.T) {
	onset := time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)
	made := func(group string, onset time.Time, length time.Duration) alert.Incident {
		s := story{group: group, onset: onset, spans: [][2]time.Duration{{0, length}}}
		i, _ := s.at(onset.Add(30 * 24 * time.Hour))
		i.ID += onset.String()
		for n := range i.Windows {
			i.Windows[n].Objective.Name = group
		}
		return i
	}
	this := made("checkout", onset, 17*time.Minute)
	others := []alert.Incident{
		this,
		made("payment", onset.Add(-time.Hour), 2*time.Hour),
		made("payment", onset.Add(-3*time.Hour), 4*time.Hour), // began too long before
		made("checkout", onset.Add(time.Hour), time.Hour),     // comes later
		made("checkout", onset.Add(-100*24*time.Hour), time.Hour),
	}
	for n := range 7 {
		others = append(others, made("checkout", onset.Add(-time.Duration(n+1)*24*time.Hour), time.Hour))
	}
	f, err := issue.NewFacts(this, others, func(id string) (issue.Publication, error) {
		pub := issue.Publication{Writes: []issue.Write{{Ref: issue.Ref{URL: "https://example.com/" + id}}}}
		if id == others[6].ID {
			pub.Triage = issue.Noise
		}
		return pub, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(f.Earlier) != 5 || f.EarlierAll != 7 || f.Noise != 1 || !f.Earlier[0].Onset.Equal(onset.Add(-24*time.Hour)) || f.Earlier[0].URL == "" {
		t.Errorf("earlier ones: %d of %d: %+v", len(f.Earlier), f.EarlierAll, f.Earlier)
	}
	want := []issue.Entry{{
		Time: onset.Add(-time.Hour), Text: "Another incident: payment began to miss its target", Source: "postburn", Symptom: true,
		URL: "https://example.com/" + others[1].ID,
	}}
	if diff := cmp.Diff(want, f.Timeline); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
