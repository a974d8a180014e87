package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/web"
)

const (
	catchUpTick = 30 * time.Second
	// promised is how long it takes at most to catch up with the downtime of 1,000 objectives.
	promised     = time.Minute
	promisedFor  = 1_000
	catchUpLimit = 20 * time.Minute
)

// caughtUp is what catching up took.
type caughtUp struct {
	n, compared, windows int
	took                 time.Duration
	samples              float64
	prometheus, postburn float64 // s of CPU
	peak                 float64 // bytes
}

// slosToCatchUp is the SLO file of the objectives from one number to another.
func slosToCatchUp(from, to int) string {
	var b strings.Builder
	b.WriteString("defaults: {target: 99.9%, window: 1d, incident: {burn: [{rate: 14.4, long: 1h, short: 5m}, {rate: 3, long: 2h, short: 10m}]}}\nslos:\n")
	for i := from; i < to; i++ {
		writeSLO(&b, serviceName(i), groupName(i), fmt.Sprintf("service=%q", serviceName(i)))
	}
	return b.String()
}

func groupName(i int) string { return fmt.Sprintf("team-%03d", i/groupSize) }

// measureCatchUp measures how long a postburn of n objectives takes to catch up after hours of
// downtime. It then compares its incidents with those of a postburn that was always up, for
// objectives with outages and as many others. An older postburn catches up next, from the same
// store; its incidents are not compared.
func (b *bench) measureCatchUp(ctx context.Context, n int) (all []caughtUp, err error) {
	const name = "postburn"
	down := time.Now().Add(-downtime).Truncate(catchUpTick).UTC()
	began := down.Add(-wasUp)
	b.say("writing what %d services counted while postburn was down", n)
	if err := b.start(ctx, func(data string) error { return writeOutages(ctx, data, n, down, time.Now()) }); err != nil {
		return nil, err
	}
	defer b.prometheus.kill()
	dir := filepath.Join(b.dir, name)
	if err := os.Mkdir(dir, 0o777); err != nil {
		return nil, err
	}
	slos := filepath.Join(dir, "slos.yaml")
	if err := os.WriteFile(slos, []byte(slosToCatchUp(0, n)), 0o666); err != nil {
		return nil, err
	}
	definitions, err := definitionsOf(slos)
	if err != nil {
		return nil, err
	}
	b.say("  making the store of a postburn that was up until %s", down.Format(time.TimeOnly))
	before := past{definitions: definitions, store: filepath.Join(dir, "postburn.db"), url: b.prometheus.url, interval: catchUpTick}
	if _, err := before.run(ctx, began, down); err != nil {
		return nil, fmt.Errorf("watching before the downtime: %w", err)
	}
	if b.beside != "" {
		if err := os.CopyFS(older.directory(dir), os.DirFS(dir)); err != nil {
			return nil, err
		}
	}
	b.say("  catching up")
	c, found, end, err := b.catchUp(ctx, present, name, n)
	if err != nil {
		return nil, err
	}
	all = append(all, c)
	if b.beside != "" {
		b.say("  took %s; catching up with the older postburn", c.took.Round(time.Millisecond))
		before, _, _, err := b.catchUp(ctx, older, name, n)
		if err != nil {
			return nil, err
		}
		all = append(all, before)
	}
	all[0].compared = min(n, max(b.compared, 2*faulty(n)))
	b.say("  took %s; watching %d of the objectives tick by tick", all[len(all)-1].took.Round(time.Millisecond), all[0].compared)
	up, err := b.watchAllTheTime(ctx, all[0].compared, began, end)
	if err != nil {
		return nil, fmt.Errorf("watching all the time: %w", err)
	}
	for _, text := range up {
		all[0].windows += strings.Count(text, `"kind":"b`) - strings.Count(text, `"kind":"blind`)
	}
	return all, same(up, found)
}

// catchUp runs the daemon until it has caught up. It returns the API's incidents, and the last tick
// that all lanes have.
func (b *bench) catchUp(ctx context.Context, v version, name string, n int) (c caughtUp, found map[string]string, end time.Time, err error) {
	before, err := b.prometheus.work(ctx)
	if err != nil {
		return c, nil, end, err
	}
	begun := time.Now()
	d, err := b.startPostburn(v, name, slosToCatchUp(0, n), catchUpTick)
	if err != nil {
		return c, nil, end, err
	}
	defer d.end()
	newest := func() time.Time { return time.Now().Add(-delay).Truncate(catchUpTick) }
	if err := d.await(ctx, catchUpLimit, 50*time.Millisecond, newest); err != nil {
		return c, nil, end, err
	}
	c.n, c.took = n, time.Since(begun)
	after, err := b.prometheus.work(ctx)
	if err != nil {
		return c, nil, end, err
	}
	used, err := d.usage()
	if err != nil {
		return c, nil, end, err
	}
	c.samples, c.prometheus, c.postburn, c.peak = after.samples-before.samples, b.above(before, after), used.cpu, used.peak
	err = d.process.await(ctx, time.Minute, 50*time.Millisecond, func() (err error) {
		found, end, err = d.incidentsAt(ctx)
		return err
	})
	return c, found, end, err
}

// incidentsAt returns the API's incidents, and the tick that all lanes are at. It returns an error
// while they are at different ticks.
func (d *daemon) incidentsAt(ctx context.Context) (found map[string]string, tick time.Time, err error) {
	var first, last, after int64
	if err := d.db.QueryRowContext(ctx, `SELECT min(cursor), max(cursor) FROM lanes`).Scan(&first, &last); err != nil {
		return nil, tick, err
	}
	if found, err = d.incidents(ctx); err != nil {
		return nil, tick, err
	}
	if err := d.db.QueryRowContext(ctx, `SELECT max(cursor) FROM lanes`).Scan(&after); err == nil && (first != last || last != after) {
		return nil, tick, errNotYet
	}
	return found, time.Unix(0, last).UTC(), err
}

var listening = regexp.MustCompile(`msg="Listening on" address=(\S+)`)

// incidents returns the API's incidents: their JSON by ID, without where they are published.
func (d *daemon) incidents(ctx context.Context) (map[string]string, error) {
	said, err := os.ReadFile(d.log)
	if err != nil {
		return nil, err
	}
	address := listening.FindSubmatch(said)
	if address == nil {
		return nil, errors.New("postburn does not say where it listens")
	}
	all := map[string]string{}
	for next := ""; ; {
		body, err := get(ctx, "http://"+string(address[1])+"/api/v1/incidents?limit=1000&cursor="+next)
		if err != nil {
			return nil, err
		}
		page, more, err := byID(body)
		if err != nil {
			return nil, err
		}
		maps.Copy(all, page)
		if next = more; next == "" {
			return all, nil
		}
	}
}

// byID takes an answer of the API apart. next is the cursor of the next page.
func byID(body []byte) (texts map[string]string, next string, err error) {
	var answer struct {
		Incidents []map[string]json.RawMessage
		Next      string
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return nil, "", err
	}
	texts = map[string]string{}
	for _, i := range answer.Incidents {
		delete(i, "issue_url")
		text, err := json.Marshal(i)
		if err != nil {
			return nil, "", err
		}
		texts[string(i["id"])] = string(text)
	}
	return texts, answer.Next, nil
}

// watchAllTheTime watches the first n objectives from one tick to another, each tick when it is
// due. It watches each group on its own, since groups are independent.
func (b *bench) watchAllTheTime(ctx context.Context, n int, from, to time.Time) (map[string]string, error) {
	var mu sync.Mutex
	var all []alert.Incident
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(2)
	for first := 0; first < n; first += groupSize {
		group.Go(func() error {
			dir := filepath.Join(b.dir, "up-"+groupName(first))
			if err := os.Mkdir(dir, 0o777); err != nil {
				return err
			}
			slos := filepath.Join(dir, "slos.yaml")
			if err := os.WriteFile(slos, []byte(slosToCatchUp(first, min(n, first+groupSize))), 0o666); err != nil {
				return err
			}
			definitions, err := definitionsOf(slos)
			if err != nil {
				return err
			}
			p := past{definitions: definitions, store: filepath.Join(dir, "postburn.db"), url: b.prometheus.url, interval: catchUpTick, atTheTime: true}
			found, err := p.run(ctx, from, to)
			mu.Lock()
			defer mu.Unlock()
			all = append(all, found...)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	body, err := json.Marshal(map[string]any{"incidents": web.ViewIncidents(all, nil)})
	if err != nil {
		return nil, err
	}
	texts, _, err := byID(body)
	return texts, err
}

// same returns an error if catching up did not find the same incidents, byte for byte, as having
// been up.
func same(up, found map[string]string) error {
	for _, id := range slices.Sorted(maps.Keys(up)) {
		if found[id] != up[id] {
			return fmt.Errorf("an incident is not the same:\nhaving been up %s\ncaught up      %s", up[id], found[id])
		}
	}
	for id, text := range found {
		if up[id] == "" {
			return fmt.Errorf("an incident was found by catching up alone: %s", text)
		}
	}
	return nil
}

// printCatchUp prints a row for each postburn that caught up, and the ratios if there are two.
func printCatchUp(w io.Writer, all []caughtUp) {
	fmt.Fprintln(w, "| objectives caught up | takes | Prometheus' CPU | postburn's CPU | its memory, at most | samples read | compared | breach windows |")
	fmt.Fprintln(w, "| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
	for i, c := range all {
		fmt.Fprintf(w, "| %s%s | %s | %s | %s | %s | %s |", whole(float64(c.n)), version(i).suffix(), seconds(c.took.Seconds()),
			seconds(c.prometheus), seconds(c.postburn), size(c.peak), whole(c.samples))
		if version(i) == present {
			fmt.Fprintf(w, " %d | %d |\n", c.compared, c.windows)
		} else {
			fmt.Fprintln(w, "  |  |")
		}
	}
	if len(all) > 1 {
		c, old := all[present], all[older]
		fmt.Fprintf(w, "| of before | %s | %s | %s | %s | %s |  |  |\n", times(c.took.Seconds(), old.took.Seconds()),
			times(c.prometheus, old.prometheus), times(c.postburn, old.postburn), times(c.peak, old.peak), times(c.samples, old.samples))
	}
	fmt.Fprintln(w)
}

// missed is what of a result is not as docs/cost.md promises.
func (c caughtUp) missed() error {
	switch {
	case c.windows < c.compared/groupSize:
		return fmt.Errorf("only %d breach windows: the comparison says too little", c.windows)
	case c.n <= promisedFor && c.took > promised:
		return fmt.Errorf("%d objectives took %s to catch up, which is over %s", c.n, c.took.Round(time.Second), promised)
	}
	return nil
}
