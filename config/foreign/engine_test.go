package foreign_test

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/postburn/postburn/config/foreign"
	"github.com/postburn/postburn/slo"
	"github.com/postburn/postburn/slo/prom"
	"github.com/postburn/postburn/slo/prom/promtest"
)

// hour is one hour of a service, scraped each 15s, with ten bad minutes, a pod that is restarted,
// and one whose errors begin late.
const hour = `
r_total{job="r",instance="a",code="200"} 0+90x300
r_total{job="r",instance="a",code="500"} 0+1x120 150+30x39 1321+1x139
r_total{job="r",instance="b",code="200"} 0+60x150 0+60x150
r_total{job="r",instance="b",code="500"} 0x150 0+4x150
r_total{job="r",instance="b",code="503"} 0x150 0+2x150
d_seconds_bucket{job="r",instance="a",le="0.1"} 0+40x300
d_seconds_bucket{job="r",instance="a",le="0.5"} 0+80x100 8050+50x199
d_seconds_bucket{job="r",instance="a",le="+Inf"} 0+100x300
d_seconds_count{job="r",instance="a"} 0+100x300
dropped_total{job="r",instance="a"} 0+5x300
lag_seconds{job="r",instance="a"} 1x100 60x50 1x151
lag_seconds{job="r",instance="b"} 2x301
`

// TestEqualsOriginal evaluates queries in the original and what they become on the same data. They
// are equal, but for what docs/foreign.md names.
func TestEqualsOriginal(t *testing.T) {
	server := promtest.Start(t)
	end := time.Unix(1_700_000_040, 0)
	if err := server.Load(end.Add(-75*time.Minute), 15*time.Second, hour); err != nil {
		t.Fatal(err)
	}
	client, err := prom.New(prom.Options{URL: server.URL()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	const total = `sum(rate(r_total[{{.window}}]))`
	const seconds = `sum(rate(d_seconds_count[{{.window}}]))`
	tests := []struct {
		name     string
		document document
		off      float64 // of the error ratio, absolutely; 0: to within the ends of the window, see below
	}{
		{"events", document{Bad: `sum(rate(r_total{code=~"5.."}[{{.window}}]))`, Total: total}, 0},
		{"good events", document{Good: `sum(rate(r_total{code!~"5.."}[{{.window}}]))`, Total: total}, 0},
		{"what is left", document{Bad: total + ` - sum(rate(r_total{code="200"}[{{.window}}]))`, Total: total}, 0},
		{"a sum of metrics", document{Bad: `sum(rate(dropped_total[{{.window}}])) or vector(0)`, Total: `sum(rate(dropped_total[{{.window}}])) + ` + total}, 0},
		{"what overlaps", document{Bad: `sum(rate(r_total{code=~"5.."}[{{.window}}])) + sum(rate(r_total{code="503"}[{{.window}}]))`, Total: total}, 0},
		{"what is signed", document{Bad: `sum(rate(dropped_total[{{.window}}])) + (` + seconds + ` - sum(rate(d_seconds_bucket{le="0.5"}[{{.window}}])))`, Total: seconds}, 0},
		{"nothing bad", document{Bad: `sum(rate(r_total{code="418"}[{{.window}}])) or vector(0)`, Total: total}, 0},
		{"a latency", document{Good: `sum(rate(d_seconds_bucket{le="0.5"}[{{.window}}]))`, Total: seconds}, 0},
		{"a ratio of a latency", document{Ratio: `1 - sum(rate(d_seconds_bucket{le="0.1"}[{{.window}}])) / ` + seconds}, 0},
		{"or inside", document{Bad: `sum(rate(r_total{code="500"}[{{.window}}]) or rate(r_total{code="503"}[{{.window}}]))`, Total: total}, 0},
		{"a condition", document{Success: true, Ratio: `avg_over_time((max(lag_seconds) < bool 30)[{{.window}}:1m])`}, 0},
		{"the opposite condition", document{Ratio: `avg_over_time((max(lag_seconds) >= bool 30)[{{.window}}:1m])`}, 0},
		// measured once a tick over 5m: smoothed at both ends of the window
		{"a factor", document{Bad: `0.5 * sum(rate(r_total{code=~"5.."}[{{.window}}]))`, Total: total}, 0.01},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			o, problem := load(t, test.document, foreign.Options{Template: true})
			if o.Name == "" {
				t.Fatal(problem)
			}
			want := errorRatio(t, server.URL(), test.document, end)
			ticks := slo.Ticks{First: end.Add(-59 * time.Minute), Last: end, Interval: time.Minute}
			reading := client.Read(t.Context(), []slo.Objective{o}, ticks)[0]
			if reading.Err != nil {
				t.Fatal(reading.Err)
			}
			var bad, all float64
			for _, sample := range reading.Series[0].Samples {
				bad, all = bad+sample.Bad, all+sample.Total
			}
			// rate() over an hour has one interval of 240 less than the hour
			off := max(test.off, want/240+1e-9)
			if got := bad / all; math.Abs(got-want) > off || all == 0 {
				t.Errorf("error ratio %v, originally %v; %v of %v events", got, want, bad, all)
			}
		})
	}
}

// errorRatio asks Prometheus for the original error ratio of the last hour.
func errorRatio(t *testing.T, address string, d document, at time.Time) float64 {
	t.Helper()
	query := d.Ratio
	switch {
	case d.Success:
		query = "1 - (" + d.Ratio + ")"
	case d.Good != "":
		query = fmt.Sprintf("1 - (%s) / (%s)", d.Good, d.Total)
	case d.Bad != "":
		query = fmt.Sprintf("(%s) / (%s)", d.Bad, d.Total)
	}
	query = strings.ReplaceAll(query, "{{.window}}", "1h")
	response, err := http.PostForm(address+"/api/v1/query", url.Values{"query": {query}, "time": {strconv.FormatInt(at.Unix(), 10)}})
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var answer struct {
		Data struct {
			Result []struct{ Value [2]any }
		}
	}
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil || len(answer.Data.Result) != 1 {
		t.Fatalf("%s: %v, %+v", query, err, answer)
	}
	ratio, err := strconv.ParseFloat(fmt.Sprint(answer.Data.Result[0].Value[1]), 64)
	if err != nil {
		t.Fatal(err)
	}
	return ratio
}
