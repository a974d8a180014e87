package daemon

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	toolkit "github.com/prometheus/exporter-toolkit/web"

	"github.com/postburn/postburn/slo/prom"
	"github.com/postburn/postburn/web"
)

// shutdown is how long requests that are under way may take when the daemon stops.
const shutdown = 5 * time.Second

// server is an HTTP server that is bound to its address.
type server struct {
	*http.Server
	listener net.Listener
	accept   func() error // serves until the server is shut down
}

// listen binds the addresses that the environment names: that of pages, and that of probes alone if
// there is one.
func listen(ctx context.Context, opts Options, handler *web.Handler, registry *prometheus.Registry) (servers []*server, err error) {
	env := opts.Environment
	if err := toolkit.Validate(env.WebConfigFile); err != nil {
		return nil, fmt.Errorf("reading the web config: %w", prom.HideValues(err))
	}
	defer func() {
		if err != nil {
			for _, s := range servers {
				_ = s.listener.Close() // nothing was served
			}
		}
	}()
	bind := func(address string, told func(net.Addr)) (net.Listener, error) {
		l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
		if err != nil {
			return nil, fmt.Errorf("listening on %s: %w", address, err)
		}
		if told != nil {
			told(l.Addr())
		}
		return l, nil
	}
	l, err := bind(env.Listen, opts.Listening)
	if err != nil {
		return nil, err
	}
	pages, limited := web.NewServer(l, web.ServerOptions{
		Handler: handler, ExternalURL: env.ExternalURL.Reveal(), Connections: maxConnections(), Logger: opts.Logger, Registerer: registry,
	})
	hidden := hiding{opts.Logger.Handler()}
	pages.ErrorLog = slog.NewLogLogger(hidden, slog.LevelDebug)
	servers = append(servers, &server{pages, limited, func() error {
		return toolkit.Serve(limited, pages, &toolkit.FlagConfig{WebConfigFile: &env.WebConfigFile}, slog.New(hidden))
	}})
	if env.ProbeListen == "" {
		return servers, nil
	}
	if l, err = bind(env.ProbeListen, opts.Probing); err != nil {
		return servers, err
	}
	opts.Logger.Info("listening for probes", "address", l.Addr().String())
	probes, alone := web.NewProbeServer(l, handler, opts.Logger)
	return append(servers, &server{probes, alone, func() error { return probes.Serve(alone) }}), nil
}

// Of the file descriptors that the process may have, some are not for clients: 8 are probes', and
// some 35 the daemon's own, for its store, SLO files, Prometheus, GitHub and the log.
const (
	ownDescriptors   = 48
	leastConnections = 8
	mostConnections  = 256 // each takes 20 to 50 KiB
)

// maxConnections is how many connections the pages may have at a time.
func maxConnections() int {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil || limit.Cur > ownDescriptors+mostConnections {
		return mostConnections
	}
	return max(leastConnections, int(limit.Cur)-ownDescriptors)
}

// serve serves until ctx is done. Requests that are under way then have a moment to end.
func (s *server) serve(ctx context.Context, logger *slog.Logger) error {
	served := make(chan error, 1)
	go func() { served <- s.accept() }()
	select {
	case err := <-served:
		return fmt.Errorf("serving HTTP: %w", prom.HideValues(err))
	case <-ctx.Done():
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdown)
	defer cancel()
	if err := s.Shutdown(ctx); err != nil {
		logger.Warn("requests were cut off", "err", err)
		_ = s.Close() // of connections that are cut off
	}
	if err := <-served; !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serving HTTP: %w", err)
	}
	return nil
}

// hiding is a log without the values of the web config. That is read again for each connection and
// request, and what is wrong with it by then is told by toolkit, or by net/http as the failure of a
// handshake, which is else of no interest.
type hiding struct{ slog.Handler }

// Enabled implements slog.Handler.
func (hiding) Enabled(context.Context, slog.Level) bool { return true }

// Handle implements slog.Handler.
func (h hiding) Handle(ctx context.Context, r slog.Record) error {
	level, message := r.Level, r.Message
	if strings.Contains(message, "yaml: ") {
		level, message = slog.LevelError, prom.HideValues(errors.New(message)).Error()
	}
	if !h.Handler.Enabled(ctx, level) {
		return nil
	}
	hidden := slog.NewRecord(r.Time, level, message, r.PC)
	r.Attrs(func(a slog.Attr) bool {
		if a.Key == "err" {
			a.Value = slog.StringValue(prom.HideValues(errors.New(a.Value.String())).Error())
		}
		hidden.AddAttrs(a)
		return true
	})
	return h.Handler.Handle(ctx, hidden)
}

// WithAttrs implements slog.Handler.
func (h hiding) WithAttrs(attrs []slog.Attr) slog.Handler { return hiding{h.Handler.WithAttrs(attrs)} }

// WithGroup implements slog.Handler.
func (h hiding) WithGroup(name string) slog.Handler { return hiding{h.Handler.WithGroup(name)} }
