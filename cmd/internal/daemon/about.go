package daemon

import (
	"time"

	"github.com/postburn/postburn/alert/engine"
	"github.com/postburn/postburn/issue/publish"
	"github.com/postburn/postburn/slo"
	"github.com/postburn/postburn/web"
)

// newAbout returns what the page of postburn's own state tells.
func newAbout(opts Options, r *reloader, e *engine.Engine, p *publish.Publisher, others view) func() web.About {
	started, build := time.Now(), opts.Build
	var settings []web.Setting
	for _, s := range opts.Environment.Settings() {
		settings = append(settings, web.Setting(s))
	}
	var sources []string // none if there is only the default one
	if len(opts.Environment.Named) > 0 {
		sources = opts.Environment.SourceNames()
	}
	return func() web.About { // it lives long, and the options' definitions need not
		loaded := r.loaded.Load()
		about := web.About{Build: build, Started: started, Settings: settings, Loaded: loaded.at, Revision: loaded.revision, Waiting: p.Waiting()}
		answered, failing := e.Answers()
		about.Failing = failing
		others.about(&about)
		for _, at := range answered {
			about.Answered = slo.Later(about.Answered, at)
		}
		for _, name := range sources {
			at := answered[name]
			if name == slo.DefaultSource {
				at = answered[""]
			}
			about.Sources = append(about.Sources, web.SourceAbout{Name: name, Answered: at})
		}
		return about
	}
}
