package main

import (
	"context"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

const (
	// leastPercent is the garbage collector's target while little is allocated. Most of a small
	// heap is histories, which hold no pointers, so that collecting often costs little, while the
	// usual 100 would have it take twice what it needs.
	leastPercent = 15
	// largePercent is the target of a heap of largeHeap bytes, and between smallHeap and that the
	// target grows, as long as it takes no more than largeHeadroom bytes: with 25,000 objectives, and
	// 75,000 that other replicas watch, half of the CPU time would go into collecting.
	largePercent         = 50
	smallHeap, largeHeap = 128 << 20, 512 << 20
	largeHeadroom        = 160 << 20
	// collectEvery is how far apart collections should be, if that takes no more than mostHeadroom
	// bytes. With few objectives, that of the heap is less than a tick with restarts
	// allocates in a hundredth of its time, and half of the CPU time would go into collecting.
	collectEvery = 100 * time.Millisecond
	mostHeadroom = 4 << 20
)

// collector sets the garbage collector's target after each collection, for the next one.
type collector struct {
	percent   int
	allocated uint64 // bytes since the process started, until the last collection
	at        time.Time
}

// run sets the target until ctx is done.
func (c *collector) run(ctx context.Context) {
	c.at = time.Now()
	c.set(leastPercent)
	c.await(ctx)
}

// await makes an object that nobody refers to: the next collection frees it.
func (c *collector) await(ctx context.Context) {
	type unreachable struct{ _ *collector }
	runtime.AddCleanup(&unreachable{}, func(c *collector) {
		if ctx.Err() == nil {
			c.collected(time.Now())
			c.await(ctx)
		}
	}, c)
}

func (c *collector) set(percent int) {
	if percent != c.percent {
		c.percent = percent
		debug.SetGCPercent(percent)
	}
}

// collected sets the target after a collection.
func (c *collector) collected(now time.Time) {
	read := []metrics.Sample{{Name: "/gc/heap/live:bytes"}, {Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(read)
	live, allocated := read[0].Value.Uint64(), read[1].Value.Uint64()
	c.set(targetPercent(live, allocated-c.allocated, now.Sub(c.at)))
	c.allocated, c.at = allocated, now
}

// targetPercent returns by how many percent the heap may grow before the next collection: what its
// size allows, and enough for as much as is allocated in collectEvery, by what was allocated since
// the last one.
func targetPercent(live, allocated uint64, since time.Duration) int {
	if live == 0 || since <= 0 {
		return leastPercent
	}
	large := float64(min(max(live, smallHeap), largeHeap)-smallHeap) / (largeHeap - smallHeap)
	percent := min(leastPercent+int(large*(largePercent-leastPercent)), int(100*largeHeadroom/live))
	headroom := min(float64(allocated)*float64(collectEvery)/float64(since), mostHeadroom)
	return max(leastPercent, percent, int(100*headroom/float64(live)))
}
