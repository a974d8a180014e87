package daemon

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/postburn/postburn/config"
	"github.com/postburn/postburn/issue"
	"github.com/postburn/postburn/issue/github"
	"github.com/postburn/postburn/issue/local"
)

const (
	// localSettles is how long a file that is not there is not believed to be missing: a folder
	// acts at once or not at all.
	localSettles = time.Second
	checkTimeout = time.Minute
	checkEvery   = 5 * time.Minute
)

// tracker is the tracker in use, and how sure it is of what it did.
type tracker struct {
	issue.Tracker
	settle time.Duration      // publish.Options has it as Settle and LookEvery
	github *github.Tracker    // nil if it is another one
	reader issue.Reader       // reads what people wrote
	list   issue.Lister       // tells what people do with issues; nil: they do nothing with them
	marked issue.MarkedLister // tells which issues they exclude
	state  issue.StateReader
	nest   issue.Nester
}

// heldBy returns the tracker with all changes refused while another replica may be publishing. No
// tracker can fence a late request, so this is asked right before each.
func (t tracker) heldBy(holds func() bool) tracker {
	if t.github != nil {
		t.github.ChangeOnlyIf(holds)
		return t
	}
	t.Tracker = held{t.Tracker, holds}
	return t
}

// held is a tracker that changes nothing unless this process holds publishing.
type held struct {
	issue.Tracker
	holds func() bool
}

var errNotHeld = fmt.Errorf("another replica may be publishing: %w", issue.ErrRefused)

func (h held) Prepare(ctx context.Context, p issue.Post) error {
	if !h.holds() {
		return nil // nothing is made; Create tells why
	}
	return h.Tracker.Prepare(ctx, p)
}

func (h held) Create(ctx context.Context, p issue.Post) (issue.Found, error) {
	if !h.holds() {
		return issue.Found{}, errNotHeld
	}
	return h.Tracker.Create(ctx, p)
}

func (h held) Replace(ctx context.Context, at issue.Found, text issue.Text) error {
	if !h.holds() {
		return errNotHeld
	}
	return h.Tracker.Replace(ctx, at, text)
}

func (h held) Change(ctx context.Context, at issue.Found, c issue.Change) error {
	if !h.holds() {
		return errNotHeld
	}
	return h.Tracker.Change(ctx, at, c)
}

// text returns what reads issues that have no page of their own; nil if all have.
func (t tracker) text() func(context.Context, issue.Ref) (string, error) {
	if t.github != nil {
		return nil
	}
	return t.reader.Body
}

func openTracker(ctx context.Context, env config.Environment, store Store, logger *slog.Logger, registry prometheus.Registerer) (tracker, error) {
	if env.Tracker == "github" {
		logins, err := store.Authors(ctx)
		if err != nil {
			return tracker{}, err
		}
		g, err := GitHub(env.GitHub, logger, registry, logins...)
		if err != nil {
			return tracker{}, fmt.Errorf("opening the github tracker: %w", err)
		}
		return tracker{Tracker: g, github: g, reader: g, list: g.List, marked: g.ListMarked, state: g.State, nest: g.Nest}, nil
	}
	l, err := local.New(env.LocalDir, logger)
	if err != nil {
		return tracker{}, fmt.Errorf("opening the local tracker: %w", err)
	}
	return tracker{Tracker: l, reader: l, settle: localSettles, marked: l.ListMarked}, nil
}

// GitHub makes the tracker that the environment describes. Logger and registry may be nil. Logins
// are those that it wrote as before.
func GitHub(env config.GitHub, logger *slog.Logger, registry prometheus.Registerer, logins ...string) (*github.Tracker, error) {
	o := github.Options{
		Repository: env.Repository, URL: env.URL.Reveal(), Token: env.Token.Reveal(), TokenFile: env.TokenFile, Logger: logger, Registerer: registry,
		Logins: logins, Allow: env.Repositories().Check,
	}
	if env.AppID != 0 {
		o.App = &github.App{ID: env.AppID, InstallationID: env.AppInstallationID, PrivateKeyFile: env.AppPrivateKeyFile}
	}
	return github.New(o)
}

// check asks GitHub now and then whether the repositories in use can be written to, until ctx is
// done. What changed is logged, and the metrics show how each stands. The daemon goes on whatever
// is wrong: what it has to publish is kept.
func (t tracker) check(ctx context.Context, repositories func() []string, logger *slog.Logger) error {
	if t.github == nil {
		return nil
	}
	ticker := time.NewTicker(checkEvery)
	defer ticker.Stop()
	said := map[string]said{}
	for {
		call, cancel := context.WithTimeout(ctx, checkTimeout)
		all := t.github.Check(call, repositories()...)
		cancel()
		if ctx.Err() != nil {
			return nil
		}
		for _, c := range all {
			said[c.Repository] = say(logger, c, said[c.Repository])
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

// said is what was last logged of a repository.
type said struct {
	wrong  string
	public bool
}

// say logs what is new of a repository.
func say(logger *slog.Logger, c github.Checked, before said) said {
	now := said{public: c.Public}
	if c.Err != nil {
		now.wrong = c.Err.Error()
	}
	logger = logger.With("repository", c.Repository)
	if now.wrong != "" && now.wrong != before.wrong {
		logger.Error("post-mortems can't be written yet", "err", c.Err)
	}
	if now.wrong == "" && before.wrong != "" {
		logger.Info("post-mortems can be written again")
	}
	if now.public && !before.public {
		logger.Warn("the repository is public: so are label values and queries in post-mortems")
	}
	return now
}
