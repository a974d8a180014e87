package publish_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/postburn/postburn/issue"
)

// stuck is a tracker that hangs whatever its context says, until it is let go.
type stuck struct {
	issue.Tracker
	letGo <-chan struct{}
}

func (s stuck) Find(ctx context.Context, p issue.Post, since time.Time) ([]issue.Found, error) {
	<-s.letGo
	return s.Tracker.Find(ctx, p, since)
}

// TestWaitingIsCountedWhileTheTrackerHangs has incidents that begin while the publisher is held up
// show in the metrics.
func TestWaitingIsCountedWhileTheTrackerHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first, second, third := short(), short(), short()
		first.group, second.group, third.group = "a", "b", "c"
		third.onset = third.onset.Add(5 * time.Minute)
		r := newRun(first, second, third)
		letGo := make(chan struct{})
		r.options.Tracker = stuck{r.forge, letGo}
		waits := func(count, least, most float64) {
			t.Helper()
			if got := metric(t, r.registry, "postburn_publications_waiting"); got != count {
				t.Errorf("%v publications wait, want %v", got, count)
			}
			if oldest := metric(t, r.registry, "postburn_publication_oldest_wait_seconds"); oldest < least || oldest > most {
				t.Errorf("the oldest waits for %v s, want %v to %v", oldest, least, most)
			}
		}
		r.until(t, 12*time.Minute, map[time.Duration]func(){
			4 * time.Minute: func() { waits(2, 90, 240) },
			8 * time.Minute: func() {
				waits(3, 330, 480)
				if n := len(r.forge.keys()); n > 0 {
					t.Errorf("%d texts are at the tracker", n)
				}
				close(letGo)
			},
			10 * time.Minute: func() {
				waits(0, 0, 0)
				if n := len(r.forge.keys()); n < 3 {
					t.Errorf("%d texts are at the tracker", n)
				}
			},
		})
	})
}

// TestARefusedTemplateIsTold has a template that can't be used counted, and kept with the
// publication.
func TestARefusedTemplateIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRun(short())
		bad := true
		r.options.Render = func(f issue.Facts, stage issue.Stage) (issue.Text, error) {
			text, err := render(f, stage)
			if bad && stage == issue.Opening {
				err = errBroken
			}
			return text, err
		}
		refused := func() string {
			t.Helper()
			p, ok, err := r.store.Publication(t.Context(), "checkout-1")
			if err != nil || !ok {
				t.Fatal("there is no publication")
			}
			return p.Refused()
		}
		r.until(t, 30*time.Minute, map[time.Duration]func(){5 * time.Minute: func() {
			if got := refused(); got != errBroken.Error() {
				t.Errorf("it was refused because of %q", got)
			}
			if n := counter(t, r.registry, "postburn_templates_refused_total"); n != 1 {
				t.Errorf("%v texts were refused, want 1", n)
			}
			bad = false
		}})
		if got := refused(); got != "" {
			t.Errorf("after it is good again it was refused because of %q", got)
		}
	})
}
