package main

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sethvargo/go-envconfig"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/issue/github/githubtest"
	"github.com/postburn/postburn/web"
)

// exercised is a daemon that noticed something during an exercise of half an hour, which began at
// the returned time.
func exercised(t *testing.T, issueURL func(number int) string) (daemon *httptest.Server, start time.Time) {
	t.Helper()
	start = time.Now().UTC().Add(-2 * time.Hour).Truncate(time.Minute)
	window := func(name string, onset, detected time.Duration) web.Window {
		return web.Window{
			SLO: name, Labels: map[string]string{}, Kind: alert.Burn, Rule: &web.Rule{Rate: "14.4", Long: "1h", Short: "5m"},
			Onset: start.Add(onset), Detected: start.Add(detected),
		}
	}
	at := func(number int) *string { address := issueURL(number); return &address }
	incidents := []web.Incident{
		{ID: "shop-2", Onset: start.Add(4 * time.Minute), IssueURL: at(2), Windows: []web.Window{
			window("shop-latency", 10*time.Minute, 22*time.Minute), window("shop-availability", 4*time.Minute, 9*time.Minute),
		}},
		{ID: "search-1", Onset: start.Add(-time.Hour), IssueURL: at(1), Windows: []web.Window{
			window("search", -time.Hour, -50*time.Minute), window("search|b", 5*time.Minute, 6*time.Minute),
		}},
		{ID: "late-3", Onset: start.Add(31 * time.Minute), IssueURL: at(3), Windows: []web.Window{window("late", 31*time.Minute, 40*time.Minute)}},
	}
	daemon = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/api/v1/slos":
			_ = json.NewEncoder(w).Encode(map[string]any{"slos": []web.Objective{{SLO: "shop-latency"}, {SLO: "shop-availability"}, {SLO: "search|b"}, {SLO: "search"}, {SLO: "late"}, {SLO: "cart", Labels: map[string]string{"zone": "a"}}}})
		case "/api/v1/incidents":
			if r.URL.Query().Get("start") != start.Format(time.RFC3339) || r.URL.Query().Get("end") != start.Add(30*time.Minute).Format(time.RFC3339) {
				t.Errorf("asked for %s", r.URL)
			}
			_ = json.NewEncoder(w).Encode(map[string]any{"incidents": incidents})
		default:
			w.WriteHeader(http.StatusNotFound)
		}
	}))
	t.Cleanup(daemon.Close)
	return daemon, start
}

func runLive(ctx context.Context, env map[string]string, args ...string) (stdout, stderr string, err error) {
	var out, errs bytes.Buffer
	err = run(ctx, append([]string{"drill", "--live=30m"}, args...), envconfig.MapLookuper(env), &out, &errs)
	return out.String(), errs.String(), err
}

func TestLiveDrill(t *testing.T) {
	daemon, start := exercised(t, func(int) string { return "postmortems/x.md" })
	stdout, _, err := runLive(t.Context(), nil, "--postburn="+daemon.URL, "--from="+start.Format(time.RFC3339))
	if err != nil {
		t.Fatal(err)
	}
	clock := func(minutes int) string { return start.Add(time.Duration(minutes) * time.Minute).Format("15:04") }
	for _, want := range []string{
		"something was broken on purpose, while postburn watched 6 objectives.",
		"The first to notice was search&#124;b, 6 minutes after the start.",
		"| `shop-availability` | a burn rate above 14.4 over 1h and 5m | " + clock(4) + " | " + clock(9) + " | 9 minutes | 5 minutes | issue x.md |\n",
		"| `shop-latency` | a burn rate above 14.4 over 1h and 5m | " + clock(10) + " | " + clock(22) + " | 22 minutes | 12 minutes | issue x.md |\n",
		"\n3 objectives saw nothing: `cart{zone=\"a\"}`, `late`, `search`. Was one of them meant to?\n",
	} {
		if !strings.Contains(stdout, want) {
			t.Errorf("there is no %q in\n%s", want, stdout)
		}
	}
}

// TestLiveDrillAtGitHub runs it twice, as if it had been killed after it had done all.
func TestLiveDrillAtGitHub(t *testing.T) {
	t.Parallel() // it writes once a second
	server := &githubtest.Server{}
	server.AddRepository("acme/shop")
	server.AddUser("token", githubtest.User{Login: "postburn-robot", Push: true})
	for range 3 {
		server.AddIssue("acme/shop", githubtest.Issue{Title: "an incident", Author: "postburn-robot", Labels: []string{"postburn"}})
	}
	gitHub := httptest.NewServer(server)
	t.Cleanup(gitHub.Close)
	daemon, start := exercised(t, func(number int) string { return gitHub.URL + "/acme/shop/issues/" + string(rune('0'+number)) })
	env := map[string]string{
		"POSTBURN_GITHUB_URL": gitHub.URL, "POSTBURN_GITHUB_REPOSITORY": "acme/shop", "POSTBURN_GITHUB_TOKEN": "token", "POSTBURN_EXTERNAL_URL": daemon.URL,
	}
	for range 2 {
		stdout, _, err := runLive(t.Context(), env, "--issue", "--from="+start.Format(time.RFC3339))
		if err != nil || stdout != gitHub.URL+"/acme/shop/issues/4\n" {
			t.Fatalf("%q %v", stdout, err)
		}
	}
	server.Change("acme/shop", func(r *githubtest.Repository) {
		if len(r.Issues) != 4 || len(r.Issues[3].Comments) != 1 {
			t.Fatalf("%d issues", len(r.Issues))
		}
		drill := r.Issues[3]
		if !slices.Equal(drill.Labels, []string{"drill"}) || !strings.Contains(drill.Body, "postburn watches 6 objectives.") || !strings.Contains(drill.Body, "\n## Analysis\n") {
			t.Errorf("the issue is %q\n%s", drill.Labels, drill.Body)
		}
		if !strings.Contains(drill.Comments[0].Body, "saw nothing") {
			t.Errorf("the report is\n%s", drill.Comments[0].Body)
		}
		for n, want := range [][]string{{"postburn"}, {"postburn", "drill", "postburn:exclude"}, {"postburn"}} {
			if got := r.Issues[n].Labels; !slices.Equal(got, want) {
				t.Errorf("issue %d has the labels %q, want %q", n+1, got, want)
			}
		}
	})
	for _, p := range server.Problems() {
		t.Error(p)
	}
}

func TestLiveDrillThatIsStopped(t *testing.T) {
	daemon, _ := exercised(t, func(int) string { return "x" })
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	var stderr string
	go func() {
		var err error
		_, stderr, err = runLive(ctx, map[string]string{"POSTBURN_EXTERNAL_URL": daemon.URL})
		done <- err
	}()
	stop() // before or while it waits
	if err := <-done; err == nil || !strings.Contains(err.Error(), "go on with --live 30m --from ") && !strings.Contains(err.Error(), "context canceled") {
		t.Errorf("%v %s", err, stderr)
	}
}

func TestLiveDrillProblems(t *testing.T) {
	broken := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>")) }))
	t.Cleanup(broken.Close)
	nothing := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`{"slos": []}`)) }))
	t.Cleanup(nothing.Close)
	for want, args := range map[string][]string{
		"--postburn is missing: give the address of the daemon's pages": nil,
		"--postburn must be an address such as http://localhost:9847":   {"--postburn=localhost"},
		"an exercise is 1m to 1d long":                                  {"--live=30s"},
		"its answer is not postburn's":                                  {"--postburn=" + broken.URL},
		"the daemon watches no objectives":                              {"--postburn=" + nothing.URL},
		"connection refused":                                            {"--postburn=http://user:secret@127.0.0.1:1"},
	} {
		_, stderr, err := runLive(t.Context(), nil, args...)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error()+stderr, "secret") {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}
