package web

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/issue"
	"github.com/postburn/postburn/issue/learn/report"
	"github.com/postburn/postburn/slo"
)

// Data is what the handler shows. Its functions may be called at any time once the handler is
// ready.
type Data struct {
	Statuses func(now time.Time) []alert.Status
	Store    Store
	// Details returns all that is known of an objective's label sets, see engine.Engine.Details.
	// May be nil itself.
	Details func(ctx context.Context, objective string, length time.Duration, most int) ([]alert.Detail, error)
	// Graph returns PromQL to look at a label set with. May be nil itself.
	Graph func(slo.Objective, slo.Labels) (string, error)
	// Durations returns p50, p95 and p99 of how long the events of a latency objective's label set
	// took in a time; none if there were none. May be nil itself.
	Durations func(ctx context.Context, o slo.Objective, set slo.Labels, in slo.Span) ([]slo.Quantile, error)
	// Places are where people look at the samples of a source, by its name; the default one has
	// none.
	Places map[string]Place
	// StoreProblem returns what is wrong with the store and what to do about it; nil if nothing
	// is. May be nil itself.
	StoreProblem func() error
	// NotReady returns why this process takes no part in the work; nil if it does. May be nil
	// itself.
	NotReady func() error
	Reload   func(ctx context.Context) error // rereads the SLO files, or says why not
	// ReadReport reads what is known of a period and the one before.
	ReadReport func(ctx context.Context, p report.Period, now time.Time) (report.Input, error)
	// SLOFiles returns what became of the SLO files since the start. May be nil itself.
	SLOFiles func() SLOFiles
	// Changes returns what the SLO files changed of an objective since the start, oldest first. May
	// be nil itself.
	Changes func(objective string) []Change
	// PostMortem returns the text of an issue that has no page of its own, as Markdown. Nil if all
	// have.
	PostMortem func(ctx context.Context, of issue.Ref) (string, error)
	// About returns how postburn itself does. May be nil itself.
	About func() About

	caches *caches
}

// Place is where people look at samples.
type Place struct {
	PrometheusURL string // where they reach Prometheus; empty: not known
	Grafana       Grafana
}

// SLOFiles is what became of the SLO files since the start.
type SLOFiles struct {
	Changed time.Time // when they last changed an objective; zero: not yet
	Changes []string  // what they changed then, an objective each
	Refused string    // why they can't be used as they are now; empty: they are in use
}

// Change is what the SLO files changed of an objective at a time.
type Change struct {
	At   time.Time
	Text string
}

// sloFiles is what a page tells of the SLO files: changes of the last day, the first ones, and how
// many others there were.
func (d *Data) sloFiles(now time.Time) (files SLOFiles, others int) {
	const most, lasts = 10, 24 * time.Hour
	if d.SLOFiles == nil {
		return files, 0
	}
	files = d.SLOFiles()
	files.Refused = shown(files.Refused)
	if now.Sub(files.Changed) > lasts {
		files.Changes = nil
	}
	others = max(0, len(files.Changes)-most)
	texts := make([]string, 0, most)
	for _, text := range files.Changes[:len(files.Changes)-others] {
		texts = append(texts, shown(text))
	}
	files.Changes = texts
	return files, others
}

// storeProblem is what a page says of the store; empty: nothing.
func (d *Data) storeProblem() string {
	if d.StoreProblem != nil {
		if err := d.StoreProblem(); err != nil {
			return printable(err.Error())
		}
	}
	return ""
}

// Store reads incidents and their publications. No page and no answer reads all that there are.
type Store interface {
	// OpenIncidents returns all incidents that are open, newest onset first.
	OpenIncidents(ctx context.Context) ([]alert.Incident, error)
	// RecoveredIncidents returns a page of the incidents that are over. Where it has fewer than the
	// page's limit, there are no more.
	RecoveredIncidents(ctx context.Context, page alert.IncidentPage) ([]alert.Incident, error)
	// IncidentsByID returns those of the incidents that there are, newest onset first.
	IncidentsByID(ctx context.Context, ids []string) ([]alert.Incident, error)
	// Publication returns the one that an incident is part of; ok is false if there is none yet.
	Publication(ctx context.Context, incident string) (p issue.Publication, ok bool, err error)
	// Summaries returns what lists tell of the incidents' publications, by the ID of the incident.
	// An incident without a publication is not in the map.
	Summaries(ctx context.Context, incidents []string) (map[string]issue.Summary, error)
}

// Handler serves the pages, the API, the metrics and the endpoints of an orchestrator.
type Handler struct {
	*shared
	mux *http.ServeMux
}

// shared is what pages and the API have in common.
type shared struct {
	logger  *slog.Logger
	data    atomic.Pointer[Data] // nil: postburn is starting
	reports reports
}

// pageHandler answers people, and apiHandler programs.
type (
	pageHandler struct{ *shared }
	apiHandler  struct{ *shared }
)

// NewHandler makes a handler that is healthy, and not ready until Ready is called.
func NewHandler(logger *slog.Logger, metrics prometheus.Gatherer) *Handler {
	h := &Handler{&shared{logger: logger, reports: reports{making: make(chan struct{}, 1)}}, http.NewServeMux()}
	h.mux.Handle("GET /metrics", promhttp.HandlerFor(metrics, promhttp.HandlerOpts{EnableOpenMetrics: true}))
	h.addProbes(h.mux)
	pages := pageHandler{h.shared}
	h.mux.HandleFunc("GET /{$}", pages.once(pages.overview, all))
	h.mux.HandleFunc("GET /slos/{name}", pages.once(pages.objective, courses))
	h.mux.HandleFunc("GET /status", pages.status)
	h.mux.HandleFunc("GET /incidents", pages.once(pages.incidents, all))
	h.mux.HandleFunc("GET /incidents/{id}", pages.once(pages.incident, all))
	h.mux.HandleFunc("GET /report", pages.report)
	for path, handle := range (apiHandler{h.shared}).endpoints() {
		h.mux.HandleFunc("GET "+path, handle)
	}
	h.mux.HandleFunc("POST /-/reload", h.reload)
	return h
}

func (h *Handler) addProbes(mux *http.ServeMux) {
	mux.HandleFunc("GET /-/healthy", func(w http.ResponseWriter, _ *http.Request) { say(w, http.StatusOK, "postburn is healthy.\n") })
	mux.HandleFunc("GET /-/ready", h.ready)
}

// probes answers an orchestrator's questions alone.
func (h *Handler) probes() http.Handler {
	mux := http.NewServeMux()
	h.addProbes(mux)
	return mux
}

// Ready makes the handler ready: the store and the SLO files are loaded.
func (h *Handler) Ready(d Data) {
	d.caches = newCaches()
	h.data.Store(&d)
}

// ServeHTTP implements http.Handler.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	guard(w.Header())
	h.mux.ServeHTTP(w, r)
}

func (h *Handler) ready(w http.ResponseWriter, _ *http.Request) {
	d := h.data.Load()
	if d == nil {
		say(w, http.StatusServiceUnavailable, "postburn is starting.\n")
		return
	}
	if d.NotReady != nil {
		if err := d.NotReady(); err != nil {
			say(w, http.StatusServiceUnavailable, "postburn takes no part: "+printable(err.Error())+"\n")
			return
		}
	}
	say(w, http.StatusOK, "postburn is ready.\n")
}

func (h *Handler) reload(w http.ResponseWriter, r *http.Request) {
	d := h.data.Load()
	if d == nil {
		say(w, http.StatusServiceUnavailable, "postburn is starting.\n")
		return
	}
	if err := d.Reload(r.Context()); err != nil {
		say(w, http.StatusInternalServerError, err.Error()+"\n")
		return
	}
	say(w, http.StatusOK, "reloaded\n")
}

// errorAnswer is what the API answers with any status but 200.
type errorAnswer struct {
	// What is wrong, and what would be right.
	Error string `json:"error"`
}

func (h apiHandler) fail(w http.ResponseWriter, status int, message string) {
	h.json(w, status, errorAnswer{message})
}

func (h apiHandler) json(w http.ResponseWriter, status int, body any) {
	text, err := json.Marshal(body)
	if err != nil {
		h.logger.Error("encoding an answer of the API", "err", err)
		http.Error(w, `{"error":"the answer can't be encoded"}`, http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store") // an old answer may say that all is well
	w.WriteHeader(status)
	_, _ = w.Write(append(text, '\n')) // the client may have gone
}

func say(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(text))
}
