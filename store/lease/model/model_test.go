package model

import (
	"cmp"
	"flag"
	"math"
	"strings"
	"testing"

	"github.com/postburn/postburn/store/lease"
	"github.com/postburn/postburn/store/storetest"
)

var states = flag.Int("states", 10_000, "how many states of the model to look at; 0: all")

// models are what the model is made of: the leases that there are.
var models = map[string][]string{"a lane": {"00"}, "publishing": {lease.Publishing}}

func TestModel(t *testing.T) {
	for name, leases := range models {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			seen, way := search(newWorld(rules{}, leases...), cmp.Or(*states, math.MaxInt))
			if t.Logf("%d states", seen); way != nil {
				t.Errorf("after:\n\t%s", strings.Join(way, "\n\t"))
			}
		})
	}
}

// TestModelNotices breaks what replicas rely on.
func TestModelNotices(t *testing.T) {
	for name, c := range map[string]struct {
		lease string
		rules rules
		want  string
	}{
		"a lease taken under its old fence":            {"00", rules{sameFence: true}, "two replicas may write a lane"},
		"a store that looks at cursors alone":          {"00", rules{unfenced: true}, "may write"},
		"a lease that lasts from when its answer came": {lease.Publishing, rules{fromReceiving: true}, "two replicas publish"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			seen, way := search(newWorld(c.rules, c.lease), 200_000)
			if way == nil || !strings.Contains(way[len(way)-1], c.want) {
				t.Errorf("found in %d states: %q, want %q", seen, way, c.want)
			}
			t.Logf("after:\n\t%s", strings.Join(way, "\n\t"))
		})
	}
}

func TestTable(t *testing.T) {
	t.Parallel()
	storetest.RunLeases(t, func(*testing.T) storetest.Clocked {
		table := NewTable("00", "01", "02")
		return storetest.Clocked{Table: table, Advance: table.Advance}
	})
}
