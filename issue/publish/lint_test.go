package publish_test

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/postburn/postburn/issue"
)

// linted is a run whose post-mortems always lack causes.
func linted(stories ...story) *run {
	r := triaged(stories...)
	r.options.Settings = func(string) issue.Settings { return issue.Settings{Lint: true} }
	r.options.Lint = func(text, final string) []issue.Hint {
		if !strings.HasPrefix(text, "opening") || !strings.HasPrefix(final, "recovery, ended") {
			return []issue.Hint{{Passages: []string{"the texts: " + text + "; " + final}}}
		}
		return []issue.Hint{{Passages: []string{"causes"}}}
	}
	return r
}

func TestAClosedPostMortemIsLintedOnce(t *testing.T) {
	const lint = "checkout-1/lint-1"
	completed := func(f *forged) { f.Closed, f.Completed = true, true }
	for name, tc := range map[string]struct {
		change func(r *run)
		at     time.Duration
		do     func(*forged)
		want   bool
	}{
		"closed as completed":          {at: 25 * time.Minute, do: completed, want: true},
		"while it burns":               {at: 8 * time.Minute, do: completed, want: true},
		"edited, then closed":          {at: 25 * time.Minute, do: func(f *forged) { completed(f); f.Text.Body += " - a person's words" }, want: true},
		"closed as not planned":        {at: 25 * time.Minute, do: func(f *forged) { f.Closed = true }},
		"a duplicate":                  {at: 25 * time.Minute, do: func(f *forged) { completed(f); f.Duplicate = true }},
		"excluded":                     {at: 25 * time.Minute, do: func(f *forged) { completed(f); f.Labels = []string{"postburn:exclude"} }},
		"the label, in other letters":  {at: 25 * time.Minute, do: func(f *forged) { completed(f); f.Labels = []string{"Post-Mortem:Skip"} }},
		"it lacks nothing":             {at: 25 * time.Minute, do: completed, change: func(r *run) { r.options.Lint = func(string, string) []issue.Hint { return nil } }},
		"switched off in the SLO file": {at: 25 * time.Minute, do: completed, change: func(r *run) { r.options.Settings = nil }},
		"no linter":                    {at: 25 * time.Minute, do: completed, change: func(r *run) { r.options.Lint = nil }},
		"left open":                    {at: 25 * time.Minute, do: func(*forged) {}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := linted(short())
				if tc.change != nil {
					tc.change(r)
				}
				r.until(t, time.Hour, map[time.Duration]func(){tc.at: r.forge.onIssues(tc.do)})
				if got := slices.Contains(r.forge.keys(), lint); got != tc.want {
					t.Errorf("linted is %v, want %v: %v", got, tc.want, r.forge.keys())
				}
				if tc.want && !strings.HasSuffix(r.forge.body(t, lint), ", lacks causes") {
					t.Errorf("it is told %q", r.forge.body(t, lint))
				}
				p, _ := r.store.Load("checkout-1")
				if !p.IsSettled() || p.Parts.Posted("checkout-1") != r.store.Incident("checkout-1").Revision {
					t.Errorf("there is something left to do: %+v", p)
				}
				if n := len(r.forge.calls); n > 150 {
					t.Errorf("%d calls in an hour: it spins", n)
				}
			})
		})
	}
}

// TestWhatWasClosedBeforeIsNotLinted updates postburn to a version that lints.
func TestWhatWasClosedBeforeIsNotLinted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := linted(short())
		lint := r.options.Lint
		r.options.Lint = nil
		r.until(t, 40*time.Minute, map[time.Duration]func(){25 * time.Minute: r.forge.onIssues(func(f *forged) { f.Closed, f.Completed = true, true })})
		r.options.Lint = lint
		r.until(t, 20*time.Minute, map[time.Duration]func(){5 * time.Minute: r.forge.onIssues(func(f *forged) { f.Text.Body += " - a person's words" })})
		if keys := r.forge.keys(); slices.Contains(keys, "checkout-1/lint-1") {
			t.Errorf("the tracker has %v", keys)
		}
	})
}

// TestAReopenedPostMortemIsNotLinted opens an issue again before the comment could be written.
func TestAReopenedPostMortemIsNotLinted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := linted(short())
		start := time.Now()
		r.forge.fault = func(op string) fault {
			if op == "create checkout-1/lint-1" && time.Since(start) < 35*time.Minute {
				return refused
			}
			return none
		}
		r.until(t, time.Hour, map[time.Duration]func(){
			25 * time.Minute: r.forge.onIssues(func(f *forged) { f.Closed, f.Completed = true, true }),
			30 * time.Minute: r.forge.onIssues(func(f *forged) { f.Closed, f.Completed = false, false }),
		})
		if keys := r.forge.keys(); slices.Contains(keys, "checkout-1/lint-1") {
			t.Errorf("the tracker has %v", keys)
		}
		if !slices.Contains(r.forge.calls, "create checkout-1/lint-1") {
			t.Error("it was never tried")
		}
	})
}
