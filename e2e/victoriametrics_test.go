//go:build e2e

package e2e

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postburn/postburn/slo"
	"github.com/postburn/postburn/slo/prom"
	"github.com/postburn/postburn/slo/prom/promtest"
)

// victoriaMetrics is a real single-node server with an empty folder. It scrapes nothing.
type victoriaMetrics struct {
	t    *testing.T
	port string
	*process
}

// startVictoriaMetrics runs a server until the test ends, and waits until it answers.
func startVictoriaMetrics(t *testing.T, flags ...string) *victoriaMetrics {
	t.Helper()
	dir := t.TempDir()
	v := &victoriaMetrics{t: t, port: freePort(t)}
	v.process = start(t, filepath.Join(dir, "log"), nil, victoriaMetricsBinary(t), append([]string{
		"-storageDataPath=" + filepath.Join(dir, "data"), "-httpListenAddr=127.0.0.1:" + v.port, "-memory.allowedBytes=256MB",
	}, flags...)...)
	await(t, patience, "VictoriaMetrics", func() error {
		if err := v.alive(); err != nil {
			t.Fatal(err)
		}
		_, err := get(v.url() + "/health")
		return err
	})
	return v
}

// victoriaMetricsBinary is VICTORIAMETRICS_BIN, or what `make setup` built.
func victoriaMetricsBinary(t *testing.T) string {
	t.Helper()
	if given := os.Getenv("VICTORIAMETRICS_BIN"); given != "" {
		return given
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	found, err := filepath.Glob(filepath.Join(cache, "postburn", "victoria-metrics-v*"))
	if err == nil && len(found) == 0 {
		err = errors.New("`make setup` builds it, or set VICTORIAMETRICS_BIN")
	}
	if err != nil {
		t.Fatalf("looking for VictoriaMetrics: %v", err)
	}
	return found[len(found)-1]
}

func (v *victoriaMetrics) url() string { return "http://127.0.0.1:" + v.port }

// load imports samples and waits until queries find them. VictoriaMetrics shows samples of a new
// series up to half a minute after it took them, unless it is made to flush them.
func (v *victoriaMetrics) load(samples []promtest.Sample) {
	v.t.Helper()
	var text bytes.Buffer
	last := map[string]promtest.Sample{}
	for _, s := range samples {
		name := seriesText(s.Labels)
		fmt.Fprintf(&text, "%s %s %d\n", name, strconv.FormatFloat(s.Value, 'g', -1, 64), s.Time.UnixMilli())
		last[name] = s
	}
	resp, err := http.Post(v.url()+"/api/v1/import/prometheus", "text/plain", &text)
	if err != nil {
		v.t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusNoContent {
		v.t.Fatalf("importing: %s", resp.Status)
	}
	if _, err := get(v.url() + "/internal/force_flush"); err != nil {
		v.t.Fatal(err)
	}
	for name, s := range last {
		await(v.t, patience, "the last sample of "+name, func() error {
			found, err := v.raw(name+"[1ms]", s.Time)
			if err == nil && len(found) == 0 {
				err = errNotYet
			}
			return err
		})
	}
}

// raw is the answer to a range selector: a line for each sample, in their order.
func (v *victoriaMetrics) raw(query string, at time.Time) (lines []string, err error) {
	form := url.Values{"query": {query}, "time": {strconv.FormatFloat(float64(at.UnixMilli())/1000, 'f', 3, 64)}}
	body, err := get(v.url() + "/api/v1/query?" + form.Encode())
	if err != nil {
		return nil, err
	}
	var answer struct {
		Data struct {
			Result []struct {
				Metric map[string]string
				Values [][2]any
			}
		}
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return nil, fmt.Errorf("%w: %s", err, body)
	}
	for _, series := range answer.Data.Result {
		for _, sample := range series.Values {
			lines = append(lines, fmt.Sprintf("%s %.3f %v", seriesText(series.Metric), sample[0], sample[1]))
		}
	}
	slices.Sort(lines)
	return lines, nil
}

// seriesText writes a series as the text format does.
func seriesText(labels map[string]string) string {
	var parts []string
	for name, value := range labels {
		if name != "__name__" {
			parts = append(parts, fmt.Sprintf("%s=%q", name, value))
		}
	}
	slices.Sort(parts)
	return labels["__name__"] + "{" + strings.Join(parts, ",") + "}"
}

// TestVictoriaMetricsRaw holds what counting rests on: a range selector at an instant has each
// sample's own time and value, without the one at its left end.
func TestVictoriaMetricsRaw(t *testing.T) {
	t.Parallel()
	begin := time.Now().Add(-time.Hour).Truncate(time.Minute).Add(123 * time.Millisecond)
	var samples []promtest.Sample
	for i := range 5 {
		at := begin.Add(time.Duration(i) * 15 * time.Second)
		for name, value := range map[string]float64{"up": 1, "requests_total": float64(1_700_000_000_000_000_000 + i), "seconds_total": 0.125 * float64(i)} {
			samples = append(samples, promtest.Sample{Time: at, Value: value, Labels: map[string]string{"__name__": name, "job": "shop"}})
		}
	}
	v := startVictoriaMetrics(t)
	v.load(samples)
	got, err := v.raw(`{job="shop"}[30s]`, begin.Add(60*time.Second))
	if err != nil {
		t.Fatal(err)
	}
	at := func(i int) float64 { return float64(begin.UnixMilli())/1000 + float64(i)*15 }
	want := []string{
		fmt.Sprintf(`requests_total{job="shop"} %.3f 1700000000000000000`, at(3)),
		fmt.Sprintf(`requests_total{job="shop"} %.3f 1700000000000000000`, at(4)),
		fmt.Sprintf(`seconds_total{job="shop"} %.3f 0.375`, at(3)),
		fmt.Sprintf(`seconds_total{job="shop"} %.3f 0.5`, at(4)),
		fmt.Sprintf(`up{job="shop"} %.3f 1`, at(3)),
		fmt.Sprintf(`up{job="shop"} %.3f 1`, at(4)),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestVictoriaMetricsLimits has servers that answer short queries of few series alone: what is
// refused is asked again, in parts, and what can't be answered even so is refused in the server's
// words.
func TestVictoriaMetricsLimits(t *testing.T) {
	t.Parallel()
	at := time.Now().Add(-time.Hour).Truncate(time.Minute)
	var samples []promtest.Sample
	var objectives []slo.Objective
	for _, pod := range []string{"a", "b", "c", "d"} {
		samples = append(samples, promtest.Sample{Time: at.Add(-time.Second), Value: 1, Labels: map[string]string{"__name__": "up", "instance": pod}})
		objectives = append(objectives, slo.Objective{Name: pod, Indicator: slo.Indicator{Bool: fmt.Sprintf("min(up{instance=%q}) == 1", pod)}})
	}
	objectives = append(objectives, slo.Objective{Name: "all", Indicator: slo.Indicator{Bool: "min(up) == 1"}})
	for flag, refused := range map[string]string{
		"-search.maxQueryLen=150":          "",
		"-search.maxSamplesPerQuery=2":     "cannot select more than -search.maxSamplesPerQuery=2 samples; ",
		"-search.maxPointsPerTimeseries=1": "",
	} {
		t.Run(flag, func(t *testing.T) {
			v := startVictoriaMetrics(t, flag)
			v.load(samples)
			client, err := prom.New(prom.Options{URL: v.url()})
			if err != nil {
				t.Fatal(err)
			}
			defer client.Close()
			for i, reading := range client.Read(t.Context(), objectives, slo.Ticks{First: at, Last: at.Add(30 * time.Second), Interval: 30 * time.Second}) {
				if objectives[i].Name == "all" && refused != "" {
					if want := "too much for one query: " + refused; !errors.Is(reading.Err, slo.ErrRefused) || !strings.Contains(reading.Err.Error(), want) {
						t.Errorf("all: got %v, want %s", reading.Err, want)
					}
					continue
				}
				if reading.Err != nil || reading.Series[0].Samples[1].Counts != (slo.Counts{Total: 1}) {
					t.Errorf("%s: %+v", objectives[i].Name, reading)
				}
			}
		})
	}
}
