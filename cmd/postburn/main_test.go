package main

import (
	"context"
	"errors"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/postburn/postburn/issue/github/githubtest"
	"github.com/postburn/postburn/slo/prom/promtest"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"postburn": main})
}

// recent is what $PROMETHEUS has of the last ten minutes.
const recent = `
requests_total{job="shop",instance="a"} 0+600x40
latency_seconds_bucket{job="shop",instance="a",le="0.25"} 0+100x40
latency_seconds_bucket{job="shop",instance="a",le="1"} 0+500x40
latency_seconds_bucket{job="shop",instance="a",le="+Inf"} 0+600x40
latency_seconds_count{job="shop",instance="a"} 0+600x40
vmrange_seconds_bucket{job="shop",instance="a",vmrange="8.799e-01...1.000e+00"} 0+600x40
vmrange_seconds_count{job="shop",instance="a"} 0+600x40
native_seconds{job="shop",instance="a"} {{schema:0}}+{{schema:0 count:3 sum:3 buckets:[2 1]}}x40
seldom_total{job="shop",instance="a"} 0+1x60
rare_total{job="shop",instance="a"} 0x40
queue_length{queue="a"} 7x40
queue_length{queue="b"} 70x40
`

// TestScripts runs the real command line.
func TestScripts(t *testing.T) {
	server := promtest.Start(t)
	if err := server.Load(time.Now().Add(-10*time.Minute), 15*time.Second, recent); err != nil {
		t.Fatal(err)
	}
	outage := past(t)
	gitHub := httptest.NewServer(gitHub(t))
	t.Cleanup(gitHub.Close)
	testscript.Run(t, testscript.Params{
		Dir: "testdata",
		Setup: func(env *testscript.Env) error {
			env.Setenv("PROMETHEUS", server.URL())
			env.Setenv("PAST", outage.URL())
			env.Setenv("GITHUB", gitHub.URL)
			env.Setenv("XDG_CACHE_HOME", filepath.Join(env.WorkDir, ".cache"))
			return nil
		},
		Cmds:                map[string]func(*testscript.TestScript, bool, []string){"exits": exits},
		RequireExplicitExec: true,
		UpdateScripts:       os.Getenv("UPDATE_SCRIPTS") != "",
		RequireUniqueNames:  true,
	})
}

// gitHub is what $GITHUB has: repositories in all states, and tokens named after what they may do.
func gitHub(t *testing.T) *githubtest.Server {
	t.Helper()
	server := &githubtest.Server{}
	for name, change := range map[string]func(*githubtest.Repository){
		"acme/shop":     func(*githubtest.Repository) {},
		"acme/drills":   func(*githubtest.Repository) {},
		"acme/finished": func(*githubtest.Repository) {},
		"acme/public":   func(r *githubtest.Repository) { r.Private = false },
		"acme/archived": func(r *githubtest.Repository) { r.Archived = true },
		"acme/off":      func(r *githubtest.Repository) { r.IssuesOff = true },
	} {
		server.AddRepository(name)
		server.Change(name, change)
	}
	server.AddUser("writes", githubtest.User{Login: "postburn-robot", Push: true})
	server.AddUser("reads", githubtest.User{Login: "postburn-robot", Push: true, Issues: "read"})
	server.AddUser("nothing", githubtest.User{Login: "postburn-robot", Issues: "none"})
	server.AddUser("stranger", githubtest.User{Login: "mallory"})
	addPostMortems(t, server)
	return server
}

// exits runs a command and compares its exit code: exits CODE COMMAND [ARG...].
func exits(ts *testscript.TestScript, negated bool, args []string) {
	if negated || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND [ARG...]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	code, err := 0, ts.Exec(args[1], args[2:]...)
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		code = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if code != want {
		ts.Fatalf("exit code %d, want %d", code, want)
	}
}

func TestExitCode(t *testing.T) {
	tests := []struct {
		name string
		err  error
		want int
	}{
		{"fine", nil, 0},
		{"found something wrong", errors.New("found 1 error"), 1},
		{"wrong usage", usageError{errors.New("unknown flag")}, 2},
		{"stopped", context.Canceled, 1},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := exitCode(test.err); got != test.want {
				t.Errorf("got %d, want %d", got, test.want)
			}
		})
	}
}
