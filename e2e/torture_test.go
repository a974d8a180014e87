//go:build e2e

package e2e

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/postburn/postburn/internal/seed"
	"github.com/postburn/postburn/issue"
	"github.com/postburn/postburn/issue/github/githubtest"
	"github.com/postburn/postburn/web"
)

const tortureKills = 110

// life returns how long a postburn lives: mostly too short for more than one write, now and then
// long enough for several.
func life(random *rand.Rand) time.Duration {
	if random.IntN(4) == 0 {
		return time.Second + time.Duration(random.Int64N(int64(4*time.Second)))
	}
	return time.Duration(random.ExpFloat64() * float64(600*time.Millisecond))
}

// torture is a GitHub where everything goes wrong, people who write in it, and a postburn that is
// killed again and again.
type torture struct {
	t        *testing.T
	random   *rand.Rand // of the kills and the people
	server   *githubtest.Server
	postburn *postburn
	busy     atomic.Int64 // requests that GitHub is at
	kills    int
	edits    map[int]string    // what a person wrote into an issue's body, by its number
	comments map[string]string // what a person wrote below an issue, by the comment and its number

	mu     sync.Mutex // of what follows
	faulty *rand.Rand // of the faults; nil when there are no more
	down   time.Time  // GitHub is, until then
	faults map[string]int
}

// TestGitHubTorture publishes 20 incidents while postburn is killed more than a hundred times at
// random moments, GitHub fails in all ways, and people write into the issues. Half of the incidents
// end meanwhile, so their issues are written twice. The seed decides on the faults; which request
// meets which of them is up to the machine.
func TestGitHubTorture(t *testing.T) {
	t.Parallel()
	n := seed.Of(t)
	x := &torture{
		t: t, random: rand.New(rand.NewPCG(n, 1)), faulty: rand.New(rand.NewPCG(n, 2)), faults: map[string]int{},
		edits: map[int]string{}, comments: map[string]string{},
	}
	past := newPast(t)
	server, env := newGitHubAt(t, func(h http.Handler) *httptest.Server {
		return httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			x.busy.Add(1)
			defer x.busy.Add(-1)
			h.ServeHTTP(w, r)
		}))
	})
	server.WriteEvery = 0 // who was killed does not know when it wrote
	server.Fault = x.fault
	x.server = server
	x.postburn = newPostburn(t, past.server.URL(), past.slos(), append(env,
		"POSTBURN_INTERVAL="+pastTick.String(), "POSTBURN_DELAY=0s")...)
	past.watchUntilStart(x.postburn.path("slos.yaml"), x.postburn.path("postburn.db"))

	began := time.Now()
	for x.kills < tortureKills {
		x.live(life(x.random))
		x.people()
	}
	killed, done := time.Since(began), len(issues(server))
	x.calm()
	x.postburn.start()
	x.verify()
	t.Logf("%d kills in %s, then %d issues; all complete %s later; %d requests, with faults %v; people edited %d bodies and wrote %d comments",
		x.kills, killed.Round(time.Second), done, (time.Since(began) - killed).Round(time.Second), len(server.Requests()), x.faults,
		len(x.edits), len(x.comments))
}

// live lets postburn live for a while.
func (x *torture) live(life time.Duration) {
	p := launch(x.t, x.postburn.path("log"), x.postburn.env, binary, "run")
	select {
	case <-p.ended:
		x.t.Fatalf("postburn ended by itself: %v\n%s", p.err, lastLines(p.output(), 20))
	case <-time.After(life):
	}
	p.kill()
	x.kills++
}

// people now and then write into an issue's body and below it, while postburn is dead and GitHub
// has done what it was asked. At other times a person could lose a text: GitHub can't replace a
// text only if nobody has changed it since the last look.
func (x *torture) people() {
	if x.random.IntN(3) > 0 {
		return
	}
	await(x.t, patience, "GitHub to have done all", func() error {
		if x.busy.Load() > 0 {
			return errNotYet
		}
		return nil
	})
	x.server.Change(repository, func(r *githubtest.Repository) {
		x.server.TokenUser(githubToken).Push = x.random.IntN(4) > 0 // without it GitHub drops labels
		if len(r.Issues) == 0 {
			return
		}
		i := r.Issues[x.random.IntN(len(r.Issues))]
		text := fmt.Sprintf("A person's text, the %d. one.", len(x.edits)+len(x.comments)+1)
		if x.random.IntN(2) == 0 {
			x.comments[fmt.Sprintf("%d %s", i.Number, text)] = text
			i.Comments = append(i.Comments, &githubtest.Comment{
				ID: 900_000 + int64(x.kills), Body: text, Author: "alice", Created: time.Now(), Updated: time.Now(),
			})
			return
		}
		if x.edits[i.Number] == "" {
			x.edits[i.Number] = text
			i.Body += "\n\n" + text
			i.Updated = time.Now()
		}
	})
}

// fault returns what goes wrong with a request. Only a write of something new may act late: a late
// replacement could overwrite a person's text, and nobody could prevent that.
func (x *torture) fault(r githubtest.Request) githubtest.Fault {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.faulty == nil {
		return githubtest.Fault{}
	}
	if time.Now().Before(x.down) {
		x.faults["down"]++
		return githubtest.LostBefore()
	}
	kinds := []struct {
		name  string
		share float64 // of the requests that it is for
		is    bool
		fault githubtest.Fault
	}{
		{"answer lost", 0.06, r.IsWrite(), githubtest.LostAfter()},
		{"request lost", 0.02, true, githubtest.LostBefore()},
		{"acts late", 0.05, r.Method == http.MethodPost, githubtest.ActsLate(20 * time.Second)},
		{"502, acted", 0.04, r.IsWrite(), githubtest.Fails(502, true)},
		{"500", 0.03, true, githubtest.Fails(500, false)},
		{"secondary limit", 0.02, true, githubtest.SecondaryLimit(403, time.Second)},
		{"secondary limit, no time", 0.01, r.IsWrite(), githubtest.SecondaryLimit(429, 0)},
		{"primary limit", 0.01, true, githubtest.PrimaryLimit(403, time.Now().Add(2*time.Second))},
		{"down", 0.01, true, githubtest.LostBefore()},
	}
	roll := x.faulty.Float64()
	for _, k := range kinds {
		if roll -= k.share; roll >= 0 {
			continue
		}
		if !k.is {
			break
		}
		if k.name == "down" {
			x.down = time.Now().Add(2 * time.Second)
		}
		x.faults[k.name]++
		return k.fault
	}
	return githubtest.Fault{}
}

// calm ends all that goes wrong.
func (x *torture) calm() {
	x.mu.Lock()
	x.faulty = nil
	x.mu.Unlock()
	x.server.Change(repository, func(*githubtest.Repository) { x.server.TokenUser(githubToken).Push = true })
}

// verify waits until all is published, and compares it with the incidents.
func (x *torture) verify() {
	x.t.Helper()
	var all []web.Incident
	await(x.t, 5*time.Minute, "all to be published", func() (err error) {
		pass(time.Second) // each look reads all there is
		if all, err = x.postburn.incidents(); err != nil {
			return err
		}
		for _, i := range all {
			if i.State != "recovered" {
				return fmt.Errorf("%s is %s", i.Group, i.State)
			}
		}
		if waiting, err := x.postburn.metric("postburn_publications_waiting"); err != nil || waiting > 0 {
			return errors.Join(err, fmt.Errorf("%v publications wait", waiting))
		}
		return x.complete(all)
	})
	if len(all) != incidents {
		x.t.Errorf("%d incidents, not %d", len(all), incidents)
	}
	written := issues(x.server)
	if len(written) != incidents {
		x.t.Errorf("%d issues for %d incidents", len(written), incidents)
	}
	lost := maps.Clone(x.comments)
	for _, i := range written {
		if text := x.edits[i.Number]; !strings.Contains(i.Body, text) {
			x.t.Errorf("issue %d lost %q:\n%s", i.Number, text, i.Body)
		}
		keys := map[string]bool{}
		for _, c := range i.Comments {
			delete(lost, fmt.Sprintf("%d %s", i.Number, c.Body))
			if key := keyOf(c.Body); key != "" && keys[key] {
				x.t.Errorf("issue %d has the comment %s twice", i.Number, key)
			} else if key != "" {
				keys[key] = true
			}
		}
	}
	if len(lost) > 0 {
		x.t.Errorf("people's comments are lost: %v", lost)
	}
}

// complete returns an error unless each incident has one issue with its final numbers and its end:
// in the body, or in a comment if a person has changed the body.
func (x *torture) complete(all []web.Incident) error {
	written := issues(x.server)
	for _, incident := range all {
		own := slices.DeleteFunc(slices.Clone(written), func(i githubtest.Issue) bool {
			return !strings.HasPrefix(keyOf(i.Body), incident.ID)
		})
		if len(own) > 1 {
			x.t.Fatalf("%d issues are %s's", len(own), incident.ID)
		}
		if len(own) == 0 {
			return fmt.Errorf("%s has no issue", incident.ID)
		}
		want, body := finalNumbers(incident), own[0].Body
		said := strings.Contains(body, want) && !strings.Contains(body, " so far: ")
		for _, c := range own[0].Comments {
			said = said || x.edits[own[0].Number] != "" && strings.Contains(c.Body, want)
		}
		if !said {
			return fmt.Errorf("%q is not in issue %d:\n%s\n%+v", want, own[0].Number, body, own[0].Comments)
		}
	}
	return nil
}

// keyOf returns the key of the marker in a text; nothing if there is none.
func keyOf(text string) string {
	for line := range strings.Lines(text) {
		if m, ok := issue.ParseMarker(line); ok {
			return m.Key
		}
	}
	return ""
}
