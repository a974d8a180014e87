package count

import (
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// latencies are the series of a histogram with one boundary, from its events and good ones.
func latencies(native bool, all, good []float64) []RawHistogram {
	labels := map[string]string{"job": "a", "instance": "1"}
	count := RawHistogram{Name: "d", Labels: labels, Bound: math.NaN()}
	bucket := RawHistogram{Name: "d", Labels: labels, Bound: .5}
	for i, n := range all {
		if n < 0 {
			continue
		}
		at := noon.Add(25*time.Second - time.Duration(len(all)-1-i)*15*time.Second).UnixMilli()
		if native {
			count.Native = append(count.Native, NativeSample{at, n, []Bucket{{.25, .5, good[i]}, {.5, 1, n - good[i]}}})
			continue
		}
		count.Samples = append(count.Samples, Sample{at, n})
		bucket.Samples = append(bucket.Samples, Sample{at, good[i]})
	}
	return []RawHistogram{count, bucket}
}

// TestHistogramSteps has steps of histograms. All events and good ones begin anew together.
func TestHistogramSteps(t *testing.T) {
	gone := -1.0
	tests := []struct {
		name              string
		all, good         []float64
		wantAll, wantGood string
	}{
		{"goes on", []float64{100, 130, 160, 190}, []float64{90, 120, 150, 170}, "60", "50"},
		{"fell", []float64{100, 130, 5, 35}, []float64{90, 120, 5, 30}, "35, reset 5", "30"},
		{"good ones alone fell", []float64{100, 300, 320, 520}, []float64{90, 290, 10, 210}, "520, restart 300", "210"},
		{"good ones did not fall", []float64{600, 600, 10, 20}, []float64{8, 8, 9, 18}, "20, reset 10", "18"},
		{"back, lower", []float64{600, gone, gone, 20}, []float64{3, gone, gone, 4}, "20", "4"},
		{"back, not reset", []float64{600, gone, gone, 620}, []float64{500, gone, gone, 510}, "20, returned 600", "10"},
		{"first seen", []float64{gone, gone, gone, 9}, []float64{gone, gone, gone, 1}, "9", "1"},
		{"first seen with a past", []float64{gone, gone, gone, 5000}, []float64{gone, gone, gone, 2}, "0, baseline 5000", "0"},
		{"fell a little", []float64{970, 1000, 990, 1020}, []float64{970, 1000, 990, 1010}, "20", "10"},
	}
	for _, tt := range tests {
		for name, native := range map[string]bool{"classic": false, "native": true} {
			t.Run(tt.name+"/"+name, func(t *testing.T) {
				up := ups.parse(t)
				w := World{Tick: noon.Add(30 * time.Second), Interval: 30 * time.Second, Up: []Series{up}}
				h := Histograms(latencies(native, tt.all, tt.good), .5)[0]
				w.Counters = []Series{h.All, h.Good, h.Unsure, h.Left}
				c := w.Count()
				got := []string{text(c[0]), text(c[1]), text(c[2]), text(c[3])}
				if diff := cmp.Diff([]string{tt.wantAll, tt.wantGood, "0", "0"}, got); diff != "" {
					t.Error(diff)
				}
			})
		}
	}
}

// TestHistogramThreshold splits the events of one scrape at a threshold.
func TestHistogramThreshold(t *testing.T) {
	type values struct{ All, Good, Unsure, Left float64 }
	bucket := func(bound, v float64) RawHistogram {
		return RawHistogram{Name: "d", Bound: bound, Samples: []Sample{{1, v}}}
	}
	native := func(buckets ...Bucket) RawHistogram {
		n := NativeSample{At: 1, Buckets: buckets}
		for _, b := range buckets {
			n.Count += b.Count
		}
		return RawHistogram{Name: "d", Bound: math.NaN(), Native: []NativeSample{n}}
	}
	inf := math.Inf(1)
	count := bucket(math.NaN(), 100)
	tests := []struct {
		name string
		raw  []RawHistogram
		want values
	}{
		{"on a boundary", []RawHistogram{count, bucket(.5, 80), bucket(1, 90), bucket(inf, 100)}, values{100, 80, 0, 0}},
		{"on a computed boundary", []RawHistogram{count, bucket(.1+.2+.2, 80)}, values{100, 80, 0, 0}},
		{"spelt twice", []RawHistogram{count, bucket(.5, 70), bucket(.5, 80)}, values{100, 80, 0, 0}},
		{"between two", []RawHistogram{count, bucket(.25, 60), bucket(.75, 90)}, values{100, 75, 30, 0}},
		{"in the first bucket", []RawHistogram{count, bucket(1, 90)}, values{100, 45, 90, 0}},
		{"above all buckets", []RawHistogram{count, bucket(.1, 90)}, values{0, 0, 0, 100}},
		{"becoming native", []RawHistogram{count, bucket(.5, 80), native(Bucket{.25, .5, 30}, Bucket{.5, 1, 20})}, values{100, 80, 0, 0}},
		{"native, on a boundary", []RawHistogram{native(Bucket{.25, .5, 80}, Bucket{.5, 1, 20})}, values{100, 80, 0, 0}},
		{"native, custom, between two", []RawHistogram{native(Bucket{0, .3, 60}, Bucket{.3, .7, 40})}, values{100, 80, 40, 0}},
		{"native, exponential, between two", []RawHistogram{native(Bucket{.25, 1, 40}, Bucket{1, 4, 60})}, values{100, 20, 40, 0}},
		{"native, in a bucket without end", []RawHistogram{native(Bucket{0, .3, 60}, Bucket{.3, inf, 40})}, values{60, 60, 0, 40}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			value := func(s Series) float64 {
				if len(s.Samples) == 0 {
					return 0
				}
				return s.Samples[0].Value
			}
			h := Histograms(tt.raw, .5)[0]
			if diff := cmp.Diff(tt.want, values{value(h.All), value(h.Good), value(h.Unsure), value(h.Left)}); diff != "" {
				t.Error(diff)
			}
		})
	}
}
