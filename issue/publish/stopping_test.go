package publish_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/issue"
	"github.com/postburn/postburn/issue/publish"
)

// stopsAt runs a publisher until the tracker is asked for something, which goes wrong and stops it.
// It returns how long the publisher took to end.
func (r *run) stopsAt(t *testing.T, op string, f fault) (took time.Duration) {
	t.Helper()
	life, stop := context.WithCancel(t.Context())
	var at time.Time
	r.forge.crash = func() { at = time.Now(); stop() }
	r.forge.fault = func(called string) fault {
		if called == op {
			return f
		}
		return none
	}
	if err := publish.New(r.options).Run(life); err != nil {
		t.Errorf("Run: %v", err)
	}
	return time.Since(at)
}

// sendsAfter runs another publisher, and returns when it asks the tracker for something; far later
// if it does not.
func (r *run) sendsAfter(t *testing.T, op string) (after time.Duration) {
	t.Helper()
	began := time.Now()
	after = time.Hour
	r.forge.fault = func(called string) fault {
		if called == op && after == time.Hour {
			after = time.Since(began)
		}
		return none
	}
	r.alone(t, 5*time.Minute)
	return after
}

// TestWhatWasNotSentIsTakenBack stops a publisher while a text waits to be sent. The next one sends
// it at once, but looks for one that may have been sent.
func TestWhatWasNotSentIsTakenBack(t *testing.T) {
	for name, tc := range map[string]struct {
		op    string
		fault fault
		taken bool // it is as before in the store
	}{
		"a new text, not sent":                     {"create checkout-1", stopped, true},
		"a new text that may have been sent":       {"create checkout-1", crashBefore, false},
		"a new text that was sent":                 {"create checkout-1", crashAfter, false},
		"a replacement, not sent":                  {"replace checkout-1", stopped, true},
		"a replacement that may have been sent":    {"replace checkout-1", crashBefore, false},
		"a comment, not sent":                      {"create checkout-1/recovery-1", stopped, true},
		"a comment that may have been sent before": {"create checkout-1/recovery-1", crashBefore, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRun(short())
				i, _ := r.stories[0].at(time.Now().Add(5 * time.Minute))
				r.store.Put(i)
				if tc.op != "create checkout-1" {
					r.alone(t, time.Minute)
					i, _ = r.stories[0].at(time.Now().Add(20 * time.Minute)) // it is over
					r.store.Put(i)
				}
				stored, _ := r.store.Load(i.ID)
				saved := &saves{Store: r.store, last: stored.Writes}
				r.options.Store = saved
				if took := r.stopsAt(t, tc.op, tc.fault); took > 0 {
					t.Errorf("it takes %s to end", took)
				}
				left, _ := r.store.Load(i.ID)
				if isSending(left) == tc.taken {
					t.Errorf("stored: %+v", left.Writes)
				}
				if tc.taken {
					known, planned := left.Writes[:len(saved.before)], left.Writes[len(saved.before):]
					if diff := cmp.Diff(saved.before, known, cmpopts.EquateEmpty()); diff != "" {
						t.Errorf("stored, not as before (-want +got):\n%s", diff)
					}
					for _, w := range planned {
						if !w.IsUnsent() || !w.At.IsZero() || w.Text != (issue.Text{}) || w.Tries > 0 {
							t.Errorf("stored: %+v, want it as planned", w)
						}
					}
				}
				keys := len(r.forge.keys())
				after := r.sendsAfter(t, tc.op)
				if tc.taken != (after < time.Second) {
					t.Errorf("it is sent after %s", after)
				}
				if written := len(r.forge.keys()) - keys; written > 2 {
					t.Errorf("%d more texts: %v", written, r.forge.keys())
				}
			})
		})
	}
}

// saves is a store that remembers what was stored of a publication before it was last sent.
type saves struct {
	issue.Store
	before, last issue.Writes
}

func (s *saves) Save(ctx context.Context, p issue.Publication) error {
	if isSending(p) {
		s.before = s.last
	}
	s.last = slices.Clone(p.Writes)
	return s.Store.Save(ctx, p)
}

func isSending(p issue.Publication) bool {
	for _, w := range p.Writes {
		if w.State == issue.Sending {
			return true
		}
	}
	return false
}

// last is a store that fails from when a publisher is stopped.
type last struct {
	issue.Store
	life context.Context
	save func(ctx context.Context) error
}

func (l last) Save(ctx context.Context, p issue.Publication) error {
	if l.life.Err() != nil {
		return l.save(ctx)
	}
	return l.Store.Save(ctx, p)
}

// TestTakingBackIsNotForced has a store that refuses the last save of a publisher, or does not
// answer.
func TestTakingBackIsNotForced(t *testing.T) {
	for name, tc := range map[string]struct {
		save func(context.Context) error
		took time.Duration
	}{
		"another process has taken over": {func(context.Context) error { return fmt.Errorf("saving: %w", alert.ErrFenced) }, 0},
		"it does not answer":             {func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }, 2 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRun(short())
				i, _ := r.stories[0].at(time.Now().Add(5 * time.Minute))
				r.store.Put(i)
				life, stop := context.WithCancel(t.Context())
				defer stop()
				r.options.Store = last{r.store, life, tc.save}
				r.forge.crash = stop
				r.forge.fault = func(op string) fault {
					if strings.HasPrefix(op, "create") {
						return stopped
					}
					return none
				}
				began := time.Now()
				if err := publish.New(r.options).Run(life); err != nil {
					t.Errorf("Run: %v", err)
				}
				if took := time.Since(began); took != tc.took {
					t.Errorf("it takes %s to end, want %s", took, tc.took)
				}
				if left, _ := r.store.Load(i.ID); !isSending(left) {
					t.Errorf("stored: %+v", left.Writes)
				}
			})
		})
	}
}
