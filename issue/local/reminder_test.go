package local_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/issue"
	"github.com/postburn/postburn/issue/learn"
	"github.com/postburn/postburn/issue/postmortem"
	"github.com/postburn/postburn/issue/publish"
	"github.com/postburn/postburn/slo"
)

// oneIncident is a store with one incident and its publication.
type oneIncident struct {
	alert.Incident
	pub *issue.Publication
}

func (s *oneIncident) Behind(context.Context) (behind []alert.Incident, unposted []issue.Publication, err error) {
	if s.pub == nil || s.pub.Parts.Posted(s.ID) < s.Revision {
		behind = []alert.Incident{s.Incident}
	}
	if s.pub != nil && !s.pub.IsSettled() {
		unposted = []issue.Publication{*s.pub}
	}
	return behind, unposted, nil
}

func (s *oneIncident) Publication(context.Context, string) (p issue.Publication, ok bool, err error) {
	if s.pub == nil {
		return p, false, nil
	}
	return *s.pub, true, nil
}

func (s *oneIncident) Save(_ context.Context, p issue.Publication) error {
	s.pub = &p
	return nil
}

func (s *oneIncident) Incidents(context.Context, time.Time) ([]alert.Incident, error) {
	return []alert.Incident{s.Incident}, nil
}

func (s *oneIncident) IncidentsByID(context.Context, []string) ([]alert.Incident, error) {
	return []alert.Incident{s.Incident}, nil
}

// TestAReminderInAFile has a person write follow-ups into a file: a month later a reminder stands
// below a rule, and all above it is as the person saved it.
func TestAReminderInAFile(t *testing.T) {
	tracker, dir := open(t)
	synctest.Test(t, func(t *testing.T) {
		onset := time.Now().Add(-2 * time.Hour)
		o := slo.Objective{Name: "checkout", Service: "shop", Target: slo.MustDecimal("99.9%"), Window: slo.Window{Rolling: 30 * 24 * time.Hour},
			Indicator: slo.Indicator{Ratio: &slo.Ratio{Bad: "e_total", Total: "r_total"}}}
		store := &oneIncident{Incident: alert.Incident{ID: "checkout-1", Group: "shop", Revision: 1, Windows: []alert.Window{{
			Objective: o, Kind: alert.Burn, Rule: &alert.Rule{Rate: slo.MustDecimal("14.4"), Long: time.Hour, Short: 5 * time.Minute},
			Onset: onset, Detected: onset.Add(time.Minute), Ended: onset.Add(time.Hour), Counts: slo.Counts{Total: 1000, Bad: 300},
		}}}}
		run := func(d time.Duration) {
			p := publish.New(publish.Options{
				Store: store, Tracker: tracker, Render: postmortem.Render, Tasks: learn.Tasks, Reader: tracker, Settle: time.Second, LookEvery: time.Second,
				Settings: func(string) issue.Settings { return issue.Settings{RemindAfter: 30 * 24 * time.Hour} },
			})
			ctx, stop := context.WithTimeout(t.Context(), d)
			defer stop()
			if err := p.Run(ctx); err != nil {
				t.Error(err)
			}
		}
		run(time.Hour)
		path := dir + "/checkout-1.md"
		const asked = "_What will you change this week (short term)? What would keep the next failure of this kind from reaching users (long term)?_\n"
		written := strings.Replace(read(t, path), asked, "- [ ] Set a timeout (alice)\n- [x] Roll back\n", 1)
		save(t, path, written)
		run(time.Hour)
		if n := len(store.pub.FollowUps); n != 2 || read(t, path) != written {
			t.Errorf("%d follow-ups in\n%s", n, read(t, path))
		}
		time.Sleep(30 * 24 * time.Hour)
		run(time.Hour)
		run(time.Hour)
		after, found := strings.CutPrefix(read(t, path), written)
		if !found || strings.Count(after, "This follow-up is still open:") != 1 || !strings.HasPrefix(after, "\n---\n<!-- postburn key=checkout-1/reminder-1 -->\n") {
			t.Errorf("below the person's words there is\n%s", after)
		}
		if strings.Contains(after, "Roll back") || !strings.Contains(after, "- Set a timeout (alice), for 30 days\n") {
			t.Errorf("the reminder is\n%s", after)
		}
		// What the reminder names is no task of its own.
		if n := len(store.pub.FollowUps); n != 2 {
			t.Errorf("%d follow-ups", n)
		}
	})
}
