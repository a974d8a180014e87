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
	"sync"
	"time"

	"github.com/postburn/postburn/issue"
	"github.com/postburn/postburn/slo/humanize"
)

//go:embed templates
var templates embed.FS

//go:embed style.css
var style string

//go:embed live.js
var script string

// pages are the templates. They are parsed for the first page: a daemon that nobody looks at does
// without them, which are a third of what its garbage collector would have to go through each time.
var pages = sync.OnceValue(func() *template.Template {
	return template.Must(template.New("").Funcs(template.FuncMap{
		"style":   func() template.CSS { return template.CSS(style) },
		"script":  func() template.JS { return template.JS(script) },
		"rfc3339": func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
		"lasting": func(d time.Duration) string { return unbroken(humanize.ShortDuration(d)) },
		"number":  func(n int) string { return humanize.Number(float64(n)) },
		"count":   humanize.Count, "many": humanize.Plural, "times": humanize.Times, "utc": humanize.Time,
		"headed": headed, "link": link, "path": url.PathEscape, "percent": percent, "shown": shown, "unbroken": unbroken,
	}).ParseFS(templates, "templates/*.tmpl"))
})

// policy lets a page use its own style sheets and script, known by their digests, its icon, and
// nothing else: no other script, whatever a label says.
var policy = policyFor(style)

func policyFor(styles ...string) string {
	text := "default-src 'none'; style-src"
	for _, style := range styles {
		text += " " + known(style)
	}
	return text + "; script-src " + known(script) + "; connect-src 'self'; img-src data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
}

// known names a text of a page in a policy.
func known(text string) string {
	digest := sha256.Sum256([]byte(text))
	return "'sha256-" + base64.StdEncoding.EncodeToString(digest[:]) + "'"
}

// guard sets the headers that limit what a browser does with an answer.
func guard(header http.Header) {
	header.Set("Content-Security-Policy", policy)
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("X-Frame-Options", "DENY")
	header.Set("Referrer-Policy", "no-referrer")
	header.Set("Cross-Origin-Resource-Policy", "same-origin")
	header.Set("Cross-Origin-Opener-Policy", "same-origin")
}

// page is what each page has.
type page struct {
	Title string
	Root  string // relative address of the first page: a proxy may serve postburn anywhere
	Now   time.Time
	More  template.CSS // a second style sheet; empty: none
}

// message is a page that says why there is no other.
type message struct {
	page
	Heading, Text string
}

func (h pageHandler) overview(w http.ResponseWriter, r *http.Request) {
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

func (h pageHandler) incident(w http.ResponseWriter, r *http.Request) {
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
			page{Title: "No such incident · postburn", Root: "../", Now: time.Now()}, "No such incident",
			"postburn has recorded no incident “" + shown(id) + "”. The link may be cut short, or point to another postburn, or to a store that is gone. Incidents that ended long ago are dropped.",
		})
		return
	}
	now := time.Now()
	standing := d.standing(r.Context(), now)
	v := newIncidentView(now, incidents[0], standing.blind)
	v.addCurrent(now, standing)
	p, _, err := d.Store.Publication(r.Context(), id)
	if err != nil {
		h.unreadable(w, "../", fmt.Errorf("reading the publication of incident %s: %w", id, err))
		return
	}
	v.addSummary(p.Summary())
	v.WaitsFor, v.Refused = shown(p.WaitsFor()), shown(p.Refused())
	v.FollowUps = followUpRows(p.FollowUps, now)
	if err := v.addPostMortem(r.Context(), d, p); err != nil {
		h.unreadable(w, "../", err)
		return
	}
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

func (h pageHandler) starting(w http.ResponseWriter, root string) {
	w.Header().Set("Retry-After", "5")
	w.Header().Set("Refresh", "5")
	h.show(w, http.StatusServiceUnavailable, "message", message{
		page{Title: "postburn is starting", Root: root, Now: time.Now()}, "postburn is starting",
		"The store and the SLO files are being read. This page reloads every 5 seconds until that is done.",
	})
}

// unreadable logs why a page can't be shown. The error may hold what is none of a reader's
// business.
func (h pageHandler) unreadable(w http.ResponseWriter, root string, err error) {
	h.logger.Error("reading for a page", "err", err)
	text := "So nobody knows how things stand. This is about postburn itself, not about what it watches. Its log says more."
	if problem := h.data.Load().storeProblem(); problem != "" {
		text += " It found: " + problem + "."
	}
	h.show(w, http.StatusInternalServerError, "message", message{page{Title: "postburn can't read its store", Root: root, Now: time.Now()}, "The store can't be read", text})
}

// show writes a page, and nothing of it if it can't be made.
func (h pageHandler) show(w http.ResponseWriter, status int, name string, data any) {
	var b bytes.Buffer
	if err := pages().ExecuteTemplate(&b, name, data); err != nil {
		h.logger.Error("making a page", "page", name, "err", err)
		http.Error(w, "the page can't be made", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store") // an old answer may say that all is well
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes()) // the client may have gone
}
