package prom_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
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

// TestPieces reads rough worlds with few raw samples at a time: each stretch by itself, each tick,
// and each tick by targets. The samples are the same.
func TestPieces(t *testing.T) {
	const seed = 20261128
	t.Logf("seed %d", seed)
	server := promtest.Start(t)
	if err := server.Append(rough(rand.New(rand.NewPCG(seed, 1)))...); err != nil {
		t.Fatal(err)
	}
	objectives := objectivesOfAllKinds()
	ticks := slo.Ticks{First: zero.Add(2 * time.Minute), Last: zero.Add(9 * time.Minute), Interval: 30 * time.Second}
	c := client(t, prom.Options{URL: server.URL()})
	all := c.Read(t.Context(), objectives, ticks)
	before, _ := server.Asked()
	c.Read(t.Context(), objectives, ticks)
	after, _ := server.Asked()
	together := after - before
	for _, most := range []int{100, 20, 1} {
		before, _ := server.Asked()
		for i, r := range c.Raws(most).Read(t.Context(), objectives, ticks) {
			if diff := cmp.Diff(all[i].Series, r.Series); diff != "" {
				t.Errorf("%v, %d samples at a time (-together +in pieces):\n%s", objectives[i].Indicator, most, diff)
			}
		}
		if after, _ := server.Asked(); after-before <= together {
			t.Errorf("%d queries of %d raw samples each, where %d suffice for all", after-before, most, together)
		}
	}
}

// TestTooManyRawSamples has a server that refuses raw samples of more than two targets at a time.
func TestTooManyRawSamples(t *testing.T) {
	server := promtest.Start(t)
	var b strings.Builder
	for i := range 6 {
		fmt.Fprintf(&b, "http_requests_total{job=\"shop\",instance=\"%d\",code=\"200\"} 0+10x8 3+10x8\nup{job=\"shop\",instance=\"%d\"} 1x16\n", i, i)
	}
	if err := server.Load(zero, 15*time.Second, b.String()); err != nil {
		t.Fatal(err)
	}
	ticks := slo.Ticks{First: zero.Add(2 * time.Minute), Last: zero.Add(3 * time.Minute), Interval: 30 * time.Second}
	want := describe(t, client(t, prom.Options{URL: server.URL()}).Read(t.Context(), objectives(), ticks)[0])
	refused := 0
	at := intercepted(t, server, refusing(func(query string) bool {
		isRaw := strings.HasSuffix(query, "]") && strings.Contains(query, "http_requests_total")
		_, instances, _ := strings.Cut(query, `instance=~"`)
		if few := instances != "" && strings.Count(instances, "|") < 2; !isRaw || few {
			return false
		}
		refused++
		return true
	}))
	got := describe(t, client(t, prom.Options{URL: at}).Read(t.Context(), objectives(), ticks)[0])
	if diff := cmp.Diff(want, got); diff != "" || refused == 0 {
		t.Errorf("after %d refusals (-want +got):\n%s", refused, diff)
	}
}

// TestRawSamplesFail has a server that does not answer for raw samples, or with garbage: then there
// are no samples, instead of wrong sums.
func TestRawSamplesFail(t *testing.T) {
	behind := promtest.Start(t)
	if err := behind.Load(zero, 15*time.Second, `http_requests_total{job="shop",instance="a",code="200"} 0+10x8 3+10x8`); err != nil {
		t.Fatal(err)
	}
	at := zero.Add(150 * time.Second) // its counter fell
	ticks := slo.Ticks{First: at, Last: at, Interval: 30 * time.Second}
	for _, tc := range []struct {
		status int
		body   string
		want   error
	}{
		{http.StatusServiceUnavailable, "", slo.ErrUnreachable},
		{http.StatusOK, `{"status":"success","data":{"resultType":"matrix","result":[`, slo.ErrBadAnswer},
		{http.StatusOK, `{"status":"success","data":{"resultType":"vector","result":[]}}`, slo.ErrBadAnswer},
		{http.StatusOK, `{"status":"success","data":{"resultType":"matrix","result":[]},"warnings":["a store is away"]}`, slo.ErrIncomplete},
	} {
		c := client(t, prom.Options{URL: intercepted(t, behind, func(w http.ResponseWriter, _ *http.Request, body string) bool {
			form, _ := url.ParseQuery(body)
			if !strings.HasSuffix(form.Get("query"), "]") {
				return false
			}
			w.WriteHeader(tc.status)
			fmt.Fprint(w, tc.body)
			return true
		})})
		if r := c.Read(t.Context(), objectives(), ticks)[0]; !errors.Is(r.Err, tc.want) {
			t.Errorf("HTTP %d %s: %v, want %v", tc.status, tc.body, r.Err, tc.want)
		}
	}
}

// refusing answers that some queries are too much.
func refusing(tooMuch func(query string) bool) func(http.ResponseWriter, *http.Request, string) bool {
	return func(w http.ResponseWriter, _ *http.Request, body string) bool {
		form, _ := url.ParseQuery(body)
		if !tooMuch(form.Get("query")) {
			return false
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusUnprocessableEntity)
		fmt.Fprint(w, `{"status":"error","errorType":"execution","error":"query processing would load too many samples into memory in query execution"}`)
		return true
	}
}

// TestUncountableIsSeen has two processes take turns behind one address: their events can't be
// counted, but the service is there.
func TestUncountableIsSeen(t *testing.T) {
	server := promtest.Start(t)
	counters := `http_requests_total{job="shop",instance="a",code="200"}`
	for i := range 16 {
		counters += fmt.Sprintf(" %d %d", 1000+10*i, 90_000+10*i)
	}
	if err := server.Load(zero, 15*time.Second, counters+"\nup{job=\"shop\",instance=\"a\"} 1x32\n"); err != nil {
		t.Fatal(err)
	}
	ticks := slo.Ticks{First: zero.Add(6 * time.Minute), Last: zero.Add(7 * time.Minute), Interval: 30 * time.Second}
	reading := client(t, prom.Options{URL: server.URL()}).Read(t.Context(), objectives(), ticks)[0]
	if reading.Err != nil || len(reading.Series) != 1 {
		t.Fatalf("%+v", reading)
	}
	for i, s := range reading.Series[0].Samples {
		if s.Blind || s.Total != 0 || len(s.Caveats) != 1 || s.Caveats[0].Kind != slo.Uncountable {
			t.Errorf("tick %d: %+v, want no events, as they are not countable", i, s)
		}
	}
}
