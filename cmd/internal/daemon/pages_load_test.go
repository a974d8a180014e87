package daemon_test

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"
)

// TestPagesUnderLoad has many people look at the pages of 5,000 objectives at once, while they are
// watched: each asks for the first page and for an objective's, as fast as they come. `make load`
// sets LOAD=30s, for 100 people, and then the answers have to be quick, too; else it is short, of a
// fifth of the objectives, and says nothing of times, as other tests run beside it.
func TestPagesUnderLoad(t *testing.T) {
	people, slos, incidents, length, measured := 20, benchSLOs/5, 1000, time.Second, false
	if text := os.Getenv("LOAD"); text != "" {
		var err error
		if length, err = time.ParseDuration(text); err != nil {
			t.Fatal(err)
		}
		people, slos, incidents, measured = 100, benchSLOs, 20_000, true
	}
	base := startBench(t, slos, incidents, 10*time.Second)
	look(t, base, slos, people, time.Second) // what is remembered takes memory
	before, used := heap(), cpuTime(t)
	took := look(t, base, slos, people, length)
	used = cpuTime(t) - used
	after := heap()
	t.Logf("%v of CPU time an answer, with the client's and the engine's", used/time.Duration(len(took["/"])+len(took["/slos/NAME"])+1))
	for what, all := range took {
		slices.Sort(all)
		p50, p99 := all[len(all)/2], all[len(all)*99/100]
		t.Logf("%-10s %6d answers, p50 %v, p99 %v, longest %v", what, len(all), p50, p99, all[len(all)-1])
		if most := 200 * time.Millisecond; measured && p99 > most {
			t.Errorf("%s: 1 answer in 100 took longer than %v; at most %v", what, p99, most)
		}
	}
	t.Logf("heap in use: %d MiB, then %d MiB", before>>20, after>>20)
	if after > before+64<<20 { // 48 MiB of them are pages that are remembered, at most
		t.Errorf("%d MiB of heap are in use after the load, %d MiB before", after>>20, before>>20)
	}
}

// look has people look at pages, and returns how long each answer took, by page. An answer that is
// no page fails the test.
func look(t *testing.T, base string, slos, people int, length time.Duration) map[string][]time.Duration {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), length)
	defer stop()
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: people}}
	defer client.CloseIdleConnections()
	var mu sync.Mutex
	took := map[string][]time.Duration{}
	var all sync.WaitGroup
	for n := range people {
		all.Go(func() {
			random := rand.New(rand.NewPCG(1, uint64(n)))
			for ctx.Err() == nil {
				slo := fmt.Sprintf("/slos/availability-%03d", random.IntN(slos))
				for what, path := range map[string]string{"/": "/", "/slos/NAME": slo} {
					begun := time.Now()
					if err := visit(ctx, client, base+path); err != nil {
						if ctx.Err() == nil {
							t.Errorf("%s: %v", path, err)
						}
						return
					}
					mu.Lock()
					took[what] = append(took[what], time.Since(begun))
					mu.Unlock()
				}
			}
		})
	}
	all.Wait()
	return took
}

func visit(ctx context.Context, client *http.Client, url string) error {
	ask, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	answer, err := client.Do(ask)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("status %s", answer.Status)
	}
	_, err = io.Copy(io.Discard, answer.Body)
	return err
}

// heap returns how much memory is in use, without what is to be collected.
func heap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
