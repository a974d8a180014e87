//go:build e2e

package e2e

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/common/model"
)

const (
	manyServices = 50 // which are 300 objectives
	fewServices  = 10
	endpoints    = 5 // of a service, each an objective; another one is for all of them
	teamSize     = 5 // services of one repository; a storm would need one more
)

// teams is many services in one process, with outages at times that are known beforehand.
type teams struct {
	*httptest.Server
	mu       sync.Mutex
	outages  []plannedOutage
	counted  time.Time
	services [][endpoints]struct{ good, bad float64 }
}

// plannedOutage has all requests of a service fail, or those of one of its endpoints.
type plannedOutage struct {
	service, endpoint int       // endpoint -1: all
	begin, end        time.Time // zero end: it goes on
}

func newTeams(t *testing.T, services int) *teams {
	t.Helper()
	f := &teams{counted: time.Now(), services: make([][endpoints]struct{ good, bad float64 }, services)}
	f.Server = httptest.NewServer(http.HandlerFunc(f.scrape))
	t.Cleanup(f.Close)
	return f
}

// scrape counts 20 requests a second of each endpoint since the last scrape.
func (f *teams) scrape(w http.ResponseWriter, _ *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := time.Now()
	n := 20 * now.Sub(f.counted).Seconds()
	f.counted = now
	var text strings.Builder
	text.WriteString("# TYPE http_requests_total counter\n")
	for s := range f.services {
		for e := range f.services[s] {
			c := &f.services[s][e]
			if f.isFailing(s, e, now) {
				c.bad += n
			} else {
				c.good += n
			}
			for code, count := range map[string]float64{"200": c.good, "500": c.bad} {
				fmt.Fprintf(&text, "http_requests_total{service=\"s%d\",endpoint=\"e%d\",code=%q} %.0f\n", s, e, code, count)
			}
		}
	}
	w.Header().Set("Content-Type", "text/plain; version=0.0.4")
	_, _ = io.WriteString(w, text.String())
}

func (f *teams) isFailing(service, endpoint int, now time.Time) bool {
	for _, o := range f.outages {
		if o.service == service && (o.endpoint < 0 || o.endpoint == endpoint) && now.After(o.begin) && (o.end.IsZero() || now.Before(o.end)) {
			return true
		}
	}
	return false
}

// plan has so many services fail from now on, each once within that time: most of them altogether,
// some at one endpoint. They are of few teams, as each process first tries to make a repository's
// labels, and may write once a second.
func (f *teams) plan(random *rand.Rand, outages int, within time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	first := random.IntN(len(f.services))
	for n := range outages {
		const longest = 20 * time.Second
		o := plannedOutage{service: (first + n) % len(f.services), endpoint: random.IntN(3*endpoints) - 2*endpoints}
		o.begin = time.Now().Add(randomIn(random, 0, within-longest))
		o.end = o.begin.Add(randomIn(random, 6*time.Second, longest))
		f.outages = append(f.outages, o)
	}
}

// fail has all requests of a service fail from now on.
func (f *teams) fail(service int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.outages = append(f.outages, plannedOutage{service: service, endpoint: -1, begin: time.Now()})
}

// repair ends all outages.
func (f *teams) repair() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i := range f.outages {
		f.outages[i].end = time.Now()
	}
}

func randomIn(random *rand.Rand, from, to time.Duration) time.Duration {
	return from + time.Duration(random.Int64N(int64(to-from)))
}

// repositories are those of all teams.
func (f *teams) repositories() (all []string) {
	for s := 0; s < len(f.services); s += teamSize {
		all = append(all, teamRepository(s))
	}
	return all
}

func teamRepository(service int) string { return fmt.Sprintf("acme/team-%d", service/teamSize) }

// objectives is how many there are.
func (f *teams) objectives() int { return len(f.services) * (1 + endpoints) }

// slos is the SLO file of all services.
func (f *teams) slos(window time.Duration) string {
	var text strings.Builder
	fmt.Fprintf(&text, `
defaults:
  target: 99%%
  window: %s
  incident: {burn: [{rate: 5, long: 20s, short: 4s}], min_bad_events: 5, hold: 5s, merge_gap: 3s, budget: false}
slos:
`, model.Duration(window))
	write := func(name, more string, s int) {
		fmt.Fprintf(&text, "  - {name: %s, service: s%d, issue: {repository: %s}%s, indicator: {ratio: {"+
			"bad: 'http_requests_total{service=\"s%d\",code=\"500\"}', total: 'http_requests_total{service=\"s%d\"}'}}}\n",
			name, s, teamRepository(s), more, s, s)
	}
	for s := range f.services {
		write(fmt.Sprintf("s%d", s), "", s)
		write(fmt.Sprintf("s%d-endpoints", s), ", group_by: [endpoint]", s)
	}
	return text.String()
}
