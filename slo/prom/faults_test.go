package prom_test

import (
	"bytes"
	stdcmp "cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/postburn/postburn/slo"
	"github.com/postburn/postburn/slo/prom"
	"github.com/postburn/postburn/slo/prom/promtest"
)

var (
	oneTick  = slo.Ticks{First: zero, Last: zero, Interval: 30 * time.Second}
	twoTicks = slo.Ticks{First: zero, Last: zero.Add(30 * time.Second), Interval: 30 * time.Second}
	noData   = `{"status":"success","data":{"resultType":"vector","result":[]}%s}`
)

func objectives() []slo.Objective {
	return []slo.Objective{{Name: "shop", Indicator: slo.Indicator{Ratio: &shop}}}
}

func TestFaults(t *testing.T) {
	answer := func(status int, format string, args ...any) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			fmt.Fprintf(w, format, args...)
		}
	}
	vector := func(samples string) http.HandlerFunc {
		return answer(200, `{"status":"success","data":{"resultType":"vector","result":[%s]}}`, samples)
	}
	for _, tc := range []struct {
		name   string
		serve  http.HandlerFunc
		ticks  slo.Ticks
		want   error
		reason string
		text   string
	}{
		{"a page instead of JSON", answer(200, "<html>Sign in</html>"), oneTick, slo.ErrBadAnswer, "bad_answer", "it is not the JSON of a query's result"},
		{"a page with status 400", answer(400, "<html>Bad request</html>"), oneTick, slo.ErrBadAnswer, "bad_answer", "it is not the JSON of a query's result"},
		{"500", answer(500, "at 12:00:01 something broke"), oneTick, slo.ErrUnreachable, "unreachable", "server error: 500"},
		{"503 by the server's time limit", answer(503, `{"status":"error","errorType":"timeout","error":"query timed out"}`), oneTick, slo.ErrUnreachable, "unreachable", "too much for one query: the query ran into the server's time limit"},
		{"400", answer(400, `{"status":"error","errorType":"bad_data","error":"1:5: parse error"}`), oneTick, slo.ErrRefused, "refused", "1:5: parse error"},
		{"422", answer(422, `{"status":"error","errorType":"execution","error":"found duplicate series"}`), oneTick, slo.ErrRefused, "refused", "found duplicate series"},
		{"401", answer(401, "who are you"), oneTick, slo.ErrRefused, "refused", "HTTP 401: check the credentials in the http config"},
		{"404", answer(404, "404 page not found"), oneTick, slo.ErrBadAnswer, "bad_answer", "HTTP 404: check the URL"},
		{"429", answer(429, "slow down"), oneTick, slo.ErrUnreachable, "unreachable", "HTTP 429"},
		{"a warning", answer(200, noData, `,"warnings":["store-3 is gone"]`), oneTick, slo.ErrIncomplete, "incomplete", "store-3 is gone"},
		{"a PromQL warning", answer(200, noData, `,"warnings":["PromQL info: a hint","PromQL warning: mixed"]`), oneTick, slo.ErrIncomplete, "incomplete", "PromQL warning: mixed"},
		{"JSON cut off", answer(200, `{"status":"success","data":{"resultType":"vec`), oneTick, slo.ErrBadAnswer, "bad_answer", "it is not the JSON of a query's result"},
		{"the connection cut off", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000")
			fmt.Fprint(w, `{"status":"success"`)
		}, oneTick, slo.ErrBadAnswer, "bad_answer", "it was cut off"},
		{"the connection closed", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, oneTick, slo.ErrUnreachable, "unreachable", "the connection was closed"},
		{"an empty answer", answer(200, ""), oneTick, slo.ErrBadAnswer, "bad_answer", "it is not the JSON of a query's result"},
		{"other JSON", answer(200, `{"status":"success"}`), oneTick, slo.ErrBadAnswer, "bad_answer", "it is not the JSON of a query's result"},
		{"a scalar", answer(200, `{"status":"success","data":{"resultType":"scalar","result":[1,"2"]}}`), oneTick, slo.ErrBadAnswer, "bad_answer", "neither a vector nor a matrix"},
		{"a matrix for one tick", answer(200, `{"status":"success","data":{"resultType":"matrix","result":[]}}`), oneTick, slo.ErrBadAnswer, "bad_answer", "a matrix where a vector was asked for"},
		{"a vector for two ticks", answer(200, noData, ""), twoTicks, slo.ErrBadAnswer, "bad_answer", "a vector where a matrix was asked for"},
		{"a time that was not asked for", answer(200, `{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"__postburn__":"0/total/0/sum"},"values":[[1,"2"]]}]}}`), twoTicks, slo.ErrBadAnswer, "bad_answer", "a value at a time that was not asked for"},
		{"a value without its mark", vector(`{"metric":{},"value":[1,"2"]}`), oneTick, slo.ErrBadAnswer, "bad_answer", "the values do not fit the query: a value without the mark of its part"},
		{"a sum that is not a number", vector(`{"metric":{"__postburn__":"0/total/0/sum"},"value":[1,"NaN"]}`), oneTick, slo.ErrBadAnswer, "bad_answer", "the values do not fit the query: NaN series or events"},
		{"a sum of no series", vector(`{"metric":{"__postburn__":"0/total/0/packed"},"value":[1,"5"]}`), oneTick, slo.ErrBadAnswer, "bad_answer", "the values do not fit the query: a sum of no series"},
		{"a native histogram", vector(`{"metric":{"__postburn__":"0/total/0/sum"},"histogram":[1,{"count":"1","sum":"1","buckets":[]}]}`), oneTick, slo.ErrBadAnswer, "bad_answer", "the values do not fit the query: a native histogram where a number was asked for"},
		{"a label that is too long", vector(`{"metric":{"a":"` + strings.Repeat("x", 2<<20) + `"},"value":[1,"2"]}`), oneTick, slo.ErrBadAnswer, "bad_answer", "it is not the JSON of a query's result: a text in it is longer than 1 MiB"},
		{"a scalar after the result", answer(200, noData, `} 1`), oneTick, slo.ErrBadAnswer, "bad_answer", "it is not the JSON of a query's result"},
		{"terminal escapes", answer(400, `{"status":"error","errorType":"bad_data","error":"\u001b[31mred\u202eder\u009b"}`), oneTick, slo.ErrRefused, "refused", "\ufffd[31mred\ufffdder\ufffd"},
		{"a server that hangs", hang, oneTick, slo.ErrUnreachable, "unreachable", "no answer within 300ms"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			server := httptest.NewServer(tc.serve)
			defer server.Close()
			registry := prometheus.NewRegistry()
			timeout := time.Minute
			if tc.reason == "unreachable" && strings.HasSuffix(tc.text, "within 300ms") {
				timeout = 300 * time.Millisecond
			}
			c := client(t, prom.Options{URL: server.URL, Timeout: timeout, Registerer: registry})
			reading := c.Read(t.Context(), objectives(), tc.ticks)[0]
			if !errors.Is(reading.Err, tc.want) || len(reading.Series) > 0 {
				t.Fatalf("got %v, %v; want %v", reading.Series, reading.Err, tc.want)
			}
			if want := tc.want.Error() + ": " + tc.text; reading.Err.Error() != want {
				t.Errorf("the error is %q, want %q", reading.Err, want)
			}
			if err := testutil.GatherAndCompare(registry, strings.NewReader(failures(tc.reason)), "postburn_prometheus_query_failures_total"); err != nil {
				t.Error(err)
			}
		})
	}
}

// failures returns the metric after one failure.
func failures(reason string) string {
	text := "# HELP postburn_prometheus_query_failures_total Queries that Prometheus did not answer as it should, by reason.\n" +
		"# TYPE postburn_prometheus_query_failures_total counter\n"
	for _, r := range []string{"bad_answer", "clock", "incomplete", "refused", "unreachable"} {
		n := 0
		if r == reason {
			n = 1
		}
		text += fmt.Sprintf("postburn_prometheus_query_failures_total{reason=%q} %d\n", r, n)
	}
	return text
}

func TestConnectionRefused(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	listener.Close()
	c := client(t, prom.Options{URL: "http://me:hunter2@" + address})
	first := c.Read(t.Context(), objectives(), oneTick)[0].Err
	again := c.Read(t.Context(), objectives(), oneTick)[0].Err
	const want = "prometheus is unreachable: dial: connect: connection refused"
	if !errors.Is(first, slo.ErrUnreachable) || first.Error() != want || again.Error() != want {
		t.Errorf("got %q, then %q; want %q", first, again, want)
	}
	if err := c.Ping(t.Context()); !errors.Is(err, slo.ErrUnreachable) {
		t.Errorf("ping: %v, want %v", err, slo.ErrUnreachable)
	}
}

func TestCancelled(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(hang))
	defer server.Close()
	registry := prometheus.NewRegistry()
	c := client(t, prom.Options{URL: server.URL, Registerer: registry})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := c.Read(ctx, objectives(), oneTick)[0].Err
	if !errors.Is(err, context.Canceled) || !errors.Is(err, slo.ErrUnreachable) {
		t.Errorf("got %v, want %v", err, context.Canceled)
	}
	if err := testutil.GatherAndCompare(registry, strings.NewReader(failures("")), "postburn_prometheus_query_failures_total"); err != nil {
		t.Errorf("a query that its caller gave up is no failure: %v", err)
	}
}

func TestHintsAreNoWarnings(t *testing.T) {
	for _, hints := range []string{`,"warnings":["PromQL info: metric might not be a counter (1:5)"]`, `,"infos":["PromQL info: metric might not be a counter (1:5)"]`} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintf(w, noData, hints) }))
		defer server.Close()
		c := client(t, prom.Options{URL: server.URL})
		if diff := cmp.Diff([]string{"0s: blind"}, describe(t, c.Read(t.Context(), objectives(), oneTick)[0])); diff != "" {
			t.Errorf("%s (-want +got):\n%s", hints, diff)
		}
	}
}

func TestOthersAreRefused(t *testing.T) {
	c := client(t, prom.Options{URL: "http://127.0.0.1:1"})
	readings := c.Read(t.Context(), []slo.Objective{
		{},
		{Indicator: slo.Indicator{Ratio: &slo.Ratio{Bad: "rate(a[5m])", Total: "a"}}},
	}, oneTick)
	for i, want := range []string{"neither a ratio nor a latency", "rate() is not needed"} {
		if err := readings[i].Err; !errors.Is(err, slo.ErrRefused) || !strings.Contains(err.Error(), want) {
			t.Errorf("reading %d: %v, want %v with %q", i, err, slo.ErrRefused, want)
		}
	}
}

// TestHalves has a server that answers only short stretches.
func TestHalves(t *testing.T) {
	behind := promtest.Start(t)
	if err := behind.Load(zero, 30*time.Second, `http_requests_total{job="shop",code="200"} 0+10x40`); err != nil {
		t.Fatal(err)
	}
	to, err := url.Parse(behind.URL())
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(to)
	refused := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		form, err := url.ParseQuery(string(body))
		if err != nil {
			t.Error(err)
		}
		start, _ := strconv.Atoi(form.Get("start"))
		if end, _ := strconv.Atoi(form.Get("end")); end-start > 120 {
			refused++
			w.WriteHeader(http.StatusUnprocessableEntity)
			fmt.Fprint(w, `{"status":"error","errorType":"execution","error":"query processing would load too many samples into memory in query execution"}`)
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		proxy.ServeHTTP(w, r)
	}))
	defer server.Close()
	c := client(t, prom.Options{URL: server.URL})
	ticks := slo.Ticks{First: zero.Add(time.Minute), Last: zero.Add(10 * time.Minute), Interval: 30 * time.Second}
	got := describe(t, c.Read(t.Context(), objectives(), ticks)[0])
	want := describe(t, client(t, prom.Options{URL: behind.URL()}).Read(t.Context(), objectives(), ticks)[0])
	if diff := cmp.Diff(want, got); diff != "" || refused == 0 {
		t.Errorf("after %d refusals (-whole +halves):\n%s", refused, diff)
	}
}

// hang answers when the client has gone. The server notices that only after reading the request's
// body.
func hang(_ http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	<-r.Context().Done()
}

func TestChunks(t *testing.T) {
	server := promtest.Start(t)
	const ticks = 11_003
	var samples []promtest.Sample
	for i := range ticks {
		samples = append(samples, promtest.Sample{Time: zero.Add(time.Duration(i) * time.Second), Value: float64(i), Labels: map[string]string{
			"__name__": "http_requests_total", "job": "shop", "code": "500",
		}})
	}
	if err := server.Append(samples...); err != nil {
		t.Fatal(err)
	}
	c := client(t, prom.Options{URL: server.URL()})
	reading := c.Read(t.Context(), objectives(), slo.Ticks{First: zero.Add(time.Second), Last: zero.Add((ticks - 1) * time.Second), Interval: time.Second})[0]
	if reading.Err != nil {
		t.Fatal(reading.Err)
	}
	for i, s := range reading.Series[0].Samples {
		want := slo.Sample{Tick: zero.Add(time.Duration(i+1) * time.Second), Counts: slo.Counts{Total: 1, Bad: 1}}
		if diff := cmp.Diff(want, s); diff != "" {
			t.Fatalf("sample %d (-want +got):\n%s", i, diff)
		}
	}
	if got := len(reading.Series[0].Samples); got != ticks-1 {
		t.Errorf("%d samples, want %d", got, ticks-1)
	}
}

func TestPing(t *testing.T) {
	c := client(t, prom.Options{URL: promtest.Start(t).URL() + "/"})
	if err := c.Ping(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestSecrets(t *testing.T) {
	file := func(text string) string {
		path := filepath.Join(t.TempDir(), "http.yml")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	const noURL = "the URL of Prometheus must be like http://prometheus:9090"
	const wrongKind = "reading Prometheus' http config: yaml: unmarshal errors: line 1: a value of the wrong kind, like a text where keys belong, or a list where a text does"
	const badURL = "reading Prometheus' http config: a URL in it is malformed: it must be like http://proxy:3128, with special characters of a password as %XX"
	for _, tc := range []struct {
		name, url, file string
		want            string
	}{
		{"a port that is none", "http://me:hunter2@host:port", "", noURL},
		{"a password in the wrong place", "http://me:hun/ter2@host:9090", "", noURL},
		{"no scheme", "me:hunter2@host", "", noURL},
		{"two passwords", "http://me:hunter2@host", "basic_auth: {username: a, password: hunter2}", "both the URL of Prometheus and its http config have credentials: give one of them"},
		{"a file that is a text", "", "hunter2", wrongKind},
		{"a text where keys belong", "", "basic_auth: hunter2", wrongKind},
		{"a header that is a text", "", "http_headers: {X-Key: hunter2}", wrongKind},
		{"an unknown key", "", "basic_auth: {username: a, pasword: hunter2}", "reading Prometheus' http config: yaml: unmarshal errors: line 1: there is no key pasword here"},
		{"a malformed proxy", "", "proxy_url: 'http://me:hunter2@%zz'", badURL},
		{"a proxy with a space", "", "proxy_url: 'http://me:hun ter2@x'", badURL},
		{"a TLS version", "", "tls_config: {min_version: hunter2}", "reading Prometheus' http config: unknown TLS version"},
		{"an alias", "", "basic_auth: *hunter2", "reading Prometheus' http config: yaml: unknown anchor (hidden) referenced"},
		{"a tag", "", "basic_auth: !hunter2 x", wrongKind},
		{"a certificate by a name that is none", "", "tls_config: {ca_file: hunter2}", "applying Prometheus' http config: unable to read CA cert: no such file or directory"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			o := prom.Options{URL: stdcmp.Or(tc.url, "http://host")}
			if tc.file != "" {
				o.ConfigFile = file(tc.file)
			}
			if _, err := prom.New(o); err == nil || err.Error() != tc.want {
				t.Errorf("got %v\nwant %s", err, tc.want)
			}
		})
	}
	t.Run("a password for the name of its file", func(t *testing.T) {
		c := client(t, prom.Options{URL: "http://127.0.0.1:1", ConfigFile: file("basic_auth: {username: a, password_file: hunter2}")})
		const want = "prometheus is unreachable: unable to read basic auth password: no such file or directory"
		if err := c.Ping(t.Context()); err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	})
	t.Run("credentials are sent", func(t *testing.T) {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if user, password, _ := r.BasicAuth(); user != "me" || password != "hunter2" {
				w.WriteHeader(401)
				return
			}
			fmt.Fprint(w, `{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[1,"1"]}]}}`)
		}))
		defer server.Close()
		for _, o := range []prom.Options{
			{URL: strings.Replace(server.URL, "//", "//me:hunter2@", 1)},
			{URL: server.URL, ConfigFile: file("basic_auth: {username: me, password: hunter2}")},
		} {
			if err := client(t, o).Ping(t.Context()); err != nil {
				t.Error(err)
			}
		}
	})
}

func TestMetrics(t *testing.T) {
	registry := prometheus.NewRegistry()
	client(t, prom.Options{URL: "http://127.0.0.1:1", Registerer: registry})
	problems, err := testutil.GatherAndLint(registry)
	if err != nil || len(problems) > 0 {
		t.Errorf("lint: %v, %v", problems, err)
	}
	if n, err := testutil.GatherAndCount(registry); n != 7 || err != nil {
		t.Errorf("%d series from the start, %v; want 7", n, err)
	}
}

// FuzzAnswer serves any text as the answer to every query.
func FuzzAnswer(f *testing.F) {
	for _, text := range []string{
		fmt.Sprintf(noData, ""),
		`{"status":"success","data":{"resultType":"vector","result":[{"metric":{"__postburn__":"0/total/0/packed"},"value":[1,"68719476738"]},{"metric":{"__postburn__":"0/bad/0/sum"},"value":[1,"-3"]}]}}`,
		`{"status":"success","data":{"resultType":"vector","result":[{"metric":{"__postburn__":"0/total/0/any"},"value":[1,"2"]},{"metric":{"__postburn__":"0/total/0/fell"},"value":[1,"Inf"]}]}}`,
		`{"status":"success","data":{"resultType":"vector","result":[{"metric":{"__postburn__":"0/total/0/packed"},"value":[1,"68719476738"]},{"metric":{"__postburn__":"0/total/0/any"},"value":[1,"1"]},{"metric":{"__postburn__":"0/bad/0/sum"},"value":[1,"7"]}]}}`,
		`{"status":"success","data":{"resultType":"vector","result":[{"metric":{"__postburn__":"0/total/0/now","job":"a","instance":"b"},"value":[1,"2"]}]}}`,
		`{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"__postburn__":"0/total/0/packed"},"values":[[1767614400,"2"],[1767614430,"NaN"]]}]}}`,
		`{"status":"success","data":{"resultType":"vector","result":[{"metric":{"__postburn__":"0/total/0/now"},"value":[1,"2"]},{"metric":{"__postburn__":"0/total/0/layout","le":"0.5"},"value":[1,"2"]}]}}`,
		`{"status":"success","data":{"resultType":"vector","result":[{"metric":{"__postburn__":"0/total/0/shape"},"histogram":[1,{"count":"3","sum":"1","buckets":[[0,"0.5","+Inf","3"]]}]}]}}`,
		`{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[1,"1"]}]}}`,
		`{"status":"error","errorType":"execution","error":"x"}`,
		"<html>", "", "null", "[]",
	} {
		f.Add(text)
	}
	var answer atomic.Value
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, answer.Load()) }))
	f.Cleanup(server.Close)
	c := client(f, prom.Options{URL: server.URL, MaxAnswer: 1 << 20})
	f.Fuzz(func(t *testing.T, text string) {
		answer.Store(text)
		for _, ticks := range []slo.Ticks{oneTick, twoTicks} {
			for i, reading := range c.Read(t.Context(), []slo.Objective{
				{Indicator: slo.Indicator{Ratio: &shop}},
				{Indicator: slo.Indicator{Latency: &slo.Latency{Histogram: "d_seconds", Threshold: time.Second}}},
				{Indicator: slo.Indicator{Bool: "up == 1"}},
			}, ticks) {
				if (reading.Err == nil) != (len(reading.Series) == 1) {
					t.Fatalf("indicator %d: %d series and error %v", i, len(reading.Series), reading.Err)
				}
				for _, s := range reading.Series {
					for _, sample := range s.Samples {
						checkCounts(t, sample)
					}
				}
			}
		}
	})
}

func checkCounts(t *testing.T, s slo.Sample) {
	t.Helper()
	counted := []slo.Counts{s.Counts}
	for _, l := range s.Late {
		counted = append(counted, l.Counts)
	}
	for _, n := range counted {
		if !(n.Bad >= 0 && n.Total >= n.Bad) || math.IsInf(n.Total, 0) {
			t.Fatalf("counts %v", n)
		}
	}
}
