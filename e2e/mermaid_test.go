//go:build e2e

package e2e

import (
	"cmp"
	_ "embed"
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
)

//go:embed mermaid.html
var chartsPage []byte

// drawing is a chart of a golden post-mortem, as its source has it.
type drawing struct {
	Name   string `json:"name"`
	Source string `json:"source"`
}

// drawn is what the browser made of it.
type drawn struct {
	Error    string
	Text     string       // all that is written in the picture
	Ratios   [][2]float64 // points of the error ratio, in pixels from the top left
	Target   [][2]float64 // points of the target
	Bars     int          // a bar for nothing has some height, too
	Visible  string       // the target's colour
	Labels   []string     // of the time axis
	Touching bool         // labels of the time axis, nearly
}

var (
	fenced   = regexp.MustCompile("(?s)\n```mermaid\n(.*?)\n```\n")
	axis     = regexp.MustCompile(`(?m)^ +x-axis "[^"]*" (\[.*\])$`)
	title    = regexp.MustCompile(`(?m)^ +title "(.*)"$`)
	ratiosOf = regexp.MustCompile(`(?m)^ +y-axis .*\n +line (\[.*\])$`)
	targetOf = regexp.MustCompile(`(?m)^ +line .*\n +line (\[.*\])$`)
)

// TestMermaidDrawsTheCharts has Mermaid draw the charts of all golden post-mortems in Chromium.
func TestMermaidDrawsTheCharts(t *testing.T) {
	t.Parallel()
	var charts []drawing
	for _, pattern := range []string{"../cmd/postburn/testdata/issues/*.md", "../issue/postmortem/testdata/*.md"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %d files: %v", pattern, len(files), err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, found := range fenced.FindAllStringSubmatch(string(text), -1) {
				charts = append(charts, drawing{file, found[1]})
			}
		}
	}
	if len(charts) < 8 {
		t.Fatalf("only %d charts", len(charts))
	}
	for i, d := range draw(t, charts) {
		t.Run(filepath.Base(charts[i].Name), func(t *testing.T) { d.verify(t, charts[i].Source) })
	}
}

// TestMermaidFails shows that a chart which Mermaid can't draw is found out.
func TestMermaidFails(t *testing.T) {
	t.Parallel()
	found := draw(t, []drawing{
		{"bad", "xychart-beta\n    x-axis [a, b]\n    line [NaN, 1e-7]"},
		{"good", "xychart-beta\n    x-axis [\"a\", \"b\"]\n    line [1, 2]\n    line [1, 1]"},
	})
	if found[0].Error == "" || found[1].Error != "" || len(found[1].Ratios) != 2 {
		t.Errorf("%+v", found)
	}
}

func (d drawn) verify(t *testing.T, source string) {
	if d.Error != "" || strings.Contains(strings.ToLower(d.Text), "syntax error") {
		t.Fatalf("not drawn: %s%s\n%s", d.Error, d.Text, source)
	}
	labels, ratios, target := listed[string](t, axis, source), listed[float64](t, ratiosOf, source), listed[float64](t, targetOf, source)
	if diff := gocmp.Diff(labels, d.Labels); diff != "" {
		t.Errorf("labels of the time axis:\n%s", diff)
	}
	if d.Touching {
		t.Error("labels of the time axis touch")
	}
	if name := title.FindStringSubmatch(source); name == nil || !strings.Contains(d.Text, name[1]) {
		t.Errorf("no title %q", name)
	}
	if len(d.Ratios) != len(ratios) || d.Bars > 0 {
		t.Fatalf("%d points of %d, and %d bars", len(d.Ratios), len(ratios), d.Bars)
	}
	height := func(p [2]float64) float64 { return -p[1] }
	byHeight := func(a, b [2]float64) int { return cmp.Compare(height(a), height(b)) }
	none, most, highest := height(slices.MinFunc(d.Ratios, byHeight)), height(slices.MaxFunc(d.Ratios, byHeight)), slices.Max(ratios)
	for i, p := range d.Ratios {
		if want := none + (most-none)*ratios[i]/highest; slices.Min(ratios) != 0 || math.Abs(height(p)-want) > 0.5 {
			t.Errorf("point %d, of %v, is at %v pixels, not %v", i, ratios[i], height(p), want)
		}
	}
	if len(d.Target) != len(target) || d.Visible == "" || d.Visible == "none" {
		t.Fatalf("the target has %d points of %d, colour %q", len(d.Target), len(target), d.Visible)
	}
	for i, p := range d.Target {
		if target[i] == target[0] && p[1] != d.Target[0][1] || i > 0 && p[0] <= d.Target[i-1][0] {
			t.Errorf("the target is not level: %v", d.Target)
		}
	}
}

func listed[T any](t *testing.T, pattern *regexp.Regexp, source string) (list []T) {
	t.Helper()
	found := pattern.FindStringSubmatch(source)
	if found == nil {
		t.Fatalf("no %s in\n%s", pattern, source)
	}
	if err := json.Unmarshal([]byte(found[1]), &list); err != nil {
		t.Fatal(err)
	}
	return list
}

// draw has Chromium draw charts on a page served for it, and returns the page's report. With
// CHARTS_PNG=FILE it takes a picture, too.
func draw(t *testing.T, charts []drawing) []drawn {
	t.Helper()
	script := mermaidScript(t)
	reports := make(chan []drawn, 1)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(chartsPage) })
	mux.HandleFunc("GET /mermaid.js", func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, script) })
	mux.HandleFunc("GET /charts.json", func(w http.ResponseWriter, _ *http.Request) { _ = json.NewEncoder(w).Encode(charts) })
	mux.HandleFunc("POST /found", func(_ http.ResponseWriter, r *http.Request) {
		var found []drawn
		if err := json.NewDecoder(r.Body).Decode(&found); err != nil {
			t.Errorf("reading the page's report: %v", err)
		}
		select {
		case reports <- found:
		default:
		}
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	var more []string
	if file := os.Getenv("CHARTS_PNG"); file != "" {
		more = []string{"--screenshot=" + file, "--window-size=960," + strconv.Itoa(400*len(charts)), "--virtual-time-budget=60000"}
	}
	_, ended := chromium(t, server.URL, more...)
	var found []drawn
	select {
	case found = <-reports:
	case err := <-ended:
		t.Fatalf("chromium ended: %v", err)
	case <-time.After(2 * time.Minute):
		t.Fatal("no report after 2 minutes")
	}
	if len(more) > 0 {
		<-ended
	}
	if len(found) != len(charts) {
		t.Fatalf("%d charts of %d", len(found), len(charts))
	}
	return found
}

// mermaidScript is where `make setup` put Mermaid.
func mermaidScript(t *testing.T) string { return cached(t, "mermaid-*.min.js") }

// cached is the newest file of a name that `make setup` fetched.
func cached(t *testing.T, name string) string {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	found, err := filepath.Glob(filepath.Join(cache, "postburn", name))
	if err == nil && len(found) == 0 {
		err = errors.New("`make setup` fetches it")
	}
	if err != nil {
		t.Fatalf("looking for %s: %v", name, err)
	}
	return found[len(found)-1]
}
