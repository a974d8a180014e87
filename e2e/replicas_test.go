//go:build e2e

package e2e

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postburn/postburn/internal/seed"
	"github.com/postburn/postburn/issue/github/githubtest"
	"github.com/postburn/postburn/store/postgres/postgrestest"
)

const (
	replicas    = 3
	sharedDelay = 3 * time.Second // after a tick, until which all of it has been scraped
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

// newShared starts all but the replicas, which will watch so many services.
func newShared(t *testing.T, services int, window time.Duration) *shared {
	t.Helper()
	s := &shared{t: t, teams: newTeams(t, services), began: time.Now().Add(-tick)}
	s.slos = s.teams.slos(window)
	s.prometheus = newPrometheus(t, strings.TrimPrefix(s.teams.URL, "http://"))
	s.prometheus.start()
	s.prometheus.awaitResult(fmt.Sprintf(`count(http_requests_total) == %d`, 2*services*endpoints))
	s.database, _ = startPostgres(t)
	server, _ := newGitHub(t)
	server.WriteEvery = 0 // who takes over does not know when the one before wrote
	s.github = &writers{Server: server}
	s.addRepositories(server)
	return s
}

func (s *shared) addRepositories(server *githubtest.Server) {
	for _, name := range s.teams.repositories() {
		server.AddRepository(name)
	}
}

// newReplica sets another one up, without starting it.
func (s *shared) newReplica() *replica {
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
	r := &replica{name: fmt.Sprintf("replica-%d", len(s.replicas)), proxy: proxy}
	r.postburn = newPostburn(s.t, s.prometheus.url(), s.slos, "POSTBURN_DELAY="+sharedDelay.String(), "POSTBURN_STORE="+proxy.URL("postgres")+"&application_name="+r.name,
		"POSTBURN_GITHUB_REPOSITORY="+repository, "POSTBURN_GITHUB_TOKEN="+githubToken, "POSTBURN_GITHUB_URL="+s.github.address(s.t, r.name))
	s.t.Cleanup(r.end)
	s.replicas = append(s.replicas, r)
	return r
}

// startReplicas starts all replicas at once, and waits until they watch everything.
func (s *shared) startReplicas() {
	s.t.Helper()
	for range replicas {
		s.newReplica().launch()
	}
	for _, p := range s.running() {
		p.awaitReady()
		s.awaitFilled(p)
	}
	s.awaitSpread()
	s.noteCommits()
}

// startUndisturbed starts a postburn with a store and a GitHub of its own.
func (s *shared) startUndisturbed() (*postburn, *githubtest.Server) {
	s.t.Helper()
	server, env := newGitHub(s.t)
	s.addRepositories(server)
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
	s := newShared(t, manyServices, lasting+2*time.Minute)
	calm, calmGitHub := s.startUndisturbed()
	s.startReplicas()
	s.awaitFilled(calm)
	outages := 2 + int(lasting/(15*time.Second))
	s.teams.plan(random, outages, lasting)
	c := newChaos(t, random, s.database, s.replicas, lasting)
	begin := time.Now()
	c.run()
	end := time.Now()
	all := calm.awaitIncidents(outages)
	s.verifyIncidents(all)
	s.verifyCounts(calm, end)
	s.verifyTicks(begin, end)
	want, got := s.awaitTeamIssues(calmGitHub, all), s.awaitTeamIssues(s.github.Server, all)
	if diff := cmp.Diff(texts(want), texts(got)); diff != "" {
		t.Errorf("issues (-undisturbed +replicas):\n%s", diff)
	}
	s.verifyWriters()
	s.verifyPages(all)
	t.Logf("all is the same %s after the end", time.Since(end).Round(time.Second))
}

// TestTakeover kills or pauses the replica that publishes while it has issues to write. Others do
// what it did within 30 s, and when it wakes up it writes no more.
func TestTakeover(t *testing.T) {
	t.Parallel()
	for name, signal := range map[string]syscall.Signal{"killed": syscall.SIGKILL, "paused": syscall.SIGSTOP} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newShared(t, fewServices, 5*time.Minute)
			s.startReplicas()
			begin := time.Now()
			for service := range teamSize {
				s.teams.fail(service)
			}
			gone := s.awaitWriter()
			gone.signal(signal)
			gone.running = false
			since := time.Now()
			s.awaitSpread()
			held := time.Since(since)
			await(t, patience, "all ticks", s.upToDate)
			t.Logf("%s was %s: others hold its leases %s later, and all ticks are committed %s later",
				gone.name, name, held.Round(tick/10), time.Since(since).Round(tick/10))
			if held > 30*time.Second {
				t.Errorf("others hold the leases only after %s", held)
			}
			if signal == syscall.SIGSTOP {
				gone.signal(syscall.SIGCONT)
				gone.running = true
				s.awaitSpread()
			}
			s.teams.repair()
			s.verifySince(begin, teamSize)
		})
	}
}

// TestRollingUpdate replaces replicas one by one in an incident, as Kubernetes does: an old one is
// stopped once a new one is ready.
func TestRollingUpdate(t *testing.T) {
	t.Parallel()
	s := newShared(t, fewServices, 5*time.Minute)
	s.startReplicas()
	begin := time.Now()
	for service := range teamSize {
		s.teams.fail(service)
	}
	s.awaitWriter()
	for _, old := range s.replicas {
		r := s.newReplica()
		r.launch()
		r.awaitReady()
		if code := old.stop(10 * time.Second); code != 0 {
			t.Errorf("%s ended with exit code %d", old.name, code)
		}
		old.running = false
	}
	s.awaitSpread()
	await(t, patience, "all ticks", s.upToDate)
	t.Logf("the update took %s", time.Since(begin).Round(tick/10))
	s.teams.repair()
	// Leases that are given up are taken at the next renewal. Else they would expire.
	if latest := s.verifySince(begin, teamSize); latest > sharedDelay+leaseLasts*2/3 {
		t.Errorf("a tick was committed only %s after its end", latest)
	}
}
