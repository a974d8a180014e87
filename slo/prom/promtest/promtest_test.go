package promtest_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postburn/postburn/slo/prom/promtest"
)

var zero = time.Date(2026, 1, 5, 12, 0, 0, 0, time.UTC)

func TestAPI(t *testing.T) {
	s := promtest.Start(t)
	err := s.Load(zero, 15*time.Second, `
		# two series
		up{job="a"} 1 0 _ 1 stale
		requests 0+2x3
	`)
	if err != nil {
		t.Fatal(err)
	}
	at := func(d time.Duration) string { return fmt.Sprint(zero.Add(d).Unix()) }
	for _, tc := range []struct {
		name, path string
		form       url.Values
		status     int
		want       string
	}{
		{"an instant query", "query", url.Values{"query": {"up"}, "time": {at(0)}}, 200,
			`{"status":"success","data":{"resultType":"vector","result":[{"metric":{"__name__":"up","job":"a"},"value":[1767614400,"1"]}]}}`},
		{"a stale series", "query", url.Values{"query": {"up"}, "time": {at(time.Minute)}}, 200,
			`{"status":"success","data":{"resultType":"vector","result":[]}}`},
		{"a range query", "query_range", url.Values{"query": {"up"}, "start": {at(0)}, "end": {zero.Add(time.Minute).Format(time.RFC3339)}, "step": {"30s"}}, 200,
			`{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"__name__":"up","job":"a"},"values":[[1767614400,"1"],[1767614430,"0"]]}]}}`},
		{"an info", "query", url.Values{"query": {"rate(requests[1m])"}, "time": {at(time.Minute)}}, 200,
			`{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[1767614460,"0.13333333333333333"]}]},"infos":["PromQL info: metric might not be a counter, name does not end in _total/_sum/_count/_bucket: \"requests\" (1:6)"]}`},
		{"a warning", "query", url.Values{"query": {"quantile(2, up)"}, "time": {at(0)}}, 200,
			`{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[1767614400,"+Inf"]}]},"warnings":["PromQL warning: quantile value should be between 0 and 1, got 2 (1:10)"]}`},
		{"a query that does not parse", "query", url.Values{"query": {"up{"}}, 400,
			`{"status":"error","errorType":"bad_data","error":"invalid parameter \"query\": 1:4: parse error: unexpected end of input inside braces"}`},
		{"a query that can't be evaluated", "query", url.Values{"query": {`label_replace(requests, "job", "a", "", "") + on(x) {job="a"} or up + on() group_left() {__name__=~"up|requests"}`}, "time": {at(0)}}, 422,
			`{"status":"error","errorType":"execution","error":`},
		{"too many steps", "query_range", url.Values{"query": {"up"}, "start": {"0"}, "end": {"11001"}, "step": {"1"}}, 400,
			`{"status":"error","errorType":"bad_data","error":"exceeded maximum resolution of 11,000 points per timeseries"}`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			get := read(t)(http.Get(s.URL() + "/api/v1/" + tc.path + "?" + tc.form.Encode()))
			post := read(t)(http.PostForm(s.URL()+"/api/v1/"+tc.path, tc.form))
			if diff := cmp.Diff(get, post); diff != "" {
				t.Errorf("GET and POST differ (-GET +POST):\n%s", diff)
			}
			if !strings.HasPrefix(get, fmt.Sprint(tc.status)+" "+tc.want) {
				t.Errorf("got  %s\nwant %d %s", get, tc.status, tc.want)
			}
		})
	}
	if got := read(t)(http.Get(s.URL() + "/-/healthy")); !strings.HasPrefix(got, "200 ") {
		t.Errorf("/-/healthy: %s", got)
	}
}

func read(t *testing.T) func(*http.Response, error) string {
	return func(resp *http.Response, err error) string {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Sprintf("%d %s", resp.StatusCode, body)
	}
}

func TestOutOfOrder(t *testing.T) {
	s := promtest.Start(t)
	series := map[string]string{"__name__": "a_total"}
	for _, after := range []time.Duration{0, -time.Hour, time.Minute, -30 * 24 * time.Hour} {
		if err := s.Append(promtest.Sample{Labels: series, Time: zero.Add(after), Value: after.Seconds()}); err != nil {
			t.Fatal(err)
		}
	}
	for _, after := range []time.Duration{-30 * 24 * time.Hour, -time.Hour, 0, time.Minute} {
		if got := value(t, s, "a_total", zero.Add(after)); got != fmt.Sprintf("%.0f", after.Seconds()) {
			t.Errorf("at %v: %s", after, got)
		}
	}
}

// TestScrape follows a target through life: it answers, loses a series, fails, and is removed.
func TestScrape(t *testing.T) {
	s := promtest.Start(t)
	var page atomic.Value
	page.Store("")
	target := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		text := page.Load().(string)
		if text == "" {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "text/plain; version=0.0.4")
		fmt.Fprint(w, text)
	}))
	defer target.Close()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Scrape(ctx, "shop", target.URL+"/metrics", 50*time.Millisecond) }()
	instance := strings.TrimPrefix(target.URL, "http://")
	labels := fmt.Sprintf(`{job="shop",instance=%q`, instance)

	check := func(text string, want map[string]string) {
		t.Helper()
		page.Store(text)
		var got map[string]string
		for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
			got = map[string]string{}
			now := time.Now()
			for query := range want {
				got[query] = value(t, s, query, now)
			}
			if cmp.Equal(want, got) {
				return
			}
		}
		t.Errorf("after scrapes of %q (-want +got):\n%s", text, cmp.Diff(want, got))
	}
	check("# TYPE h histogram\na_total 5\nb_total{job=\"own\"} 7\nh_bucket{le=\"5\"} 1\nh_bucket{le=\"+Inf\"} 2\nh_sum 3\nh_count 2\n", map[string]string{
		"up" + labels + "}":                         "1",
		"a_total" + labels + "}":                    "5",
		"b_total" + labels + `,exported_job="own"}`: "7",
		"h_bucket" + labels + `,le="5.0"}`:          "1",
		"h_bucket" + labels + `,le="+Inf"}`:         "2",
	})
	check("a_total 6\n", map[string]string{"up": "1", "a_total": "6", "b_total": "", "h_count": ""})
	check("", map[string]string{"up": "0", "a_total": ""})
	check("a_total 7\n", map[string]string{"up": "1", "a_total": "7"})
	check("this is no { exposition\n", map[string]string{"up": "0", "a_total": ""})
	check("a_total 8\n", map[string]string{"up": "1", "a_total": "8"})
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	check("", map[string]string{"up": "", "a_total": ""})
}

// value returns the value of a query's only series, or "" if there is none.
func value(t *testing.T, s *promtest.Server, query string, at time.Time) string {
	t.Helper()
	form := url.Values{"query": {query}, "time": {fmt.Sprintf("%.3f", float64(at.UnixMilli())/1000)}}
	text := read(t)(http.PostForm(s.URL()+"/api/v1/query", form))
	var answer struct {
		Data struct{ Result []struct{ Value [2]any } }
	}
	if err := json.Unmarshal([]byte(strings.TrimPrefix(text, "200 ")), &answer); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	switch len(answer.Data.Result) {
	case 0:
		return ""
	case 1:
		return answer.Data.Result[0].Value[1].(string)
	}
	t.Fatalf("%s has %d series", query, len(answer.Data.Result))
	return ""
}
