package github_test

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/issue"
	"github.com/postburn/postburn/issue/github"
	"github.com/postburn/postburn/issue/github/githubtest"
	"github.com/postburn/postburn/issue/issuetest"
	"github.com/postburn/postburn/issue/postmortem"
	"github.com/postburn/postburn/issue/publish"
	"github.com/postburn/postburn/slo"
)

// incident is one of a group as it is known at a time: it burns in the spans from its onset.
func incident(group string, onset, now time.Time, spans ...[2]time.Duration) (i alert.Incident, ok bool) {
	i = alert.Incident{ID: group + "-1", Group: group}
	for _, span := range spans {
		start, end := onset.Add(span[0]), onset.Add(span[1])
		if now.Before(start.Add(time.Minute)) {
			break
		}
		w := alert.Window{
			Objective: slo.Objective{Name: group, Service: group, Target: slo.MustDecimal("99%"), Window: slo.Window{Rolling: 30 * 24 * time.Hour}},
			Kind:      alert.Burn, Onset: start, Detected: start.Add(time.Minute), Counts: slo.Counts{Total: 1000, Bad: 100},
		}
		until := now
		if !now.Before(end) {
			w.Ended, until = end, end
		}
		i.Revision += int(until.Sub(start)/(30*time.Second)) + 1
		i.Windows = append(i.Windows, w)
	}
	return i, len(i.Windows) > 0
}

// torture runs a publisher, a tracker and a GitHub, and starts the first two again whenever they
// die.
type torture struct {
	server *githubtest.Server
	store  *issuetest.Store
	die    func() // set while it lives
	deaths int
	people map[time.Duration]func() // what people do at some times
	reads  bool                     // what people do is read back
	marks  bool                     // and what they exclude

	tasks       issue.TaskReader // nil: follow-ups are not read
	remindAfter time.Duration
	reports     issue.Reporter // on months
}

func (r *torture) lister(t *github.Tracker) issue.Lister {
	if r.reads {
		return t.List
	}
	return nil
}

func (r *torture) markedLister(t *github.Tracker) issue.MarkedLister {
	if r.marks {
		return t.ListMarked
	}
	return nil
}

func newTorture(t *testing.T) *torture {
	t.Helper()
	_, server := open(t)
	return &torture{server: server, store: issuetest.NewStore()}
}

func (r *torture) live(ctx context.Context, t *testing.T) {
	for ctx.Err() == nil {
		life, die := context.WithCancel(ctx)
		r.die = die
		tracker := newTracker(t, r.server, func(o *github.Options) { o.WriteEvery = 0 })
		p := publish.New(publish.Options{
			Store: r.store, Tracker: tracker, Render: postmortem.Render, List: r.lister(tracker), ListMarked: r.markedLister(tracker),
			Settings: func(string) issue.Settings {
				return issue.Settings{Labels: []string{"post-mortem"}, RemindAfter: r.remindAfter}
			},
			Tasks: r.tasks, Nest: tracker.Nest, State: tracker.State, Reports: r.reports,
		})
		if err := p.Run(life); err != nil {
			t.Errorf("Run: %v", err)
		}
		if ctx.Err() == nil {
			r.deaths++
		}
		die()
	}
}

// until plays incidents for a time.
func (r *torture) until(t *testing.T, d time.Duration, incidents ...func(now time.Time) (alert.Incident, bool)) {
	ctx, stop := context.WithCancel(t.Context())
	var lives sync.WaitGroup
	lives.Go(func() { r.live(ctx, t) })
	start := time.Now()
	for offset := time.Duration(0); offset < d; offset += 30 * time.Second {
		if do, ok := r.people[offset]; ok {
			do()
		}
		var all []alert.Incident
		for _, at := range incidents {
			if i, ok := at(time.Now()); ok {
				all = append(all, i)
			}
		}
		r.store.Put(all...)
		time.Sleep(time.Until(start.Add(offset + 30*time.Second)))
	}
	stop()
	lives.Wait()
}

// keys returns the keys of all texts at GitHub.
func (r *torture) keys() (all []string) {
	r.server.Change(acme, func(repo *githubtest.Repository) {
		for _, i := range repo.Issues {
			all = append(all, firstKey(i.Body))
			for _, c := range i.Comments {
				all = append(all, firstKey(c.Body))
			}
		}
	})
	slices.Sort(all)
	return all
}

func firstKey(body string) string {
	line, _, _ := strings.Cut(body, "\n")
	m, _ := issue.ParseMarker(line)
	return m.Key
}

// misfortunes returns all that can go wrong with one request.
func (r *torture) misfortunes() map[string]func() githubtest.Fault {
	return map[string]func() githubtest.Fault{
		"lost before":     githubtest.LostBefore,
		"lost after":      githubtest.LostAfter,
		"hangs":           githubtest.Hangs,
		"acts late":       func() githubtest.Fault { return githubtest.ActsLate(75 * time.Second) },
		"500":             func() githubtest.Fault { return githubtest.Fails(500, false) },
		"502 after":       func() githubtest.Fault { return githubtest.Fails(502, true) },
		"403":             func() githubtest.Fault { return githubtest.Fails(403, false) },
		"404":             func() githubtest.Fault { return githubtest.Fails(404, false) },
		"410":             func() githubtest.Fault { return githubtest.Fails(410, false) },
		"primary limit":   func() githubtest.Fault { return githubtest.PrimaryLimit(429, time.Now().Add(2*time.Minute)) },
		"secondary limit": func() githubtest.Fault { return githubtest.SecondaryLimit(403, 0) },
		"dies before":     func() githubtest.Fault { r.die(); return githubtest.LostBefore() },
		"dies after":      func() githubtest.Fault { r.die(); return githubtest.LostAfter() },
	}
}

// each passes all issues to a function that may change them.
func each(server *githubtest.Server, do func(*githubtest.Issue)) {
	server.Change(acme, func(repo *githubtest.Repository) {
		for _, i := range repo.Issues {
			do(i)
		}
	})
}
