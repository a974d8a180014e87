package prom_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postburn/postburn/slo"
	"github.com/postburn/postburn/slo/prom"
	"github.com/postburn/postburn/slo/prom/promtest"
)

func TestSeries(t *testing.T) {
	server := promtest.Start(t)
	begin := time.Date(2026, 1, 5, 12, 0, 0, 0, time.UTC)
	if err := server.Load(begin, time.Minute, `
		# TYPE a_total counter
		# TYPE queue_length gauge
		a_total{code="200"} 0+1x10
		a_total{code="500"} 0+1x10
		a_total{code="503"} _x100 0+1x10
	`); err != nil {
		t.Fatal(err)
	}
	client, err := prom.New(prom.Options{URL: server.URL()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	for _, tc := range []struct {
		name, selector string
		most           int
		codes          []string
		whole          bool
	}{
		{"all of the time", `a_total`, 10, []string{"200", "500"}, true},
		{"as many as there may be", `a_total`, 2, []string{"200", "500"}, true},
		{"more than there may be", `a_total`, 1, []string{"200"}, false},
		{"some", `a_total{code=~"5.."}`, 10, []string{"500"}, true},
		{"none", `b_total`, 10, nil, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			found, whole, err := client.Series(t.Context(), tc.selector, begin, begin.Add(time.Hour), tc.most)
			var codes []string
			for _, set := range found {
				codes = append(codes, set["code"])
			}
			if diff := cmp.Diff(tc.codes, codes); diff != "" || whole != tc.whole || err != nil {
				t.Errorf("whole %t, error %v, codes (-want +got):\n%s", whole, err, diff)
			}
		})
	}
	if _, _, err := client.Series(t.Context(), `a_total{`, begin, begin, 1); !errors.Is(err, slo.ErrRefused) {
		t.Errorf("a selector that does not parse: %v", err)
	}
	types, err := client.Metadata(t.Context())
	if diff := cmp.Diff(map[string][]string{"a_total": {"counter"}, "queue_length": {"gauge"}}, types); diff != "" || err != nil {
		t.Errorf("error %v, types (-want +got):\n%s", err, diff)
	}
}

func TestSeriesOfOtherServers(t *testing.T) {
	for _, tc := range []struct {
		name, answer string
		status       int
		found        int
		whole        bool
		want         error
	}{
		{"one without a limit", `{"data":[{"a":"1"},{"a":"2"},{"a":"3"}],"status":"success"}`, 200, 2, false, nil},
		{"one that says more", `{"status":"success","isPartial":false,"data":[{"a":"1"}],"warnings":["x"]}`, 200, 1, true, nil},
		{"one that is cut off", `{"status":"success","data":[{"a":"1"}`, 200, 0, false, slo.ErrBadAnswer},
		{"a page", `<html>`, 200, 0, false, slo.ErrBadAnswer},
		{"one that lacks it", `not found`, 404, 0, false, slo.ErrBadAnswer},
		{"one that is too busy", ``, 503, 0, false, slo.ErrUnreachable},
		{"too much", fmt.Sprintf(`{"status":%q}`, make([]byte, 5000)), 200, 0, false, slo.ErrBadAnswer},
	} {
		t.Run(tc.name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(tc.status)
				_, _ = w.Write([]byte(tc.answer))
			}))
			defer server.Close()
			client, err := prom.New(prom.Options{URL: server.URL, MaxAnswer: 4096})
			if err != nil {
				t.Fatal(err)
			}
			defer client.Close()
			found, whole, err := client.Series(t.Context(), "a", time.Unix(0, 0), time.Unix(60, 0), 2)
			if len(found) != tc.found || whole != tc.whole || !errors.Is(err, tc.want) {
				t.Errorf("%d series, whole %t, error %v", len(found), whole, err)
			}
		})
	}
}
