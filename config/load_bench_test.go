package config

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/metrics"
	"strings"
	"testing"
	"time"
)

// BenchmarkLoad reads files of 1,000 objectives each, which have defaults and services of ten. It
// reports the memory that a definition takes, and how much the heap has at most while it reads, in
// bytes an objective: with what is not collected yet, and without.
func BenchmarkLoad(b *testing.B) {
	const objectives = 1_000 // in a file
	for _, files := range []int{10, 100} {
		b.Run(fmt.Sprintf("files=%d", files), func(b *testing.B) {
			dir := b.TempDir()
			for file := range files {
				writeObjectives(b, dir, file, objectives)
			}
			all := float64(files * objectives)
			b.ReportAllocs()
			for b.Loop() {
				before := heap()
				watch := watchHeap()
				definitions, problems := Load([]string{dir})
				peak := watch()
				if len(definitions) != files*objectives || len(problems) > 0 {
					b.Fatalf("%d definitions, and problems: %v", len(definitions), problems)
				}
				b.ReportMetric(float64(heap()-before)/all, "B/definition")
				b.ReportMetric(float64(peak.objects-before)/all, "peakB/definition")
				b.ReportMetric(float64(peak.live-before)/all, "livepeakB/definition")
				runtime.KeepAlive(definitions)
			}
		})
	}
}

func writeObjectives(b *testing.B, dir string, file, n int) {
	var text strings.Builder
	text.WriteString("defaults: {target: 99%, window: 30d, incident: {burn: [{rate: 14.4, long: 1h, short: 5m}]}}\nslos:\n")
	for i := file * n; i < (file+1)*n; i++ {
		fmt.Fprintf(&text, "  - name: s%06d\n    service: team-%05d\n    indicator:\n      ratio:\n", i, i/10)
		fmt.Fprintf(&text, "        bad: 'http_requests_total{service=\"s%06d\",code=~\"5..\"}'\n        total: 'http_requests_total{service=\"s%06d\"}'\n", i, i)
	}
	if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%03d.yaml", file)), []byte(text.String()), 0o600); err != nil {
		b.Fatal(err)
	}
}

// heap returns the bytes that are in use.
func heap() uint64 {
	runtime.GC()
	return readHeap().objects
}

// heapUse is the bytes of all objects, and of those that the last collection found in use.
type heapUse struct{ objects, live uint64 }

func readHeap() heapUse {
	read := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}, {Name: "/gc/heap/live:bytes"}}
	metrics.Read(read)
	return heapUse{read[0].Value.Uint64(), read[1].Value.Uint64()}
}

// watchHeap returns what ends it, and returns the most that there was.
func watchHeap() (end func() heapUse) {
	done, most := make(chan struct{}), make(chan heapUse)
	go func() {
		var peak heapUse
		for {
			now := readHeap()
			peak.objects, peak.live = max(peak.objects, now.objects), max(peak.live, now.live)
			select {
			case <-done:
				most <- peak
				return
			case <-time.After(time.Millisecond):
			}
		}
	}()
	return func() heapUse {
		close(done)
		return <-most
	}
}
