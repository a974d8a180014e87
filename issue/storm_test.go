package issue_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postburn/postburn/issue"
)

// at is a story that begins at an offset from now, and burns for a time.
func at(group string, offset, length time.Duration) story {
	return story{group: group, onset: time.Now().Truncate(time.Minute).Add(offset), spans: [][2]time.Duration{{0, length}}}
}

// wave are stories that begin one after another.
func wave(prefix string, n int, offset, every, length time.Duration) (all []story) {
	for i := range n {
		all = append(all, at(fmt.Sprintf("%s%02d", prefix, i), offset+time.Duration(i)*every, length))
	}
	return all
}

// issues are the keys of all issues, sorted.
func (g *forge) issues() (keys []string) {
	for _, k := range g.keys() {
		if !strings.Contains(k, "/") {
			keys = append(keys, k)
		}
	}
	slices.Sort(keys)
	return keys
}

func TestStorm(t *testing.T) {
	const minute = time.Minute
	for name, tc := range map[string]struct {
		stories func() []story
		want    []string // issues
		parts   int      // of the storm
	}{
		"five at once are none": {
			func() []story { return wave("s", 5, 0, 0, 20*minute) }, []string{"s00-1", "s01-1", "s02-1", "s03-1", "s04-1"}, 0,
		},
		"six at once": {func() []story { return wave("s", 6, 0, 0, 20*minute) }, []string{"s00-1"}, 6},
		"one every two minutes": {
			func() []story { return wave("s", 8, 0, 2*minute, 20*minute) }, []string{"s00-1", "s01-1", "s02-1", "s03-1", "s04-1", "s05-1"}, 3,
		},
		"one every three minutes is none": {
			func() []story { return wave("s", 7, 0, 3*minute, 20*minute) },
			[]string{"s00-1", "s01-1", "s02-1", "s03-1", "s04-1", "s05-1", "s06-1"}, 0,
		},
		"others join while it goes on": {
			func() []story {
				return append(wave("s", 20, 0, 0, 20*minute), at("t", 9*minute, 10*minute), at("u", 19*minute, 10*minute))
			}, []string{"s00-1"}, 22,
		},
		"it ends when none begins for ten minutes": {
			func() []story { return append(wave("s", 20, 0, 0, 20*minute), at("t", 11*minute, 10*minute)) }, []string{"s00-1", "t-1"}, 20,
		},
		"one joins when the others are over": {
			func() []story { return append(wave("s", 10, 0, 0, 3*minute), at("t", 9*minute, 10*minute)) }, []string{"s00-1"}, 11,
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRun(tc.stories()...)
				r.until(t, 90*time.Minute, nil)
				if diff := cmp.Diff(tc.want, r.forge.issues()); diff != "" {
					t.Errorf("issues (-want +got):\n%s", diff)
				}
				parts := 0
				for _, p := range r.store.publications {
					if p.Kind == issue.Storm {
						parts += len(p.Parts)
					}
					for _, part := range p.Parts {
						if part.Posted != r.store.incidents[part.Incident].Revision {
							t.Errorf("%s: %+v is not posted", p.Key, part)
						}
					}
				}
				if parts != tc.parts {
					t.Errorf("%d incidents are part of a storm, want %d", parts, tc.parts)
				}
			})
		})
	}
}

// TestStormIsToldWithoutAFlood has a storm in which incidents join and recover one after another.
func TestStormIsToldWithoutAFlood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stories := wave("s", 40, 0, 0, 20*time.Minute)
		for n := range stories {
			stories[n].spans[0][1] += time.Duration(n) * 30 * time.Second
		}
		r := newRun(append(stories, wave("t", 10, 3*time.Minute, time.Minute, 15*time.Minute)...)...)
		r.until(t, 90*time.Minute, nil)
		r.wantKeys(t, "s00-1", "s00-1/progress", "s00-1/recovery-1")
		for key, stage := range map[string]string{"s00-1": "opening", "s00-1/recovery-1": "recovery"} {
			body := r.forge.body(t, key)
			if !strings.HasPrefix(body, stage+" of a storm, 0 open") || strings.Count(body, " s") != 41 || strings.Count(body, " t") != 10 {
				t.Errorf("%s is %q", key, body)
			}
		}
		if n := strings.Count(strings.Join(r.forge.calls, "\n"), "replace "); n > 10 {
			t.Errorf("%d texts were replaced in 40 minutes", n)
		}
	})
}

func TestAStormNeverSpansRepositories(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stories := wave("s", 12, 0, 0, 20*time.Minute)
		for n := range stories {
			stories[n].repository = []string{"acme/a", "acme/b", ""}[n%3]
			if n > 8 {
				stories[n].repository = "acme/a"
			}
		}
		r := newRun(stories...)
		r.until(t, time.Hour, nil)
		if diff := cmp.Diff([]string{"s00-1", "s01-1", "s02-1", "s04-1", "s05-1", "s07-1", "s08-1"}, r.forge.issues()); diff != "" {
			t.Errorf("issues (-want +got):\n%s", diff)
		}
	})
}

func TestAStormIsFoundAgainByAStoreThatWasLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRun(wave("s", 10, 0, 0, 40*time.Minute)...)
		r.until(t, 10*time.Minute, nil)
		r.store = newMemory()
		r.options.Store = r.store
		for n := range r.stories {
			r.stories[n].onset = r.stories[n].onset.Add(time.Minute)
			r.stories[n].group = "later-" + r.stories[n].group
		}
		r.until(t, time.Hour, nil)
		if diff := cmp.Diff([]string{"s00-1"}, r.forge.issues()); diff != "" {
			t.Errorf("issues (-want +got):\n%s", diff)
		}
	})
}

func TestAStormWhoseIssueWasDeletedIsNotJoined(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRun(append(wave("s", 10, 0, 0, 30*time.Minute), at("late", 8*time.Minute, 10*time.Minute))...)
		r.until(t, time.Hour, map[time.Duration]func(){4 * time.Minute: func() { r.forge.delete("s00") }})
		if diff := cmp.Diff([]string{"late-1"}, r.forge.issues()); diff != "" {
			t.Errorf("issues (-want +got):\n%s", diff)
		}
	})
}

func TestDigest(t *testing.T) {
	const day = 24 * time.Hour
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(20 * day)
		old := []story{
			at("a", -19*day, time.Hour), at("b", -12*day, time.Hour), at("c", -8*day, time.Hour), at("recent", -6*day, time.Hour),
		}
		alone := at("alone", -9*day, time.Hour)
		alone.repository = "acme/other"
		r := newRun(append(old, alone)...)
		begin := time.Now()
		var created []time.Duration
		r.forge.fault = func(op string) fault {
			if strings.HasPrefix(op, "create") {
				created = append(created, time.Since(begin))
			}
			return none
		}
		turnsUp := func() { r.stories = append(r.stories, at("d", -10*day, time.Hour)) } // while the others wait
		r.until(t, 20*time.Minute, map[time.Duration]func(){3 * time.Minute: turnsUp})
		if diff := cmp.Diff([]string{"a-1", "alone-1", "recent-1"}, r.forge.issues()); diff != "" {
			t.Errorf("issues (-want +got):\n%s", diff)
		}
		if body := r.forge.body(t, "a-1"); !strings.HasPrefix(body, "opening of a digest, 0 open") || !strings.HasSuffix(body, ": a b d c") {
			t.Errorf("the digest is %q", body)
		}
		if len(r.forge.keys()) != 3 {
			t.Errorf("texts: %v", r.forge.keys())
		}
		if created[0] > time.Minute {
			t.Errorf("the one that is not old waits for %s", created[0])
		}
	})
}
