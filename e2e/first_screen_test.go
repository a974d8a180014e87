//go:build e2e

package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/postburn/postburn/issue/github/githubtest"
	"github.com/postburn/postburn/slo/prom/promtest"
)

// A phone's screen, in pixels.
const phoneWidth, phoneHeight = 400, 800

// question is one that people have in the first minute, and how the issue's first screen answers it
// while the incident goes on and once it is over; docs/templates.md has a table of them.
type question struct{ asked, burning, over string }

var questions = []question{
	{"What is hit, and how badly?", `checkout has failed some requests for .* so far: [\d,]+ of [\d,]+ requests have failed \([\d.]+ %\)`,
		`checkout failed some requests for .*: [\d,]+ of [\d,]+ requests failed \([\d.]+ %\)`},
	{"How much budget is left?", `spending [\d.]+ % of the 1-hour error budget; [\d.]+ % is left, enough for .* at this pace`,
		`spending [\d.]+ % of the 1-hour error budget; (?:[\d.]+ %|none) was left`},
	{"Is it severity 1?", `, severity 1, `, `, severity 1, `},
	{"Since when?", `, since \d\d:\d\d:\d\d UTC on \d{4}-\d\d-\d\d`, `, from \d\d:\d\d:\d\d to \d\d:\d\d:\d\d UTC on \d{4}-\d\d-\d\d`},
	{"Is it still going on, and how badly?", `^Burning, .*; [\d.]+ % of requests failed in the .* until \d\d:\d\d:\d\d$`, `^Over, `},
	{"Where: which route, which pods?", `^Where: (?:all|[\d.]+ %) of it on .*2 of 20 pods \(checkout-c, checkout-d\)`, `^Where: (?:all|[\d.]+ %) of it on .*2 of 20 pods \(checkout-c, checkout-d\)`},
	{"What changed just before?", `2\d seconds before: Job checkout: version 1\.9\.0 appeared; before, it was 1\.8\.3`, `2\d seconds before: Job checkout: version 1\.9\.0 appeared; before, it was 1\.8\.3`},
	{"What do I open next?", `^Open next: this incident's page · error ratio in Prometheus · dashboard · runbook$`, `^Open next: this incident's page · error ratio in Prometheus · dashboard · runbook$`},
	{"Where are the numbers of now?", `^Newer numbers: on the page, and in postburn's comment below$`, `^Over, `},
	{"Who is on it?", `^Owner: @.*acme/checkout. On it\? Assign yourself.$`, `^Owner: @.*acme/checkout$`},
}

// TestFirstScreen has a real incident begin and end, and reads its issue on a phone: each question
// of the first minute is answered without scrolling, while it burns and once it is over. With
// SCREENSHOTS=DIR it keeps pictures.
func TestFirstScreen(t *testing.T) {
	t.Parallel()
	documented, err := os.ReadFile("../docs/templates.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, q := range questions {
		if !strings.Contains(string(documented), "| "+q.asked+" |") {
			t.Errorf("docs/templates.md does not say where %q is answered", q.asked)
		}
	}
	prometheus := promtest.Start(t)
	if err := prometheus.LoadService(badRollout(time.Now().Truncate(time.Second))); err != nil {
		t.Fatal(err)
	}
	server, env := newGitHub(t)
	p := newPostburn(t, prometheus.URL(), rolloutSLO, append(env,
		"POSTBURN_INTERVAL=1s", "POSTBURN_DELAY=2s", "POSTBURN_EXTERNAL_URL=https://postburn.example.org",
		"POSTBURN_PROMETHEUS_EXTERNAL_URL=https://prometheus.example.org")...)
	p.start()
	awaitText := func(status, text string) (i githubtest.Issue) {
		t.Helper()
		await(t, 3*time.Minute, text, func() error {
			for _, i = range issues(server) {
				if strings.Contains(i.Body, text) && slices.Contains(i.Labels, status) && len(i.Labels) == 4 {
					return nil
				}
			}
			return errors.Join(errNotYet, p.alive())
		})
		return i
	}
	burning := awaitText("status:burning", "**Burning**")
	over := awaitText("status:recovered", "**Over**")
	read := onPhone(t, "issue-burning.png", burning)
	for _, q := range questions {
		read.answers(t, "burning", q.asked, q.burning)
	}
	read = onPhone(t, "issue-over.png", over)
	for _, q := range questions {
		read.answers(t, "over", q.asked, q.over)
	}
	if read.answered(`postburn wrote this part from what Prometheus recorded`) && read.answered(`How it was resolved`) {
		t.Error("all of the issue is on the first screen: the test can't fail")
	}
}

const rolloutSLO = `
defaults: {window: 1h, owner: "@acme/checkout"}
slos:
  - name: checkout-availability
    service: checkout
    description: Checkout requests succeed.
    target: 99.9%
    indicator:
      ratio:
        bad: http_requests_total{job="checkout",code=~"5.."}
        total: http_requests_total{job="checkout"}
    incident:
      burn: [{rate: 5, long: 10s, short: 3s}]
      hold: 5s
      severity: {1: {budget_spent: 1%}}
      budget: false
    links: {runbook: "https://wiki.example.org/checkout", dashboard: "https://grafana.example.org/d/checkout"}
`

// badRollout is an hour of 20 pods. Two of them get a version half a minute before now
// that fails all requests to one route from now on, until it is taken back.
func badRollout(now time.Time) promtest.Service {
	from, until := now, now.Add(40*time.Second)
	s := promtest.Service{
		Job: "checkout", Start: now.Add(-65 * time.Minute), End: now.Add(10 * time.Minute), Scrape: time.Second,
		Routes: map[string]float64{"/cart": 6, "/pay": 10, "/items": 4},
	}
	for n := range 20 {
		target := promtest.Target{
			Instance: fmt.Sprintf("10.0.0.%d:8080", n+1), Version: "1.8.3", Labels: map[string]string{"pod": fmt.Sprintf("checkout-%c", 'a'+n)},
		}
		if n == 2 || n == 3 {
			target.Restarts = []promtest.Restart{{At: from.Add(-25 * time.Second), Version: "1.9.0"}, {At: until, Version: "1.8.3"}}
		}
		s.Targets = append(s.Targets, target)
	}
	s.Fails = func(at time.Time, target promtest.Target, route string) float64 {
		if route == "/pay" && len(target.Restarts) > 0 && at.After(from) && !at.After(until) {
			return 1
		}
		return 0
	}
	return s
}

// screen is what a browser shows of a page.
type screen struct {
	Width, Across int
	Wide          []string // what is wider than the screen
	Blocks        []struct {
		Text   string
		Bottom float64
	}
}

// onPhone shows an issue as GitHub does on a phone, and reads what is there.
func onPhone(t *testing.T, picture string, i githubtest.Issue) (read screen) {
	t.Helper()
	page := gitHubPage{Title: i.Title, Labels: slices.Sorted(slices.Values(i.Labels)), Author: "postburn-robot", Did: "opened", Charts: true}
	address := page.serve(t, i.Body) + "/phone"
	document, console := browse(t, address)
	_, rest, ok := strings.Cut(document, `<script id="measured" type="application/json">`)
	measured, _, _ := strings.Cut(rest, "</script>")
	if err := json.Unmarshal([]byte(measured), &read); err != nil || !ok {
		t.Fatalf("reading what was measured: %v; console %q", err, console)
	}
	if read.Width != phoneWidth || read.Across > phoneWidth {
		t.Errorf("%s: the screen is %d pixels wide, the page %d: %q", picture, read.Width, read.Across, read.Wide)
	}
	dir := os.Getenv("SCREENSHOTS")
	if dir == "" {
		dir = t.TempDir()
	}
	photographAt(t, filepath.Join(dir, picture), address, phoneWidth, phoneHeight)
	return read
}

// answered reports whether a text is on the first screen.
func (s screen) answered(pattern string) bool {
	answer := regexp.MustCompile(pattern)
	for _, b := range s.Blocks {
		if b.Bottom <= phoneHeight && answer.MatchString(strings.Join(strings.Fields(b.Text), " ")) {
			return true
		}
	}
	return false
}

func (s screen) answers(t *testing.T, state, asked, pattern string) {
	t.Helper()
	if s.answered(pattern) {
		return
	}
	var all []string
	for _, b := range s.Blocks {
		all = append(all, fmt.Sprintf("%4.0f %s", b.Bottom, b.Text))
	}
	t.Errorf("%s: %s is not answered by %s:\n%s", state, asked, pattern, strings.Join(all[:min(len(all), 20)], "\n"))
}
