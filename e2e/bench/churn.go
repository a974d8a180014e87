package main

import (
	"context"
	"math/rand/v2"
	"slices"
	"strconv"
	"time"

	modelvalue "github.com/prometheus/prometheus/model/value"
)

// In a bad hour one target in ten restarts, as in a rolling deploy or after a node failure. The
// bench's ticks are closer together than the usual 30 s, and so are its restarts: each tick sees as
// many as a tick of such an hour would. Every target takes its turn, one at a time in each service.
const (
	usualTick   = 30 * time.Second
	ticksAnHour = int(time.Hour / usualTick)
	turn        = 10 * ticksAnHour // ticks from one restart of a target to its next
	slots       = turn / instances // ticks from one restart in a service to the next
)

// The rows of up to 100 objectives have shorter ticks than the row of 1,000, so they have services
// of their own. Those of the larger row come after them.
const (
	fewServices  = 100
	manyServices = 1_000
)

// churn is the services that restart in the bad hour of a run.
type churn struct {
	recent, end time.Time // of their data
	few, many   *wave     // of the smaller rows, and of the row of 1,000, if there is one
}

// wave is services whose ticks are equally far apart.
type wave struct {
	first, n int           // services
	tick     time.Duration // from one tick to the next
	lives    [slots][]*life
}

// life is what an instance exports under one name. A new pod has a new name.
type life struct {
	name                      string
	answered, failed, started []value
}

// restart is when an instance starts anew.
type restart struct {
	at     time.Time
	newPod bool
}

// newChurn makes the services that rows of up to so many objectives need.
func newChurn(most int, now, end time.Time) *churn {
	random := rand.New(rand.NewPCG(9, 10))
	c := &churn{recent: recently(now), end: end}
	newWave := func(first, n int) *wave {
		interval, _ := pace(n, badHour)
		w := &wave{first: first, n: n, tick: interval}
		for slot := range slots {
			for i := range instances {
				w.lives[slot] = append(w.lives[slot], w.play(slot, i, c.recent, end, random)...)
			}
		}
		return w
	}
	c.few = newWave(0, min(most, fewServices))
	if most >= manyServices {
		c.many = newWave(fewServices, manyServices)
	}
	return c
}

// firstService is the number of the first service that a row of n objectives watches.
func firstService(n int, k kind) int {
	if k == badHour && n > fewServices {
		return fewServices
	}
	return 0
}

// waveOf is the services that a row of n objectives watches.
func (c *churn) waveOf(n int) *wave {
	if n > fewServices {
		return c.many
	}
	return c.few
}

// write writes what a Prometheus of n services holds. The first of them restart. Like the
// others they have a long past of one instance only.
func (c *churn) write(ctx context.Context, dir string, n int) error {
	all, first := c.few.series(), c.few.n
	if c.many != nil {
		all, first = append(all, c.many.series()...), first+c.many.n
	}
	past := makeThin(0, max(n, first), c.recent.Add(-longPast), c.end)
	if err := writeBlocks(ctx, dir, c.recent, past); err != nil {
		return err
	}
	return writeLog(ctx, dir, c.recent, c.end, append(all, makeSeries(first, n, c.recent, c.end)...))
}

// slotOf spreads services over the slots, so that a few in a row restart in ticks far apart.
func slotOf(service int) int { return service * 37 % slots }

// series are those of all its services.
func (w *wave) series() (all []series) {
	for s := range w.n {
		service := w.first + s
		for _, l := range w.lives[slotOf(s)] {
			all = append(all,
				series{counterLabels("200", l.name, service), &l.answered},
				series{counterLabels("500", l.name, service), &l.failed},
				series{startLabels(l.name, service), &l.started})
		}
	}
	return slices.DeleteFunc(all, func(s series) bool { return len(*s.values) == 0 })
}

// restarts are those of an instance, at any time in their ticks. Every second one in a service
// brings a new pod, and so does every second one of an instance.
func (w *wave) restarts(slot, instance int, from, end time.Time, random *rand.Rand) (all []restart) {
	for i := 0; ; i++ {
		tick := from.Add(time.Duration(slot+i*slots) * w.tick)
		if !tick.Before(end) {
			return all
		}
		if (7*i+slot)%instances == instance {
			at := tick.Add(time.Duration(random.Float64() * float64(w.tick)))
			all = append(all, restart{at, (i+i/instances+slot)%2 == 0})
		}
	}
}

// play is what an instance exports from a time on. It begins a turn earlier, so that by then some
// instances have had errors since their last restart and others have not. A process that restarts
// is up again at its next scrape, and has no series of failed requests before the first of them.
// Errors come more often, too, as ticks are closer: almost all targets of a real hour have had one.
func (w *wave) play(slot, instance int, from, end time.Time, random *rand.Rand) (lives []*life) {
	begun := from.Add(-time.Duration(turn) * w.tick)
	errors := codes[1].every * float64(usualTick) / float64(w.tick) // a scrape
	restarts := w.restarts(slot, instance, begun, end, random)
	name := instanceName(instance)
	now := &life{name: name}
	lives = append(lives, now)
	var answered, failed float64
	started := begun
	for at := begun.Add(shift(instance)); at.Before(end); at = at.Add(scrape) {
		share := 1.0 // of the time since the last scrape, in which requests came
		if len(restarts) > 0 && !at.Before(restarts[0].at) {
			if restarts[0].newPod {
				now.show(at, false, 0, 0, started)
				now = &life{name: name + "-" + strconv.Itoa(len(lives))}
				lives = append(lives, now)
			}
			started, answered, failed = restarts[0].at, 0, 0
			share = at.Sub(started).Seconds() / scrape.Seconds()
			restarts = restarts[1:]
		}
		answered += draw(codes[0].every*share, random)
		if started.Before(at.Add(-scrape)) { // the first error is seen in a tick of its own
			failed += draw(errors, random)
		}
		if !at.Before(from) {
			now.show(at, true, answered, failed, started)
		}
	}
	return lives
}

// show adds what a scrape finds: the values, or that the target is gone.
func (l *life) show(at time.Time, there bool, answered, failed float64, started time.Time) {
	l.answered = show(l.answered, at, answered, there)
	l.failed = show(l.failed, at, failed, there && failed > 0)
	l.started = show(l.started, at, float64(started.UnixMilli())/1000, there)
}

// disturbed counts the ticks after one time, up to another, in which counters of an objective
// began, ended or fell, over the objectives of a row. All others are counted by sums alone.
func (c *churn) disturbed(n int, after, last time.Time) (ticks int) {
	w := c.waveOf(n)
	var bySlot [slots]map[time.Duration]bool
	for slot, lives := range w.lives {
		bySlot[slot] = map[time.Duration]bool{}
		for _, l := range lives {
			for _, values := range [][]value{l.answered, l.failed} {
				for i, v := range values {
					at := time.UnixMilli(v.at)
					if at.After(after) && !at.After(last) && isDisturbance(values, i) {
						bySlot[slot][(at.Sub(after)-1)/w.tick] = true
					}
				}
			}
		}
	}
	for s := range n {
		ticks += len(bySlot[slotOf(s)])
	}
	return ticks
}

// isDisturbance reports whether a series begins, ends or falls with its i-th value.
func isDisturbance(values []value, i int) bool {
	if i == 0 || modelvalue.IsStaleNaN(values[i].v) || modelvalue.IsStaleNaN(values[i-1].v) {
		return true
	}
	return values[i].v < values[i-1].v
}
