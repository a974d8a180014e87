package daemon_test

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/cmd/internal/daemon"
	"github.com/postburn/postburn/issue/learn/report"
	"github.com/postburn/postburn/slo"
	"github.com/postburn/postburn/store/sqlite"
)

// BenchmarkReport measures how long a report on 90 days takes, beside the 90 before, on 5,000
// objectives and with few and with many incidents. A page shows one again for a minute.
func BenchmarkReport(b *testing.B) {
	for _, incidents := range []int{200, 20_000} {
		b.Run(fmt.Sprintf("incidents=%d", incidents), func(b *testing.B) {
			path := filepath.Join(b.TempDir(), "postburn.db")
			fillBenchStore(b, path, incidents)
			database, err := sqlite.Open(b.Context(), path, sqlite.Options{})
			if err != nil {
				b.Fatal(err)
			}
			defer database.Close()
			if err := database.SaveDays(b.Context(), benchDays(180)); err != nil {
				b.Fatal(err)
			}
			size := 0
			for b.Loop() {
				in, err := daemon.ReadReport(b.Context(), database, report.Last(90*24*time.Hour, time.Now()), time.Now())
				if err != nil {
					b.Fatal(err)
				}
				r := report.Make(in)
				page, err := r.HTML()
				if err != nil {
					b.Fatal(err)
				}
				text, err := json.Marshal(r)
				if err != nil || len(r.Services) == 0 {
					b.Fatal(err)
				}
				size = len(page)
				b.ReportMetric(float64(len(text))/1024, "json-KiB")
			}
			b.ReportMetric(float64(size)/1024, "page-KiB")
		})
	}
}

// benchDays are the last days of all objectives and label sets.
func benchDays(n int) (all []alert.Days) {
	today := time.Now().UTC().Truncate(24 * time.Hour)
	for k := range benchSLOs {
		o := benchObjective(k)
		for s := range benchSeries {
			labels := slo.NewLabels(map[string]string{"region": fmt.Sprint("region-", s)})
			d := alert.Days{ID: slo.ID{SLO: o.Name, Labels: labels}, Service: o.Service, Target: o.Target, Measures: "m"}
			for day := range n {
				d.Days = append(d.Days, slo.Day{Date: today.AddDate(0, 0, -day), Known: 24 * time.Hour, Counts: slo.Counts{Total: 1e6, Bad: float64(day * s)}, Exact: true})
			}
			all = append(all, d)
		}
	}
	return all
}
