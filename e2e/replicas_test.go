//go:build e2e

package e2e

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postburn/postburn/internal/seed"
	"github.com/postburn/postburn/issue/github/githubtest"
	"github.com/postburn/postburn/store/postgres/postgrestest"
)

const (
	chaosReplicas = 1
	sharedDelay   = 3 * time.Second // after a tick, until which all of it has been scraped
)

// shared is replicas that share a PostgreSQL and a GitHub, and what they watch.
type shared struct {
	t          *testing.T
	teams      *teams
	slos       string
	prometheus *prometheus
	database   *postgrestest.Server
	github     *writers
	replicas   []*replica // all that there ever were
	began      time.Time  // before the first data
}

// newShared starts all but the replicas.
func newShared(t *testing.T, window time.Duration) *shared {
	t.Helper()
	s := &shared{t: t, teams: newTeams(t), slos: teamSLOs(window), began: time.Now().Add(-tick)}
	target := strings.TrimPrefix(s.teams.URL, "http://")
	s.prometheus = newPrometheus(t, target)
	s.prometheus.start()
	s.prometheus.awaitResult(fmt.Sprintf(`count(http_requests_total) == %d`, 2*teamServices*endpoints))
	s.database, _ = startPostgres(t)
	server, _ := newGitHub(t)
	server.WriteEvery = 0 // who takes over does not know when the one before wrote
	s.github = &writers{Server: server}
	addTeams(server)
	return s
}

func addTeams(server *githubtest.Server) {
	for team := range teamServices / teamSize {
		server.AddRepository(teamRepository(team))
	}
}

// replica sets another one up, without starting it.
func (s *shared) replica() *replica {
	s.t.Helper()
	proxy, err := s.database.Proxy()
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() {
		if err := proxy.Close(); err != nil {
			s.t.Error(err)
		}
	})
	r := &replica{name: fmt.Sprintf("replica %d", len(s.replicas)), proxy: proxy}
	r.postburn = newPostburn(s.t, s.prometheus.url(), s.slos, "POSTBURN_DELAY="+sharedDelay.String(), "POSTBURN_STORE="+proxy.URL("postgres"),
		"POSTBURN_GITHUB_REPOSITORY="+repository, "POSTBURN_GITHUB_TOKEN="+githubToken, "POSTBURN_GITHUB_URL="+s.github.address(s.t, r.name))
	s.t.Cleanup(r.end)
	s.replicas = append(s.replicas, r)
	return r
}

// undisturbed starts a postburn with a store and a GitHub of its own.
func (s *shared) undisturbed() (*postburn, *githubtest.Server) {
	s.t.Helper()
	server, env := newGitHub(s.t)
	addTeams(server)
	p := newPostburn(s.t, s.prometheus.url(), s.slos, append(env, "POSTBURN_DELAY="+sharedDelay.String())...)
	p.start()
	return p, server
}

// TestReplicas watches 300 objectives with replicas that are killed, paused and cut off at random
// while services fail, and PostgreSQL is restarted twice. What they find and publish is what one
// replica does that nothing disturbs. It takes a minute, or as long as CHAOS says: `make chaos`.
func TestReplicas(t *testing.T) {
	lasting := chaosLasting(t)
	random := rand.New(rand.NewPCG(seed.Of(t), 0))
	s := newShared(t, lasting+2*time.Minute)
	for range chaosReplicas {
		s.replica().launch()
	}
	calm, calmGitHub := s.undisturbed()
	for _, p := range append(s.running(), calm) {
		p.awaitReady()
		p.awaitFilled()
	}
	outages := 4 + int(lasting/(8*time.Second))
	s.teams.plan(random, outages, lasting)
	c := newChaos(t, random, s.database, s.replicas, lasting)
	begin := time.Now()
	c.run()
	end := time.Now()
	t.Logf("disturbances: %v", c.done)
	for _, p := range s.running() {
		p.awaitReady()
	}
	all := calm.awaitIncidents(outages)
	s.verifyIncidents(all)
	t.Logf("all incidents are compared %s after the end", time.Since(end).Round(time.Second))
	s.verifyCounts(calm, end)
	s.verifyTicks(begin, end)
	want, got := awaitTeamIssues(t, calmGitHub, all), awaitTeamIssues(t, s.github.Server, all)
	t.Logf("all issues are complete %s after the end; %d turns", time.Since(end).Round(time.Second), s.github.turns(t))
	if diff := cmp.Diff(texts(want), texts(got)); diff != "" {
		t.Errorf("issues (-undisturbed +replicas):\n%s", diff)
	}
}
