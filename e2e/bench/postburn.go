package main

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	_ "modernc.org/sqlite" // the driver
)

const (
	// checkEvery and checkAfter say which ticks are read a second time, and when. The measurement
	// leaves those out, and adds a twentieth instead.
	checkEvery = 20
	checkAfter = 10
	// groupedBy is how many label sets one objective of group_by has at most.
	groupedBy = 1_000
	delay     = time.Second // data is there already
	fillLimit = 45 * time.Minute
)

// pace returns the time between ticks, and how many are measured. What a tick costs hardly depends
// on the time between them. With short ticks Prometheus' own housekeeping is shared by many, and
// what it uses while idle counts least. All take less than two minutes, after which Prometheus
// would collect its garbage anyway.
func pace(n int, k kind) (interval time.Duration, ticks int) {
	switch {
	case k == standard:
		return 30 * time.Second, 3
	case n <= 100 && k != badHour:
		return time.Second, 100
	case n <= 1000: // falls are looked for over 75 s at least, which is many ticks of a second
		return 5 * time.Second, 20
	}
	return 15 * time.Second, 7
}

// kind is how objectives are written.
type kind string

const (
	separate kind = "separate"
	grouped  kind = "group_by" // as label sets
	standard kind = "defaults" // separate, with the default rules and a window of 30d
	badHour  kind = "bad_hour" // separate, of services that restart
)

// slosOf returns the SLO file of n objectives, ten to a service, or of one with n label sets. Their
// windows are short unless they are standard, so that there is little past to fill; what a tick
// reads does not depend on them.
func slosOf(n int, k kind) string {
	var b strings.Builder
	b.WriteString(defaultsOf(k))
	if k != grouped {
		for i := firstService(n, k); i < firstService(n, k)+n; i++ {
			writeSLO(&b, serviceName(i), groupName(i), fmt.Sprintf("service=%q", serviceName(i)))
		}
		return b.String()
	}
	for first := 0; first < n; first += groupedBy {
		names := make([]string, min(n-first, groupedBy))
		for i := range names {
			names[i] = serviceName(first + i)
		}
		selected := strings.Join(names, "|")
		if digits := len(fmt.Sprint(len(names))) - 1; digits > 2 { // too many to name one by one: all but so many digits are the same
			selected = strings.TrimSuffix(names[0], strings.Repeat("0", digits)) + strings.Repeat(".", digits)
		}
		writeSLO(&b, "all-"+names[0], "team-"+names[0], fmt.Sprintf("service=~%q", selected))
		b.WriteString("    group_by: [service]\n")
	}
	return b.String()
}

// defaultsOf returns how an SLO file of a kind begins.
func defaultsOf(k kind) string {
	if k == standard {
		return "defaults: {target: 99%, window: 30d}\nslos:\n"
	}
	return "defaults: {target: 99%, window: 1h, incident: {burn: [{rate: 14.4, long: 1h, short: 5m}]}}\nslos:\n"
}

// writeSLO writes the objective of what a matcher selects.
func writeSLO(b *strings.Builder, name, service, matcher string) {
	fmt.Fprintf(b, "  - name: %s\n    service: %s\n    indicator:\n      ratio:\n", name, service)
	fmt.Fprintf(b, "        bad: '%s{%s,code=~\"5..\"}'\n        total: '%s{%s}'\n", metric, matcher, metric, matcher)
}

// daemon is a postburn under measurement.
type daemon struct {
	*process
	url      string
	interval time.Duration
	db       *sql.DB
}

// startPostburn starts a postburn in a directory of its own.
func (b *bench) startPostburn(v version, name, slos string, interval time.Duration) (*daemon, error) {
	dir := filepath.Join(b.dir, v.directory(name))
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(dir, "slos.yaml"), []byte(slos), 0o666); err != nil {
		return nil, err
	}
	store := filepath.Join(dir, "postburn.db")
	address, err := freeAddress()
	if err != nil {
		return nil, err
	}
	p, err := start(filepath.Join(dir, "log"), []string{
		"POSTBURN_PROMETHEUS_URL=" + b.prometheus.url,
		"POSTBURN_SLO_PATH=" + filepath.Join(dir, "slos.yaml"),
		"POSTBURN_INTERVAL=" + interval.String(),
		"POSTBURN_DELAY=" + delay.String(),
		"POSTBURN_STORE=sqlite:" + store,
		"POSTBURN_TRACKER=local",
		"POSTBURN_LOCAL_DIR=" + filepath.Join(dir, "postmortems"),
		"POSTBURN_LISTEN=" + address,
	}, b.binary(v), "run")
	if err != nil {
		return nil, err
	}
	db, err := sql.Open("sqlite", "file:"+store+"?mode=ro&_pragma=busy_timeout(5000)")
	if err != nil {
		p.kill()
		return nil, err
	}
	return &daemon{p, "http://" + address, interval, db}, nil
}

func (d *daemon) end() {
	d.kill()
	_ = d.db.Close() // it was only read
}

// await waits until all lanes have committed a tick.
func (d *daemon) await(ctx context.Context, limit, every time.Duration, tick func() time.Time) error {
	return d.process.await(ctx, limit, every, func() error {
		var cursor sql.NullInt64
		if err := d.db.QueryRowContext(ctx, `SELECT min(cursor) FROM lanes`).Scan(&cursor); err != nil {
			return err
		}
		if behind := tick().Sub(time.Unix(0, cursor.Int64)); !cursor.Valid || behind > 0 {
			return fmt.Errorf("a lane is %s behind", behind)
		}
		return nil
	})
}

// awaitAll waits until so many objectives and label sets have their past: only then is there a
// lane.
func (d *daemon) awaitAll(ctx context.Context, n int) error {
	const query = `SELECT total(json_array_length(CAST(content AS TEXT), '$.members')) FROM checkpoints WHERE part = 'roster'`
	return d.process.await(ctx, fillLimit, time.Second, func() error {
		var enrolled float64
		if err := d.db.QueryRowContext(ctx, query).Scan(&enrolled); err != nil {
			return err
		}
		if enrolled < float64(n) {
			return fmt.Errorf("%.0f objectives of %d are filled", enrolled, n)
		}
		return nil
	})
}

// awaitPast waits until nothing from before the objectives were watched is left to read: it would
// be measured as well.
func (d *daemon) awaitPast(ctx context.Context) error {
	const left = "postburn_backfill_remaining_seconds"
	return d.process.await(ctx, fillLimit, time.Second, func() error {
		body, err := get(ctx, d.url+"/metrics")
		if err != nil {
			return err
		}
		m, err := sumMetrics(body)
		if err == nil && m[left] > 0 {
			err = fmt.Errorf("%s of the past are to be read", time.Duration(m[left])*time.Second)
		}
		return err
	})
}

// measurePostburn runs a postburn of n objectives, and measures some ticks once it has read their
// past and caught up.
func (b *bench) measurePostburn(ctx context.Context, n int, k kind, v version) (result, error) {
	r, err := b.measureVersion(ctx, n, k, v)
	r.version = v
	return r, err
}

func (b *bench) measureVersion(ctx context.Context, n int, k kind, v version) (result, error) {
	before, err := b.prometheus.work(ctx)
	if err != nil {
		return result{}, err
	}
	interval, _ := b.pace(n, k)
	d, err := b.startPostburn(v, fmt.Sprintf("postburn-%d-%s", n, k), slosOf(n, k), interval)
	if err != nil {
		return result{}, err
	}
	defer d.end()
	newest := func() time.Time { return time.Now().Add(-delay).Truncate(d.interval) }
	if err := d.awaitAll(ctx, n); err != nil {
		return result{}, err
	}
	first := newest().Add(interval) // with it the reading of what is older begins
	if err := d.await(ctx, fillLimit, time.Second, func() time.Time { return first }); err != nil {
		return result{}, err
	}
	if k != standard { // whose past takes hours, as it gives way to the ticks
		if err := d.awaitPast(ctx); err != nil {
			return result{}, err
		}
	}
	if err := d.await(ctx, fillLimit, time.Second, newest); err != nil {
		return result{}, err
	}
	filled, err := b.prometheus.work(ctx)
	if err != nil {
		return result{}, err
	}
	used, err := d.usage()
	if err != nil {
		return result{}, err
	}
	b.say("  filled in %s: Prometheus %.1f s and %.0f samples, postburn %.1f s of CPU, at most %.0f MiB, %.1f MiB written",
		filled.at.Sub(before.at).Round(time.Second), b.above(before, filled), filled.samples-before.samples, used.cpu, used.peak/(1<<20), used.written/(1<<20))
	return b.measureTicks(ctx, d, newest, n, k)
}

// measureTicks measures the next ticks. Few are such that none is read again.
func (b *bench) measureTicks(ctx context.Context, d *daemon, newest func() time.Time, n int, k kind) (r result, err error) {
	_, ticks := b.pace(n, k)
	first := newest().Add(d.interval)
	again := 1.0 // with many ticks, those that are read again are among them
	if ticks < checkEvery {
		again += 1.0 / checkEvery
		for i := 0; i < ticks; i++ {
			if (first.Add(time.Duration(i)*d.interval).UnixNano()/int64(d.interval)-checkAfter)%checkEvery == 0 {
				first, i = first.Add(time.Duration(i+1)*d.interval), -1
			}
		}
	}
	last := first.Add(-d.interval)
	after := last
	if err := d.await(ctx, time.Hour, 10*time.Millisecond, func() time.Time { return last }); err != nil {
		return r, err
	}
	if err := b.prometheus.collect(ctx); err != nil {
		return r, err
	}
	before, err := b.prometheus.work(ctx)
	if err != nil {
		return r, err
	}
	used, err := d.usage()
	if err != nil {
		return r, err
	}
	for range ticks {
		last = last.Add(d.interval)
		if err := pause(ctx, time.Until(last.Add(delay))); err != nil {
			return r, err
		}
		if err := d.await(ctx, 5*time.Minute, 10*time.Millisecond, func() time.Time { return last }); err != nil {
			return r, err
		}
		r.took += time.Since(last.Add(delay)) / time.Duration(ticks)
	}
	done, err := b.prometheus.work(ctx)
	if err != nil {
		return r, err
	}
	if done.at.After(b.end) {
		return r, fmt.Errorf("the data ended at %s, before all was measured", b.end.Format(time.TimeOnly))
	}
	now, err := d.usage()
	each := again / float64(ticks)
	r.n, r.kind, r.ticks = n, k, float64(ticks)
	r.samples = (done.samples - before.samples) * each
	r.prometheus = b.above(before, done) * each
	r.postburn = (now.cpu - used.cpu) * each
	r.memory, r.peak = now.memory, now.peak
	r.written = (now.written - used.written) / float64(ticks)
	if k == badHour {
		r.disturbed = float64(b.churn.disturbed(n, after, last)) / float64(n*ticks)
	}
	return r, err
}
