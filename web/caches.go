package web

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"net/http"
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/slo"
)

// caches are what pages share, so that they stay quick when many people look at them at once.
type caches struct {
	pages    memo[string, rendered]
	courses  memo[string, rendered] // pages of objectives, which change with a tick
	standing memo[struct{}, *standing]
	open     memo[struct{}, openOnes]
	recent   memo[pastKey, recent]
	groups   memo[pastKey, []breach]
	took     memo[slo.ID, took]
	asking   chan struct{} // an element for each page that asks Prometheus
}

func newCaches() *caches {
	return &caches{
		pages:    memo[string, rendered]{fresh: 2 * time.Second, most: 1024, size: rendered.size, room: 16 << 20},
		courses:  memo[string, rendered]{fresh: 5 * time.Second, most: 1024, size: rendered.size, room: 32 << 20},
		standing: memo[struct{}, *standing]{fresh: time.Second, most: 1},
		open:     memo[struct{}, openOnes]{fresh: time.Second, most: 1},
		recent:   memo[pastKey, recent]{fresh: 30 * time.Second, stale: 5 * time.Minute, most: 4},
		groups:   memo[pastKey, []breach]{fresh: 15 * time.Second, stale: time.Minute, most: 256},
		took:     memo[slo.ID, took]{fresh: time.Minute, most: 1000},
		asking:   make(chan struct{}, maxAsking),
	}
}

// rendered is a page as it is sent.
type rendered struct {
	status int
	header http.Header
	body   []byte
}

func (r rendered) size() int { return len(r.body) }

// recorder takes a page in place of a client.
type recorder struct {
	status int
	header http.Header
	body   bytes.Buffer
}

func (r *recorder) Header() http.Header { return r.header }

func (r *recorder) WriteHeader(status int) { r.status = status }

func (r *recorder) Write(b []byte) (int, error) { return r.body.Write(b) }

// errorNotKept carries an answer that must not be cached, such as 404.
type errorNotKept struct{ rendered }

func (errorNotKept) Error() string { return "not a page to keep" }

// all are pages, and courses those of objectives, see pageHandler.once.
func all(c *caches) *memo[string, rendered]     { return &c.pages }
func courses(c *caches) *memo[string, rendered] { return &c.courses }

// once has a page made once for all who ask for it within some seconds.
func (h pageHandler) once(page http.HandlerFunc, in func(*caches) *memo[string, rendered]) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		d := h.data.Load()
		if d == nil {
			page(w, r)
			return
		}
		got, err := in(d.caches).get(r.Context(), r.URL.Path+"?"+r.URL.RawQuery, func(ctx context.Context) (rendered, error) {
			to := recorder{status: http.StatusOK, header: http.Header{}}
			page(&to, r.WithContext(ctx))
			answer := rendered{to.status, to.header, to.body.Bytes()}
			if answer.status != http.StatusOK {
				return answer, errorNotKept{answer}
			}
			return answer, nil
		})
		var failed errorNotKept
		if errors.As(err, &failed) {
			got = failed.rendered
		} else if err != nil {
			h.unreadable(w, "/", err)
			return
		}
		maps.Copy(w.Header(), got.header)
		w.WriteHeader(got.status)
		_, _ = w.Write(got.body) // the client may have gone
	}
}

// standing is how all objectives stand at a moment.
type standing struct {
	all    []alert.Status            // by ID
	byName map[string][]alert.Status // by objective, the worst label set first
	blind  map[slo.ID]bool
}

// standing returns how all objectives stand, as of the last second.
func (d *Data) standing(ctx context.Context, now time.Time) *standing {
	s, err := d.caches.standing.get(ctx, struct{}{}, func(context.Context) (*standing, error) {
		return newStanding(d.Statuses(now)), nil
	})
	if err != nil { // ctx is done, so nobody will see it
		return newStanding(nil)
	}
	return s
}

func newStanding(all []alert.Status) *standing {
	s := &standing{all: all, byName: map[string][]alert.Status{}, blind: blindOnes(all)}
	for _, status := range all {
		s.byName[status.Objective.Name] = append(s.byName[status.Objective.Name], status)
	}
	for _, sets := range s.byName {
		worstFirst(sets)
	}
	return s
}
