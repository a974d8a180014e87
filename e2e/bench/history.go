package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
	"github.com/prometheus/prometheus/tsdb/chunks"
	"github.com/prometheus/prometheus/tsdb/index"
)

// What there is to watch: services of 20 instances, each with a series of answered requests, one of
// failed ones, and its start time. The first few services have as long a past as the rules' windows
// need; the others have ten minutes, and one instance with a long past of fewer scrapes. All of
// them go on for longer than a run, so each tick finds its data though nothing is scraped.
const (
	instances  = 20
	longPasts  = 10
	longPast   = 72 * time.Hour
	shortPast  = 10 * time.Minute
	future     = 45 * time.Minute // for each postburn that is measured
	scrape     = 15 * time.Second
	thinner    = 4                // the thin series have every fourth scrape
	evaluation = 30 * time.Second // between the values of a recorded ratio
	blockRange = 18 * time.Hour
	chunkSize  = 120 // samples
	metric     = "http_requests_total"
	ratioName  = "slo:sli_error:ratio_rate5m"
)

func serviceName(i int) string { return fmt.Sprintf("s%04d", i) }

// writeHistory writes what a Prometheus of n services holds: blocks of the past, which only a few
// services have, and a log of what is recent, which is in its memory like all that it scrapes. The
// log goes on into the future, up to the end.
func writeHistory(ctx context.Context, dir string, n int, now, end time.Time) error {
	recent := recently(now)
	from := recent.Add(-longPast)
	long, ratios := makeSeries(0, longPasts, from, end), makeRatios(from, now)
	past := slices.Concat(long, makeThin(longPasts, n, from, end))
	slices.SortFunc(past, func(a, b series) int { return labels.Compare(a.labels, b.labels) })
	if err := writeBlocks(ctx, dir, recent, slices.Concat(past, ratios)); err != nil {
		return err
	}
	return writeLog(ctx, dir, recent, end, slices.Concat(makeSeries(0, max(n, longPasts), recent, end), ratios))
}

// recently is where the blocks end and the log begins.
func recently(now time.Time) time.Time { return now.Add(-shortPast).Truncate(time.Minute) }

// writeBlocks writes the long past of series, which are sorted by their labels.
func writeBlocks(ctx context.Context, dir string, recent time.Time, past []series) error {
	block := 0
	for from := recent.Add(-longPast); from.Before(recent); from = from.Add(blockRange) {
		to := from.Add(blockRange)
		if to.After(recent) {
			to = recent
		}
		if err := writeBlock(ctx, dir, block, from, to, past); err != nil {
			return err
		}
		block++
	}
	return nil
}

// writeLog writes what series have in [from, to), scrape by scrape, to the write-ahead log.
func writeLog(ctx context.Context, dir string, from, to time.Time, all []series) error {
	db, err := tsdb.Open(dir, slog.New(slog.DiscardHandler), nil, tsdb.DefaultOptions(), nil)
	if err != nil {
		return err
	}
	db.DisableCompactions()
	refs, next := make([]storage.SeriesRef, len(all)), make([]int, len(all))
	for end := from; end.Before(to); end = end.Add(scrape) {
		app := db.Appender(ctx)
		for i, s := range all {
			for ; next[i] < len(*s.values) && (*s.values)[next[i]].at < end.UnixMilli(); next[i]++ {
				v := (*s.values)[next[i]]
				if v.at < from.UnixMilli() {
					continue
				}
				if refs[i], err = app.Append(refs[i], s.labels, v.at, v.v); err != nil {
					return errors.Join(err, app.Rollback(), db.Close())
				}
			}
		}
		if err := app.Commit(); err != nil {
			return errors.Join(err, db.Close())
		}
	}
	return db.Close()
}

// series is one whose values are shared with others: the services differ by name alone.
type series struct {
	labels labels.Labels
	values *[]value
}

type value struct {
	at int64 // ms
	v  float64
}

// makeSeries makes the series of the services from one number to another, between two times. They
// are in the order of their labels.
func makeSeries(first, n int, from, end time.Time) (all []series) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, code := range codes {
		for i := range instances {
			values := count(from, end, i, code.every, random)
			for s := first; s < n; s++ {
				all = append(all, series{counterLabels(code.name, instanceName(i), s), &values})
			}
		}
	}
	for i := range instances {
		values := begun(from, end, i)
		for s := first; s < n; s++ {
			all = append(all, series{startLabels(instanceName(i), s), &values})
		}
	}
	return all
}

// makeThin makes the counters of the first instance of services, of fewer scrapes.
func makeThin(first, n int, from, end time.Time) (all []series) {
	random := rand.New(rand.NewPCG(7, 8))
	for _, code := range codes {
		var values []value
		for i, v := range count(from, end, 0, code.every, random) {
			if i%thinner == 0 {
				values = append(values, v)
			}
		}
		for s := first; s < n; s++ {
			all = append(all, series{counterLabels(code.name, instanceName(0), s), &values})
		}
	}
	return all
}

// codes are those of the counters, and how many requests there are a scrape, on average.
var codes = [...]struct {
	name  string
	every float64
}{{"200", 30}, {"500", 0.03}}

func instanceName(i int) string { return fmt.Sprintf("i%02d", i) }

func counterLabels(code, instance string, service int) labels.Labels {
	return labels.FromStrings("__name__", metric, "code", code, "instance", instance, "job", serviceName(service), "service", serviceName(service))
}

func startLabels(instance string, service int) labels.Labels {
	return labels.FromStrings("__name__", "process_start_time_seconds", "instance", instance, "job", serviceName(service))
}

// begun is what an instance says at every scrape of when it started.
func begun(from, end time.Time, instance int) (values []value) {
	for _, v := range count(from, end, instance, 0, nil) {
		values = append(values, value{v.at, 1_500_000_000})
	}
	return values
}

// count is what a counter shows at every scrape.
func count(from, end time.Time, instance int, every float64, random *rand.Rand) (values []value) {
	sum := 100_000.0
	for at := from.Add(shift(instance)); at.Before(end); at = at.Add(scrape) {
		sum += draw(every, random)
		values = append(values, value{at.UnixMilli(), sum})
	}
	return values
}

// shift is how long after the first instance another is scraped.
func shift(instance int) time.Duration { return scrape * time.Duration(instance) / instances }

// draw returns a random number of events, so many on average.
func draw(mean float64, random *rand.Rand) (n float64) {
	for ; mean > 0; mean-- {
		if random.Float64() < mean {
			n++
		}
	}
	return n
}

// makeRatios are what the rules have recorded of the services with a long past, up to now.
func makeRatios(from, now time.Time) (all []series) {
	random := rand.New(rand.NewPCG(3, 4))
	var values []value
	for at := from; at.Before(now); at = at.Add(evaluation) {
		values = append(values, value{at.UnixMilli(), 0.001 + 0.0005*random.Float64()})
	}
	for s := range longPasts {
		all = append(all, series{labels.FromStrings("__name__", ratioName, "service", serviceName(s)), &values})
	}
	return all
}

// writeBlock writes what series have in [from, to) as the n-th block.
func writeBlock(ctx context.Context, dir string, n int, from, to time.Time, all []series) error {
	name := fmt.Sprintf("01BENCH%019d", n) // is a ULID
	block := filepath.Join(dir, name)
	if err := os.MkdirAll(block, 0o777); err != nil {
		return err
	}
	chunkWriter, err := chunks.NewWriter(filepath.Join(block, "chunks"))
	if err != nil {
		return err
	}
	indexWriter, err := index.NewWriter(ctx, filepath.Join(block, "index"))
	if err != nil {
		return err
	}
	if err := writeSeries(chunkWriter, indexWriter, all, from.UnixMilli(), to.UnixMilli()); err != nil {
		return err
	}
	if err := chunkWriter.Close(); err != nil {
		return err
	}
	if err := indexWriter.Close(); err != nil {
		return err
	}
	meta, err := json.Marshal(map[string]any{
		"ulid": name, "version": 1, "minTime": from.UnixMilli(), "maxTime": to.UnixMilli(),
		"compaction": map[string]any{"level": 1, "sources": []string{name}},
	})
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(block, "meta.json"), meta, 0o666)
}

func writeSeries(chunkWriter *chunks.Writer, indexWriter *index.Writer, all []series, from, to int64) error {
	symbols := map[string]bool{}
	for _, s := range all {
		s.labels.Range(func(l labels.Label) { symbols[l.Name], symbols[l.Value] = true, true })
	}
	for _, symbol := range slices.Sorted(maps.Keys(symbols)) {
		if err := indexWriter.AddSymbol(symbol); err != nil {
			return err
		}
	}
	encoded := map[*[]value][]chunks.Meta{}
	for ref, s := range all {
		if encoded[s.values] == nil {
			var err error
			if encoded[s.values], err = encode(*s.values, from, to); err != nil {
				return err
			}
		}
		if len(encoded[s.values]) == 0 {
			continue
		}
		metas := append([]chunks.Meta{}, encoded[s.values]...)
		if err := chunkWriter.WriteChunks(metas...); err != nil {
			return err
		}
		if err := indexWriter.AddSeries(storage.SeriesRef(ref), s.labels, metas...); err != nil {
			return err
		}
	}
	return nil
}

// encode makes chunks of the values in [from, to).
func encode(values []value, from, to int64) (metas []chunks.Meta, err error) {
	var app chunkenc.Appender
	var chunk *chunkenc.XORChunk
	for _, v := range values {
		if v.at < from || v.at >= to {
			continue
		}
		if chunk == nil || chunk.NumSamples() == chunkSize {
			chunk = chunkenc.NewXORChunk()
			if app, err = chunk.Appender(); err != nil {
				return nil, err
			}
			metas = append(metas, chunks.Meta{Chunk: chunk, MinTime: v.at})
		}
		app.Append(0, v.at, v.v)
		metas[len(metas)-1].MaxTime = v.at
	}
	return metas, nil
}
