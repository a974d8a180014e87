//go:build e2e

package e2e

import (
	"cmp"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/postburn/postburn/issue/github/githubtest"
	"github.com/postburn/postburn/store/postgres/postgrestest"
)

// replica is a postburn that shares its store with others. It has a connection to PostgreSQL that
// can be cut, and an address of GitHub that tells its requests from those of others.
type replica struct {
	*postburn
	name    string
	proxy   *postgrestest.Proxy
	running bool // it is meant to be
}

// launch runs the replica until the test ends, and does not wait until it is ready.
func (r *replica) launch() {
	r.t.Helper()
	r.process, r.running = launch(r.t, r.path("log"), r.env, binary, "run"), true
}

// end kills the replica, and shows the end of its log if the test failed.
func (r *replica) end() {
	if r.process == nil {
		return
	}
	r.kill()
	if r.t.Failed() {
		r.t.Logf("%s ended with %v and said:\n%s", r.name, r.err, lastLines(r.output(), 60))
	}
}

func (r *replica) signal(s syscall.Signal) {
	r.t.Helper()
	if err := r.cmd.Process.Signal(s); err != nil && r.alive() == nil {
		r.t.Fatalf("sending %s %s: %v", r.name, s, err)
	}
}

// writers is a GitHub with an address for each replica. It notes who writes, and when. Each replica
// may try whether it can write, by making postburn's own label.
type writers struct {
	*githubtest.Server
	mu     sync.Mutex
	writes []written
}

type written struct {
	replica, request string
	begin, end       time.Time
}

func (w written) isIssue() bool { return strings.Contains(w.request, "/issues") }

// address returns the one for a replica. What has an address at GitHub has the same one for all.
func (w *writers) address(t *testing.T, replica string) string {
	front := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		write := written{replica: replica, request: r.Method + " " + r.URL.Path, begin: time.Now()}
		r.Host = "github.test"
		w.ServeHTTP(rw, r)
		if write.end = time.Now(); r.Method == http.MethodGet {
			return
		}
		w.mu.Lock()
		defer w.mu.Unlock()
		w.writes = append(w.writes, write)
	}))
	t.Cleanup(func() {
		front.CloseClientConnections()
		front.Close()
	})
	return front.URL
}

// awaitWriter waits until a replica has written an issue and is about to write another one: the store
// says so, and GitHub is asked only once a second.
func (s *shared) awaitWriter() (writer *replica) {
	s.t.Helper()
	await(s.t, patience, "issues to be written", func() error {
		sending := query[struct{ Key string }](s, `SELECT key FROM postburn.publications WHERE doc LIKE '%"state":"sending"%'`)
		all := s.github.inOrder(s.t)
		if len(all) == 0 || len(sending) == 0 || time.Since(all[len(all)-1].end) < time.Second {
			return errNotYet // it may be that one
		}
		writer = s.replicas[slices.IndexFunc(s.replicas, func(r *replica) bool { return r.name == all[len(all)-1].replica })]
		return nil
	})
	return writer
}

// inOrder returns all writes to issues, by when they came. No two replicas may write at once.
func (w *writers) inOrder(t *testing.T) []written {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	all := slices.DeleteFunc(slices.Clone(w.writes), func(w written) bool { return !w.isIssue() })
	slices.SortFunc(all, func(a, b written) int { return a.begin.Compare(b.begin) })
	for i, b := range all[min(1, len(all)):] {
		if a := all[i]; a.replica != b.replica && b.begin.Before(a.end) {
			t.Errorf("%s sent %s while %s was at %s", b.replica, b.request, a.replica, a.request)
		}
	}
	return all
}

// chaos disturbs replicas and their PostgreSQL at random.
type chaos struct {
	t        *testing.T
	database *postgrestest.Server
	replicas []*replica
	plan     []disturbance
	ended    int // how often a replica did so by itself
}

// disturbance is what is done to replicas or PostgreSQL at a time since the beginning.
type disturbance struct {
	at   time.Duration
	what string
	act  func()
}

const chaosShort = time.Minute // unless CHAOS says how long

// chaosLasting returns how long replicas are disturbed. The short form has always the same seed.
func chaosLasting(t *testing.T) time.Duration {
	t.Helper()
	lasting, err := time.ParseDuration(cmp.Or(os.Getenv("CHAOS"), chaosShort.String()))
	if err != nil {
		t.Fatalf("CHAOS: %v", err)
	}
	if os.Getenv("TEST_SEED") == "" && lasting == chaosShort {
		t.Setenv("TEST_SEED", "1")
	}
	return lasting
}

// leaseLasts is how long a replica may be silent before others take over what it does.
const leaseLasts = 15 * time.Second

// newChaos draws what will go wrong within that time. All is well again at its end.
func newChaos(t *testing.T, random *rand.Rand, database *postgrestest.Server, replicas []*replica, lasting time.Duration) *chaos {
	c := &chaos{t: t, database: database, replicas: replicas}
	for _, r := range replicas {
		c.planReplica(random, r, lasting)
	}
	for i, crash := range []bool{true, false} {
		at := lasting * time.Duration(2*i+1) / 4
		at += randomIn(random, 0, lasting/4)
		c.add(at, "PostgreSQL stops", func() { c.check(database.Down(crash)) })
		c.add(at+randomIn(random, time.Second, 4*time.Second), "PostgreSQL starts", func() { c.check(database.Up()) })
	}
	slices.SortStableFunc(c.plan, func(a, b disturbance) int { return cmp.Compare(a.at, b.at) })
	return c
}

// planReplica has a replica killed, paused for longer than its leases last, and cut off, again and
// again.
func (c *chaos) planReplica(random *rand.Rand, r *replica, lasting time.Duration) {
	var kinds []string
	for at := randomIn(random, 0, 5*time.Second); ; {
		if len(kinds) == 0 {
			kinds = []string{"kill", "kill", "pause", "cut", "cut", "cut"}
			random.Shuffle(len(kinds), func(i, j int) { kinds[i], kinds[j] = kinds[j], kinds[i] })
		}
		kind, end := kinds[0], at
		kinds = kinds[1:]
		switch kind {
		case "kill":
			end += randomIn(random, 0, 4*time.Second)
		case "pause":
			end += leaseLasts + randomIn(random, time.Second, 5*time.Second)
		}
		if end >= lasting {
			return
		}
		switch kind {
		case "kill":
			c.add(at, "kill "+r.name, func() { r.kill(); r.running = false })
			c.add(end, "start "+r.name, r.launch)
		case "pause":
			c.add(at, "pause "+r.name, func() { r.signal(syscall.SIGSTOP) })
			c.add(end, "continue "+r.name, func() { r.signal(syscall.SIGCONT) })
		case "cut":
			chunks := random.IntN(100)
			c.add(at, "cut "+r.name, func() { r.proxy.CutAfter(chunks) })
		}
		at = end + randomIn(random, 2*time.Second, 10*time.Second)
	}
}

func (c *chaos) add(at time.Duration, what string, act func()) {
	c.plan = append(c.plan, disturbance{at, what, act})
}

func (c *chaos) check(err error) {
	c.t.Helper()
	if err != nil {
		c.t.Fatal(err)
	}
}

// run does what is planned, and waits until all replicas are ready afterwards.
func (c *chaos) run() {
	c.t.Helper()
	for begin := time.Now(); len(c.plan) > 0; pass(50 * time.Millisecond) {
		for len(c.plan) > 0 && time.Since(begin) >= c.plan[0].at {
			next := c.plan[0]
			c.t.Logf("%5.1f s: %s", time.Since(begin).Seconds(), next.what)
			next.act()
			c.plan = c.plan[1:]
		}
		c.revive()
	}
	cuts := 0
	for _, r := range c.replicas {
		cuts += r.proxy.Heal()
	}
	c.t.Logf("all is well again; %d times connections were cut, and %d times a replica could not start", cuts, c.ended)
	for _, r := range c.replicas {
		await(c.t, patience, r.name+" to be ready", func() error {
			c.revive()
			return r.ready()
		})
	}
}

// revive starts replicas again that ended by themselves, as Kubernetes does. They may do so while
// they start and can't reach PostgreSQL, not later.
func (c *chaos) revive() {
	c.t.Helper()
	for _, r := range c.replicas {
		err := r.alive()
		if err == nil || !r.running {
			continue
		}
		if c.ended++; r.said("msg=watching") > 0 {
			c.t.Errorf("%s: %v: %s", r.name, err, lastLines(r.output(), 10))
		}
		r.launch()
	}
}
