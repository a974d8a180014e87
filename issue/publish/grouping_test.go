package publish

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/issue"
)

// noon is when most incidents here begin.
var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

// found is an incident that began some minutes after noon, and goes on.
func found(group string, minutes int) alert.Incident {
	at := noon.Add(time.Duration(minutes) * time.Minute)
	return alert.Incident{ID: group, Group: group, Repository: "acme/shop", Revision: 1, Windows: []alert.Window{{Kind: alert.Burn, Onset: at, Detected: at}}}
}

// several are incidents of as many groups, each with a number after its name.
func several(name string, n, minutes int) (all []alert.Incident) {
	for i := range n {
		all = append(all, found(fmt.Sprint(name, i), minutes))
	}
	return all
}

// as changes each of some incidents.
func as(all []alert.Incident, change func(*alert.Incident)) []alert.Incident {
	for n := range all {
		change(&all[n])
	}
	return all
}

func endedAt(minutes int) func(*alert.Incident) {
	return func(i *alert.Incident) { i.Windows[0].Ended = noon.Add(time.Duration(minutes) * time.Minute) }
}

// stored is a snapshot of a storm's publication that is posted, and of fresh incidents.
func stored(storm []alert.Incident, fresh ...alert.Incident) snapshot {
	pub := issue.NewPublication(issue.Storm, storm...)
	pub.Want(issue.Opening, time.Time{})
	pub.Create(pub.Opening(), nil, issue.Found{Ref: issue.Ref{Number: 1}})
	pub.Opening().Done()
	s := snapshot{fresh: fresh, recent: slices.Concat(storm, fresh), storms: []issue.Publication{pub}, incidents: map[string]alert.Incident{}}
	for _, i := range storm {
		s.incidents[i.ID] = i
	}
	return s
}

func TestGroup(t *testing.T) {
	fresh := func(all ...alert.Incident) snapshot { return snapshot{fresh: all, recent: all} }
	over := func(n int) snapshot { return snapshot{over: as(several("o", n, 0), endedAt(10))} }
	elsewhere := func(i *alert.Incident) { i.Repository = "acme/other" }
	blind := func(i *alert.Incident) { i.Windows[0].Kind = alert.Blindness }
	since := func(n int, d time.Duration) map[string]gathered {
		return map[string]gathered{"acme/shop": {n, noon.Add(-d)}}
	}
	storm := several("s", 6, 0)
	waiting := stored(storm, found("late", 5))
	waiting.behind, waiting.storms, waiting.fresh, waiting.recent = waiting.storms, nil, nil, nil
	waiting.behind = append(waiting.behind, issue.NewPublication(issue.Single, found("nobody", 0)))
	both := stored(storm, found("late", 5))
	both.behind = both.storms
	endless := func(minutes int) snapshot { // one more every ten minutes, each published by itself
		s := stored(storm, found("late", minutes))
		for n := 10; n < minutes; n += 10 {
			s.recent = append(s.recent, found(fmt.Sprint("m", n), n))
		}
		return s
	}
	gone := stored(storm, found("late", 5))
	gone.storms[0].Opening().Remove()
	for name, tc := range map[string]struct {
		snapshot snapshot
		old      map[string]gathered
		want     string // key, kind and incidents of each publication, with a + if one joined
	}{
		"nothing":                                {snapshot{}, nil, ""},
		"one":                                    {fresh(found("a", 0)), nil, "a: a"},
		"earliest onset first":                   {fresh(found("a", 5), found("b", 3)), nil, "b: b; a: a"},
		"five at once":                           {fresh(several("s", 5, 0)...), nil, "s0: s0; s1: s1; s2: s2; s3: s3; s4: s4"},
		"six at once":                            {fresh(several("s", 6, 0)...), nil, "s0 storm: s0 s1 s2 s3 s4 s5"},
		"six that have no data":                  {fresh(as(several("s", 6, 0), blind)...), nil, "s0 storm blind: s0 s1 s2 s3 s4 s5"},
		"six in two repositories":                {fresh(append(several("s", 3, 0), as(several("r", 3, 0), elsewhere)...)...), nil, "s0: s0; s1: s1; s2: s2; r0: r0; r1: r1; r2: r2"},
		"one joins a storm":                      {stored(storm, found("late", 5)), nil, "s0 storm+: s0 s1 s2 s3 s4 s5 late"},
		"one joins a storm that is behind":       {both, nil, "s0 storm+: s0 s1 s2 s3 s4 s5 late"},
		"one joins after a day":                  {endless(24 * 60), nil, "s0 storm+: s0 s1 s2 s3 s4 s5 late"},
		"none joins after more than a day":       {endless(24*60 + 10), nil, "late storm: late"},
		"a storm is over":                        {stored(storm, found("late", 11)), nil, "late: late"},
		"a storm's issue was removed":            {gone, nil, "late storm: late"},
		"of what is behind, incidents are known": {waiting, nil, "s0 storm: s0 s1 s2 s3 s4 s5"},
		"long over, and just found":              {over(3), nil, ""},
		"long over, and more turn up":            {over(3), since(2, time.Hour), ""},
		"long over, for some minutes":            {over(3), since(3, 4*time.Minute), ""},
		"long over, and no more turn up":         {over(3), since(3, 5*time.Minute), "o0 digest: o0 o1 o2"},
		"one that is long over":                  {over(1), since(1, 5*time.Minute), "o0: o0"},
	} {
		t.Run(name, func(t *testing.T) {
			jobs, gathering := group(tc.snapshot, tc.old, noon)
			var got []string
			for _, j := range jobs {
				text := j.pub.Key
				if j.pub.Kind != issue.Single {
					text = strings.TrimSpace(fmt.Sprint(text, " ", j.pub.Kind, " ", j.pub.Group))
				}
				if j.joined {
					text += "+"
				}
				text += ":"
				for n, i := range j.incidents {
					text += " " + i.ID
					if j.pub.Parts[n].Incident != i.ID {
						t.Errorf("part %d of %s is %s, not %s", n, j.pub.Key, j.pub.Parts[n].Incident, i.ID)
					}
				}
				got = append(got, text)
			}
			if diff := cmp.Diff(tc.want, strings.Join(got, "; ")); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if n := len(tc.snapshot.over); gathering["acme/shop"].incidents != n || (n == 0) != (len(gathering) == 0) {
				t.Errorf("gathered for a digest: %v", gathering)
			}
		})
	}
}

// TestIsLongOver checks which incidents go into a digest.
func TestIsLongOver(t *testing.T) {
	i := found("a", 0)
	if isLongOver(i, noon.AddDate(1, 0, 0)) {
		t.Error("it goes on")
	}
	endedAt(0)(&i)
	week := noon.Add(7 * 24 * time.Hour)
	if isLongOver(i, week) || !isLongOver(i, week.Add(1)) {
		t.Error("not a week ago")
	}
}
