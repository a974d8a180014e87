package issue_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/issue"
)

// people is a tracker that people wrote in.
type people struct {
	comments []issue.Comment
	bodies   map[string]string // by URL
	err      error
}

func (p people) Comments(context.Context, issue.Ref) ([]issue.Comment, error) {
	return p.comments, p.err
}

func (p people) Body(_ context.Context, of issue.Ref) (string, error) {
	body, ok := p.bodies[of.URL]
	if !ok && p.err == nil {
		return "", issue.ErrNotFound
	}
	return body, p.err
}

// incidentOn makes a breach of an hour, whose issue has its ID for an address.
func incidentOn(m *memory, id string, onset time.Time) alert.Incident {
	s := story{group: "checkout", onset: onset, spans: [][2]time.Duration{{0, time.Hour}}}
	i, _ := s.at(onset.Add(30 * 24 * time.Hour))
	i.ID = id
	m.put(i)
	m.publications[id] = issue.Publication{
		Key: id, Parts: []issue.Part{{Incident: id}}, Writes: []issue.Write{{Key: id, State: issue.Posted, Ref: issue.Ref{Number: 1, URL: id}}},
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
		{"2026-01-02 09:14 restarted nginx", "2026-01-02 09:14:00 restarted nginx"},
		{"2026-01-02T09:14Z restarted nginx", "2026-01-02 09:14:00 restarted nginx"},
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
		c := issue.Comment{Author: "alice", Time: written, Body: tc.body, URL: "https://example.org/1"}
		found := issue.People(m, people{comments: []issue.Comment{c, {Author: "robot", Robot: true, Time: written, Body: "hi"}}})(t.Context(), i)
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

func TestUnfinishedFollowUps(t *testing.T) {
	m := newMemory()
	onset := time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)
	i := incidentOn(m, "this", onset)
	incidentOn(m, "before", onset.AddDate(0, 0, -1))
	incidentOn(m, "long before", onset.AddDate(0, 0, -10))
	incidentOn(m, "gone", onset.AddDate(0, 0, -20))
	incidentOn(m, "too long before", onset.AddDate(0, 0, -100))
	const open = "- [ ] Alert on the queue\n- [x] Done\n  * [ ] Try a rollback (bob)  \n[ ] no item\n- [ ]\n"
	reader := people{bodies: map[string]string{"before": open, "long before": "1. [ ] Write it down\n" + strings.Repeat("- [ ] More\n", 9), "too long before": open}}
	want := []issue.FollowUp{{Incident: "before", Text: "Alert on the queue"}, {Incident: "before", Text: "Try a rollback (bob)"}, {Incident: "long before", Text: "Write it down"}}
	for range 4 {
		want = append(want, issue.FollowUp{Incident: "long before", Text: "More"})
	}
	found := issue.People(m, reader)(t.Context(), i)
	if diff := cmp.Diff(want, found.FollowUps); diff != "" || len(found.Unresolved) > 0 {
		t.Errorf("(-want +got):\n%s\nnot found out: %q", diff, found.Unresolved)
	}
	found = issue.People(m, people{err: errors.New("down")})(t.Context(), i)
	if got := fmt.Sprint(found.Unresolved); got != "[What people wrote in comments could not be read. What is still to be done after earlier incidents could not be read.]" {
		t.Errorf("got %s", got)
	}
}
