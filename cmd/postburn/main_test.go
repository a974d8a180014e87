package main

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"strconv"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

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
native_seconds{job="shop",instance="a"} {{schema:0}}+{{schema:0 count:3 sum:3 buckets:[2 1]}}x40
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
	testscript.Run(t, testscript.Params{
		Dir: "testdata",
		Setup: func(env *testscript.Env) error {
			env.Setenv("PROMETHEUS", server.URL())
			env.Setenv("PAST", outage.URL())
			return nil
		},
		Cmds:                map[string]func(*testscript.TestScript, bool, []string){"exits": exits},
		RequireExplicitExec: true,
		UpdateScripts:       os.Getenv("UPDATE_SCRIPTS") != "",
		RequireUniqueNames:  true,
	})
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
