//go:build e2e

package e2e

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"html/template"
	"image/png"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/renderer/html"

	"github.com/postburn/postburn/issue/github/githubtest"
	"github.com/postburn/postburn/slo/prom/promtest"
)

//go:embed issue.html
var issuePage string

//go:embed phone.html
var phonePage string

// maxPicture is how large a picture of docs/images may be, in bytes.
const maxPicture = 200 << 10

// TestScreenshots takes the pictures of docs: an issue that postburn opens for a bad deploy and the
// action's comment on a pull request, as GitHub shows them, and the incident's pages. `make
// screenshots` sets SCREENSHOTS=DIR, the folder to write them into.
func TestScreenshots(t *testing.T) {
	t.Parallel()
	dir := os.Getenv("SCREENSHOTS")
	if dir == "" {
		dir = t.TempDir()
	}
	prometheus := promtest.Start(t)
	for _, s := range shopsThatDeploy(time.Now().Truncate(30 * time.Second)) {
		if err := prometheus.LoadService(s); err != nil {
			t.Fatal(err)
		}
	}
	server, env := newGitHub(t)
	p := newPostburn(t, prometheus.URL(), shopSLOs, append(env,
		"POSTBURN_INTERVAL=30s", "POSTBURN_DELAY=5s", "POSTBURN_EXTERNAL_URL=https://postburn.example.org")...)
	p.start()
	await(t, 3*time.Minute, "the issue", func() error {
		all := issues(server)
		if len(all) == 0 || !strings.Contains(all[0].Body, "1.9.0 appeared") {
			return errors.Join(errNotYet, p.alive())
		}
		return nil
	})
	i := issues(server)[0]
	incidents, err := p.incidents()
	if err != nil || len(incidents) != 1 {
		t.Fatalf("%d incidents, %v", len(incidents), err)
	}
	for name, picture := range map[string]struct {
		url    string
		height int
	}{
		"issue.png":    {showIssue(t, i), 1240},
		"comment.png":  {showComment(t), 920},
		"overview.png": {p.url + "/", 900},
		"incident.png": {p.url + "/incidents/" + incidents[0].ID, 1000},
	} {
		photograph(t, filepath.Join(dir, name), picture.url, picture.height)
	}
	photograph(t, filepath.Join(dir, "report.png"), reportFile(t), 900)
}

const shopSLOs = `
defaults: {window: 7d, owner: "@acme/checkout"}
slos:
  - name: checkout-availability
    service: checkout
    description: Checkout requests succeed.
    target: 99.9%
    indicator:
      ratio:
        bad: http_requests_total{job="checkout",code=~"5.."}
        total: http_requests_total{job="checkout"}
    links: {runbook: "https://wiki.example.org/checkout"}
  - name: checkout-latency
    service: checkout
    description: Checkout answers within 500 ms.
    target: 99%
    indicator:
      latency:
        histogram: http_request_duration_seconds{job="checkout"}
        threshold: 500ms
  - name: search-availability
    service: search
    description: Searches succeed.
    owner: "@acme/search"
    target: 99.5%
    indicator:
      ratio:
        bad: http_requests_total{job="search",code=~"5.."}
        total: http_requests_total{job="search"}
`

// shopsThatDeploy are a week of two services. One of them rolls out a version 25 minutes before now
// with which half of the requests to one route fail; it goes on doing so.
func shopsThatDeploy(now time.Time) []promtest.Service {
	deploy := now.Add(-25 * time.Minute)
	shop := func(job string, seed uint64) promtest.Service {
		s := promtest.Service{
			Job: job, Start: now.AddDate(0, 0, -8), End: now.Add(30 * time.Minute), Scrape: 30 * time.Second,
			Routes: map[string]float64{"/cart": 6, "/pay": 2, "/items": 12},
			Fails:  func(time.Time, promtest.Target, string) float64 { return 0.0003 },
			Random: rand.New(rand.NewPCG(seed, seed)),
		}
		for n := range 3 {
			s.Targets = append(s.Targets, promtest.Target{
				Instance: fmt.Sprintf("10.0.%d.%d:8080", seed, n+1), Version: "1.8.3",
				Labels: map[string]string{"pod": fmt.Sprintf("%s-%c", job, 'a'+n)},
			})
		}
		return s
	}
	checkout := shop("checkout", 1)
	checkout.Latency = &promtest.Latency{Slow: func(time.Time, promtest.Target, string) float64 { return 0.003 }}
	for n := range checkout.Targets {
		at := deploy.Add(time.Duration(n) * 30 * time.Second)
		checkout.Targets[n].Restarts = []promtest.Restart{{At: at, Version: "1.9.0"}}
	}
	checkout.Fails = func(at time.Time, target promtest.Target, route string) float64 {
		if route == "/pay" && at.After(target.Restarts[0].At) {
			return 0.5
		}
		return 0.0003
	}
	return []promtest.Service{checkout, shop("search", 2)}
}

// showIssue serves an issue as GitHub would show it, and returns where.
func showIssue(t *testing.T, i githubtest.Issue) (address string) {
	t.Helper()
	address = gitHubPage{
		Title: i.Title, Labels: slices.Sorted(slices.Values(i.Labels)), Author: "postburn-robot", Did: "opened", Charts: true,
	}.serve(t, i.Body)
	if document, console := browse(t, address); !regexp.MustCompile(`<svg[^>]* class="[^"]*mermaid|<svg id="mermaid`).MatchString(document) {
		t.Errorf("Chromium drew no chart: %q", console)
	}
	return address
}

// showComment has the action review a change of an SLO file, and serves its comment.
func showComment(t *testing.T) (address string) {
	t.Helper()
	prometheus := promtest.Start(t)
	now := time.Now().Truncate(time.Hour)
	for _, s := range shopsWithBadDays(now) {
		if err := prometheus.LoadService(s); err != nil {
			t.Fatal(err)
		}
	}
	p := newPullRequestFor(t, prometheus.URL(), "7d", strings.Replace(shopSLOs, "target: 99.9%", "target: 99%", 1))
	p.commit(shopSLOs)
	return gitHubPage{Title: actionTitle, Author: "github-actions", Badges: []string{"bot"}, Did: "commented"}.serve(t, p.reviewed(0))
}

// shopsWithBadDays are a week of two services. One of them failed badly for 20 minutes, a little
// for an hour, and a little more, slowly, for half a day.
func shopsWithBadDays(now time.Time) []promtest.Service {
	all := shopsThatDeploy(now.Add(30 * time.Minute)) // the deploy is yet to come
	for i := range all {
		all[i].End = now
		for n := range all[i].Targets {
			all[i].Targets[n].Restarts = nil
		}
	}
	all[0].Fails = func(at time.Time, _ promtest.Target, _ string) float64 {
		for _, bad := range []struct {
			ago, length time.Duration
			share       float64
		}{
			{140 * time.Hour, 20 * time.Minute, 0.3},
			{75 * time.Hour, time.Hour, 0.04},
			{30 * time.Hour, 12 * time.Hour, 0.008},
		} {
			if from := now.Add(-bad.ago); at.After(from) && at.Before(from.Add(bad.length)) {
				return bad.share
			}
		}
		return 0.0002
	}
	return all
}

// gitHubPage is an issue or a comment as GitHub shows it.
type gitHubPage struct {
	Title, Author, Did string
	Labels, Badges     []string
	Charts             bool // it has Mermaid charts
	Body               template.HTML
}

// serve serves the page with a text, and returns where.
func (g gitHubPage) serve(t *testing.T, text string) (address string) {
	t.Helper()
	var body bytes.Buffer
	// Texts hold `details`, and nothing untrusted in them is HTML: GitHub renders them, too.
	md := goldmark.New(goldmark.WithExtensions(extension.GFM), goldmark.WithRendererOptions(html.WithUnsafe()))
	if err := md.Convert([]byte(text), &body); err != nil {
		t.Fatal(err)
	}
	g.Body = template.HTML(body.String())
	var page bytes.Buffer
	if err := template.Must(template.New("").Parse(issuePage)).Execute(&page, g); err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(page.Bytes()) })
	mux.HandleFunc("GET /phone", func(w http.ResponseWriter, _ *http.Request) {
		_ = template.Must(template.New("").Parse(phonePage)).Execute(w, map[string]int{"Width": phoneWidth, "Height": phoneHeight})
	})
	if g.Charts {
		script := mermaidScript(t)
		mux.HandleFunc("GET /mermaid.js", func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, script) })
	}
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s.URL
}

// photograph has Chromium write a picture of a page. It fails if the picture has hardly any
// colours, or is too large for a repository.
func photograph(t *testing.T, file, address string, height int) {
	t.Helper()
	photographAt(t, file, address, 1040, height)
}

func photographAt(t *testing.T, file, address string, width, height int) {
	t.Helper()
	browser := headless(t.Context(), t, "--screenshot="+file, fmt.Sprintf("--window-size=%d,%d", width, height),
		"--hide-scrollbars", "--virtual-time-budget=10000", address)
	if out, err := browser.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	picture, err := png.Decode(bytes.NewReader(content))
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	colours := map[any]bool{}
	for x := range picture.Bounds().Dx() {
		for y := 0; y < picture.Bounds().Dy(); y += 3 {
			colours[picture.At(x, y)] = true
		}
	}
	if picture.Bounds().Dx() != width || len(colours) < 10 || len(content) > maxPicture {
		t.Errorf("%s is %v with %d colours, %d bytes", file, picture.Bounds(), len(colours), len(content))
	}
}
