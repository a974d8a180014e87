//go:build e2e

package e2e

import (
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
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

// awaitFilled waits until a postburn shows all objectives, and what it watches has its past.
func (s *shared) awaitFilled(p *postburn) {
	s.t.Helper()
	await(s.t, patience, "all objectives to be watched", func() error {
		behind, err := p.metric("postburn_backfill_remaining_seconds")
		if err == nil && behind > 0 {
			err = fmt.Errorf("%v s of the past to read", behind)
		}
		if err == nil {
			_, err = s.oldestTick(p)
		}
		return errors.Join(err, p.alive())
	})
}

// objectives returns all that a postburn's API shows, by name and endpoint.
func (s *shared) objectives(p *postburn) (map[string]web.Objective, error) {
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
	if want := s.teams.objectives(); len(all) != want || len(answer.SLOs) != want {
		return nil, fmt.Errorf("%d objectives, not %d", len(answer.SLOs), want)
	}
	return all, nil
}

// oldestTick returns the last tick of the objective that is furthest behind.
func (s *shared) oldestTick(p *postburn) (oldest time.Time, err error) {
	all, err := s.objectives(p)
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
	now := time.Now()
	await(s.t, patience, "all ticks until now", func() error { return s.upTo(now) })
	replayed := s.running()[0].replay(s.began, now)
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
			if err := errors.Join(s.count(calm, want, after), s.count(p, got, after)); err != nil {
				return err
			}
			both := map[string]bool{}
			for at := range got {
				if _, ok := want[at]; ok {
					both[at.objective] = true
				}
			}
			if len(both) < s.teams.objectives() {
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
func (s *shared) count(p *postburn, seen map[counted]eventCounts, after time.Time) error {
	all, err := s.objectives(p)
	for name, o := range all {
		if o.AsOf != nil && o.AsOf.After(after) {
			seen[counted{name, o.AsOf.Unix()}] = eventCounts{o.TotalEvents, o.BadEvents}
		}
	}
	return err
}

// awaitSpread waits until the replicas that run hold all leases, about equally many each.
func (s *shared) awaitSpread() {
	s.t.Helper()
	await(s.t, patience, "all leases to be held", func() error {
		var held []float64
		sum := 0.0
		for _, p := range s.running() {
			n, err := p.metric("postburn_leases_held")
			if err != nil {
				return err
			}
			held = append(held, n)
			sum += n
		}
		// The one that publishes has a lease more.
		if sum != allLeases || slices.Max(held)-slices.Min(held) > 2 {
			return fmt.Errorf("replicas hold %v leases", held)
		}
		return nil
	})
}

// allLeases is how many there are: of 32 lanes, and of publishing.
const allLeases = 33

// upTo returns an error unless each replica shows all objectives as of a time or later.
func (s *shared) upTo(at time.Time) error {
	for _, p := range s.running() {
		oldest, err := s.oldestTick(p)
		if err != nil {
			return err
		}
		if oldest.Before(at) {
			return fmt.Errorf("an objective is as of %s, %s too early", oldest, at.Sub(oldest))
		}
	}
	return nil
}

// upToDate returns an error unless each replica shows all objectives as of a moment ago.
func (s *shared) upToDate() error { return s.upTo(time.Now().Add(-sharedDelay - 3*tick)) }

// verifySince checks so many incidents, their issues, and the ticks since a time. It returns how
// long after its end the latest of them was committed.
func (s *shared) verifySince(begin time.Time, incidents int) (latest time.Duration) {
	s.t.Helper()
	all := s.running()[0].awaitIncidents(incidents)
	latest = s.verifyTicks(begin, time.Now().Add(-sharedDelay-3*tick))
	s.verifyIncidents(all)
	s.awaitTeamIssues(s.github.Server, all)
	s.verifyWriters()
	s.verifyPages(all)
	return latest
}

// verifyPages checks that each replica serves all pages and the API, and shows the same issues.
func (s *shared) verifyPages(all []web.Incident) {
	s.t.Helper()
	paths := []string{"/", "/status", "/incidents", "/api/v1/status", "/api/v1/report"}
	for _, i := range all {
		paths = append(paths, "/incidents/"+i.ID, "/api/v1/incidents/"+i.ID)
	}
	for service := range s.teams.services {
		paths = append(paths, fmt.Sprintf("/slos/s%d", service), fmt.Sprintf("/api/v1/slos/s%d-endpoints", service))
	}
	first := s.running()[0].awaitIncidents(len(all))
	for _, p := range s.running() {
		if diff := cmp.Diff(first, p.awaitIncidents(len(all))); diff != "" {
			s.t.Errorf("incidents of %s, compared with those of another replica:\n%s", p.dir, diff)
		}
		for _, path := range paths {
			if _, err := get(p.url + path); err != nil {
				s.t.Errorf("%s of %s: %v", path, p.dir, err)
			}
		}
	}
}

// noteCommits has PostgreSQL note each tick that is committed from now on, each replica that takes
// publishing, and when.
func (s *shared) noteCommits() {
	s.t.Helper()
	if err := s.database.Exec("postgres", `
		CREATE TABLE ticks (lane bigint, tick bigint, at timestamptz DEFAULT clock_timestamp());
		CREATE FUNCTION note_tick() RETURNS trigger LANGUAGE plpgsql AS $$
			BEGIN INSERT INTO public.ticks (lane, tick) VALUES (NEW.lane, NEW.tick); RETURN NULL; END $$;
		CREATE TRIGGER note AFTER INSERT ON postburn.samples FOR EACH ROW EXECUTE FUNCTION public.note_tick();
		CREATE TABLE takers (replica text, at timestamptz DEFAULT clock_timestamp());
		CREATE FUNCTION note_taker() RETURNS trigger LANGUAGE plpgsql AS $$
			BEGIN INSERT INTO public.takers (replica) VALUES (current_setting('application_name')); RETURN NULL; END $$;
		CREATE TRIGGER note AFTER UPDATE ON postburn.leases FOR EACH ROW
			WHEN (NEW.name = 'publishing' AND NEW.fence > OLD.fence) EXECUTE FUNCTION public.note_taker()`); err != nil {
		s.t.Fatal(err)
	}
}

// query reads rows of what PostgreSQL has noted.
func query[T any](s *shared, text string, args ...any) []T {
	s.t.Helper()
	ctx := s.t.Context()
	conn, err := pgx.Connect(ctx, s.database.URL("postgres"))
	if err != nil {
		s.t.Fatal(err)
	}
	defer conn.Close(ctx)
	rows, err := conn.Query(ctx, text, args...)
	if err != nil {
		s.t.Fatal(err)
	}
	all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[T])
	if err != nil {
		s.t.Fatal(err)
	}
	return all
}

// verifyWriters checks that each write to an issue came from the replica that took publishing last.
func (s *shared) verifyWriters() {
	s.t.Helper()
	type taker struct {
		Replica string
		At      time.Time
	}
	takers := query[taker](s, "SELECT replica, at FROM takers ORDER BY at")
	holder, n, by := "", 0, map[string]int{}
	for _, w := range s.github.inOrder(s.t) {
		for n < len(takers) && !w.begin.Before(takers[n].At) {
			holder = takers[n].Replica
			n++
		}
		if holder == "" {
			holder = w.replica // it took publishing before that was noted
		}
		if by[w.replica]++; w.replica != holder {
			s.t.Errorf("%s sent %s at %s, when %s had taken publishing", w.replica, w.request, w.begin, holder)
		}
	}
	s.t.Logf("publishing was taken over %d times; writes to issues: %v", len(takers), by)
}

// verifyTicks checks that each lane committed all of its ticks between two times, each once, and
// returns how long after its end the latest of them was committed.
func (s *shared) verifyTicks(from, to time.Time) (latest time.Duration) {
	s.t.Helper()
	type lane struct {
		Lane, Commits, Ticks, First, Last int64
		Latest                            float64
	}
	lanes := query[lane](s, `SELECT lane, count(*), count(DISTINCT tick), min(tick), max(tick), max(extract(epoch FROM at) - tick / 1e9)::float8
		FROM ticks WHERE tick BETWEEN $1 AND $2 GROUP BY lane`, from.UnixNano(), to.UnixNano())
	if len(lanes) == 0 {
		s.t.Error("no ticks")
	}
	want := int64(to.Truncate(tick).Sub(from.Truncate(tick)) / tick)
	for _, l := range lanes {
		if l.Ticks != want || l.Commits != want {
			s.t.Errorf("lane %d committed %d ticks %d times, from %s to %s; it had %d", l.Lane, l.Ticks, l.Commits,
				time.Unix(0, l.First), time.Unix(0, l.Last), want)
		}
		latest = max(latest, time.Duration(l.Latest*float64(time.Second)))
	}
	s.t.Logf("%d lanes committed each of their %d ticks, the latest %s after its end", len(lanes), want, latest.Round(tick/10))
	return latest
}

// teamIssues are all issues of the teams' repositories, by the key of their marker. There must not
// be two of one key.
func (s *shared) teamIssues(server *githubtest.Server) map[string]githubtest.Issue {
	s.t.Helper()
	all := map[string]githubtest.Issue{}
	for _, repository := range s.teams.repositories() {
		server.Change(repository, func(r *githubtest.Repository) {
			for _, i := range r.Issues {
				key := keyOf(i.Body)
				if _, ok := all[key]; ok {
					s.t.Errorf("two issues are %s's", key)
				}
				all[key] = *i
			}
		})
	}
	return all
}

// awaitTeamIssues waits until each incident has an issue with its final numbers, and returns them.
// None may have been created twice.
func (s *shared) awaitTeamIssues(server *githubtest.Server, incidents []web.Incident) (all map[string]githubtest.Issue) {
	s.t.Helper()
	await(s.t, 5*time.Minute, "all issues to be complete", func() error {
		all = s.teamIssues(server)
		for _, i := range incidents {
			want, body := fmt.Sprintf("%s of %s requests failed", thousands(i.Impact.BadEvents), thousands(i.Impact.TotalEvents)), all[i.ID].Body
			labels := all[i.ID].Labels
			if !strings.Contains(body, want) || !strings.Contains(body, "**Over**") ||
				!slices.Contains(labels, "status:recovered") || slices.Contains(labels, "status:burning") {
				return fmt.Errorf("%q and its end should be in the issue of %s, with labels %v:\n%s", want, i.ID, labels, body)
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
		s.t.Errorf("%d issues, created by %d requests, for %d incidents", len(all), created, len(incidents))
	}
	return all
}

// text is what people see first of an issue. It leaves out which other incidents there were, whose
// issues have other numbers and may be there later; and what could not be found out, such as the
// follow-ups of earlier incidents while the store can't be reached.
type text struct {
	Title, Body string
	Labels      []string
}

func texts(all map[string]githubtest.Issue) map[string]text {
	found := map[string]text{}
	for key, i := range all {
		body := regexp.MustCompile(`.*Another incident: .*\n`).ReplaceAllString(i.Body, "")
		body = regexp.MustCompile(`What could not be found out:\n\n(- .*\n)+\n`).ReplaceAllString(body, "")
		found[key] = text{i.Title, body, slices.Sorted(slices.Values(i.Labels))}
	}
	return found
}
