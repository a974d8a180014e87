package prom_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/postburn/postburn/slo"
	"github.com/postburn/postburn/slo/prom"
)

// TestServersClock asks about a tick in the server's future: it has only part of the tick's events
// so far.
func TestServersClock(t *testing.T) {
	for _, tc := range []struct {
		name string
		date string
		want error
	}{
		{"as ours", oneTick.Last.Format(http.TimeFormat), nil},
		{"50 s behind", oneTick.Last.Add(-50 * time.Second).Format(http.TimeFormat), nil},
		{"an hour ahead", oneTick.Last.Add(time.Hour).Format(http.TimeFormat), nil},
		{"two minutes behind", oneTick.Last.Add(-2 * time.Minute).Format(http.TimeFormat), slo.ErrClock},
		{"not told", "", nil},
		{"nonsense", "yesterday", nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header()["Date"] = []string{tc.date}
				fmt.Fprintf(w, noData, "")
			}))
			defer server.Close()
			client, err := prom.New(prom.Options{URL: server.URL})
			if err != nil {
				t.Fatal(err)
			}
			defer client.Close()
			reading := client.Read(t.Context(), objectives(), oneTick)[0]
			if !errors.Is(reading.Err, tc.want) {
				t.Errorf("error %v, want %v", reading.Err, tc.want)
			}
		})
	}
}
