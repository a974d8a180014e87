package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// server is the Prometheus of a run. It scrapes nothing: its data are the blocks.
type server struct {
	*process
	dir, url, version string

	samples float64 // read by the queries that are logged before ...
	logged  int64   // ... this offset
}

// settings lets results of rules be stored although the blocks are of the future already.
const settings = `
global: {evaluation_interval: 10s, query_log_file: queries.log}
rule_files: [rules/*.yml]
storage: {tsdb: {out_of_order_time_window: 3h}}
`

// startPrometheus runs that program on the blocks below dir, and waits until it answers.
func startPrometheus(ctx context.Context, dir, name string) (*server, error) {
	address, err := freeAddress()
	if err != nil {
		return nil, err
	}
	if err := os.Mkdir(filepath.Join(dir, "rules"), 0o777); err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(dir, "prometheus.yml"), []byte(settings), 0o666); err != nil {
		return nil, err
	}
	s := &server{dir: dir, url: "http://" + address}
	s.process, err = start(filepath.Join(dir, "prometheus.log"), nil, name,
		"--config.file="+filepath.Join(dir, "prometheus.yml"), "--storage.tsdb.path="+filepath.Join(dir, "data"),
		"--storage.tsdb.min-block-duration=2h", "--storage.tsdb.max-block-duration=2h", // nothing is compacted meanwhile
		"--storage.tsdb.retention.time=10y", "--web.listen-address="+address)
	if err != nil {
		return nil, err
	}
	err = s.await(ctx, 5*time.Minute, 50*time.Millisecond, func() error { _, err := get(ctx, s.url+"/-/ready"); return err })
	if err != nil {
		s.kill()
		return nil, fmt.Errorf("starting Prometheus: %w", err)
	}
	var info struct{ Data struct{ Version string } }
	body, err := get(ctx, s.url+"/api/v1/status/buildinfo")
	if err == nil {
		err = json.Unmarshal(body, &info)
	}
	s.version = info.Data.Version
	return s, err
}

// freeAddress returns one that nobody listens on now: Prometheus does not say which port it got.
func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// load has Prometheus evaluate these rule files, and no others.
func (s *server) load(ctx context.Context, files map[string]string) error {
	old, err := filepath.Glob(filepath.Join(s.dir, "rules/*.yml"))
	if err != nil {
		return err
	}
	for _, name := range old {
		if err := os.Remove(name); err != nil {
			return err
		}
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(s.dir, "rules", name), []byte(text), 0o666); err != nil {
			return err
		}
	}
	before, err := s.metrics(ctx)
	if err != nil {
		return err
	}
	const reloaded = "prometheus_config_last_reload_success_timestamp_seconds"
	if err := pause(ctx, time.Second); err != nil { // that metric may be in whole seconds
		return err
	}
	if err := s.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		return err
	}
	return s.await(ctx, 20*time.Second, 100*time.Millisecond, func() error {
		now, err := s.metrics(ctx)
		if err == nil && now[reloaded] <= before[reloaded] {
			err = errNotYet
		}
		return err
	})
}

// metrics are Prometheus' own, each summed over its series.
func (s *server) metrics(ctx context.Context) (map[string]float64, error) {
	body, err := get(ctx, s.url+"/metrics")
	if err != nil {
		return nil, errors.Join(err, s.alive())
	}
	return sumMetrics(body)
}

// sumMetrics sums each metric of a scrape over its series.
func sumMetrics(body []byte) (map[string]float64, error) {
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(string(body)))
	if err != nil {
		return nil, err
	}
	sums := map[string]float64{}
	for name, f := range families {
		for _, m := range f.GetMetric() {
			sums[name] += m.GetGauge().GetValue() + m.GetCounter().GetValue()
		}
	}
	return sums, nil
}

// collect has Prometheus collect its garbage. It does so at least every two minutes, which takes
// long with much in memory. A measurement that begins with it pays only for its own garbage.
func (s *server) collect(ctx context.Context) error {
	_, err := get(ctx, s.url+"/debug/pprof/heap?gc=1")
	return err
}

// work is what Prometheus has done since it started.
type work struct {
	at          time.Time
	cpu         float64 // s
	samples     float64 // read by queries and rules
	evaluations float64 // of groups of rules
	lasted      float64 // s: the last evaluation, summed over groups
	failed      float64 // evaluations of rules
}

func (s *server) work(ctx context.Context) (work, error) {
	m, err := s.metrics(ctx)
	if err != nil {
		return work{}, err
	}
	if err := s.count(); err != nil {
		return work{}, fmt.Errorf("reading the query log: %w", err)
	}
	u, err := s.usage()
	return work{
		time.Now(), u.cpu, s.samples, m["prometheus_rule_group_iterations_total"] - m["prometheus_rule_group_iterations_missed_total"], m["prometheus_rule_group_last_duration_seconds"],
		m["prometheus_rule_evaluation_failures_total"],
	}, err
}

// count adds up what queries and rules have read since the last call. In all versions the query log
// has both.
func (s *server) count() error {
	file, err := os.Open(filepath.Join(s.dir, "queries.log"))
	if err != nil {
		return err
	}
	defer file.Close()
	if _, err := file.Seek(s.logged, io.SeekStart); err != nil {
		return err
	}
	for lines := bufio.NewReader(file); ; {
		line, err := lines.ReadString('\n')
		if errors.Is(err, io.EOF) {
			return nil // what there is of a line that is being written is read next time
		}
		if err != nil {
			return err
		}
		_, text, _ := strings.Cut(line, `"totalQueryableSamples":`)
		end := strings.IndexFunc(text, func(r rune) bool { return r < '0' || r > '9' })
		samples, err := strconv.ParseFloat(text[:max(0, end)], 64)
		if err != nil {
			return fmt.Errorf("%.200s: %w", line, err)
		}
		s.samples, s.logged = s.samples+samples, s.logged+int64(len(line))
	}
}

// client asks for uncompressed answers, as postburn does: compressing costs more than short answers
// are worth.
var client = http.Client{Transport: &http.Transport{DisableCompression: true}}

// get returns the body of an answer with status 200.
func get(ctx context.Context, address string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	answer, err := client.Do(request)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", answer.Status, body)
	}
	return body, err
}
