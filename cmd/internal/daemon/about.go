package daemon

import (
	"time"

	"github.com/postburn/postburn/alert/engine"
	"github.com/postburn/postburn/issue/publish"
	"github.com/postburn/postburn/web"
)

// newAbout returns what the page of postburn's own state tells.
func newAbout(opts Options, r *reloader, e *engine.Engine, p *publish.Publisher) func() web.About {
	started := time.Now()
	var settings []web.Setting
	for _, s := range opts.Environment.Settings() {
		settings = append(settings, web.Setting(s))
	}
	return func() web.About {
		loaded := r.loaded.Load()
		about := web.About{Build: opts.Build, Started: started, Settings: settings, Loaded: loaded.at, Revision: loaded.revision, Waiting: p.Waiting()}
		about.Answered, about.Failing = e.Answers()
		return about
	}
}
