package prom_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postburn/postburn/slo"
	"github.com/postburn/postburn/slo/prom"
	"github.com/postburn/postburn/slo/prom/promtest"
)

// TestOutcomes has a label that tells bad events by few values, and one by so many that they are
// asked for separately from the second tick on: the samples are the same.
func TestOutcomes(t *testing.T) {
	for _, tc := range []struct {
		paths int
		bad   string
	}{{3, `path=~".*[13579]"`}, {3, `path!~".*[02468]"`}, {100, `path=~".*[13579]"`}, {100, `path!~".*[02468]"`}} {
		t.Run(fmt.Sprint(tc.paths, tc.bad), func(t *testing.T) {
			paths := tc.paths
			server := promtest.Start(t)
			var b strings.Builder
			for i := range paths {
				fmt.Fprintf(&b, "hits_total{job=\"shop\",instance=\"a\",path=\"/%d\"} 0+%dx40\n", i, 1+i%2)
			}
			if err := server.Load(zero, 15*time.Second, b.String()); err != nil {
				t.Fatal(err)
			}
			odd := float64(paths / 2)
			want := fmt.Sprintf(" %v bad %v", 2*(float64(paths)+odd), 4*odd)
			c := client(t, prom.Options{URL: server.URL()})
			o := slo.Objective{Name: "shop", Indicator: slo.Indicator{Ratio: &slo.Ratio{Bad: "hits_total{" + tc.bad + "}", Total: "hits_total"}}}
			read := map[int]int64{}
			for tick := range 3 {
				at := zero.Add(7*time.Minute + time.Duration(tick)*30*time.Second)
				_, before := server.Asked()
				ticks := slo.Ticks{First: at, Last: at, Interval: 30 * time.Second}
				if diff := cmp.Diff([]string{at.Sub(zero).String() + ":" + want}, describe(t, c.Read(t.Context(), []slo.Objective{o}, ticks)[0])); diff != "" {
					t.Errorf("samples of tick %d (-want +got):\n%s", tick, diff)
				}
				_, after := server.Asked()
				read[tick] = after - before
			}
			const plain = 2 + 7 // samples of a series: at both ends of the tick, and the scrapes in which to look for falls
			if apart := read[1] > int64(paths*plain) && read[2] == read[1]; apart != (paths > 32) {
				t.Errorf("%d values: the ticks read so many samples: %v", paths, read)
			}
		})
	}
}
