package daemon

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/alert/engine"
	"github.com/postburn/postburn/config"
	"github.com/postburn/postburn/issue"
	"github.com/postburn/postburn/web"
)

// lookEvery is how often the SLO files are looked at for changes. They are read, and not watched: a
// ConfigMap changes by a swap of symbolic links, which a watcher of files does not see.
const lookEvery = 5 * time.Second

// reloader reads the SLO files again when it is asked to, or when they have changed. Files that are
// bad change nothing.
type reloader struct {
	path    string
	bounds  config.Bounds // of what the files may name
	logger  *slog.Logger
	hangup  <-chan os.Signal
	asked   chan chan error
	used    string                                    // digest of the files that were read last
	others  map[string]string                         // digests of templates, by file
	current atomic.Pointer[map[string]issue.Settings] // by objective

	redefined  redefined
	state      atomic.Pointer[web.SLOFiles]
	loaded     atomic.Pointer[loaded]
	repository string // of issues, if an objective names none

	successful prometheus.Gauge
	succeeded  prometheus.Gauge
}

// loaded are the SLO files that are in use.
type loaded struct {
	at       time.Time
	revision string // names what they say; short enough to be compared by eye
}

// newReloader returns a reloader whose files were read already, see alertDefinitions.
func newReloader(opts Options, alerts []alert.Definition, registerer prometheus.Registerer) *reloader {
	r := &reloader{
		path: opts.Environment.SLOPath, bounds: opts.Environment.Bounds(), logger: opts.Logger, hangup: opts.Hangup, asked: make(chan chan error),
		repository: opts.Environment.GitHub.Repository,
		successful: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "postburn_config_last_reload_successful", Help: "Whether the SLO files could be used when they were last read.",
		}),
		succeeded: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "postburn_config_last_reload_success_timestamp_seconds", Help: "When the SLO files were last read and could be used.",
		}),
	}
	registerer.MustRegister(r.successful, r.succeeded)
	r.used, r.others = r.digest(), templates(opts.Definitions)
	r.state.Store(&web.SLOFiles{})
	r.took(opts.Definitions, alerts)
	return r
}

// took notes that definitions are in use, and returns what changed.
func (r *reloader) took(definitions []config.Definition, alerts []alert.Definition) (changes []string) {
	byName := map[string]issue.Settings{}
	for _, d := range definitions {
		settings := d.Issue
		settings.MergeGap = max(d.Policy.MergeGap, time.Second) // markers have whole seconds
		byName[d.Objective.Name] = settings
	}
	r.current.Store(&byName)
	state, now := *r.state.Load(), time.Now().UTC()
	state.Refused = ""
	for _, c := range r.redefined.took(now, alerts) {
		changes = append(changes, c.text)
	}
	if len(changes) > 0 {
		state.Changed, state.Changes = now, changes
	}
	r.state.Store(&state)
	r.loaded.Store(&loaded{now, hex.EncodeToString([]byte(r.used)[:6])})
	r.successful.Set(1)
	r.succeeded.SetToCurrentTime()
	return changes
}

// files returns what pages tell of the SLO files.
func (r *reloader) files() web.SLOFiles { return *r.state.Load() }

// refused notes why the files as they are now can't be used.
func (r *reloader) refused(problems []config.Problem) {
	state := *r.state.Load()
	for _, p := range problems {
		if p.Severity == config.Error && state.Refused == "" {
			state.Refused = p.String()
		}
	}
	r.state.Store(&state)
	r.successful.Set(0)
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
			if r.digest() == r.used && maps.Equal(r.others, r.readAgain(slices.Collect(maps.Keys(r.others)))) {
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
	definitions, problems := Load([]string{r.path}, r.bounds)
	for _, p := range problems {
		r.logger.Warn("a problem in the SLO files", "problem", p.String())
	}
	if config.Failed(problems) {
		r.refused(problems)
		for _, p := range problems {
			if p.About != "" {
				maps.Copy(r.others, r.readAgain([]string{p.About}))
			}
		}
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
	r.others = templates(definitions)
	changes := r.took(definitions, alerts)
	r.logger.Info("reloaded the SLO files", "objectives", len(definitions), "changed", len(changes), "changes", listChanges(changes))
	return nil
}

// listChanges writes the first changes for a line of the log.
func listChanges(changes []string) string {
	const most = 20
	if len(changes) > most {
		return strings.Join(changes[:most], " | ") + fmt.Sprintf(" | and %d others", len(changes)-most)
	}
	return strings.Join(changes, " | ")
}

// digest tells the files' present names and contents from others.
func (r *reloader) digest() string {
	h := sha256.New()
	for _, name := range config.Files([]string{r.path}) {
		content, err := hashFile(name)
		fmt.Fprintf(h, "%q %x %v\n", name, content, err)
	}
	return string(h.Sum(nil))
}

// hashFile returns the SHA-256 of a file. It needs little memory, as all files are looked at again
// and again.
func hashFile(name string) ([]byte, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	h := sha256.New()
	_, err = io.Copy(h, file)
	return h.Sum(nil), err
}

// templates returns digests of the templates that definitions have, by file.
func templates(definitions []config.Definition) map[string]string {
	all := map[string]string{}
	for _, d := range definitions {
		t := d.Issue.Template
		if _, known := all[t.File]; !known && t.File != "" {
			all[t.File] = digestOf(t.Text, nil)
		}
	}
	return all
}

// readAgain returns digests of templates as their files are now.
func (r *reloader) readAgain(files []string) map[string]string {
	folder := r.path
	if info, err := os.Stat(folder); err == nil && !info.IsDir() {
		folder = filepath.Dir(folder)
	}
	all := map[string]string{}
	for _, file := range files {
		all[file] = digestOf(config.ReadTemplate(folder, file))
	}
	return all
}

func digestOf(text string, err error) string {
	return fmt.Sprintf("%x %v", sha256.Sum256([]byte(text)), err)
}
