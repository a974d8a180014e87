package publish_test

import (
	"context"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/issue"
)

// TestTheTextChangesOnlyWithTheState counts how often an issue's text is written after it was
// opened, while each 30 s tick brings other numbers.
func TestTheTextChangesOnlyWithTheState(t *testing.T) {
	edited := func(r *run) map[time.Duration]func() {
		return map[time.Duration]func(){3 * time.Minute: func() {
			r.forge.person(func(f *forged) { f.Text.Body += "\nWe are on it." })
		}}
	}
	for _, test := range []struct {
		name   string
		change func(*story)
		people func(*run) map[time.Duration]func()
		until  time.Duration
		writes int
	}{
		{name: "only the numbers do", until: 16 * time.Minute, writes: 0},
		{name: "to the end", until: 30 * time.Minute, writes: 1},
		{name: "the severity gets worse", change: func(s *story) { s.severity = map[int]int{3: 3, 12: 2, 20: 1} }, until: 16 * time.Minute, writes: 2},
		{name: "it gets worse twice in a minute", change: func(s *story) { s.severity = map[int]int{3: 3, 12: 2, 13: 1} }, until: 16 * time.Minute, writes: 2},
		{name: "an objective joins", change: func(s *story) { s.joins = 5 * time.Minute }, until: 16 * time.Minute, writes: 1},
		{name: "an objective joins at once", change: func(s *story) { s.joins = 2 * time.Minute }, until: 16 * time.Minute, writes: 1},
		{name: "an objective joins after an edit", change: func(s *story) { s.joins = 5 * time.Minute }, people: edited, until: 30 * time.Minute, writes: 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := short()
				if test.change != nil {
					test.change(&s)
				}
				r := newRun(s)
				var written []time.Time
				r.forge.fault = func(op string) fault {
					if op == "replace checkout-1" {
						written = append(written, time.Now())
					}
					return none
				}
				var people map[time.Duration]func()
				if test.people != nil {
					people = test.people(r)
				}
				r.until(t, test.until, people)
				if len(written) != test.writes {
					t.Errorf("%d writes, want %d: %q", len(written), test.writes, r.forge.calls)
				}
				for n := 1; n < len(written); n++ {
					if gap := written[n].Sub(written[n-1]); gap < time.Minute {
						t.Errorf("it is written twice within %s", gap)
					}
				}
				body := r.forge.body(t, "checkout-1")
				if test.people != nil && (!strings.HasSuffix(body, "We are on it.") || !strings.Contains(body, "revision 3")) {
					t.Errorf("the person's text became %q", body)
				}
			})
		})
	}
}

// TestTheTextSaysThatItCameBack has the text say that it burns again, and then once more that it is
// over.
func TestTheTextSaysThatItCameBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRun(returning())
		bodies := map[time.Duration]string{}
		people := map[time.Duration]func(){}
		for _, at := range []time.Duration{20 * time.Minute, 35 * time.Minute, 45 * time.Minute} {
			people[at] = func() { bodies[at] = r.forge.body(t, "checkout-1") }
		}
		r.until(t, time.Hour, people)
		for at, want := range map[time.Duration]string{20 * time.Minute: "ended", 35 * time.Minute: "burning", 45 * time.Minute: "ended"} {
			if !strings.Contains(bodies[at], want) {
				t.Errorf("after %s the text is %q, want %s", at, bodies[at], want)
			}
		}
		r.wantKeys(t, "checkout-1", "checkout-1/progress", "checkout-1/recovery-1", "checkout-1/return-1", "checkout-1/recovery-2")
	})
}

// TestTheTextSaysWhatWasFoundLate has two incidents, and time for the evidence of one.
func TestTheTextSaysWhatWasFoundLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first, second := short(), short()
		second.group = "search"
		r := newRun(first, second)
		var hung atomic.Bool
		r.options.Render, r.options.Collectors = tell, []issue.Collector{func(context.Context, alert.Incident) issue.Evidence {
			if !hung.Swap(true) {
				time.Sleep(time.Minute)
			}
			return issue.Evidence{Timeline: []issue.Entry{{Text: "found"}}}
		}}
		r.until(t, 10*time.Minute, nil)
		if body := r.forge.body(t, "search-1"); !strings.HasSuffix(body, "|found") {
			t.Errorf("it says %q", body)
		}
		if n := len(slices.DeleteFunc(slices.Clone(r.forge.calls), func(c string) bool { return !strings.HasPrefix(c, "replace search-1") || strings.Contains(c, "/") })); n != 1 {
			t.Errorf("%d writes: %q", n, r.forge.calls)
		}
	})
}
