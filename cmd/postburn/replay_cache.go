package main

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"maps"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/common/version"

	"github.com/postburn/postburn/alert/engine"
	"github.com/postburn/postburn/config"
	"github.com/postburn/postburn/slo/prom"
	"github.com/postburn/postburn/slo/samplecache"
)

// cacheFlags say where samples of the past are kept.
type cacheFlags struct {
	Cache   string `help:"Folder for samples that were read once; default: postburn in the user's cache folder." placeholder:"DIR"`
	NoCache bool   `help:"Read all samples from Prometheus, and keep none."`
}

// pastSource is where a replay reads its samples.
type pastSource struct {
	read  engine.Source
	close func()
}

// open returns the sources' samples, kept in the cache unless the flags say otherwise: then only in
// memory. For everyTick, see samplecache.Options. What can't be kept is no error: it is read
// again.
func (f cacheFlags) open(
	ctx context.Context, sources *prom.Sources, source config.Source, stderr io.Writer, everyTick bool,
) (pastSource, error) {
	dir := f.Cache
	switch parent, err := os.UserCacheDir(); {
	case f.NoCache && dir != "":
		return pastSource{}, usageError{fmt.Errorf("--cache %s and --no-cache: give one of them", dir)}
	case !f.NoCache && dir == "" && err == nil: // else nobody has said where this user's cache is
		dir = filepath.Join(parent, "postburn", "samples")
	}
	origins, err := originsOf(ctx, sources, source)
	if err != nil {
		return pastSource{}, err
	}
	cache := samplecache.New(samplecache.Options{
		Dir: dir, Source: sources.Read, Now: time.Now(), EveryTick: everyTick,
		Origin: func(source string) (string, bool) { o := origins[source](); return o.name, o.isStable },
	})
	return pastSource{cache.Read, func() {
		if err := cache.Close(); err != nil {
			fmt.Fprintf(stderr, "samples will be read again: %v\n", err)
		}
	}}, nil
}

// origin names what decides samples beside the objective: the server, what is sent along, such as a
// tenant's name, and the build that counts. It holds no secret. Another server may have the same
// name next time unless it isStable, as a port may be forwarded to another one.
type origin struct {
	name     string
	isStable bool
}

// originsOf returns the origin of each source, by name. A source is asked for its own once it is
// needed.
func originsOf(ctx context.Context, sources *prom.Sources, source config.Source) (map[string]func() origin, error) {
	all := map[string]func() origin{}
	for name, p := range source.Servers() {
		sent, err := sentTo(p)
		if err != nil {
			return nil, err
		}
		all[name] = sync.OnceValue(func() origin {
			instance := sources.Of(name).Instance(ctx)
			return origin{originOf(p, instance, sent), instance != "" || !isLocal(p.URL.Reveal())}
		})
	}
	return all, nil
}

// isLocal reports whether a URL leads to this machine.
func isLocal(text string) bool {
	u, err := url.Parse(text)
	if err != nil {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	return u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
}

// sentTo returns all that is sent to a source along with queries.
func sentTo(p config.Prometheus) (sent []byte, err error) {
	if p.ConfigFile != "" {
		if sent, err = os.ReadFile(p.ConfigFile); err != nil {
			return nil, fmt.Errorf("reading Prometheus' http config: %w", err)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(p.Headers)) {
		h := p.Headers[name]
		value := []byte(h.Value.Reveal())
		if h.File != "" {
			if value, err = os.ReadFile(h.File); err != nil {
				return nil, fmt.Errorf("reading the header %s: %w", name, err)
			}
		}
		sent = fmt.Appendf(sent, "%q %q\n", name, value)
	}
	return sent, nil
}

func originOf(p config.Prometheus, instance string, sent []byte) string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		info = &debug.BuildInfo{}
	}
	hash := sha256.New()
	fmt.Fprintln(hash, versionLine(version.Version, version.Revision, info), p.URL.Reveal(), instance)
	hash.Write(sent)
	return fmt.Sprintf("%x", hash.Sum(nil))
}
