package prom_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postburn/postburn/slo"
	"github.com/postburn/postburn/slo/prom"
	"github.com/postburn/postburn/slo/prom/promtest"
)

// restarting returns services that restart all their targets at once, and an objective for each:
// two for the first one, and a latency.
func restarting(t *testing.T) (*promtest.Server, []slo.Objective, slo.Ticks) {
	server := promtest.Start(t)
	var b strings.Builder
	var all []slo.Objective
	for i := range 6 {
		for pod := range 2 {
			labels := fmt.Sprintf(`job="shop-%d",instance="%d"`, i, pod)
			fmt.Fprintf(&b, "http_requests_total{%s,code=\"200\"} %d+10x8 3+10x8\nhttp_requests_total{%s,code=\"500\"} 1+1x8 _ 1+1x7\n", labels, 100*i, labels)
			fmt.Fprintf(&b, "up{%s} 1x17\nprocess_start_time_seconds{%s} %dx8 %dx8\n", labels, labels, zero.Unix()-9000, zero.Unix()+133)
			for _, le := range []string{"0.5", "+Inf"} {
				fmt.Fprintf(&b, "d_seconds_bucket{%s,le=%q} %d+10x8 2+10x8\n", labels, le, i)
			}
			fmt.Fprintf(&b, "d_seconds_count{%s} %d+10x8 2+10x8\n", labels, i)
		}
		all = append(all, slo.Objective{Indicator: slo.Indicator{Ratio: &slo.Ratio{
			Bad:   fmt.Sprintf(`http_requests_total{job="shop-%d",code=~"5.."}`, i),
			Total: fmt.Sprintf(`http_requests_total{job="shop-%d"}`, i),
		}}})
	}
	if err := server.Load(zero, 15*time.Second, b.String()); err != nil {
		t.Fatal(err)
	}
	all = append(all, all[0], slo.Objective{Indicator: slo.Indicator{Latency: &slo.Latency{Histogram: `d_seconds{job="shop-3"}`, Threshold: 500 * time.Millisecond}}})
	at := zero.Add(150 * time.Second)
	return server, all, slo.Ticks{First: at, Last: at, Interval: 30 * time.Second}
}

// TestReadTogether reads objectives of services that restart at once. Each has the same samples as
// alone, and it takes no more queries than two: sums, process starts, and for the ratios and the
// latency raw samples and targets.
func TestReadTogether(t *testing.T) {
	server, objectives, ticks := restarting(t)
	var alone [][]string
	for _, o := range objectives {
		alone = append(alone, describe(t, client(t, prom.Options{URL: server.URL()}).Read(t.Context(), []slo.Objective{o}, ticks)[0]))
	}
	for _, tc := range []struct {
		name    string
		tooMuch func(query string) bool // the server refuses it
		most    int                     // queries suffice; 0: any number
	}{
		{"together", func(string) bool { return false }, 7},
		{"too many series together", func(query string) bool {
			return strings.HasSuffix(query, "]") && !strings.Contains(query, `"up|`) && strings.Contains(query, "shop-0|")
		}, 0},
		{"too many targets together", func(query string) bool {
			return strings.HasSuffix(query, "]") && strings.Contains(query, `"up|`) && strings.Contains(query, "shop-0|")
		}, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := client(t, prom.Options{URL: intercepted(t, server, refusing(tc.tooMuch))})
			before, _ := server.Asked()
			for i, r := range c.Read(t.Context(), objectives, ticks) {
				if diff := cmp.Diff(alone[i], describe(t, r)); diff != "" {
					t.Errorf("%v (-alone +together):\n%s", objectives[i].Indicator, diff)
				}
			}
			if after, _ := server.Asked(); tc.most > 0 && int(after-before) > tc.most {
				t.Errorf("%d queries", after-before)
			}
		})
	}
}

// TestReadTogetherFails has a server that does not answer for raw samples: it is asked once.
func TestReadTogetherFails(t *testing.T) {
	server, objectives, ticks := restarting(t)
	asked := 0
	c := client(t, prom.Options{URL: intercepted(t, server, func(w http.ResponseWriter, _ *http.Request, body string) bool {
		form, _ := url.ParseQuery(body)
		if !strings.HasSuffix(form.Get("query"), "]") {
			return false
		}
		asked++
		w.WriteHeader(http.StatusServiceUnavailable)
		return true
	})})
	for i, r := range c.Read(t.Context(), objectives[:7], ticks) {
		if !errors.Is(r.Err, slo.ErrUnreachable) {
			t.Errorf("%v: %v, want %v", objectives[i].Indicator, r.Err, slo.ErrUnreachable)
		}
	}
	if asked != 1 {
		t.Errorf("it was asked %d times for raw samples", asked)
	}
}
