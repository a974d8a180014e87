package promcheck

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/postburn/postburn/slo"
)

// Server is what is asked.
type Server interface {
	// Series returns the labels of at most so many series that a selector matches between two
	// times; whole is false if there are more.
	Series(ctx context.Context, selector string, from, to time.Time, most int) (found []map[string]string, whole bool, err error)
	// Metadata returns the types of metrics, by name.
	Metadata(ctx context.Context) (map[string][]string, error)
}

// Limits of what is asked.
const (
	// lookback is how old a series may be to be known.
	lookback = 24 * time.Hour
	// longAgo is the same for metrics that are seldom there, as those of planned work are.
	longAgo = 30 * 24 * time.Hour
	// maxSeries is how many series of a metric are read. Of a metric with more, each matcher in
	// doubt is asked about.
	maxSeries = 5000
	// maxQuestions is how often that may be done for one objective. What is in doubt then is left
	// out.
	maxQuestions = 20
	// atOnce is how many objectives are looked at together.
	atOnce = 8
)

// Subject is what is looked at.
type Subject struct {
	Objective slo.Objective
	Evidence  map[string]string // its queries, by name
	Day       slo.Reading       // its samples of the last day
}

// Finding is something that is likely wrong.
type Finding struct {
	Key   string // of the SLO file, for example "indicator.ratio.bad"
	Fatal bool   // the objective can never work
	Text  string // what is wrong, and what would be right; without the key
}

// Checker looks at objectives. It keeps what it read of each metric.
type Checker struct {
	server Server
	now    time.Time
	types  map[string][]string
	names  []string // of the series that these metrics have

	mu      sync.Mutex
	metrics map[string]*metric
}

// New makes a Checker of a server, and asks it for the types of metrics. A server that does not
// know them has none.
func New(ctx context.Context, server Server, now time.Time) *Checker {
	types, err := server.Metadata(ctx)
	if err != nil {
		types = nil
	}
	return &Checker{server: server, now: now, types: types, names: namesOf(types), metrics: map[string]*metric{}}
}

// check is one of those that are made of each objective.
type check func(context.Context, *subject) []Finding

// checks are in the order in which findings of one key are told.
var checks = []check{
	missingMetrics, gaugesAndSummaries, emptyHistograms, // names.go
	unmatched, excludesNothing, missingGroups, // labels.go
	mixedServices, widerParts, withoutTargets, // services.go
	exchanged, badAboveTotal, alternating, // events.go
}

// Check returns the findings of each subject, in their order. It asks one question for each metric
// that they name, a second one for histograms, and at most twenty more for each subject. An error
// is the server's: then the findings are incomplete.
func (c *Checker) Check(ctx context.Context, subjects []Subject) ([][]Finding, error) {
	findings := make([][]Finding, len(subjects))
	group, inside := errgroup.WithContext(ctx)
	group.SetLimit(atOnce)
	for i, about := range subjects {
		group.Go(func() error {
			s := c.newSubject(about)
			findings[i] = s.look(inside)
			if s.err != nil {
				return fmt.Errorf("looking at the series of %s: %w", about.Objective.Name, s.err)
			}
			return nil
		})
	}
	err := group.Wait()
	return findings, err
}

// look makes all checks.
func (s *subject) look(ctx context.Context) (findings []Finding) {
	for _, check := range checks {
		for _, f := range check(ctx, s) {
			if !slices.Contains(findings, f) {
				findings = append(findings, f)
			}
			s.found[f.Key] = true
		}
	}
	return findings
}
