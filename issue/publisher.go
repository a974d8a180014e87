package issue

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/postburn/postburn/alert"
)

// What the options default to, and what is not worth an option.
const (
	callTimeout   = 30 * time.Second // of a call to the tracker
	lateEffect    = time.Minute      // how long after that a request may still take effect
	lookEvery     = 30 * time.Second
	progressEvery = 5 * time.Minute
	pollEvery     = 30 * time.Second

	firstRetry = 5 * time.Second
	lastRetry  = 10 * time.Minute
	leastPause = time.Second            // after the tracker asked for one
	leastWait  = 100 * time.Millisecond // between two passes of which nobody was told
)

// Options are what a publisher works with. Store, Tracker and Render are required.
type Options struct {
	Store       Store
	Tracker     Tracker
	Render      Renderer
	Collectors  []Collector               // of evidence
	Settings    func(slo string) Settings // of an objective, by its name; nil: none
	List        Lister                    // tells what people do with issues; nil: they do nothing with them
	Logger      *slog.Logger              // nil: none
	Registerer  prometheus.Registerer     // nil: none
	Interval    time.Duration             // of the ticks: told in the facts, and how often to look for what is behind; 0: 30 s
	ExternalURL string                    // of the daemon; empty: texts have no link to the incident's page
	CallTimeout time.Duration             // of a call to the tracker; 0: 30 s

	// Settle is how long after it was sent a text that is not there is not believed to be missing, because the tracker may act late; 0:
	// the call's timeout and a minute. LookEvery is the least time between two looks; 0: 30 s. A tracker that never acts late
	// may have them as short as it likes.
	Settle, LookEvery time.Duration
}

// Publisher makes the tracker agree with the newest revision of each incident.
type Publisher struct {
	Options
	metrics *metrics
	nudge   chan struct{}
	paused  time.Time            // the tracker does nothing before then
	waiting map[string]time.Time // since when a publication waits, by key
	tried   map[string]time.Time // when something was last done about it, by key
	failing map[string]string    // the failure that was last logged, by key

	old      map[string]gathered // incidents that wait for a digest, by repository
	triage   triage
	patience time.Duration // left in this pass for fetching evidence
}

// NewPublisher makes a publisher that does nothing before Run.
func NewPublisher(o Options) *Publisher {
	if o.Settings == nil {
		o.Settings = func(string) Settings { return Settings{} }
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	o.Interval = orDefault(o.Interval, pollEvery)
	o.CallTimeout = orDefault(o.CallTimeout, callTimeout)
	o.Settle = orDefault(o.Settle, o.CallTimeout+lateEffect)
	o.LookEvery = orDefault(o.LookEvery, lookEvery)
	return &Publisher{
		Options: o, metrics: newMetrics(o.Registerer), nudge: make(chan struct{}, 1),
		waiting: map[string]time.Time{}, tried: map[string]time.Time{}, failing: map[string]string{}, old: map[string]gathered{},
		triage: newTriage(),
	}
}

func orDefault(d, fallback time.Duration) time.Duration {
	if d <= 0 {
		return fallback
	}
	return d
}

// Notify tells the publisher that incidents have changed. It never blocks.
func (p *Publisher) Notify() {
	select {
	case p.nudge <- struct{}{}:
	default: // it will look anyway
	}
}

// Run publishes until the context is done. It returns an error only where another process has taken over the store.
func (p *Publisher) Run(ctx context.Context) error {
	for {
		next, err := p.pass(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if errors.Is(err, alert.ErrFenced) {
			return fmt.Errorf("publishing: %w", err)
		}
		p.report("", publishing, err)
		timer := time.NewTimer(min(max(time.Until(next), leastWait), p.Interval))
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil
		case <-p.nudge:
			timer.Stop()
		case <-timer.C:
		}
	}
}

// pass does all that is due, and returns when something will be.
func (p *Publisher) pass(ctx context.Context) (next time.Time, err error) {
	p.readBack(ctx) // before publications are read, which are saved as a whole
	jobs, err := p.behind(ctx)
	next = time.Now().Add(p.Interval)
	if err != nil {
		return next, err
	}
	p.oldestFirst(jobs)
	waiting := map[string]time.Time{}
	p.patience = evidenceTimeout
	for _, j := range jobs {
		if ctx.Err() != nil {
			return next, nil
		}
		since, ok := p.waiting[j.pub.Key]
		if !ok {
			since = time.Now()
		}
		due, err := p.advance(ctx, j)
		if errors.Is(err, alert.ErrFenced) {
			return next, err
		}
		if err != nil || j.unsettled() {
			waiting[j.pub.Key] = since
		}
		p.report(j.pub.Key, publishing, errors.Join(err, j.failure()))
		if !due.IsZero() && due.Before(next) {
			next = due
		}
	}
	if err := p.fetchForStorms(ctx, jobs); err != nil {
		return next, err
	}
	p.waiting = waiting
	maps.DeleteFunc(p.tried, func(key string, _ time.Time) bool { _, ok := waiting[key]; return !ok })
	p.metrics.show(waiting)
	return next, nil
}

// What may fail, for the log.
const (
	publishing = "publishing"
	rendering  = "rendering the user's template" // the built-in text is taken instead
	reading    = "reading what people did with issues"
)

// oldestFirst has issues that wait after a failure tried again before a newer one is opened in their repository, so that what was kept
// while a tracker was down is delivered in order.
func (p *Publisher) oldestFirst(jobs []*job) {
	now := time.Now()
	for n, j := range jobs {
		if !j.unopened() || j.opens().After(now) {
			continue
		}
		for _, older := range jobs[:n] {
			if len(older.pub.Writes) > 0 && older.unopened() && older.pub.Repository == j.pub.Repository && now.Sub(p.tried[older.pub.Key]) >= firstRetry {
				older.opening().NotUntil = now
			}
		}
	}
}

// report logs a failure when it is another than before.
func (p *Publisher) report(key, doing string, err error) {
	switch {
	case errors.Is(err, context.Canceled):
		return // the process is stopping
	case err == nil:
		delete(p.failing, doing+key)
		return
	}
	if text := err.Error(); p.failing[doing+key] != text {
		p.failing[doing+key] = text
		p.Logger.Warn("publishing goes on later", "incident", key, "doing", doing, "err", err)
	}
}
