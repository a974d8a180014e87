package engine_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/alert/engine"
	"github.com/postburn/postburn/alert/fold"
	"github.com/postburn/postburn/slo"
)

// TestRowsAreRecovered has objectives that wait for data and then fold several ticks at once, and
// label sets that join. It kills the process again and again.
func TestRowsAreRecovered(t *testing.T) {
	t.Parallel()
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	for round := range 5 {
		rnd := rand.New(rand.NewPCG(seed, uint64(round)))
		defs := []alert.Definition{definition("a"), definition("b"), definition("c")}
		defs[1].Objective.GroupBy = []string{"region"}
		m := newMemory(t, "00", interval, epoch, defs...)
		regions := 0
		behind := map[string]int{} // ticks that were not folded
		for range 1500 {
			var row fold.Row
			next := m.lane.Cursor().Add(interval)
			for _, w := range m.lane.Watches() {
				row.Samples = append(row.Samples, nil)
				if w.Labels != "" {
					continue // with the other label sets
				}
				row.Samples[len(row.Samples)-1] = samplesOf(rnd, behind, w.Def.Objective.Name, w.Now(), next)
			}
			grouped := samplesOf(rnd, behind, "b", m.lane.CursorOf("b"), next)
			for i, w := range m.lane.Watches() {
				if w.Labels != "" {
					row.Samples[i] = grouped
				}
			}
			if regions < 5 && len(grouped) > 0 && rnd.IntN(100) == 0 {
				regions++
				labels := slo.NewLabels(map[string]string{"region": fmt.Sprint(regions)})
				row.Joined = append(row.Joined, fold.Member{Definition: 1, Labels: labels, Start: m.lane.CursorOf("b")})
				row.Samples = append(row.Samples, grouped)
			}
			m.stepRow(row)
			if rnd.IntN(50) == 0 {
				m.kill()
			}
		}
		if regions == 0 || len(m.windows()) == 0 {
			t.Errorf("%d label sets, %d windows: this tests too little", regions, len(m.windows()))
		}
	}
}

// samplesOf returns an objective's samples in a tick's row: none for a while, and then all missed
// ones.
func samplesOf(rnd *rand.Rand, behind map[string]int, name string, cursor, next time.Time) (samples []slo.Sample) {
	if behind[name] > 0 || rnd.IntN(30) == 0 {
		behind[name]++
		if behind[name] < 40 && rnd.IntN(20) > 0 {
			return nil
		}
		behind[name] = 0
	}
	for tick := cursor.Add(interval); !tick.After(next); tick = tick.Add(interval) {
		s := slo.Sample{Tick: tick, Counts: slo.Counts{Total: 100}, Blind: rnd.IntN(50) == 0}
		if s.Blind {
			s.Counts = slo.Counts{}
		} else if tick.Hour()%3 == 1 && tick.Minute() < 20 {
			s.Bad = float64(rnd.IntN(100))
		}
		samples = append(samples, s)
	}
	return samples
}

// TestRowsOfAnOlderVersion reads a row from before rows told how many samples each watch has: its
// header lists the label sets that joined. Lateness was per lane.
func TestRowsOfAnOlderVersion(t *testing.T) {
	def := definition("checkout")
	def.Objective.GroupBy = []string{"region"}
	m := newMemory(t, "00", interval, epoch, def)
	m.step()
	m.rec.Rows = m.rows
	header := `[{"definition":0,"labels":{"region":"eu"}},{"definition":0,"labels":{"region":"us"}}]`
	old := append(binary.AppendUvarint(nil, uint64(len(header))), header...)
	tick := m.rec.Cursor.Add(interval)
	for _, counts := range []slo.Counts{{Total: 10, Bad: 1}, {Total: 20, Bad: 2}} {
		old = slo.AppendSample(old, slo.Sample{Tick: tick, Counts: counts})
	}
	m.rec.Rows = append(m.rec.Rows, alert.Row{Tick: tick, Samples: old})
	m.rec.Cursor = tick
	m.rec.State = bytes.Replace(m.rec.State, []byte(`"reading":`), []byte(`"late":{"extra":60000000000},"none":`), 1)
	lane, err := engine.Recover("00", m.rec)
	if err != nil {
		t.Fatal(err)
	}
	watches := lane.Watches()
	if len(watches) != 2 || watches[0].Labels != `{region="eu"}` || watches[1].History.All() != (slo.Counts{Total: 20, Bad: 2}) || !watches[1].Now().Equal(tick) {
		t.Errorf("got %d watches: %+v", len(watches), watches)
	}
	if state := lane.Fingerprint(); !strings.Contains(state, `"reading":{"checkout":{"extra":60000000000`) {
		t.Errorf("the delay that late data had added is gone: %s", state)
	}
}
