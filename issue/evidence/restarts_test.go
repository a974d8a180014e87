package evidence_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/issue"
	"github.com/postburn/postburn/issue/evidence"
	"github.com/postburn/postburn/slo"
	"github.com/postburn/postburn/slo/prom/promtest"
)

// restarting has all pods of a service restart, one after the other over a length of time, with the
// given versions: a minute before noon, and a minute before the fault is over.
func restarting(s promtest.Service, over time.Duration, versions ...string) promtest.Service {
	for n := range s.Targets {
		s.Targets[n].Restarts = nil
		for i, version := range versions {
			at := minute(float64(40 * i)).Add(-over + over*time.Duration(n)/time.Duration(len(s.Targets)))
			s.Targets[n].Restarts = append(s.Targets[n].Restarts, promtest.Restart{At: at, Version: version})
		}
	}
	return s
}

// failingAfter makes a share of requests fail between the two restarts of each pod, and not before
// a time, where they are of those that are affected.
func failingAfter(s promtest.Service, from time.Time, share float64, affected func(route string) bool) promtest.Service {
	s.Fails = func(at time.Time, t promtest.Target, route string) float64 {
		if at.Before(from) || at.Before(t.Restarts[0].At) || !at.Before(t.Restarts[1].At) || !affected(route) {
			return 0.0001
		}
		return share
	}
	return s
}

// tenants are the routes of a fleet, each for six tenants.
func tenants(s promtest.Service) promtest.Service {
	routes := map[string]float64{}
	for route, rate := range s.Routes {
		for n, tenant := range []string{"acme", "bolt", "cask", "dune", "echo", "fern"} {
			routes[route+" tenant="+tenant] = rate * float64(n+1) / 20
		}
	}
	s.Routes = routes
	return s
}

// replaced has other pods take the places of all, with the given versions, as a rollout of a
// Deployment does: a minute before noon, and a minute before the fault is over.
func replaced(s promtest.Service, versions ...string) promtest.Service {
	old := s.Targets
	s.Targets = nil
	for i := range len(versions) + 1 {
		for n, t := range old {
			at := func(i int) time.Time {
				return minute(float64(40*i) - 1).Add(time.Minute * time.Duration(n) / time.Duration(len(old)))
			}
			if i > 0 {
				t.Version, t.From = versions[i-1], at(i-1)
				t.Instance = fmt.Sprintf("10.1.%d.%d:80", i, n)
				t.Labels = map[string]string{"pod": fmt.Sprintf("store-%d-%02d", i, n), "zone": t.Labels["zone"], "namespace": "web"}
			}
			if i < len(versions) {
				t.To = at(i)
			}
			s.Targets = append(s.Targets, t)
		}
	}
	return s
}

// twoZones is a fleet in two zones.
func twoZones(seed uint64, n int) promtest.Service {
	s := fleet(seed, n, 1)
	for i, t := range s.Targets {
		t.Labels["zone"] = string(rune('a' + i%2))
	}
	return s
}

func isCart(route string) bool { return route == "/cart" }

func isDune(route string) bool { return len(route) > 4 && route[len(route)-4:] == "dune" }

// badDeploy restarts all pods with a version that breaks one route, and again with the old one.
func badDeploy() fault {
	return fault{
		name: "a bad deploy restarts every pod and breaks one route", where: `route="/cart"`,
		service: failingAfter(restarting(twoZones(50, 12), time.Minute, "4.3", "4.2"), noon, 0.4, isCart), rows: []row{
			{"12 targets started", minute(-1)}, {"version 4.3 appeared", minute(-1)}, {"version 4.2 was gone", minute(0)},
			{"12 targets started", minute(39)}, {"version 4.2 appeared", minute(39)}, {"version 4.3 was gone", minute(40)},
		},
	}
}

// configPush restarts all pods with settings that break one tenant, and again with the old ones.
func configPush() fault {
	return fault{
		name: "a configuration push restarts every pod and breaks one tenant", where: `tenant="dune"`,
		service: failingAfter(restarting(tenants(twoZones(51, 12)), time.Minute, "", ""), noon, 0.8, isDune), rows: []row{
			{"12 targets started", minute(-1)}, {"12 targets started", minute(39)},
		},
	}
}

// restarted are faults in which no process lives through the onset.
func restarted() []fault {
	const rolling = 5 * time.Minute
	loop := twoZones(54, 12)
	for n := range loop.Targets {
		for i := range 10 {
			loop.Targets[n].Restarts = append(loop.Targets[n].Restarts, promtest.Restart{At: minute(float64(4*i) + float64(n)/12)})
		}
	}
	looping := fault{name: "every pod starts again every 4 minutes, and one route fails", where: `route="/pay"`,
		service: failing(loop, 0.7, func(_ promtest.Target, r string) bool { return r == "/pay" })}
	for _, i := range []int{0, 4, 8, 12, 16, 28, 32, 36} { // those from 16 to 24 share a row
		looping.rows = append(looping.rows, row{"12 targets started", minute(float64(i))})
	}
	rollout := replaced(twoZones(55, 12), "4.3", "4.2")
	return []fault{
		badDeploy(),
		configPush(),
		{name: "the same deploy, pod by pod over 5 minutes", where: `route="/cart"`,
			service: failingAfter(restarting(twoZones(52, 12), rolling, "4.3", "4.2"), minute(-5), 0.4, isCart), rows: []row{
				{"12 targets started", minute(-5)}, {"version 4.3 appeared", minute(-5)}, {"version 4.2 was gone", minute(0)},
				{"12 targets started", minute(35)}, {"version 4.2 appeared", minute(35)}, {"version 4.3 was gone", minute(40)},
			}},
		{name: "the same push, pod by pod over 5 minutes", where: `tenant="dune"`,
			service: failingAfter(restarting(tenants(twoZones(53, 12)), rolling, "", ""), minute(-5), 0.8, isDune), rows: []row{
				{"12 targets started", minute(-5)}, {"12 targets started", minute(35)},
			}},
		looping,
		{name: "a rollout replaces every pod and breaks one route; another ends it", where: `route="/cart"`,
			service: failing(rollout, 0.4, func(_ promtest.Target, r string) bool { return r == "/cart" }), rows: []row{
				{"12 targets started", minute(-1)}, {"version 4.3 appeared", minute(-1)}, {"version 4.2 was gone", minute(0)},
				{"12 targets started", minute(39)}, {"version 4.2 appeared", minute(39)}, {"version 4.3 was gone", minute(40)},
			}},
		{name: "a bad deploy is taken back after 4 minutes", where: `route="/cart"`,
			service: shortDeploy(), rows: []row{
				{"12 targets started", minute(-1)}, {"version 4.3 appeared", minute(-1)}, {"version 4.2 was gone", minute(0)},
				{"12 targets started", minute(3)}, {"version 4.2 appeared", minute(3)}, {"version 4.3 was gone", minute(4)},
			}},
	}
}

// shortDeploy is a bad deploy whose two restarts are closer than rows are that share one.
func shortDeploy() promtest.Service {
	s := restarting(twoZones(56, 12), time.Minute, "4.3", "4.2")
	for n := range s.Targets {
		s.Targets[n].Restarts[1].At = s.Targets[n].Restarts[0].At.Add(4 * time.Minute)
	}
	return failingAfter(s, noon, 0.9, isCart)
}

// slowAndRestarted are the same for a latency objective.
func slowAndRestarted() []fault {
	rows := badDeploy().rows
	long := [2]time.Duration{time.Second, 2 * time.Second}
	search := func(_ promtest.Target, r string) bool { return r == "/search" }
	deploy := func(seed uint64) promtest.Service {
		return restarting(twoZones(seed, 6), time.Minute, "4.3", "4.2")
	}
	found := []fault{
		{name: "a bad deploy restarts every pod, and one route is slow", where: `route="/search"`, p99: long, service: slowed(deploy(60), false, 0.6, search)},
		{name: "a bad deploy restarts every pod, and one route is slow; native histograms", where: `route="/search"`, p99: long, service: slowed(deploy(61), true, 0.6, search)},
	}
	for i := range found {
		for _, r := range rows {
			if r.text == "12 targets started" {
				r.text = "6 targets started"
			}
			found[i].rows = append(found[i].rows, r)
		}
	}
	return found
}

// TestRestartsBeforeAndAtTheEndAreKeptApart has a breach of two minutes, with restarts before it,
// in it, at its end, and a second after that; a deployment has no replicas meanwhile.
func TestRestartsBeforeAndAtTheEndAreKeptApart(t *testing.T) {
	const second = 1 / 60.0
	s := fleet(57, 12, 1)
	for n, at := range []float64{-3, -3, -2.9, -3, -3, -3, 2 + second, 0.5, 1.5, 1.5, 1.5, 1.5} {
		s.Targets[n].Restarts = []promtest.Restart{{At: minute(at)}}
	}
	s.Targets[0].Restarts = append(s.Targets[0].Restarts, promtest.Restart{At: minute(5)}) // much later
	server := promtest.Start(t)
	if err := server.LoadService(s); err != nil {
		t.Fatal(err)
	}
	replicas := `kube_deployment_spec_replicas{namespace="web",deployment="store"} ` +
		"12x299 0x4 12x116" // a value every 30 s: none from noon until two minutes later
	if err := server.Load(s.Start, 30*time.Second, replicas); err != nil {
		t.Fatal(err)
	}
	client := newClient(t, server.URL())
	collect := evidence.New(evidence.Options{
		Open:     func(_ string, n int) evidence.Prometheus { return client.Bounded(n) },
		Interval: 5 * time.Second, Newest: func() time.Time { return minute(10) },
	})
	e := collect(t.Context(), alert.Incident{ID: "a", Windows: []alert.Window{{
		Objective: objective().Objective, Kind: alert.Burn, Onset: noon, Detected: minute(1), Ended: minute(2), Counts: slo.Counts{Total: 1000, Bad: 100},
	}}})
	var got []string
	for _, r := range e.Timeline {
		if strings.Contains(r.Text, "started") || strings.Contains(r.Text, "Deployment") {
			got = append(got, r.Time.Format(time.TimeOnly)+" "+r.Text)
		}
	}
	want := []string{
		"11:57:00 Job store: 6 targets started: 10.1.0.0:80, 10.1.0.1:80, 10.1.0.3:80 and 3 others; the last 6 seconds later",
		"12:00:30 Job store: target 10.1.0.7:80 started",
		"12:01:30 Job store: 5 targets started: 10.1.0.10:80, 10.1.0.11:80, 10.1.0.8:80 and 2 others; the last 31 seconds later",
		"12:00:00 Deployment store scaled from 12 to 0 replicas",
		"12:02:30 Deployment store scaled from 0 to 12 replicas",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s\nnot found out: %q", diff, e.Unresolved)
	}
	text := fmt.Sprint(e.Timeline)
	if strings.Contains(text, "12:05") {
		t.Errorf("it tells of what came long after: %s", text)
	}
	if issue.LookPast(5*time.Second) != 2*time.Minute || issue.LookPast(time.Minute) != 5*time.Minute {
		t.Error("what is past the end is looked for over another time than documented")
	}
}
