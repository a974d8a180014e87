package engine_test

import (
	"compress/gzip"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/slo"
)

// TestUpgrade goes on with the stores of older versions. They were stopped in the middle of an
// outage that had begun at 02:00; the region "us" had joined at 02:05, and the objective "added"
// minutes before the end. older-version kept all objectives of a lane at one tick; it read the past
// before the rules' windows apart, and was stopped in the middle of that. version2 is by the last
// postburn before docs/compatibility.md fixed encodings.
func TestUpgrade(t *testing.T) {
	for _, of := range []string{"older-version", "version2"} {
		for _, down := range []time.Duration{10 * time.Second, 5 * time.Minute, 3 * time.Hour} {
			t.Run(of+" down for "+down.String(), func(t *testing.T) { upgrade(t, of, down) })
		}
	}
}

func upgrade(t *testing.T, of string, down time.Duration) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		s := &service{faultFrom: begin.Add(2 * time.Hour), faultTo: begin.Add(140 * time.Minute)}
		s.regions = map[string]slo.Span{
			"eu": {Start: begin.Add(-4 * day), End: begin.Add(30 * day)},
			"us": {Start: begin.Add(125 * time.Minute), End: begin.Add(30 * day)},
		}
		p := &process{t: t, path: filepath.Join(t.TempDir(), "postburn.db"), service: s}
		p.defs = olderDefinitions()
		unpack(t, filepath.Join("testdata", of+".db.gz"), p.path)
		time.Sleep(130*time.Minute + down)
		p.start()
		found := p.incidents()
		for range 6 {
			time.Sleep(5*time.Minute + 7*time.Second)
			synctest.Wait()
			p.kill()
			p.start()
		}
		time.Sleep(30 * time.Minute)
		synctest.Wait()
		statuses := p.engine.Statuses(time.Now())
		got := p.incidents()
		p.kill()
		if len(found) != 1 || len(found[0].Windows) != 4 || !found[0].IsOpen() {
			t.Fatalf("the older version had\n%s", describe(found))
		}
		if len(got) != 1 || got[0].ID != found[0].ID || len(got[0].Windows) != 4 || got[0].IsOpen() {
			t.Fatalf("want the same incident, and that it is over, got\n%s%s", describe(got), p.log.String())
		}
		for _, w := range got[0].Windows {
			onset := s.faultFrom
			if w.Labels == `{region="us"}` {
				onset = begin.Add(125 * time.Minute)
			}
			if bad := 100 * s.faultTo.Sub(onset).Seconds(); !w.Onset.Equal(onset) || !w.Ended.Equal(s.faultTo) || w.Bad != bad || w.Total != bad {
				t.Errorf("%s is not from %s to %s:\n%s", w.ID(), onset, s.faultTo, describe(got))
			}
		}
		for _, status := range statuses {
			whole := 2 * day.Seconds() * 100
			if status.Labels == `{region="us"}` {
				whole = status.Tick.Sub(begin.Add(125*time.Minute)).Seconds() * 100
			}
			if status.State != alert.OK || status.Unread > 0 || status.Window.Total != whole {
				t.Errorf("%s %s is %s, %v of %v events are there, %s are unread", status.Objective.Name, status.Labels, status.State, status.Window.Total, whole, status.Unread)
			}
		}
		if !slices.IsSortedFunc(got[0].Windows, func(a, b alert.Window) int { return a.Detected.Compare(b.Detected) }) {
			t.Errorf("windows are not in order:\n%s", describe(got))
		}
	})
}

// olderDefinitions are those of the older version.
func olderDefinitions() (all []alert.Definition) {
	for _, name := range []string{"added", "checkout", "regions"} {
		d := definition(name)
		d.Objective.Window = slo.Window{Rolling: 2 * day}
		d.Policy.Rules, d.Policy.Budget = d.Policy.Rules[:2], false
		if name == "regions" {
			d.Objective.GroupBy = []string{"region"}
		}
		all = append(all, d)
	}
	return all
}

func unpack(t *testing.T, from, to string) {
	t.Helper()
	packed, err := os.Open(from)
	if err != nil {
		t.Fatal(err)
	}
	defer packed.Close()
	content, err := gzip.NewReader(packed)
	if err != nil {
		t.Fatal(err)
	}
	plain, err := io.ReadAll(content)
	if err == nil {
		err = os.WriteFile(to, plain, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}
