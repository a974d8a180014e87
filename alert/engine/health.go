package engine

import (
	"errors"
	"log/slog"
	"sync"

	"github.com/postburn/postburn/slo"
)

// health logs a fault once when it begins and once when it ends, however often it is reported.
type health struct {
	logger *slog.Logger

	mu     sync.Mutex
	faulty map[string]bool            // by faulty part
	wrong  map[string]map[string]bool // by kind of error: the objectives with it
}

func newHealth(logger *slog.Logger) *health {
	return &health{logger: logger, faulty: map[string]bool{}, wrong: map[string]map[string]bool{}}
}

// failing notes that a part does not work. Nothing is lost: it tries again.
func (h *health) failing(what string, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.faulty[what] {
		h.faulty[what] = true
		h.logger.Error("failing; nothing is lost, trying again", "what", what, "err", err)
	}
}

// ok notes that a part works.
func (h *health) ok(what string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.faulty[what] {
		delete(h.faulty, what)
		h.logger.Info("working again", "what", what)
	}
}

// reading notes how reading an objective went. A fault of a source is logged once for all of its
// objectives, one of a query once for its own.
func (h *health) reading(o slo.Objective, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	name, now, logger := o.Name, "", h.logger
	if o.Source != "" {
		logger = logger.With("source", o.Source)
	}
	if err != nil {
		now = kindOf(o, err)
	}
	for kind, names := range h.wrong {
		if !names[name] || kind == now {
			continue
		}
		delete(names, name)
		if len(names) == 0 {
			delete(h.wrong, kind)
			logger.Info("prometheus answers again", "slo", name, "after", kind)
		}
	}
	if err == nil {
		return
	}
	if h.wrong[now] == nil {
		h.wrong[now] = map[string]bool{}
		logger.Warn("no samples; the objective is blind until they can be read", "slo", name, "err", err)
	}
	h.wrong[now][name] = true
}

// kindOf names a fault, without details that change from try to try.
func kindOf(o slo.Objective, err error) string {
	for _, kind := range []error{slo.ErrUnreachable, slo.ErrBadAnswer, slo.ErrIncomplete, slo.ErrClock} {
		switch {
		case errors.Is(err, kind) && o.Source != "":
			return kind.Error() + ": source " + o.Source
		case errors.Is(err, kind):
			return kind.Error()
		}
	}
	return "query of " + o.Name
}
