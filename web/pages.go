package web

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"time"

	"github.com/postburn/postburn/issue"
)

//go:embed templates
var templates embed.FS

//go:embed style.css
var style string

var pages = template.Must(template.New("").Funcs(template.FuncMap{
	"style":   func() template.CSS { return template.CSS(style) },
	"rfc3339": func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
	"count":   count, "number": func(n int) string { return thousands(float64(n)) }, "lasting": lasting, "link": link, "many": many, "path": url.PathEscape, "percent": percent, "shown": shown, "times": times, "utc": utc,
}).ParseFS(templates, "templates/*.tmpl"))

// policy lets a page use its own style sheet, known by its digest, and its icon, and nothing else:
// no script, whatever a label says.
var policy = func() string {
	digest := sha256.Sum256([]byte(style))
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(digest[:]) +
		"'; img-src data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
}()

// guard sets the headers that limit what a browser does with an answer.
func guard(header http.Header) {
	header.Set("Content-Security-Policy", policy)
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("X-Frame-Options", "DENY")
	header.Set("Referrer-Policy", "no-referrer")
}

// page is what each page has.
type page struct {
	Title string
	Root  string // the relative address of the first page: a proxy may serve postburn under any path
	Now   time.Time
}

// message is a page that says why there is no other.
type message struct {
	page
	Heading, Text string
}

func (h *Handler) overviewPage(w http.ResponseWriter, r *http.Request) {
	d := h.data.Load()
	if d == nil {
		h.starting(w, "./")
		return
	}
	now := time.Now()
	o, err := newOverview(r.Context(), now, d, filterOf(r.URL.Query()))
	if err != nil {
		h.unreadable(w, "./", fmt.Errorf("reading incidents: %w", err))
		return
	}
	h.show(w, http.StatusOK, "overview", o)
}

func (h *Handler) incidentPage(w http.ResponseWriter, r *http.Request) {
	d := h.data.Load()
	if d == nil {
		h.starting(w, "../")
		return
	}
	id := r.PathValue("id")
	incidents, err := d.Store.IncidentsByID(r.Context(), []string{id})
	if err != nil {
		h.unreadable(w, "../", fmt.Errorf("reading incident %s: %w", id, err))
		return
	}
	if len(incidents) == 0 {
		h.show(w, http.StatusNotFound, "message", message{
			page{"No such incident · postburn", "../", time.Now()}, "No such incident",
			"postburn has recorded no incident “" + shown(id) + "”. The link may be cut short, or be of another postburn, or of one whose store is gone. It may also have been dropped, as incidents are that ended long ago.",
		})
		return
	}
	now := time.Now()
	v := newIncidentView(now, incidents[0], d.Statuses(now))
	p, _, err := d.Store.Publication(r.Context(), id)
	if err != nil {
		h.unreadable(w, "../", fmt.Errorf("reading the publication of incident %s: %w", id, err))
		return
	}
	v.addSummary(p.Summary())
	if err := v.addEvidence(p); err != nil {
		h.unreadable(w, "../", err)
		return
	}
	h.show(w, http.StatusOK, "incident", v)
}

// addSummary adds what is known of the incident's issue.
func (r *incidentRow) addSummary(s issue.Summary) {
	r.Incident = viewIncident(r.incident, s)
	r.Number, r.TriageText = s.Number, triageText(s.Triage)
	if s.Kind != issue.Single {
		r.SharedBy = s.Parts
	}
}

func (h *Handler) starting(w http.ResponseWriter, root string) {
	w.Header().Set("Retry-After", "5")
	w.Header().Set("Refresh", "5")
	h.show(w, http.StatusServiceUnavailable, "message", message{
		page{"postburn is starting", root, time.Now()}, "postburn is starting",
		"How the objectives stand is not known yet: the store and the SLO files are being read. This page asks again every 5 seconds.",
	})
}

// unreadable logs why a page can't be shown. The error may hold what is none of a reader's
// business.
func (h *Handler) unreadable(w http.ResponseWriter, root string, err error) {
	h.logger.Error("reading for a page", "err", err)
	h.show(w, http.StatusInternalServerError, "message", message{
		page{"postburn can't read its store", root, time.Now()}, "The store can't be read",
		"So it can't be said how things stand. This is about postburn itself, not about what it watches. Its log says more.",
	})
}

// show writes a page, and nothing of it where it can't be made.
func (h *Handler) show(w http.ResponseWriter, status int, name string, data any) {
	var b bytes.Buffer
	if err := pages.ExecuteTemplate(&b, name, data); err != nil {
		h.logger.Error("making a page", "page", name, "err", err)
		http.Error(w, "the page can't be made", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store") // an old answer may say that all is well
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes()) // the client may have gone
}
