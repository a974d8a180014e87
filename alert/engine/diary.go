package engine

import (
	"sync"
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/alert/fold"
	"github.com/postburn/postburn/slo"
)

const (
	// notedEvery is how often days are noted, by a lane's cursor, once it has been watched for two
	// hours: that costs nothing worth naming. In the beginning it is more often, so that somebody
	// who tries postburn sees something.
	notedEvery = time.Hour
	notedFirst = time.Minute
	// relearnt is for how long late data may change a day.
	relearnt = 3 * 24 * time.Hour
)

// diary collects what lanes know of each day, until it is taken to be kept: reports look further
// back than a history does.
type diary struct {
	mu      sync.Mutex
	lanes   map[string]*noted // by lane
	pending map[slo.ID]alert.Days
}

// noted is what was noted of a lane.
type noted struct {
	began   time.Time                 // its cursor when it was first noted
	at      time.Time                 // its cursor now
	known   map[watched]time.Time     // from when on the days of each watch were noted
	watches map[*fold.Watch]time.Time // the same by watch: quicker, and shorter-lived; zero: it had no data
}

// watched is a watch as long as it counts the same events.
type watched struct {
	slo.ID
	measures string
}

// note notes the days of a lane from time to time: those that may have changed, or all that are
// known of a watch whose past has been read meanwhile.
func (d *diary) note(l *lane) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.lanes == nil {
		d.lanes, d.pending = map[string]*noted{}, map[slo.ID]alert.Days{}
	}
	before := d.lanes[l.name]
	if before == nil {
		before = &noted{began: l.Cursor()}
	}
	if !before.isDue(l.Cursor()) && !before.isStale(l) {
		return
	}
	now := &noted{before.began, l.Cursor(), map[watched]time.Time{}, map[*fold.Watch]time.Time{}}
	for _, w := range l.Watches() {
		if w.History.Empty() {
			now.watches[w] = time.Time{}
			continue
		}
		of := watched{w.ID(), w.Def.Measures()}
		known := w.History.Known()
		now.known[of], now.watches[w] = known, known
		since := known
		if noted, ok := before.known[of]; ok && !known.Before(noted) {
			since = w.Now().Add(-relearnt)
		}
		if days := w.Days(since); len(days) > 0 {
			d.add(alert.Days{ID: of.ID, Service: w.Def.Objective.Service, Target: w.Def.Objective.Target, Measures: of.measures, Days: days})
		}
	}
	d.lanes[l.name] = now
}

// drop forgets what was noted of a lane. What is not taken yet stays.
func (d *diary) drop(l *lane) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.lanes, l.name)
}

// isDue reports whether it is time to note days again. The clock may have been set back.
func (n *noted) isDue(cursor time.Time) bool {
	every := min(notedEvery, max(notedFirst, cursor.Sub(n.began)/2))
	return cursor.Sub(n.at) >= every || cursor.Before(n.at)
}

// isStale reports whether any watch is new, has data now, or knows more of its past than was noted.
func (n *noted) isStale(l *lane) bool {
	for _, w := range l.Watches() {
		known, ok := n.watches[w]
		if !ok || known.IsZero() != w.History.Empty() || w.History.Known().Before(known) {
			return true
		}
	}
	return false
}

// add adds days to those not taken yet, in place of the same days as they were.
func (d *diary) add(more alert.Days) {
	if have, ok := d.pending[more.ID]; ok && have.Measures == more.Measures {
		var older []slo.Day
		for _, day := range have.Days {
			if day.Date.Before(more.Days[0].Date) {
				older = append(older, day)
			}
		}
		more.Days = append(older, more.Days...)
	}
	d.pending[more.ID] = more
}

// take returns what was noted since it was last taken, in no order.
func (d *diary) take() (all []alert.Days) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, days := range d.pending {
		all = append(all, days)
	}
	clear(d.pending)
	return all
}
