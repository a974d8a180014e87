package main

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"runtime/debug"
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

// open returns the client's samples, kept in the cache unless the flags say otherwise: then only in
// memory. For everyTick, see samplecache.Options. What can't be kept is no error: it is read
// again.
func (f cacheFlags) open(
	ctx context.Context, client *prom.Client, source config.Source, stderr io.Writer, everyTick bool,
) (pastSource, error) {
	dir := f.Cache
	switch parent, err := os.UserCacheDir(); {
	case f.NoCache && dir != "":
		return pastSource{}, usageError{fmt.Errorf("--cache %s and --no-cache: give one of them", dir)}
	case !f.NoCache && dir == "" && err == nil: // else nobody has said where this user's cache is
		dir = filepath.Join(parent, "postburn", "samples")
	}
	instance := client.Instance(ctx)
	if instance == "" && isLocal(source.PrometheusURL.Reveal()) {
		dir = "" // the port may be forwarded to another server next time
	}
	origin, err := originOf(source, instance)
	if err != nil {
		return pastSource{}, err
	}
	cache := samplecache.New(samplecache.Options{Dir: dir, Source: client.Read, Origin: origin, Now: time.Now(), EveryTick: everyTick})
	return pastSource{cache.Read, func() {
		if err := cache.Close(); err != nil {
			fmt.Fprintf(stderr, "samples will be read again: %v\n", err)
		}
	}}, nil
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

// originOf names what a sample depends on beside its objective: the server, what is sent along,
// such as a tenant's name, and the build that counts. It holds no secret.
func originOf(source config.Source, instance string) (string, error) {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		info = &debug.BuildInfo{}
	}
	hash := sha256.New()
	fmt.Fprintln(hash, versionLine(version.Version, version.Revision, info), source.PrometheusURL.Reveal(), instance)
	if source.PrometheusConfigFile != "" {
		content, err := os.ReadFile(source.PrometheusConfigFile)
		if err != nil {
			return "", fmt.Errorf("reading Prometheus' http config: %w", err)
		}
		hash.Write(content)
	}
	return fmt.Sprintf("%x", hash.Sum(nil)), nil
}
