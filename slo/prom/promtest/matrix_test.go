package promtest

import (
	"encoding/json"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
)

func TestMatrixIsWrittenAsByPackageJSON(t *testing.T) {
	floats := []promql.FPoint{
		{T: 1_772_000_000_000, F: 3}, {T: 1_772_000_000_125, F: -0.1}, {T: -1500, F: math.NaN()}, {T: 0, F: math.Inf(-1)}, {T: 1, F: 1e300},
	}
	histograms := []promql.HPoint{{T: 1000, H: &histogram.FloatHistogram{Count: 2, Sum: 3, PositiveSpans: []histogram.Span{{Length: 1}}, PositiveBuckets: []float64{2}}}}
	for name, m := range map[string]promql.Matrix{
		"empty":      {},
		"floats":     {{Floats: floats}, {Metric: labels.FromStrings("__name__", "a", "b", "\"<é\n"), Floats: floats[:1]}},
		"histograms": {{Metric: labels.FromStrings("a", "b"), Histograms: histograms}, {Floats: floats, Histograms: histograms}},
	} {
		want, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		got, err := json.Marshal(matrix(m))
		if diff := cmp.Diff(string(want), string(got)); diff != "" || err != nil {
			t.Errorf("%s: %v (-want +got):\n%s", name, err, diff)
		}
	}
}
