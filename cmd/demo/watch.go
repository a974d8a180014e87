package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/web"
)

const (
	// look is how often postburn is asked.
	look = 200 * time.Millisecond
	// report is how often the burn rate is told while budget burns.
	report = 3 * time.Second
	// shortWindow is the fast rule's, over which the burn rate is told.
	shortWindow = "4s"
)

// watch tells what postburn sees until the post-mortem is complete; then it returns errDone.
func (s *stage) watch(ctx context.Context) error {
	w := watcher{stage: s}
	ticker := time.NewTicker(look)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
		if err := w.look(ctx); err != nil && !errors.Is(err, errStarting) {
			return err
		}
	}
}

// watcher is what was told already.
type watcher struct {
	*stage
	state    alert.State
	reported time.Time
	incident string // its state
	opened   bool   // the post-mortem
}

func (w *watcher) look(ctx context.Context) error {
	o, err := w.postburn.objective(ctx)
	if err != nil {
		return err
	}
	rate, err := w.postburn.burnRate(ctx, shortWindow)
	if err != nil {
		return err
	}
	w.tellObjective(o, rate)
	all, err := w.postburn.incidents(ctx)
	if err != nil || len(all) == 0 {
		return err
	}
	return w.tellIncident(all[0])
}

func (w *watcher) tellObjective(o web.Objective, rate float64) {
	burns := o.State == alert.Burning || rate >= 1
	if o.State == w.state && (!burns || time.Since(w.reported) < report) {
		return
	}
	before := w.state
	w.state, w.reported = o.State, time.Now()
	switch {
	case o.State == alert.Blind:
		w.screen.say("postburn", "has no data yet, so it is blind")
		return
	case before == alert.Burning && o.State == alert.OK:
		return // the incident's end tells it
	}
	w.screen.say("postburn", "sees a burn rate of %.0f over the last 4 seconds, and %.0f %% of the error budget left", rate, 100*o.BudgetRemainingRatio)
}

// tellIncident tells an incident's news. It returns errDone when its post-mortem is complete.
func (w *watcher) tellIncident(i web.Incident) error {
	if i.State != w.incident {
		w.incident = i.State
		if i.Ended == nil {
			w.screen.say("postburn", "finds an incident: since %s UTC more fails than was promised", i.Onset.Format(time.TimeOnly))
		} else {
			w.screen.say("postburn", "finds that the incident is over: it lasted %.0f seconds, until %s UTC", i.Ended.Sub(i.Onset).Seconds(), i.Ended.Format(time.TimeOnly))
		}
	}
	if i.IssueURL == nil {
		return nil
	}
	if !w.opened {
		w.opened = true
		w.screen.say("postburn", "opens the post-mortem: %s", *i.IssueURL)
	}
	if i.Ended == nil {
		return nil
	}
	text, err := os.ReadFile(*i.IssueURL)
	if err != nil {
		return fmt.Errorf("reading the post-mortem: %w", err)
	}
	if !complete(string(text)) {
		return nil
	}
	w.screen.say("postburn", "completes the post-mortem: %s", *i.IssueURL)
	w.conclude(i, string(text))
	return errDone
}

// complete reports whether a post-mortem is finished: nothing in it goes on, and the final numbers
// are a comment.
func complete(text string) bool {
	return strings.Contains(text, "These are the final numbers.") && !strings.Contains(text, " so far: ")
}

// conclude shows the post-mortem, and compares it with what the shop knows.
func (w *watcher) conclude(i web.Incident, text string) {
	served := w.shop.Count(time.Time{}, time.Now())
	w.screen.print(fmt.Sprintf(`
The shop itself counted %d failed checkouts, postburn's post-mortem says %.0f. This is its text:

%s
%s
%s

All files are in %s. Change what counts as an incident in slos.yaml there,
or turn to README.md to have postburn watch a service of yours.
`, served.Failed, i.Windows[0].BadEvents, rule, strings.TrimSpace(text), rule, w.dir))
}

const rule = "--------------------------------------------------------------------------------"
