package prom_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postburn/postburn/slo"
	"github.com/postburn/postburn/slo/prom"
	"github.com/postburn/postburn/slo/prom/promtest"
)

// What the servers say, word for word but for names and numbers.
const (
	mimirChunks = "the query exceeded the maximum number of chunks (limit: 2000000 chunks) (err-mimir-max-chunks-per-query). " +
		"Consider reducing the time range and/or number of series selected by the query. One way to reduce the number of selected series is to add more " +
		"label matchers to the query. Otherwise, to adjust the related per-tenant limit, configure -querier.max-fetched-chunks-per-query, or contact your " +
		"service administrator."
	mimirSeries    = "the query exceeded the maximum number of series (limit: 100000 series) (err-mimir-max-series-per-query)."
	mimirBytes     = "the query exceeded the aggregated chunks size limit (limit: 1000 bytes) (err-mimir-max-chunks-bytes-per-query)."
	mimirEstimated = "the estimated number of chunks for the query exceeded the maximum allowed (limit: 4 chunks) (err-mimir-max-estimated-chunks-per-query)."
	mimirMemory    = "the query exceeded the maximum allowed estimated amount of memory consumed by a single query (limit: 10 bytes) " +
		"(err-mimir-max-estimated-memory-consumption-per-query)"
	mimirRange   = "the total query time range exceeds the limit (query length: 1h0m0s, limit: 1m0s) (err-mimir-max-total-query-length)."
	mimirLength  = "the raw query size in bytes exceeds the limit (query size: 10, limit: 20) (err-mimir-max-query-expression-size-bytes)."
	cortexSeries = "the query hit the max number of series limit (limit: 100000 series)"
	cortexChunks = "the query hit the max number of chunks limit (limit: 2000000 chunks)"
	cortexBytes  = "the query hit the aggregated data size limit (limit: 1000 bytes)"
	thanosSeries = "expanding series: proxy Series(): rpc error: code = Aborted desc = receive series from Addr: store:9091: rpc error: code = ResourceExhausted " +
		"desc = exceeded series limit: rpc error: code = Code(422) desc = limit 12000 violated (got 12704)"
	cortexRange  = "the query time range exceeds the limit (query length: 745h0m0s, limit: 744h0m0s)"
	thanosChunks = "exceeded chunks limit: rpc error: code = Code(422) desc = limit 9 violated (got 10)"
	thanosSample = "exceeded samples limit: limit 9 violated (got 10)"
	thanosBytes  = "expanding series: proxy Series(): rpc error: code = ResourceExhausted desc = exceeded bytes limit while fetching postings: limit 1 violated (got 8)"
	thanosGRPC   = "fetch series: rpc error: code = ResourceExhausted desc = grpc: received message larger than max (10277563 vs. 4194304)"
	promSamples  = "query processing would load too many samples into memory in query execution"
	promPoints   = "exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution (?step=XX)"
	promTime     = "query timed out in expression evaluation"

	vmQuery   = `error when executing query="sum(x{a=\"(b): \"}) or y" for (time=1795896810000, step=300000): `
	vmRange   = `error when executing query="x" on the time range (start=1795896780000, end=1795897380000, step=30000): `
	vmSeries  = "the number of matching timeseries exceeds 300000; either narrow down the search or increase -search.max* command-line flag values"
	vmSamples = "cannot select more than -search.maxSamplesPerQuery=1000000000 samples; possible solutions: increase the -search.maxSamplesPerQuery"
	vmPoints  = "too many points for the given start=1795856300000, end=1795896300000 and step=1000: 40001; the maximum number of points is 30000"
	vmMemory  = "not enough memory for processing x, which returns 10 data points across 1 time series with 10 points in each time series"
	vmLength  = "too long query; got 24086 bytes; mustn't exceed `-search.maxQueryLen=16384` bytes"
	vmTime    = "timeout exceeded before starting the query processing: 30.000 seconds (elapsed 30.1 seconds)"
)

// apiError is an error in the form of the query API.
func apiError(kind, text string) string {
	return fmt.Sprintf(`{"status":"error","errorType":%q,"error":%q}`, kind, text)
}

// TestLimits has errors about one query that is too much. Each is an answer about that query, so it
// does not count towards those after which a server is given up.
func TestLimits(t *testing.T) {
	for _, tc := range []struct {
		name   string
		status int
		body   string
		shown  string // the first words; empty: the body's
	}{
		{"Prometheus' samples", 422, apiError("execution", promSamples), promSamples},
		{"Prometheus' steps", 400, apiError("bad_data", promPoints), promPoints},
		{"Thanos' series", 422, apiError("execution", thanosSeries), thanosSeries[:100]},
		{"Thanos' series, seen by Cortex", 500, apiError("internal", thanosSeries), thanosSeries[:100]},
		{"Thanos' chunks", 422, apiError("execution", thanosChunks), thanosChunks},
		{"Thanos' samples", 422, apiError("execution", thanosSample), thanosSample},
		{"Thanos' bytes", 422, apiError("execution", thanosBytes), thanosBytes[:100]},
		{"gRPC's bytes", 422, apiError("execution", thanosGRPC), thanosGRPC},
		{"Cortex' series", 422, apiError("execution", cortexSeries), cortexSeries},
		{"Cortex' chunks, as text", 500, cortexChunks, cortexChunks},
		{"Cortex' range", 422, apiError("execution", cortexRange), cortexRange},
		{"Cortex' bytes", 429, apiError("too_many_requests", cortexBytes), cortexBytes},
		{"Mimir's chunks", 422, apiError("execution", mimirChunks), mimirChunks[:100]},
		{"Mimir's chunks, 400", 400, apiError("bad_data", mimirChunks), mimirChunks[:100]},
		{"Mimir's chunks, 429", 429, apiError("too_many_requests", mimirChunks), mimirChunks[:100]},
		{"Mimir's chunks, 500", 500, apiError("internal", mimirChunks), mimirChunks[:100]},
		{"Mimir's chunks, as text", 422, mimirChunks, mimirChunks[:100]},
		{"Mimir's series", 422, apiError("execution", mimirSeries), mimirSeries},
		{"Mimir's bytes", 422, apiError("execution", mimirBytes), mimirBytes},
		{"Mimir's estimate", 422, apiError("execution", mimirEstimated), mimirEstimated},
		{"Mimir's memory", 422, apiError("execution", mimirMemory), mimirMemory},
		{"Mimir's range", 422, apiError("execution", mimirRange), mimirRange},
		{"Mimir's length", 400, apiError("bad_data", mimirLength), mimirLength},
		{"VictoriaMetrics' series", 422, apiError("422", vmQuery+vmSeries), vmSeries},
		{"VictoriaMetrics' samples", 422, apiError("422", vmRange+vmSamples), vmSamples},
		{"VictoriaMetrics' points", 422, apiError("422", vmRange+vmPoints), vmPoints},
		{"VictoriaMetrics' memory", 422, apiError("422", vmQuery+vmMemory), vmMemory},
		{"VictoriaMetrics' length", 422, apiError("422", vmLength), vmLength},
		{"a proxy's length", 413, "<html>413 Request Entity Too Large</html>", "HTTP 413: the query is too long"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(tc.status)
				fmt.Fprint(w, tc.body)
			}))
			defer server.Close()
			c := client(t, prom.Options{URL: server.URL, Concurrency: 1})
			for range 3 {
				for _, reading := range c.Read(t.Context(), []slo.Objective{shopOf("a"), shopOf("b"), shopOf("c")}, oneTick) {
					want := slo.ErrRefused.Error() + ": too much for one query: " + tc.shown
					if err := reading.Err; !errors.Is(err, slo.ErrRefused) || !strings.HasPrefix(err.Error(), want) {
						t.Fatalf("got %v\nwant %s", err, want)
					}
				}
			}
		})
	}
}

// TestServers has other errors, and marks of answers that are not whole.
func TestServers(t *testing.T) {
	for _, tc := range []struct {
		name   string
		status int
		body   string
		want   error
		text   string
	}{
		{
			"VictoriaMetrics does not know a function", 422, apiError("422", vmQuery+`unsupported function "histogram_count"`),
			slo.ErrRefused, `unsupported function "histogram_count"`,
		},
		{"VictoriaMetrics' time limit", 422, apiError("422", vmQuery+vmTime), slo.ErrUnreachable, "too much for one query: the query ran into the server's time limit"},
		{"Prometheus' time limit", 503, apiError("timeout", promTime), slo.ErrUnreachable, "too much for one query: the query ran into the server's time limit"},
		{
			"VictoriaMetrics' storage is away", 503, apiError("503", vmQuery+`cannot read from "10.0.0.7:8401": dial tcp 10.0.0.8:51234`),
			slo.ErrUnreachable, `server error: 503: cannot read from "10.0.0.7:8401": dial tcp 10.0.0.8:...`,
		},
		{"503 with text", 503, "cannot reach vmselect at 12:00:01", slo.ErrUnreachable, "server error: 503"},
		{"VictoriaMetrics is busy", 429, "couldn't start executing the request in 10.000 seconds", slo.ErrUnreachable, "HTTP 429"},
		{"a partial answer", 200, `{"status":"success","isPartial":true,"data":{"resultType":"vector","result":[]}}`, slo.ErrIncomplete, "a part of the data could not be read"},
		{
			"a partial answer, after the result", 200, `{"status":"success","data":{"resultType":"vector","result":[]}, "isPartial" : true}`,
			slo.ErrIncomplete, "a part of the data could not be read",
		},
		{"a whole answer", 200, `{"status":"success","isPartial":false,"data":{"resultType":"vector","result":[]},"stats":{"seriesFetched":"0"}}`, nil, ""},
		{
			"a label that looks like it", 200, `{"status":"success","data":{"resultType":"vector","result":[]},"stats":{"a":"\"isPartial\":true","b":"isPartial"}}`,
			nil, "",
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(tc.status)
				fmt.Fprint(w, tc.body)
			}))
			defer server.Close()
			err := client(t, prom.Options{URL: server.URL}).Read(t.Context(), objectives(), oneTick)[0].Err
			if tc.want == nil {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if want := tc.want.Error() + ": " + tc.text; !errors.Is(err, tc.want) || err.Error() != want {
				t.Errorf("got %v\nwant %s", err, want)
			}
		})
	}
}

// shopOf is the objective of one of several shops.
func shopOf(job string) slo.Objective {
	return slo.Objective{Name: job, Indicator: slo.Indicator{Ratio: &slo.Ratio{
		Bad: fmt.Sprintf(`http_requests_total{job=%q,code="500"}`, job), Total: fmt.Sprintf(`http_requests_total{job=%q}`, job),
	}}}
}

// jobs matches selectors of one shop or several.
var jobs = regexp.MustCompile(`job=~?"([^"]*)"`)

// frugal is a proxy that refuses queries about too many shops or too long a time at once.
type frugal struct {
	t              *testing.T
	next           http.Handler
	shops          int
	span           time.Duration
	status         int
	body           string
	asked, refused int
}

// ServeHTTP implements http.Handler.
func (f *frugal) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		f.t.Error(err)
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		f.t.Error(err)
	}
	named := map[string]bool{}
	for _, selected := range jobs.FindAllStringSubmatch(form.Get("query"), -1) {
		for job := range strings.SplitSeq(selected[1], "|") {
			named[job] = true
		}
	}
	start, _ := strconv.ParseFloat(form.Get("start"), 64)
	end, _ := strconv.ParseFloat(form.Get("end"), 64)
	f.asked++
	if len(named) > f.shops || end-start > f.span.Seconds() {
		f.refused++
		w.WriteHeader(f.status)
		fmt.Fprint(w, f.body)
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	f.next.ServeHTTP(w, r)
}

// TestAsksForLess reads the past of several objectives, as replay and the budget do, from servers
// that refuse to answer much at once.
func TestAsksForLess(t *testing.T) {
	behind := promtest.Start(t)
	var series strings.Builder
	for _, job := range []string{"a", "b", "c", "d", "e"} {
		fmt.Fprintf(&series, "http_requests_total{job=%q,code=\"200\"} 0+10x80\nhttp_requests_total{job=%q,code=\"500\"} 0x30 0+2x50\n", job, job)
	}
	if err := behind.Load(zero, 30*time.Second, series.String()); err != nil {
		t.Fatal(err)
	}
	to, err := url.Parse(behind.URL())
	if err != nil {
		t.Fatal(err)
	}
	all := []slo.Objective{shopOf("a"), shopOf("b"), shopOf("c"), shopOf("d"), shopOf("e")}
	for _, ticks := range []slo.Ticks{
		{First: zero.Add(20 * time.Minute), Last: zero.Add(20 * time.Minute), Interval: 30 * time.Second},
		{First: zero.Add(5 * time.Minute), Last: zero.Add(9 * time.Minute), Interval: 30 * time.Second},
		{First: zero.Add(5 * time.Minute), Last: zero.Add(35 * time.Minute), Interval: 30 * time.Second},
	} {
		whole := client(t, prom.Options{URL: behind.URL()}).Read(t.Context(), all, ticks)
		for _, tc := range []struct {
			name   string
			shops  int
			span   time.Duration
			status int
			body   string
		}{
			{"fewer objectives", 2, time.Hour, 422, apiError("execution", mimirChunks)},
			{"one objective", 1, time.Hour, 500, apiError("internal", thanosSeries)},
			{"fewer ticks", 5, 4 * time.Minute, 422, apiError("execution", mimirRange)},
			{"both", 1, time.Minute, 422, apiError("422", vmQuery+vmSeries)},
			{"a shorter query", 2, time.Hour, 422, apiError("422", vmLength)},
		} {
			t.Run(fmt.Sprintf("%s of %d", tc.name, ticks.Len()), func(t *testing.T) {
				f := &frugal{t: t, next: httputil.NewSingleHostReverseProxy(to), shops: tc.shops, span: tc.span, status: tc.status, body: tc.body}
				server := httptest.NewServer(f)
				defer server.Close()
				c := client(t, prom.Options{URL: server.URL, Concurrency: 1})
				for i, reading := range c.Read(t.Context(), all, ticks) {
					if diff := cmp.Diff(describe(t, whole[i]), describe(t, reading)); diff != "" {
						t.Errorf("%s, after %d refusals (-whole +parts):\n%s", all[i].Name, f.refused, diff)
					}
				}
				// Of more than 25 ticks, no two objectives are asked together.
				tooMany := tc.shops < len(all) && ticks.Len() <= 25 || ticks.Last.Sub(ticks.First) > tc.span
				if tooMany != (f.refused > 0) {
					t.Errorf("%d of %d queries were refused", f.refused, f.asked)
				}
			})
		}
	}
}

// TestTenants checks that the tenant's name arrives with each query.
func TestTenants(t *testing.T) {
	file := filepath.Join(t.TempDir(), "http.yml")
	if err := os.WriteFile(file, []byte("http_headers:\n  X-Scope-OrgID: {values: [acme]}\n  X-Secret: {secrets: [hunter2]}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	seen := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen++
		got := []string{r.URL.Path, r.Header.Get("X-Scope-OrgID"), r.Header.Get("X-Secret")}
		if diff := cmp.Diff([]string{"/select/42:7/prometheus/api/v1/query", "acme", "hunter2"}, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		fmt.Fprintf(w, noData, "")
	}))
	defer server.Close()
	c := client(t, prom.Options{URL: server.URL + "/select/42:7/prometheus", ConfigFile: file})
	if err := c.Read(t.Context(), objectives(), oneTick)[0].Err; err != nil || seen == 0 {
		t.Errorf("%v after %d queries", err, seen)
	}
}

// TestExactly checks that parameters arrive that keep some servers from rounding or guessing.
func TestExactly(t *testing.T) {
	want := url.Values{
		"dedup": {"true"}, "partial_response": {"false"}, "max_source_resolution": {"0s"},
		"nocache": {"1"}, "latency_offset": {"1ms"}, "max_lookback": {"10m"}, "deny_partial_response": {"1"},
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if diff := cmp.Diff(want, r.URL.Query()); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		fmt.Fprintf(w, noData, "")
	}))
	defer server.Close()
	if err := client(t, prom.Options{URL: server.URL + "?max_lookback=10m"}).Read(t.Context(), objectives(), oneTick)[0].Err; err != nil {
		t.Error(err)
	}
}

// TestVmrange has a histogram as VictoriaMetrics' own clients make them, and as it makes them of
// native ones: it is refused by name, and does not make a shop look broken.
func TestVmrange(t *testing.T) {
	server := promtest.Start(t)
	if err := server.Load(zero, 30*time.Second, `
		own_seconds_bucket{job="shop",vmrange="1.000e-01...1.136e-01"} 0+8x20
		own_seconds_bucket{job="shop",vmrange="8.799e-01...1.000e+00"} 0+2x20
		own_seconds_count{job="shop"} 0+10x20`); err != nil {
		t.Fatal(err)
	}
	c := client(t, prom.Options{URL: server.URL()})
	at := zero.Add(5 * time.Minute)
	err := c.Read(t.Context(), []slo.Objective{{Name: "fast", Indicator: slo.Indicator{
		Latency: &slo.Latency{Histogram: "own_seconds", Threshold: 500 * time.Millisecond},
	}}}, slo.Ticks{First: at, Last: at, Interval: 30 * time.Second})[0].Err
	const want = "it can't be counted: the histogram is of VictoriaMetrics' own kind, with buckets by vmrange: give one with buckets by le"
	if !errors.Is(err, slo.ErrRefused) || err.Error() != slo.ErrRefused.Error()+": "+want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestIsVictoriaMetrics(t *testing.T) {
	const one = `{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[1,"1"]}]}%s}`
	for name, tc := range map[string]struct {
		body string
		want bool
		err  error
	}{
		"VictoriaMetrics": {fmt.Sprintf(one, `,"stats":{"seriesFetched": "0","executionTimeMsec":0}`), true, nil},
		"Prometheus":      {fmt.Sprintf(one, ``), false, nil},
		"no answer":       {`<html>`, false, slo.ErrBadAnswer},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, tc.body) }))
			defer server.Close()
			c := client(t, prom.Options{URL: server.URL})
			if err := c.Ping(t.Context()); !errors.Is(err, tc.err) || c.IsVictoriaMetrics() != tc.want {
				t.Errorf("got %v, %v; want %v, %v", c.IsVictoriaMetrics(), err, tc.want, tc.err)
			}
		})
	}
}
