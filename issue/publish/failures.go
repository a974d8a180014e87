package publish

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/postburn/postburn/issue"
)

// What can fail, for the log.
const (
	publishing = "publishing"
	rendering  = "using the objective's template"
	reading    = "reading what people did with issues"
	following  = "reading what became of follow-ups"
	excluding  = "reading which incidents people exclude"
	reporting  = "looking for reports to write"
)

// failures logs each failure once, and again when it changes.
type failures struct {
	logger *slog.Logger
	last   map[string]string // last logged, by what failed and the publication's key
}

// report logs a failure if it differs from the last.
func (f *failures) report(key, doing string, err error) {
	if f.isNews(key, doing, err) {
		f.logger.Warn("publishing goes on later", "incident", key, "doing", doing, "err", err)
	}
}

// isNews reports whether a failure differs from the last one logged.
func (f *failures) isNews(key, doing string, err error) bool {
	switch {
	case errors.Is(err, context.Canceled):
		return false // the process is stopping
	case err == nil:
		delete(f.last, doing+key)
		return false
	}
	was := f.last[doing+key]
	f.last[doing+key] = err.Error()
	return was != err.Error()
}

// pause is how long to leave the tracker alone, because it asked for that.
type pause struct{ until time.Time }

// keep pauses until the time that the tracker named, at least a second, and returns the end.
func (p *pause) keep(limited issue.RateLimited) time.Time {
	p.until = limited.Until
	if soonest := time.Now().Add(leastPause); p.until.Before(soonest) {
		p.until = soonest
	}
	return p.until
}

func backoff(tries int) time.Duration {
	if tries > 10 {
		return lastRetry
	}
	return min(firstRetry<<tries, lastRetry)
}
