package publish

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/issue"
)

// Defaults of the options, and constants not worth an option.
const (
	callTimeout = 30 * time.Second // of a call to the tracker
	lateEffect  = time.Minute      // how long afterwards a request may still take effect
	lookEvery   = 30 * time.Second
	pollEvery   = 30 * time.Second

	firstRetry = 5 * time.Second
	lastRetry  = 10 * time.Minute
	leastPause = time.Second            // after the tracker asked for one
	leastWait  = 100 * time.Millisecond // between two passes without a Notify

	takeBackTimeout = 2 * time.Second // of the last save of a process that ends
)

// Options are what a publisher works with. Store, Tracker and Render are required.
type Options struct {
	Store       issue.Store
	Tracker     issue.Tracker
	Render      issue.Renderer
	Queries     issue.Querier                   // with which people check numbers; nil: none
	Collectors  []issue.Collector               // of evidence
	Settings    func(slo string) issue.Settings // of an objective, by its name; nil: none
	List        issue.Lister                    // what people did with issues; nil: nothing
	Lint        issue.Linter                    // what they wrote, once they close one; nil: not at all
	Tasks       issue.TaskReader                // reads the follow-ups of post-mortems; nil: not at all
	Reader      issue.Reader                    // reads texts if List is nil, for their follow-ups; nil: not at all
	State       issue.StateReader               // of the issues that follow-ups name; nil: not known
	Nest        issue.Nester                    // makes sub-issues of them; nil: there are none
	ListMarked  issue.MarkedLister              // which issues people excluded; nil: none
	Corrected   func(context.Context) error     // called once another incident is excluded, or counts again; nil: nobody
	Reports     issue.Reporter                  // on months; zero: none
	Logger      *slog.Logger                    // nil: none
	Registerer  prometheus.Registerer           // nil: none
	Interval    time.Duration                   // tick length, and poll interval; 0: 30 s
	ExternalURL string                          // the daemon's; empty: no links to pages
	CallTimeout time.Duration                   // of a call to the tracker; 0: 30 s

	// Settle is how long a text that was sent may take to appear, because the tracker may act late;
	// 0: CallTimeout and a minute. LookEvery is the least time between two looks; 0: 30 s. Both may
	// be short for a tracker that never acts late.
	Settle, LookEvery time.Duration
}

// Publisher posts the newest revision of each incident to the tracker.
type Publisher struct {
	Options
	nudge   chan struct{}
	metrics *metrics
	waits   waits
	*memory
}

// memory is what a publisher knows since Run began. Another process may have published before.
type memory struct {
	tried    map[string]time.Time // when each was last worked on, by key
	old      map[string]gathered  // incidents for digests, by repository
	pause    *pause
	failures *failures
	evidence *fetcher
	writer   *writer
	triage   *triage
	tasks    *followUps
	excludes *exclusions
	monthly  *monthly
}

// New makes a publisher that does nothing before Run.
func New(o Options) *Publisher {
	if o.Settings == nil {
		o.Settings = func(string) issue.Settings { return issue.Settings{} }
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	o.Interval = orDefault(o.Interval, pollEvery)
	o.CallTimeout = orDefault(o.CallTimeout, callTimeout)
	o.Settle = orDefault(o.Settle, o.CallTimeout+lateEffect)
	o.LookEvery = orDefault(o.LookEvery, lookEvery)
	m := newMetrics(o.Registerer)
	p := &Publisher{Options: o, nudge: make(chan struct{}, 1), metrics: m, waits: waits{since: map[string]time.Time{}, metrics: m}}
	p.memory = p.newMemory()
	return p
}

func (p *Publisher) newMemory() *memory {
	o, m := p.Options, p.metrics
	now := &memory{
		tried: map[string]time.Time{}, old: map[string]gathered{}, pause: &pause{},
		failures: &failures{logger: o.Logger, last: map[string]string{}}, evidence: &fetcher{Options: o},
	}
	now.writer = &writer{Options: o, texts: &texts{o, now.evidence, m, now.failures}, metrics: m, pause: now.pause}
	rounds := func(doing string) *rounds { return &rounds{pause: now.pause, failures: now.failures, doing: doing} }
	now.triage = &triage{
		Options: o, writer: now.writer, metrics: m, rounds: rounds(reading),
		changed: map[string]time.Time{}, checked: map[string]string{},
	}
	now.tasks = &followUps{
		Options: o, metrics: m, rounds: rounds(following),
		changed: map[string]time.Time{}, made: map[string]string{}, texts: map[string][32]byte{},
	}
	now.excludes = newExclusions(o, rounds(excluding))
	now.monthly = &monthly{Options: o, settled: map[string]time.Time{}}
	return now
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
	default: // a pass is due already
	}
}

// Run publishes until the context is done. It returns an error only if another process has taken
// over publishing. It may be called again once it has returned.
func (p *Publisher) Run(ctx context.Context) error {
	p.memory = p.newMemory()
	ctx, stop := context.WithCancel(ctx)
	var counting sync.WaitGroup
	counting.Go(func() { p.countWaiting(ctx) })
	defer counting.Wait()
	defer stop()
	for {
		next, err := p.pass(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if errors.Is(err, alert.ErrFenced) {
			return fmt.Errorf("publishing: %w", err)
		}
		p.failures.report("", publishing, err)
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

// Forget clears what only a process that publishes can show, once another one does. Run must have
// returned.
func (p *Publisher) Forget() {
	p.waits.count(nil, time.Time{}, time.Time{})
	p.metrics.noise.Reset()
	p.metrics.followUps.Reset()
}

// pass does all that is due, and returns when more will be.
func (p *Publisher) pass(ctx context.Context) (next time.Time, err error) {
	p.triage.readBack(ctx) // before reading publications, as they are saved as a whole
	p.tasks.readBack(ctx)
	look := p.excludes.read(ctx)
	jobs, err := p.jobs(ctx)
	if next = time.Now().Add(p.Interval); look.Before(next) {
		next = look
	}
	if err != nil {
		return next, err
	}
	p.oldestFirst(jobs)
	began, waiting := time.Now(), map[string]bool{}
	p.evidence.patience = evidenceTimeout
	for _, j := range jobs {
		if ctx.Err() != nil {
			return next, nil
		}
		due, err := p.advance(ctx, j)
		p.excludes.note(j, began)
		if errors.Is(err, alert.ErrFenced) {
			return next, err
		}
		if err != nil || !j.pub.IsSettled() {
			waiting[j.pub.Key] = true
		}
		p.failures.report(j.pub.Key, publishing, errors.Join(err, j.failure()))
		if !due.IsZero() && due.Before(next) {
			next = due
		}
	}
	if err := p.evidence.ofOthers(ctx, jobs); err != nil {
		return next, err
	}
	maps.DeleteFunc(p.tried, func(key string, _ time.Time) bool { return !waiting[key] })
	p.waits.count(waiting, began, time.Now())
	return next, nil
}

// jobs returns the publications to work on. If an incident joined a stored one, that is saved at
// once, as there may be nothing to write about it.
func (p *Publisher) jobs(ctx context.Context) (jobs []*job, err error) {
	now := time.Now()
	s, err := read(ctx, p.Store, now)
	if err != nil {
		return nil, err
	}
	jobs, p.old = group(s, p.old, now)
	reports, err := p.monthly.jobs(ctx, s.behind, now)
	p.failures.report("", reporting, err) // incidents matter more
	jobs = append(jobs, reports...)
	for _, j := range jobs {
		if !j.joined {
			continue
		}
		if err := j.save(ctx, p.Store); err != nil {
			return nil, err
		}
	}
	return jobs, nil
}

// oldestFirst retries waiting issues before a newer one is opened in their repository, so that a
// tracker that was down gets them in order.
func (p *Publisher) oldestFirst(jobs []*job) {
	now := time.Now()
	for n, j := range jobs {
		if !j.isUnopened() || j.opens().After(now) {
			continue
		}
		for _, older := range jobs[:n] {
			if len(older.pub.Writes) > 0 && older.isUnopened() && older.pub.Repository == j.pub.Repository && now.Sub(p.tried[older.pub.Key]) >= firstRetry {
				older.pub.Opening().RetryAt(now)
			}
		}
	}
}

// maxSteps bounds the steps for one publication before the others get a turn.
const maxSteps = 20

// advance does all that is due for a publication, and returns when more will be; zero if nothing is
// planned.
func (p *Publisher) advance(ctx context.Context, j *job) (time.Time, error) {
	for range maxSteps {
		now := time.Now()
		j.plan(now)
		next, ok := j.next(now)
		if !ok {
			return time.Time{}, p.finish(ctx, j)
		}
		if next.at.Before(p.pause.until) {
			next.at = p.pause.until
		}
		if next.at.After(now) {
			return next.at, nil
		}
		p.tried[j.pub.Key] = now
		if err := p.writer.step(ctx, j, next); err != nil {
			return time.Time{}, err
		}
		if err := ctx.Err(); err != nil {
			return time.Time{}, err
		}
	}
	return time.Now(), nil
}

// finish notes that everything is posted, once all is over and all evidence is fetched: while
// something burns, more will follow.
func (p *Publisher) finish(ctx context.Context, j *job) error {
	if j.open() || j.hasOpenWindow() || j.posted() || len(p.evidence.missing(j)) > 0 {
		return nil
	}
	j.pub.Parts.Agree(j.incidents)
	if err := j.save(ctx, p.Store); err != nil {
		return err
	}
	if o := j.pub.Opening(); o.State == issue.Posted && j.pub.Kind != issue.Report {
		p.Logger.Info("post-mortem completed", "incident", j.pub.Key, "url", o.Ref.URL)
	}
	return nil
}
