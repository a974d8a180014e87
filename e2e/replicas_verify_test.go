//go:build e2e

package e2e

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/jackc/pgx/v5"

	"github.com/postburn/postburn/issue/github/githubtest"
	"github.com/postburn/postburn/web"
)

// running are the replicas that are meant to run.
func (s *shared) running() (all []*postburn) {
	for _, r := range s.replicas {
		if r.running {
			all = append(all, r.postburn)
		}
	}
	return all
}

// awaitFilled waits until a postburn watches all objectives and has read their past.
func (p *postburn) awaitFilled() {
	p.t.Helper()
	await(p.t, patience, "all objectives to be watched", func() error {
		behind, err := p.metric("postburn_backfill_remaining_seconds")
		if err == nil && behind > 0 {
			err = fmt.Errorf("%v s of the past to read", behind)
		}
		if err == nil {
			_, err = p.oldestTick()
		}
		return errors.Join(err, p.alive())
	})
}

// objectives returns all 300 as the API shows them, by name and endpoint.
func (p *postburn) objectives() (map[string]web.Objective, error) {
	var answer struct {
		SLOs []web.Objective `json:"slos"`
	}
	if err := p.api("slos", &answer); err != nil {
		return nil, err
	}
	all := map[string]web.Objective{}
	for _, o := range answer.SLOs {
		all[o.SLO+o.Labels["endpoint"]] = o
	}
	if len(all) != teamTargets {
		return nil, fmt.Errorf("%d objectives, not %d", len(all), teamTargets)
	}
	return all, nil
}

// oldestTick returns the last tick of the objective that is furthest behind.
func (p *postburn) oldestTick() (oldest time.Time, err error) {
	all, err := p.objectives()
	for name, o := range all {
		if o.AsOf == nil {
			return oldest, fmt.Errorf("no tick of %s", name)
		}
		if oldest.IsZero() || o.AsOf.Before(oldest) {
			oldest = *o.AsOf
		}
	}
	return oldest, err
}

// awaitIncidents waits until a postburn shows so many incidents, all of them over.
func (p *postburn) awaitIncidents(n int) (all []web.Incident) {
	p.t.Helper()
	await(p.t, patience, fmt.Sprintf("%d incidents to be over", n), func() (err error) {
		if all, err = p.incidents(); err != nil {
			return err
		}
		for _, i := range all {
			if i.State != "recovered" {
				return fmt.Errorf("%s is %s", i.ID, i.State)
			}
		}
		if len(all) != n {
			return fmt.Errorf("%d incidents", len(all))
		}
		return nil
	})
	return all
}

// verifyIncidents checks that each replica shows these incidents, and that a replay finds them.
func (s *shared) verifyIncidents(want []web.Incident) {
	s.t.Helper()
	ignored := cmpopts.IgnoreFields(web.Incident{}, "IssueURL")
	for _, p := range s.running() {
		if diff := cmp.Diff(want, p.awaitIncidents(len(want)), ignored); diff != "" {
			s.t.Errorf("incidents of %s (-undisturbed +replica):\n%s", p.dir, diff)
		}
	}
	replayed := s.replicas[0].replay(s.began, time.Now().Add(-delay))
	if diff := cmp.Diff(replayed, want, ignored); diff != "" {
		s.t.Errorf("incidents (-replayed +undisturbed):\n%s", diff)
	}
}

// counted is what an objective counted in its window, as of a tick.
type counted struct {
	objective string
	tick      int64
}

type eventCounts struct{ total, bad float64 }

// verifyCounts checks that all objectives of each replica have counted what those of an undisturbed
// postburn have, as of a tick after a time.
func (s *shared) verifyCounts(calm *postburn, after time.Time) {
	s.t.Helper()
	for _, p := range s.running() {
		want, got := map[counted]eventCounts{}, map[counted]eventCounts{}
		await(s.t, patience, "counts as of the same ticks", func() error {
			pass(tick / 4) // each look reads all there is
			if err := errors.Join(calm.count(want, after), p.count(got, after)); err != nil {
				return err
			}
			both := map[string]bool{}
			for at := range got {
				if _, ok := want[at]; ok {
					both[at.objective] = true
				}
			}
			if len(both) < teamTargets {
				return fmt.Errorf("counts of %d objectives", len(both))
			}
			return nil
		})
		for at, found := range got {
			if expected, ok := want[at]; ok && found != expected {
				s.t.Errorf("%s counted %v for %s as of %s; undisturbed, it is %v", p.dir, found, at.objective, time.Unix(at.tick, 0).UTC(), expected)
			}
		}
	}
}

// count notes what all objectives have counted as of their last tick, if that is after a time.
func (p *postburn) count(seen map[counted]eventCounts, after time.Time) error {
	all, err := p.objectives()
	for name, o := range all {
		if o.AsOf != nil && o.AsOf.After(after) {
			seen[counted{name, o.AsOf.Unix()}] = eventCounts{o.TotalEvents, o.BadEvents}
		}
	}
	return err
}

// verifyTicks checks that the store has samples of each tick, from before a time to another one.
func (s *shared) verifyTicks(from, to time.Time) {
	s.t.Helper()
	ctx := s.t.Context()
	conn, err := pgx.Connect(ctx, s.database.URL("postgres"))
	if err != nil {
		s.t.Fatal(err)
	}
	defer conn.Close(ctx)
	rows, err := conn.Query(ctx, "SELECT name, count(*), min(tick), max(tick) FROM samples JOIN lanes ON id = lane GROUP BY name")
	if err != nil {
		s.t.Fatal(err)
	}
	type lane struct {
		Name               string
		Ticks, First, Last int64
	}
	lanes, err := pgx.CollectRows(rows, pgx.RowToStructByPos[lane])
	if err != nil || len(lanes) == 0 {
		s.t.Fatalf("%d lanes, %v", len(lanes), err)
	}
	for _, l := range lanes {
		first, last := time.Unix(0, l.First), time.Unix(0, l.Last)
		if first.After(from) || last.Before(to) || l.Ticks != int64(last.Sub(first)/tick)+1 {
			s.t.Errorf("lane %s has %d ticks from %s to %s", l.Name, l.Ticks, first, last)
		}
	}
	s.t.Logf("%d lanes, each with all of its ticks", len(lanes))
}

// teamIssues are all issues of the teams' repositories, by the key of their marker. There must not
// be two of one key.
func teamIssues(t *testing.T, server *githubtest.Server) map[string]githubtest.Issue {
	t.Helper()
	all := map[string]githubtest.Issue{}
	for team := range teamServices / teamSize {
		server.Change(teamRepository(team), func(r *githubtest.Repository) {
			for _, i := range r.Issues {
				key := keyOf(i.Body)
				if _, ok := all[key]; ok {
					t.Errorf("two issues are %s's", key)
				}
				all[key] = *i
			}
		})
	}
	return all
}

// awaitTeamIssues waits until each incident has an issue with its final numbers, and returns them.
// None may have been created twice.
func awaitTeamIssues(t *testing.T, server *githubtest.Server, incidents []web.Incident) (all map[string]githubtest.Issue) {
	t.Helper()
	await(t, 5*time.Minute, "all issues to be complete", func() error {
		all = teamIssues(t, server)
		for _, i := range incidents {
			want, body := fmt.Sprintf("%s of %s requests failed", thousands(i.Impact.BadEvents), thousands(i.Impact.TotalEvents)), all[i.ID].Body
			if !strings.Contains(body, want) || !strings.Contains(body, "**Over**") || !slices.Contains(all[i.ID].Labels, "status:recovered") {
				return fmt.Errorf("%q and its end should be in the issue of %s, with labels %v:\n%s", want, i.ID, all[i.ID].Labels, body)
			}
		}
		return nil
	})
	created := 0
	for _, r := range server.Requests() {
		if r.Method == http.MethodPost && strings.HasSuffix(r.Path, "/issues") {
			created++
		}
	}
	if len(all) != len(incidents) || created != len(incidents) {
		t.Errorf("%d issues, created by %d requests, for %d incidents", len(all), created, len(incidents))
	}
	return all
}

// text is what people see first of an issue.
type text struct {
	Title, Body string
	Labels      []string
}

func texts(all map[string]githubtest.Issue) map[string]text {
	found := map[string]text{}
	for key, i := range all {
		found[key] = text{i.Title, i.Body, slices.Sorted(slices.Values(i.Labels))}
	}
	return found
}
