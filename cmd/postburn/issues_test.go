package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/sethvargo/go-envconfig"

	"github.com/postburn/postburn/slo/prom/promtest"
)

var update = flag.Bool("update", false, "write the golden files anew")

// monday is a day in the past; all histories are around its hours.
var monday = time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)

func clock(text string) time.Time {
	t, err := time.Parse("15:04:05", text)
	if err != nil {
		panic(err)
	}
	return monday.Add(t.Sub(time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC)))
}

// between reports whether from <= t < to, both given as times of the day.
func between(t time.Time, from, to string) bool { return !t.Before(clock(from)) && t.Before(clock(to)) }

// shop has six pods in two zones that serve three routes, for some hours, without any fault.
func shop() promtest.Service {
	s := promtest.Service{
		Job: "shop", Start: clock("06:00:00"), End: clock("14:00:00"), Scrape: 15 * time.Second,
		Routes: map[string]float64{"/": 3, "/cart": 2, "/checkout": 0.5},
	}
	for n := range 6 {
		s.Targets = append(s.Targets, promtest.Target{
			Instance: fmt.Sprintf("10.0.0.%d:8080", n+1), Version: "1.8.3",
			Labels: map[string]string{"pod": fmt.Sprintf("shop-%c", 'a'+n), "zone": fmt.Sprintf("eu-%d", n%2+1), "namespace": "shop"},
		})
	}
	return s
}

const shopSLO = `
slos:
  - name: shop-availability
    service: shop
    description: Requests to the shop succeed.
    owner: "@acme/shop"
    target: 99.9%
    indicator:
      ratio:
        bad: http_requests_total{job="shop",code=~"5.."}
        total: http_requests_total{job="shop"}
`

// history is what Prometheus holds, and the SLO file over which it is replayed.
type history struct {
	services []promtest.Service
	series   string // more of them, a value each 15 s from monday on
	slos     string
	start    time.Time
	end      time.Time
	interval string
	want     int // incidents
}

func day(s promtest.Service) history {
	return history{services: []promtest.Service{s}, slos: shopSLO, start: clock("08:30:00"), end: clock("13:30:00"), interval: "30s", want: 1}
}

// histories are complete post-mortems, made by `postburn replay --issues`. Read testdata/issues as
// the person on call would.
func histories() map[string]func() history {
	return map[string]func() history{
		"outage-that-degrades": func() history {
			s := shop()
			s.Fails = func(at time.Time, _ promtest.Target, _ string) float64 {
				switch {
				case between(at, "10:00:00", "10:17:00"):
					return 0.98
				case between(at, "10:17:00", "10:41:00"):
					return 0.05
				case between(at, "09:05:00", "09:06:00"):
					return 0.01
				}
				return 0
			}
			return day(s)
		},
		"blind-in-the-middle": func() history {
			s := shop()
			s.Fails = func(at time.Time, _ promtest.Target, _ string) float64 {
				if between(at, "10:00:00", "10:40:00") {
					return 0.3
				}
				return 0
			}
			s.Unscraped = func(at time.Time) bool { return between(at, "10:12:00", "10:25:00") }
			return day(s)
		},
		"no-data": func() history {
			s := shop()
			for n := range s.Targets {
				s.Targets[n].Down = [2]time.Time{clock("10:00:00"), clock("10:42:00")}
			}
			h := day(s)
			h.slos = "defaults: {incident: {blind: {after: 15m, issue: true}}}" + shopSLO + `
  - name: shop-cart
    service: shop
    target: 99.9%
    indicator:
      ratio:
        bad: http_requests_total{job="shop",route="/cart",code=~"5.."}
        total: http_requests_total{job="shop",route="/cart"}
`
			return h
		},
		"one-pod": func() history {
			s := shop()
			s.Fails = func(at time.Time, t promtest.Target, _ string) float64 {
				if t.Labels["pod"] == "shop-c" && between(at, "11:00:00", "11:30:00") {
					return 0.9
				}
				return 0
			}
			s.Targets[2].Restarts = []promtest.Restart{{At: clock("10:52:10")}, {At: clock("11:29:30")}}
			h := day(s)
			h.series = `ALERTS{alertname="ShopErrors",job="shop",alertstate="firing",severity="page"} _x2661 1x90
ALERTS{alertname="Watchdog",alertstate="firing"} 1x5760
`
			return h
		},
		"one-route-after-a-new-version": func() history {
			s := shop()
			for n := range s.Targets {
				s.Targets[n].Restarts = []promtest.Restart{
					{At: clock("09:56:00").Add(time.Duration(n) * 20 * time.Second), Version: "1.9.0"},
					{At: clock("10:30:00").Add(time.Duration(n) * 20 * time.Second), Version: "1.8.3"},
				}
			}
			s.Fails = func(at time.Time, t promtest.Target, route string) float64 {
				if route == "/checkout" && at.After(t.Restarts[0].At) && at.Before(t.Restarts[1].At) {
					return 0.6
				}
				return 0
			}
			return day(s)
		},
		"surge": func() history {
			s := shop()
			s.Traffic = func(at time.Time) float64 {
				if between(at, "12:00:00", "12:20:00") {
					return 6
				}
				return 1
			}
			s.Fails = func(at time.Time, _ promtest.Target, _ string) float64 {
				if between(at, "12:00:30", "12:20:00") {
					return 0.35
				}
				return 0
			}
			h := day(s)
			h.slos += "    evidence: {queries: {Messages waiting in the queue: max(queue_depth)}}\n"
			// the surge begins at the 2880th value
			h.series = "queue_depth 10x50 14+0x2830 20+48x70 3400-100x33 12x2000\n"
			return h
		},
		"slow-burn": func() history {
			s := shop()
			s.Scrape, s.Start, s.End = time.Minute, monday.AddDate(0, 0, -2), monday.AddDate(0, 0, 3)
			s.Fails = func(at time.Time, t promtest.Target, _ string) float64 {
				if t.Labels["zone"] == "eu-2" && !at.Before(monday) && at.Before(monday.AddDate(0, 0, 2)) {
					return 0.005
				}
				return 0
			}
			h := day(s)
			h.start, h.end, h.interval = monday.AddDate(0, 0, -1), s.End, "1m"
			return h
		},
		"latency-breach": func() history {
			s := shop()
			s.Latency = &promtest.Latency{Slow: func(at time.Time, t promtest.Target, route string) float64 {
				switch {
				case t.Labels["zone"] == "eu-1" && route != "/" && between(at, "10:05:00", "10:50:00"):
					return 0.6
				case at.Minute()%10 == 0:
					return 0.002
				}
				return 0
			}}
			s.Scrape, s.Start = time.Minute, s.Start.AddDate(0, 0, -7)
			h := day(s)
			h.interval = "1m"
			h.slos = `
slos:
  - name: shop-latency
    service: shop
    description: The shop answers within 500 ms.
    owner: "@acme/shop"
    target: 99.5%
    indicator:
      latency:
        histogram: http_request_duration_seconds{job="shop"}
        threshold: 500ms
`
			return h
		},
		"three-objectives": func() history {
			s := shop()
			s.Fails = func(at time.Time, _ promtest.Target, route string) float64 {
				switch {
				case route == "/checkout" && between(at, "10:00:00", "10:20:00"):
					return 1
				case route == "/cart" && between(at, "10:03:00", "10:20:00"):
					return 0.4
				case route == "/" && between(at, "10:05:00", "10:15:00"):
					return 0.1
				}
				return 0
			}
			h := day(s)
			h.slos = "slos:\n"
			for _, name := range []string{"front", "cart", "checkout"} {
				route := "/" + strings.TrimPrefix(name, "front")
				h.slos += fmt.Sprintf(`
  - name: shop-%s
    service: shop
    owner: "@acme/shop"
    target: 99.9%%
    indicator:
      ratio:
        bad: http_requests_total{job="shop",route=%q,code=~"5.."}
        total: http_requests_total{job="shop",route=%q}
`, name, route, route)
			}
			return h
		},
	}
}

// replayIssues runs `postburn replay --issues` and returns the folder.
func (h history) replayIssues(t *testing.T) string {
	t.Helper()
	server := promtest.Start(t)
	for _, s := range h.services {
		if err := server.LoadService(s); err != nil {
			t.Fatal(err)
		}
	}
	if err := server.Load(monday, 15*time.Second, h.series); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "slos.yaml")
	if err := os.WriteFile(file, []byte(h.slos), 0o666); err != nil {
		t.Fatal(err)
	}
	var stdout, stderr bytes.Buffer
	err := run(t.Context(), []string{
		"--prometheus", server.URL(), "replay", "--no-cache", "--start", h.start.Format(time.RFC3339), "--end", h.end.Format(time.RFC3339),
		"--issues", filepath.Join(dir, "issues"), file,
	}, envconfig.MapLookuper(map[string]string{"POSTBURN_INTERVAL": h.interval}), &stdout, &stderr)
	if err != nil {
		t.Fatalf("%v\n%s", err, stderr.String())
	}
	return filepath.Join(dir, "issues")
}

func TestReplayedPostMortems(t *testing.T) {
	for name, build := range histories() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := build()
			dir := h.replayIssues(t)
			files, err := filepath.Glob(filepath.Join(dir, "*.md"))
			if err != nil {
				t.Fatal(err)
			}
			if len(files) != h.want {
				t.Errorf("%d post-mortems, want %d: %v", len(files), h.want, files)
			}
			for n, file := range files {
				got, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				golden := filepath.Join("testdata", "issues", fmt.Sprintf("%s.md", name))
				if n > 0 {
					golden = filepath.Join("testdata", "issues", fmt.Sprintf("%s-%d.md", name, n+1))
				}
				compareGolden(t, golden, string(got))
			}
		})
	}
}

func compareGolden(t *testing.T, golden, got string) {
	t.Helper()
	if *update {
		if err := os.MkdirAll(filepath.Dir(golden), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("run with -update and read the golden file:\n%s", diff)
	}
	for _, bad := range []string{"(?i)human error", "(?i)root cause", `(?m)[ \t]$`, "NaN|Inf|%!|<nil>", `[0-9]e[-+][0-9]`, `(?m)^[A-Z][^|\n]*[a-z,]\n[a-z]`} {
		if m := regexp.MustCompile(bad).FindString(got); m != "" {
			t.Errorf("the text says %q", m)
		}
	}
}

func TestAPostMortemThatIsThereIsNotOverwritten(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.md")
	for _, step := range []struct {
		content, want, wantErr string
	}{
		{"one", "one", ""},
		{"one", "one", ""},
		{"two", "one", path + " is there and says something else; it was left as it is"},
	} {
		err := writeNew(path, []byte(step.content))
		if got := fmt.Sprint(err); got != step.wantErr && (err != nil || step.wantErr != "") {
			t.Errorf("writing %q: %v, want %q", step.content, err, step.wantErr)
		}
		if got, _ := os.ReadFile(path); string(got) != step.want {
			t.Errorf("after writing %q it holds %q", step.content, got)
		}
	}
}
