package report_test

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/alert/fold"
	"github.com/postburn/postburn/internal/seed"
	"github.com/postburn/postburn/issue"
	"github.com/postburn/postburn/issue/github"
	"github.com/postburn/postburn/issue/github/githubtest"
	"github.com/postburn/postburn/issue/learn"
	"github.com/postburn/postburn/issue/learn/lint"
	"github.com/postburn/postburn/issue/learn/report"
	"github.com/postburn/postburn/issue/people"
	"github.com/postburn/postburn/issue/postmortem"
	"github.com/postburn/postburn/issue/publish"
	"github.com/postburn/postburn/slo"
	"github.com/postburn/postburn/store/sqlite"
)

// The year: ticks of five minutes, and three services that are watched from its first day on.
const (
	tick     = 5 * time.Minute
	aDay     = 24 * time.Hour
	yearDays = 366
	acme     = "acme/shop"
)

// simulation plays a year: samples are folded, incidents published at GitHub's stand-in, closed and
// labelled by people, and linted.
type simulation struct {
	*testing.T
	failures []failure
	start    time.Time
	store    *sqlite.Store
	server   *githubtest.Server
	lane     *fold.Lane
	fence    int64
	notify   func()
	ids      map[int]string // of incidents, by failure
	acts     []act          // of people, in order
}

// act is what people do at a time.
type act struct {
	at time.Time
	do func()
}

func (s *simulation) at(n int) time.Time { return s.start.Add(time.Duration(n) * tick) }

func (s *simulation) run() {
	s.start = time.Now().UTC()
	s.server = &githubtest.Server{}
	s.server.AddRepository(acme)
	s.server.AddUser("t", githubtest.User{Login: "postburn-robot", Push: true})
	tracker, err := github.New(github.Options{Repository: acme, URL: "https://api.github.example", Token: "t", Transport: s.server, WriteEvery: time.Nanosecond})
	s.must(err)
	s.store, err = sqlite.Open(s.Context(), filepath.Join(s.TempDir(), "postburn.db"), sqlite.Options{NoSync: true})
	s.must(err)
	s.fence, err = s.store.Acquire(s.Context())
	s.must(err)
	p := publish.New(publish.Options{
		Store: s.store, Tracker: tracker, Render: postmortem.Render, List: tracker.List, Interval: 2 * aDay,
		Settings:   func(string) issue.Settings { return issue.Settings{Lint: true} },
		Collectors: []issue.Collector{s.evidence, people.Collector(s.store, tracker)},
		Lint:       func(text, final string) []issue.Hint { return lint.Hints(lint.Check(learn.Parse(text, final))) },
		Tasks:      learn.Tasks,
		Reports:    issue.Reporter{Repositories: func() []string { return []string{""} }, Write: s.write},
	})
	s.notify = p.Notify
	ctx, stop := context.WithCancel(s.Context())
	var publishing sync.WaitGroup
	publishing.Go(func() { s.must(p.Run(ctx)) })
	s.play()
	time.Sleep(3 * aDay)
	stop()
	publishing.Wait()
}

func (s *simulation) must(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

// write writes the report on a month, as the daemon does.
func (s *simulation) write(ctx context.Context, month time.Time, _ string) (issue.Text, bool, error) {
	in, err := s.read(ctx, report.Month(month))
	r := report.Make(in)
	return issue.Text{Title: r.Title(), Body: r.Issue()}, err == nil && r.IsKnown(), err
}

func (s *simulation) read(ctx context.Context, p report.Period) (in report.Input, err error) {
	in = report.Input{Period: p, AsOf: time.Now()}
	in.Days, in.Incidents, in.Learned, err = s.store.Recorded(ctx, p.Before().Start, p.End)
	return in, err
}

// evidence says where a failure was, and what came before.
func (s *simulation) evidence(_ context.Context, i alert.Incident) (e issue.Evidence) {
	f := s.failures[s.failureOf(i)]
	if f.place != "" {
		label, value, _ := strings.Cut(f.place, "=")
		e.Contributors = []issue.Contributor{{
			Of: i.Windows[0].ID(), Where: []issue.Clause{{Label: label, Values: []string{strings.Trim(value, `"`)}, Of: 2}},
			In: slo.Counts{Total: 100, Bad: 100}, All: slo.Counts{Total: 200, Bad: 100},
		}}
	}
	if f.change != "" {
		e.Timeline = append(e.Timeline, issue.Entry{Time: i.Onset().Add(-10 * time.Minute), Text: fmt.Sprintf("%s: generation %d to %d", f.change, f.onset, f.onset+1), Source: "Prometheus"})
		e.Timeline = append(e.Timeline, issue.Entry{Time: i.Onset().Add(8 * time.Minute), Text: "Deployment repair changed: generation 1 to 2", Source: "Prometheus"})
	}
	return e
}

// failureOf returns which failure an incident is.
func (s *simulation) failureOf(i alert.Incident) int {
	n := int(i.Onset().Sub(s.start) / tick)
	found := slices.IndexFunc(s.failures, func(f failure) bool { return f.onset == n && watched[f.service].service == i.Group })
	if found < 0 {
		s.Errorf("incident %s began at tick %d, where nothing failed", i.ID, n)
		return 0
	}
	return found
}

// play folds the year tick by tick; time passes where something changes.
func (s *simulation) play() {
	s.lane = fold.NewLane(tick, s.start)
	var defs []alert.Definition
	for _, w := range watched {
		defs = append(defs, w.definition())
	}
	s.lane.Redefine(defs, s.start)
	prev := time.Time{}
	for n := range yearDays * 288 {
		row := fold.Row{Samples: make([][]slo.Sample, len(watched))}
		for service := range watched {
			row.Samples[service] = []slo.Sample{sample(s.failures, service, n)}
		}
		changed, events := s.lane.Step(row)
		now := s.at(n + 1)
		if len(events) > 0 { // in between, only numbers change
			s.until(now)
			s.must(s.store.Commit(s.Context(), []alert.Batch{{Lane: "a", Fence: s.fence, Prev: prev, Tick: now, Incidents: changed}}))
			prev = now
			s.notify()
			for _, i := range changed {
				s.note(i)
			}
		}
		if (n+1)%288 == 0 || n == 150 {
			s.keepDays(now)
		}
	}
	s.until(s.at(yearDays * 288))
}

// keepDays saves what is known of the last days, as the daemon does.
func (s *simulation) keepDays(now time.Time) {
	var all []alert.Days
	for _, w := range s.lane.Watches() {
		o := w.Def.Objective
		all = append(all, alert.Days{ID: w.ID(), Service: o.Service, Target: o.Target, Measures: w.Def.Measures(), Days: w.Days(now.Add(-3 * aDay))})
	}
	s.must(s.store.SaveDays(s.Context(), all))
}

// until lets time pass, and people act.
func (s *simulation) until(t time.Time) {
	for len(s.acts) > 0 && !s.acts[0].at.After(t) {
		time.Sleep(time.Until(s.acts[0].at))
		do := s.acts[0].do
		s.acts = s.acts[1:]
		do()
	}
	time.Sleep(time.Until(t))
}

// note has people act once an incident is over.
func (s *simulation) note(i alert.Incident) {
	n := s.failureOf(i)
	if _, known := s.ids[n]; known || i.IsOpen() {
		return
	}
	s.ids[n] = i.ID
	f, ended := s.failures[n], i.Ended()
	later := func(after time.Duration, do func()) {
		s.acts = append(s.acts, act{ended.Add(after), do})
	}
	later(time.Hour, func() { s.conclude(i.ID, f) })
	if f.kept > 0 && f.promise != "" {
		later(time.Duration(f.kept)*aDay, func() {
			s.change(i.ID, func(i *githubtest.Issue) { i.Body = strings.Replace(i.Body, "- [ ] "+f.promise, "- [x] "+f.promise, 1) })
		})
	}
	slices.SortStableFunc(s.acts, func(a, b act) int { return a.at.Compare(b.at) })
}

// conclude is what people make of an incident.
func (s *simulation) conclude(id string, f failure) {
	s.change(id, func(i *githubtest.Issue) {
		if f.cause != "" {
			i.Labels = append(i.Labels, "cause:"+f.cause, "Cause:"+strings.ToUpper(f.cause))
		}
		if f.drill {
			i.Labels = append(i.Labels, "drill")
		}
		if f.promise != "" {
			i.Body += "\n### Follow-up actions\n\n- [ ] " + f.promise + " (alice)\n"
		}
		switch f.triage {
		case issue.Completed:
			i.State, i.Reason = "closed", "completed"
		case issue.Noise:
			i.State, i.Reason = "closed", "not_planned"
		case issue.Duplicate:
			i.State, i.Reason = "closed", "duplicate"
		}
	})
	if f.excluded != "" {
		pub, ok, err := s.store.Publication(s.Context(), id)
		if s.must(err); !ok {
			s.Fatalf("incident %s has no publication", id)
		}
		pub.Excluded = &issue.Exclusion{By: "bob", At: time.Now().UTC(), Reason: f.excluded}
		s.must(s.store.Save(s.Context(), pub))
	}
}

// change has a person change an incident's issue.
func (s *simulation) change(id string, do func(*githubtest.Issue)) {
	found := false
	s.server.Change(acme, func(r *githubtest.Repository) {
		for _, i := range r.Issues {
			if strings.Contains(i.Body, "key="+id+" ") {
				found = true
				do(i)
				i.Updated = time.Now()
			}
		}
	})
	if !found {
		s.Errorf("there is no issue of %s", id)
	}
}

// TestAYear asserts every number of a year's reports against what was simulated.
func TestAYear(t *testing.T) {
	drawn := seed.Of(t)
	synctest.Test(t, func(t *testing.T) {
		s := &simulation{T: t, failures: year(rand.New(rand.NewPCG(drawn, 0))), ids: map[int]string{}}
		s.run()
		defer s.store.Close()
		if len(s.ids) != len(s.failures) {
			t.Fatalf("%d of %d failures were incidents", len(s.ids), len(s.failures))
		}
		s.checkIssues()
		s.checkReports()
	})
}

// checkIssues makes sure that there was something to report: an issue for each, linted once if a
// person closed it.
func (s *simulation) checkIssues() {
	s.server.Change(acme, func(r *githubtest.Repository) {
		if len(r.Issues) != len(s.failures)+12 {
			s.Errorf("%d issues of %d failures and 12 months", len(r.Issues), len(s.failures))
		}
		for m := range 12 {
			month := time.Date(s.start.Year(), time.Month(m+1), 1, 0, 0, 0, 0, time.UTC)
			at := slices.IndexFunc(r.Issues, func(i *githubtest.Issue) bool { return strings.Contains(i.Body, "key="+issue.ReportKey(month, "")+" ") })
			end := month.AddDate(0, 1, 0)
			if slices.ContainsFunc(s.in(end.Add(-2*aDay), end, ""), func(f failure) bool { return !f.counts() }) {
				continue // people had not said so when it was written
			}
			want := fmt.Sprintf("| Incidents | %d |", s.figures(month, end, "").Count)
			if at < 0 || !strings.Contains(r.Issues[at].Body, want) || len(r.Issues[at].Comments) > 0 {
				s.Errorf("the issue on %s is not there, or has no %q, or comments", month.Format("2006-01"), want)
			}
		}
		for n, f := range s.failures {
			linted := 0
			at := slices.IndexFunc(r.Issues, func(i *githubtest.Issue) bool { return strings.Contains(i.Body, "key="+s.ids[n]+" ") })
			if at < 0 {
				continue
			}
			for _, c := range r.Issues[at].Comments {
				if strings.Contains(c.Body, "/lint-1") {
					linted++
				}
			}
			if want := cmp.Compare(f.triage, issue.Completed) == 0; (linted == 1) != want || linted > 1 {
				s.Errorf("the issue of %s, closed as %q, was linted %d times", s.ids[n], f.triage, linted)
			}
		}
	})
}
