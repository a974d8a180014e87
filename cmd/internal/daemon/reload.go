package daemon

import (
	"context"
	"crypto/sha256"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/postburn/postburn/alert/engine"
	"github.com/postburn/postburn/config"
	"github.com/postburn/postburn/issue"
)

// lookEvery is how often the SLO files are looked at for changes. They are read, and not watched: a ConfigMap changes by a swap of symbolic
// links, of which a watcher of files learns nothing.
const lookEvery = 5 * time.Second

// reloader reads the SLO files again when it is asked to, or when they have changed. Files that are bad change nothing.
type reloader struct {
	path    string
	logger  *slog.Logger
	hangup  <-chan os.Signal
	asked   chan chan error
	used    string                                    // digest of the files that were read last
	current atomic.Pointer[map[string]issue.Settings] // by objective

	redefined  redefined
	repository string // of issues, where an objective names none

	successful prometheus.Gauge
	succeeded  prometheus.Gauge
}

func newReloader(opts Options, registerer prometheus.Registerer) *reloader {
	r := &reloader{
		path: opts.Environment.SLOPath, logger: opts.Logger, hangup: opts.Hangup, asked: make(chan chan error),
		repository: opts.Environment.GitHub.Repository,
		successful: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "postburn_config_last_reload_successful", Help: "Whether the SLO files could be used when they were last read.",
		}),
		succeeded: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "postburn_config_last_reload_success_timestamp_seconds", Help: "When the SLO files were last read and could be used.",
		}),
	}
	registerer.MustRegister(r.successful, r.succeeded)
	r.used = r.digest()
	r.took(opts.Definitions)
	return r
}

// took notes that definitions are in use.
func (r *reloader) took(definitions []config.Definition) {
	byName := map[string]issue.Settings{}
	for _, d := range definitions {
		settings := d.Issue
		settings.MergeGap = max(d.Policy.MergeGap, time.Second) // markers have whole seconds
		byName[d.Objective.Name] = settings
	}
	r.current.Store(&byName)
	r.redefined.took(time.Now().UTC(), alertDefinitions(definitions, r.repository))
	r.successful.Set(1)
	r.succeeded.SetToCurrentTime()
}

// settings are how the incidents of an objective are published, by its name.
func (r *reloader) settings(name string) issue.Settings { return (*r.current.Load())[name] }

// repositories are all that issues may be opened in.
func (r *reloader) repositories() []string {
	all := []string{r.repository}
	for _, s := range *r.current.Load() {
		if s.Repository != "" {
			all = append(all, s.Repository)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// reload reads the files again, and returns why the old objectives stay, if they do.
func (r *reloader) reload(ctx context.Context) error {
	answer := make(chan error, 1)
	select {
	case r.asked <- answer:
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case err := <-answer:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// run reloads until ctx is done.
func (r *reloader) run(ctx context.Context, engine *engine.Engine) error {
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	for {
		var answer chan error
		select {
		case <-ctx.Done():
			return nil
		case answer = <-r.asked:
		case <-r.hangup:
		case <-ticker.C:
			if r.digest() == r.used {
				continue
			}
		}
		r.used = r.digest()
		err := r.load(ctx, engine)
		if answer != nil {
			answer <- err
		}
	}
}

// load reads the files and hands them to the engine.
func (r *reloader) load(ctx context.Context, engine *engine.Engine) error {
	definitions, problems := config.Load([]string{r.path})
	for _, p := range problems {
		r.logger.Warn("a problem of the SLO files", "problem", p.String())
	}
	if config.Failed(problems) {
		r.successful.Set(0)
		r.logger.Error("the SLO files can't be used; the objectives stay as they were")
		var lines []string
		for _, p := range problems {
			lines = append(lines, p.String())
		}
		return fmt.Errorf("the SLO files can't be used; the objectives stay as they were\n%s", strings.Join(lines, "\n"))
	}
	alerts := alertDefinitions(definitions, r.repository)
	if err := engine.Reload(ctx, alerts); err != nil {
		return fmt.Errorf("reloading: %w", err)
	}
	r.took(definitions)
	r.logger.Info("reloaded the SLO files", "objectives", len(definitions))
	return nil
}

// digest tells the files' present names and contents from others.
func (r *reloader) digest() string {
	h := sha256.New()
	for _, name := range config.Files([]string{r.path}) {
		content, err := os.ReadFile(name)
		fmt.Fprintf(h, "%q %x %v\n", name, sha256.Sum256(content), err)
	}
	return string(h.Sum(nil))
}
