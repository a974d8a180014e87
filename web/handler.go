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
)

// Data is what the handler shows. Its functions may be called at any time once the handler is
// ready.
type Data struct {
	Statuses func(now time.Time) []alert.Status
	Store    Store
	Reload   func(ctx context.Context) error // reads the SLO files again; its error says why the old objectives stay
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
	// Publication returns the one that an incident is part of; ok is false where there is none yet.
	Publication(ctx context.Context, incident string) (p issue.Publication, ok bool, err error)
	// Summaries returns what lists tell of the incidents' publications, by the ID of the incident.
	// An incident without a publication is not in the map.
	Summaries(ctx context.Context, incidents []string) (map[string]issue.Summary, error)
}

// Handler serves the pages, the API, the metrics and the endpoints of an orchestrator.
type Handler struct {
	mux    *http.ServeMux
	logger *slog.Logger
	data   atomic.Pointer[Data]
}

// NewHandler makes a handler that is healthy, and not ready until Ready is called.
func NewHandler(logger *slog.Logger, metrics prometheus.Gatherer) *Handler {
	h := &Handler{mux: http.NewServeMux(), logger: logger}
	h.mux.Handle("GET /metrics", promhttp.HandlerFor(metrics, promhttp.HandlerOpts{EnableOpenMetrics: true}))
	h.mux.HandleFunc("GET /-/healthy", func(w http.ResponseWriter, _ *http.Request) { say(w, http.StatusOK, "postburn is healthy.\n") })
	h.mux.HandleFunc("GET /-/ready", h.ready)
	h.mux.HandleFunc("GET /{$}", h.overviewPage)
	h.mux.HandleFunc("GET /incidents", h.incidentsPage)
	h.mux.HandleFunc("GET /incidents/{id}", h.incidentPage)
	h.mux.HandleFunc("GET /api/v1/slos", h.slos)
	h.mux.HandleFunc("GET /api/v1/incidents", h.incidents)
	h.mux.HandleFunc("GET /api/v1/incidents/{id}", h.incident)
	h.mux.HandleFunc("POST /-/reload", h.reload)
	return h
}

// Ready makes the handler ready: the store and the SLO files are loaded.
func (h *Handler) Ready(d Data) { h.data.Store(&d) }

// ServeHTTP implements http.Handler.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	guard(w.Header())
	h.mux.ServeHTTP(w, r)
}

func (h *Handler) ready(w http.ResponseWriter, _ *http.Request) {
	if h.data.Load() == nil {
		say(w, http.StatusServiceUnavailable, "postburn is starting.\n")
		return
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

func (h *Handler) slos(w http.ResponseWriter, _ *http.Request) {
	d := h.data.Load()
	if d == nil {
		h.fail(w, http.StatusServiceUnavailable, "postburn is starting")
		return
	}
	h.json(w, http.StatusOK, map[string]any{"slos": ViewObjectives(d.Statuses(time.Now()))})
}

func (h *Handler) fail(w http.ResponseWriter, status int, message string) {
	h.json(w, status, map[string]string{"error": message})
}

func (h *Handler) json(w http.ResponseWriter, status int, body any) {
	text, err := json.Marshal(body)
	if err != nil {
		h.logger.Error("encoding an answer of the API", "err", err)
		http.Error(w, `{"error":"the answer can't be encoded"}`, http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(append(text, '\n')) // the client may have gone
}

func say(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(text))
}
