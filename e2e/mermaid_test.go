//go:build e2e

package e2e

import (
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

	"github.com/google/go-cmp/cmp"
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
	Bars     []float64    // heights in pixels
	Line     [][2]float64 // points in pixels
	Visible  string       // the line's colour
	Labels   []string     // of the time axis
	Touching bool         // labels of the time axis, nearly
}

var (
	fenced   = regexp.MustCompile("(?s)\n```mermaid\n(.*?)\n```\n")
	axis     = regexp.MustCompile(`(?m)^ +x-axis "[^"]*" (\[.*\])$`)
	title    = regexp.MustCompile(`(?m)^ +title "(.*)"$`)
	barsOf   = regexp.MustCompile(`(?m)^ +bar (\[.*\])$`)
	targetOf = regexp.MustCompile(`(?m)^ +line (\[.*\])$`)
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
		{"bad", "xychart-beta\n    x-axis [a, b]\n    bar [NaN, 1e-7]"},
		{"good", "xychart-beta\n    x-axis [\"a\", \"b\"]\n    bar [1, 2]\n    line [1, 1]"},
	})
	if found[0].Error == "" || found[1].Error != "" || len(found[1].Bars) != 2 {
		t.Errorf("%+v", found)
	}
}

func (d drawn) verify(t *testing.T, source string) {
	if d.Error != "" || strings.Contains(strings.ToLower(d.Text), "syntax error") {
		t.Fatalf("not drawn: %s%s\n%s", d.Error, d.Text, source)
	}
	labels, bars, target := listed[string](t, axis, source), listed[float64](t, barsOf, source), listed[float64](t, targetOf, source)
	if diff := cmp.Diff(labels, d.Labels); diff != "" {
		t.Errorf("labels of the time axis:\n%s", diff)
	}
	if d.Touching {
		t.Error("labels of the time axis touch")
	}
	if name := title.FindStringSubmatch(source); name == nil || !strings.Contains(d.Text, name[1]) {
		t.Errorf("no title %q", name)
	}
	if len(d.Bars) != len(bars) {
		t.Fatalf("%d bars of %d", len(d.Bars), len(bars))
	}
	// A bar for 0 is a few pixels high: Mermaid leaves room below the scale.
	none, most, highest := slices.Min(d.Bars), slices.Max(d.Bars), slices.Max(bars)
	for i, h := range d.Bars {
		if want := none + (most-none)*bars[i]/highest; slices.Min(bars) != 0 || none < 0 || none > 10 || math.Abs(h-want) > 0.5 {
			t.Errorf("bar %d, of %v, is %v pixels high, not %v", i, bars[i], h, want)
		}
	}
	if len(d.Line) != len(target) || d.Visible == "" || d.Visible == "none" {
		t.Fatalf("the target line has %d points of %d, colour %q", len(d.Line), len(target), d.Visible)
	}
	for i, p := range d.Line {
		if target[i] == target[0] && p[1] != d.Line[0][1] || i > 0 && p[0] <= d.Line[i-1][0] {
			t.Errorf("the target line is not level: %v", d.Line)
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
	ended := chromium(t, server.URL, more...)
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
func mermaidScript(t *testing.T) string {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	found, err := filepath.Glob(filepath.Join(cache, "postburn", "mermaid-*.min.js"))
	if err == nil && len(found) == 0 {
		err = errors.New("`make setup` fetches it")
	}
	if err != nil {
		t.Fatalf("looking for Mermaid: %v", err)
	}
	return found[len(found)-1]
}
