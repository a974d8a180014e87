package people_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/issue"
	"github.com/postburn/postburn/issue/people"
)

// tracker is a tracker that people wrote in.
type tracker struct {
	comments []issue.Comment
	more     bool
	trusted  []string // logins trusted only when asked
	asked    *int
	bodies   map[string]string // by URL
	err      error
}

func (p tracker) Comments(context.Context, issue.Ref) ([]issue.Comment, bool, error) {
	return p.comments, p.more, p.err
}

func (p tracker) Trusts(_ context.Context, _ issue.Ref, login string) (bool, error) {
	if p.asked != nil {
		*p.asked++
	}
	return slices.Contains(p.trusted, login), nil
}

func (p tracker) Body(_ context.Context, of issue.Ref) (string, error) {
	body, ok := p.bodies[of.URL]
	if !ok && p.err == nil {
		return "", issue.ErrNotFound
	}
	return body, p.err
}

// memory is a store with what these tests ask for.
type memory struct {
	issue.Store
	away         map[string]error // what can't be read: "incidents", or an incident's publication
	incidents    []alert.Incident
	publications map[string]issue.Publication // by incident
}

func newMemory() *memory { return &memory{publications: map[string]issue.Publication{}} }

func (m *memory) Incidents(ctx context.Context, since time.Time) (found []alert.Incident, err error) {
	if err := errors.Join(ctx.Err(), m.away["incidents"]); err != nil {
		return nil, err
	}
	for _, i := range m.incidents {
		if i.Ended().After(since) {
			found = append(found, i)
		}
	}
	return found, nil
}

func (m *memory) Publication(ctx context.Context, incident string) (issue.Publication, bool, error) {
	if err := errors.Join(ctx.Err(), m.away[incident]); err != nil {
		return issue.Publication{}, false, err
	}
	p, ok := m.publications[incident]
	return p, ok, nil
}

// incidentOn makes a breach of an hour. Its issue's address is its ID.
func incidentOn(m *memory, id string, onset time.Time) alert.Incident {
	i := alert.Incident{ID: id, Group: "checkout", Windows: []alert.Window{{Kind: alert.Burn, Onset: onset, Detected: onset.Add(time.Minute), Ended: onset.Add(time.Hour)}}}
	m.incidents = append(m.incidents, i)
	m.publications[id] = issue.Publication{
		Key: id, Parts: []issue.Part{{Incident: id}}, Writes: []issue.Write{{Key: id, Delivery: issue.Delivery{State: issue.Posted}, Ref: issue.Ref{Number: 1, URL: id}}},
	}
	return i
}

func TestCommentsThatBeginWithATime(t *testing.T) {
	written := time.Date(2026, 3, 2, 10, 30, 0, 0, time.UTC)
	for _, tc := range []struct{ body, want string }{
		{"09:14 restarted nginx", "2026-03-02 09:14:00 restarted nginx"},
		{"9:14 restarted nginx", "2026-03-02 09:14:00 restarted nginx"},
		{"09:14:30 - restarted nginx", "2026-03-02 09:14:30 restarted nginx"},
		{"09:14 UTC: restarted nginx", "2026-03-02 09:14:00 restarted nginx"},
		{"2026-03-01 19:14 restarted nginx", "2026-03-01 19:14:00 restarted nginx"},
		{"2026-03-01T19:14Z restarted nginx", "2026-03-01 19:14:00 restarted nginx"},
		{"23:50 called the database's people", "2026-03-01 23:50:00 called the database's people"},
		{"10:35 by a clock that is ahead", "2026-03-02 10:35:00 by a clock that is ahead"},
		{"- 09:14 restarted nginx\r\n- 09:20 it is back\r\nThat was all.", "2026-03-02 09:14:00 restarted nginx; 2026-03-02 09:20:00 it is back"},
		{"I restarted nginx\n09:14 is when", ""},
		{"09:14", ""},
		{"24:00 no time", ""},
		{"09:60 no time", ""},
		{"2026-02-30 09:14 no day", ""},
		{"10:30:00.5 is too exact", ""},
		{"1009:14 is no time", ""},
		{"", ""},
	} {
		m := newMemory()
		i := incidentOn(m, "this", written.Add(-2*time.Hour))
		c := issue.Comment{Author: "alice", Trusted: true, Time: written, Body: tc.body, URL: "https://example.org/1"}
		found := people.Collector(m, tracker{comments: []issue.Comment{c, {Author: "robot", Robot: true, Trusted: true, Time: written, Body: "hi"}}})(t.Context(), i)
		var got []string
		for _, e := range found.Timeline {
			got = append(got, e.Time.Format(time.DateTime)+" "+e.Text)
			if e.Source != "alice" || e.URL != c.URL || !e.Person || e.Symptom {
				t.Errorf("%q: %+v", tc.body, e)
			}
		}
		if diff := cmp.Diff(tc.want, strings.Join(got, "; ")); diff != "" {
			t.Errorf("%q (-want +got):\n%s", tc.body, diff)
		}
		if diff := cmp.Diff([]string{"alice"}, found.People); diff != "" {
			t.Errorf("people (-want +got):\n%s", diff)
		}
	}
}

func unfinished(incident, text string) issue.Unfinished {
	return issue.Unfinished{Incident: incident, FollowUp: issue.FollowUp{Text: text}}
}

func TestUnfinishedFollowUps(t *testing.T) {
	m := newMemory()
	onset := time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)
	i := incidentOn(m, "this", onset)
	incidentOn(m, "before", onset.AddDate(0, 0, -1))
	incidentOn(m, "long before", onset.AddDate(0, 0, -10))
	incidentOn(m, "gone", onset.AddDate(0, 0, -20))
	incidentOn(m, "too long before", onset.AddDate(0, 0, -100))
	const open = "- [ ] Alert on the queue\n- [x] Done\n  * [ ] Try a rollback (bob)  \n[ ] no item\n- [ ]\n"
	reader := tracker{bodies: map[string]string{"before": open, "long before": "1. [ ] Write it down\n" + strings.Repeat("- [ ] More\n", 9), "too long before": open}}
	want := []issue.Unfinished{unfinished("before", "Alert on the queue"), unfinished("before", "Try a rollback (bob)"), unfinished("long before", "Write it down")}
	for range 4 {
		want = append(want, unfinished("long before", "More"))
	}
	found := people.Collector(m, reader)(t.Context(), i)
	if diff := cmp.Diff(want, found.Unfinished); diff != "" || len(found.Unresolved) > 0 {
		t.Errorf("(-want +got):\n%s\nnot found out: %q", diff, found.Unresolved)
	}
	found = people.Collector(m, tracker{err: errors.New("down")})(t.Context(), i)
	if got := fmt.Sprint(found.Unresolved); got != "[What people wrote in comments could not be read. What is still to be done after earlier incidents could not be read.]" {
		t.Errorf("got %s", got)
	}
}

// TestTheStoreIsAway tells an error of the store from one of the tracker, which is a fact that people
// are told.
func TestTheStoreIsAway(t *testing.T) {
	const noComments, noFollowUps = "What people wrote in comments could not be read.", "What is still to be done after earlier incidents could not be read."
	down := errors.New("down")
	ended, end := context.WithCancel(t.Context())
	end()
	for name, tc := range map[string]struct {
		ctx     context.Context
		away    string
		tracker error
		want    error
		told    []string
	}{
		"all is well":               {t.Context(), "", nil, nil, nil},
		"the incident's own":        {t.Context(), "this", nil, down, nil},
		"an earlier incident's":     {t.Context(), "before", nil, down, nil},
		"incidents":                 {t.Context(), "incidents", nil, down, nil},
		"the tracker is":            {t.Context(), "", down, nil, []string{noComments, noFollowUps}},
		"the tracker is, as well":   {t.Context(), "incidents", down, down, []string{noComments}},
		"there was no time to read": {ended, "", nil, nil, []string{noComments, noFollowUps}},
	} {
		t.Run(name, func(t *testing.T) {
			m := newMemory()
			onset := time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)
			i := incidentOn(m, "this", onset)
			incidentOn(m, "before", onset.AddDate(0, 0, -1))
			m.away = map[string]error{tc.away: down}
			found := people.Collector(m, tracker{err: tc.tracker})(tc.ctx, i)
			if !errors.Is(found.StoreError, tc.want) {
				t.Errorf("the store's error is %v, want %v", found.StoreError, tc.want)
			}
			if diff := cmp.Diff(tc.told, found.Unresolved); diff != "" {
				t.Errorf("people are told (-want +got):\n%s", diff)
			}
		})
	}
}

// written is a comment of some lines, each with the same time.
func written(author string, at time.Time, trusted bool, lines int, line string) issue.Comment {
	body := strings.TrimSuffix(strings.Repeat(line+"\n", lines), "\n")
	return issue.Comment{Author: author, Trusted: trusted, Time: at, Body: body}
}

func TestWhoMayWriteIntoTheTimeline(t *testing.T) {
	onset := time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC) // it ends at 9:00
	at := onset.Add(90 * time.Minute)
	strangers := func(n int) (all []issue.Comment) {
		for i := range n {
			all = append(all, written(fmt.Sprint("stranger", i), at, false, 1, "08:10 buy this"))
		}
		return all
	}
	for name, tc := range map[string]struct {
		reader  tracker
		want    map[string]int // rows by author
		people  string
		leftOut string
	}{
		"a stranger's flood": {
			tracker{comments: []issue.Comment{written("mallory", at, false, 60, "08:10 buy this"), written("alice", at, true, 1, "08:20 rolled back")}},
			map[string]int{"alice": 1}, "[alice]",
			"[Lines of comments not listed here: 60 by accounts that may not write to the repository.]",
		},
		"one stranger's line": {
			tracker{comments: strangers(1)}, map[string]int{}, "[]",
			"[Lines of comments not listed here: 1 by accounts that may not write to the repository.]",
		},
		"a stranger who only talks": {tracker{comments: []issue.Comment{written("mallory", at, false, 1, "hello")}}, map[string]int{}, "[]", "[]"},
		"an insider's flood": {
			tracker{comments: []issue.Comment{written("alice", at, true, 60, "08:10 again"), written("bob", at, true, 2, "08:20 rolled back")}},
			map[string]int{"alice": 20, "bob": 2}, "[alice bob]", "[Lines of comments not listed here: 40 beyond an author's share.]",
		},
		"floods of many": {
			tracker{comments: []issue.Comment{
				written("a", at, true, 30, "08:10 a"), written("b", at, true, 30, "08:10 b"), written("c", at, true, 30, "08:10 c"), written("d", at, true, 3, "08:20 d"),
			}},
			map[string]int{"a": 13, "b": 12, "c": 12, "d": 3}, "[a b c d]", "[Lines of comments not listed here: 53 beyond an author's share.]",
		},
		"other times": {
			tracker{comments: []issue.Comment{
				written("alice", at, true, 1, "2026-03-01 07:59 too long before"), written("alice", at, true, 1, "2026-03-01 08:00 the day before"),
				written("alice", at, true, 1, "2027-01-01 00:00 to come"), written("alice", at.AddDate(0, 0, 2), true, 1, "2026-03-03 09:01 too long after"),
				written("alice", at.AddDate(0, 0, 2), true, 1, "2026-03-03 09:00 recovery work"),
			}},
			map[string]int{"alice": 2}, "[alice]", "[Lines of comments not listed here: 3 with a time outside the incident's.]",
		},
		"private members": {
			tracker{comments: append(strangers(2), written("zoe", at, false, 2, "08:20 rolled back")), trusted: []string{"zoe"}},
			map[string]int{"zoe": 2}, "[zoe]", "[Lines of comments not listed here: 2 by accounts that may not write to the repository.]",
		},
		"a clock that is ahead": {
			tracker{comments: []issue.Comment{written("alice", at, true, 1, "2026-03-02 09:40 a little"), written("alice", at, true, 1, "2026-03-02 09:41 too much")}},
			map[string]int{"alice": 1}, "[alice]", "[Lines of comments not listed here: 1 with a time outside the incident's.]",
		},
		"the last to be asked about": {
			tracker{comments: append(strangers(9), written("zoe", at, false, 2, "08:20 rolled back")), trusted: []string{"zoe"}},
			map[string]int{"zoe": 2}, "[zoe]", "[Lines of comments not listed here: 9 by accounts that may not write to the repository.]",
		},
		"asked about a few only": {
			tracker{comments: append(strangers(10), written("zoe", at, false, 2, "08:20 rolled back")), trusted: []string{"zoe"}},
			map[string]int{}, "[]", "[Lines of comments not listed here: 12 by accounts that may not write to the repository.]",
		},
		"more than are read": {
			tracker{comments: []issue.Comment{written("alice", at, true, 1, "08:20 rolled back")}, more: true},
			map[string]int{"alice": 1}, "[alice]", "[Only the first 1 comments were read.]",
		},
	} {
		t.Run(name, func(t *testing.T) {
			m := newMemory()
			i := incidentOn(m, "this", onset)
			asked := 0
			tc.reader.asked = &asked
			found := people.Collector(m, tc.reader)(t.Context(), i)
			got := map[string]int{}
			for _, e := range found.Timeline {
				got[e.Source]++
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("rows by author (-want +got):\n%s", diff)
			}
			if logins, left := fmt.Sprint(found.People), fmt.Sprint(found.LeftOut); logins != tc.people || left != tc.leftOut {
				t.Errorf("people %s, left out %s; want %s and %s", logins, left, tc.people, tc.leftOut)
			}
			if asked > 10 {
				t.Errorf("the tracker was asked %d times", asked)
			}
		})
	}
}

func TestLongLineIsCut(t *testing.T) {
	m := newMemory()
	onset := time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)
	i := incidentOn(m, "this", onset)
	c := written("alice", onset.Add(time.Hour), true, 1, "08:10 "+strings.Repeat("é", 60_000))
	found := people.Collector(m, tracker{comments: []issue.Comment{c}})(t.Context(), i)
	if len(found.Timeline) != 1 || len([]rune(found.Timeline[0].Text)) != 501 {
		t.Errorf("got %d rows", len(found.Timeline))
	}
}
